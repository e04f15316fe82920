"""The user's side of an outlet's procedure: cards, verdicts, orders to start and stop, and how a session begins.

What becomes of a session afterwards is :mod:`evse.core.procedure`'s business.
"""

from __future__ import annotations

from evse.core.commands import Authorise, Command, PlugWithin, ReleaseCable, Verdict, WhenVehicleLeaves
from evse.core.config import Access
from evse.core.events import (
    AuthorisationRequested,
    SessionOpened,
)
from evse.core.lock import LockGoal
from evse.core.outlet_status import OutletErrorName, OutletStatus
from evse.core.procedure_base import ProcedureBase
from evse.core.procedure_facts import ProcedureFacts
from evse.core.session import PendingAuthorisation, Session
from evse.core.units import NEVER, SECOND
from evse.core.values import Beep

SAME_CARD_IGNORED_US = 3 * SECOND
"""A card held again this soon after it opened the session does not end it (our choice)."""
FREE_ACCESS = "free access"


class UserSide(ProcedureBase):
    """What users and services do at one outlet."""

    def card(self, now_us: int, uid: str, facts: ProcedureFacts) -> None:
        """A card was read."""
        session = self.session
        if now_us < self.read_cards_until_us and (session is None or uid != session.uid):
            if self.pending is None:
                self._sound(Beep.READ)
                self._request(now_us, uid, "teach")
        elif session is not None:
            self._card_in_session(now_us, uid, session)
        elif self.kept_for:
            self._card_for_cable(now_us, uid)
        elif not self._may_begin(facts) or self._config.access is not Access.BADGE:
            self._sound(Beep.REFUSED)
        elif self.pending is None:
            self._sound(Beep.READ)
            self._request(now_us, uid, "start")
            self._fire(now_us, "authorise")

    def _may_begin(self, facts: ProcedureFacts) -> bool:
        free = self.status is OutletStatus.INIT_DONE or self.status is OutletStatus.UNPLUG_STARTED
        if self.status is OutletStatus.UNPLUG_STARTED and facts.lock_failed is LockGoal.UNLOCKED:
            self.retry_lock = True
            return False
        if facts.shutter_failed is not None:
            # Somebody is here: a shutter that stuck before may move now.
            self.retry_shutter = True
            return False
        if self.status is OutletStatus.INIT_DONE and not self._bolt_withdrawn(facts):
            return False
        kept = facts.blocked or facts.key_locked or self.availability.out_of_service or self.kept_for
        return free and not kept and not facts.contact_closed

    def _card_in_session(self, now_us: int, uid: str, session: Session) -> None:
        if self.stop_reason or (now_us - session.opened_us < SAME_CARD_IGNORED_US and uid == session.uid):
            return
        self._sound(Beep.READ)
        if uid == session.uid:
            self.stop(now_us, "Local", uid)
            self._sound(Beep.ACCEPTED)
        else:
            self._request(now_us, uid, "stop")

    def _card_for_cable(self, now_us: int, uid: str) -> None:
        """A card where a cable is kept: its user's gives it back, for any other services are asked as for a stop."""
        self._sound(Beep.READ)
        if uid == self.kept_for:
            self._sound(Beep.ACCEPTED)
            self.release_cable()
        elif self.pending is None:
            self._request(now_us, uid, "stop")

    def take_rule(self, order: Command) -> str:
        """Obey an order about users who do not plug in, vehicles that leave and cables that stay; return why not, or an empty text."""
        match order:
            case WhenVehicleLeaves():
                self.ends_with_vehicle, self.releases_with_vehicle = order.ends_session, order.releases_cable
            case PlugWithin():
                self.plug_within_us = order.timeout_s * SECOND
            case ReleaseCable():
                return self.release_cable()
        return ""

    def release_cable(self) -> str:
        """Draw the bolt back, once more if it has stuck; return why not, or an empty text."""
        if self.session is not None:
            return "a session is running: end it first"
        self.kept_for = ""
        self.retry_lock = True
        return ""

    def _request(self, now_us: int, uid: str, purpose: str) -> None:
        self._card_counter += 1
        if purpose == "start":
            self.epoch += 1
        self.pending = PendingAuthorisation(self._card_counter, self.epoch, uid, purpose, now_us)
        self._emit(AuthorisationRequested(self._config.number, self._card_counter, self.epoch, uid, purpose))

    def verdict(self, now_us: int, answer: Authorise) -> str:
        """Take the answer to a card read of the present epoch; return why it was not used, or an empty text.

        A second, final verdict for the card that opened the running session confirms or withdraws a provisional permission.
        """
        accepted = answer.verdict in (Verdict.ACCEPTED, Verdict.PROVISIONAL)
        expires_us = answer.permission_expires_us if answer.verdict is Verdict.PROVISIONAL else NEVER
        pending = self.pending
        if pending is not None and (pending.card_read_id, pending.epoch) == (answer.card_read_id, self.epoch):
            self.pending = None
            if pending.purpose == "teach":
                self._sound(Beep.ACCEPTED if accepted else Beep.REFUSED)
            elif pending.purpose == "stop":
                self._stop_verdict(now_us, pending.uid, accepted=accepted and answer.may_stop_any)
            elif accepted and not answer.may_stop_any:
                self._sound(Beep.ACCEPTED)
                self.power_return.asked()
                self._begin(now_us, pending.uid, "badge", expires_us, answer.card_read_id)
                if self.session is not None:
                    self.session.priority = answer.priority
            else:
                self._refused(now_us, answer)
            return ""
        session = self.session
        opened_it = session is not None and session.card_read_id == answer.card_read_id
        if session is not None and opened_it and session.permission_expires_us != NEVER:
            session.permission_expires_us = expires_us if accepted else now_us
            return ""
        return "no card read waits for this verdict"

    def _refused(self, now_us: int, answer: Authorise) -> None:
        if answer.verdict is Verdict.TAKEN:
            self._sound(Beep.ACCEPTED)
            self._back_to_rest(now_us)
        elif answer.reason == OutletErrorName.BADGE_IS_NOT_THE_BOOKER:
            self._refuse(now_us, OutletErrorName.BADGE_IS_NOT_THE_BOOKER)
        else:
            self._refuse(now_us, OutletErrorName.BADGE_UNKNOWN)

    def _stop_verdict(self, now_us: int, uid: str, *, accepted: bool) -> None:
        if accepted:
            self._sound(Beep.ACCEPTED)
            if self.stop(now_us, "Local", uid):
                self.release_cable()
        else:
            self._sound(Beep.REFUSED)
            self._error(OutletErrorName.BADGE_IS_NOT_THE_CURRENT_USER)

    def _refuse(self, now_us: int, error: OutletErrorName) -> None:
        self._sound(Beep.REFUSED)
        self._error(error)
        self._back_to_rest(now_us)

    def _back_to_rest(self, now_us: int) -> None:
        self._fire(now_us, "refused_plugged" if self._asked_from is OutletStatus.UNPLUG_STARTED else "refused")

    def _give_up_card(self, now_us: int) -> None:
        """A card that asked to stop somebody else's charge, or to be taught, and got no answer in time is refused."""
        pending = self.pending
        if pending is None or pending.purpose == "start":
            return
        if self._late(now_us, pending.asked_us + self._times.authorisation_us):
            self.pending = None
            if pending.purpose == "stop":
                self._stop_verdict(now_us, pending.uid, accepted=False)
            else:
                self._sound(Beep.REFUSED)

    def remote_start(self, now_us: int, uid: str, facts: ProcedureFacts) -> str:
        """Start for ``uid``, authorised elsewhere; return why not, or an empty text."""
        if self.session is not None or self.pending is not None or not self._may_begin(facts):
            return "the outlet is not free to start a session"
        self.epoch += 1
        self.power_return.asked()
        self._fire(now_us, "authorise")
        self._begin(now_us, uid, "remote")
        return "" if self.session is not None else "the outlet is booked for somebody else"

    def stop(self, now_us: int, reason: str, uid: str = "") -> str:
        """End the session in a controlled way, by the card ``uid`` if any; return why not, or an empty text."""
        if self.session is None:
            return "no session is running"
        if not self.stop_reason:
            self.stop_reason, self.stopped_by = reason, uid
        self._wake_us = now_us
        return ""

    def authorised(self, now_us: int) -> bool:
        """Whether somebody may charge right now: a session whose permission has not expired and that nothing has stopped."""
        session = self.session
        return session is not None and not self.stop_reason and now_us < session.permission_expires_us

    def confirm_record(self, session_id: str) -> str:
        """The start record is durable; return why it does not concern this session, or an empty text."""
        if self.session is None or self.session.session_id != session_id:
            return "this session is not running"
        self.session.durable = True
        return ""

    def ask_again(self) -> None:
        """Somebody at the outlet asks for a new charge without unplugging: the key or the push button."""
        self._asked_again = self.session is None
        self.power_return.asked()

    def _begin_free(self, now_us: int, facts: ProcedureFacts) -> None:
        """Where access is free a plug that comes, or a wish for another charge, is enough."""
        came = facts.plugged and (facts.vehicle or not self._config.leave_cable_connected)
        if came and self._released(facts) and self._bolt_withdrawn(facts) and not facts.contact_closed:
            self._free_served = True
            self.epoch += 1
            self._fire(now_us, "authorise")
            self._begin(now_us, "", FREE_ACCESS)

    def _continue_charge(self, now_us: int, facts: ProcedureFacts) -> None:
        """A power failure has interrupted a charge: it goes on for the same user, if the vehicle is still there."""
        wanted = self.power_return.to_continue(now_us)
        if wanted is None or self._config.access is Access.FREE:
            return
        self._late(now_us, self.power_return.until_us)
        booking = self.availability.booking
        promised = booking is not None and booking.uid != wanted.uid
        if facts.plugged and facts.vehicle and not promised and self._may_begin(facts):
            self.epoch += 1
            self._fire(now_us, "authorise")
            self._begin(now_us, wanted.uid, wanted.authorised_by)

    def _begin(self, now_us: int, uid: str, authorised_by: str, expires_us: int = NEVER, card_read_id: int = 0) -> None:
        self._fire(now_us, "authorised")
        self._fire(now_us, "contract")
        booking = self.availability.booking
        if booking is not None and booking.uid != uid:
            self._refuse(now_us, OutletErrorName.BADGE_IS_NOT_THE_BOOKER)
            return
        self.availability.booking = None
        self.power_return.begun()
        self._session_counter += 1
        session_id = f"{self._boot_id}-{self._config.number}-{self._session_counter}"
        self.session = Session(session_id, uid, authorised_by, now_us, card_read_id)
        self.session.permission_expires_us = expires_us
        self.session.checkpoint_us = now_us
        self.stop_reason = self.stopped_by = ""
        self._asked_again = False
        self._noticed.clear()
        self._charge_error = False
        self._emit(SessionOpened(self._config.number, session_id, uid, authorised_by))
        self._fire(now_us, "contracted")
        self._fire(now_us, "plug")
        self.self_test_wanted = True
        self.retry_lock = True
        self.retry_shutter = self._config.has_shutter
