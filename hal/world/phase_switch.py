"""A phase switch in an outlet's feed: the switching output X2 and the contactor for L2 and L3 that hangs on it.

Specification. X2 is a latching relay of the front end: it keeps its position without supply. Where ``wired``, a contactor
in front of the outlet's breaker follows it after ``delay_us`` and takes L2 and L3 away (KeContact S10); it keeps its
position too. ``relay_stuck``: X2 does not move; ``contactor_stuck``: the contactor does not. What was stuck stays where it is
when it is mended, until the next order. ``moves`` counts the contactor's movements, ``moves_live`` those during which the
outlet's own contacts were closed: a vehicle would have lost or gained phases in the middle of a charge.
"""

from __future__ import annotations

from evse.records import dataclass
from hal.units import MS, NEVER


@dataclass(slots=True)
class PhaseSwitch:
    """X2 and what hangs on it. Both begin closed: three phases."""

    fitted: bool = False
    """There is an output X2."""
    wired: bool = False
    """A contactor for L2 and L3 hangs on it."""
    x2_closed: bool = True
    closed: bool = True
    delay_us: int = 30 * MS
    relay_stuck: bool = False
    contactor_stuck: bool = False
    moves: int = 0
    moves_live: int = 0
    due_us: int = NEVER

    def drive(self, closed: bool, now_us: int) -> bool:
        """Switch X2; return whether it moved or what hangs on it is about to."""
        if not self.fitted:
            return False
        before = self.x2_closed
        if not self.relay_stuck:
            self.x2_closed = closed
        if self.wired and not self.contactor_stuck and self.closed is not self.x2_closed:
            self.due_us = now_us + self.delay_us
        return before is not self.x2_closed or self.due_us < NEVER

    def step(self, *, live: bool) -> None:
        """The contactor moves; ``live``: the outlet's own contacts are closed."""
        self.due_us = NEVER
        if self.contactor_stuck or self.closed is self.x2_closed:
            return
        self.closed = self.x2_closed
        self.moves += 1
        self.moves_live += live

    @property
    def takes_away(self) -> bool:
        """L2 and L3 do not reach the outlet."""
        return self.wired and not self.closed
