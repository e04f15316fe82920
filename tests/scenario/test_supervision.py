"""A whole station under supervision in virtual time: real core, drivers and journal below, a central system above."""

from __future__ import annotations

import random

import pytest

from evse.app.virtual.station_factory import station_factory
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.units import SECOND
from evse.sim.invariants import InvariantChecker

DAY_S = 86_400


class Supervised:
    def __init__(self, number: int = 1) -> None:
        self.station: VirtualStation = station_factory("parking-supervised", number, True)
        self.checker = InvariantChecker(self.station)
        self.station.scheduler.observers.append(self.checker.observe)
        assert self.station.csms is not None
        self.central = self.station.csms

    def do(self, verb: str, **params: int | str | bool) -> None:
        now_us = self.station.scheduler.now_us
        self.checker.note_verb(verb, params, now_us)
        self.station.apply_verb(verb, params, now_us)

    def run(self, seconds: float) -> None:
        self.station.scheduler.run_for(round(seconds * SECOND))

    def charge(self, outlet: int, uid: str, seconds: float) -> None:
        """Plug, card, charge for a while."""
        self.do("plug_in", outlet=outlet, cable="32 A")
        self.run(3)
        self.do("present_card", outlet=outlet, uid=uid, hold="1 s")
        self.run(seconds)

    def leave(self, outlet: int, uid: str) -> None:
        """The user ends the charge and goes."""
        self.do("present_card", outlet=outlet, uid=uid, hold="1 s")
        self.run(15)
        self.do("unplug", outlet=outlet)
        self.run(10)

    def told_as_recorded(self) -> None:
        """Each record with a transaction stands once in the central system's ledger, with the same energy."""
        records = self.station.ledger().records()
        delivered = sorted(self.central.ledger.values(), key=lambda each: each.started)
        assert len(delivered) == len(records)
        told = sorted(
            (each.connector, each.tag, (each.stop_wh or 0) - each.start_wh, each.reason) for each in delivered
        )
        kept = sorted((each.outlet, each.uid, each.energy_wh, each.reason) for each in records)
        assert told == kept
        assert all(each.stops == 1 and each.started < each.stopped for each in delivered)


@pytest.mark.req("OCP-03", "AUT-06")
def test_days_offline_with_power_cuts_are_told_once_and_exactly() -> None:
    chance = random.Random(5)
    place = Supervised()
    place.run(10)
    place.charge(1, "04A1B2C3", 60)
    place.leave(1, "04A1B2C3")
    place.do("network_down")
    for session in range(12):
        outlet = session % 2 + 1
        place.charge(outlet, "04A1B2C3", chance.uniform(30, 400))
        if session % 4 == 3:
            place.do("cut_power", duration="30 s")
            place.run(60)
            place.do("unplug", outlet=outlet)
            place.run(10)
        else:
            place.leave(outlet, "04A1B2C3")
        place.run(DAY_S * 7 / 12)
    assert len(place.central.ledger) == 1
    place.do("network_up")
    place.run(1_500)
    assert len(place.central.ledger) == 13
    place.told_as_recorded()
    place.checker.finish(place.station.scheduler.now_us)
    assert [str(each) for each in place.checker.violations] == []


@pytest.mark.req("AUT-01")
def test_a_refused_card_opens_no_session_and_charges_nothing() -> None:
    place = Supervised()
    place.run(10)
    place.do("csms_refuses", uid="04DEADBE")
    place.charge(1, "04DEADBE", 30)
    assert not place.station.world.outlet(1).truth().contact_closed
    assert list(place.station.ledger().records()) == []
    assert place.central.ledger == {}


@pytest.mark.req("OCP-07")
def test_a_remote_start_and_stop_through_the_core() -> None:
    place = Supervised()
    place.run(10)
    place.do("plug_in", outlet=2, cable="32 A")
    place.run(3)
    place.do("csms_remote_start", outlet=2, uid="04D4E5F6")
    place.run(30)
    assert place.station.world.outlet(2).truth().contact_closed
    assert place.central.statuses[2] == "Charging"
    place.do("csms_remote_stop", outlet=2)
    place.run(15)
    assert not place.station.world.outlet(2).truth().contact_closed
    place.told_as_recorded()
    assert place.central.answers[-1] == ("RemoteStopTransaction", {"status": "Accepted"})


@pytest.mark.req("OCP-04", "ENE-05")
def test_a_charging_profile_is_on_the_pilot_line_within_ten_seconds_and_so_is_its_end() -> None:
    place = Supervised()
    place.run(10)
    place.charge(2, "04A1B2C3", 30)
    pilot = place.station.world.outlet(2).truth
    free_bp = pilot().duty_bp
    orders: tuple[tuple[str, dict[str, int | str | bool], int], ...] = (
        ("csms_limit", {"outlet": 2, "current": "12 A"}, 2_000),
        ("csms_limit", {"outlet": 2, "current": "8 A"}, 1_333),
        ("csms_unlimit", {}, free_bp),
    )
    for verb, params, duty_bp in orders:
        assert abs(pilot().duty_bp - duty_bp) > 100
        place.do(verb, **params)
        place.run(10)
        assert abs(pilot().duty_bp - duty_bp) <= 10, f"{verb} {params}"
        assert place.central.answers[-1][1] == {"status": "Accepted"}
        place.run(60)


@pytest.mark.req("OCP-01")
def test_one_transaction_for_two_vehicles_and_a_cable_that_is_kept_for_its_user() -> None:
    place = Supervised()
    place.run(10)
    place.do("csms_configure", key="StopTransactionOnEVSideDisconnect", value="false")
    place.charge(1, "04A1B2C3", 60)
    place.do("unplug", outlet=1, end="vehicle", pull_under_load=True)
    place.run(120)
    assert (place.central.statuses[1], len(place.central.ledger)) == ("SuspendedEV", 1)
    assert place.station.world.outlet(1).truth().plug_held
    place.do("plug_in", outlet=1, end="vehicle")
    place.run(30)
    assert (place.central.statuses[1], len(place.central.ledger)) == ("Charging", 1)
    place.do("csms_configure", key="StopTransactionOnEVSideDisconnect", value="true")
    place.do("csms_configure", key="UnlockConnectorOnEVSideDisconnect", value="false")
    place.run(1)
    place.do("unplug", outlet=1, end="vehicle", pull_under_load=True)
    place.run(60)
    assert (place.central.statuses[1], place.central.ledger[1].reason) == ("Finishing", "EVDisconnected")
    assert place.station.world.outlet(1).truth().plug_held
    place.do("csms_unlock", outlet=1)
    place.run(3)
    assert place.central.answers[-1] == ("UnlockConnector", {"status": "Unlocked"})
    assert not place.station.world.outlet(1).truth().plug_held
    place.told_as_recorded()
    place.checker.finish(place.station.scheduler.now_us)
    assert [str(each) for each in place.checker.violations] == []


def test_verbs_of_the_supervision_are_refused_where_there_is_none() -> None:
    station = station_factory("parking", 1, True)
    with pytest.raises(ValueError, match="not supervised"):
        station.apply_verb("network_down", {}, 0)
