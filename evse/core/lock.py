"""The plug lock as a supervised motor: pulse, wait for the feedback, pause, try again, give up after a few tries.

A sensor that says "locked" before any pulse proves nothing: locking counts only when a pulse of ours has brought it about.
Unlocking is only ever ordered by a caller who has proven the contactor open and the line free of current; this module
does not know why, it only never pulses towards "unlock" without ``may_unlock``.
"""

from __future__ import annotations

from enum import StrEnum

from evse.core.config import LockTimings
from evse.core.units import NEVER
from evse.core.values import LockDrive, LockFeedback


class LockGoal(StrEnum):
    """Where the bolt should be."""

    UNLOCKED = "unlocked"
    LOCKED = "locked"


class LockSupervisor:
    """Drives one lock to its goal with a bounded number of tries."""

    def __init__(self, timings: LockTimings) -> None:
        self._timings = timings
        self.goal = LockGoal.UNLOCKED
        self.feedback = LockFeedback.BETWEEN
        self.failed: LockGoal | None = None
        self.lost = False
        """The bolt was at "locked" and left it without an order."""
        self.pulse = 0
        self.drive = LockDrive.REST
        self._reached = False
        self._drawn_out = False
        """One of our own pulses has brought the bolt to "locked", and it has been there since."""
        self._tries = 0
        self._try_ends_us = NEVER
        self._next_try_us = 0
        self._moving = LockGoal.UNLOCKED
        self._moves_until_us = -NEVER
        """The last pulse may still move the bolt until then, also when the goal has changed meanwhile."""

    def order(self, now_us: int, goal: LockGoal, *, again: bool = False) -> None:
        """Set the goal; a new goal, or ``again``, starts with a full number of tries."""
        if goal is self.goal and not again:
            return
        self.goal = goal
        self.failed = None
        self.lost = False
        self._reached = False
        self._tries = 0
        self._try_ends_us = NEVER
        self._next_try_us = now_us
        self.drive = LockDrive.REST

    @property
    def locked(self) -> bool:
        """The goal is "locked", the feedback confirms it, and no earlier pulse is on its way back."""
        return self._reached and self.goal is LockGoal.LOCKED and self.feedback is LockFeedback.LOCKED

    @property
    def unlocked(self) -> bool:
        """The goal is "unlocked", the feedback confirms it, and no earlier pulse is on its way back."""
        return self._reached and self.goal is LockGoal.UNLOCKED and self.feedback is LockFeedback.UNLOCKED

    def update(self, now_us: int, feedback: LockFeedback, *, may_unlock: bool) -> int:
        """Take the feedback, start or end tries; return when to look again."""
        mended = self.feedback is LockFeedback.CONTRADICTORY and feedback is not LockFeedback.CONTRADICTORY
        self.feedback = feedback
        if mended and self.failed is not None:
            self.order(now_us, self.goal, again=True)
        if feedback is not LockFeedback.LOCKED:
            self._drawn_out = False
        if self._moving is not self.goal and now_us < self._moves_until_us:
            return self._moves_until_us
        if feedback.value == self.goal.value:
            if self.goal is LockGoal.LOCKED and not self._drawn_out:
                if self._tries == 0:
                    # "Locked" before any pulse: no plug goes past a bolt that is out, so the sensor lies.
                    self.failed = LockGoal.LOCKED
                    return NEVER
                self._drawn_out = True
            self._reached = True
            self.failed = None
            self.lost = False
            self._rest()
            return NEVER
        if self._reached and self.goal is LockGoal.LOCKED:
            # Opened by hand or by a fault: no new try under load, the outlet core decides.
            self.lost = True
            return NEVER
        if self.failed is not None:
            return NEVER
        return self._try(now_us, may_unlock=may_unlock)

    def _rest(self) -> None:
        self.drive = LockDrive.REST
        self._try_ends_us = NEVER

    def _try(self, now_us: int, *, may_unlock: bool) -> int:
        if self._try_ends_us != NEVER:
            if now_us < self._try_ends_us:
                return self._try_ends_us
            self._rest()
            self._next_try_us = now_us + self._timings.retry_pause_us
            if self._tries >= self._timings.tries:
                self.failed = self.goal
                return NEVER
        if now_us < self._next_try_us:
            return self._next_try_us
        if self.goal is LockGoal.UNLOCKED and not may_unlock:
            return NEVER
        self._tries += 1
        self.pulse += 1
        self.drive = LockDrive.LOCK if self.goal is LockGoal.LOCKED else LockDrive.UNLOCK
        self._moving, self._moves_until_us = self.goal, now_us + self._timings.pulse_us
        self._try_ends_us = now_us + self._timings.confirm_us
        return self._try_ends_us
