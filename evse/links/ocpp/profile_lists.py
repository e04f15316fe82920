"""Requests of the feature profiles Local Auth List Management and Reservation (OCPP 1.6, 3.5, 3.12, 5.9, 5.10, 5.13, 5.15, 5.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from string import hexdigits
from typing import Any, Final

from evse.core.commands import Book
from evse.core.units import NEVER, SECOND
from evse.links.ocpp.authorising import session_open
from evse.links.ocpp.charging_profile import ProfileError, utc_seconds
from evse.links.ocpp.connector_status import ConnectorStatus
from evse.links.ocpp.context import Context, Outcome, Reply
from evse.links.ocpp.remembered import Reservation

Payload = Mapping[str, Any]
_DOCUMENT: Final = "reservations"


def get_local_list_version(context: Context, _now_us: int, _payload: Payload, reply: Reply) -> None:
    """`GetLocalListVersion` (5.10): 0 without a list or with an empty one (3.5.2), -1 while there may be none."""
    reply({"listVersion": context.local_list.version if context.keys.flag("LocalAuthListEnabled") else -1})


def send_local_list(context: Context, _now_us: int, payload: Payload, reply: Reply) -> None:
    """`SendLocalList` (5.15)."""
    if not context.keys.flag("LocalAuthListEnabled"):
        reply({"status": "NotSupported"})
        return
    most, sent = (context.keys.integer(name) for name in ("LocalAuthListMaxLength", "SendLocalListMaxLength"))
    update = context.local_list.update(payload, most=most, most_sent=sent)
    if update.reason:
        context.refuse("SendLocalList", update.reason)
        reply({"status": update.status})
    else:
        context.marks.conflicts.clear()
        text = context.local_list.text()
        context.keep_then("local list", text, reply, {"status": update.status}, {"status": "Failed"})


# --- reservations ----------------------------------------------------------------------------------------------------

_REFUSALS = {
    ConnectorStatus.FAULTED: "Faulted",
    ConnectorStatus.UNAVAILABLE: "Unavailable",
}


def reserve_now(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`ReserveNow` (5.13). Connector 0 keeps any one: the first that is free, which shows `Reserved`."""
    try:
        expiry_utc_s = utc_seconds(payload["expiryDate"], "expiryDate")
    except ProfileError as error:
        _refuse(context, str(error), reply)
        return
    utc_us = context.utc_us(now_us)
    if utc_us is None or expiry_utc_s * SECOND <= utc_us:
        _refuse(context, "expiryDate is over, or the station does not know the time", reply)
        return
    number, asked = payload["reservationId"], payload["connectorId"]
    same = next((each for each in context.reservations.values() if each.reservation_id == number), None)
    connector, status = _kept_connector(context, asked, same)
    if status:
        context.refuse("ReserveNow", f"connector {asked} is {status}")
        reply({"status": status})
        return
    made = Reservation(
        number, connector, asked, _as_read(payload["idTag"]), payload.get("parentIdTag", ""), expiry_utc_s
    )

    def booked(at_us: int, outcome: Outcome) -> None:
        context.marks.booking.discard(connector)
        if not outcome.done:
            _refuse(context, outcome.reason or outcome.outcome, reply)
            return
        if session_open(context, connector):
            # Somebody was quicker: the outlet would be kept only once he has gone.
            context.refuse("ReserveNow", f"a session has begun at connector {connector} meanwhile")
            context.command(at_us, Book(context.command_id(), connector, uid=""))
            reply({"status": "Occupied"})
            return
        if same is not None and same.connector != connector:
            release(context, at_us, same)
        context.reservations[connector] = made
        _keep_then(context, reply)

    until_us = now_us + expiry_utc_s * SECOND - utc_us
    context.marks.booking.add(connector)
    context.command(now_us, Book(context.command_id(), connector, uid=made.tag, until_us=until_us), booked)


def _as_read(tag: str) -> str:
    """Return an id as a card reader tells it: ids are alike without regard to case, and the outlet knows one spelling only."""
    return tag.upper() if all(character in hexdigits for character in tag) else tag


def _refuse(context: Context, reason: str, reply: Reply) -> None:
    context.refuse("ReserveNow", reason)
    reply({"status": "Rejected"})


