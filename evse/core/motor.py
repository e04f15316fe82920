"""A supervised motor with feedback: pulse, wait for the feedback, pause, try again, give up after a few tries.

The plug lock and the shutter are such motors. Each has a *holding* end (locked, closed), on which a charge relies, and
a *releasing* end (unlocked, open), towards which nothing moves under load: this module does not know when that is, it
only never pulses towards the releasing end without ``may_release``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from evse.core.units import NEVER

GoalT = TypeVar("GoalT", bound=StrEnum)
FeedbackT = TypeVar("FeedbackT", bound=StrEnum)
DriveT = TypeVar("DriveT", bound=StrEnum)


class MotorTimings(Protocol):
    """Times of one motor; ``tries`` counts pulses for one goal."""

    @property
    def pulse_us(self) -> int: ...

    @property
    def confirm_us(self) -> int:
        """From the pulse's start to the expected feedback."""
        ...

    @property
    def retry_pause_us(self) -> int: ...

    @property
    def tries(self) -> int: ...


class MotorSupervisor(Generic[GoalT, FeedbackT, DriveT]):
    """Drives one motor to its goal with a bounded number of tries. A goal's value is the feedback that confirms it."""

    def __init__(
        self,
        timings: MotorTimings,
        *,
        start: GoalT,
        holding: GoalT,
        between: FeedbackT,
        contradictory: FeedbackT,
        rest: DriveT,
        drives: dict[GoalT, DriveT],
        proven_by_pulse: bool = False,
    ) -> None:
        """``proven_by_pulse``: the holding end counts only when a pulse of ours has brought the feedback about."""
        self._timings = timings
        self._holding = holding
        self._contradictory = contradictory
        self._rest_drive = rest
        self._drives = drives
        self.goal = start
        self.feedback = between
        self.failed: GoalT | None = None
        self.lost = False
        """It was at the holding end and left it without an order."""
        self.pulse = 0
        self.drive = rest
        self._reached = False
        self._proven_by_pulse = proven_by_pulse
        self._driven_there = False
        """One of our own pulses has brought it to the holding end, and it has been there since."""
        self._tries = 0
        self._once_more = False
        self._try_ends_us = NEVER
        self._next_try_us = 0
        self._moving = start
        self._moves_until_us = -NEVER
        """The last pulse may still move the motor until then, also when the goal has changed meanwhile."""

    def order(self, now_us: int, goal: GoalT, *, again: bool = False) -> None:
        """Set the goal; a new goal, or ``again``, starts with a full number of tries."""
        if goal is self.goal and not again:
            return
        self.goal = goal
        self.failed = None
        self.lost = False
        self._reached = False
        self._tries = 0
        self._once_more = False
        self._try_ends_us = NEVER
        self._next_try_us = now_us
        self.drive = self._rest_drive

    def try_once_more(self, now_us: int) -> None:
        """One more pulse after it was given up. It stays failed until the feedback confirms the goal."""
        self._once_more = True
        self._tries = self._timings.tries - 1
        self._next_try_us = now_us

    def at(self, end: GoalT) -> bool:
        """``end`` is the goal, the feedback confirms it, and no earlier pulse is on its way back."""
        return self._reached and self.goal is end and _same(self.feedback, end)

    def look(self, now_us: int, feedback: FeedbackT) -> None:
        """Notice at once that the holding end was left, before anything of this step is decided."""
        if self._moving is self.goal or now_us >= self._moves_until_us:
            self._notice(feedback)

    def _notice(self, feedback: FeedbackT) -> None:
        """``lost`` when the holding end, once reached, is not reported any more: opened by hand or by a fault."""
        if self._reached and self.goal is self._holding and not _same(feedback, self._holding):
            self.lost = True

    def update(self, now_us: int, feedback: FeedbackT, *, may_release: bool) -> int:
        """Take the feedback, start or end tries; return when to look again."""
        mended = self.feedback is self._contradictory and feedback is not self._contradictory
        self.feedback = feedback
        if mended and self.failed is not None:
            self.order(now_us, self.goal, again=True)
        if not _same(feedback, self._holding):
            self._driven_there = False
        if self._moving is not self.goal and now_us < self._moves_until_us:
            return self._moves_until_us
        if _same(feedback, self.goal):
            if not self._credible():
                self.failed = self.goal
                return NEVER
            self._reached = True
            self.failed = None
            self.lost = self._once_more = False
            self._rest()
            return NEVER
        self._notice(feedback)
        if self.lost:
            # No new try under load: the outlet core decides.
            return NEVER
        if self.failed is not None and not self._once_more:
            return NEVER
        return self._try(now_us, may_release=may_release)

    def _credible(self) -> bool:
        """Whether the feedback that confirms the goal may be believed."""
        if not self._proven_by_pulse or self.goal is not self._holding:
            return True
        self._driven_there = self._driven_there or self._tries > 0
        return self._driven_there

    def _rest(self) -> None:
        self.drive = self._rest_drive
        self._try_ends_us = NEVER

    def _try(self, now_us: int, *, may_release: bool) -> int:
        if self._try_ends_us != NEVER:
            if now_us < self._try_ends_us:
                return self._try_ends_us
            self._rest()
            self._next_try_us = now_us + self._timings.retry_pause_us
            if self._tries >= self._timings.tries:
                self.failed = self.goal
                self._once_more = False
                return NEVER
        if now_us < self._next_try_us:
            return self._next_try_us
        if self.goal is not self._holding and not may_release:
            return NEVER
        self._tries += 1
        self.pulse += 1
        self.drive = self._drives[self.goal]
        self._moving, self._moves_until_us = self.goal, now_us + self._timings.pulse_us
        self._try_ends_us = now_us + self._timings.confirm_us
        return self._try_ends_us


def _same(feedback: str, end: str) -> bool:
    """Whether the feedback is that of this end: both are texts of different kinds."""
    return feedback == end
