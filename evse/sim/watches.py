"""Watches: conditions that are judged while the run goes on.

A condition on a quantity that grows by itself (energy, time) is judged once a second, counted from the scenario's
beginning, and at its deadline; every other condition at every instant. So a run with elided renewals, which has fewer
instants, decides at the same times as a full one.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from evse.records import dataclass
from evse.sim.conditions import Condition, Judgement, Observation, judge
from evse.sim.scenario import Step
from hal.units import SECOND

TICK_US: Final = SECOND
_GROWING: Final = ("energy_wh", "register_wh", "energy_nj", "energy_pj", "vehicle_charge_bp", "mono_us", "at_us")


class Kind(Enum):
    """What a watch wants of its condition."""

    SOON = "within"
    """It holds once before the deadline."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(slots=True)
class Watch:
    """One condition being watched. ``deadline_us`` ``None``: until the end of the scenario."""

    step: Step
    kind: Kind
    condition: Condition
    expected: str
    deadline_us: int | None
    last: Judgement | None = None

    @property
    def growing(self) -> bool:
        """Whether the condition looks at a quantity that grows by itself."""
        return any(check.path and check.path[-1] in _GROWING for check in self.condition.checks)

    def look(self, observation: Observation, now_us: int, *, on_tick: bool) -> bool | None:
        """Judge at this instant; return the outcome, ``None`` while undecided."""
        at_deadline = self.deadline_us is not None and now_us >= self.deadline_us
        if not self.growing or on_tick or at_deadline:
            self.last = judge(self.condition, observation)
            if self.kind is Kind.SOON and self.last.holds:
                return True
            if self.kind is Kind.ALWAYS and self.last.holds is False:
                return False
            if self.kind is Kind.NEVER and self.last.holds:
                return False
        return self.kind is not Kind.SOON if at_deadline else None

    def actual(self) -> str:
        """What was found at the last look."""
        return self.last.actual if self.last is not None else "nothing"
