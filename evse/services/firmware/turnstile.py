"""Who may bring a package to a slave now: one after the other, and not at once again after nothing came of it.

No login stands before a package from the network (docs/decisions/0017-a-slave-believes-the-makers-signature.md): this bounds
what a stranger costs. Whoever is refused by the head of a package waits ``PAUSE_US``; a package that was kept and came to
nothing has cost the station memory, so that everybody waits, each time twice as long.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from evse.core.units import HOUR, SECOND

PAUSE_US: Final = 10 * SECOND
LONGEST_US: Final = HOUR
BUSY_US: Final = 5 * SECOND
"""After so long somebody may ask again whether the one before is through."""
SOURCES: Final = 64
"""Refused senders that are remembered at once."""


class Outcome(Enum):
    """What came of a package."""

    TAKEN = auto()
    REFUSED = auto()
    """Nothing of it was kept."""
    BROKEN = auto()
    """It was accepted by its head, and came to nothing."""


class Wait(Exception):
    """Not now. ``wait_us``: after which somebody may come again."""

    def __init__(self, why: str, wait_us: int) -> None:
        super().__init__(why)
        self.wait_us = wait_us


class Turnstile:
    """See the module. Pure: time is an argument; ``now_us`` on a clock that only rises."""

    def __init__(self) -> None:
        self._inside: str | None = None
        self._refused: dict[str, int] = {}
        self._broken = 0
        self._free_us = 0

    def enter(self, source: str, now_us: int) -> None:
        """Let ``source`` (an address) bring a package; ``leave`` follows. Raises ``Wait``."""
        if self._inside is not None:
            raise Wait("another package is coming in", BUSY_US)
        free_us = max(self._free_us, self._refused.get(source, 0))
        if now_us < free_us:
            raise Wait("the last package came to nothing", free_us - now_us)
        self._inside = source

    def leave(self, now_us: int, outcome: Outcome) -> None:
        """The package of whoever is inside is through."""
        source, self._inside = self._inside or "", None
        self._refused = {each: until for each, until in self._refused.items() if until > now_us}
        match outcome:
            case Outcome.TAKEN:
                self._broken = 0
            case Outcome.REFUSED:
                while len(self._refused) >= SOURCES:
                    del self._refused[min(self._refused, key=lambda each: self._refused[each])]
                self._refused[source] = now_us + PAUSE_US
            case Outcome.BROKEN:
                if now_us > self._free_us + LONGEST_US:
                    self._broken = 0
                self._free_us = now_us + min(PAUSE_US << min(self._broken, 10), LONGEST_US)
                self._broken += 1
