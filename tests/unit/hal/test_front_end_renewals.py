"""Moving steady renewals is the same as running them, to the microsecond and to the frame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hal.frames.front_end import DecoderCounts
from hal.ports import LockPulse
from hal.scheduling import ANY_PERIOD
from hal.units import MS, NEVER, SECOND
from tests.fakes.front_end_bench import FrontEndBench

Facts = dict[str, object]


def facts(bench: FrontEndBench) -> Facts:
    """Everything that a later event could depend on, and every counter."""
    driver, twin = bench.driver, bench.twin
    return {
        "now": bench.now_us,
        "reading": driver.reading,
        "read_at": driver.read_at_us,
        "connected": driver.connected,
        "driver": driver.counters,
        "twin": replace(twin.counters),
        "next renewal": driver.next_renewal_us(),
        "driver wake": driver.essential_wake_us(),
        "period": driver.steady_period_us(),
        "reason": twin.safe_state_reason,
        "pins": list(bench.pins.log),
    }


def tail(bench: FrontEndBench, since_us: int) -> list[object]:
    """The frames on the line since then."""
    return [(at, frame) for at, frame in (*bench.sent, *bench.heard) if at >= since_us]


def both(story: str, span_us: int) -> tuple[FrontEndBench, FrontEndBench]:
    benches = (FrontEndBench(elide=False), FrontEndBench(elide=True))
    for bench in benches:
        bench.charge()
        if story == "idle":
            bench.hold(False)
            bench.driver.open(0, bench.now_us)
            bench.run(20 * MS)
        bench.run(span_us)
    return benches


@pytest.mark.parametrize("story", ["holding", "idle"])
@pytest.mark.parametrize("span_us", [SECOND, 10 * SECOND, 60 * SECOND + 12_345, 200 * SECOND + 1])
def test_an_elided_span_leaves_the_same_state_as_a_full_one(story: str, span_us: int) -> None:
    full, elided = both(story, span_us)
    assert facts(full) == facts(elided)
    if span_us > 20 * SECOND:
        assert elided.scheduler.counters.frames_elided > 0.8 * (len(full.sent) + len(full.heard))


@pytest.mark.parametrize("story", ["holding", "idle"])
def test_what_follows_an_elided_span_is_the_same_frame_by_frame(story: str) -> None:
    full, elided = both(story, 100 * SECOND + 7_001)
    since = full.now_us
    for bench in (full, elided):
        bench.load(9_000)
        bench.scheduler.advance_full(since + 30 * MS)
        bench.hold(False)
        bench.driver.open(4, bench.now_us)
        bench.driver.pulse_lock(LockPulse.UNLOCK, 600 * MS, bench.now_us)
        bench.poke()
        bench.scheduler.advance_full(bench.now_us + 5 * SECOND)
    assert tail(full, since) == tail(elided, since)
    assert facts(full) == facts(elided)


def test_a_lease_that_is_not_renewed_ends_at_the_same_time_in_both() -> None:
    full, elided = both("holding", 30 * SECOND + 333)
    for bench in (full, elided):
        # Control withholds its grant at the next renewal: from then on nothing may be moved.
        due_us = bench.driver.renewal_due_us
        bench.scheduler.advance_full(due_us - 1)
        bench.hold(False)
        bench.scheduler.advance_full(due_us + 1)
        bench.run(10 * SECOND)
    assert full.pins.times_of("coil", False) == elided.pins.times_of("coil", False) != []
    assert facts(full) == facts(elided)


def test_one_shift_equals_that_many_renewals_run() -> None:
    full, moved = FrontEndBench(), FrontEndBench()
    periods = 1_000
    for bench in (full, moved):
        bench.charge()
        while not (bench.driver.steady_period_us() and bench.modem.steady_period_us()):
            bench.run(MS)
        assert bench.twin.steady_period_us() == ANY_PERIOD
    full.run(periods * 50 * MS)
    delta = periods * moved.driver.steady_period_us()
    assert delta == periods * 50 * MS
    assert moved.driver.shift_renewals(periods, delta) == periods
    assert moved.twin.shift_renewals(periods, delta) == periods
    same, other = facts(full), facts(moved)
    for key in ("reading", "read_at", "driver", "twin", "next renewal", "period", "reason"):
        assert same[key] == other[key], key
    assert isinstance(full.driver.counters.line, DecoderCounts)


def test_nothing_is_steady_while_something_is_under_way() -> None:
    bench = FrontEndBench()
    assert bench.driver.steady_period_us() == 0
    assert bench.twin.steady_period_us() == 0
    assert bench.driver.next_renewal_us() == NEVER
    bench.charge()
    bench.run(20 * MS)
    assert bench.driver.steady_period_us() == 50 * MS
    bench.driver.pulse_lock(LockPulse.LOCK, 600 * MS, bench.now_us)
    assert bench.driver.steady_period_us() == 0
    bench.run(60 * MS)
    assert bench.driver.steady_period_us() == 50 * MS
    bench.pins.currents = (16_000, 0, 0)
    bench.pins.changed(bench.now_us)
    assert bench.twin.steady_period_us() == 0
    assert bench.twin.essential_wake_us() <= bench.now_us + 2 * MS


def test_a_small_change_that_was_not_told_yet_keeps_the_twin_from_being_steady() -> None:
    bench = FrontEndBench()
    bench.run(2 * SECOND + 100 * MS)
    assert bench.twin.steady_period_us() == ANY_PERIOD
    bench.pins.currents = (40, 0, 0)
    bench.pins.changed(bench.now_us)
    bench.run(10 * MS)
    assert bench.twin.steady_period_us() == 0
    bench.run(SECOND)
    assert bench.twin.steady_period_us() == ANY_PERIOD
    assert bench.driver.reading is not None
    assert bench.driver.reading.currents_ma == (40, 0, 0)


def test_a_lease_that_only_inquiries_follow_is_about_to_end_and_not_steady() -> None:
    bench = FrontEndBench()
    bench.charge()
    bench.run(20 * MS)
    assert bench.twin.steady_period_us() == ANY_PERIOD
    bench.hold(False)
    bench.run(180 * MS)
    assert bench.pins.coil
    assert bench.twin.steady_period_us() == 0
