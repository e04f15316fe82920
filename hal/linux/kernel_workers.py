"""FIFO priority for the kernel's workers that carry the bytes of serial lines.

Every byte that a UART, a USB adapter or a pseudo-terminal receives is handed to its reader by work on the kernel's queue
``events_unbound`` (``flush_to_ldisc``). The threads that do this work, ``kworker/uN:M``, have normal priority. On a busy machine a reader of any
priority waits for them; and ``select`` and ``read`` on such a line wait for them too, without regard to any time-out.

Workers come and go: ``tend`` is to be called about once a second and raises those that are new. ``kthreadd``, which makes
them, is raised too, because a worker that finds no other idle waits for it. The priority is the lowest of all FIFO priorities: enough
against normal processes, and below whatever has a real-time priority of its own. What the system's maker has given a
real-time priority is left alone, so are the workers of high priority (nice -20).

``release`` gives normal priority back when no other station on this kernel needs them. After SIGKILL they stay raised, which
harms nothing; the next station's end gives it back. Both need the right to set priorities of other users' threads (CAP_SYS_NICE).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final, NamedTuple, Protocol

PRIORITY: Final = 1
"""FIFO priority of raised workers."""
KTHREADD: Final = 2
"""Process id of the thread that makes kernel threads, and their parent's."""
_PROC: Final = Path("/proc")
_USERS: Final = Path("/sys/devices/virtual/workqueue")
"""A directory that every process on this kernel can lock: a shared lock on it says that raised workers are needed."""
_UNBOUND: Final = "kworker/u"


class Policy(NamedTuple):
    """How a thread is scheduled: policy (``os.SCHED_…``), priority within it (0 for normal threads), nice value."""

    policy: int
    priority: int
    nice: int


NORMAL: Final = Policy(os.SCHED_OTHER, 0, 0)
RAISED: Final = Policy(os.SCHED_FIFO, PRIORITY, 0)


class Priorities(Protocol):
    """Reads and sets how threads are scheduled. Raises OSError."""

    def policy(self, pid: int) -> Policy: ...

    def give(self, pid: int, policy: int, priority: int) -> None: ...


class SystemPriorities:
    """``Priorities`` by the system's calls."""

    def policy(self, pid: int) -> Policy:
        nice = os.getpriority(os.PRIO_PROCESS, pid)
        return Policy(os.sched_getscheduler(pid), os.sched_getparam(pid).sched_priority, nice)

    def give(self, pid: int, policy: int, priority: int) -> None:
        os.sched_setscheduler(pid, policy, os.sched_param(priority))


class KernelWorkers:
    """Keeps the workers raised from the first ``tend`` to ``release``."""

    def __init__(self, proc: Path = _PROC, users: Path = _USERS, priorities: Priorities | None = None) -> None:
        self._proc = proc
        self._users = users
        self._priorities = SystemPriorities() if priorities is None else priorities
        self._known: dict[int, bool] = {}
        self._lock = -1
        self.problem = ""
        """Why workers stay at normal priority, for people; empty while they are raised."""

    def tend(self) -> None:
        """Raise every worker that is not. Never raises; ``problem`` says what was not permitted."""
        self._announce()
        workers = self._workers()
        self.problem = "" if workers else "the kernel's threads are not visible here, as in a container"
        for pid in workers:
            try:
                if self._priorities.policy(pid) == NORMAL:
                    self._priorities.give(pid, RAISED.policy, RAISED.priority)
            except ProcessLookupError:
                continue  # an idle worker has ended meanwhile
            except OSError as error:
                self.problem = error.strerror or str(error)

    def release(self) -> None:
        """Give normal priority back unless another station needs the workers. Never raises; safe to repeat."""
        if self._lock < 0:
            return
        try:
            # A shared lock that nobody else has becomes an exclusive one.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._lower()
        except OSError:
            pass  # another station is running
        os.close(self._lock)
        self._lock = -1

    def _announce(self) -> None:
        if self._lock >= 0:
            return
        try:
            self._lock = os.open(self._users, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            pass  # somebody is lowering them this moment; the next round raises them again

    def _lower(self) -> None:
        for pid in self._workers():
            try:
                if self._priorities.policy(pid) == RAISED:
                    self._priorities.give(pid, NORMAL.policy, NORMAL.priority)
            except OSError:
                continue  # it has ended, or was never ours to set

    def _workers(self) -> list[int]:
        """``kthreadd`` and its unbound workers; empty where they are not visible."""
        pids = self._kernel_threads()
        # A worker keeps the first part of its name for life, so each is looked at once.
        self._known = {pid: self._known[pid] if pid in self._known else self._is_worker(pid) for pid in pids}
        return [pid for pid, is_worker in self._known.items() if is_worker]

    def _kernel_threads(self) -> list[int]:
        if not self._is_worker(KTHREADD):
            return []
        try:
            children = (self._proc / str(KTHREADD) / "task" / str(KTHREADD) / "children").read_text(encoding="ascii")
        except OSError:
            # A kernel without CONFIG_PROC_CHILDREN: every process is looked at once.
            return [int(path.name) for path in self._proc.iterdir() if path.name.isdigit()]
        return [KTHREADD, *map(int, children.split())]

    def _is_worker(self, pid: int) -> bool:
        try:
            name, parent = self._name_and_parent(pid)
        except (OSError, ValueError):
            return False
        if pid == KTHREADD:
            return name == "kthreadd"
        # Any process may choose such a name, but not its parent.
        return parent == KTHREADD and name.startswith(_UNBOUND)

    def _name_and_parent(self, pid: int) -> tuple[str, int]:
        text = (self._proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        # "12 (kworker/u8:0-events_unbound) I 2 0 …"; the name may hold anything.
        head, _, tail = text.rpartition(") ")
        return head.partition(" (")[2], int(tail.split()[1])
