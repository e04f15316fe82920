"""Offer and permit: the lowest limit, the reasons against an offer, the pilot, and last the permission to close."""

from __future__ import annotations

from evse.core.balancing import Claim
from evse.core.events import ContactorPermitted, WakeUpStarted
from evse.core.faults import Latch, Reaction
from evse.core.interlock import InterlockFacts, judge
from evse.core.limit_stack import StackFacts, StationPart
from evse.core.limits import Arbitration
from evse.core.offer import OfferPhase, OfferWish
from evse.core.outlet_senses import OutletSenses
from evse.core.pilot import VEHICLE_LEVELS
from evse.core.units import NEVER
from evse.core.values import PilotLevel, PilotMode


class OutletOffer(OutletSenses):
    """Decides what one outlet offers and whether its contacts may close."""

    def _arbitrate(self, now_us: int, station: StationPart) -> None:
        domestic, protection = self.domestic.selected, self.config.protection
        coded = not domestic and not self.config.attached_cable and self._plugged
        if self.inputs.link_ok:
            above_dc = protection.temperature_resume_dc if self._hot else protection.temperature_derate_dc
            self._hot = self.inputs.temperature_dc >= above_dc
        facts = StackFacts(
            cable=self.proximity.state if coded else None,
            simplified=not domestic and self.pilot.arrived_simplified,
            domestic=domestic,
            phases_used=self.phases.phases,
            limited=self.user_input.limited,
            shedding=self.user_input.shedding,
            hot=self._hot,
            panel=self.panel.limits(),
            orders=tuple(self.limit_orders.values()),
            station=station,
        )
        self._until(self.stack.update(now_us, facts))
        self._watch_shortage(now_us)

    def _watch_shortage(self, now_us: int) -> None:
        """A charge that was stopped by too low a limit goes on only when the limits have been high enough for a while."""
        session = self.procedure.session
        if self.arbitration.current_ma < self.stack.least_ma:
            self._enough_us = NEVER
            self._stopped_short |= session is not None and session.was_energised
            self.short = True
            return
        self._enough_us = min(self._enough_us, now_us)
        resumes_us = self._enough_us + self.config.resume_us
        self._stopped_short = self.short = self._stopped_short and session is not None and now_us < resumes_us
        if self.short:
            self._until(resumes_us)

    @property
    def arbitration(self) -> Arbitration:
        """Which limit rules, and the whole stack."""
        return self.stack.arbitration

    def claim(self, now_us: int, *, settling: bool, energy_step_wh: int) -> Claim:
        """What balancing needs to know of this outlet."""
        session = self.procedure.session
        energy_wh = 0
        if session is not None and session.register_start_wh >= 0:
            energy_wh = self.register.wh - session.register_start_wh
        return Claim(
            wants=self.wants_energy and self.stack.own_ma >= self.stack.least_ma,
            reserved_ma=self.reserved_ma(now_us),
            least_ma=self.stack.least_share_ma,
            ceiling_ma=self.stack.own_ma,
            kept_ma=self.offered_ma if settling else 0,
            begun_us=0 if session is None else session.opened_us,
            energy_steps=energy_wh // energy_step_wh,
        )

    def _no_offer_reasons(self, now_us: int) -> tuple[str, ...]:
        procedure, availability = self.procedure, self.procedure.availability
        session, mode3 = procedure.session, not self.domestic.selected
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
            **self.user_input.no_offer_reasons(begun=session is not None and session.was_energised),
            **self.panel.no_offer_reasons(),
            "PhasesChange": self.phase_switch.busy,
            "NotEnoughCurrent": self.short,
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
        if now_us < self.procedure.power_return.held_until_us:
            reasons.append("RestartDelay")
            self._until(self.procedure.power_return.held_until_us)
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
            coil = self.inputs.coil_energised
            self._until(self.contactor.update(now_us, mirror_closed, drawing=drawing, coil_energised=coil))
        if before.granted != self.permission.granted:
            self._tell(ContactorPermitted(self.config.number, self.permission.granted, self.permission.reasons))
        # The other contact last, and with what was just decided here.
        self._take_turns(now_us, bound=True)
        self._until(self.domestic.permit(now_us, facts, self.inputs, drawing=self._shares(now_us)[1]))

    def reserved_ma(self, now_us: int) -> int:
        """What this outlet may draw of the station's current: its highest recent offer, or what it still takes if that is more."""
        offer_ma, measured_ma = self.current.highest_offer_ma(now_us), max(self.inputs.currents_ma)
        held = self._contact_reported or self.contactor.permitted or self.domestic.contactor.permitted
        if not held and self.offer.mode is not PilotMode.PWM and self.inputs.link_ok:
            # Opened and nothing offered: whatever it was offered a moment ago, it takes what is measured and no more.
            return measured_ma
        return max(offer_ma, measured_ma)
