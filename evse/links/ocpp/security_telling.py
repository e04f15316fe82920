"""`SecurityEventNotification`: events that wait are told one by one (OCPP 1.6 security whitepaper, A04)."""

from __future__ import annotations

from evse.links.ocpp.context import Context
from evse.links.ocpp.frame import ErrorCode
from evse.links.ocpp.requests import Answer
from evse.links.ocpp.stamps import stamp, utc_us_of
from evse.services.clock import Instant


def tell_security_events(context: Context) -> None:
    """Ask to send the oldest security event, when none is under way."""
    if context.marks.mute:
        context.security_events.clear()
    event = context.security_events.next()
    if event is None:
        return

    def answered(answer: Answer) -> None:
        if answer.payload is None and not answer.refused:
            context.security_events.lost()
            return
        context.security_events.told()
        # Who does not know the message need not be told again.
        unknown = (ErrorCode.NOT_IMPLEMENTED, ErrorCode.NOT_SUPPORTED)
        context.marks.mute |= answer.error is not None and answer.error.code in unknown

    told = {"type": event.kind, "timestamp": _moment_text(context, event.at)}
    context.requests.ask(
        "SecurityEventNotification", {**told, "techInfo": event.info} if event.info else told, answered
    )


def _moment_text(context: Context, at: Instant) -> str:
    """When something was; now for what happened in an earlier boot at a time that nobody knew."""
    if at.boot_id == context.boot_id and context.utc_us(context.now_us) is not None:
        return context.now_text(at.mono_us)
    return context.now_text(context.now_us) if at.utc_us is None else stamp(utc_us_of(at, {}))


def keep_security_events(context: Context) -> None:
    """Make durable what waits, when it has changed."""
    if context.security_events.changed:
        context.keep_in_turn("security events", context.security_events.text())
