"""Civil time: a mapping from control's monotonic clock to UTC, as a value.

Control counts microseconds from an arbitrary start, anew at each boot. Services know, at times, what UTC was at one
such microsecond, and how sure that is. Everything stored keeps boot, monotonic time and UTC, so that a step of the
wall clock changes what is displayed and nothing else: durations are differences of monotonic times of one boot, order
is the order of sequence and record numbers.
"""

from __future__ import annotations

from enum import StrEnum

from evse.core.units import NEVER
from evse.records import dataclass


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
class Deadline:
    """An end in the future, kept so that it can be found again on another clock.

    ``mono_us`` on the monotonic clock named ``clock_id``, and the UTC if it was known when the end was set.
    """

    clock_id: str
    mono_us: int
    utc_us: int | None = None


@dataclass(frozen=True, slots=True)
class ClockMapping:
    """At ``mono_us`` of ``boot_id`` it was ``utc_us``.

    ``clock_id`` names the run of the monotonic clock that control counts: the same for every life of control until the
    machine itself restarts; empty when nobody can tell.
    """

    boot_id: str
    mono_us: int
    utc_us: int
    quality: ClockQuality
    clock_id: str = ""

    def instant(self, boot_id: str, mono_us: int) -> Instant:
        """The instant ``mono_us`` of ``boot_id``; without UTC when this mapping is for another boot or is unset."""
        if boot_id != self.boot_id or self.quality is ClockQuality.UNSET:
            return Instant(boot_id, mono_us)
        return Instant(boot_id, mono_us, self.utc_us + mono_us - self.mono_us, self.quality)

    def deadline(self, mono_us: int) -> Deadline:
        """The end that is ``mono_us`` on control's clock."""
        known = self.quality is not ClockQuality.UNSET
        return Deadline(self.clock_id, mono_us, self.utc_us + mono_us - self.mono_us if known else None)

    def mono_of(self, deadline: Deadline) -> int | None:
        """``deadline`` on control's clock now; ``None`` when that cannot be known.

        While the monotonic clock runs on, it alone counts: a step of the wall clock changes nothing. After a restart of
        the machine UTC counts, if it was known then and is known now.
        """
        if deadline.clock_id and deadline.clock_id == self.clock_id:
            return deadline.mono_us
        if deadline.utc_us is None or self.quality is ClockQuality.UNSET:
            return None
        return max(-NEVER, min(self.mono_us + deadline.utc_us - self.utc_us, NEVER - 1))


NO_CLOCK = ClockMapping("", 0, 0, ClockQuality.UNSET)
"""Nobody knows the time: every instant is without UTC."""
