from __future__ import annotations

from dataclasses import replace

import pytest

from evse.core.units import SECOND
from evse.links.ocpp.outbox import Kind
from evse.links.ocpp.schemas import check, schema_of
from evse.links.ocpp.stamps import filled
from evse.links.ocpp.transactions import REASONS, id_tag, queued, stop_reason, values_from, values_text
from evse.services.clock import ClockQuality, Instant
from evse.services.journal import POWER_LOSS, MessageKind, QueueMessage

AT = Instant("b", 5 * SECOND, 1_767_225_600 * SECOND, ClockQuality.SET)
TEXT = "2026-01-01T00:00:00.000Z"
VALUES = [{"timestamp": AT, "sampledValue": [{"value": "5", "unit": "Wh"}]}]
START = QueueMessage(2, "b-2-1", MessageKind.START, AT, 1_000, "04A1B2C3")


def test_the_reasons_are_those_of_the_schema() -> None:
    assert frozenset(schema_of("StopTransaction")["properties"]["reason"]["enum"]) == REASONS


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("Local", "Local"), ("Remote", "Remote"), ("EVDisconnected", "EVDisconnected"), (POWER_LOSS, "PowerLoss"),
        ("DeAuthorized", "DeAuthorized"), ("Reboot", "Reboot"), ("UnlockCommand", "UnlockCommand"),
        ("SoftReset", "SoftReset"), ("HardReset", "HardReset"), ("Fault ContactorWelded", "Other"), ("Unavailable", "Other"),
    ],
)  # fmt: skip
def test_each_reason_of_the_station_has_one_of_the_protocol(reason: str, told: str) -> None:
    assert stop_reason(reason) == told


@pytest.mark.req("OCP-07")
@pytest.mark.parametrize(
    ("uid", "default", "tag"),
    [
        ("04A1", "FREE", "04A1"),
        ("", "FREE", "FREE"),
        ("", "UNDEFINED", "SN-1"),
        ("", "", "SN-1"),
        ("0" * 30, "", "0" * 20),
    ],
)
def test_a_session_without_a_badge_has_the_default_tag_or_the_serial_number(uid: str, default: str, tag: str) -> None:
    assert id_tag(uid, default, "SN-1") == tag


def test_a_start_as_the_schema_wants_it() -> None:
    message = queued(7, START, "UNDEFINED", "SN-1")
    assert (message.number, message.connector, message.session_id, message.kind) == (7, 2, "b-2-1", Kind.START)
    payload = filled(message.payload, {})
    assert payload == {"connectorId": 2, "idTag": "04A1B2C3", "meterStart": 1_000, "timestamp": TEXT}
    check("StartTransaction", payload)


def test_a_stop_with_transaction_data_as_the_schema_wants_it() -> None:
    stop = replace(START, kind=MessageKind.STOP, register_wh=2_500, reason="Local", values=values_text(VALUES))
    payload = filled({**queued(8, stop, "", "SN").payload, "transactionId": 5}, {})
    assert payload["transactionData"] == [{"timestamp": TEXT, "sampledValue": VALUES[0]["sampledValue"]}]
    assert (payload["meterStop"], payload["reason"]) == (2_500, "Local")
    check("StopTransaction", payload)
    assert "transactionData" not in queued(8, replace(stop, values=""), "", "SN").payload


def test_values_as_the_schema_wants_them_and_back_from_the_journal() -> None:
    assert values_from(values_text(VALUES)) == VALUES
    assert (values_text([]), values_from("")) == ("", [])
    message = queued(9, replace(START, kind=MessageKind.VALUES, values=values_text(VALUES)), "", "SN")
    check("MeterValues", filled({**message.payload, "transactionId": 5}, {}))
