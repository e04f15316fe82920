"""The vehicle's battery: exact energy, and how much current it still takes.

Specification. Energy is an integer in picojoules (mA x mV x us), so charge does not depend on how time is cut. Near
full the battery takes less, in four stages of the charger's maximum: from 95 % three quarters, from 97 % a half, from
98.5 % a quarter, at 100 % nothing (the stages are ours; they give an eight-hour charge a handful of events). There are
no losses: what is delivered is stored.
"""

from __future__ import annotations

from typing import Final

from evse.records import dataclass
from hal.units import NEVER

PJ_PER_WH: Final = 3_600 * 10**12
FULL_BP: Final = 10_000

TAPER: Final = ((9_500, 100), (9_700, 75), (9_850, 50), (FULL_BP, 25))
"""Below this state of charge (0.01 %) the battery takes this many percent of the charger's maximum."""


@dataclass(slots=True)
class Battery:
    """A battery of ``capacity_wh``."""

    capacity_wh: int
    stored_pj: int

    @classmethod
    def charged_to(cls, capacity_wh: int, charge_bp: int) -> Battery:
        """Return a battery at a state of charge in 0.01 %."""
        return cls(capacity_wh, capacity_wh * PJ_PER_WH * charge_bp // FULL_BP)

    @property
    def charge_bp(self) -> int:
        """State of charge in 0.01 %, at most 10000."""
        return min(self.stored_pj * FULL_BP // (self.capacity_wh * PJ_PER_WH), FULL_BP)

    @property
    def full(self) -> bool:
        """Whether nothing more goes in."""
        return self.stored_pj >= self.capacity_wh * PJ_PER_WH

    def _stage(self) -> tuple[int, int]:
        """Return the upper end of the present stage in picojoules and its percentage; (0, 0) when full."""
        for upper_bp, percent in TAPER:
            upper_pj = self.capacity_wh * PJ_PER_WH * upper_bp // FULL_BP
            if self.stored_pj < upper_pj:
                return upper_pj, percent
        return 0, 0

    def accepts_ma(self, maximum_ma: int) -> int:
        """Return the current per phase the battery lets a charger of ``maximum_ma`` draw."""
        return maximum_ma * self._stage()[1] // 100

    def next_stage_us(self, power_uw: int, now_us: int) -> int:
        """Return when the present stage ends at ``power_uw`` (mA x mV)."""
        upper_pj, percent = self._stage()
        if not percent or power_uw <= 0:
            return NEVER
        return now_us - (self.stored_pj - upper_pj) // power_uw
