"""Transaction messages on their way: dated when they leave the outbox, and what their answers mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from evse.core.units import SECOND
from evse.links.ocpp.authorising import info_of, transaction_judged
from evse.links.ocpp.context import Context
from evse.links.ocpp.frame import Call
from evse.links.ocpp.outbox import Change, Dropped, Kept, Kind, Queued, RetryPolicy
from evse.links.ocpp.requests import Answer
from evse.links.ocpp.stamps import filled, instants_in, offsets
from evse.services.clock import ClockQuality
from evse.services.journal import AssignTransaction, DropMessages


def next_message(context: Context, now_us: int) -> tuple[Call, Callable[[Answer], None]] | None:
    """Return the transaction message to send now and what to do with its answer; ``None``: nothing may be sent."""
    found = context.outbox.next(now_us)
    message = context.outbox.in_flight
    if found is None or message is None:
        return None
    call = Call(found[0], message.kind.value, _stamped(context, now_us, found[1]))
    return call, lambda answer: _answered(context, message, answer)


def _stamped(context: Context, now_us: int, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    instants = list(instants_in(payload))
    clock = context.clock
    of_now = clock.quality is not ClockQuality.UNSET and all(each.boot_id == clock.boot_id for each in instants)
    if not of_now:
        # What waits beside it may know more of its boot's time.
        instants = [each for message in context.outbox.waiting for each in message.instants]
    began_us = context.view.started_us if context.view is not None else now_us
    began_utc_us = context.utc_us(began_us)
    known = offsets(instants, context.clock, context.utc_us(now_us) or 0 if began_utc_us is None else began_utc_us)
    result: Mapping[str, Any] = filled(payload, known)
    return result


def _answered(context: Context, message: Queued, answer: Answer) -> None:
    if answer.payload is not None:
        _delivered(context, message, answer)
    elif answer.refused:
        policy = RetryPolicy(
            context.keys.integer("TransactionMessageAttempts"),
            context.keys.integer("TransactionMessageRetryInterval") * SECOND,
        )
        _changed(context, context.outbox.failed(context.now_us, policy), message)
    else:
        context.outbox.lost()


def _delivered(context: Context, message: Queued, answer: Answer) -> None:
    _changed(context, context.outbox.answered(answer.payload or {}), message)
    info = info_of(answer)
    if info is None:
        return
    tag = message.payload.get("idTag", "")
    if message.kind is Kind.START:
        transaction_judged(context, context.now_us, message.session_id, tag, info)
    else:
        context.learn_tag(tag, info)


def _changed(context: Context, changes: Iterable[Change], message: Queued) -> None:
    for change in changes:
        keep_change(context, change, message.session_id if message.kind is Kind.STOP else "")


def keep_change(context: Context, change: Change, ended: str = "") -> None:
    """Make a change of the outbox durable. ``ended``: the session whose stop is delivered or given up."""
    match change:
        case Kept(number, session_id, transaction_id):
            context.writes.append(AssignTransaction(number, session_id, transaction_id))
        case Dropped(numbers):
            context.writes.append(DropMessages(numbers, ended))
