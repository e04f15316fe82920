"""The outlet procedure's conditions and times: who moves `Outlet Status`, and when.

The table of :mod:`evse.core.outlet_status` says what is possible; this module decides. It orders (lock goal, self test,
"charge wanted", end of session) and never drives anything itself. Errors become `OutletStatusLastError` and stay until
the next one.
"""

from __future__ import annotations

from collections.abc import Callable

from evse.core.availability import Availability
from evse.core.commands import Authorise, Verdict
from evse.core.config import Access, OutletConfig
from evse.core.events import (
    AuthorisationRequested,
    EnergyCheckpoint,
    Event,
    OutletError,
    OutletStatusChanged,
    SessionClosed,
    SessionOpened,
    TransactionStarted,
)
from evse.core.lock import LockGoal
from evse.core.outlet_status import ERROR_CLASS, OUTLET_TABLE, ErrorClass, OutletErrorName, OutletStatus
from evse.core.procedure_facts import ProcedureFacts
from evse.core.session import PendingAuthorisation, Session
from evse.core.shutter import ShutterGoal
from evse.core.shutter_plan import ShutterFacts, shutter_goal
from evse.core.units import NEVER, SECOND
from evse.core.values import Beep

SAME_CARD_IGNORED_US = 3 * SECOND
"""A card held again this soon after it opened the session does not end it (our choice)."""
UNWATCHED_US = 120 * SECOND
"""A vehicle that could not be watched for this long may be another one afterwards: the session ends (our choice)."""
FREE_ACCESS = "free access"


