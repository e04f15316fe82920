"""Where meters are built in: in front of an outlet."""

from __future__ import annotations

from typing import Final

from hal.world.metered import Measured
from hal.world.outlet import OutletWorld

PJ_PER_MWH: Final = 3_600_000_000_000


class OutletTap:
    """A meter in front of an outlet: it sees what the outlet draws."""

    def __init__(self, outlet: OutletWorld) -> None:
        self._outlet = outlet

    def measured(self, now_us: int) -> Measured:
        outlet = self._outlet
        outlet.advance(now_us)
        currents, voltages = outlet.currents_ma(), outlet.voltages_mv()
        first, second, third = (i * u // 1_000 for i, u in zip(currents, voltages, strict=True))
        return Measured(currents, voltages, (first, second, third), outlet.energy_pj // PJ_PER_MWH)
