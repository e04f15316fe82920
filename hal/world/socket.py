"""The socket's plug lock: a bolt, a motor, two end switches, and what jams.

Specification. The bolt travels from 0 (withdrawn) to 1000 (home) in ``travel_us`` (250 ms) while the motor runs; a
pulse that ends sooner leaves it where it is. The plug can be pulled only when the bolt is fully withdrawn and at rest.
Jams: ``locked`` / ``unlocked`` = the bolt cannot leave that end, ``half_way`` = it cannot pass the middle. Feedback
faults change only what the sensors say. A board with an energy reserve withdraws the bolt ``RESERVE_DELAY_US`` after
its supply went, unless the mirror contact still reports a closed contactor.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Final

from evse.records import dataclass
from hal.ports import LockPosition, LockPulse
from hal.units import NEVER, SECOND
from hal.world.slide import HOME, Obstacle, Slide

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


_OBSTACLE: Final = {
    Jam.NONE: Obstacle.NONE,
    Jam.LOCKED: Obstacle.AT_HOME,
    Jam.UNLOCKED: Obstacle.AT_START,
    Jam.HALF_WAY: Obstacle.MIDDLE,
}


@dataclass(slots=True)
class SocketLock:
    """The bolt of one socket."""

    fitted: bool = True
    feedback_fault: LockFeedbackFault = LockFeedbackFault.NONE
    reserve_charged: bool = True
    reserve_due_us: int = NEVER
    slide: Slide = field(default_factory=Slide)

    @property
    def due_us(self) -> int:
        """When the bolt's movement ends."""
        return self.slide.due_us

    @property
    def travel_us(self) -> int:
        """Time from end to end."""
        return self.slide.travel_us

    def true_position(self) -> LockPosition:
        """Return where the bolt really is; ``BETWEEN`` while it moves."""
        if self.slide.at_start:
            return LockPosition.UNLOCKED
        return LockPosition.LOCKED if self.slide.at_home else LockPosition.BETWEEN

    def reported_position(self) -> LockPosition:
        """Return what the end switches say."""
        return _REPORTED.get(self.feedback_fault, self.true_position())

    @property
    def holds_plug(self) -> bool:
        """Whether the bolt keeps a plug in, or out."""
        return self.fitted and not self.slide.at_start

    def drive(self, direction: LockPulse, duration_us: int, now_us: int) -> bool:
        """Run the motor, or stop it (``REST``); return whether its state, or the end of its movement, changed."""
        if not self.fitted:
            return False
        before = (self.true_position(), self.slide.due_us)
        end = HOME if direction is LockPulse.LOCK else 0
        self.slide.drive(end, 0 if direction is LockPulse.REST else duration_us, now_us)
        return (self.true_position(), self.slide.due_us) != before

    def step(self, now_us: int) -> None:
        """End the movement that is due."""
        self.slide.stop(now_us)

    def set_jam(self, jam: Jam, now_us: int) -> None:
        """Jam or free the mechanism; a bolt on its way stops where it is unless it is freed."""
        self.slide.hinder(_OBSTACLE[jam], now_us)

    def force_open(self, now_us: int) -> None:
        """Push the bolt back by hand, whatever holds it."""
        self.slide.push(0, now_us)
