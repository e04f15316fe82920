"""Every shipped profile charges in virtual time, through drivers and frames, with all invariants watching, also after a power cut."""

from __future__ import annotations

from functools import cache

import pytest

from boards.load import load_profile, shipped_profiles
from boards.to_core import station_config, wire_plan
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.config import Access
from evse.core.dip import decode
from evse.sim.invariants import InvariantChecker
from hal.units import SECOND
from hal.world.truth import OutletTruth

UID = "04A1B2C3"


class Visit:
    """One outlet of a profile's station, and its users."""

    def __init__(self, profile: str, number: int) -> None:
        loaded = load_profile(profile)
        self.number = number
        self.config = station_config(loaded, "S1")
        self.outlet = self.config.outlets[number - 1]
        plan = wire_plan(loaded)
        dip = decode(self.outlet.dip_banks, plan.outlets[number - 1].dip)
        self.house_ma = self.outlet.rated_current_ma if plan.house is None else plan.house.settings.maximum_ma
        self.dip_switches_ma = dip.current_ma or self.outlet.rated_current_ma
        self.station = VirtualStation(self.config, plan)
        self.checker = InvariantChecker(self.station)
        self.station.scheduler.observers.append(self.checker.observe)

    def run(self, seconds: float) -> None:
        self.station.scheduler.run_for(round(seconds * SECOND))

    def verb(self, name: str, **params: str | int) -> None:
        now_us = self.station.scheduler.now_us
        self.checker.note_verb(name, {"outlet": self.number, **params}, now_us)
        where = {} if name == "cut_power" else {"outlet": self.number}
        self.station.apply_verb(name, {**where, **params}, now_us)

    def identify(self) -> None:
        if self.outlet.access is Access.BADGE:
            self.verb("present_card", uid=UID, hold="1 s")

    def truth(self) -> OutletTruth:
        self.station.world.step(self.station.scheduler.now_us)
        return self.station.world.outlet(self.number).truth()

    def leaves_a_free_outlet_and_two_records(self) -> None:
        view = self.station.view()
        assert view is not None
        assert view.outlets[self.number - 1].outlet_status == "OK_InitDone"
        self.checker.finish(self.station.scheduler.now_us)
        assert [str(violation) for violation in self.checker.violations] == []
        assert len(self.station.ledger().records()) == 2


@cache
def outlets(*, domestic: bool = False) -> list[tuple[str, int]]:
    """Every outlet with a pilot, or every one with a domestic socket; some have both."""
    configs = [(name, station_config(load_profile(name), "S1")) for name in shipped_profiles()]
    return [
        (name, each.number)
        for name, config in configs
        for each in config.outlets
        if (each.has_domestic if domestic else each.has_mode3)
    ]


@pytest.mark.req("STA-01", "STA-02")
@pytest.mark.parametrize(("profile", "number"), outlets())
def test_a_session_and_a_power_cut(profile: str, number: int) -> None:
    visit = Visit(profile, number)
    visit.run(12)
    visit.identify()
    visit.run(3)
    visit.verb("plug_in")
    visit.run(45)
    charging = visit.truth()
    assert charging.contact_closed
    offered = min(
        visit.outlet.rated_current_ma,
        visit.outlet.derated_current_ma,
        visit.config.station_maximum_ma,
        visit.dip_switches_ma,
        visit.house_ma,
    )
    phases = visit.outlet.phases
    assert all(0.95 * offered <= each <= offered for each in charging.currents_ma[:phases])
    assert not any(charging.currents_ma[phases:])
    visit.verb("cut_power", duration="10 s")
    visit.run(12)
    visit.identify()
    visit.run(60)
    assert visit.truth().contact_closed, "it charges again after the power cut"
    visit.verb("vehicle_stop")
    visit.run(5)
    assert not visit.truth().contact_closed
    visit.identify()
    visit.run(10)
    visit.verb("unplug", end="vehicle")
    visit.run(5)
    assert not visit.truth().plug_held
    if not visit.outlet.attached_cable:
        visit.verb("unplug")
    visit.run(5)
    visit.leaves_a_free_outlet_and_two_records()


@pytest.mark.req("STA-01", "STA-02", "STA-07")
@pytest.mark.parametrize(("profile", "number"), outlets(domestic=True))
def test_a_domestic_charge_and_a_power_cut(profile: str, number: int) -> None:
    visit = Visit(profile, number)
    visit.run(12)
    visit.identify()
    visit.run(3)
    visit.verb("plug_in_domestic", current=9)
    visit.run(15)
    charging = visit.truth()
    assert charging.domestic is not None
    assert charging.domestic.contact_closed
    assert not charging.contact_closed
    assert charging.currents_ma == (9_000, 0, 0)
    visit.verb("cut_power", duration="10 s")
    visit.run(12)
    visit.identify()
    visit.run(60)
    assert visit.truth().currents_ma == (9_000, 0, 0), "it charges again after the power cut"
    visit.verb("set_domestic_load", current=0)
    visit.run(1)
    visit.verb("unplug_domestic")
    visit.run(10)
    visit.leaves_a_free_outlet_and_two_records()
