"""Offer and permit: the lowest limit, the reasons against an offer, the pilot, and last the permission to close."""

from __future__ import annotations

from evse.core.duty import MINIMUM_OFFER_MA
from evse.core.events import ContactorPermitted, WakeUpStarted
from evse.core.faults import Latch, Reaction
from evse.core.interlock import InterlockFacts, judge
from evse.core.limit_stack import outlet_limits
from evse.core.limits import arbitrate
from evse.core.offer import OfferPhase, OfferWish
from evse.core.orders import limit_of
from evse.core.outlet_senses import OutletSenses
from evse.core.pilot import VEHICLE_LEVELS
from evse.core.values import PilotLevel, PilotMode


class OutletOffer(OutletSenses):
    """Decides what one outlet offers and whether its contacts may close."""

    def _arbitrate(self, now_us: int, station_share_ma: int, share_note: str) -> None:
        domestic = self.domestic.selected
        coded = not domestic and not self.config.attached_cable and self._plugged
        limits = outlet_limits(
            self.config,
            cable=self.proximity.state if coded else None,
            simplified=not domestic and self.pilot.arrived_simplified,
            domestic=domestic,
            phases_used=self.phases.phases,
            limited=self.user_input.limited,
            share_ma=station_share_ma,
            share_note=share_note,
        )
        limits.extend(self.panel.limits())
        limits.extend(limit_of(order) for order in self.limit_orders.values())
        self.arbitration = arbitrate(now_us, limits, self.config.phases)
        self._until(self.arbitration.next_change_us)

    def _no_offer_reasons(self, now_us: int) -> tuple[str, ...]:
        procedure, availability = self.procedure, self.procedure.availability
        session, mode3 = procedure.session, not self.domestic.selected
        least_ma = MINIMUM_OFFER_MA if mode3 else self.config.domestic.maximum_ma
        held = self.contactor.permitted or self.domestic.contactor.permitted
        reasons = {
            "StateNotRestored": not self.restored,
            "NotAuthorised": session is None or not procedure.charge_wanted,
            "RecordNotDurable": session is not None and not session.durable,
            "SelfTestNotPassed": not self.self_test.passed,
            "LockNotConfirmed": mode3 and self.config.has_lock and not self.lock.locked,
            "ShutterNotConfirmed": mode3 and self.config.has_shutter and not self.shutter.closed,
            "NoVehicle": mode3 and self.pilot.level not in VEHICLE_LEVELS,
            "OtherSocketInUse": self.domestic.excluded and not held,
            "Suspended": availability.suspended,
            "Postponed": availability.postponed and session is not None and not session.was_energised,
            "OutOfService": availability.ends_session,
            **self.user_input.no_offer_reasons(),
            **self.panel.no_offer_reasons(),
            "NotEnoughCurrent": self.arbitration.current_ma < least_ma,
        }
        names = [name for name, holds in reasons.items() if holds]
        names.extend(fault.kind.name for fault in self.faults.blocking)
        names.extend(self._waiting_reasons(now_us))
        return tuple(names)

    def _waiting_reasons(self, now_us: int) -> list[str]:
        """Reasons that end by time alone; only looked at while nothing is offered."""
        reasons = []
        cleared_us = self.faults.last_stop_cleared_us
        if cleared_us is not None and now_us < cleared_us + self.config.protection.reclose_after_fault_us:
            reasons.append("WaitAfterFault")
            self._until(cleared_us + self.config.protection.reclose_after_fault_us)
        contactor = self.domestic.contactor if self.domestic.selected else self.contactor
        if now_us < contactor.next_closing_us and not contactor.permitted:
            reasons.append("ContactorMustRest")
            self._until(contactor.next_closing_us)
        return reasons

    def _offer(self, now_us: int) -> None:
        self.no_offer = self._no_offer_reasons(now_us)
        self.wants_energy = set(self.no_offer) <= {"NotEnoughCurrent", "ContactorMustRest", "WaitAfterFault"}
        # The reaction to E is X1, so that the end of the short can be seen; every other emergency shows F.
        show_f = self.faults.emergency and self._charge_stopped_by_fault and self.pilot.level is not PilotLevel.E
        welded = any(fault.kind.latch is Latch.SERVICE for fault in self.faults.blocking)
        wish = OfferWish(
            offer=not self.no_offer and not self.domestic.selected,
            limit_ma=self.arbitration.current_ma,
            level=self.pilot.level,
            energised=self.contactor.permitted or self.inputs.contactor_closed,
            drawing=self._drawing,
            fault_f=show_f and self.offer.phase is not OfferPhase.FAULT,
            hold_f=welded,
            wake_up=self.config.wake_up,
        )
        self._until(self.offer.step(now_us, wish))
        if self.offer.phase is OfferPhase.FAULT or not self.faults.emergency:
            self._charge_stopped_by_fault = False
        if self._vehicle_gone:
            self.offer.reset_wake_up()
            self.phases.reset()
        if self.offer.waking:
            self._tell(WakeUpStarted(self.config.number))
        self.pilot.ordered(now_us, self.offer.mode, self.offer.duty_bp)
        if self.inputs.link_ok and self.inputs.pilot is not None:
            self._until(self.pilot.update(now_us, self.inputs.pilot))
        self._show_state()
        self.current.offered(now_us, self.offered_ma)

    def _permit(self, now_us: int) -> None:
        session = self.procedure.session
        blocking = self.faults.blocking
        facts = InterlockFacts(
            restored=self.restored,
            link_ok=self.inputs.link_ok,
            level=self.pilot.level,
            ventilation_allowed=self._ventilation_allowed,
            diode=self.pilot.diode,
            pwm_offered=self.offer.mode is PilotMode.PWM,
            pwm_confirmed=self.pilot.pwm_confirmed,
            authorised=self.procedure.authorised(now_us),
            record_durable=session is not None and session.durable,
            lock_required=self.config.has_lock,
            lock_confirmed=self.lock.locked,
            shutter_required=self.config.has_shutter,
            shutter_confirmed=self.shutter.closed,
            self_test_passed=self.self_test.passed,
            emergency_faults=tuple(f.kind.name for f in blocking if f.kind.reaction is Reaction.EMERGENCY),
            controlled_faults=tuple(f.kind.name for f in blocking if f.kind.reaction is Reaction.CONTROLLED),
            no_offer_reasons=self.no_offer,
            contactor_rested=now_us >= self.contactor.next_closing_us,
            held=self.contactor.permitted,
            stop_grace=self.offer.phase is OfferPhase.STOPPING,
            other_contact_open=self.domestic.state.contact_open,
            other_free=self.domestic.state.free and not self.domestic.selected,
        )
        before, self.permission = self.permission, judge(facts)
        self.contactor.permit(now_us, self.permission.granted)
        if self.inputs.link_ok:
            mirror_closed, drawing = self.inputs.contactor_closed, self._shares(now_us)[0]
            self._until(self.contactor.update(now_us, mirror_closed, drawing=drawing))
        if before.granted != self.permission.granted:
            self._tell(ContactorPermitted(self.config.number, self.permission.granted, self.permission.reasons))
        # The other contact last, and with what was just decided here.
        self._take_turns(now_us, bound=True)
        self._until(self.domestic.permit(now_us, facts, self.inputs, drawing=self._shares(now_us)[1]))

    def reserved_ma(self, now_us: int) -> int:
        """What this outlet may draw of the station's current: its highest recent offer, and what it still takes."""
        offer_ma = self.current.highest_offer_ma(now_us)
        return max(offer_ma, *self.inputs.currents_ma) if self._contact_reported else offer_ma