def _kept_connector(context: Context, asked: int, same: Reservation | None) -> tuple[int, str]:
    """Return the connector to keep, or why there is none."""
    if asked != 0 and asked not in context.identity.outlets:
        return 0, "Rejected"
    numbers = tuple(context.identity.outlets) if asked == 0 else (asked,)
    refusal = ""
    for number in numbers:
        status = context.reports[number].status
        own = same is not None and same.connector == number
        # What was promised to somebody else a moment ago does not show in the status yet.
        promised = number in context.marks.booking or (number in context.reservations and not own)
        if not promised and not context.in_session(number) and (status is ConnectorStatus.AVAILABLE or own):
            return number, ""
        refusal = refusal or _REFUSALS.get(status, "Occupied")
    return 0, refusal


def cancel_reservation(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`CancelReservation` (5.1)."""
    wanted = payload["reservationId"]
    found = next((each for each in context.reservations.values() if each.reservation_id == wanted), None)
    if found is None:
        context.refuse("CancelReservation", f"there is no reservation {wanted}")
        reply({"status": "Rejected"})
        return
    del context.reservations[found.connector]
    context.command(now_us, Book(context.command_id(), found.connector, uid=""))
    _keep_then(context, reply)


def release(context: Context, now_us: int, reservation: Reservation) -> None:
    """The connector is not kept any more."""
    if context.reservations.get(reservation.connector) is reservation:
        del context.reservations[reservation.connector]
        keep_reservations(context)
    context.command(now_us, Book(context.command_id(), reservation.connector, uid=""))


def used_by(context: Context, now_us: int, connector: int, tag: str, parent: str) -> int | None:
    """A transaction begins: return the id of the reservation that it uses up; one of any connector is used up at each."""

    def mine(kept: Reservation) -> bool:
        return kept.tag.lower() == tag.lower() or (parent != "" and kept.parent.lower() == parent.lower())

    kept = context.reservations.pop(connector, None)
    if kept is not None:
        keep_reservations(context)
        return kept.reservation_id if mine(kept) else None
    for other in tuple(context.reservations.values()):
        if other.asked_connector == 0 and mine(other):
            release(context, now_us, other)
            return other.reservation_id
    return None


def move_reservations(context: Context, now_us: int) -> None:
    """One connector remains for whoever has reserved any: when the kept one fails, a free one is kept instead."""
    for kept in tuple(context.reservations.values()):
        if kept.asked_connector != 0 or context.reports[kept.connector].status not in _REFUSALS:
            continue
        free = [n for n in context.identity.outlets if context.reports[n].status is ConnectorStatus.AVAILABLE]
        utc_us = context.utc_us(now_us)
        if not free or free[0] in context.reservations or utc_us is None:
            continue
        release(context, now_us, kept)
        context.reservations[free[0]] = replace(kept, connector=free[0])
        keep_reservations(context)
        until_us = now_us + kept.expiry_utc_s * SECOND - utc_us
        context.command(now_us, Book(context.command_id(), free[0], uid=kept.tag, until_us=until_us))


def expire_reservations(context: Context, now_us: int) -> int:
    """Forget what is over (the outlet knows the end itself); return when the next ends."""
    utc_us = context.utc_us(now_us)
    if utc_us is None or not context.reservations:
        return NEVER
    over = [each for each in context.reservations.values() if each.expiry_utc_s * SECOND <= utc_us]
    for each in over:
        del context.reservations[each.connector]
    if over:
        keep_reservations(context)
    ends = [each.expiry_utc_s * SECOND - utc_us for each in context.reservations.values()]
    return now_us + min(ends) if ends else NEVER


def keep_reservations(context: Context) -> None:
    """Reservations outlive a power cut, as the outlet's booking does."""
    context.keep(_DOCUMENT, _text(context))


def _keep_then(context: Context, reply: Reply) -> None:
    """Answer a request that has changed reservations when they are durable."""
    context.keep_then(_DOCUMENT, _text(context), reply, {"status": "Accepted"}, {"status": "Rejected"})


def _text(context: Context) -> str:
    kept = [asdict(each) for each in context.reservations.values()]
    return json.dumps(kept, separators=(",", ":")) if kept else ""


def restored_reservations(text: str) -> dict[int, Reservation]:
    """Return what ``keep_reservations`` has kept."""
    found = [Reservation(**each) for each in json.loads(text)] if text else []
    return {each.connector: each for each in found}
