"""Elision: how far steady renewal loops may be moved at once, and by how many periods each.

A renewal loop (driver, line, twin) is steady when every part is. Its traffic then repeats with one period, and moving
the loop by whole periods gives the same state as running it. A renewal begins with its first byte and its traffic
always takes the same time; then the loop is at rest until the next one. That time is learnt from the line (two renewals
in a row that took equally long), and a loop on whose line anything else has passed since its last renewal has to run
one for real before it moves again. The plan for a jump to time T obeys three rules.

1. Nothing jumps over anything else: T is not later than the earliest of every wish and wake that is not a renewal
   (scenario, world, services, other components, end of the run), every part's and runner's essential wake, everything
   of loops that are not steady or whose runner is gone, and the wishes of the parts of a loop that is quiet (a lease
   nobody renews any more does end).
2. At T every loop is at rest, or its next renewal begins exactly at T. When T falls into a loop's traffic, T is brought
   forward to the beginning of that renewal, which is then run for real: whatever is on the line at the end is there in a
   full run as well.
3. Each loop moves by its own number of whole periods, the smallest that brings its next renewal to T or behind it; so
   nobody ever looks at a loop whose state lies in the future.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import NamedTuple, Protocol

from evse.records import dataclass
from hal.scheduling import ANY_PERIOD, PolledRenewalPart, RenewalPart, RenewalRunner
from hal.units import NEVER


class RestingLine(Protocol):
    """A part that knows when the last byte passed: the line of the loop. It starts nothing by itself."""

    @property
    def quiet_since_us(self) -> int: ...


@dataclass(slots=True)
class RenewalLoop:
    """A closed group whose traffic repeats: its parts, and the component that runs those parts which nobody steps.

    Only renewals pass between the parts while all are steady; everything else reaches them through ``Waker.wake`` or
    shows in ``essential_wake_us``. A runner (control) may serve several loops. ``line`` is the part that carries bytes.
    """

    name: str
    parts: tuple[RenewalPart, ...]
    line: RestingLine
    runner: RenewalRunner | None = None
    polled: tuple[PolledRenewalPart, ...] = field(init=False)
    """Those of the parts that nobody steps."""
    _next_renewals: tuple[Callable[[], int], ...] = field(init=False)
    _essential_wakes: tuple[Callable[[], int], ...] = field(init=False)
    _own_us: list[int] = field(default_factory=list)
    """Each part's own period, as ``period_us`` found it last."""
    _known: dict[int, set[int]] = field(default_factory=dict)
    _last: tuple[int, int, int] = (0, 0, 0)
    was_steady: bool = False
    """What ``period_us`` found last."""

    def __post_init__(self) -> None:
        acting = [part for part in self.parts if id(part) != id(self.line)]
        self._next_renewals = tuple(part.next_renewal_us for part in acting)
        self._essential_wakes = tuple(part.essential_wake_us for part in acting)
        self.polled = tuple(part for part in self.parts if isinstance(part, PolledRenewalPart))

    def traffic_us(self, period_us: int, next_us: int) -> int | None:
        """Length of one renewal's traffic, ``None`` when the line's last traffic was not known to be just a renewal.

        A length is known when two renewals in a row had it; whatever else is on the line makes it another one.
        ``next_us``: when the next renewal begins.
        """
        seen_us = self.line.quiet_since_us - (next_us - period_us)
        known = self._known.setdefault(period_us, set())
        if seen_us in known:
            return seen_us
        repeated = self._last == (period_us, next_us - period_us, seen_us)
        self._last = (period_us, next_us, seen_us)
        if seen_us > 0 and repeated:
            known.add(seen_us)
            return seen_us
        return None

    def polled_wish_us(self) -> int:
        """When the parts that nobody steps want to be run, for whatever reason."""
        return min([part.wish_us() for part in self.polled], default=NEVER)

    def members(self) -> tuple[RenewalPart | RenewalRunner, ...]:
        """The parts and the runner."""
        return self.parts if self.runner is None else (*self.parts, self.runner)

    def period_us(self) -> int:
        """Common period of all parts (the least common multiple), 0 while one is not steady, ``ANY_PERIOD`` if quiet."""
        period = 0
        self.was_steady = False
        self._own_us.clear()
        for part in self.parts:
            own = part.steady_period_us()
            if own == 0:
                return 0
            self._own_us.append(own)
            if own not in (ANY_PERIOD, period):
                period = math.lcm(period, own) if period else own
        self.was_steady = True
        return period or ANY_PERIOD

    def next_renewal_us(self) -> int:
        """When the loop's next renewal begins."""
        return min([ask() for ask in self._next_renewals], default=NEVER)

    def essential_wake_us(self) -> int:
        """Earliest essential wake of the parts; the runner's own is asked once for all its loops."""
        return min([ask() for ask in self._essential_wakes], default=NEVER)

    def shift(self, periods: int, delta_us: int) -> int:
        """Move every part by ``delta_us`` after ``period_us`` was asked; returns the number of frames not sent."""
        frames = 0
        for part, own in zip(self.parts, self._own_us, strict=True):
            frames += part.shift_renewals(periods if own == ANY_PERIOD else delta_us // own, delta_us)
        return frames


class JumpPlan(NamedTuple):
    """One jump: which loops move by how many periods and microseconds, and the new time.

    ``renewals``: when each steady loop renews next after the jump, by its name. ``essential_us``: no later than any
    essential wake of the loops and their runners.
    """

    shifts: tuple[tuple[RenewalLoop, int, int], ...]
    now_us: int
    renewals: dict[str, int]
    essential_us: int


class _Steady(NamedTuple):
    loop: RenewalLoop
    period: int
    next_renewal: int
    traffic: int


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
    runners = {id(loop.runner): loop.runner for loop in loops if loop.runner is not None}
    deserted = {key for key, runner in runners.items() if wish_of(runner) is None}
    essential_us = min([runner.essential_wake_us() for runner in runners.values()], default=NEVER)
    limit_us = min(limit_us, essential_us)
    renewals = [loop.next_renewal_us() for loop in loops]
    asked = _ask_periods(loops, renewals, deserted, (now_us, limit_us), wish_of)
    if asked is None:
        return None
    periods, limit_us = asked
    repeating = [
        (loop, period, next_us)
        for loop, period, next_us in zip(loops, periods, renewals, strict=True)
        if period not in (0, ANY_PERIOD)
    ]
    first_us = min([next_us for _, _, next_us in repeating], default=NEVER)
    if not now_us < first_us < limit_us:
        return None
    steady: list[_Steady] = []
    for loop in loops:
        essential_us = min(essential_us, loop.essential_wake_us())
    limit_us = min(limit_us, essential_us)
    for loop, period, next_us in repeating:
        traffic = loop.traffic_us(period, next_us)
        if traffic is None:
            limit_us = min(limit_us, next_us)
        else:
            steady.append(_Steady(loop, period, next_us, traffic))
    return _plan_to(steady, now_us, limit_us, essential_us) if steady and limit_us > now_us else None


def _ask_periods(
    loops: Sequence[RenewalLoop],
    renewals: Sequence[int],
    deserted: set[int],
    span: tuple[int, int],
    wish_of: Callable[[RenewalPart | RenewalRunner], int | None],
) -> tuple[list[int], int] | None:
    """Each loop's period, and the end of ``span`` (time now and limit) brought forward by what some of them want.

    ``None`` when no jump can come of it: all time is gone, or no renewal begins before the limit. Those that were not
    steady the last time are asked first, because then nobody else needs to be asked as a rule.
    """
    now_us, limit_us = span
    soonest_us = min(renewals, default=NEVER)
    periods = [0] * len(loops)
    for expected in (False, True):
        for index, loop in enumerate(loops):
            if periods[index] or loop.was_steady is not expected:
                continue
            if limit_us <= now_us or soonest_us >= limit_us:
                return None
            period = periods[index] = 0 if id(loop.runner) in deserted else loop.period_us()
            if period == 0:
                # Not the runner's wish: it mixes what all its loops want.
                limit_us = min([limit_us, renewals[index], loop.polled_wish_us(), *_wishes(loop, wish_of)])
            elif period == ANY_PERIOD:
                limit_us = min([limit_us, *_wishes(loop, wish_of)])
    return None if limit_us <= now_us else (periods, limit_us)


def _wishes(loop: RenewalLoop, wish_of: Callable[[RenewalPart | RenewalRunner], int | None]) -> list[int]:
    """The scheduled wishes of the loop's parts."""
    return [wish for part in loop.parts if (wish := wish_of(part)) is not None]


MAX_ATTEMPTS = 8
"""Each attempt brings T forward to the beginning of some loop's renewal; more than a few do not pay."""


def _plan_to(steady: Sequence[_Steady], now_us: int, limit_us: int, essential_us: int) -> JumpPlan | None:
    target_us = limit_us
    for _ in range(MAX_ATTEMPTS):
        counts = []
        for entry in steady:
            count, rest_from_us = _periods_to(entry, target_us)
            if rest_from_us < target_us:
                target_us = rest_from_us
                break
            counts.append(count)
        else:
            return _plan_of(steady, counts, target_us, essential_us)
        if target_us <= now_us:
            return None
    return None


def _periods_to(entry: _Steady, target_us: int) -> tuple[int, int]:
    """Periods that bring the loop to ``target_us``, and ``target_us`` itself or the earlier time it must be run from."""
    if target_us < entry.next_renewal:
        return 0, target_us
    periods = (target_us - entry.next_renewal) // entry.period
    begun_us = entry.next_renewal + periods * entry.period
    if target_us >= begun_us + entry.traffic:
        return periods + 1, target_us
    return periods, begun_us


def _plan_of(steady: Sequence[_Steady], counts: Sequence[int], target_us: int, essential_us: int) -> JumpPlan | None:
    shifts, renewals = [], {}
    for entry, count in zip(steady, counts, strict=True):
        delta_us = count * entry.period
        renewals[entry.loop.name] = entry.next_renewal + delta_us
        if count:
            shifts.append((entry.loop, count, delta_us))
    return JumpPlan(tuple(shifts), target_us, renewals, essential_us) if shifts else None
