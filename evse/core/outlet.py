"""One outlet: inputs and orders in, outputs and events out, and when to wake.

The order within a step is the specification: measure (energy up to now, pilot, cable, contact, lock, currents), judge
(fault causes, catalogue), move (procedure), offer (pilot), permit (interlock). The permission is the last thing decided,
from the freshest facts, and nothing after it may change it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from evse.core.config import Location, OutletConfig, StationConfig
from evse.core.contactor import ContactorMonitor
from evse.core.detectors import DetectorContext, FaultDetectors
from evse.core.domestic import BOUND, DomesticSocket
from evse.core.duty import MINIMUM_OFFER_MA
from evse.core.energy import EnergyRegister, OverCurrentWatch, PhaseDetector
from evse.core.events import (
    CableChanged,
    ContactorPermitted,
    Event,
    EvStateChanged,
    FaultCleared,
    FaultRaised,
    OrdersChanged,
    PhasesDetected,
    PilotDriven,
    WakeUpStarted,
)
from evse.core.fault_places import places
from evse.core.faults import FaultBook, Latch, Reaction
from evse.core.interlock import InterlockFacts, Permission, judge
from evse.core.limit_stack import outlet_limits
from evse.core.limits import Arbitration, arbitrate, constant
from evse.core.lock import LockGoal, LockSupervisor
from evse.core.movements import movements
from evse.core.offer import OfferPhase, OfferWish, PilotOffer
from evse.core.orders import StandingOrder, limit_of, newly_dated, orders_in_force, put_in_force
from evse.core.outlet_signs import OutletSigns
from evse.core.outlet_status import OutletErrorName, OutletStatus
from evse.core.panel import MASTER_CARD_MISSING, Panel
from evse.core.pilot import VEHICLE_LEVELS, PilotMonitor
from evse.core.procedure import Procedure
from evse.core.procedure_facts import ProcedureFacts
from evse.core.proximity import ProximityMonitor
from evse.core.selftest import SelfTestSequence
from evse.core.session import NORMAL_MODE_3, SIMPLIFIED_MODE_3
from evse.core.shutter import ShutterSupervisor
from evse.core.units import MS, NEVER, SECOND
from evse.core.user_input import UserInput
from evse.core.values import CableState, LockFeedback, OutletInputs, OutletOutputs, PilotLevel, PilotMode, RcdTest

CABLE_HOLD_US = 50 * MS
FRONT_END_START_US = 5 * SECOND
"""A front end that has not spoken this long after the start is lost (ours)."""


class OutletStep(NamedTuple):
    """Result of one step."""

    outputs: OutletOutputs
    events: tuple[Event, ...]
    wake_us: int


class OutletCore:
    """State of one outlet. Deterministic: the same calls give the same results."""

    def __init__(self, config: OutletConfig, station: StationConfig, boot_id: str, start_us: int) -> None:
        self.config = config
        self._station = station
        self._events: list[Event] = []
        self.pilot = PilotMonitor(config.pilot)
        self.proximity = ProximityMonitor(CABLE_HOLD_US)
        self.contactor = ContactorMonitor(config.contactor, start_us)
        self.domestic = DomesticSocket(config, start_us, self._tell, self.contactor)
        self.lock = LockSupervisor(config.lock)
        self.shutter = ShutterSupervisor(config.shutter)
        self.register = EnergyRegister()
        self.phases = PhaseDetector()
        limits = config.protection
        self.current = OverCurrentWatch(limits.soft_offset_ma, limits.soft_factor_percent, limits.soft_time_us)
        self.faults = FaultBook()
        self.detectors = FaultDetectors(config)
        self.self_test = SelfTestSequence(config.procedure.rcd_test_us)
        self.offer = PilotOffer(config.pilot)
        self.procedure = Procedure(config, boot_id, station.checkpoint_us, self._events.append)
        self.limit_orders: dict[str, StandingOrder] = {}
        self._told_orders: tuple[StandingOrder, ...] = ()
        self.user_input = UserInput(config)
        self.panel = Panel(config, start_us, self._events.append, self.procedure.sound)
        self.signs = OutletSigns(config)
        self.restored = False
        self.inputs = OutletInputs()
        self.outputs = OutletOutputs()
        self.permission = Permission(False, ())
        self.no_offer: tuple[str, ...] = ()
        self.arbitration: Arbitration = arbitrate(
            start_us, (constant("rated", config.rated_current_ma),), config.phases
        )
        self.wants_energy = False
        self._ever_linked = self._reader_seen = False
        self._link_due_us = start_us + FRONT_END_START_US
        self._shown_state = self.pilot.state
        self._shown_cable = self.proximity.state
        self._charge_stopped_by_fault = False
        self._wake_us = NEVER
        self.revision = 0
        """Counts the steps: while it stays the same, so does everything but the energy register."""

    # --- orders from outside -----------------------------------------------------------------------------------

    def restore(
        self, now_us: int, latched: Iterable[str], register_wh: int, orders: Iterable[StandingOrder] = ()
    ) -> None:
        """Continue with what an earlier boot left: faults, energy register, orders. Charging needs this first.

        The second time it can only be older than what is known here: it gives ends to orders without one.
        """
        availability = self.procedure.availability
        if self.restored:
            put_in_force(newly_dated(self._told_orders, orders), availability, self.limit_orders)
            return
        self.faults.restore(now_us, latched)
        self.register.restore(register_wh)
        put_in_force(orders, availability, self.limit_orders)
        self._told_orders = orders_in_force(availability, self.limit_orders)
        self.restored = True

    def orders_news(self) -> OrdersChanged | None:
        """The orders in force, when they are others than told before."""
        orders = orders_in_force(self.procedure.availability, self.limit_orders)
        if orders == self._told_orders:
            return None
        self._told_orders = orders
        return OrdersChanged(self.config.number, orders)

    def present_card(self, now_us: int, uid: str) -> None:
        """A badge was read at this outlet."""
        if self.panel.take_card(uid):
            self.faults.clear_by_service(MASTER_CARD_MISSING)
        else:
            self.procedure.card(now_us, uid, self._facts(now_us))

    def remote_start(self, now_us: int, uid: str) -> str:
        """Start a session that is authorised elsewhere; return why not, or an empty text."""
        return self.procedure.remote_start(now_us, uid, self._facts(now_us))

    def conclude(self, now_us: int) -> tuple[Event, ...]:
        """Close the session because the process ends; return the events that must still reach services."""
        self.revision += 1
        self.register.advance(now_us)
        self.procedure.conclude(now_us, self._facts(now_us))
        events = tuple(self._events)
        self._events.clear()
        return events

    # --- the step ----------------------------------------------------------------------------------------------

    def step(self, now_us: int, inputs: OutletInputs, station_share_ma: int, share_note: str = "") -> OutletStep:
        """Do one step with the latest ``inputs``; ``station_share_ma`` is what the station allows this outlet.

        ``share_note`` says whose limit rules the station.
        """
        self._wake_us = NEVER
        self.revision += 1
        self._measure(now_us, inputs)
        self._judge(now_us)
        facts, judged = self._facts(now_us), self._judged
        self._until(self.procedure.advance(now_us, facts))
        self._take_turns(now_us, bound=self.procedure.status in BOUND)
        self._drive_lock(now_us)
        self._drive_shutter(now_us)
        self._run_self_test(now_us)
        self._arbitrate(now_us, station_share_ma, share_note)
        self._offer(now_us)
        self._permit(now_us)
        self._set_outputs(now_us)
        if self._facts(now_us) != facts or self._judged != judged:
            # Something has moved after it was looked at in this step: let everybody see it at the same instant.
            self._until(now_us)
        news = self.orders_news()
        if news is not None:
            self._tell(news)
        events = tuple(self._events)
        self._events.clear()
        return OutletStep(self.outputs, events, self._wake_us)

    @property
    def _judged(self) -> tuple[object, ...]:
        """What the fault causes depend on and a step may change after they were judged."""
        pilot = self.pilot
        return (
            pilot.level,
            pilot.diode,
            pilot.generator_stuck,
            pilot.blind,
            self.lock.lost,
            self.contactor.failed_to_close,
            self.domestic.contactor.failed_to_close,
        )

    def _until(self, wake_us: int) -> None:
        self._wake_us = min(self._wake_us, wake_us)

    def _tell(self, event: Event) -> None:
        self._events.append(event)

    def _measure(self, now_us: int, inputs: OutletInputs) -> None:
        previous, self.inputs = self.inputs, inputs
        self.register.advance(now_us)
        if not inputs.link_ok:
            self.register.set_power((0, 0, 0), inputs.voltages_mv)
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
        self.register.set_power(inputs.currents_ma, inputs.voltages_mv)
        if inputs.pilot is not None:
            self._until(self.pilot.update(now_us, inputs.pilot))
        if not self.config.attached_cable:
            self._until(self.proximity.update(now_us, inputs.proximity_ohm))
        mode3_drawing, domestic_drawing = self._shares(now_us)
        self._until(self.contactor.update(now_us, inputs.contactor_closed, drawing=mode3_drawing))
        self._until(self.domestic.measure(now_us, inputs, drawing=domestic_drawing))
        self._until(self.current.update(now_us, inputs.currents_ma))
        if self.contactor.closed or self.domestic.contactor.closed:
            self._detect_phases(now_us, inputs)
        else:
            self.phases.pause()
        self.lock.look(now_us, inputs.lock)
        self.shutter.look(now_us, inputs.shutter)
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

    def _show_state(self) -> None:
        state = self.pilot.state
        if state is not self._shown_state:
            self._tell(EvStateChanged(self.config.number, self._shown_state.value, state.value))
            self._shown_state = state

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
        )
        if not (context.link_expected and context.reader_expected):
            self._until(self._link_due_us)
        if now_us < record_due_us:
            self._until(record_due_us)
        causes = self.detectors.present(
            now_us, self.inputs, self.pilot, self.proximity.state, self.lock, self.shutter, self.current, context
        )
        causes += self.panel.fault_causes()
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

    @property
    def _ventilation_allowed(self) -> bool:
        return self._station.location is Location.OUTDOOR

    @property
    def _plugged(self) -> bool:
        if self.config.attached_cable:
            return self.pilot.level in VEHICLE_LEVELS
        return self.proximity.state not in (CableState.NOT_PLUGGED, CableState.SHORT, CableState.INVALID)

    @property
    def _vehicle_gone(self) -> bool:
        gone = not self.domestic.plugged if self.domestic.selected else self.pilot.level is PilotLevel.A
        return self.inputs.link_ok and gone

    @property
    def _contact_live(self) -> bool:
        """The mirror contact says closed, or current flows, which proves it whatever the mirror says."""
        return self.inputs.contactor_closed or self.domestic.closed or self._drawing

    @property
    def _drawing(self) -> bool:
        return max(self.inputs.currents_ma) >= self.config.protection.no_load_ma

    def _shares(self, now_us: int) -> tuple[bool, bool]:
        return self.domestic.split(now_us, self._drawing, self.inputs.contactor_closed)

    def _take_turns(self, now_us: int, *, bound: bool) -> None:
        seen = self._plugged or self.inputs.proximity_ohm is not None or self.pilot.level in VEHICLE_LEVELS
        closed = self.inputs.contactor_closed
        self.domestic.follow(now_us, mode3_closed=closed, mode3_empty=not seen, bound=bound)

    @property
    def _hard_current_ma(self) -> int:
        own_ma = self.config.domestic.hard_current_ma
        return own_ma if self.domestic.selected else self.config.protection.hard_current_ma

    def _facts(self, now_us: int) -> ProcedureFacts:
        ending = next((fault.kind.name for fault in self.faults.active if fault.kind.ends_session), "")
        bolt_known = self.inputs.lock in (LockFeedback.LOCKED, LockFeedback.UNLOCKED)
        lock_known = not self.config.has_lock or bolt_known or self.lock.failed is not None
        facts = ProcedureFacts(
            restored=self.restored,
            hardware_ready=self.inputs.link_ok and not self.inputs.contactor_closed and lock_known,
            plugged=self._plugged,
            vehicle=self.pilot.level in VEHICLE_LEVELS,
            vehicle_gone=self._vehicle_gone,
            charge_type=SIMPLIFIED_MODE_3 if self.pilot.arrived_simplified else NORMAL_MODE_3,
            link_ok=self.inputs.link_ok,
            contact_closed=self._contact_live,
            permitted=self.contactor.permitted,
            welded=self.contactor.welded,
            drawing=self._drawing,
            locked=self.lock.locked,
            unlocked=self.lock.unlocked,
            lock_failed=self.lock.failed,
            shutter_closed=self.shutter.closed,
            shutter_failed=self.shutter.failed,
            self_test_passed=self.self_test.passed,
            self_test_failed=self.self_test.failed,
            blocked=bool(self.faults.blocking),
            ending_fault=ending,
            key_locked=self.user_input.key_locked,
            register_wh=self.register.wh,
        )
        return self.domestic.adapt(facts)

    def _drive_lock(self, now_us: int) -> None:
        if not self.config.has_lock:
            return
        goal = LockGoal.UNLOCKED if self.domestic.selected else self.procedure.lock_goal
        self.lock.order(now_us, goal, again=self.procedure.retry_lock)
        self.procedure.retry_lock = False
        if self.inputs.link_ok:
            self._until(self.lock.update(now_us, self.inputs.lock, may_release=self._may_release(now_us)))

    def _drive_shutter(self, now_us: int) -> None:
        if not self.config.has_shutter or self.procedure.status is OutletStatus.NOT_INITIALIZED:
            return
        # Pushed open over an empty socket: close it again. In a session that is a fault, and nothing moves.
        pushed_open = self.shutter.lost and self.procedure.session is None and not self._plugged
        self.shutter.order(now_us, self.procedure.shutter_goal, again=self.procedure.retry_shutter or pushed_open)
        self.procedure.retry_shutter = False
        if self.inputs.link_ok:
            self._until(self.shutter.update(now_us, self.inputs.shutter, may_release=self._may_release(now_us)))

    def _may_release(self, now_us: int) -> bool:
        """The contact has been commanded open for long enough, is credibly confirmed open, and no current flows."""
        monitors = (self.contactor, self.domestic.contactor)
        if self._contact_live or any(monitor.permitted or monitor.mirror_lies for monitor in monitors):
            return False
        settled_us = max(monitor.settled_open_us for monitor in monitors)
        if now_us < settled_us:
            self._until(settled_us)
            return False
        return True

    def _run_self_test(self, now_us: int) -> None:
        if self.procedure.session is None:
            self.self_test.reset()
        elif self.self_test.passed and self.inputs.rcd_test is RcdTest.NOT_RUN:
            # The detector has lost its supply since: what it proved before proves nothing now.
            self.self_test.reset()
        may_run = self.inputs.link_ok and self._may_release(now_us)
        wanted = self.procedure.session is not None
        self._until(self.self_test.update(now_us, self.inputs.rcd_test, wanted=wanted, may_run=may_run))
        tripped = self.inputs.residual_ac or self.inputs.residual_dc
        if tripped and self._vehicle_gone and may_run:
            # The detector keeps its trip until it is tested again; with the vehicle gone it may be re-armed.
            self._until(self.self_test.rearm(now_us))

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

    def _set_outputs(self, now_us: int) -> None:
        procedure = self.procedure
        charging = self._contact_reported
        self._until(self.signs.update(now_us, procedure, self.faults, self.panel, self.user_input, charging=charging))
        outputs = OutletOutputs(
            pilot_mode=self.offer.mode,
            duty_bp=self.offer.duty_bp,
            hold_contactor=self.permission.granted,
            open_reasons=self.permission.reasons,
            lock_drive=self.lock.drive,
            lock_pulse=self.lock.pulse,
            rcd_test_count=self.self_test.request_count,
            ventilation=self.pilot.level is PilotLevel.D and self.permission.granted,
            over_current_limit_ma=self._hard_current_ma,
            light=self.signs.light,
            beep=procedure.beep,
            beep_count=procedure.beep_count,
            shutter_drive=self.shutter.drive,
            shutter_pulse=self.shutter.pulse,
            hold_domestic=self.domestic.permission.granted,
            display=self.signs.text,
        )
        old = self.outputs
        if (outputs.pilot_mode, outputs.duty_bp) != (old.pilot_mode, old.duty_bp):
            self._tell(
                PilotDriven(self.config.number, outputs.pilot_mode.value, outputs.duty_bp, self.offer.offered_ma)
            )
        self.outputs = outputs if outputs != old else old

    def reserved_ma(self, now_us: int) -> int:
        """What this outlet may draw of the station's current: its highest recent offer, and what it still takes."""
        offer_ma = self.current.highest_offer_ma(now_us)
        return max(offer_ma, *self.inputs.currents_ma) if self._contact_reported else offer_ma

    @property
    def offered_ma(self) -> int:
        """What may be drawn: the pilot's offer, or the fixed maximum of a live domestic socket."""
        return self.config.domestic.maximum_ma if self.domestic.contactor.permitted else self.offer.offered_ma

    @property
    def _contact_reported(self) -> bool:
        return self.inputs.contactor_closed or self.domestic.closed

    @property
    def status(self) -> OutletStatus:
        """`Outlet Status`."""
        return self.procedure.status
