"""A simulated meter is wired as the profile says, and the core puts its values back into the outlet's order."""

from __future__ import annotations

from itertools import permutations

import pytest

from evse.core.config import OutletConfig
from evse.core.metering import Metering
from evse.core.units import SECOND
from evse.core.values import MeterSample, OutletInputs
from hal.world.meter_taps import HouseTap, OutletTap, at_terminals
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld

ORDERS = tuple(permutations((1, 2, 3)))


@pytest.mark.req("MTR-03")
@pytest.mark.parametrize("terminals", ORDERS)
def test_what_the_wiring_mixes_the_core_puts_in_order_again(terminals: tuple[int, int, int]) -> None:
    currents, voltages = (1_000, 2_000, 3_000), (221_000, 222_000, 223_000)
    metering = Metering(OutletConfig(1, meter="iem3155", meter_terminals=terminals), 230_000, 0)
    mixed = MeterSample(
        SECOND,
        currents_ma=at_terminals(currents, terminals),
        voltages_mv=at_terminals(voltages, terminals),
        energy_mwh=1,
    )
    inputs = OutletInputs(link_ok=True, meter=mixed)
    metering.update(SECOND, inputs)
    assert (metering.currents_ma(inputs), metering.voltages_mv(inputs)) == (currents, voltages)


@pytest.mark.req("MTR-03")
def test_meters_of_outlet_and_house_see_the_conductors_at_their_terminals() -> None:
    world = StationWorld([OutletSetup()])
    world.grid.house_ma = (1_000, 2_000, -3_000)
    assert HouseTap(world).measured(0).currents_ma == (1_000, 2_000, 3_000)
    house = HouseTap(world, (2, 3, 1)).measured(0)
    assert house.currents_ma == (3_000, 1_000, 2_000)
    assert [power < 0 for power in house.powers_mw] == [True, False, False], "the direction stays with its conductor"
    assert OutletTap(world.outlets[0], (2, 3, 1)).measured(0).voltages_mv == world.outlets[0].voltages_mv()
