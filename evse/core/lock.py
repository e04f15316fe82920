"""The plug lock as a supervised motor: see :mod:`evse.core.motor`.

A sensor that says "locked" before any pulse proves nothing: locking counts only when a pulse of ours has brought it about.
Unlocking is only ever ordered by a caller who has proven the contactor open and the line free of current.
"""

from __future__ import annotations

from enum import StrEnum

from evse.core.config import LockTimings
from evse.core.motor import MotorSupervisor
from evse.core.values import LockDrive, LockFeedback


class LockGoal(StrEnum):
    """Where the bolt should be."""

    UNLOCKED = "unlocked"
    LOCKED = "locked"


class LockSupervisor(MotorSupervisor[LockGoal, LockFeedback, LockDrive]):
    """Drives one lock to its goal with a bounded number of tries."""

    def __init__(self, timings: LockTimings) -> None:
        super().__init__(
            timings,
            start=LockGoal.UNLOCKED,
            holding=LockGoal.LOCKED,
            between=LockFeedback.BETWEEN,
            contradictory=LockFeedback.CONTRADICTORY,
            rest=LockDrive.REST,
            drives={LockGoal.LOCKED: LockDrive.LOCK, LockGoal.UNLOCKED: LockDrive.UNLOCK},
            proven_by_pulse=True,
        )

    @property
    def locked(self) -> bool:
        """The goal is "locked", the feedback confirms it, and no earlier pulse is on its way back."""
        return self.at(LockGoal.LOCKED)

    @property
    def unlocked(self) -> bool:
        """The goal is "unlocked", the feedback confirms it, and no earlier pulse is on its way back."""
        return self.at(LockGoal.UNLOCKED)
