"""Registration, heartbeat and clock of a whole charge point in virtual time (OCPP 1.6, 4.2, 4.6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evse.links.ocpp.link import LinkState
from tests.fakes.ocpp_bench import Bench, connected

pytestmark = pytest.mark.req("OCP-01")


def test_boot_notification_comes_first_and_then_the_status_of_every_connector() -> None:
    bench = Bench()
    bench.run(2)
    assert bench.central.actions() == ["BootNotification", *["StatusNotification"] * 3]
    assert bench.central.statuses == {0: "Available", 1: "Available", 2: "Available"}


def test_while_pending_only_what_is_asked_for_is_sent_and_requests_are_answered() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, registration="Pending", interval_s=60)
    bench.run(30)
    assert bench.central.actions() == ["BootNotification"]
    assert bench.ask("GetConfiguration", {"key": ["HeartbeatInterval"]})["configurationKey"]
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "A"}) == {"status": "Rejected"}
    assert bench.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}) == {
        "status": "Accepted"
    }
    assert bench.central.actions()[1:] == ["StatusNotification"]
    bench.run(40)
    assert bench.central.actions().count("BootNotification") == 2, "asked again after the interval"


def test_while_rejected_nothing_is_answered_and_the_station_asks_again_after_the_interval() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, registration="Rejected", interval_s=100)
    bench.run(50)
    assert bench.ask("GetConfiguration") is None
    bench.central.behaviour = replace(bench.central.behaviour, registration="Accepted")
    bench.run(60)
    assert bench.context.link.state is LinkState.ACCEPTED


def test_a_boot_notification_that_fails_is_repeated() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, errors={"BootNotification": 1})
    bench.run(10)
    assert not bench.context.link.may_ask
    bench.run(300)
    assert bench.context.link.may_ask


def test_heartbeats_come_at_the_interval_when_nothing_else_is_said() -> None:
    bench = connected()
    bench.run(1_000)
    assert bench.central.actions() == ["Heartbeat"] * 3
    assert bench.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "10"}) == {"status": "Accepted"}
    bench.central.requests.clear()
    bench.run(101)
    assert bench.central.actions() == ["Heartbeat"] * 10


def test_the_central_system_tells_the_time_to_a_station_that_does_not_know_it() -> None:
    bench = Bench()
    bench.clock_set = False
    bench.run(2)
    bench.card(1, "04A1B2C3")
    bench.run(2)
    (start,) = bench.central.payloads("StartTransaction")
    assert start["timestamp"].startswith("2026-01-01T00:16:4")


@pytest.mark.parametrize("text", ["2200-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_makes_no_sense_is_not_taken(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr(bench.central, "time_text", lambda _now_us: text)
    bench.run(2)
    status = bench.central.payloads("StatusNotification")[0]
    assert status["timestamp"].startswith("2026-01-01")


def test_the_interval_of_the_registration_is_the_value_of_its_key() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, interval_s=77)
    bench.run(2)
    (entry,) = bench.ask("GetConfiguration", {"key": ["HeartbeatInterval"]})["configurationKey"]
    assert entry["value"] == "77"
