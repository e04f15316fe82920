"""The socket's plug lock: a bolt, a motor, two end switches, and what jams.

Specification. The bolt travels from 0 (withdrawn) to 1000 (home) in ``travel_us`` (250 ms) while the motor runs; a
pulse that ends sooner leaves it where it is. The plug can be pulled only when the bolt is fully withdrawn and at rest.
Jams: ``locked`` / ``unlocked`` = the bolt cannot leave that end, ``half_way`` = it cannot pass the middle. Feedback
faults change only what the sensors say. A board with an energy reserve withdraws the bolt ``RESERVE_DELAY_US`` after
its supply went, unless the mirror contact still reports a closed contactor.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hal.ports import LockPosition, LockPulse
from hal.units import MS, NEVER, SECOND

HOME: Final = 1_000
MIDDLE: Final = 500
RESERVE_DELAY_US: Final = 1 * SECOND


class Jam(StrEnum):
    """Where the bolt is stuck."""

    NONE = "none"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    HALF_WAY = "half_way"


class LockFeedbackFault(StrEnum):
    """What is wrong with the end switches."""

    NONE = "none"
    LOST = "lost"
    CONTRADICTORY = "contradictory"
    STUCK_LOCKED = "stuck_locked"
    STUCK_UNLOCKED = "stuck_unlocked"


_REPORTED: Final = {
    LockFeedbackFault.LOST: LockPosition.BETWEEN,
    LockFeedbackFault.CONTRADICTORY: LockPosition.CONTRADICTORY,
    LockFeedbackFault.STUCK_LOCKED: LockPosition.LOCKED,
    LockFeedbackFault.STUCK_UNLOCKED: LockPosition.UNLOCKED,
}


@dataclass(slots=True)
class SocketLock:
    """The bolt of one socket."""

    fitted: bool = True
    travel_us: int = 250 * MS
    jam: Jam = Jam.NONE
    feedback_fault: LockFeedbackFault = LockFeedbackFault.NONE
    reserve_charged: bool = True
    due_us: int = NEVER
    reserve_due_us: int = NEVER
    _position: int = 0
    _goal: int = 0
    _moving: bool = False
    _started_us: int = 0
    _pulse_end_us: int = 0

    def true_position(self) -> LockPosition:
        """Return where the bolt really is; ``BETWEEN`` while it moves."""
        if self._moving:
            return LockPosition.BETWEEN
        if self._position == 0:
            return LockPosition.UNLOCKED
        return LockPosition.LOCKED if self._position == HOME else LockPosition.BETWEEN

    def reported_position(self) -> LockPosition:
        """Return what the end switches say."""
        return _REPORTED.get(self.feedback_fault, self.true_position())

    @property
    def holds_plug(self) -> bool:
        """Whether the bolt keeps a plug in, or out."""
        return self.fitted and (self._moving or self._position != 0)

    def drive(self, direction: LockPulse, duration_us: int, now_us: int) -> bool:
        """Run the motor, or stop it (``REST``); return whether the bolt's state changed."""
        if not self.fitted:
            return False
        before = self.true_position()
        self._stop(now_us)
        if direction is not LockPulse.REST and duration_us > 0:
            self._goal = self._reachable(HOME if direction is LockPulse.LOCK else 0)
            if self._goal != self._position:
                self._moving, self._started_us, self._pulse_end_us = True, now_us, now_us + duration_us
                arrival_us = now_us + self._travel_time_us()
                self.due_us = min(arrival_us, self._pulse_end_us)
        return self.true_position() is not before

    def step(self, now_us: int) -> None:
        """End the movement that is due."""
        self._stop(now_us)

    def set_jam(self, jam: Jam, now_us: int) -> None:
        """Jam or free the mechanism; a bolt on its way stops where it is unless it is freed."""
        if self._moving and jam is not Jam.NONE:
            self._stop(now_us)
        self.jam = jam

    def force_open(self, now_us: int) -> None:
        """Push the bolt back by hand, whatever holds it."""
        self._stop(now_us)
        self._position = 0

    def _reachable(self, end: int) -> int:
        """Return how far towards ``end`` the jam lets the bolt go."""
        if self.jam is Jam.LOCKED and self._position == HOME:
            return HOME
        if self.jam is Jam.UNLOCKED and self._position == 0:
            return 0
        if self.jam is Jam.HALF_WAY and min(self._position, end) <= MIDDLE <= max(self._position, end):
            return MIDDLE
        return end

    def _travel_time_us(self) -> int:
        return abs(self._goal - self._position) * self.travel_us // HOME

    def _stop(self, now_us: int) -> None:
        """Bring the bolt to rest where it has got to."""
        if self._moving:
            if now_us - self._started_us >= self._travel_time_us():
                self._position = self._goal
            else:
                way = (now_us - self._started_us) * HOME // self.travel_us
                self._position += way if self._goal > self._position else -way
        self._moving, self.due_us = False, NEVER
