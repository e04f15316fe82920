"""Who may charge, with supervision (OCPP 1.6, 4.1, 3.5): the protocol's part of it.

The card desk of the services asks, waits and gives the verdict. Here is said

1. what counts without asking: with `LocalPreAuthorize` who is known as accepted; without a connection, or without an answer
   in time, who is known as accepted (`LocalAuthorizeOffline`), and who is not known when unknown ids are allowed
   (`AllowOfflineTxForUnknownId`, the setting's "allow all"). Known as refused stays refused;
2. how the central system is asked, and what its answer means;
3. that a reservation for a group is handed over to whoever of the group comes, and taken back when no charge follows.

Whose group nobody here knows (neither the local list nor the cache, nor an answer since the start) is asked for by `Authorize`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evse.core.commands import ANY_EPOCH, Book, StartSession, StopSession, Suspend
from evse.core.units import SECOND
from evse.links.ocpp.charging_profile import ProfileError
from evse.links.ocpp.connector_status import ConnectorStatus, plugged
from evse.links.ocpp.context import Context
from evse.links.ocpp.id_tags import IdTagInfo
from evse.links.ocpp.remembered import Reservation, Running
from evse.links.ocpp.requests import Answer
from evse.links.ocpp.settings import OfflineMode, OnlineMode
from evse.links.ocpp.transactions import id_tag
from evse.services.supervision import SupervisionAnswer

_YEAR_US: Final = 365 * 86_400 * SECOND
HANDED_OVER_US: Final = 5 * SECOND
"""A session of somebody of the group begins so soon after the reservation was handed over, or none does."""
RENEWED_US: Final = 60 * SECOND
"""So long after a start of control its outlets are waited for."""
Judged = Callable[[int, IdTagInfo | None, bool], None]
"""Called with the time, what is known of the id, and whether the central system has said it just now."""


def at_once(context: Context, tag: str, connector: int, *, waited: bool) -> SupervisionAnswer | None:
    """Return what counts for an id without asking; ``None``: it has to be asked for by ``ask_card``."""
    if not waited and group_decides(context, connector, tag):
        # What is answered there comes after the reservation was handed over.
        return None
    return _unasked(context, tag, waited=waited)


def _unasked(context: Context, tag: str, *, waited: bool = False) -> SupervisionAnswer | None:
    now_us = context.now_us
    info = context.known_tag(tag, now_us)
    accepted = info is not None and info.accepted(context.utc_us(now_us))
    if not context.link.may_ask or waited:
        return _answer(info, accepted=may_begin_unasked(context, now_us, info))
    match context.settings.online_mode:
        case OnlineMode.ONLY_LOCAL:
            return _answer(info, accepted=accepted)
        case OnlineMode.FIRST_LOCAL:
            return None if info is None else _answer(info, accepted=accepted)
        case OnlineMode.FIRST_ONLINE:
            return None
    return _answer(info, accepted=True) if accepted and context.keys.flag("LocalPreAuthorize") else None


def ask_card(context: Context, ask_id: str, tag: str, connector: int) -> None:
    """Ask about a card; the answer joins ``context.card_answers``.

    Where somebody else charges it is about the group of both: then that one is asked for first, if nobody knows his.
    """

    def answer(info: IdTagInfo | None, *, accepted: bool) -> None:
        context.card_answers.append((ask_id, _answer(info, accepted=accepted)))

    def judged(now_us: int, info: IdTagInfo | None, online: bool) -> None:
        accepted = info is not None and info.accepted(context.utc_us(now_us))
        if not online:
            accepted = may_begin_unasked(context, now_us, info)
        if accepted and hand_over_booking(context, now_us, connector, tag, "" if info is None else info.parent):
            _watch_booking(context, now_us, connector)
        answer(info, accepted=accepted)

    def ask() -> None:
        if not ask_tag(context, context.now_us, tag, judged):
            judged(context.now_us, context.known_tag(tag, context.now_us), False)

    def user_judged(_now_us: int, _info: IdTagInfo | None, _online: bool) -> None:
        if group_of(context, user):
            ask()
        else:
            answer(None, accepted=False)

    user = _user_at(context, connector)
    if group_decides(context, connector, tag) and _unasked(context, tag) is not None:
        info = context.known_tag(tag, context.now_us)
        judged(context.now_us, info, context.link.may_ask)
    elif user and user.lower() != tag.lower() and group_of(context, user) is None:
        ask_tag(context, context.now_us, user, user_judged)
    else:
        ask()


def _user_at(context: Context, connector: int) -> str:
    running = context.running.get(connector)
    return context.marks.users.get(connector, "") if running is None else running.tag


def _answer(info: IdTagInfo | None, *, accepted: bool) -> SupervisionAnswer:
    if info is None:
        return SupervisionAnswer(accepted)
    expires_us = None if info.expiry_utc_s is None else info.expiry_utc_s * SECOND
    return SupervisionAnswer(accepted, expires_us, info.parent)


def group_of(context: Context, tag: str) -> str | None:
    """The parent id of an id, empty without one; ``None``: it is not known here, and the central system can be asked."""
    info = context.known_tag(tag, context.now_us)
    if info is not None:
        return info.parent
    return context.marks.groups.get(tag.lower(), None if context.link.may_ask else "")


def kept_for_group(context: Context, connector: int) -> bool:
    """Whether a connector is reserved for a parent id."""
    kept = context.reservations.get(connector)
    return kept is not None and kept.parent != ""


def group_decides(context: Context, connector: int, tag: str) -> bool:
    """Whether only its group can let an id use a connector: that is reserved for a parent id, by another id."""
    kept = context.reservations.get(connector)
    return kept is not None and kept.parent != "" and kept.tag.lower() != tag.lower()


def may_begin_unasked(context: Context, now_us: int, info: IdTagInfo | None) -> bool:
    """Whether somebody may begin while the central system cannot be asked."""
    accepted = info is not None and info.accepted(context.utc_us(now_us))
    match context.settings.offline_mode:
        case OfflineMode.LOCAL_UNKNOWN:
            return info is None or accepted
        case OfflineMode.LOCAL:
            return accepted
        case OfflineMode.NO_AUTHORIZATION | OfflineMode.FREE_CHARGING:
            return True
        case OfflineMode.NO_CHARGING:
            return False
    if info is None:
        return context.keys.flag("AllowOfflineTxForUnknownId")
    return context.keys.flag("LocalAuthorizeOffline") and accepted


def free_offline(context: Context, now_us: int) -> None:
    """`OfflineFreeCharging`: whoever plugs in while the central system is away charges, once for each plug."""
    free = context.settings.offline_mode is OfflineMode.FREE_CHARGING and not context.link.may_ask
    for outlet in context.view.outlets if context.view is not None else ():
        if not plugged(outlet):
            context.marks.served_free.discard(outlet.number)
            continue
        if outlet.session is not None:
            context.marks.served_free.add(outlet.number)
        waits = context.reports[outlet.number].status is ConnectorStatus.PREPARING
        if free and waits and outlet.session is None and outlet.number not in context.marks.served_free:
            context.marks.served_free.add(outlet.number)
            tag = id_tag("", context.settings.default_id_tag, context.identity.serial)
            context.command(now_us, StartSession(context.command_id(), outlet.number, uid=tag))


def ask_tag(context: Context, now_us: int, tag: str, judged: Judged) -> bool:
    """Ask the central system about an id; false when it cannot be asked. An answer that is an error says nothing."""
    if not context.link.may_ask:
        return False

    def answered(answer: Answer) -> None:
        info = info_of(answer)
        if info is None:
            judged(context.now_us, context.known_tag(tag, context.now_us), False)
            return
        context.learn_tag(tag, info)
        judged(context.now_us, info, True)

    context.requests.ask("Authorize", {"idTag": tag[:20]}, answered, first=True)
    return True


def info_of(answer: Answer) -> IdTagInfo | None:
    """What an answer says of an id; ``None`` when it says nothing that can be used."""
    if answer.payload is None or "idTagInfo" not in answer.payload:
        return None
    try:
        return IdTagInfo.of(answer.payload["idTagInfo"])
    except ProfileError:
        return IdTagInfo(answer.payload["idTagInfo"]["status"], answer.payload["idTagInfo"].get("parentIdTag", ""))


def of_kept_group(context: Context, connector: int, parent: str | None) -> bool:
    """Whether a parent id is the one that a connector is reserved for (OCPP 1.6, 5.13)."""
    kept = context.reservations.get(connector)
    return kept is not None and bool(parent) and str(parent).lower() == kept.parent.lower()


def hand_over_booking(context: Context, now_us: int, connector: int, tag: str, parent: str | None) -> bool:
    """A reservation for a group is kept for whoever of the group comes: the outlet knows single ids only.

    Return whether it is kept for another id than before.
    """
    kept = context.reservations.get(connector)
    if kept is None or kept.tag.lower() == tag.lower() or not of_kept_group(context, connector, parent):
        return False
    return _book(context, now_us, kept, tag)


def take_booking_back(context: Context, now_us: int, connector: int) -> None:
    """Whoever of the group was to come has not started: the connector is kept for its booker again."""
    kept = context.reservations.get(connector)
    if kept is not None:
        _book(context, now_us, kept, kept.tag)


def _watch_booking(context: Context, now_us: int, connector: int) -> None:
    """A reservation that was handed over and that no session has used up in time is taken back."""
    kept = context.reservations.get(connector)

    def used(_at_us: int) -> bool:
        return context.reservations.get(connector) is not kept or session_open(context, connector)

    context.wait(used, now_us + HANDED_OVER_US, lambda at_us: take_booking_back(context, at_us, connector))


def renew_bookings(context: Context, now_us: int) -> None:
    """After a start: a session that had used up an outlet's booking and was interrupted leaves the reservation to its booker."""

    def known(at_us: int) -> bool:
        view = context.view
        if view is None or view.boot_id != context.boot_id or not view.restored:
            return False
        for connector in context.reservations:
            if not session_open(context, connector):
                take_booking_back(context, at_us, connector)
        return True

    if context.reservations:
        context.wait(known, now_us + RENEWED_US, lambda _at_us: None)


