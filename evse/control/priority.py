"""Real-time rights of a process: FIFO priority with a run-time limit, memory that is never swapped out, end with the parent.

Order of priorities: the world (in simulation it plays the microcontrollers, whose leases would expire falsely when it
comes late) above control, then the kernel's workers that carry serial lines (``hal.linux.kernel_workers``), everything else at
normal priority. Children never inherit the priority. A process that runs
longer than its limit without ever waiting is killed by the kernel, so that a runaway at FIFO priority cannot take a
core from the rest; the contactor's lease then expires.

Every right may be refused (no privilege, container). Then the station works with less certainty about time, and says so.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import Final

from evse.records import dataclass

CONTROL_PRIORITY: Final = 20
WORLD_PRIORITY: Final = 30
RUN_LIMIT_US: Final = 400_000
"""Processor time without any wait after which a FIFO process is a runaway."""

_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15


@dataclass(frozen=True, slots=True)
class Rights:
    """What a process got. ``problems``: what it did not get and why, one text for people each."""

    fifo: bool
    locked: bool
    problems: tuple[str, ...] = ()


def become_real_time(priority: int, run_limit_us: int = RUN_LIMIT_US) -> Rights:
    """Take FIFO ``priority`` (1 to 99) and lock this process's memory, as far as it is permitted. Never raises."""
    problems = []
    fifo = locked = False
    try:
        # The limit first: at no time may there be FIFO priority without it.
        resource.setrlimit(resource.RLIMIT_RTTIME, (run_limit_us, run_limit_us))
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
        fifo = True
    except (OSError, ValueError) as error:
        problems.append(f"no FIFO priority ({_reason(error)})")
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        # On fault only: locking whole mappings would make every unused page of every library resident.
        if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0:
            locked = True
        else:
            problems.append(f"memory may be swapped out ({os.strerror(ctypes.get_errno())})")
    except (OSError, AttributeError) as error:
        problems.append(f"memory may be swapped out ({_reason(error)})")
    return Rights(fifo, locked, tuple(problems))


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the parent ends. Ends it at once when the parent is gone already."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # without it the closed pipe to the parent still tells
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def name_process(name: str) -> None:
    """Show ``name`` (at most 15 characters) in process lists."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
    except (OSError, AttributeError):
        pass  # only cosmetics


def _reason(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) else str(error)
