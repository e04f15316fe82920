"""The scheduler: order, wakes, guards, observers, pacing."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from evse.sim.scheduler import LivelockError, Paced, Scheduler
from hal.units import MS, NEVER, SECOND


class Component:
    """Logs its steps; wishes for the times given to it, one after the other."""

    def __init__(self, log: list[tuple[str, int]], name: str, *wishes: int) -> None:
        self.log, self.name, self.wishes = log, name, list(wishes)
        self.action: Callable[[int], None] | None = None

    def step(self, now_us: int) -> int:
        self.log.append((self.name, now_us))
        if self.action is not None:
            self.action(now_us)
        while self.wishes and self.wishes[0] <= now_us:
            del self.wishes[0]
        return self.wishes[0] if self.wishes else NEVER


@pytest.fixture
def log() -> list[tuple[str, int]]:
    return []


@pytest.mark.req("SIM-02")
def test_components_of_one_instant_run_in_the_order_of_registration(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    for name in ("z", "a", "m"):
        scheduler.add(Component(log, name, 10, 20), name)
    scheduler.at(20, lambda now: log.append(("action", now)))
    scheduler.run_until(25)
    assert log == [
        *[(name, 0) for name in "zam"],
        *[(name, 10) for name in "zam"],
        ("action", 20),
        *[(name, 20) for name in "zam"],
    ]
    assert scheduler.now_us == 25


def test_a_wake_is_kept_beside_an_earlier_wish(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    component = Component(log, "c", 10)
    scheduler.add(component, "c")
    scheduler.wake(component, 20)
    scheduler.run_until(30)
    assert log == [("c", 0), ("c", 10), ("c", 20)]


def test_a_new_wish_replaces_the_old_one(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    component = Component(log, "c", 10)
    scheduler.add(component, "c")
    scheduler.at(5, lambda now: component.wishes.clear())
    scheduler.wake(component, 6)
    scheduler.run_until(30)
    assert log == [("c", 0), ("c", 6)]


def test_several_wakes_at_one_time_are_one_step(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    component = Component(log, "c")
    scheduler.add(component, "c")
    for _ in range(3):
        scheduler.wake(component, 7)
    scheduler.run_until(10)
    assert log == [("c", 0), ("c", 7)]


def test_a_component_woken_in_the_instant_is_stepped_again(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    first, second = Component(log, "first"), Component(log, "second", 10)
    scheduler.add(first, "first")
    scheduler.add(second, "second")
    second.action = lambda now: scheduler.wake(first, now - 3) if now == 10 else None
    scheduler.wake(first, 10)
    scheduler.run_until(10)
    assert log[2:] == [("first", 10), ("second", 10), ("first", 10)]


@pytest.mark.req("SIM-02")
def test_a_component_that_never_rests_is_named(log: list[tuple[str, int]]) -> None:
    class Restless:
        def step(self, now_us: int) -> int:
            return now_us

    scheduler = Scheduler(livelock_limit=50)
    scheduler.add(Component(log, "quiet"), "quiet")
    scheduler.add(Restless(), "meter twin")
    with pytest.raises(LivelockError, match="meter twin: stepped 50 times at 0 us"):
        scheduler.run_until(1)


def test_time_never_goes_back() -> None:
    scheduler = Scheduler()
    scheduler.run_until(100)
    with pytest.raises(ValueError, match="time never goes back"):
        scheduler.run_until(99)


def test_an_exception_tells_the_component_and_the_time() -> None:
    class Broken:
        def step(self, now_us: int) -> int:
            raise RuntimeError("boom")

    scheduler = Scheduler()
    scheduler.add(Broken(), "broken twin")
    with pytest.raises(RuntimeError) as caught:
        scheduler.run_until(1)
    assert caught.value.__notes__ == ["while stepping broken twin at 0 us"]


def test_a_removed_component_is_left_alone(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    component = Component(log, "c", 10, 20)
    scheduler.add(component, "c")
    scheduler.run_until(10)
    scheduler.wake(component, 15)
    scheduler.remove(component)
    scheduler.wake(component, 17)
    scheduler.run_until(30)
    assert log == [("c", 0), ("c", 10)]
    assert scheduler.counters.wakes_of_strangers == 1
    scheduler.add(component, "c again")
    scheduler.run_until(31)
    assert log[-1] == ("c", 30)


def test_registering_twice_is_refused(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    component = Component(log, "c")
    scheduler.add(component, "c")
    with pytest.raises(ValueError, match="scheduled already"):
        scheduler.add(component, "d")


@pytest.mark.req("SIM-02")
def test_observers_see_each_instant_once_and_after_everybody(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    scheduler.add(Component(log, "a", 10), "a")
    scheduler.add(Component(log, "b", 10), "b")
    scheduler.observers.append(lambda now: log.append(("observer", now)))
    scheduler.run_until(50)
    assert log == [("a", 0), ("b", 0), ("observer", 0), ("a", 10), ("b", 10), ("observer", 10)]


def test_what_an_observer_starts_happens_at_the_same_time(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler()
    component = Component(log, "c")
    scheduler.add(component, "c")
    started: list[int] = []

    def observer(now: int) -> None:
        if not started:
            started.append(now)
            scheduler.at(now, lambda at: log.append(("action", at)))

    scheduler.observers.append(observer)
    scheduler.run_until(5)
    assert log == [("c", 0), ("action", 0)]


def test_paced_follows_the_clock_at_its_rate(log: list[tuple[str, int]]) -> None:
    scheduler = Scheduler(start_us=500)
    scheduler.add(Component(log, "c", 500 + 100 * MS, 500 + 200 * MS), "c")
    paced = Paced(scheduler, clock_us=7 * SECOND, rate=10)
    assert paced.next_deadline_us() == 7 * SECOND
    paced.advance_to(7 * SECOND)
    assert paced.next_deadline_us() == 7 * SECOND + 10 * MS
    paced.advance_to(7 * SECOND + 10 * MS - 1)
    assert log == [("c", 500)]
    paced.advance_to(7 * SECOND + 30 * MS)
    assert log == [("c", 500), ("c", 500 + 100 * MS), ("c", 500 + 200 * MS)]
    assert scheduler.now_us == 500 + 300 * MS
    assert paced.next_deadline_us() == NEVER


def test_paced_deadline_is_never_before_the_virtual_time() -> None:
    scheduler = Scheduler()
    done: list[int] = []
    paced = Paced(scheduler, clock_us=0, rate=Fraction(3, 7))
    scheduler.at(1000, done.append)
    deadline = paced.next_deadline_us()
    paced.advance_to(deadline - 1)
    assert done == []
    paced.advance_to(deadline)
    assert done == [1000]


def test_paced_refuses_a_rate_of_nothing() -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Paced(Scheduler(), 0, 0)
