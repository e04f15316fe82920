"""The contactor: coil, main contacts, mirror contact, and how they fail.

Specification. The contacts follow the coil after ``close_delay_us`` (20 ms) or ``open_delay_us`` (15 ms, spring).
``weld``: contacts that are closed stay closed, open ones weld at their next closing. ``fails_to_close``: the coil moves
nothing. ``coil_broken``: a driven coil takes no current, so the contacts drop out or do not close. ``chatter_count``: after closing the contacts break and make that often. The mirror contact is linked to the
main contacts by force (IEC 60947-4-1 Annex F), so it tells their truth unless it has a fault of its own.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evse.records import dataclass
from hal.units import MS, NEVER

LOAD_MA: Final = 1_000
"""From this current on an opening counts as an opening under load."""


class MirrorFault(StrEnum):
    """What is wrong with the mirror contact."""

    NONE = "none"
    STUCK_OPEN = "stuck_open"
    STUCK_CLOSED = "stuck_closed"


@dataclass(slots=True)
class Contactor:
    """One contactor. ``closings``: every making of the contacts; ``openings_under_load``: every breaking of >= 1 A."""

    coil: bool = False
    closed: bool = False
    close_delay_us: int = 20 * MS
    open_delay_us: int = 15 * MS
    weld: bool = False
    fails_to_close: bool = False
    coil_broken: bool = False
    mirror_fault: MirrorFault = MirrorFault.NONE
    chatter_count: int = 0
    chatter_period_us: int = 10 * MS
    closings: int = 0
    openings: int = 0
    openings_under_load: int = 0
    last_break_ma: int = 0
    due_us: int = NEVER
    _chatter_left: int = 0

    def mirror_closed(self) -> bool:
        """Return what the mirror contact reports."""
        if self.mirror_fault is MirrorFault.NONE:
            return self.closed
        return self.mirror_fault is MirrorFault.STUCK_CLOSED

    def drive(self, energised: bool, now_us: int) -> bool:
        """Energise or release the coil; return whether the coil changed."""
        if energised == self.coil:
            return False
        self.coil = energised
        self._chatter_left = 2 * self.chatter_count if energised else 0
        if not self.coil_broken:
            self.follow_coil(now_us)
        return True

    def follow_coil(self, now_us: int) -> None:
        """Start the movement that coil and faults now allow (also after a fault was set or healed)."""
        self.due_us = NEVER
        pulls = self.coil and not self.coil_broken
        if pulls and not self.closed and not self.fails_to_close:
            self.due_us = now_us + self.close_delay_us
        elif not pulls and self.closed and not self.weld:
            self.due_us = now_us + self.open_delay_us

    def step(self, now_us: int, load_ma: int) -> None:
        """Make or break the contacts; ``load_ma`` is the largest phase current just before."""
        self.due_us = NEVER
        if self.closed and self.weld:
            self._chatter_left = 0
        elif self.closed:
            self._break(load_ma)
        else:
            self._make()
        if self._chatter_left:
            self._chatter_left -= 1
            self.due_us = now_us + self.chatter_period_us // 2

    def _make(self) -> None:
        self.closed = True
        self.closings += 1

    def _break(self, load_ma: int) -> None:
        self.closed = False
        self.openings += 1
        self.last_break_ma = load_ma
        if load_ma >= LOAD_MA:
            self.openings_under_load += 1
