"""Measure and judge: what the readings of one outlet say, and which faults follow from them."""

from __future__ import annotations

from functools import partial

from evse.core.detectors import DetectorContext
from evse.core.events import CableChanged, FaultCleared, FaultRaised, PhasesDetected
from evse.core.fault_places import places
from evse.core.faults import Latch, Reaction
from evse.core.movements import movements
from evse.core.outlet_parts import OutletParts
from evse.core.outlet_status import OutletErrorName
from evse.core.panel import MASTER_CARD_MISSING
from evse.core.units import NEVER
from evse.core.values import OutletInputs


class OutletSenses(OutletParts):
    """Takes readings into the parts and keeps the book of faults."""

    def _measure(self, now_us: int, inputs: OutletInputs) -> None:
        previous, self.inputs = self.inputs, inputs
        self._until(self.metering.update(now_us, inputs))
        if not inputs.link_ok:
            self.contactor.feedback_lost()
            self.domestic.lost()
            self.pilot.lost()
            self.proximity.lost()
            self.current.lost()
            self.user_input.lost()
            self.panel.lost()
            return
        self._ever_linked = True
        self._reader_seen |= inputs.reader_ok
        if inputs.pilot is not None:
            self._until(self.pilot.update(now_us, inputs.pilot))
        if not self.config.attached_cable:
            self._until(self.proximity.update(now_us, inputs.proximity_ohm))
        mode3_drawing, domestic_drawing = self._shares(now_us)
        closed, coil = inputs.contactor_closed, inputs.coil_energised
        self._until(self.contactor.update(now_us, closed, drawing=mode3_drawing, coil_energised=coil))
        self._until(self.domestic.measure(now_us, inputs, drawing=domestic_drawing))
        self._until(self.current.update(now_us, inputs.currents_ma))
        if self.contactor.closed or self.domestic.contactor.closed:
            self._detect_phases(now_us, inputs)
        else:
            self.phases.pause()
        self.lock.look(now_us, inputs.lock)
        self.shutter.look(now_us, inputs.shutter)
        self.phase_switch.look(inputs)
        self._take_lines(now_us)
        self._events.extend(movements(self.config, previous, inputs, self.user_input.lines.changes))
        if self.proximity.state is not self._shown_cable:
            self._shown_cable = self.proximity.state
            self._tell(CableChanged(self.config.number, self._shown_cable.value))
        self._show_state()
        self._until(self.panel.update(now_us, self.user_input.lines, inputs.dip))

    def _take_lines(self, now_us: int) -> None:
        user, procedure = self.user_input, self.procedure
        session, charging = procedure.session is not None, procedure.charge_wanted
        self._until(user.update(now_us, self.inputs.inputs, session=session, charging=charging))
        if user.asked_again:
            procedure.ask_again()

    def _detect_phases(self, now_us: int, inputs: OutletInputs) -> None:
        before = self.phases.phases
        self._until(self.phases.update(now_us, inputs.currents_ma))
        if self.phases.phases != before:
            self._tell(PhasesDetected(self.config.number, self.phases.phases))

    def _judge(self, now_us: int) -> None:
        session = self.procedure.session
        record_due_us = NEVER
        if session is not None and not session.durable:
            record_due_us = session.opened_us + self.config.procedure.record_us
        context = DetectorContext(
            energised=self.contactor.permitted or self.contactor.closed,
            contact_welded=self.contactor.welded or self.domestic.contactor.welded,
            contact_failed_to_close=self.contactor.failed_to_close or self.domestic.contactor.failed_to_close,
            lock_needed=session is not None,
            ventilation_allowed=self._ventilation_allowed,
            record_late=now_us >= record_due_us,
            self_test_failed=self.self_test.failed,
            link_expected=self._ever_linked or now_us >= self._link_due_us,
            reader_expected=self._reader_seen or now_us >= self._link_due_us,
            hard_current_ma=self._hard_current_ma,
            breaker_tripped=self.user_input.breaker_tripped,
            plug_seen=self._seen,
            phases_fed=min(self.phase_switch.phases_fed, len(self.config.wired)),
        )
        if not (context.link_expected and context.reader_expected):
            self._until(self._link_due_us)
        if now_us < record_due_us:
            self._until(record_due_us)
        causes = self.detectors.present(
            now_us, self.inputs, self.pilot, self.proximity.state, self.lock, self.shutter, self.current, context
        )
        causes += self.panel.fault_causes() + self.metering.fault_causes() + self.phase_switch.fault_causes()
        self._until(self.detectors.wake_us)
        concerning, blind = self.domestic.concerning(causes), not self.inputs.link_ok
        gone, where = self._vehicle_gone, partial(self._place_of, now_us)
        for change in self.faults.update(now_us, concerning, vehicle_gone=gone, blind=blind, where=where):
            kind = change.kind
            if change.raised:
                latched = kind.latch is Latch.SERVICE
                self._tell(FaultRaised(self.config.number, kind.name, kind.reaction.value, latched, change.where))
                self._note_error(kind.name)
                if kind.reaction is Reaction.EMERGENCY and context.energised:
                    self._charge_stopped_by_fault = True
            else:
                self._tell(FaultCleared(self.config.number, kind.name))
        missing = any(fault.kind.name == MASTER_CARD_MISSING for fault in self.faults.active)
        self._until(self.panel.teach(now_us, master_missing=missing, idle=session is None and not self._plugged))
        if self.panel.restarting and session is not None:
            self.procedure.stop(now_us, "Reboot")

    def _place_of(self, now_us: int, fault: str) -> tuple[str, ...]:
        over_ma = self._hard_current_ma if fault == "OverCurrentHard" else self.current.limit_ma(now_us)
        return places(fault, self.config, self.inputs, self.contactor, self.domestic.contactor, over_ma)

    def _note_error(self, fault: str) -> None:
        if fault == "LockOpenedInCharge":
            self.procedure.error(OutletErrorName.UNLOCK_PLUG_IN_CHARGE)
        if fault == "ShutterOpenedInCharge":
            self.procedure.error(OutletErrorName.ON_STREET_OPEN_SHUTTER)
