"""The outlet procedure's conditions and times: who moves `Outlet Status`, and when.

The table of :mod:`evse.core.outlet_status` says what is possible; this module decides. It orders (lock goal, self test,
"charge wanted", end of session) and never drives anything itself. Errors become `OutletStatusLastError` and stay until
the next one.
"""

from __future__ import annotations

from evse.core.events import (
    EnergyCheckpoint,
    SessionClosed,
    TransactionStarted,
)
from evse.core.lock import LockGoal
from evse.core.outlet_status import OutletErrorName, OutletStatus
from evse.core.procedure_facts import ProcedureFacts
from evse.core.procedure_users import UserSide
from evse.core.session import Session
from evse.core.shutter import ShutterGoal
from evse.core.shutter_plan import ShutterFacts, shutter_goal
from evse.core.units import NEVER, SECOND

FAULT = "Fault "
"""How the reason of a session begins that a fault has ended."""
UNWATCHED_US = 120 * SECOND
"""A vehicle that could not be watched for this long may be another one afterwards: the session ends (our choice)."""


class Procedure(UserSide):
    """The procedure of one outlet."""

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
        watched = facts.link_ok and self.status is not OutletStatus.NOT_INITIALIZED
        self._wake_us = min(self._wake_us, self.power_return.look(now_us, empty=watched and left))

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
        else:
            self._continue_charge(now_us, facts)
            if self.session is None and not self._free_served:
                self._begin_free(now_us, facts)

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
            elif self._late(now_us, self.since_us + self._plug_us):
                if self._config.attached_cable:
                    self._fail_plug(now_us, facts, OutletErrorName.EV_NOT_DETECTED, "VehicleTimeout")
                else:
                    self._fail_plug(now_us, facts, OutletErrorName.PLUG_NOT_DETECTED, "PlugTimeout")
        elif facts.excluded:
            if self._late(now_us, max(self.since_us, self._plug_since_us) + self._plug_us):
                self._fail_plug(now_us, facts, OutletErrorName.PLUG_PROCEDURE, "OtherSocketInUse")
        elif self._config.has_lock and not facts.locked:
            self.lock_goal = LockGoal.LOCKED
        elif self._config.has_shutter and not facts.shutter_closed:
            pass  # closing over the plug; a shutter that does not get there is a fault that ends the session
        elif not facts.vehicle:
            if self._late(now_us, max(self.since_us, self._plug_since_us) + self._vehicle_us):
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
        # A mirror contact that reports "closed" by itself has given nothing.
        if facts.permitted and facts.contact_closed and not session.was_energised:
            session.was_energised = True
            # A first reading at once: a power cut in the first minute leaves at least the type of charge.
            session.checkpoint_us = now_us - self._checkpoint_period_us
        self._session_must_end(now_us, facts, session)
        if self._vehicle_has_left(facts) and self._late(now_us, self._gone_since_us + self._times.vehicle_left_us):
            self.stop_reason = self.stop_reason or "EVDisconnected"
        if self.stop_reason and not facts.permitted and self._contact_safe(facts):
            if self.stop_reason.startswith(FAULT) and not self._charge_error:
                # The guide has no charge error for it; "other events" of what follows is the word that fits.
                self._notice(OutletErrorName.UNPLUG_PROCEDURE)
            self._fire(now_us, "charge_ended")

    def _vehicle_has_left(self, facts: ProcedureFacts) -> bool:
        """Whether there is nothing left to go on with: not while the cable waits for a vehicle and the session may too."""
        waits = not facts.domestic and (facts.plugged or self._config.attached_cable)
        return facts.vehicle_gone and (self.ends_with_vehicle or not waits)

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
                self.stopped_by,
            )
        )
        if self.stop_reason == "EVDisconnected" and not self.releases_with_vehicle and not facts.domestic:
            self.kept_for = session.uid
        self.session = None
        self.stop_reason = self.stopped_by = ""
        self.pending = None

    def _unplug_procedure(self, now_us: int, facts: ProcedureFacts) -> None:
        if not facts.plugged or not self._config.has_lock or self.availability.maintenance:
            self.kept_for = ""
        if self.kept_for:
            return
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
