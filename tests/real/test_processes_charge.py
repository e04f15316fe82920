"""A running station charges; what its dead processes and a power cut leave of the charge."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.fakes.running_station import RunningStation, measured, now_us, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

OPEN_WITHIN_MS = 300


@pytest.fixture(scope="module")
def station() -> Iterator[RunningStation]:
    running = RunningStation()
    try:
        yield running.start()
    finally:
        running.close()


@pytest.mark.req("SIM-01", "DEV-01")
def test_plug_badge_and_charge_over_rest_until_energy_counts(station: RunningStation) -> None:
    verbs = {verb["name"] for verb in station.get("api/world/verbs")}
    assert {"plug_in", "present_card", "kill_control"} <= verbs
    station.post("api/world/verbs/plug_in", {"outlet": 1})
    station.post("api/world/verbs/present_card", {"outlet": 1, "hold": 1})
    until("contact closes", lambda: station.truth()["contact_closed"])
    assert station.truth()["pilot_level"] == "C"
    assert station.truth()["pwm_on"]
    until("energy counts", lambda: (station.outlet().get("session") or {}).get("energy_wh", 0) >= 2)
    assert station.outlet()["contactor_closed"]
    station.unplug()
    record = until("record", station.records)[0]
    assert record["energy_wh"] >= 2
    assert abs(record["energy_wh"] - station.truth()["energy_pj"] / 3_600_000_000_000_000) <= 2


@pytest.mark.req("CDR-05")
def test_services_killed_over_and_over_lose_and_double_nothing(station: RunningStation) -> None:
    known = len(station.records())
    for _ in range(2):
        until("services", lambda: station.page_status() == 200)
        station.charge()
        os.kill(station.pid("services"), signal.SIGKILL)
        station.unplug()  # the end of the session is reported while nobody listens
        os.kill(until("services", lambda: station.pid("services")), signal.SIGKILL)
    records = until("every record", lambda: len(station.records()) == known + 2 and station.records())
    sessions = [record["session_id"] for record in records]
    assert len(set(sessions)) == len(sessions)
    assert [record["number"] for record in records] == sorted((r["number"] for r in records), reverse=True)


@pytest.mark.req("CDR-05", "SIM-01")
def test_power_cut_opens_the_contact_and_closes_the_record_at_return(
    station: RunningStation, request: pytest.FixtureRequest
) -> None:
    station.charge()
    known = {record["number"] for record in station.records()}
    energy_wh = station.outlet()["session"]["energy_wh"]
    at_us = now_us()
    station.verb("cut_power")
    opened_ms = station.opened_after_ms(at_us)
    measured(request, "power_cut_to_open_ms", opened_ms)
    assert opened_ms <= OPEN_WITHIN_MS
    until("processes are down", lambda: station.pid("control") == 0 and station.pid("services") == 0, 2)
    assert station.get("api/records") is None or station.pid("services") == 0
    station.verb("restore_power")
    new = until("record", lambda: [record for record in station.records() if record["number"] not in known])
    assert len(new) == 1
    assert new[0]["reason"] == "PowerLoss"
    assert new[0]["energy_wh"] <= energy_wh + 1
    assert not station.truth()["contact_closed"]
