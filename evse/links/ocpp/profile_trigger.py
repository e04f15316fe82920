"""Requests of the feature profile Remote Trigger (OCPP 1.6, 3.14, 5.17): messages that the central system asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evse.links.ocpp.context import Context, Reply
from evse.links.ocpp.meter_values import Context as ReadingContext
from evse.links.ocpp.reporting import heartbeat, report_meter, report_status

Payload = Mapping[str, Any]


def trigger_message(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`TriggerMessage` (5.17). The answer goes first, then what was asked for, as it is when it is sent.

    Meter values are those of the question and dated so.
    """
    wanted, connector = payload["requestedMessage"], payload.get("connectorId")
    if connector is not None and connector != 0 and connector not in context.identity.outlets:
        context.refuse("TriggerMessage", f"there is no connector {connector}")
        reply({"status": "Rejected"})
        return
    outlets = tuple(context.identity.outlets)
    numbers = (0, *outlets) if connector is None else (connector,)
    match wanted:
        case "BootNotification":
            reply({"status": "Accepted"})
            context.marks.boot_asked_for = True
            context.link.boot_again(now_us)
        case "Heartbeat":
            reply({"status": "Accepted"})
            heartbeat(context)
        case "StatusNotification":
            reply({"status": "Accepted"})
            for number in numbers:
                report_status(context, now_us, number, asked_for=True)
        case "MeterValues":
            # All are asked: each that has values is sent after the answer.
            told = [report_meter(context, now_us, number, ReadingContext.TRIGGER) for number in numbers]
            if not any(told):
                context.refuse("TriggerMessage", "there is no meter, or nothing is measured that is asked for")
            reply({"status": "Accepted" if any(told) else "Rejected"})
        case "DiagnosticsStatusNotification":
            reply({"status": "Accepted"})
            context.requests.ask(wanted, lambda: {"status": context.states.diagnostics})
        case "FirmwareStatusNotification":
            reply({"status": "Accepted"})
            context.requests.ask(wanted, lambda: {"status": context.states.firmware})
        case _:
            reply({"status": "NotImplemented"})
