"""Teaching the master card after all cards were erased (THØR/KEBA P30 configuration manual 120501, section 5.2.3).

About 30 s after the start the first three segments of the LED bar light: for 30 s the next card becomes the master, told by
rising tones. Ours: the time opens after every start for as long as no master is known, and never while the outlet is in
use, so that a user who ends a charge does not become the master by it.
"""

from __future__ import annotations

from typing import Final

from evse.core.units import NEVER, SECOND

AFTER_START_US: Final = 30 * SECOND
OPEN_FOR_US: Final = 30 * SECOND


class MasterTeaching:
    """The time in which a card becomes the master."""

    def __init__(self, start_us: int) -> None:
        self._from_us = start_us + AFTER_START_US
        self._until_us = self._from_us + OPEN_FOR_US
        self._done = False
        self.open = False

    def update(self, now_us: int, *, wanted: bool, idle: bool) -> int:
        """Say whether a master card is missing and whether the outlet is free; return when to look again."""
        due = wanted and not self._done
        self.open = due and idle and self._from_us <= now_us < self._until_us
        if not due or now_us >= self._until_us:
            return NEVER
        return self._from_us if now_us < self._from_us else self._until_us

    def take(self) -> bool:
        """A card was read; return whether it is the master now."""
        taken, self.open = self.open, False
        self._done |= taken
        return taken
