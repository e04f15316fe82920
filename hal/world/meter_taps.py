"""Where meters are built in: in front of an outlet, and at the connection of the house."""

from __future__ import annotations

from typing import Final

from hal.world.metered import Measured
from hal.world.outlet import OutletWorld
from hal.world.station import StationWorld
from hal.world.supply import Phases

PJ_PER_MWH: Final = 3_600_000_000_000


STRAIGHT: Final = (1, 2, 3)


def at_terminals(values: Phases, terminals: tuple[int, int, int]) -> Phases:
    """``values`` of three conductors as a meter sees them, to whose terminals (1 to 3) they are wired in this order."""
    first, second, third = (values[terminals.index(terminal)] for terminal in STRAIGHT)
    return first, second, third


class OutletTap:
    """A meter in front of an outlet: it sees what the outlet draws.

    ``terminals``: terminal of the meter behind each terminal of the outlet.
    """

    def __init__(self, outlet: OutletWorld, terminals: tuple[int, int, int] = STRAIGHT) -> None:
        self._outlet = outlet
        self._terminals = terminals

    def measured(self, now_us: int) -> Measured:
        outlet = self._outlet
        outlet.advance(now_us)
        currents = at_terminals(outlet.currents_ma(), self._terminals)
        voltages = at_terminals(outlet.voltages_mv(), self._terminals)
        first, second, third = (i * u // 1_000 for i, u in zip(currents, voltages, strict=True))
        return Measured(currents, voltages, (first, second, third), outlet.energy_pj // PJ_PER_MWH)


class HouseTap:
    """A meter at the house connection: it sees the house and every outlet, currents without a sign, powers with one.

    Its energy is that of the outlets alone: nobody reads a house's energy here. ``terminals``: terminal of the meter behind each
    conductor of the supply.
    """

    def __init__(self, world: StationWorld, terminals: tuple[int, int, int] = STRAIGHT) -> None:
        self._world = world
        self._terminals = terminals

    def measured(self, now_us: int) -> Measured:
        self._world.advance(now_us)
        voltages = self._world.grid.voltages_mv()
        total = list(self._world.grid.house_ma)
        for outlet in self._world.outlets:
            total = [have + more for have, more in zip(total, outlet.currents_ma(), strict=True)]
        signed = at_terminals((total[0], total[1], total[2]), self._terminals)
        voltages = at_terminals(voltages, self._terminals)
        first, second, third = (abs(i) for i in signed)
        one, two, three = (i * u // 1_000 for i, u in zip(signed, voltages, strict=True))
        energy_pj = sum(outlet.energy_pj for outlet in self._world.outlets)
        return Measured((first, second, third), voltages, (one, two, three), energy_pj // PJ_PER_MWH)
