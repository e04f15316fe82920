"""Limits: per-phase plans on a tree (network, station, outlet), and the arbiter that finds the lowest.

A limit is a plan, not a number, so that a source that dies leaves something defined: its values by time, when the plan
expires and what holds then. Nothing but a source's own plan ever raises an offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from evse.core.units import NEVER, PhaseValues
from evse.records import dataclass


class OnExpiry(StrEnum):
    """What holds after a plan's end."""

    HOLD = "hold"
    FALLBACK = "fallback"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class PlanStep:
    """From ``from_us`` on, each phase may carry these milliamperes; ``None``: the source limits nothing then."""

    from_us: int
    phases_ma: PhaseValues | None


@dataclass(frozen=True, slots=True)
class LimitStep:
    """A step of a plan as sources give it: from ``after_us`` after the plan's start until the next step.

    ``phases_ma``: milliamperes of L1, L2, L3; ``None``: nothing is limited.
    """

    after_us: int
    phases_ma: PhaseValues | None


@dataclass(frozen=True, slots=True)
class Limit:
    """One source's limit. ``plan`` is sorted by time; before its first step nothing is limited."""

    source: str
    plan: tuple[PlanStep, ...]
    expires_us: int = NEVER
    on_expiry: OnExpiry = OnExpiry.HOLD
    fallback_ma: PhaseValues = (0, 0, 0)
    note: str = ""

    def at(self, now_us: int) -> PhaseValues | None:
        """Return the limit in force, ``None`` when this source limits nothing now."""
        if now_us >= self.expires_us and self.on_expiry is not OnExpiry.HOLD:
            return self.fallback_ma if self.on_expiry is OnExpiry.FALLBACK else None
        current: PhaseValues | None = None
        for step in self.plan:
            if step.from_us > now_us:
                break
            current = step.phases_ma
        return current

    def next_change_us(self, now_us: int) -> int:
        """Return when the value may change next by time alone."""
        times = [step.from_us for step in self.plan if step.from_us > now_us]
        if self.expires_us > now_us and self.on_expiry is not OnExpiry.HOLD:
            times.append(self.expires_us)
        return min(times, default=NEVER)


@lru_cache(maxsize=256)
def constant(source: str, current_ma: int, note: str = "") -> Limit:
    """Return a limit that holds for ever with the same current on each phase."""
    return Limit(source, (PlanStep(-NEVER, (current_ma,) * 3),), note=note)


class LimitInForce(NamedTuple):
    """A source and what it allows now; ``current_ma`` is the lowest of the phases the outlet uses.

    ``changes_us``: when that changes next by time alone, ``NEVER`` if it does not. ``expires_us`` and ``on_expiry``: when
    the source's word ends and what holds then; ``fallback_ma``: the lowest of those phases for ``FALLBACK``.
    """

    source: str
    current_ma: int
    note: str
    phases_ma: PhaseValues
    changes_us: int
    expires_us: int
    on_expiry: OnExpiry
    fallback_ma: int


class Arbitration(NamedTuple):
    """The offer's ceiling, who rules it, and the whole stack (lowest first, ties in the given order)."""

    current_ma: int
    ruling: str
    stack: tuple[LimitInForce, ...]
    next_change_us: int


def arbitrate(now_us: int, limits: Sequence[Limit], conductors: Sequence[int]) -> Arbitration:
    """Return the lowest of all ``limits`` over these ``conductors`` (1 to 3); raise ValueError when there is none."""
    in_force = []
    next_us = NEVER
    for limit in limits:
        value = limit.at(now_us)
        changes_us = limit.next_change_us(now_us)
        next_us = min(next_us, changes_us)
        if value is not None:
            lowest_ma = min([value[conductor - 1] for conductor in conductors])
            fallback_ma = min([limit.fallback_ma[conductor - 1] for conductor in conductors])
            in_force.append(
                LimitInForce(
                    *(limit.source, lowest_ma, limit.note, value, changes_us),
                    *(limit.expires_us, limit.on_expiry, fallback_ma),
                )
            )
    if not in_force:
        raise ValueError("no limit in force: an outlet always has its rated current")
    stack = tuple(sorted(in_force, key=lambda each: each.current_ma))
    return Arbitration(stack[0].current_ma, stack[0].source, stack, next_us)
