"""Requests of the feature profile Core (OCPP 1.6, chapter 5), as the station serves them.

Each handler takes the context, the time, the payload (it fits its schema) and the way to answer. An answer that depends on
the station's obedience is given when the station has obeyed, at the latest after 10 s.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from evse.core.commands import (
    AvailabilitySource,
    ReleaseCable,
    SetUnavailable,
    StartSession,
    StopSession,
)
from evse.core.units import SECOND
from evse.core.values import LockFeedback
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
from evse.links.ocpp.connector_status import ConnectorStatus, plugged
from evse.links.ocpp.context import Context, Outcome, Reply
from evse.links.ocpp.id_tags import IdTagInfo
from evse.links.ocpp.keys import Access, Change, ChangeStatus, Key, entry_of
from evse.links.ocpp.profile_smart import take_pending

Payload = Mapping[str, Any]
_log = logging.getLogger(__name__)
_UNLOCK_US: Final = 10 * SECOND
_RESET_US: Final = 15 * SECOND
"""How long a reset waits for sessions to end and, a soft one, for their messages to be delivered."""
RESET_US: Final = 60 * SECOND
"""Control that has not begun again so long after a reset has not obeyed it."""
_SEEN_US: Final = 5 * SECOND
"""An obeyed start shows its session within this."""
_FREE: Final = (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING, ConnectorStatus.FINISHING)


# --- configuration ---------------------------------------------------------------------------------------------------


def get_configuration(context: Context, _now_us: int, payload: Payload, reply: Reply) -> None:
    """`GetConfiguration` (5.8)."""
    asked = payload.get("key", ())
    found = context.keys.get(asked)
    vendor = {held.key.name.lower(): held for held in context.vendor_keys.all()}
    wanted = [vendor.get(name.lower()) for name in found.unknown] if asked else vendor.values()
    unknown = [name for name in found.unknown if name.lower() not in vendor]
    known = [*found.known, *(entry_of(held.key, held.value) for held in wanted if held is not None)]
    reply({"configurationKey": known, "unknownKey": unknown})


def change_configuration(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`ChangeConfiguration` (5.4)."""
    name, value = payload["key"], payload["value"]
    reason = _forbidden(context, name, value)
    if reason:
        context.refuse("ChangeConfiguration", reason)
        reply({"status": ChangeStatus.REJECTED.value})
        return
    vendor = {held.key.name.lower(): held.key for held in context.vendor_keys.all()}
    if name.lower() in vendor:
        _change_setting(context, vendor[name.lower()], value, reply)
        return
    change = context.keys.change(name, value)
    if change.reason:
        context.refuse("ChangeConfiguration", change.reason)
        reply({"status": change.status.value})
        return
    if name.lower() == "heartbeatinterval":
        context.link.set_heartbeat(now_us, context.keys.integer("HeartbeatInterval") * SECOND)

    def answered(answer: Payload) -> None:
        reply(answer)
        if name.lower() in ("authorizationkey", "securityprofile"):
            # The connection that brought the change must carry its answer.
            context.at(context.now_us + SECOND, lambda _at_us: context.link.drop())

    text = json.dumps(context.keys.changed, separators=(",", ":"))
    accepted, refused = {"status": change.status.value}, {"status": ChangeStatus.REJECTED.value}
    context.keep_then("keys", text, answered, accepted, refused)


def _change_setting(context: Context, key: Key, value: str, reply: Reply) -> None:
    """A setting of the station: its owner judges what is beyond type and range, and answers when it is durable."""

    def done(change: Change) -> None:
        if change.reason:
            context.refuse("ChangeConfiguration", change.reason)
        reply({"status": change.status.value})

    if key.access is Access.READ_ONLY:
        done(Change(ChangeStatus.REJECTED, f"{key.name} is read only"))
        return
    try:
        wanted = key.normal(value)
    except ValueError as error:
        done(Change(ChangeStatus.REJECTED, str(error)))
    else:
        context.vendor_keys.change(key, wanted, done)


def _forbidden(context: Context, name: str, value: str) -> str:
    """What no range can say: security is never lowered from outside, and not raised without what it needs."""
    if name.lower() != "securityprofile" or not value.strip().isdecimal():
        return ""
    wanted, now = int(value), context.keys.integer("SecurityProfile")
    if wanted < now:
        return f"SecurityProfile {now} is not lowered to {wanted} from outside"
    if wanted in (1, 2) and not context.keys.text("AuthorizationKey"):
        return f"SecurityProfile {wanted} needs an AuthorizationKey first"
    if wanted == now:
        return ""
    if wanted in (2, 3) and not context.settings.url.lower().startswith("wss://"):
        return f"SecurityProfile {wanted} needs a wss:// address: the station could never connect again"
    if wanted == 3 and not (context.certificates.chain or context.settings.own_certificate):
        return "SecurityProfile 3 needs a certificate of the station first"
    return ""


# --- availability and reset ------------------------------------------------------------------------------------------


