"""Remote start and stop (OCPP 1.6, 5.11, 5.12), as the station serves them.

A start is one at a time for each connector: from its acceptance until its session is seen no other comes between, and the
charging profile that came with it is for its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from evse.core.commands import StartSession, StopSession
from evse.core.units import SECOND
from evse.links.ocpp.authorising import (
    ask_tag,
    group_decides,
    group_of,
    hand_over_booking,
    may_begin_unasked,
    of_kept_group,
    session_open,
    take_booking_back,
)
from evse.links.ocpp.charging_profile import ProfileError
from evse.links.ocpp.connector_status import ConnectorStatus
from evse.links.ocpp.context import Context, Outcome, Reply
from evse.links.ocpp.id_tags import IdTagInfo
from evse.links.ocpp.profile_smart import forget_pending, take_pending

Payload = Mapping[str, Any]
_SEEN_US: Final = 5 * SECOND
"""An obeyed start shows its session within this."""
_FREE: Final = (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING, ConnectorStatus.FINISHING)


def remote_start(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`RemoteStartTransaction` (5.11): at its connector, which must not be 0, or without one at the first that is free.

    Whether an id may use a reservation for its group may have to be asked for first.
    """
    tag = payload["idTag"]
    asked = [payload["connectorId"]] if "connectorId" in payload else list(context.identity.outlets)
    blocked = all(_no_start(context, number, tag) for number in asked)
    by_group = any(group_decides(context, number, tag) for number in asked)

    def judged(at_us: int, _info: IdTagInfo | None, _online: bool) -> None:
        _start_at(context, at_us, asked, payload, reply)

    unknown = blocked and by_group and group_of(context, tag) is None
    if not (unknown and ask_tag(context, now_us, tag, judged)):
        _start_at(context, now_us, asked, payload, reply)


def _start_at(context: Context, now_us: int, asked: Sequence[int], payload: Payload, reply: Reply) -> None:
    """Start at the first of the connectors that may be used."""
    tag = payload["idTag"]
    connector = next((number for number in asked if not _no_start(context, number, tag)), asked[0])
    reason = _no_start(context, connector, tag)
    kept = context.reservations.get(connector)
    if kept is not None and kept.tag.lower() == tag.lower():
        # Ids are alike without regard to case; the outlet was told this spelling.
        tag = kept.tag
    if not reason and "chargingProfile" in payload:
        try:
            take_pending(context, connector, tag, payload["chargingProfile"])
        except ProfileError as error:
            reason = str(error)
    if reason:
        context.refuse("RemoteStartTransaction", reason)
        reply({"status": "Rejected"})
        return

    def started(outcome: Outcome) -> None:
        if not outcome.done:
            context.refuse("RemoteStartTransaction", outcome.reason or outcome.outcome)
        reply({"status": "Accepted" if outcome.done else "Rejected"})

    context.marks.starting.add(connector)
    if context.keys.flag("AuthorizeRemoteTxRequests"):
        _authorise_then(context, now_us, tag, connector, reply)
    else:
        _start(context, now_us, tag, connector, started)


def _start(context: Context, now_us: int, tag: str, connector: int, then: Callable[[Outcome], None]) -> None:
    """Start for an id, also on a connector that is reserved for its group."""
    handed_over = hand_over_booking(context, now_us, connector, tag, group_of(context, tag))

    def started(at_us: int, outcome: Outcome) -> None:
        if outcome.done:
            _await_session(context, at_us, connector)
        else:
            _not_started(context, connector)
            if handed_over:
                take_booking_back(context, at_us, connector)
        then(outcome)

    context.command(now_us, StartSession(context.command_id(), connector, uid=tag), started)


def _await_session(context: Context, now_us: int, connector: int) -> None:
    """A start was obeyed: until its session is seen the connector is not free for another."""

    def seen(_at_us: int) -> bool:
        there = session_open(context, connector)
        if there:
            context.marks.starting.discard(connector)
        return there

    context.wait(seen, now_us + _SEEN_US, lambda _at_us: context.marks.starting.discard(connector))


def _not_started(context: Context, connector: int) -> None:
    """The start that was under way comes to nothing: what it brought goes with it."""
    context.marks.starting.discard(connector)
    forget_pending(context, connector)


def _authorise_then(context: Context, now_us: int, tag: str, connector: int, reply: Reply) -> None:
    """The request is accepted; whether it starts is decided as for a card."""

    def judged(at_us: int, info: IdTagInfo | None, online: bool) -> None:
        accepted = info is not None and info.accepted(context.utc_us(at_us))
        if not online:
            accepted = may_begin_unasked(context, at_us, info)
        if accepted:
            _start(context, at_us, tag, connector, lambda _outcome: None)
        else:
            _not_started(context, connector)
            context.refuse("RemoteStartTransaction", "the id is not authorised")

    reply({"status": "Accepted"})
    known = context.known_tag(tag, now_us)
    if known is not None and known.accepted(context.utc_us(now_us)) and context.keys.flag("LocalPreAuthorize"):
        judged(now_us, known, True)
    elif not ask_tag(context, now_us, tag, judged):
        judged(now_us, known, False)


def _no_start(context: Context, connector: int, tag: str) -> str:
    if connector not in context.identity.outlets:
        return f"there is no connector {connector}"
    if context.resetting:
        return "the station is being reset"
    if session_open(context, connector):
        return f"connector {connector} is in use"
    if connector in context.marks.starting:
        return f"another start is under way at connector {connector}"
    status = context.reports[connector].status
    kept = context.reservations.get(connector)
    own = kept is None or kept.tag.lower() == tag.lower()
    if not own and not of_kept_group(context, connector, group_of(context, tag)):
        return f"connector {connector} is reserved for somebody else"
    if status not in _FREE and status is not ConnectorStatus.RESERVED:
        return f"connector {connector} is {status.value}"
    return ""


def remote_stop(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`RemoteStopTransaction` (5.12)."""
    connector = context.connector_of(payload["transactionId"])
    if connector is None:
        context.refuse("RemoteStopTransaction", f"transaction {payload['transactionId']} does not run")
        reply({"status": "Rejected"})
        return

    def stopped(_at_us: int, outcome: Outcome) -> None:
        reply({"status": "Accepted" if outcome.done else "Rejected"})

    context.command(now_us, StopSession(context.command_id(), connector, reason="Remote"), stopped)
