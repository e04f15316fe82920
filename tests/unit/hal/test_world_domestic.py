"""The domestic socket of the world: currents, energy, plug switch, contact, detector, supply."""

from __future__ import annotations

from typing import Any

import pytest

from hal.units import MS, SECOND
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld
from hal.world.truth import DomesticTruth
from hal.world.verbs import VERBS, VerbError, apply, verbs_of


def world(**setup: Any) -> StationWorld:
    return StationWorld([OutletSetup(has_domestic=True, **setup)])


def closed(current: str = "8 A") -> StationWorld:
    station = world()
    apply(station, "plug_in_domestic", {"current": current}, 0)
    station.outlet(1).drive_domestic_coil(True, 0)
    station.step(SECOND)
    return station


def domestic(station: StationWorld) -> DomesticTruth:
    truth = station.outlet(1).truth().domestic
    assert truth is not None
    return truth


@pytest.mark.req("STA-07", "SIM-02")
def test_a_closed_contact_and_a_plug_give_current_on_one_phase_and_count() -> None:
    station = closed()
    outlet = station.outlet(1)
    assert outlet.currents_ma() == (8_000, 0, 0)
    assert domestic(station).current_ma == 8_000
    # 20 ms until the contacts close.
    assert outlet.truth().energy_pj == 8_000 * 230_000 * (SECOND - 20 * MS)
    outlet.drive_domestic_coil(False, SECOND)
    station.step(2 * SECOND)
    assert outlet.currents_ma() == (0, 0, 0)
    assert (domestic(station).closings, domestic(station).openings_under_load) == (1, 1)
    assert not outlet.truth().contact_closed


def test_without_a_plug_or_without_a_feed_no_current_flows() -> None:
    station = world()
    station.outlet(1).drive_domestic_coil(True, 0)
    station.step(SECOND)
    assert domestic(station).contact_closed
    assert station.outlet(1).currents_ma() == (0, 0, 0)
    station = closed()
    apply(station, "trip_breaker", {}, SECOND)
    assert station.outlet(1).currents_ma() == (0, 0, 0)


@pytest.mark.req("STA-07")
def test_both_sockets_hang_on_one_meter_and_the_vehicle_takes_only_its_own() -> None:
    station = closed()
    outlet = station.outlet(1)
    apply(station, "plug_in", {}, SECOND)
    before = outlet.vehicle.battery.stored_pj
    station.step(10 * SECOND)
    assert outlet.vehicle.battery.stored_pj == before
    assert outlet.currents_ma() == (8_000, 0, 0)


def test_the_plug_comes_out_under_load_only_on_purpose_and_at_any_time() -> None:
    station = closed()
    with pytest.raises(VerbError, match="pull_under_load"):
        apply(station, "unplug_domestic", {}, SECOND)
    apply(station, "unplug_domestic", {"pull_under_load": True}, SECOND)
    assert station.outlet(1).truth().unplugs_under_load == 1
    assert not station.outlet(1).domestic_plugged()
    with pytest.raises(VerbError, match="nothing is plugged"):
        apply(station, "unplug_domestic", {}, SECOND)


def test_the_plug_switch_and_the_mirror_contact_can_lie() -> None:
    station = closed()
    apply(station, "plug_switch_fault", {"kind": "stuck_out"}, SECOND)
    assert not station.outlet(1).domestic_plugged()
    assert domestic(station).plugged
    apply(station, "plug_switch_fault", {"heal": True}, SECOND)
    assert station.outlet(1).domestic_plugged()
    apply(station, "domestic_mirror_fault", {"kind": "stuck_open"}, SECOND)
    assert not station.outlet(1).domestic_mirror_closed()
    assert domestic(station).contact_closed


def test_a_weld_holds_the_contact_until_it_is_healed() -> None:
    station = closed()
    apply(station, "weld_domestic", {}, SECOND)
    station.outlet(1).drive_domestic_coil(False, SECOND)
    station.step(2 * SECOND)
    assert domestic(station).contact_welded
    assert station.outlet(1).currents_ma()[0] == 8_000
    apply(station, "weld_domestic", {"heal": True}, 2 * SECOND)
    station.step(3 * SECOND)
    assert not domestic(station).contact_closed


@pytest.mark.req("STA-07")
def test_a_leak_trips_the_outlets_detector_through_the_domestic_contact() -> None:
    station = closed()
    apply(station, "leak", {"kind": "ac", "current": "40 mA"}, SECOND)
    station.step(2 * SECOND)
    assert station.outlet(1).residual_trip() == (True, False)


def test_without_supply_the_contact_falls() -> None:
    station = closed()
    apply(station, "cut_power", {}, SECOND)
    station.step(SECOND + 20 * MS)
    assert not domestic(station).contact_closed


def test_overdraw_comes_on_top_and_the_load_can_be_changed() -> None:
    station = closed()
    apply(station, "overdraw_domestic", {"current": "5 A"}, SECOND)
    assert station.outlet(1).currents_ma()[0] == 13_000
    apply(station, "set_domestic_load", {"current": "2 A"}, SECOND)
    apply(station, "overdraw_domestic", {"heal": True}, SECOND)
    assert station.outlet(1).currents_ma()[0] == 2_000


@pytest.mark.req("STA-07")
def test_the_verbs_exist_where_the_socket_exists() -> None:
    names = {verb.name for verb in VERBS if "domestic socket" in verb.help}
    assert len(names) == 8
    assert names <= {verb.name for verb in verbs_of(world())}
    plain = StationWorld([OutletSetup()])
    assert not names & {verb.name for verb in verbs_of(plain)}
    assert plain.outlet(1).truth().domestic is None
    with pytest.raises(VerbError, match="no domestic socket"):
        apply(plain, "plug_in_domestic", {}, 0)
    plain.outlet(1).drive_domestic_coil(True, 0)
    plain.step(SECOND)
    assert not plain.outlet(1).domestic_mirror_closed()
    with pytest.raises(VerbError, match="domestic socket only"):
        apply(world(has_mode3=False), "plug_in", {}, 0)