def session_open(context: Context, connector: int) -> bool:
    """Whether somebody uses the outlet: the Snapshot may not show yet what an event has told."""
    return connector in context.marks.users or context.in_session(connector)


def _book(context: Context, now_us: int, kept: Reservation, tag: str) -> bool:
    utc_us = context.utc_us(now_us)
    if utc_us is None:
        return False
    until_us = now_us + kept.expiry_utc_s * SECOND - utc_us
    context.command(now_us, Book(context.command_id(), kept.connector, uid=tag, until_us=until_us))
    return True


def transaction_judged(context: Context, now_us: int, session_id: str, tag: str, info: IdTagInfo) -> None:
    """The answer to `StartTransaction` says whether the user may go on (OCPP 1.6, 4.8, `StopTransactionOnInvalidId`)."""
    context.learn_tag(tag, info)
    if info.accepted(context.utc_us(now_us)):
        return
    for connector, running in context.running.items():
        if running.session_id == session_id:
            _end_invalid(context, now_us, connector, running)


def _end_invalid(context: Context, now_us: int, connector: int, running: Running) -> None:
    if context.keys.flag("StopTransactionOnInvalidId"):
        stop = StopSession(context.command_id(), connector, epoch=ANY_EPOCH, reason="DeAuthorized")
        context.command(now_us, stop)
        return
    allowed_wh = context.keys.integer("MaxEnergyOnInvalidId")

    def used_up(at_us: int) -> bool:
        if context.running.get(connector) is not running:
            return True
        outlet = context.outlet(connector)
        if outlet is None or outlet.register_wh - running.register_wh < allowed_wh:
            return False
        context.command(at_us, Suspend(context.command_id(), connector, active=True))
        context.marks.held.add(connector)
        return True

    if not used_up(now_us):
        context.wait(used_up, now_us + _YEAR_US, lambda _at_us: None)


def transaction_over(context: Context, now_us: int, connector: int) -> None:
    """A session has ended: what held its energy back is withdrawn."""
    if connector in context.marks.held:
        context.marks.held.discard(connector)
        context.command(now_us, Suspend(context.command_id(), connector, active=False))
