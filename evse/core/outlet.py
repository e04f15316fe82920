"""One outlet: inputs and orders in, outputs and events out, and when to wake.

The order within a step is the specification: measure (energy up to now, pilot, cable, contact, lock, currents), judge
(fault causes, catalogue), move (procedure), offer (pilot), permit (interlock). The permission is the last thing decided,
from the freshest facts, and nothing after it may change it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from evse.core.domestic import BOUND
from evse.core.events import Event, OrdersChanged, PilotDriven
from evse.core.limit_stack import StationPart
from evse.core.lock import LockGoal
from evse.core.orders import StandingOrder, newly_dated, orders_in_force, put_in_force
from evse.core.outlet_offer import OutletOffer
from evse.core.outlet_status import OutletStatus
from evse.core.panel import MASTER_CARD_MISSING
from evse.core.phase_switch import PHASE_SWITCH_FAILED, THREE
from evse.core.power_return import Interrupted
from evse.core.units import NEVER
from evse.core.values import OutletInputs, OutletOutputs, PilotLevel, RcdTest


class OutletStep(NamedTuple):
    """Result of one step."""

    outputs: OutletOutputs
    events: tuple[Event, ...]
    wake_us: int


class OutletCore(OutletOffer):
    """State of one outlet. Deterministic: the same calls give the same results."""

    def restore(
        self,
        now_us: int,
        latched: Iterable[str],
        register_wh: int,
        orders: Iterable[StandingOrder] = (),
        interrupted: Interrupted | None = None,
    ) -> None:
        """Continue with what an earlier boot left: faults, energy register, orders, a session without end.

        Charging needs this first.

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
        self.procedure.power_return.restore(now_us, interrupted)
        self.restored = True

    def orders_news(self) -> OrdersChanged | None:
        """The orders in force, when they are others than told before."""
        availability = self.procedure.availability
        if not (self._told_orders or self.limit_orders or availability.ordered):
            return None
        orders = orders_in_force(availability, self.limit_orders)
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

    def set_phases(self, now_us: int, phases: int) -> str:
        """Charge with ``phases`` phases from now on; return why not, or an empty text."""
        if self.faults.in_force(PHASE_SWITCH_FAILED):
            return f"the phase switch has failed: mend it and clear {PHASE_SWITCH_FAILED}"
        return self.phase_switch.order(now_us, phases, default_function=self._x2_default)

    @property
    def _x2_default(self) -> bool:
        return self.panel.dip.settings.x2_default

    def conclude(self, now_us: int) -> tuple[Event, ...]:
        """Close the session because the process ends; return the events that must still reach services."""
        self.revision += 1
        self.register.advance(now_us)
        self.procedure.conclude(now_us, self._facts(now_us))
        events = tuple(self._events)
        self._events.clear()
        return events

    def step(self, now_us: int, inputs: OutletInputs, station: StationPart) -> OutletStep:
        """Do one step with the latest ``inputs``; ``station`` is what the station allows this outlet."""
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
        self._switch_phases(now_us)
        self._arbitrate(now_us, station)
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
            self.phase_switch.failed,
        )

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
        empty = self.procedure.session is None and not self._plugged
        # Pushed open over an empty socket: close it again. In a session that is a fault, and nothing moves.
        pushed_open = self.shutter.lost and empty
        self.shutter.order(now_us, self.procedure.shutter_goal, again=self.procedure.retry_shutter or pushed_open)
        self.procedure.retry_shutter = False
        if self.inputs.link_ok:
            may_release = self._may_release(now_us)
            self._until(self.shutter.update(now_us, self.inputs.shutter, may_release=may_release, empty=empty))

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

    def _switch_phases(self, now_us: int) -> None:
        switch = self.phase_switch
        if not switch.fitted:
            return
        pulses, may_move = switch.pulses, self._may_release(now_us)
        self._until(switch.update(now_us, self.inputs, may_move=may_move, default_function=self._x2_default))
        if switch.pulses != pulses:
            self.phases.reset()

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
            x2_closed=self.phase_switch.target == THREE,
            x2_pulse=self.phase_switch.pulses,
        )
        old = self.outputs
        if (outputs.pilot_mode, outputs.duty_bp) != (old.pilot_mode, old.duty_bp):
            self._tell(
                PilotDriven(self.config.number, outputs.pilot_mode.value, outputs.duty_bp, self.offer.offered_ma)
            )
        self.outputs = outputs if outputs != old else old