def change_availability(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`ChangeAvailability` (5.2): of one connector, or with connector 0 of all. A running session is not interrupted."""
    connector, out = payload["connectorId"], payload["type"] == "Inoperative"
    concerned = _connectors(context, connector)
    if not concerned:
        context.refuse("ChangeAvailability", f"there is no connector {connector}")
        reply({"status": "Rejected"})
        return
    scheduled = out and any(context.in_session(number) for number in concerned)
    open_answers = len(concerned)
    failed = ""

    def obeyed(_at_us: int, outcome: Outcome) -> None:
        nonlocal open_answers, failed
        open_answers -= 1
        failed = failed or ("" if outcome.done else outcome.reason or outcome.outcome)
        if open_answers:
            return
        if failed:
            context.refuse("ChangeAvailability", failed)
        reply({"status": "Rejected" if failed else "Scheduled" if scheduled else "Accepted"})

    for number in concerned:
        order = SetUnavailable(
            context.command_id(), number, active=out, source=AvailabilitySource.OCPP, after_session=True
        )
        context.command(now_us, order, obeyed)


def _connectors(context: Context, connector: int) -> Sequence[int]:
    numbers = tuple(context.identity.outlets)
    return numbers if connector == 0 else (connector,) if connector in numbers else ()


def reset(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`Reset` (5.14): sessions end with their reason, a soft reset delivers what they left to tell, then all starts anew."""
    kind = payload["type"]
    if context.resetting:
        context.refuse("Reset", "one is on its way already")
        reply({"status": "Rejected"})
        return
    reply({"status": "Accepted"})
    context.marks.resets += 1
    _begin_reset(context, now_us, kind, context.keys.integer("ResetRetries"))


def _begin_reset(context: Context, now_us: int, kind: str, retries: int) -> None:
    """End the sessions and start anew. Control that does not begin again within its time is asked again, so many times."""
    context.resetting = kind
    for connector in context.identity.outlets:
        if context.in_session(connector):
            context.command(now_us, StopSession(context.command_id(), connector, reason=f"{kind}Reset"))

    def restart(at_us: int) -> None:
        context.resetting, context.restart = "", kind
        _watch_reset(context, at_us, kind, retries)

    def ready(at_us: int) -> bool:
        busy = any(context.in_session(connector) for connector in context.identity.outlets)
        told = kind == "Hard" or not context.link.may_ask or len(context.outbox) == 0
        if busy or not told or at_us < now_us + SECOND:
            return False
        restart(at_us)
        return True

    context.wait(ready, now_us + _RESET_US, restart)
    context.at(now_us + SECOND, lambda _at_us: None)


def _watch_reset(context: Context, now_us: int, kind: str, retries: int) -> None:
    """`ResetRetries` (9.1): a reset without another start of control is made again, at last told as `ResetFailure`."""
    boot_id, number = context.boot_id, context.marks.resets

    def over(_at_us: int) -> bool:
        return context.boot_id != boot_id or context.marks.resets != number

    def again(at_us: int) -> None:
        if retries > 0:
            _log.warning("the %s reset has not restarted control: it is made again, %d left", kind, retries - 1)
            _begin_reset(context, at_us, kind, retries - 1)
        else:
            context.refuse("Reset", "control did not restart")
            context.marks.failed_reset = boot_id
            context.report_all()

    context.wait(over, now_us + RESET_US, again)


# --- transactions ----------------------------------------------------------------------------------------------------


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
    context.marks.pending_profiles.pop(connector, None)


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


def unlock_connector(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`UnlockConnector` (5.18): a running transaction ends first; the answer says what the bolt does."""
    connector = payload["connectorId"]
    facts = context.identity.outlets.get(connector)
    if facts is None or not facts.has_lock:
        reply({"status": "NotSupported"})
        return
    if context.in_session(connector):
        context.command(now_us, StopSession(context.command_id(), connector, reason="UnlockCommand"))
    else:
        # A cable may be kept for its user, or its bolt have stuck.
        context.command(now_us, ReleaseCable(context.command_id(), connector))

    def unlocked(_at_us: int) -> bool:
        outlet = context.outlet(connector)
        if outlet is None or outlet.session is not None:
            return False
        free = outlet.lock == LockFeedback.UNLOCKED.value or (outlet.lock == "" and not plugged(outlet))
        if free:
            reply({"status": "Unlocked"})
        return free

    if not unlocked(now_us):
        context.wait(unlocked, now_us + _UNLOCK_US, lambda _at_us: reply({"status": "UnlockFailed"}))


# --- small ones ------------------------------------------------------------------------------------------------------


def clear_cache(context: Context, _now_us: int, _payload: Payload, reply: Reply) -> None:
    """`ClearCache` (5.3)."""
    if not context.keys.flag("AuthorizationCacheEnabled"):
        reply({"status": "Rejected"})
        return
    context.cache.clear()
    context.keep_then("cache", "", reply, {"status": "Accepted"}, {"status": "Rejected"})


def data_transfer(_context: Context, _now_us: int, _payload: Payload, reply: Reply) -> None:
    """`DataTransfer` (5.6): this station has no agreements with vendors."""
    reply({"status": "UnknownVendorId"})
