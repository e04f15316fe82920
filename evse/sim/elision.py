"""Elision: how far steady renewal loops may be moved at once, and by how many periods each.

A renewal loop (driver, line, twin) is steady when every part is. Its traffic then repeats with one period, and moving
the loop by whole periods gives the same state as running it. The plan for a jump obeys four rules.

1. Nothing jumps over anything else: ``limit`` is the earliest of every wish and wake that is not a renewal (scenario,
   world, services, other components, end of the run), every part's and runner's essential wake, everything of loops
   that are not steady or whose runner is gone, and the wishes of the parts of a loop that is quiet (a lease nobody
   renews any more does end).
2. Each loop moves by its own number of whole periods. The loop with the longest period is tried first; the faster ones
   follow it, so that a later attempt brings them up to the slow one's next renewal.
3. After the jump all loops are consistent at one new time: no loop has been moved beyond the next renewal of another, so
   nobody ever looks at a loop whose state lies in the future.
4. The last renewal before ``limit`` is always run for real, so that whatever is on the line at ``limit`` is there in a
   full run as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hal.scheduling import ANY_PERIOD, RenewalPart, RenewalRunner
from hal.units import NEVER


@dataclass(frozen=True)
class RenewalLoop:
    """A closed group whose traffic repeats: its parts, and the component that runs those parts which nobody steps.

    Only renewals pass between the parts while all are steady; everything else reaches them through ``Waker.wake`` or
    shows in ``essential_wake_us``. A runner (control) may serve several loops.
    """

    name: str
    parts: tuple[RenewalPart, ...]
    runner: RenewalRunner | None = None

    def members(self) -> tuple[RenewalPart | RenewalRunner, ...]:
        """The parts and the runner."""
        return self.parts if self.runner is None else (*self.parts, self.runner)

    def period_us(self) -> int:
        """Common period of all parts (the least common multiple), 0 while one is not steady, ``ANY_PERIOD`` if quiet."""
        period = 0
        for part in self.parts:
            own = part.steady_period_us()
            if own == 0:
                return 0
            if own != ANY_PERIOD:
                period = own if period == 0 else math.lcm(period, own)
        return period or ANY_PERIOD

    def next_renewal_us(self) -> int:
        """When the loop's next renewal begins."""
        return min((part.next_renewal_us() for part in self.parts), default=NEVER)

    def essential_wake_us(self) -> int:
        """Earliest essential wake of the parts and the runner."""
        return min((member.essential_wake_us() for member in self.members()), default=NEVER)

    def shift(self, periods: int, delta_us: int) -> int:
        """Move every part by ``delta_us``; returns the number of frames not sent."""
        frames = 0
        for part in self.parts:
            own = part.steady_period_us()
            frames += part.shift_renewals(periods if own == ANY_PERIOD else delta_us // own, delta_us)
        return frames


@dataclass(frozen=True)
class JumpPlan:
    """One jump: which loops move by how many periods and microseconds, the new time, the limit nothing went beyond."""

    shifts: tuple[tuple[RenewalLoop, int, int], ...]
    now_us: int
    limit_us: int


@dataclass(frozen=True, slots=True)
class _Steady:
    loop: RenewalLoop
    period: int
    next_renewal: int


def plan_jump(
    loops: Sequence[RenewalLoop],
    now_us: int,
    limit_us: int,
    wish_of: Callable[[RenewalPart | RenewalRunner], int | None],
) -> JumpPlan | None:
    """Plan the next jump, ``None`` when there is nothing to gain or a loop is not ready.

    ``limit_us`` bounds the jump from outside the loops; ``wish_of`` gives the scheduled wish of a member, ``None`` for
    one that is not scheduled.
    """
    steady: list[_Steady] = []
    for loop in loops:
        limit_us = min(limit_us, loop.essential_wake_us())
        period = loop.period_us()
        wishes = [wish for part in loop.parts if (wish := wish_of(part)) is not None]
        runner_wish = NEVER if loop.runner is None else wish_of(loop.runner)
        if period == 0 or runner_wish is None:
            limit_us = min(limit_us, loop.next_renewal_us(), NEVER if runner_wish is None else runner_wish, *wishes)
        elif period == ANY_PERIOD:
            limit_us = min([limit_us, *wishes])
        else:
            steady.append(_Steady(loop, period, loop.next_renewal_us()))
        if limit_us <= now_us:
            return None
    if any(entry.next_renewal <= now_us for entry in steady):
        return None
    steady.sort(key=lambda entry: -entry.period)
    for index, slow in enumerate(steady):
        bound = min([limit_us, *(entry.next_renewal for entry in steady[:index] if entry.period > slow.period)])
        periods = (bound - slow.next_renewal) // slow.period
        if periods >= 1:
            plan = _with_followers(steady, index, periods, now_us, bound)
            if plan is not None:
                return plan
    return None


def _with_followers(steady: Sequence[_Steady], index: int, periods: int, now_us: int, bound: int) -> JumpPlan | None:
    """Move loop ``index`` by ``periods`` and every loop of the same or a shorter period up to it."""
    slow = steady[index]
    target = now_us + periods * slow.period
    shifts: list[tuple[RenewalLoop, int, int]] = []
    reached, next_of_all = target, bound
    for entry in steady:
        count = 0
        if entry is slow:
            count = periods
        elif entry.period <= slow.period:
            count = max(0, -((entry.next_renewal - target) // entry.period))
        delta = count * entry.period
        if count:
            shifts.append((entry.loop, count, delta))
            reached = max(reached, now_us + delta)
        next_of_all = min(next_of_all, entry.next_renewal + delta)
    if reached > next_of_all:
        return None
    return JumpPlan(tuple(shifts), reached, bound)
