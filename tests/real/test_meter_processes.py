"""Meters of a running station: real processes, real frames on pseudo-terminals, one meter of an outlet and one of the house."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.running_station import RunningStation, measured, until

pytestmark = pytest.mark.real
RESIDENT_LIMIT_MB = 40
PROFILE = """schema: 1
kind: station
name: metered
description: Parking with a meter at its outlet, behind a house connection
inherits: parking
outlet_defaults:
  meter: {map: iem3155, address: 2}
outlets:
  - {number: 1, position: right}
  - {number: 2, position: left, meter: {protocol: modbus_tcp}}
house_meter: {map: abb-m4m, maximum_current_a: 25, fallback_current_a: 6}
"""


@pytest.fixture(scope="module")
def station() -> Iterator[RunningStation]:
    running = RunningStation("--no-fifo", profile=PROFILE)
    try:
        yield running.start()
    finally:
        running.close()


def limits(station: RunningStation) -> dict[str, int]:
    return {limit["source"]: limit["current_ma"] for limit in station.outlet()["limits"]}


@pytest.mark.req("MTR-02")
def test_the_outlets_meter_is_in_force_lost_and_back(station: RunningStation) -> None:
    until("meter in force", lambda: station.outlet().get("metered_by") == "iem3155")
    station.verb("cut_line", outlet=1, to="meter")
    until("fall-back", lambda: station.outlet()["metered_by"] == "internal CT")
    lost: dict[str, Any] = until("bit 11", lambda: o if (o := station.outlet())["error_status"] & 1 << 11 else None)
    assert lost["meter"]["problem"].startswith("no line")
    station.verb("cut_line", outlet=1, heal=True)
    until("meter back", lambda: station.outlet()["metered_by"] == "iem3155" and not station.outlet()["error_status"])


@pytest.mark.req("MTR-02")
def test_a_meter_behind_a_gateway_reaches_control_through_services(station: RunningStation) -> None:
    until("meter in force", lambda: station.outlet(2).get("metered_by") == "iem3155")
    station.verb("silence_meter", outlet=2)
    lost: dict[str, Any] = until(
        "bit 11", lambda: o if (o := station.outlet(2))["error_status"] & 1 << 11 else None, 40
    )
    assert "exception 11" in lost["meter"]["problem"]
    station.verb("silence_meter", outlet=2, heal=True)
    until("meter back", lambda: station.outlet(2)["metered_by"] == "iem3155")


@pytest.mark.req("ENE-10")
def test_the_house_rules_the_station(station: RunningStation) -> None:
    until("limit of the house", lambda: limits(station)["house meter"] == 25_000)
    station.verb("set_house_load", current="12 A", phase="L2")
    until("step followed", lambda: limits(station)["house meter"] == 13_000, 4)
    station.verb("silence_meter", whose="house")
    until("fallback", lambda: limits(station)["house meter"] == 6_000)


@pytest.mark.req("MTR-02")
def test_control_stays_small_with_a_meter(station: RunningStation, request: pytest.FixtureRequest) -> None:
    resident_mb = station.resident_mb("control")
    measured(request, "control_with_meter_mb", resident_mb)
    assert resident_mb <= RESIDENT_LIMIT_MB
