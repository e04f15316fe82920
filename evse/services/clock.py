"""Civil time: a mapping from control's monotonic clock to UTC, as a value.

Control counts microseconds from an arbitrary start, anew at each boot. Services know, at times, what UTC was at one
such microsecond, and how sure that is. Everything stored keeps boot, monotonic time and UTC, so that a step of the
wall clock changes what is displayed and nothing else: durations are differences of monotonic times of one boot, order
is the order of sequence and record numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ClockQuality(StrEnum):
    """How much the UTC in an instant is worth."""

    UNSET = "unset"
    """Nobody has said what time it is since this boot: there is no UTC."""
    SET = "set"
    """Set once by hand or kept by a battery; it may drift."""
    SYNCHRONISED = "synchronised"
    """Followed a time server."""


_WORTH = {ClockQuality.UNSET: 0, ClockQuality.SET: 1, ClockQuality.SYNCHRONISED: 2}


def worst(first: ClockQuality, second: ClockQuality) -> ClockQuality:
    """The lower of two qualities."""
    return min(first, second, key=_WORTH.__getitem__)


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time: ``mono_us`` on the clock of ``boot_id``, and the UTC in microseconds since 1970 if known."""

    boot_id: str
    mono_us: int
    utc_us: int | None = None
    quality: ClockQuality = ClockQuality.UNSET


@dataclass(frozen=True, slots=True)
class ClockMapping:
    """At ``mono_us`` of ``boot_id`` it was ``utc_us``."""

    boot_id: str
    mono_us: int
    utc_us: int
    quality: ClockQuality

    def instant(self, boot_id: str, mono_us: int) -> Instant:
        """The instant ``mono_us`` of ``boot_id``; without UTC when this mapping is for another boot or is unset."""
        if boot_id != self.boot_id or self.quality is ClockQuality.UNSET:
            return Instant(boot_id, mono_us)
        return Instant(boot_id, mono_us, self.utc_us + mono_us - self.mono_us, self.quality)


NO_CLOCK = ClockMapping("", 0, 0, ClockQuality.UNSET)
"""Nobody knows the time: every instant is without UTC."""
