"""What time it is, and how sure that is, from the system: services' source of UTC.

Control counts the system's monotonic clock, so the mapping to UTC is the difference of the two system clocks. The kernel
knows whether a time service keeps it (``adjtimex``); a clock that shows a time before this software was written has
never been set.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from evse.core.units import SECOND
from evse.services.clock import ClockMapping, ClockQuality

EARLIEST_UTC_US: Final = 1_735_689_600 * SECOND
"""1 January 2025."""
_TIMEX_BYTES: Final = 512
"""More than ``struct timex`` has on any architecture; all zero asks without changing anything."""
_TIME_ERROR: Final = 5


def kernel_synchronised() -> bool:
    """Whether the kernel says that a time service keeps its clock."""
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR


@cache
def machine_boot(path: str = "/proc/sys/kernel/random/boot_id") -> str:
    """The name of this run of the machine, and so of its monotonic clock; empty when the kernel does not tell."""
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def system_mapping(
    boot_id: str,
    mono_ns: Callable[[], int] = time.monotonic_ns,
    utc_ns: Callable[[], int] = time.time_ns,
    synchronised: Callable[[], bool] = kernel_synchronised,
) -> ClockMapping:
    """The mapping from the clock of control's boot ``boot_id`` (on this machine) to UTC, as of now."""
    mono_us, utc_us = mono_ns() // 1_000, utc_ns() // 1_000
    if utc_us < EARLIEST_UTC_US:
        quality = ClockQuality.UNSET
    else:
        quality = ClockQuality.SYNCHRONISED if synchronised() else ClockQuality.SET
    return ClockMapping(boot_id, mono_us, utc_us, quality, machine_boot())
