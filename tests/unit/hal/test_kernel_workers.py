"""Raising the kernel's workers that carry serial lines, against a made-up /proc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hal.linux.kernel_workers import KTHREADD, NORMAL, RAISED, KernelWorkers, Policy

WORKER, SECOND, HIGH, PER_CORE, RESCUER, IMPOSTOR = 12, 32, 48, 9, 34, 900


class Machine:
    """A /proc and the priorities of what is in it."""

    def __init__(self, root: Path) -> None:
        self.proc, self.users = root / "proc", root / "users"
        self.users.mkdir()
        self.policies: dict[int, Policy] = {}
        self.refused: set[int] = set()
        self.add(KTHREADD, "kthreadd", parent=0)
        self.add(WORKER, "kworker/u8:0-events_unbound")
        self.add(HIGH, "kworker/u9:0", Policy(os.SCHED_OTHER, 0, -20))
        self.add(PER_CORE, "kworker/0:0-events")
        self.add(RESCUER, "kworker/R-writeback")
        self.add(IMPOSTOR, "kworker/u8:7", parent=1)

    def add(self, pid: int, name: str, policy: Policy = NORMAL, parent: int = KTHREADD) -> None:
        """One thread more."""
        folder = self.proc / str(pid)
        folder.mkdir(parents=True)
        (folder / "stat").write_text(f"{pid} ({name}) I {parent} 0 0 0 -1 69239136\n")
        self.policies[pid] = policy
        self._write_children(pid if parent == KTHREADD else None)

    def _write_children(self, pid: int | None) -> None:
        task = self.proc / str(KTHREADD) / "task" / str(KTHREADD)
        task.mkdir(parents=True, exist_ok=True)
        file = task / "children"
        text = file.read_text() if file.exists() else ""
        file.write_text(text + (f"{pid} " if pid else ""))

    def forget_children(self) -> None:
        """A kernel without the list of children."""
        (self.proc / str(KTHREADD) / "task" / str(KTHREADD) / "children").unlink()

    def policy(self, pid: int) -> Policy:
        """As the system."""
        if pid not in self.policies:
            raise ProcessLookupError(3, os.strerror(3))
        return self.policies[pid]

    def give(self, pid: int, policy: int, priority: int) -> None:
        """As the system."""
        if pid in self.refused:
            raise PermissionError(1, os.strerror(1))
        self.policies[pid] = Policy(policy, priority, self.policy(pid).nice)

    def raised(self) -> set[int]:
        """Which threads are raised now."""
        return {pid for pid, policy in self.policies.items() if policy == RAISED}

    def workers(self) -> KernelWorkers:
        """What a station has of them."""
        return KernelWorkers(self.proc, self.users, self)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_only_unbound_workers_of_normal_priority_and_their_maker_are_raised(machine: Machine) -> None:
    workers = machine.workers()
    workers.tend()
    assert machine.raised() == {KTHREADD, WORKER}
    assert workers.problem == ""
    workers.release()


def test_without_the_list_of_children_the_same_are_found(machine: Machine) -> None:
    machine.forget_children()
    workers = machine.workers()
    workers.tend()
    assert machine.raised() == {KTHREADD, WORKER}
    workers.release()


def test_a_worker_that_comes_later_is_raised_by_the_next_round_and_one_that_goes_is_forgotten(machine: Machine) -> None:
    workers = machine.workers()
    workers.tend()
    machine.add(SECOND, "kworker/u8:1")
    del machine.policies[WORKER]
    workers.tend()
    assert machine.raised() == {KTHREADD, SECOND}
    assert workers.problem == ""
    workers.release()


def test_what_has_a_real_time_priority_of_its_makers_is_left_alone_also_at_the_end(machine: Machine) -> None:
    own = Policy(os.SCHED_RR, 50, 0)
    machine.policies[WORKER] = own
    workers = machine.workers()
    workers.tend()
    workers.release()
    assert machine.policies[WORKER] == own


def test_normal_priority_comes_back_with_the_end_of_the_last_station_only(machine: Machine) -> None:
    first, second = machine.workers(), machine.workers()
    first.tend()
    second.tend()
    first.release()
    assert machine.raised() == {KTHREADD, WORKER}
    second.release()
    second.release()
    assert machine.raised() == set()


def test_what_a_killed_station_has_left_raised_is_lowered_by_the_next_ones_end(machine: Machine) -> None:
    machine.policies[WORKER] = RAISED
    workers = machine.workers()
    workers.tend()
    workers.release()
    assert machine.raised() == set()


def test_a_refusal_is_told_and_raises_nothing(machine: Machine) -> None:
    machine.refused = set(machine.policies)
    workers = machine.workers()
    workers.tend()
    assert workers.problem == "Operation not permitted"
    machine.refused = set()
    workers.tend()
    assert workers.problem == ""
    workers.release()


def test_in_a_container_where_process_two_is_something_else_nothing_is_touched(machine: Machine) -> None:
    (machine.proc / str(KTHREADD) / "stat").write_text("2 (python) S 1 0\n")
    workers = machine.workers()
    workers.tend()
    assert machine.raised() == set()
    assert "not visible" in workers.problem
    workers.release()


def test_a_proc_that_cannot_be_read_is_told_as_not_visible(tmp_path: Path) -> None:
    workers = KernelWorkers(tmp_path / "none", tmp_path)
    workers.tend()
    assert "not visible" in workers.problem
    workers.release()
