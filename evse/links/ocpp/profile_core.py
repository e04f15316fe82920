"""Requests of the feature profile Core (OCPP 1.6, chapter 5) but for remote start and stop, as the station serves them.

Each handler takes the context, the time, the payload (it fits its schema) and the way to answer. An answer that depends on
the station's obedience is given when the station has obeyed, at the latest after 10 s.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evse.core.commands import (
    AvailabilitySource,
    ReleaseCable,
    SetUnavailable,
    StopSession,
)
from evse.core.units import SECOND
from evse.core.values import LockFeedback
from evse.links.ocpp.connector_status import plugged
from evse.links.ocpp.context import Context, Outcome, Reply
from evse.links.ocpp.keys import Access, Change, ChangeStatus, Key, entry_of

Payload = Mapping[str, Any]
_log = logging.getLogger(__name__)
_UNLOCK_US: Final = 10 * SECOND
_RESET_US: Final = 15 * SECOND
"""How long a reset waits for sessions to end and, a soft one, for their messages to be delivered."""
RESET_US: Final = 60 * SECOND
"""Control that has not begun again so long after a reset has not obeyed it."""


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


# --- the cable ---------------------------------------------------------------------------------------------------------


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
