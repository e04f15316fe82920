"""The kernel's own account of a slow answer: who ran, who waited for whom (tracefs, root only).

A trace runs in an instance of its own, so that it disturbs no other tracing. Its buffer is a ring; ``tracing_on`` is what
the player writes a 0 to in the moment of a slow answer, so that the ring keeps what came before.

Recorded are every switch and wake of a thread, every work of the kernel's workers and the system calls of the processes
given to ``follow``: the times of control's loop.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final

TRACEFS: Final = Path("/sys/kernel/tracing")
EVENTS: Final = (
    "sched/sched_switch", "sched/sched_waking", "sched/sched_wakeup", "sched/sched_wakeup_new", "sched/sched_migrate_task",
    "workqueue/workqueue_queue_work", "workqueue/workqueue_activate_work", "workqueue/workqueue_execute_start",
    "workqueue/workqueue_execute_end",
)  # fmt: skip
CALLS: Final = ("raw_syscalls/sys_enter", "raw_syscalls/sys_exit")
BUFFER_KB: Final = 32_768
"""For each core: about a minute of a busy machine."""
_HEADER: Final = "#"
_US: Final = 1_000_000
_TIME: Final = re.compile(r"-\d+ +\[\d+\] \S+ +(\d+)\.(\d{6}): ")
"""As in ``kworker/u8:1-32  [001] d..2.   123.456789: sched_switch: …``; a thread's name may hold anything."""


class TraceRefusedError(Exception):
    """The kernel does not let itself be traced here; the text says why."""


class KernelTrace:
    """A running trace. A context manager that takes its instance away again. Raises TraceRefusedError."""

    def __init__(self) -> None:
        self._instance = TRACEFS / "instances" / f"evse-bench-{os.getpid()}"

    @property
    def switch(self) -> Path:
        """Writing 0 to it stops the trace."""
        return self._instance / "tracing_on"

    def __enter__(self) -> KernelTrace:
        try:
            self._instance.mkdir()
            self._set("tracing_on", "0")
            self._set("trace_clock", "mono")
            self._set("buffer_size_kb", str(BUFFER_KB))
            for event in EVENTS:
                self._set(f"events/{event}/enable", "1")
        except OSError as error:
            self.__exit__(None, None, None)
            raise TraceRefusedError(
                f"{error.filename}: {error.strerror}; tracing needs root and tracefs (mount -t tracefs nodev {TRACEFS})"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._set("tracing_on", "0")
            self._instance.rmdir()
        except OSError:
            pass  # was never made, or somebody reads it: it is stopped and costs memory only

    def follow(self, pids: Iterable[int]) -> None:
        """Record the system calls of these processes from now on, and begin."""
        wanted = " || ".join(f"common_pid == {pid}" for pid in pids)
        for event in CALLS:
            self._set(f"events/{event}/filter", wanted)
            self._set(f"events/{event}/enable", "1")
        self._set("tracing_on", "1")

    def save(self, path: Path, begin_us: int, end_us: int) -> int:
        """Write what the ring holds between two times of the monotonic clock to ``path``; return the number of lines."""
        count = 0
        with (self._instance / "trace").open(encoding="ascii", errors="replace") as lines, path.open("w") as out:
            for line in lines:
                if line.startswith(_HEADER) or not begin_us <= (line_us(line) or 0) <= end_us:
                    continue
                out.write(line)
                count += 1
        return count

    def _set(self, name: str, value: str) -> None:
        (self._instance / name).write_text(value, encoding="ascii")


def line_us(line: str) -> int | None:
    """When a trace line was, ``None`` for a line without a time."""
    found = _TIME.search(line)
    return None if found is None else int(found[1]) * _US + int(found[2])
