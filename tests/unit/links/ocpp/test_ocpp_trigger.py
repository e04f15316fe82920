"""`TriggerMessage` at a whole charge point in virtual time (OCPP 1.6, 5.17)."""

from __future__ import annotations

import pytest

from tests.fakes.ocpp_bench import connected

pytestmark = pytest.mark.req("OCP-01")


@pytest.mark.parametrize(
    ("message", "connector", "sent"),
    [
        ("BootNotification", None, 1),
        ("Heartbeat", None, 1),
        ("StatusNotification", 1, 1),
        ("StatusNotification", None, 3),
        ("MeterValues", 2, 1),
        ("MeterValues", None, 2),
        ("DiagnosticsStatusNotification", None, 1),
        ("FirmwareStatusNotification", None, 1),
    ],
)
def test_each_message_that_can_be_triggered(message: str, connector: int | None, sent: int) -> None:
    bench = connected()
    payload = {"requestedMessage": message} | ({} if connector is None else {"connectorId": connector})
    assert bench.ask("TriggerMessage", payload) == {"status": "Accepted"}
    assert len(bench.central.payloads(message)) == sent
    assert bench.ask("TriggerMessage", {"requestedMessage": message, "connectorId": 5}) == {"status": "Rejected"}


def test_triggered_meter_values_say_so() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.ask("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    (told,) = bench.central.payloads("MeterValues")
    assert told["transactionId"] == 1
    assert told["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"


@pytest.mark.parametrize(("connector", "measurands"), [(0, "Voltage"), (1, ""), (1, "Temperature")])
def test_meter_values_that_there_are_none_of_are_not_promised(connector: int, measurands: str) -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "MeterValuesSampledData", "value": measurands})
    bench.change(1, temperature_dc=None)
    asked = {"requestedMessage": "MeterValues", "connectorId": connector}
    assert bench.ask("TriggerMessage", asked) == {"status": "Rejected"}
    assert bench.central.payloads("MeterValues") == []


def test_a_triggered_status_is_that_of_the_moment_when_it_leaves() -> None:
    bench = connected()
    bench.central.behaviour.late_us["Heartbeat"] = 5_000_000
    bench.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}, seconds=0.1)
    bench.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}, seconds=0.1)
    bench.change(1, cable_state="32 A")
    bench.run(8)
    assert [each["status"] for each in bench.central.payloads("StatusNotification")] == ["Preparing", "Preparing"]


def test_a_triggered_registration_leaves_a_changed_heartbeat_alone_unless_it_says_something_else() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "77"})

    def interval_s() -> str:
        bench.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
        (entry,) = bench.ask("GetConfiguration", {"key": ["HeartbeatInterval"]})["configurationKey"]
        text: str = entry["value"]
        return text

    assert interval_s() == "77"
    bench.central.requests.clear()
    bench.run(200)
    assert bench.central.actions().count("Heartbeat") == 2
    bench.central.behaviour.interval_s = 50
    assert interval_s() == "50"
