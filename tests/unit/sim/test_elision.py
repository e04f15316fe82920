"""Elision: moving steady renewal loops changes nothing but the work done."""

from __future__ import annotations

import pytest

from evse.sim.elision import JumpPlan, RenewalLoop, plan_jump
from evse.sim.scheduler import Scheduler
from hal.scheduling import ANY_PERIOD
from hal.twins.null_modem import NullModem
from hal.units import MS, NEVER, SECOND

Log = list[tuple[int, str]]


class ToyDevice:
    """Answers each renewal; says so when a lease of 2.5 periods ends; reports a change at ``changes_at``."""

    def __init__(self, name: str, line: NullModem, log: Log, period: int, changes_at: tuple[int, ...]) -> None:
        self.name, self.line, self.log, self.period = name, line, log, period
        self.changes = list(changes_at)
        self.lease_end = NEVER
        self.renewals = 0
        line.right.attach(self)

    def step(self, now_us: int) -> int:
        for _ in self.line.right.read(now_us):
            self.renewals += 1
            self.lease_end = now_us + self.period * 5 // 2
            self.line.right.write(b"a", now_us)
        if now_us >= self.lease_end:
            self.log.append((now_us, f"{self.name} lease ended"))
            self.lease_end = NEVER
        if self.changes and now_us >= self.changes[0]:
            del self.changes[0]
            self.line.right.write(b"!", now_us)
        return min(self.lease_end, self.essential_wake_us())

    def steady_period_us(self) -> int:
        return ANY_PERIOD

    def next_renewal_us(self) -> int:
        return NEVER

    def essential_wake_us(self) -> int:
        return self.changes[0] if self.changes else NEVER

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        self.renewals += periods
        if self.lease_end < NEVER:
            self.lease_end += delta_us
        return periods


class ToyDriver:
    """Renews each period while ``on``; not stepped by the scheduler but polled by a hub.

    Steady only when nothing but its last renewal and one answer has passed.
    """

    def __init__(self, name: str, line: NullModem, log: Log, period: int) -> None:
        self.name, self.line, self.log, self.period = name, line, log, period
        self.on = True
        self.next_send = 0
        self.waiting = False
        self.in_step = False
        self.heard_at = 0
        self.sent = 0

    def poll(self, now_us: int) -> int:
        for byte in self.line.left.read(now_us):
            self.heard_at = now_us
            self.in_step = self.waiting and byte != ord("!")
            self.waiting = False
            if byte == ord("!"):
                self.log.append((now_us, f"{self.name} changed"))
        assert now_us >= self.heard_at, "looked at a loop whose state lies in the future"
        if self.on and now_us >= self.next_send:
            self.line.left.write(b"r", now_us)
            self.sent += 1
            self.waiting = True
            self.next_send = now_us + self.period
        return self.next_renewal_us()

    def steady_period_us(self) -> int:
        if self.on:
            return self.period if self.in_step and not self.waiting else 0
        return 0 if self.waiting else ANY_PERIOD

    def next_renewal_us(self) -> int:
        return self.next_send if self.on else NEVER

    def wish_us(self) -> int:
        return self.next_renewal_us()

    def essential_wake_us(self) -> int:
        return NEVER

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        self.next_send += delta_us
        self.heard_at += delta_us
        self.sent += periods
        return periods


class Hub:
    """Polls drivers and does something of its own each ``own_period``, like control's core."""

    def __init__(self, drivers: list[ToyDriver], log: Log, own_period: int) -> None:
        self.drivers, self.log, self.own_period = drivers, log, own_period
        self.own_next = own_period
        for driver in drivers:
            driver.line.left.attach(self)

    def step(self, now_us: int) -> int:
        wish = min(driver.poll(now_us) for driver in self.drivers)
        if now_us >= self.own_next:
            self.log.append((now_us, "checkpoint " + " ".join(str(driver.sent) for driver in self.drivers)))
            self.own_next += self.own_period
        return min(wish, self.own_next)

    def essential_wake_us(self) -> int:
        return self.own_next


def run(
    elide: bool, periods: tuple[int, ...], until: int = 420 * SECOND
) -> tuple[Log, Scheduler, list[tuple[int, ...]]]:
    scheduler = Scheduler(elide=elide)
    log: Log = []
    lines = [NullModem(scheduler, name=f"line {index}") for index in range(len(periods))]
    devices = [
        ToyDevice(f"d{index}", line, log, period, (61_234_567 * (index + 1), 400 * SECOND))
        for index, (line, period) in enumerate(zip(lines, periods, strict=True))
    ]
    drivers = [
        ToyDriver(f"d{index}", line, log, period)
        for index, (line, period) in enumerate(zip(lines, periods, strict=True))
    ]
    hub = Hub(drivers, log, 60 * SECOND + 7)
    scheduler.add(hub, "hub")
    for device in devices:
        scheduler.add(device, device.name)
    for index, (driver, line, device) in enumerate(zip(drivers, lines, devices, strict=True)):
        scheduler.add_loop(RenewalLoop(f"loop {index}", (driver, line, device), line, hub))

    def switch(on: bool) -> None:
        drivers[0].on = on
        drivers[0].next_send = scheduler.now_us
        scheduler.wake(hub, scheduler.now_us)

    scheduler.at(200 * SECOND + 123, lambda now: switch(False))
    scheduler.at(300 * SECOND + 456, lambda now: switch(True))
    scheduler.run_until(until)
    state: list[tuple[int, ...]] = [
        (driver.sent, driver.next_send, driver.heard_at, device.renewals, device.lease_end)
        for driver, device in zip(drivers, devices, strict=True)
    ]
    return log, scheduler, state


