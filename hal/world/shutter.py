"""The motorised shutter over a City outlet's socket: a slide, two end switches, and what jams.

Specification. Open is 0, closed is ``HOME``; it travels in ``travel_us`` (800 ms) while its motor runs. A plug goes in or
out only when it is open. Jams: ``open`` / ``closed`` = it cannot leave that end, ``between`` = it cannot pass the middle.
Feedback faults change only what the end switches say. Without supply it stays where it is. With no shutter fitted the
socket is always free and neither end switch closes.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Final

from evse.records import dataclass
from hal.ports import ShutterPosition, ShutterPulse
from hal.units import MS, NEVER
from hal.world.slide import HOME, Obstacle, Slide

TRAVEL_US: Final = 800 * MS


class ShutterJam(StrEnum):
    """Where the shutter is stuck."""

    NONE = "none"
    OPEN = "open"
    CLOSED = "closed"
    BETWEEN = "between"


class ShutterFeedbackFault(StrEnum):
    """What is wrong with the end switches."""

    NONE = "none"
    LOST = "lost"
    CONTRADICTORY = "contradictory"
    STUCK_OPEN = "stuck_open"
    STUCK_CLOSED = "stuck_closed"


_OBSTACLE: Final = {
    ShutterJam.NONE: Obstacle.NONE,
    ShutterJam.OPEN: Obstacle.AT_START,
    ShutterJam.CLOSED: Obstacle.AT_HOME,
    ShutterJam.BETWEEN: Obstacle.MIDDLE,
}
_REPORTED: Final = {
    ShutterFeedbackFault.LOST: ShutterPosition.BETWEEN,
    ShutterFeedbackFault.CONTRADICTORY: ShutterPosition.CONTRADICTORY,
    ShutterFeedbackFault.STUCK_OPEN: ShutterPosition.OPEN,
    ShutterFeedbackFault.STUCK_CLOSED: ShutterPosition.CLOSED,
}


def _closed_slide() -> Slide:
    return Slide(travel_us=TRAVEL_US, position=HOME)


@dataclass(slots=True)
class Shutter:
    """The shutter of one socket; a fitted one begins closed."""

    fitted: bool = False
    feedback_fault: ShutterFeedbackFault = ShutterFeedbackFault.NONE
    slide: Slide = field(default_factory=_closed_slide)

    @property
    def due_us(self) -> int:
        """When its movement ends."""
        return self.slide.due_us if self.fitted else NEVER

    def true_position(self) -> ShutterPosition:
        """Return where it really is; ``BETWEEN`` while it moves and where there is none."""
        if not self.fitted:
            return ShutterPosition.BETWEEN
        if self.slide.at_start:
            return ShutterPosition.OPEN
        return ShutterPosition.CLOSED if self.slide.at_home else ShutterPosition.BETWEEN

    def reported_position(self) -> ShutterPosition:
        """Return what the end switches say."""
        return _REPORTED.get(self.feedback_fault, self.true_position()) if self.fitted else ShutterPosition.BETWEEN

    @property
    def in_the_way(self) -> bool:
        """Whether it keeps a plug in, or out."""
        return self.fitted and not self.slide.at_start

    def drive(self, direction: ShutterPulse, duration_us: int, now_us: int) -> bool:
        """Run the motor, or stop it (``REST``); return whether its state, or the end of its movement, changed."""
        if not self.fitted:
            return False
        before = (self.true_position(), self.slide.due_us)
        end = HOME if direction is ShutterPulse.CLOSE else 0
        self.slide.drive(end, 0 if direction is ShutterPulse.REST else duration_us, now_us)
        return (self.true_position(), self.slide.due_us) != before

    def step(self, now_us: int) -> None:
        """End the movement that is due."""
        self.slide.stop(now_us)

    def set_jam(self, jam: ShutterJam, now_us: int) -> None:
        """Jam or free the mechanism; a shutter on its way stops where it is unless it is freed."""
        self.slide.hinder(_OBSTACLE[jam], now_us)

    def force_open(self, now_us: int) -> None:
        """Push it open by hand, whatever holds it."""
        self.slide.push(0, now_us)