class Procedure:
    """The procedure of one outlet."""

    def __init__(
        self, config: OutletConfig, boot_id: str, checkpoint_period_us: int, emit: Callable[[Event], None]
    ) -> None:
        self._config = config
        self._times = config.procedure
        self._boot_id = boot_id
        self._checkpoint_period_us = checkpoint_period_us
        self._emit = emit
        self.status = OutletStatus.NOT_INITIALIZED
        self.since_us = 0
        self.epoch = 0
        self.availability = Availability()
        self.session: Session | None = None
        self.pending: PendingAuthorisation | None = None
        self.last_error: OutletErrorName | None = None
        self.stop_reason = ""
        self.lock_goal = LockGoal.UNLOCKED
        self.retry_lock = False
        self.shutter_goal = ShutterGoal.CLOSED
        self.retry_shutter = False
        self.self_test_wanted = False
        self.read_cards_until_us = 0
        self.beep = Beep.NONE
        self.beep_count = 0
        self._card_counter = 0
        self._session_counter = 0
        self._free_served = self._asked_again = False
        self._plug_since_us = NEVER
        self._gone_since_us = NEVER
        self._unwatched_since_us = NEVER
        self._noticed: set[OutletErrorName] = set()
        self._wake_us = NEVER
        self._asked_from = OutletStatus.INIT_DONE

    def configure(self, config: OutletConfig, checkpoint_period_us: int) -> None:
        """Work by another configuration of the same board: a session goes on, times under way count by the new ones."""
        self._config, self._times = config, config.procedure
        self._checkpoint_period_us = checkpoint_period_us

    # --- what the user and services do -------------------------------------------------------------------------

    def card(self, now_us: int, uid: str, facts: ProcedureFacts) -> None:
        """A card was read."""
        session = self.session
        if now_us < self.read_cards_until_us and (session is None or uid != session.uid):
            if self.pending is None:
                self._sound(Beep.READ)
                self._request(now_us, uid, "teach")
        elif session is not None:
            self._card_in_session(now_us, uid, session)
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
        kept = facts.blocked or facts.key_locked or self.availability.out_of_service
        return free and not kept and not facts.contact_closed

    def _bolt_withdrawn(self, facts: ProcedureFacts) -> bool:
        """After a start the bolt may still be out from the boot before: it is drawn back before anybody begins."""
        return not self._config.has_lock or facts.unlocked or facts.lock_failed is LockGoal.UNLOCKED

    def _card_in_session(self, now_us: int, uid: str, session: Session) -> None:
        if self.stop_reason or (now_us - session.opened_us < SAME_CARD_IGNORED_US and uid == session.uid):
            return
        self._sound(Beep.READ)
        if uid == session.uid:
            self.stop(now_us, "Local")
            self._sound(Beep.ACCEPTED)
        else:
            self._request(now_us, uid, "stop")

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
                self._stop_verdict(now_us, accepted=accepted and answer.may_stop_any)
            elif accepted and not answer.may_stop_any:
                self._sound(Beep.ACCEPTED)
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

    def _stop_verdict(self, now_us: int, *, accepted: bool) -> None:
        if accepted:
            self._sound(Beep.ACCEPTED)
            self.stop(now_us, "Local")
        else:
            self._sound(Beep.REFUSED)
            self._error(OutletErrorName.BADGE_IS_NOT_THE_CURRENT_USER)

    def _refuse(self, now_us: int, error: OutletErrorName) -> None:
        self._sound(Beep.REFUSED)
        self._error(error)
        self._back_to_rest(now_us)

    def _back_to_rest(self, now_us: int) -> None:
        self._fire(now_us, "refused_plugged" if self._asked_from is OutletStatus.UNPLUG_STARTED else "refused")

    def remote_start(self, now_us: int, uid: str, facts: ProcedureFacts) -> str:
        """Start for ``uid``, authorised elsewhere; return why not, or an empty text."""
        if self.session is not None or self.pending is not None or not self._may_begin(facts):
            return "the outlet is not free to start a session"
        self.epoch += 1
        self._fire(now_us, "authorise")
        self._begin(now_us, uid, "remote")
        return "" if self.session is not None else "the outlet is booked for somebody else"

    def stop(self, now_us: int, reason: str) -> str:
        """End the session in a controlled way; return why not, or an empty text."""
        if self.session is None:
            return "no session is running"
        self.stop_reason = self.stop_reason or reason
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

    # --- progress ----------------------------------------------------------------------------------------------

    def advance(self, now_us: int, facts: ProcedureFacts) -> int:
        """Go as far as the facts allow; return when to look again."""
        self._wake_us = self.availability.expire(now_us)
        self._note_plug(now_us, facts)
        self._give_up_card(now_us)
        for _ in range(len(OutletStatus)):
            before = self.status
            self._move(now_us, facts)
            if self.status is before:
                break
        self._place_shutter(facts)
        self._checkpoint(now_us, facts)
        return self._wake_us

    def _place_shutter(self, facts: ProcedureFacts) -> None:
        if not self._config.has_shutter:
            return
        no_bolt = not self._config.has_lock
        placing = ShutterFacts(
            plugged=facts.plugged,
            bolt_home=no_bolt or facts.locked,
            bolt_withdrawn=no_bolt or facts.unlocked,
            released=self._released(facts),
        )
        self.shutter_goal = shutter_goal(self.status, self.shutter_goal, placing)

    def _released(self, facts: ProcedureFacts) -> bool:
        """Whether anybody may plug in without being asked who he is."""
        kept = facts.blocked or facts.key_locked or self.availability.out_of_service
        return self._config.access is Access.FREE and not kept and self.availability.booking is None

    def _give_up_card(self, now_us: int) -> None:
        """A card that asked to stop somebody else's charge, or to be taught, and got no answer in time is refused."""
        pending = self.pending
        if pending is None or pending.purpose == "start":
            return
        if self._late(now_us, pending.asked_us + self._times.authorisation_us):
            self.pending = None
            if pending.purpose == "stop":
                self._stop_verdict(now_us, accepted=False)
            else:
                self._sound(Beep.REFUSED)

    def _note_plug(self, now_us: int, facts: ProcedureFacts) -> None:
        if not facts.plugged:
            self._plug_since_us = NEVER
        elif self._plug_since_us == NEVER:
            self._plug_since_us = now_us
        if facts.link_ok:
            self._unwatched_since_us = NEVER
        elif self._unwatched_since_us == NEVER:
            self._unwatched_since_us = now_us
        if not facts.vehicle_gone:
            self._gone_since_us = NEVER
        elif self._gone_since_us == NEVER:
            self._gone_since_us = now_us
            # Somebody is at the outlet and wants the cable: a bolt that stuck before may move now.
            self.retry_lock |= facts.lock_failed is LockGoal.UNLOCKED
            self.retry_shutter |= facts.shutter_failed is ShutterGoal.OPEN
        # A cable that stays in the socket says nothing about the next user: there the vehicle's end counts.
        left = facts.vehicle_gone if self._config.leave_cable_connected else not (facts.plugged or facts.vehicle)
        if left:
            self._free_served = self._asked_again = False

    def _move(self, now_us: int, facts: ProcedureFacts) -> None:
        match self.status:
            case OutletStatus.NOT_INITIALIZED:
                if facts.restored and facts.hardware_ready:
                    self._fire(now_us, "initialised")
            case OutletStatus.INIT_DONE:
                self._idle(now_us, facts)
            case OutletStatus.AUTHORISATION_STARTED:
                if self.pending is not None and self._late(
                    now_us, self.pending.asked_us + self._times.authorisation_us
                ):
                    self.pending = None
                    self._refuse(now_us, OutletErrorName.BADGE_UNKNOWN)
            case OutletStatus.PLUG_STARTED:
                self._plug_procedure(now_us, facts)
            case OutletStatus.PLUG_DONE:
                self._open_transaction(facts)
                self._fire(now_us, "charge")
            case OutletStatus.CHARGE_LOOP_STARTED:
                self._charge_loop(now_us, facts)
            case OutletStatus.CHARGE_LOOP_ENDED:
                self._close_session(now_us, facts)
                self._fire(now_us, "unplug")
            case OutletStatus.UNPLUG_STARTED:
                self._unplug_procedure(now_us, facts)
            case OutletStatus.UNPLUG_DONE:
                self._fire(now_us, "free")
            case OutletStatus.UNAVAILABLE:
                if not self.availability.out_of_service or self._in_maintenance_state:
                    self._fire(now_us, "returned")
            case OutletStatus.MAINTENANCE_CITY:
                self.lock_goal = LockGoal.UNLOCKED
                if not self.availability.maintenance:
                    self.retry_shutter = True
                    self._fire(now_us, "maintenance_ended")
            case _:
                pass

    def _idle(self, now_us: int, facts: ProcedureFacts) -> None:
        self.lock_goal = LockGoal.UNLOCKED
        if self._in_maintenance_state:
            self._fire(now_us, "maintained")
        elif self.availability.out_of_service:
            self._fire(now_us, "taken_out")
        elif not self._free_served:
            self._begin_free(now_us, facts)

    def ask_again(self) -> None:
        """Somebody at the outlet asks for a new charge without unplugging: the key or the push button."""
        self._asked_again = self.session is None

    def _begin_free(self, now_us: int, facts: ProcedureFacts) -> None:
        """Where access is free a plug that comes, or a wish for another charge, is enough."""
        came = facts.plugged and (facts.vehicle or not self._config.leave_cable_connected)
        if came and self._released(facts) and self._bolt_withdrawn(facts) and not facts.contact_closed:
            self._free_served = True
            self.epoch += 1
            self._fire(now_us, "authorise")
            self._begin(now_us, "", FREE_ACCESS)

    @property
    def _in_maintenance_state(self) -> bool:
        """City shows maintenance as a state of its own, with lock and shutter released for work."""
        return self.availability.maintenance and self._config.has_shutter

    def _begin(self, now_us: int, uid: str, authorised_by: str, expires_us: int = NEVER, card_read_id: int = 0) -> None:
        self._fire(now_us, "authorised")
        self._fire(now_us, "contract")
        booking = self.availability.booking
        if booking is not None and booking.uid != uid:
            self._refuse(now_us, OutletErrorName.BADGE_IS_NOT_THE_BOOKER)
            return
        self.availability.booking = None
        self._session_counter += 1
        session_id = f"{self._boot_id}-{self._config.number}-{self._session_counter}"
        self.session = Session(session_id, uid, authorised_by, now_us, card_read_id)
        self.session.permission_expires_us = expires_us
        self.session.checkpoint_us = now_us
        self.stop_reason = ""
        self._asked_again = False
        self._noticed.clear()
        self._emit(SessionOpened(self._config.number, session_id, uid, authorised_by))
        self._fire(now_us, "contracted")
        self._fire(now_us, "plug")
        self.self_test_wanted = True
        self.retry_lock = True
        self.retry_shutter = self._config.has_shutter

    def _plug_procedure(self, now_us: int, facts: ProcedureFacts) -> None:
        session = self._expect_session(facts)
        if self._session_must_end(now_us, facts, session) or self.stop_reason:
            if facts.ending_fault:
                self._error(self._plug_error(facts))
            self._fail_plug(now_us, facts)
        elif not facts.plugged:
            self.lock_goal = LockGoal.UNLOCKED
            if facts.lock_failed is LockGoal.UNLOCKED and not self.retry_lock:
                # The unplug procedure that follows finds the same bolt and must not hide this error behind its own.
                self._noticed.add(OutletErrorName.UNPLUG_PROCEDURE)
                self._fail_plug(now_us, facts, OutletErrorName.ABNORMALLY_LOCKED, "LockStuck")
            elif facts.shutter_failed is ShutterGoal.OPEN and not self.retry_shutter:
                self._fail_plug(now_us, facts, OutletErrorName.SHUTTER_NOT_OPENED, "ShutterStuck")
            elif self._late(now_us, self.since_us + self._times.plug_us):
                if self._config.attached_cable:
                    self._fail_plug(now_us, facts, OutletErrorName.EV_NOT_DETECTED, "VehicleTimeout")
                else:
                    self._fail_plug(now_us, facts, OutletErrorName.PLUG_NOT_DETECTED, "PlugTimeout")
        elif facts.excluded:
            if self._late(now_us, max(self.since_us, self._plug_since_us) + self._times.plug_us):
                self._fail_plug(now_us, facts, OutletErrorName.PLUG_PROCEDURE, "OtherSocketInUse")
        elif self._config.has_lock and not facts.locked:
            self.lock_goal = LockGoal.LOCKED
        elif self._config.has_shutter and not facts.shutter_closed:
            pass  # closing over the plug; a shutter that does not get there is a fault that ends the session
        elif not facts.vehicle:
            if self._late(now_us, max(self.since_us, self._plug_since_us) + self._times.vehicle_us):
                self._fail_plug(now_us, facts, OutletErrorName.EV_NOT_DETECTED, "VehicleTimeout")
        elif facts.self_test_passed:
            self.self_test_wanted = False
            self._fire(now_us, "plugged")

    def _plug_error(self, facts: ProcedureFacts) -> OutletErrorName:
        if facts.lock_failed is LockGoal.LOCKED or facts.shutter_failed is ShutterGoal.CLOSED:
            return OutletErrorName.ABNORMALLY_NOT_LOCKED
        return OutletErrorName.PLUG_PROCEDURE

    def _fail_plug(
        self, now_us: int, facts: ProcedureFacts, error: OutletErrorName | None = None, reason: str = ""
    ) -> None:
        if error is not None:
            self._error(error)
        self.stop_reason = self.stop_reason or reason
        self.self_test_wanted = False
        self._close_session(now_us, facts)
        self._fire(now_us, "plug_failed")

    def _expect_session(self, facts: ProcedureFacts) -> Session:
        session = self.session
        if session is None:
            raise RuntimeError(f"outlet {self._config.number}: status {self.status} without a session")
        if session.register_start_wh < 0:
            session.register_start_wh = facts.register_wh
        if facts.vehicle or facts.domestic:
            session.charge_type = facts.charge_type
        return session

    def _session_must_end(self, now_us: int, facts: ProcedureFacts, session: Session) -> bool:
        """Note the reason when something other than user or vehicle ends the session."""
        if facts.ending_fault:
            self.stop_reason = self.stop_reason or f"Fault {facts.ending_fault}"
        elif self._late(now_us, self._unwatched_since_us + UNWATCHED_US):
            self.stop_reason = self.stop_reason or "Fault FrontEndLost"
        elif self.availability.ends_session:
            self.stop_reason = self.stop_reason or "Unavailable"
        elif facts.key_locked:
            self.stop_reason = self.stop_reason or "Local"
        elif not self.stop_reason and self._late(now_us, session.permission_expires_us):
            self.stop_reason = "DeAuthorized"
            self._error(OutletErrorName.BADGE_UNKNOWN)
        return bool(self.stop_reason)

    def _open_transaction(self, facts: ProcedureFacts) -> None:
        session = self._expect_session(facts)
        session.transaction_open = True
        self._emit(TransactionStarted(self._config.number, session.session_id, facts.register_wh))

    def _charge_loop(self, now_us: int, facts: ProcedureFacts) -> None:
        session = self._expect_session(facts)
        if facts.contact_closed and not session.was_energised:
            session.was_energised = True
            # A first reading at once: a power cut in the first minute leaves at least the type of charge.
            session.checkpoint_us = now_us - self._checkpoint_period_us
        self._session_must_end(now_us, facts, session)
        if facts.vehicle_gone and self._late(now_us, self._gone_since_us + self._times.vehicle_left_us):
            self.stop_reason = self.stop_reason or "EVDisconnected"
        if self.stop_reason and not facts.permitted and self._contact_safe(facts):
            self._fire(now_us, "charge_ended")

    @staticmethod
    def _contact_safe(facts: ProcedureFacts) -> bool:
        return not facts.contact_closed or (facts.welded and not facts.drawing)

    def _close_session(self, now_us: int, facts: ProcedureFacts) -> None:
        session = self._expect_session(facts)
        self._emit(
            SessionClosed(
                self._config.number,
                session.session_id,
                self.stop_reason or "Other",
                facts.register_wh - session.register_start_wh,
                facts.register_wh,
                session.charge_type,
                now_us - session.opened_us,
            )
        )
        self.session = None
        self.stop_reason = ""
        self.pending = None

    def _unplug_procedure(self, now_us: int, facts: ProcedureFacts) -> None:
        self.lock_goal = LockGoal.UNLOCKED
        if self._in_maintenance_state and not facts.contact_closed:
            self._fire(now_us, "maintained")
            return
        stuck = facts.lock_failed is LockGoal.UNLOCKED or (facts.plugged and facts.shutter_failed is ShutterGoal.OPEN)
        if stuck or (facts.welded and facts.contact_closed):
            # The cable cannot be released: bolt or shutter sticks, or the contact is not proven open.
            self._notice(OutletErrorName.UNPLUG_PROCEDURE)
        if not facts.plugged and facts.shutter_failed is ShutterGoal.CLOSED:
            self._notice(OutletErrorName.SHUTTER_NOT_CLOSED)
        self._place_shutter(facts)
        shut = not self._config.has_shutter or facts.shutter_closed or self.shutter_goal is ShutterGoal.OPEN
        free = (not self._config.has_lock or facts.unlocked) and shut
        left = not facts.plugged or self._config.leave_cable_connected or self._config.attached_cable
        if free and left and facts.vehicle_gone:
            self._fire(now_us, "unplugged")
            return
        if self._asked_again and free:
            self._begin_free(now_us, facts)
            if self.session is not None:
                return
        if facts.plugged and not left and self._late(now_us, self.since_us + self._times.unplug_us):
            if OutletErrorName.PLUG_STILL_DETECTED not in self._noticed:
                # Without a reader nobody can ask for it: one more round for a bolt that stuck.
                self.retry_lock |= facts.lock_failed is LockGoal.UNLOCKED
                self.retry_shutter |= facts.shutter_failed is ShutterGoal.OPEN
            self._notice(OutletErrorName.PLUG_STILL_DETECTED)
        vehicle_stays = not facts.vehicle_gone and not facts.domestic
        if vehicle_stays and self._late(now_us, self.since_us + self._times.vehicle_gone_us):
            self._notice(OutletErrorName.EV_STILL_DETECTED)

    def conclude(self, now_us: int, facts: ProcedureFacts) -> None:
        """The process ends in an orderly way, the permission is withdrawn: close the session with what flowed."""
        if self.session is not None:
            self._expect_session(facts)
            self.stop_reason = self.stop_reason or "Reboot"
            self._close_session(now_us, facts)

    def _checkpoint(self, now_us: int, facts: ProcedureFacts) -> None:
        session = self.session
        if session is None or not session.transaction_open:
            return
        due_us = session.checkpoint_us + self._checkpoint_period_us
        energy_wh = facts.register_wh - session.register_start_wh
        if not facts.contact_closed and energy_wh == max(0, session.checkpoint_wh):
            # Nothing flows and all is told: the rhythm must not depend on who looks when.
            return
        if now_us >= due_us:
            session.checkpoint_us = now_us
            due_us = now_us + self._checkpoint_period_us
            if energy_wh != session.checkpoint_wh:
                session.checkpoint_wh = energy_wh
                self._emit(
                    EnergyCheckpoint(
                        self._config.number, session.session_id, energy_wh, facts.register_wh, session.charge_type
                    )
                )
        self._wake_us = min(self._wake_us, due_us)

    # --- small helpers -----------------------------------------------------------------------------------------

    def _fire(self, now_us: int, trigger: str) -> None:
        previous = self.status
        if trigger == "authorise":
            self._asked_from = previous
        self.status = OutletStatus(OUTLET_TABLE.next_state(previous.value, trigger))
        self.since_us = now_us
        self._emit(OutletStatusChanged(self._config.number, previous.value, self.status.value, trigger))

    def _late(self, now_us: int, deadline_us: int) -> bool:
        if now_us >= deadline_us:
            return True
        self._wake_us = min(self._wake_us, deadline_us)
        return False

    def error(self, error: OutletErrorName) -> None:
        """Report an error that another part of the outlet found."""
        self._error(error)

    def sound(self, beep: Beep) -> None:
        """Sound for another part of the outlet."""
        self._sound(beep)

    def _error(self, error: OutletErrorName) -> None:
        self.last_error = error
        self._emit(OutletError(self._config.number, error.value, ERROR_CLASS[error].value))

    def _notice(self, error: OutletErrorName) -> None:
        if error not in self._noticed:
            self._noticed.add(error)
            self._error(error)

    def _sound(self, beep: Beep) -> None:
        self.beep = beep
        self.beep_count += 1

    @property
    def last_error_class(self) -> ErrorClass:
        """The heading of the last error."""
        return ErrorClass.NONE if self.last_error is None else ERROR_CLASS[self.last_error]

    @property
    def charge_wanted(self) -> bool:
        """The procedure has come so far that energy may be offered."""
        return self.status is OutletStatus.CHARGE_LOOP_STARTED and not self.stop_reason