@pytest.mark.req("SIM-02")
@pytest.mark.parametrize(
    "periods",
    [
        (50 * MS,),
        (50 * MS, 50 * MS),
        (50 * MS, 1 * SECOND),
        (50 * MS, 250 * MS, 1 * SECOND),
        (700 * MS, 1 * SECOND),
        (1 * SECOND, 730 * MS, 110 * MS),
        (333_333, 499_979, 1_000_003),
    ],
)
def test_elided_and_full_run_give_the_same_log_and_the_same_state(periods: tuple[int, ...]) -> None:
    full_log, full, full_state = run(False, periods)
    log, elided, state = run(True, periods)
    assert log == full_log
    assert state == full_state
    assert any("lease ended" in text for _, text in log)
    assert full.counters.jumps == full.counters.frames_elided == 0
    assert elided.counters.frames_elided > 0
    assert elided.counters.steps * 10 < full.counters.steps


def test_a_jump_costs_no_more_than_a_few_renewals() -> None:
    _, scheduler, _ = run(True, (50 * MS, 1 * SECOND))
    assert scheduler.counters.steps < 400


def renew(loop: RenewalLoop, at_us: int) -> None:
    """Run one renewal of ``loop``: sent at ``at_us``, answered within 2 ms."""
    driver, _, device = loop.parts
    assert isinstance(driver, ToyDriver)
    assert isinstance(device, ToyDevice)
    driver.poll(at_us)
    device.step(at_us + 1 * MS)
    driver.poll(at_us + 2 * MS)


def plan(loops: list[RenewalLoop], now_us: int, limit_us: int = 10 * SECOND) -> JumpPlan | None:
    return plan_jump(loops, now_us, limit_us, lambda member: None)


def steady_loop(name: str, period: int) -> RenewalLoop:
    """A loop that has shown the same renewal twice and is at rest."""
    line = NullModem(Scheduler())
    driver, device = ToyDriver(name, line, [], period), ToyDevice(name, line, [], period, ())
    loop = RenewalLoop(name, (driver, line, device), line)
    for at_us in (0, period):
        renew(loop, at_us)
        plan([loop], at_us + 2 * MS)
    return loop


def test_a_loop_is_moved_once_a_renewal_has_been_seen_twice_and_is_over() -> None:
    line = NullModem(Scheduler())
    driver, device = ToyDriver("d", line, [], 50 * MS), ToyDevice("d", line, [], 50 * MS, ())
    loop = RenewalLoop("loop", (driver, line, device), line)
    driver.poll(0)
    assert plan([loop], 10) is None
    renew(loop, 0)
    assert plan([loop], 2 * MS) is None
    renew(loop, 50 * MS)
    found = plan([loop], 52 * MS)
    assert found is not None
    assert found.shifts == ((loop, 198, 198 * 50 * MS),)
    assert found.now_us == 10 * SECOND


def test_parts_with_different_periods_move_by_their_common_multiple() -> None:
    scheduler = Scheduler()
    log: Log = []
    line = NullModem(scheduler)
    fast, slow = ToyDriver("fast", line, log, 40 * MS), ToyDriver("slow", line, log, 60 * MS)
    fast.in_step = slow.in_step = True
    loop = RenewalLoop("loop", (fast, slow), line)
    assert loop.period_us() == 120 * MS
    assert loop.shift(2, 240 * MS) == 6 + 4
    assert (fast.sent, slow.sent) == (6, 4)


def test_an_unsteady_loop_holds_all_others() -> None:
    loops = [steady_loop("first", 50 * MS), steady_loop("second", 50 * MS)]
    assert plan(loops, 52 * MS) is not None
    line = loops[1].line
    assert isinstance(line, NullModem)
    line.cut()
    assert plan(loops, 52 * MS) is None


def test_a_loop_after_other_traffic_runs_one_renewal_for_real_before_it_moves_again() -> None:
    loop = steady_loop("loop", 50 * MS)
    assert plan([loop], 52 * MS) is not None
    line = loop.line
    assert isinstance(line, NullModem)
    line.right.write(b"!", 70 * MS)
    line.left.read(71 * MS)
    assert loop.period_us() == 50 * MS
    assert plan([loop], 71 * MS) is None
    renew(loop, 100 * MS)
    assert plan([loop], 102 * MS) is not None


def test_a_jump_into_the_middle_of_a_renewal_ends_where_it_begins() -> None:
    loop = steady_loop("loop", 50 * MS)
    found = plan([loop], 52 * MS, 5 * SECOND + 500)
    assert found is not None
    assert found.now_us == 5 * SECOND
    assert found.shifts == ((loop, 98, 98 * 50 * MS),)


def test_a_loop_whose_runner_is_gone_is_not_moved() -> None:
    scheduler = Scheduler()
    log: Log = []
    line = NullModem(scheduler)
    driver = ToyDriver("d", line, log, 50 * MS)
    device = ToyDevice("d", line, log, 50 * MS, ())
    hub = Hub([driver], log, 60 * SECOND)
    scheduler.add(hub, "hub")
    scheduler.add(device, "device")
    scheduler.add_loop(RenewalLoop("loop", (driver, line, device), line, hub))
    scheduler.run_until(10 * SECOND + 10 * MS)
    scheduler.remove(hub)
    scheduler.run_until(20 * SECOND)
    assert log == [(device.renewals * 50 * MS - 50 * MS + 87 + 125 * MS, "d lease ended")]


def test_two_loops_of_one_name_are_refused() -> None:
    scheduler = Scheduler()
    line = NullModem(scheduler)
    scheduler.add_loop(RenewalLoop("reader", (line,), line))
    with pytest.raises(ValueError, match="reader"):
        scheduler.add_loop(RenewalLoop("reader", (line,), line))
    scheduler.remove_loop("reader")
    scheduler.add_loop(RenewalLoop("reader", (line,), line))
