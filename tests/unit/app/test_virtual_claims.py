"""What invariants are told of the station is what its Snapshot says."""

from __future__ import annotations

from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.units import SECOND
from evse.sim.station import claims_of


def test_claims_are_those_of_the_snapshot() -> None:
    profile = load_profile("parking-free")
    station = VirtualStation(station_config(profile, "SIM"), wire_plan(profile))
    seen = set()
    for second, verb in ((5, "plug_in"), (30, "weld_contactor"), (40, "vehicle_stop"), (50, "freeze_control")):
        station.scheduler.run_until(second * SECOND)
        view, claims = station.view(), station.claims()
        assert view is not None and claims == claims_of(view)
        seen |= {fault for outlet in claims.outlets for fault in outlet.faults}
        station.apply_verb(verb, {} if verb == "freeze_control" else {"outlet": 1}, station.scheduler.now_us)
    assert "ContactorWelded" in seen
    assert station.view() is None and station.claims() is None
