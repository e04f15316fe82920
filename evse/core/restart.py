"""A restart that was asked for at the station itself: first the sessions end, then control goes.

From the request on nothing is offered and running sessions end (reason ``Reboot``). The restart is announced when every
contact is open, at the earliest after 500 ms, so that a tone is heard and the events are on their way, and at the latest
after 7 s: then the contactors open with the process.
"""

from __future__ import annotations

from typing import Final

from evse.core.units import MS, NEVER, SECOND

SOONEST_US: Final = 500 * MS
LATEST_US: Final = 7 * SECOND
"""The controlled stop takes 6 s at most."""


class RestartPlan:
    """The restart that is coming, if any."""

    def __init__(self) -> None:
        self.cause = ""
        self._asked_us = NEVER
        self._announced = False

    def ask(self, now_us: int, cause: str) -> None:
        """Somebody wants the station to restart; the first cause counts."""
        if not self.cause:
            self._asked_us = now_us
        self.cause = self.cause or cause

    def due(self, now_us: int, *, energised: bool) -> bool:
        """Whether the restart is to be announced now; true once."""
        if self._announced or not self.cause or now_us < self._asked_us + SOONEST_US:
            return False
        if energised and now_us < self._asked_us + LATEST_US:
            return False
        self._announced = True
        return True

    def wake_us(self, now_us: int) -> int:
        """When to look again by time alone."""
        if not self.cause or self._announced:
            return NEVER
        soonest_us = self._asked_us + SOONEST_US
        return soonest_us if now_us < soonest_us else self._asked_us + LATEST_US
