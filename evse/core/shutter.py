"""The shutter over a City outlet's socket as a supervised motor: see :mod:`evse.core.motor`.

Closed it keeps strangers' plugs out while the outlet is idle, and the user's plug in while current flows; the interlock
relies on it like on the bolt. Opening is only ever ordered by a caller who has proven the contactor open and the line
free of current. Whether it should be open is :mod:`evse.core.shutter_plan`'s business.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evse.core.config import ShutterTimings
from evse.core.motor import MotorSupervisor
from evse.core.units import NEVER, SECOND
from evse.core.values import ShutterDrive, ShutterFeedback

SHUT_FOR_US: Final = 1 * SECOND
"""A plug that comes while "closed" was reported for so long has proven the end switch wrong (ours)."""


TRY_AGAIN_US: Final = 60 * SECOND
"""A shutter that was given up over an empty socket is tried once more after so long, and again (ours)."""
MORE_TRIES: Final = 60
"""So often, an hour long; then it waits for somebody."""


class ShutterGoal(StrEnum):
    """Where the shutter should be."""

    OPEN = "open"
    CLOSED = "closed"


class ShutterSupervisor(MotorSupervisor[ShutterGoal, ShutterFeedback, ShutterDrive]):
    """Drives one shutter to its goal with a bounded number of tries."""

    def __init__(self, timings: ShutterTimings) -> None:
        super().__init__(
            timings,
            start=ShutterGoal.CLOSED,
            holding=ShutterGoal.CLOSED,
            between=ShutterFeedback.BETWEEN,
            contradictory=ShutterFeedback.CONTRADICTORY,
            rest=ShutterDrive.REST,
            drives={ShutterGoal.OPEN: ShutterDrive.OPEN, ShutterGoal.CLOSED: ShutterDrive.CLOSE},
        )
        self._given_up_us = NEVER
        self._more_tries = 0

    def update(self, now_us: int, feedback: ShutterFeedback, *, may_release: bool, empty: bool = False) -> int:
        """As for every motor; over an ``empty`` socket what was given up is tried again each minute, an hour long.

        Dirt and ice go away without anybody coming, and until the shutter moves nobody can use the outlet.
        """
        hopeful = empty and self._more_tries < MORE_TRIES
        if hopeful and now_us >= self._given_up_us + TRY_AGAIN_US:
            self._given_up_us = now_us
            self._more_tries += 1
            self.try_once_more(now_us)
        wake_us = super().update(now_us, feedback, may_release=may_release)
        if self.failed is None:
            self._given_up_us, self._more_tries = NEVER, 0
        elif self._given_up_us == NEVER:
            self._given_up_us = now_us
        again_us = self._given_up_us + TRY_AGAIN_US
        return min(wake_us, again_us) if hopeful and now_us < again_us else wake_us

    @property
    def closed(self) -> bool:
        """The goal is "closed", the feedback confirms it, and no earlier pulse is on its way back."""
        return self.at(ShutterGoal.CLOSED)


class PlugWay:
    """Whether a plug came through a shutter that was reported closed: then it is open, and its end switch lies.

    What stands in the socket when the station starts, or when its front end comes back, came when nobody looked.
    """

    def __init__(self) -> None:
        self.impossible = False
        """The plug that stands in the socket came through the closed shutter."""
        self._shut_since_us = NEVER
        self._empty = False

    def update(self, now_us: int, feedback: ShutterFeedback, *, seen: bool, link_ok: bool) -> None:
        """Take what the end switches say and whether anything of a plug, cable or vehicle is ``seen``."""
        if not link_ok:
            self._empty, self._shut_since_us = False, NEVER
            return
        if not seen:
            self.impossible = False
        elif self._empty and now_us >= self._shut_since_us + SHUT_FOR_US:
            self.impossible = True
        self._empty = not seen
        if feedback is not ShutterFeedback.CLOSED:
            self._shut_since_us = NEVER
        elif self._shut_since_us == NEVER:
            self._shut_since_us = now_us
