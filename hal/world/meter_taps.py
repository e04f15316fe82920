"""Where meters are built in: in front of an outlet, and at the connection of the house."""

from __future__ import annotations

from typing import Final

from hal.world.metered import Measured
from hal.world.outlet import OutletWorld
from hal.world.station import StationWorld

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


class HouseTap:
    """A meter at the house connection: it sees the house and every outlet, currents without a sign, powers with one.

    Its energy is that of the outlets alone: nobody reads a house's energy here.
    """

    def __init__(self, world: StationWorld) -> None:
        self._world = world

    def measured(self, now_us: int) -> Measured:
        self._world.advance(now_us)
        voltages = self._world.grid.voltages_mv()
        total = list(self._world.grid.house_ma)
        for outlet in self._world.outlets:
            total = [have + more for have, more in zip(total, outlet.currents_ma(), strict=True)]
        first, second, third = (abs(i) for i in total)
        one, two, three = (i * u // 1_000 for i, u in zip(total, voltages, strict=True))
        energy_pj = sum(outlet.energy_pj for outlet in self._world.outlets)
        return Measured((first, second, third), voltages, (one, two, three), energy_pj // PJ_PER_MWH)
