"""Energy by integration, phases in use, and over-current against the highest recent offer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.energy import PJ_PER_WH, EnergyRegister, OverCurrentWatch, PhaseDetector
from evse.core.units import HOUR, MS, NEVER, SECOND, PhaseValues

VOLTS: PhaseValues = (230_000, 230_000, 230_000)


def test_one_hour_at_16_amperes_on_three_phases() -> None:
    register = EnergyRegister()
    register.advance(0)
    register.set_power((16_000, 16_000, 16_000), VOLTS)
    register.advance(HOUR)
    assert register.wh == 11_040


@given(
    powers=st.lists(st.tuples(st.integers(0, 80_000), st.integers(1, 10**9)), min_size=1, max_size=12),
    cuts=st.lists(st.integers(1, 10**9), max_size=12),
)
def test_the_register_does_not_depend_on_how_often_it_is_looked_at(
    powers: list[tuple[int, int]], cuts: list[int]
) -> None:
    once, often = EnergyRegister(), EnergyRegister()
    now_us, exact_pj = 0, 0
    for register in (once, often):
        register.advance(0)
    for current_ma, for_us in powers:
        for register in (once, often):
            register.advance(now_us)
            register.set_power((current_ma, 0, 0), VOLTS)
        for cut_us in sorted(cut for cut in cuts if cut < for_us):
            often.advance(now_us + cut_us)
            assert often.wh_at(now_us + cut_us) == often.wh
        exact_pj += current_ma * 230_000 * for_us
        now_us += for_us
        assert once.wh_at(now_us) == often.wh_at(now_us) == exact_pj // PJ_PER_WH
        for register in (once, often):
            register.advance(now_us)
    assert once.wh == often.wh == exact_pj // PJ_PER_WH


@given(st.lists(st.tuples(st.integers(-1_000, 80_000), st.integers(-10, 10**8), st.integers(0, 2_000)), max_size=20))
def test_the_register_never_falls(steps: list[tuple[int, int, int]]) -> None:
    register = EnergyRegister()
    now_us, last_wh = 0, 0
    for current_ma, after_us, stored_wh in steps:
        register.set_power((current_ma, 0, 0), VOLTS)
        now_us += max(0, after_us)
        register.advance(now_us)
        register.restore(stored_wh)
        assert register.wh >= max(last_wh, stored_wh)
        last_wh = register.wh


def test_what_comes_back_from_the_vehicle_is_not_counted() -> None:
    register = EnergyRegister()
    register.advance(0)
    register.set_power((-16_000, 10_000, -1), VOLTS)
    register.advance(HOUR)
    assert register.wh == 2_300


def test_a_stored_reading_is_continued_and_never_lowers() -> None:
    register = EnergyRegister()
    register.restore(1_000)
    register.restore(400)
    assert register.wh == 1_000
    register.advance(0)
    register.set_power((10_000, 0, 0), VOLTS)
    register.advance(HOUR)
    assert register.wh == 3_300


# --- phases ----------------------------------------------------------------------------------------------------------


@pytest.mark.req("PIL-10")
@pytest.mark.parametrize(
    ("currents_ma", "phases"),
    [
        ((16_000, 0, 0), 1),
        ((0, 0, 16_000), 1),
        ((16_000, 16_000, 0), 2),
        ((16_000, 16_000, 16_000), 3),
        ((1_001, 1_000, 999), 1),
    ],
)
def test_phases_are_counted_after_five_seconds(currents_ma: PhaseValues, phases: int) -> None:
    detector = PhaseDetector()
    assert detector.update(0, currents_ma) == 5 * SECOND
    detector.update(5 * SECOND - 1, currents_ma)
    assert detector.phases == 0
    assert detector.update(5 * SECOND, currents_ma) == NEVER
    assert detector.phases == phases


@pytest.mark.req("PIL-10")
def test_no_current_keeps_the_count_and_a_new_vehicle_forgets_it() -> None:
    detector = PhaseDetector()
    for at_us in (0, 5 * SECOND):
        detector.update(at_us, (9_000, 9_000, 9_000))
    detector.update(6 * SECOND, (0, 0, 0))
    detector.update(60 * SECOND, (500, 0, 0))
    assert detector.phases == 3
    detector.reset()
    assert detector.phases == 0


def test_a_count_that_changes_or_pauses_begins_anew() -> None:
    detector = PhaseDetector()
    detector.update(0, (9_000, 0, 0))
    assert detector.update(4 * SECOND, (9_000, 9_000, 9_000)) == 9 * SECOND
    detector.pause()
    assert detector.update(60 * SECOND, (9_000, 9_000, 9_000)) == 65 * SECOND
    assert detector.phases == 0


# --- over-current ----------------------------------------------------------------------------------------------------


def watch() -> OverCurrentWatch:
    return OverCurrentWatch(500, 110, 7 * SECOND)


@pytest.mark.req("PIL-05", "OUT-05")
def test_soft_over_current_trips_after_exactly_seven_seconds() -> None:
    guard = watch()
    guard.offered(0, 16_000)
    limit_ma = (16_000 + 500) * 110 // 100
    assert guard.update(10 * SECOND, (limit_ma, 0, 0)) == NEVER
    assert guard.update(11 * SECOND, (0, limit_ma + 1, 0)) == 18 * SECOND
    guard.update(18 * SECOND - 1, (0, limit_ma + 1, 0))
    assert not guard.tripped
    guard.update(18 * SECOND, (0, limit_ma + 1, 0))
    assert guard.tripped
    guard.update(18 * SECOND + 1, (0, limit_ma, 0))
    assert not guard.tripped


@pytest.mark.req("PIL-05")
def test_the_highest_offer_of_the_last_five_seconds_counts() -> None:
    guard = watch()
    guard.offered(0, 32_000)
    guard.offered(20 * SECOND, 10_000)
    assert guard.highest_offer_ma(25 * SECOND - 1) == 32_000
    assert guard.highest_offer_ma(25 * SECOND) == 10_000


@pytest.mark.req("PIL-05")
def test_a_vehicle_that_does_not_follow_a_lower_offer_is_cut_off_12_s_after_it() -> None:
    guard = watch()
    guard.offered(0, 32_000)
    guard.offered(20 * SECOND, 10_000)
    tripped_us = None
    for now_ms in range(20_000, 40_000, 100):
        guard.update(now_ms * MS, (32_000, 32_000, 32_000))
        if guard.tripped and tripped_us is None:
            tripped_us = now_ms * MS
    assert tripped_us == 32 * SECOND


def test_a_short_dip_begins_the_time_anew_and_so_does_a_lost_link() -> None:
    guard = watch()
    guard.offered(0, 6_000)
    guard.update(10 * SECOND, (30_000, 0, 0))
    guard.update(16 * SECOND, (6_000, 0, 0))
    assert guard.update(16 * SECOND + 1, (30_000, 0, 0)) == 23 * SECOND + 1
    guard.lost()
    assert guard.update(60 * SECOND, (30_000, 0, 0)) == 67 * SECOND
    assert not guard.tripped


@given(st.lists(st.tuples(st.integers(1, 9_000), st.integers(0, 32_000)), max_size=30), st.integers(0, 8_000))
def test_the_highest_offer_is_what_was_on_the_pilot(offers: list[tuple[int, int]], later_ms: int) -> None:
    guard = watch()
    now_ms, history = 0, [(-10_000, 0)]
    for after_ms, offer_ma in offers:
        now_ms += after_ms
        guard.offered(now_ms * MS, offer_ma)
        history.append((now_ms, offer_ma))
        guard.highest_offer_ma(now_ms * MS)
    now_ms += later_ms
    start_ms = now_ms - 5_000
    ends_ms = [at_ms for at_ms, _ in history[1:]] + [now_ms + 1]
    in_window = [offer for (at_ms, offer), end_ms in zip(history, ends_ms, strict=True) if end_ms > start_ms]
    assert guard.highest_offer_ma(now_ms * MS) == max(in_window)
