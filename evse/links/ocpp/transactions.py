"""Transactions as the central system is told of them: from the facts in the journal to payloads (OCPP 1.6, 4.8, 4.10).

A transaction begins when a vehicle is plugged in and authorised, before energy is offered, and ends with its session. What
has to be told is stored in the same commit as the session's own facts; times are filled in when a message is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from evse.links.ocpp.outbox import Kind, Queued
from evse.links.ocpp.stamps import instants_in
from evse.services.clock import ClockQuality, Instant
from evse.services.journal import MessageKind, QueueMessage

ID_TAG_LIMIT: Final = 20
"""Characters of an `idTag`: what is longer is cut, because a message that is refused is worth less."""
UNDEFINED: Final = "UNDEFINED"
"""As default id tag: the station's serial number is sent (EVlink commissioning guide DOCA0060)."""
REASONS: Final = frozenset(
    ("DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot", "Remote")
) | {"SoftReset", "UnlockCommand"}
KINDS: Final = {MessageKind.START: Kind.START, MessageKind.VALUES: Kind.METER_VALUES, MessageKind.STOP: Kind.STOP}
_INSTANT: Final = "at"


def stop_reason(reason: str) -> str:
    """Return `Reason` for the reason with which the station ended a session; a fault is `Other`."""
    return reason if reason in REASONS else "Other"


def id_tag(uid: str, default: str, serial: str) -> str:
    """Return the `idTag` of a session: its badge, else the default id tag, which may stand for the serial number."""
    tag = uid or (serial if default in ("", UNDEFINED) else default)
    return tag[:ID_TAG_LIMIT]


def queued(number: int, message: QueueMessage, default_tag: str, serial: str) -> Queued:
    """Return the message as it waits in the outbox: with instants where times will be, without the transaction id.

    The ``values`` of a start are further fields of its payload.
    """
    tag = id_tag(message.uid, default_tag, serial)
    values = [] if message.kind is MessageKind.START else values_from(message.values)
    match message.kind:
        case MessageKind.START:
            payload: dict[str, Any] = {
                "connectorId": message.outlet,
                "idTag": tag,
                "meterStart": message.register_wh,
                "timestamp": message.at,
                **(json.loads(message.values) if message.values else {}),
            }
        case MessageKind.VALUES:
            payload = {"connectorId": message.outlet, "meterValue": values}
        case MessageKind.STOP:
            payload = {
                "idTag": tag,
                "meterStop": message.register_wh,
                "timestamp": message.at,
                "reason": stop_reason(message.reason),
            }
            if values:
                payload["transactionData"] = values
    instants = tuple(instants_in(payload))
    return Queued(number, message.outlet, message.session_id, KINDS[message.kind], payload, instants=instants)


def values_text(values: Iterable[Mapping[str, Any]]) -> str:
    """Return `MeterValue`s as text for the journal; their ``timestamp`` is an instant."""
    return json.dumps([_frozen(value) for value in values], separators=(",", ":")) if values else ""


def _frozen(value: Mapping[str, Any]) -> dict[str, Any]:
    at: Instant = value["timestamp"]
    return {
        _INSTANT: [at.boot_id, at.mono_us, at.utc_us, at.quality.value],
        "sampledValue": list(value["sampledValue"]),
    }


def values_from(text: str) -> list[dict[str, Any]]:
    """Return what ``values_text`` has written."""
    if not text:
        return []
    found = []
    for value in json.loads(text):
        boot_id, mono_us, utc_us, quality = value[_INSTANT]
        at = Instant(boot_id, mono_us, utc_us, ClockQuality(quality))
        found.append({"timestamp": at, "sampledValue": value["sampledValue"]})
    return found
