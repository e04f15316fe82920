"""A part that a motor moves between two ends: what the lock's bolt and the shutter have in common.

Specification. It travels from 0 to ``HOME`` in ``travel_us`` while the motor runs; a pulse that ends sooner leaves it
where it is. ``obstacle`` says where it is stuck: at either end it cannot leave that end, in the middle it cannot pass.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from evse.records import dataclass
from hal.units import MS, NEVER

HOME: Final = 1_000
MIDDLE: Final = 500


class Obstacle(Enum):
    """What is in the way."""

    NONE = "none"
    AT_START = "at start"
    AT_HOME = "at home"
    MIDDLE = "middle"


@dataclass(slots=True)
class Slide:
    """The moving part. ``due_us``: when its movement ends."""

    travel_us: int = 250 * MS
    obstacle: Obstacle = Obstacle.NONE
    due_us: int = NEVER
    position: int = 0
    moving: bool = False
    _goal: int = 0
    _started_us: int = 0

    @property
    def at_start(self) -> bool:
        """At rest at 0."""
        return not self.moving and self.position == 0

    @property
    def at_home(self) -> bool:
        """At rest at ``HOME``."""
        return not self.moving and self.position == HOME

    def drive(self, end: int, duration_us: int, now_us: int) -> None:
        """Run the motor towards ``end`` (0 or ``HOME``) for ``duration_us``, in place of what it did before."""
        self.stop(now_us)
        if duration_us <= 0:
            return
        self._goal = self._reachable(end)
        if self._goal != self.position:
            self.moving, self._started_us = True, now_us
            self.due_us = now_us + min(self._travel_time_us(), duration_us)

    def stop(self, now_us: int) -> None:
        """Bring it to rest where it has got to."""
        if self.moving:
            if now_us - self._started_us >= self._travel_time_us():
                self.position = self._goal
            else:
                way = (now_us - self._started_us) * HOME // self.travel_us
                self.position += way if self._goal > self.position else -way
        self.moving, self.due_us = False, NEVER

    def hinder(self, obstacle: Obstacle, now_us: int) -> None:
        """Put an obstacle in its way or take it away; on its way it stops where it is, unless it is freed."""
        if obstacle is not Obstacle.NONE:
            self.stop(now_us)
        self.obstacle = obstacle

    def push(self, position: int, now_us: int) -> None:
        """Move it by hand, whatever holds it."""
        self.stop(now_us)
        self.position = position

    def _reachable(self, end: int) -> int:
        """Return how far towards ``end`` the obstacle lets it go."""
        stuck_at = {Obstacle.AT_START: 0, Obstacle.AT_HOME: HOME}.get(self.obstacle)
        if stuck_at == self.position:
            return self.position
        if self.obstacle is Obstacle.MIDDLE and min(self.position, end) <= MIDDLE <= max(self.position, end):
            return MIDDLE
        return end

    def _travel_time_us(self) -> int:
        return abs(self._goal - self.position) * self.travel_us // HOME
