from __future__ import annotations

import pytest

from evse.core.units import MS, NEVER
from evse.services.clock import Instant
from evse.services.fake_journal import FakeStore
from evse.services.journal import JournalError, LatchFault

AT = Instant("boot", 0)


def latch(store: FakeStore, *faults: str) -> list[str]:
    """One commit per fault; the list fills as they are done."""
    done: list[str] = []
    for fault in faults:
        store.journal("s").commit([LatchFault(1, fault, "emergency", AT)], lambda fault=fault: done.append(fault))  # type: ignore[misc]
    return done


def test_each_commit_takes_its_time_one_after_the_other() -> None:
    store = FakeStore(5 * MS)
    done = latch(store, "a", "b")
    assert store.step(100 * MS) == 105 * MS
    assert store.step(104 * MS) == 105 * MS
    assert (done, store.journal("s").latched_faults(1)) == ([], ())
    assert store.step(105 * MS) == 110 * MS
    assert (done, store.journal("s").latched_faults(1)) == (["a"], ("a",))
    assert store.step(110 * MS) == NEVER
    assert done == ["a", "b"]


def test_queueing_wakes_the_scheduler() -> None:
    wakes: list[int] = []
    store = FakeStore(wake=lambda: wakes.append(1))
    latch(store, "a")
    assert wakes == [1]


@pytest.mark.parametrize(("keep", "faults"), [(None, ("a",)), (0, ("a",)), (1, ("a", "b")), (9, ("a", "b", "c"))])
def test_a_crash_keeps_what_is_durable_and_a_prefix_of_the_rest(keep: int | None, faults: tuple[str, ...]) -> None:
    store = FakeStore(5 * MS)
    done = latch(store, "a", "b", "c")
    store.step(0)
    store.step(5 * MS)
    image = store.crash(keep)
    assert (done, store.queued) == (["a"], 0)
    after = FakeStore(image=image)
    assert after.journal("s").latched_faults(1) == faults
    latch(after, "z")
    after.step(0)
    assert FakeStore(image=image).journal("s").latched_faults(1) == faults


def test_a_full_disk_can_be_read_and_writes_later() -> None:
    store = FakeStore()
    store.full_disk()
    done = latch(store, "a")
    assert store.step(0) == NEVER
    store.close()
    assert (done, store.journal("s").latched_faults(1), "full" in store.journal("s").problem) == ([], (), True)
    store.mended_disk()
    store.step(1)
    assert (done, store.problem) == (["a"], "")


def test_a_failing_disk_cannot_be_read_either() -> None:
    store = FakeStore()
    store.failing_disk()
    latch(store, "a")
    store.step(0)
    with pytest.raises(JournalError, match="I/O"):
        store.journal("s").latched_faults(1)
    store.mended_disk()
    store.step(0)
    assert store.journal("s").latched_faults(1) == ("a",)


def test_a_slow_disk_counts_from_the_next_commit() -> None:
    store = FakeStore()
    done = latch(store, "a")
    store.step(0)
    store.slow_disk(2 * MS)
    done = latch(store, "b")
    assert (store.step(0), done) == (2 * MS, [])
