"""Who may charge, with supervision (OCPP 1.6, 4.1, 3.5; EVlink commissioning guide DOCA0060, Authentication).

A card at an outlet:

1. `LocalPreAuthorize`: who is known as accepted begins without asking.
2. With a connection the central system is asked. While the answer is late the user may plug in and begin: a provisional
   permission that ends with the authentication time-out.
3. Without a connection, or without an answer in time, who is known as accepted begins (`LocalAuthorizeOffline`), and who is
   not known when unknown ids are allowed (`AllowOfflineTxForUnknownId`, the setting's "allow all"). Known as refused stays
   refused.

A card that asks to end somebody else's charge may do so when both have the same parent id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evse.core.commands import ANY_EPOCH, Authorise, Book, StopSession, Suspend, Verdict
from evse.core.events import AuthorisationRequested
from evse.core.units import NEVER, SECOND
from evse.links.ocpp.charging_profile import ProfileError
from evse.links.ocpp.context import Context, Running
from evse.links.ocpp.id_tags import IdTagInfo
from evse.links.ocpp.requests import Answer
from evse.services.authorisation import BADGE_UNKNOWN, NOT_THE_CURRENT_USER

LATE_US: Final = 2 * SECOND
"""An answer that takes longer is late."""
Judged = Callable[[int, IdTagInfo | None, bool], None]
"""Called with the time, what is known of the id, and whether the central system has said it just now."""


def judge_card(context: Context, now_us: int, event: AuthorisationRequested) -> None:
    """A card was read: give the verdict, at once or later."""
    if event.purpose == "start":
        _judge_start(context, now_us, event)
    else:
        _judge_stop(context, now_us, event)


def _judge_start(context: Context, now_us: int, event: AuthorisationRequested) -> None:
    known = context.known_tag(event.uid, now_us)
    if known is not None and known.accepted(context.utc_us(now_us)) and context.keys.flag("LocalPreAuthorize"):
        _verdict(context, now_us, event, known, accepted=True)
        return
    answered = False

    def judged(at_us: int, info: IdTagInfo | None, online: bool) -> None:
        nonlocal answered
        if answered:
            return
        answered = True
        accepted = info is not None and info.accepted(context.utc_us(at_us))
        if not online:
            accepted = may_begin_unasked(context, at_us, info)
        _verdict(context, at_us, event, info, accepted=accepted)

    def late(at_us: int) -> None:
        if not answered:
            context.command(at_us, _authorise(context, event, Verdict.PROVISIONAL, "", timeout_us))

    timeout_us = now_us + context.settings.authentication_timeout_us
    if ask_tag(context, now_us, event.uid, judged):
        context.at(min(now_us + LATE_US, timeout_us), late)
        context.at(timeout_us, lambda at_us: judged(at_us, context.known_tag(event.uid, at_us), False))
    else:
        judged(now_us, known, False)


def may_begin_unasked(context: Context, now_us: int, info: IdTagInfo | None) -> bool:
    """Whether somebody may begin while the central system cannot be asked."""
    if info is None:
        return context.keys.flag("AllowOfflineTxForUnknownId")
    return context.keys.flag("LocalAuthorizeOffline") and info.accepted(context.utc_us(now_us))


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


def _judge_stop(context: Context, now_us: int, event: AuthorisationRequested) -> None:
    running = context.running.get(event.outlet)
    outlet = context.outlet(event.outlet)
    owner = running.tag if running is not None else ""
    if not owner and outlet is not None and outlet.session is not None:
        owner = outlet.session.uid
    group = context.known_tag(owner, now_us)

    def judged(at_us: int, info: IdTagInfo | None, _online: bool) -> None:
        same = info is not None and group is not None and info.parent != "" and info.parent == group.parent
        valid = info is not None and info.accepted(context.utc_us(at_us))
        _stop_verdict(context, at_us, event, accepted=same and valid)

    known = context.known_tag(event.uid, now_us)
    if group is None or not group.parent:
        _stop_verdict(context, now_us, event, accepted=False)
    elif (known is not None and known.parent == group.parent) or not ask_tag(context, now_us, event.uid, judged):
        judged(now_us, known, False)


def _verdict(
    context: Context, now_us: int, event: AuthorisationRequested, info: IdTagInfo | None, *, accepted: bool
) -> None:
    if accepted:
        _hand_over_booking(context, now_us, event, info)
    verdict = Verdict.ACCEPTED if accepted else Verdict.REFUSED
    context.command(now_us, _authorise(context, event, verdict, "" if accepted else BADGE_UNKNOWN))


def _stop_verdict(context: Context, now_us: int, event: AuthorisationRequested, *, accepted: bool) -> None:
    verdict = Verdict.ACCEPTED if accepted else Verdict.REFUSED
    reason = "" if accepted else NOT_THE_CURRENT_USER
    context.command(now_us, _authorise(context, event, verdict, reason, may_stop_any=accepted))


def _authorise(
    context: Context,
    event: AuthorisationRequested,
    verdict: Verdict,
    reason: str,
    permission_expires_us: int = NEVER,
    *,
    may_stop_any: bool = False,
) -> Authorise:
    return Authorise(
        command_id=f"{context.token}-card-{event.outlet}-{event.session_epoch}-{event.card_read_id}-{verdict.value}",
        outlet=event.outlet,
        epoch=event.session_epoch,
        card_read_id=event.card_read_id,
        verdict=verdict,
        reason=reason,
        may_stop_any=may_stop_any,
        permission_expires_us=permission_expires_us,
    )


def _hand_over_booking(context: Context, now_us: int, event: AuthorisationRequested, info: IdTagInfo | None) -> None:
    """A reservation for a group is kept for whoever of the group comes: the outlet knows single ids only."""
    kept = context.reservations.get(event.outlet)
    if kept is None or kept.tag.lower() == event.uid.lower() or info is None or not info.parent:
        return
    if info.parent == kept.parent:
        context.command(now_us, Book(context.command_id(), event.outlet, uid=event.uid))


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
        context.held.add(connector)
        return True

    if not used_up(now_us):
        context.wait(used_up, now_us + 365 * 86_400 * SECOND, lambda _at_us: None)


def transaction_over(context: Context, now_us: int, connector: int) -> None:
    """A session has ended: what held its energy back is withdrawn."""
    if connector in context.held:
        context.held.discard(connector)
        context.command(now_us, Suspend(context.command_id(), connector, active=False))
