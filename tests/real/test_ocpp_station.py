"""A running station with real processes and a central system on a real socket."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.central_server import CentralServer
from tests.fakes.running_station import QUICK_PROFILE, RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
CARD = "04A1B2C3"
PROFILE = (
    QUICK_PROFILE
    + """
settings: {controlled_by_external_system: true}
supervision: {url: "ws://127.0.0.1:9/ocpp", identity: CP 7, retry_interval_s: 1, sample_interval_s: 1}
"""
)


@pytest.fixture(scope="module")
def central() -> Iterator[CentralServer]:
    server = CentralServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def station(central: CentralServer) -> Iterator[RunningStation]:
    running = RunningStation("--no-fifo", "--supervision", central.url, profile=PROFILE)
    try:
        yield running.start()
    finally:
        running.close()


def registered(central: CentralServer) -> None:
    until("registered and free", lambda: central.connected and central.system.statuses.get(1) == "Available")


def charge(station: RunningStation, central: CentralServer) -> int:
    """A charge by remote start; returns its transaction id."""
    before = set(central.system.ledger)
    station.verb("plug_in", outlet=1)
    until("preparing", lambda: central.system.statuses.get(1) == "Preparing")
    assert central.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "REMOTE"}) == {"status": "Accepted"}
    until("contact closes", lambda: station.truth()["contact_closed"])
    until("transaction", lambda: set(central.system.ledger) - before)
    return max(set(central.system.ledger) - before)


@pytest.mark.req("OCP-01", "OCP-07")
def test_remote_start_meter_values_and_remote_stop(station: RunningStation, central: CentralServer) -> None:
    registered(central)
    assert central.paths[0] == "/ocpp/CP%207"
    number = charge(station, central)
    entry = central.system.ledger[number]
    until("meter values", lambda: len(entry.values) >= 2)
    until("charging", lambda: central.system.statuses[1] == "Charging")
    assert central.call("RemoteStopTransaction", {"transactionId": number}) == {"status": "Accepted"}
    until("stop", lambda: entry.stops)
    until("contact opens", lambda: not station.truth()["contact_closed"])
    assert entry.stops[0]["reason"] == "Remote"
    record = station.records()[0]
    assert record["transaction_id"] == str(number)
    assert entry.stops[0]["meterStop"] - entry.start["meterStart"] == record["energy_wh"]
    station.unplug()
    until("free", lambda: central.system.statuses[1] == "Available")


@pytest.mark.req("OCP-04", "ENE-05")
def test_a_charging_profile_is_on_the_pilot(station: RunningStation, central: CentralServer) -> None:
    registered(central)
    number = charge(station, central)
    until("offer", lambda: station.outlet()["offered_ma"] > 10_000)
    made = {
        "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "transactionId": number,
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0}]},
    }  # fmt: skip
    answer = central.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": made})
    assert answer == {"status": "Accepted"}
    until("lower offer", lambda: station.outlet()["offered_ma"] == 8_000)
    assert central.call("ClearChargingProfile", {"id": 1}) == {"status": "Accepted"}
    until("higher offer", lambda: station.outlet()["offered_ma"] > 8_000)
    central.call("RemoteStopTransaction", {"transactionId": number})
    until("stop", lambda: central.system.ledger[number].stops)
    station.unplug()


@pytest.mark.req("OCP-03")
def test_services_killed_and_a_line_cut_in_a_charge_lose_nothing(
    station: RunningStation, central: CentralServer
) -> None:
    registered(central)
    number = charge(station, central)
    entry = central.system.ledger[number]
    boots = central.system.actions().count("BootNotification")

    def goes_on(break_it: Callable[[], None]) -> None:
        beats, seen = central.system.actions().count("Heartbeat"), len(entry.values)
        break_it()
        until("connected again", lambda: central.system.actions().count("Heartbeat") > beats)
        until("the same transaction goes on", lambda: len(entry.values) > seen)

    goes_on(lambda: os.kill(station.pid("services"), signal.SIGKILL))
    goes_on(central.drop)
    assert central.system.actions().count("BootNotification") == boots, "neither is a start of the station"
    assert central.call("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
    until("stop", lambda: entry.stops)
    assert entry.stops[0]["reason"] == "UnlockCommand"
    assert len(central.system.ledger) == number, "no transaction twice"
    station.unplug()


@pytest.mark.req("OCP-01")
def test_a_hard_reset_restarts_control_and_registers_again(station: RunningStation, central: CentralServer) -> None:
    registered(central)
    number = charge(station, central)
    pid = station.pid("control")
    boots = central.system.actions().count("BootNotification")
    assert central.call("Reset", {"type": "Hard"}) == {"status": "Accepted"}
    until("stop", lambda: central.system.ledger[number].stops)
    assert central.system.ledger[number].stops[0]["reason"] == "HardReset"
    until("another control", lambda: station.pid("control") not in (0, pid))
    until("registered again", lambda: central.system.actions().count("BootNotification") > boots)
    station.unplug()


@pytest.mark.req("ENE-05")
def test_availability_reaches_the_station(station: RunningStation, central: CentralServer) -> None:
    registered(central)
    until("free", lambda: central.system.statuses[2] == "Available")
    assert central.call("ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}) == {"status": "Accepted"}
    until("unavailable", lambda: central.system.statuses[2] == "Unavailable")
    assert "Unavailable_OCPP_Cmd_Received" in station.outlet(2)["evse_status"]
    assert central.call("ChangeAvailability", {"connectorId": 2, "type": "Operative"}) == {"status": "Accepted"}
    until("free again", lambda: central.system.statuses[2] == "Available")


@pytest.mark.req("ENE-05", "OCP-04")
def test_external_control_switched_off_in_the_settings_counts_at_once(
    station: RunningStation, central: CentralServer
) -> None:
    registered(central)
    made = {
        "chargingProfileId": 9, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}]},
    }  # fmt: skip
    wanted = {"connectorId": 2, "csChargingProfiles": made}
    assert central.call("SetChargingProfile", wanted) == {"status": "Accepted"}

    def evse(*arguments: str, **secrets: str) -> dict[str, Any]:
        return station.evse(*arguments, secrets=secrets)

    first, new = evse("label")["password"], "Walk-password-1"
    evse("account", "password", EVSE_PASSWORD=first, EVSE_NEW_PASSWORD=new)
    evse("settings", "set", "energy.external_control=false", EVSE_PASSWORD=new)
    until("refused", lambda: central.call("SetChargingProfile", wanted) == {"status": "NotSupported"})
    assert central.connected, "the connection stays"
