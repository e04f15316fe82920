"""The shutter over a City outlet's socket as a supervised motor: see :mod:`evse.core.motor`.

Closed it keeps strangers' plugs out while the outlet is idle, and the user's plug in while current flows; the interlock
relies on it like on the bolt. Opening is only ever ordered by a caller who has proven the contactor open and the line
free of current. Whether it should be open is :mod:`evse.core.shutter_plan`'s business.
"""

from __future__ import annotations

from enum import StrEnum

from evse.core.config import ShutterTimings
from evse.core.motor import MotorSupervisor
from evse.core.values import ShutterDrive, ShutterFeedback


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

    @property
    def closed(self) -> bool:
        """The goal is "closed", the feedback confirms it, and no earlier pulse is on its way back."""
        return self.at(ShutterGoal.CLOSED)
