"""What one outlet is made of, and the facts that follow from its parts at any moment.

The layers of an outlet stand in four modules, each on the one before: parts, senses (measure and judge), offer (limits,
pilot, permission), and :mod:`evse.core.outlet`, the step.
"""

from __future__ import annotations

from evse.core.config import Location, OutletConfig, StationConfig
from evse.core.contactor import ContactorMonitor
from evse.core.detectors import FaultDetectors
from evse.core.domestic import DomesticSocket
from evse.core.energy import OverCurrentWatch, PhaseDetector
from evse.core.events import Event, EvStateChanged
from evse.core.faults import FaultBook
from evse.core.interlock import Permission
from evse.core.limit_stack import LimitStack
from evse.core.lock import LockSupervisor
from evse.core.metering import Metering
from evse.core.offer import PilotOffer
from evse.core.orders import StandingOrder
from evse.core.outlet_signs import OutletSigns
from evse.core.outlet_status import OutletStatus
from evse.core.panel import Panel
from evse.core.phase_switch import PhaseSwitch
from evse.core.pilot import VEHICLE_LEVELS, PilotMonitor
from evse.core.procedure import Procedure
from evse.core.procedure_facts import ProcedureFacts
from evse.core.proximity import ProximityMonitor
from evse.core.selftest import SelfTestSequence
from evse.core.session import NORMAL_MODE_3, SIMPLIFIED_MODE_3
from evse.core.shutter import ShutterSupervisor
from evse.core.units import MS, NEVER, SECOND
from evse.core.user_input import UserInput
from evse.core.values import CableState, LockFeedback, OutletInputs, OutletOutputs, PilotLevel

CABLE_HOLD_US = 50 * MS
FRONT_END_START_US = 5 * SECOND
"""A front end that has not spoken this long after the start is lost (ours)."""


class OutletParts:
    """State of one outlet and what it says about itself."""

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
        self.metering = Metering(config, station.nominal_voltage_mv, start_us)
        self.register = self.metering.register
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
        self.phase_switch = PhaseSwitch(config, self._tell)
        self.panel = Panel(config, start_us, self._events.append, self.procedure.sound)
        self.signs = OutletSigns(config)
        self.restored = False
        self.inputs = OutletInputs()
        self.outputs = OutletOutputs()
        self.permission = Permission(False, ())
        self.no_offer: tuple[str, ...] = ()
        self.stack = LimitStack(config, start_us)
        self.short = False
        """No limit is as high as what can be offered, or not for long enough yet."""
        self._enough_us = -NEVER
        self._stopped_short = False
        self._hot = False
        self.wants_energy = False
        self._ever_linked = self._reader_seen = False
        self._link_due_us = start_us + FRONT_END_START_US
        self._shown_state = self.pilot.state
        self._shown_cable = self.proximity.state
        self._charge_stopped_by_fault = False
        self._wake_us = NEVER
        self.revision = 0
        """Counts the steps: while it stays the same, so does everything but the energy register."""

    def configure(self, now_us: int, config: OutletConfig, station: StationConfig) -> None:
        """Work by another configuration of the same board; whatever runs goes on."""
        self.config, self._station = config, station
        self.domestic.configure(config)
        self.detectors.configure(config)
        self.self_test.configure(config.procedure.rcd_test_us)
        self.procedure.configure(config, station.checkpoint_us)
        self.user_input.configure(config)
        self.signs.configure(config)
        self.metering.configure(now_us, config, station.nominal_voltage_mv)
        self.stack.configure(config)

    @property
    def offered_ma(self) -> int:
        """What may be drawn: the pilot's offer, or the fixed maximum of a live domestic socket."""
        return self.config.domestic.maximum_ma if self.domestic.contactor.permitted else self.offer.offered_ma

    @property
    def status(self) -> OutletStatus:
        """`Outlet Status`."""
        return self.procedure.status

    @property
    def _contact_reported(self) -> bool:
        return self.inputs.contactor_closed or self.domestic.closed

    @property
    def _ventilation_allowed(self) -> bool:
        return self._station.location is Location.OUTDOOR

    @property
    def _plugged(self) -> bool:
        if self.config.attached_cable:
            return self.pilot.level in VEHICLE_LEVELS
        return self.proximity.state not in (CableState.NOT_PLUGGED, CableState.SHORT, CableState.INVALID)

    @property
    def _seen(self) -> bool:
        """Whether there is anything of a mode 3 plug, cable or vehicle."""
        return self._plugged or self.inputs.proximity_ohm is not None or self.pilot.level in VEHICLE_LEVELS

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

    @property
    def _hard_current_ma(self) -> int:
        own_ma = self.config.domestic.hard_current_ma
        return own_ma if self.domestic.selected else self.config.protection.hard_current_ma

    def _shares(self, now_us: int) -> tuple[bool, bool]:
        return self.domestic.split(now_us, self._drawing, self.inputs.contactor_closed)

    def _take_turns(self, now_us: int, *, bound: bool) -> None:
        closed = self.inputs.contactor_closed
        self.domestic.follow(now_us, mode3_closed=closed, mode3_empty=not self._seen, bound=bound)

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

    def _until(self, wake_us: int) -> None:
        if wake_us < self._wake_us:  # noqa: PLR1730 - a call costs more, twenty times a step
            self._wake_us = wake_us

    def _tell(self, event: Event) -> None:
        self._events.append(event)

    def _show_state(self) -> None:
        """Tell a new vehicle state once."""
        state = self.pilot.state
        if state is not self._shown_state:
            self._tell(EvStateChanged(self.config.number, self._shown_state.value, state.value))
            self._shown_state = state
