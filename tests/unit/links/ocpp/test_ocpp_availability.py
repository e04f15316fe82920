"""Availability, reset, unlocking and unplugging at a whole charge point in virtual time (OCPP 1.6, 5.2, 5.14, 5.18)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evse.core.commands import (
    ReleaseCable,
    SetUnavailable,
    WhenVehicleLeaves,
)
from evse.links.ocpp.settings import OutletFacts
from tests.fakes.ocpp_bench import Bench, connected

pytestmark = pytest.mark.req("OCP-01")


def test_change_availability_of_one_connector_of_all_and_of_none() -> None:
    bench = connected()
    assert bench.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == {"status": "Accepted"}
    assert bench.central.statuses == {0: "Available", 1: "Unavailable", 2: "Available"}
    assert bench.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}) == {"status": "Accepted"}
    assert bench.central.statuses == dict.fromkeys((0, 1, 2), "Unavailable")
    assert bench.ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"}) == {"status": "Accepted"}
    assert bench.central.statuses == dict.fromkeys((0, 1, 2), "Available")
    assert bench.ask("ChangeAvailability", {"connectorId": 3, "type": "Operative"}) == {"status": "Rejected"}


def test_a_change_while_charging_is_scheduled_and_does_not_interrupt() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == {"status": "Scheduled"}
    assert bench.outlet(1).session is not None
    assert all(each.after_session for each in bench.of(SetUnavailable))


def test_a_change_that_the_station_refuses_is_rejected() -> None:
    bench = connected()
    bench.obeys[SetUnavailable] = "no"
    assert bench.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}) == {"status": "Rejected"}


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_reset_ends_sessions_with_its_reason_and_restarts(kind: str) -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.ask("Reset", {"type": kind}, seconds=0.5) == {"status": "Accepted"}
    assert bench.ask("Reset", {"type": kind}, seconds=0.2) == {"status": "Rejected"}
    bench.run(5)
    assert bench.central.payloads("StopTransaction")[0]["reason"] == f"{kind}Reset"
    assert bench.restarts == [kind]
    assert "BootNotification" in bench.central.actions(), "it registers anew at once"
    bench.services.start(bench.now_us, "boot-after-reset")
    bench.run(30)
    assert bench.central.actions().count("BootNotification") == 1, "and only once"


@pytest.mark.parametrize("retries", [0, 2])
def test_a_reset_that_control_does_not_obey_is_made_again_and_at_last_told_as_failed(retries: int) -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "ResetRetries", "value": str(retries)})
    bench.ask("Reset", {"type": "Hard"})
    bench.run(50)
    assert bench.restarts == ["Hard"], "control has its time"
    bench.run(62 * (retries + 1))
    assert bench.restarts == ["Hard"] * (retries + 1)
    told = bench.central.payloads("StatusNotification")
    assert [each["connectorId"] for each in told if each["errorCode"] == "ResetFailure"] == [0]
    bench.run(600)
    assert len(bench.restarts) == retries + 1, "given up"
    bench.services.start(bench.now_us, "boot-at-last")
    bench.run(30)
    assert [each["errorCode"] for each in bench.central.payloads("StatusNotification")][-3:] == ["NoError"] * 3


def test_a_retried_reset_ends_who_charges_meanwhile_and_stops_when_control_begins_again() -> None:
    bench = connected()
    bench.ask("Reset", {"type": "Soft"})
    bench.run(20)
    bench.card(1, "04A1B2C3")
    bench.run(50)
    assert bench.central.payloads("StopTransaction")[0]["reason"] == "SoftReset"
    assert bench.restarts == ["Soft"] * 2
    bench.services.start(bench.now_us, "boot-at-last")
    bench.run(300)
    assert bench.restarts == ["Soft"] * 2


def test_a_soft_reset_waits_for_its_messages_and_no_longer_than_it_may() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.central.behaviour.silent.add("StopTransaction")
    bench.ask("Reset", {"type": "Soft"})
    bench.run(10)
    assert bench.restarts == []
    bench.run(5)
    assert bench.restarts == ["Soft"]


def test_unlock_while_idle_in_a_transaction_stuck_and_without_a_lock() -> None:
    bench = connected()
    assert bench.ask("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.ask("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
    assert bench.central.payloads("StopTransaction")[0]["reason"] == "UnlockCommand"
    bench.change(2, lock="locked")
    assert bench.ask("UnlockConnector", {"connectorId": 2}, seconds=11) == {"status": "UnlockFailed"}
    assert bench.ask("UnlockConnector", {"connectorId": 9}) == {"status": "NotSupported"}


def test_a_cable_that_is_fixed_has_no_lock_to_open() -> None:
    bench = Bench(outlets=1)
    bench.context.identity = replace(bench.identity, outlets={1: OutletFacts(has_lock=False)})
    bench.run(2)
    assert bench.ask("UnlockConnector", {"connectorId": 1}) == {"status": "NotSupported"}


def departures(bench: Bench) -> list[tuple[int, bool, bool]]:
    return [(each.outlet, each.ends_session, each.releases_cable) for each in bench.of(WhenVehicleLeaves)]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("StopTransactionOnEVSideDisconnect", [(1, False, True), (2, False, True)]),
        ("UnlockConnectorOnEVSideDisconnect", [(1, True, False), (2, True, False)]),
    ],
)
def test_what_follows_when_the_vehicle_is_unplugged_is_told_to_control_after_each_of_its_starts(
    key: str, told: list[tuple[int, bool, bool]]
) -> None:
    bench = connected()
    assert departures(bench) == []
    assert bench.ask("ChangeConfiguration", {"key": key, "value": "false"}) == {"status": "Accepted"}
    assert departures(bench) == told
    bench.posted.clear()
    bench.run(100)
    assert departures(bench) == []
    bench.power_cut()
    bench.run(3)
    assert departures(bench) == told
    bench.posted.clear()
    bench.ask("ChangeConfiguration", {"key": key, "value": "true"})
    assert departures(bench) == [(1, True, True), (2, True, True)]


def test_an_order_about_leaving_vehicles_that_was_not_obeyed_is_given_again() -> None:
    bench = connected()
    bench.obeys[WhenVehicleLeaves] = "control is busy"
    bench.ask("ChangeConfiguration", {"key": "UnlockConnectorOnEVSideDisconnect", "value": "false"})
    bench.obeys.clear()
    bench.posted.clear()
    bench.run(9)
    assert departures(bench) == []
    bench.run(2)
    assert departures(bench) == [(1, True, False), (2, True, False)]


def test_a_transaction_that_waits_for_its_vehicle_is_suspended_by_it() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(1)
    bench.change(1, contactor_closed=False, ev_state="A_Not_Present_12V", no_offer_reasons=("NoVehicle",))
    bench.run(1)
    assert bench.central.statuses[1] == "SuspendedEV"


def test_unlock_gives_back_a_cable_that_was_kept() -> None:
    bench = connected()
    bench.change(1, lock="locked")
    bench.ask("UnlockConnector", {"connectorId": 1})
    assert [each.outlet for each in bench.of(ReleaseCable)] == [1]
