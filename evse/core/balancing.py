"""Balancing: what each outlet may have of the station's current, and who is shed when it is not enough for all.

An outlet counts with what it *may* draw: its highest offer of the last 5 s, or what is measured if that is more; nothing
once its contact is open and it offers nothing. The sum of that never exceeds the station's maximum: an outlet rises only
as far as the others have come down.

========== ============================================================================================================
situation  rule
========== ============================================================================================================
enough     Everybody who wants energy gets the same, but at least what its vehicle can begin with and at most what its
           own limits allow; what one cannot take the others get.
short      When that least does not fit for all, some are shed (0 A). `Charge duration`: who has begun first is shed first.
           `Energy delivered`: who has had most is shed first (EVlink guide DOCA0060, "Advanced settings sub-tab").
steady     While short, room for all counts only with a margin. By energy, whoever is served keeps its turn for a while, and
           energies count in steps: the guide names no times, these are ours.
settling   After the maximum itself has fallen everybody goes down to its share at once and keeps that (``kept_ma``), although
           the others still count with what they had.
========== ============================================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evse.core.config import SheddingPriority, SheddingRule
from evse.core.units import NEVER


class Claim(NamedTuple):
    """One outlet as balancing sees it. Currents are those of its highest phase."""

    wants: bool
    """It could charge now if there were enough."""
    reserved_ma: int
    """What it may draw at this moment."""
    least_ma: int
    """Below this its vehicle does not charge."""
    ceiling_ma: int
    """What its other limits allow."""
    kept_ma: int = 0
    """What it goes on offering while the maximum settles."""
    begun_us: int = 0
    """When its session began."""
    energy_steps: int = 0
    """Energy of its session, in whole steps of the rule."""


class Balancer:
    """Divides ``maximum_ma`` between outlets; remembers who is served while it does not suffice."""

    def __init__(self, rule: SheddingRule) -> None:
        self.rule = rule
        self.shed: tuple[int, ...] = ()
        """Indices of the outlets that get nothing although they want energy."""
        self.wake_us = NEVER
        """When that may change by time alone."""
        self._served: tuple[int, ...] = ()
        self._since_us = -NEVER

    def shares(self, now_us: int, maximum_ma: int, claims: Sequence[Claim]) -> tuple[int, ...]:
        """Return what each outlet may offer at most."""
        wanting = [i for i, claim in enumerate(claims) if claim.wants]
        served = self._choose(now_us, maximum_ma, claims, wanting)
        self.shed = tuple(i for i in wanting if i not in served)
        together_ma = sum(claim.reserved_ma for claim in claims)
        level_ma = _level_ma(maximum_ma, [claims[i] for i in served])
        found = []
        for index, claim in enumerate(claims):
            if index in self.shed:
                found.append(0)
                continue
            if index in served:
                fair_ma = _at_level(level_ma, claim)
            else:
                # It wants nothing yet: what it would begin with.
                fair_ma = maximum_ma // (len(served) + 1)
            free_ma = maximum_ma - (together_ma - claim.reserved_ma)
            found.append(max(0, min(fair_ma, max(free_ma, claim.kept_ma))))
        return tuple(found)

    def _choose(self, now_us: int, maximum_ma: int, claims: Sequence[Claim], wanting: list[int]) -> list[int]:
        """Who is served of those who want energy."""
        self.wake_us = NEVER
        together_ma = sum(claims[i].least_ma for i in wanting)
        if together_ma + (self.rule.margin_ma if self._served else 0) <= maximum_ma or len(wanting) == 1:
            self._served = ()
            return wanting
        chosen = self._fitting(maximum_ma, claims, sorted(wanting, key=lambda i: self._rank(claims[i], i)))
        before = [i for i in self._served if i in wanting]
        if self.rule.priority is SheddingPriority.ENERGY_DELIVERED and before and set(chosen) != set(before):
            turn_ends_us = self._since_us + self.rule.keep_us
            if now_us < turn_ends_us and self._fitting(maximum_ma, claims, before) == before:
                self.wake_us = turn_ends_us
                chosen = before
        if tuple(chosen) != self._served:
            self._served, self._since_us = tuple(chosen), now_us
        return chosen

    def _rank(self, claim: Claim, index: int) -> tuple[int, int, int]:
        """Lower is served first."""
        energy = claim.energy_steps if self.rule.priority is SheddingPriority.ENERGY_DELIVERED else 0
        return energy, -claim.begun_us, index

    def _fitting(self, maximum_ma: int, claims: Sequence[Claim], order: list[int]) -> list[int]:
        """The first of ``order`` whose least fits; always one."""
        fitting = order[:1]
        used_ma = claims[order[0]].least_ma
        for index in order[1:]:
            # Who comes back must have the margin, who is served has had it.
            margin_ma = 0 if not self._served or index in self._served else self.rule.margin_ma
            if used_ma + claims[index].least_ma + margin_ma <= maximum_ma:
                used_ma += claims[index].least_ma
                fitting.append(index)
        return fitting


def _at_level(level_ma: int, claim: Claim) -> int:
    return max(claim.least_ma, min(level_ma, claim.ceiling_ma))


def _level_ma(maximum_ma: int, claims: Sequence[Claim]) -> int:
    """The highest level at which all fit, each at least with its least and at most with its ceiling."""
    low_ma, high_ma = 0, max(maximum_ma, 0)
    while low_ma < high_ma:
        middle_ma = (low_ma + high_ma + 1) // 2
        if sum(_at_level(middle_ma, claim) for claim in claims) <= maximum_ma:
            low_ma = middle_ma
        else:
            high_ma = middle_ma - 1
    return low_ma
