"""One outlet's world: the parts joined by physics, as the front end's pins see them.

Specification. The outlet is event driven. ``step(now_us)`` runs every part's own events in order of their times, up to
``now_us``, and returns the time of the next; what happens does not depend on how often it is stepped. Between two
events currents and voltages are constant, so energy is an exact sum of mA x mV x us. After each event the parts are
brought into agreement (voltage behind the contact, pilot line, vehicle, detector) and the listeners are told. Orders
and verbs first run everything due before them. A listener may give orders from inside its call: they take effect at
the event's time.

``OutletWorld`` implements ``hal.twins.electronics.OutletElectronics``; docs/world.md has the model.
"""

from __future__ import annotations

from collections.abc import Callable

from evse.records import dataclass
from hal.ports import (
    BeepCode,
    LightCode,
    LockPosition,
    LockPulse,
    PilotDriveMode,
    SelfTest,
    ShutterPosition,
    ShutterPulse,
)
from hal.units import NEVER
from hal.world.ambient import Signs, Temperature
from hal.world.attachments import Attachments
from hal.world.cable import Cable
from hal.world.card_field import CardField
from hal.world.contactor import Contactor
from hal.world.contacts import Contacts, WiredContact
from hal.world.dip_banks import DipBanks
from hal.world.domestic import DomesticSocket
from hal.world.outlet_truth import look
from hal.world.phase_switch import PhaseSwitch
from hal.world.pilot_circuit import DEAD_LINE, Diode, PilotCircuit, PilotGenerator, PilotLine
from hal.world.residual import ResidualDetector
from hal.world.shutter import Shutter
from hal.world.socket import RESERVE_DELAY_US, SocketLock
from hal.world.supply import NO_PHASES, Feed, Phases
from hal.world.truth import OutletTruth
from hal.world.vehicle import Vehicle

_AGREEMENT_ROUNDS = 8
"""Bound of the loop that brings pilot and vehicle into agreement; two rounds are enough in every known case."""


@dataclass(frozen=True, slots=True)
class OutletSetup:
    """How an outlet is built. ``phases``: wired phases, 1 or 3. ``input_count``: numbered input lines.

    ``contacts``: the lines on which breaker, key lock, push button, service button or X1 have their contact; the others
    are free, and closed at first when they stand in ``closed_at_rest``. ``dip``: positions of the DIP switches at first,
    one byte per bank. ``has_mode3``: there is a socket or cable with a pilot; ``has_domestic``: there is a domestic socket. ``has_x2``: the front end has the switching output X2;
    ``phase_switch``: it drives a contactor for L2 and L3.
    """

    phases: int = 3
    has_lock: bool = True
    attached_cable: bool = False
    lock_reserve: bool = True
    input_count: int = 4
    has_shutter: bool = False
    contacts: tuple[WiredContact, ...] = ()
    closed_at_rest: tuple[int, ...] = ()
    dip: tuple[int, ...] = ()
    has_mode3: bool = True
    has_domestic: bool = False
    has_x2: bool = False
    phase_switch: bool = False

    def __post_init__(self) -> None:
        if self.phases not in (1, 3) or not 0 <= self.input_count <= 64:
            raise ValueError("an outlet has 1 or 3 phases and 0 to 64 input lines")
        Contacts(self.input_count, self.contacts, self.closed_at_rest)


class OutletWorld:
    """The physical truth of one outlet."""

    def __init__(
        self, setup: OutletSetup | None = None, attached: Attachments | None = None, *, now_us: int = 0
    ) -> None:
        self.setup = setup or OutletSetup()
        self.attached = attached or Attachments()
        self.generator, self.circuit = PilotGenerator(), PilotCircuit()
        self.cable = Cable(attached=self.setup.attached_cable)
        self.vehicle = Vehicle()
        self.lock = SocketLock(fitted=self.setup.has_lock, reserve_charged=self.setup.lock_reserve)
        self.shutter = Shutter(fitted=self.setup.has_shutter)
        self.contactor, self.residual = Contactor(), ResidualDetector()
        self.domestic = DomesticSocket(fitted=self.setup.has_domestic)
        self.feed = Feed(phases=self.setup.phases)
        self.phase_switch = PhaseSwitch(self.setup.has_x2, self.setup.phase_switch)
        self.dip_banks = DipBanks(self.setup.dip)
        self.temperature, self.signs = Temperature(), Signs()
        self.contacts = Contacts(self.setup.input_count, self.setup.contacts, self.setup.closed_at_rest)
        self.energy_pj = 0
        self.unplugs_under_load = 0
        self.cards = CardField()
        self._pilot = DEAD_LINE
        self._currents: Phases = NO_PHASES
        self._vehicle_ma: Phases = NO_PHASES
        self._now_us = now_us
        self._powered = True
        self._listeners: list[Callable[[int], None]] = []
        self._request_wake: Callable[[int], None] = lambda at_us: None
        self._running = self._telling = self._news = False
        self._truth: OutletTruth | None = None
        """What ``truth`` returned, until something changes."""

    # Time.

    @property
    def now_us(self) -> int:
        """Up to when this world has run."""
        return self._now_us

    def due_us(self) -> int:
        """When something next changes by itself."""
        return min(
            self.contactor.due_us,
            self.domestic.due_us,
            self.phase_switch.due_us,
            self.vehicle.due_us,
            self.lock.due_us,
            self.shutter.due_us,
            self.lock.reserve_due_us,
            self.residual.due_us,
            self.temperature.due_us,
            self.circuit.bounce.due_us,
            self.contacts.due_us,
            self.cards.due_us,
        )

    def step(self, now_us: int) -> int:
        """Run everything due up to ``now_us``; return when the next change comes."""
        self.advance(now_us)
        return self.due_us()

    def act(self, action: Callable[[OutletWorld, int], None], now_us: int) -> None:
        """Run up to ``now_us``, let ``action`` change parts at that time, then let physics and listeners follow."""
        self.advance(now_us)
        action(self, self._now_us)
        self.settle()

    def settle(self) -> None:
        """Bring the parts into agreement after a change from outside and tell the listeners."""
        self._agree()
        self._tell()
        if not self._running:
            due_us = self.due_us()
            if due_us < NEVER:
                self._request_wake(due_us)

    def call_for_steps(self, request_wake: Callable[[int], None]) -> None:
        """Have ``request_wake(at_us)`` called whenever an order or a verb makes something due."""
        self._request_wake = request_wake

    def advance(self, now_us: int) -> None:
        """Run everything due up to ``now_us``."""
        if self._running:
            return  # a listener's order: physics are at the event's time already
        self._running = True
        try:
            while (due_us := self.due_us()) <= now_us:
                self._move_to(due_us)
                self._step_parts(self._now_us)
                self._agree()
                self._tell()
            self._move_to(now_us)
        finally:
            self._running = False

    def _move_to(self, at_us: int) -> None:
        """Let time pass with nothing happening: energy flows."""
        span_us = at_us - self._now_us
        if span_us <= 0:
            return
        if any(self._currents):
            self.energy_pj += self._power_uw(self._currents) * span_us
            self.vehicle.absorb(self._power_uw(self._vehicle_ma) * span_us)
            self._truth = None
        self._now_us = at_us

    def _power_uw(self, currents_ma: Phases) -> int:
        return sum(i * u for i, u in zip(currents_ma, self.feed.voltages_mv(), strict=True))

    def _step_parts(self, now_us: int) -> None:
        if self.contactor.due_us <= now_us:
            self.contactor.step(now_us, max(self._vehicle_ma))
        if self.domestic.due_us <= now_us:
            self.domestic.contactor.step(now_us, self._domestic_ma())
        if self.phase_switch.due_us <= now_us:
            self.phase_switch.step(live=self.contactor.closed)
            self.feed.others_off = self.phase_switch.takes_away
        if self.vehicle.due_us <= now_us:
            self.vehicle.step(now_us)
        if self.lock.due_us <= now_us:
            self.lock.step(now_us)
        if self.shutter.due_us <= now_us:
            self.shutter.step(now_us)
        if self.lock.reserve_due_us <= now_us:
            self._open_from_reserve(now_us)
        if self.residual.due_us <= now_us:
            self.residual.step(now_us)
        if self.temperature.due_us <= now_us:
            self.temperature.step(now_us)
        if self.circuit.bounce.due_us <= now_us:
            self.circuit.bounce.step(now_us)
        if self.contacts.due_us <= now_us:
            self.contacts.step(now_us)
        if self.cards.due_us <= now_us:
            self.cards.step(self.attached.reader, now_us)

    def _agree(self) -> None:
        """Bring supply, contact, pilot and vehicle into agreement at the present time."""
        if self.feed.powered != self._powered:
            self._follow_power()
        for _ in range(_AGREEMENT_ROUNDS):
            self._pilot = self.circuit.line(self.generator, self._pilot_load_ps())
            if not self.vehicle.observe(self._vehicle_line(), self._vehicle_voltages(), self._now_us):
                break
        self._vehicle_ma = self.vehicle.currents_ma() if self.cable.connected else NO_PHASES
        self._currents = self._vehicle_ma
        if self.domestic.connected:
            first, second, third = self._vehicle_ma
            self._currents = (first + self._domestic_ma(), second, third)
        live = any(self._vehicle_voltages()) and self.cable.connected
        live = live or (self.domestic.connected and any(self.feed.voltages_mv()))
        self.residual.observe(live, self._now_us)

    @property
    def powered(self) -> bool:
        """Whether the front end has its supply."""
        return self._powered

    def vehicle_ma(self) -> Phases:
        """Return what the vehicle draws, without an appliance at the domestic socket."""
        return self._vehicle_ma

    def _domestic_ma(self) -> int:
        return self.domestic.current_ma(self.feed.voltages_mv()[0])

    def _tell(self) -> None:
        """Call the listeners; what they order in turn is told again afterwards, never inside."""
        self._news = True
        self._truth = None
        if self._telling:
            return
        self._telling = True
        try:
            while self._news:
                self._news = False
                for listener in self._listeners:
                    listener(self._now_us)
        finally:
            self._telling = False

    # Physics between the parts.

    def _pilot_load_ps(self) -> int:
        if not (self.cable.connected and self.circuit.loop_closed):
            return 0
        return self.circuit.load_ps(self.vehicle.loads_pilot, self.vehicle.settings.ventilation)

    def _vehicle_line(self) -> PilotLine:
        """Return what the vehicle's pilot input sees."""
        reaches = self.cable.connected and self.circuit.loop_closed and self.circuit.diode is not Diode.OPEN
        return self._pilot if reaches else DEAD_LINE

    def _vehicle_voltages(self) -> Phases:
        """Return the voltages at the vehicle's inlet."""
        closed = self.contactor.closed and self.cable.connected
        return self.feed.voltages_mv() if closed else NO_PHASES

    def _follow_power(self) -> None:
        """Let everything that hangs on the front end's rail follow it."""
        self._powered = self.feed.powered
        self.generator.set_power(self._powered)
        self.lock.reserve_due_us = NEVER
        if not self._powered:
            self.contactor.drive(False, self._now_us)
            self.domestic.drive(False, self._now_us)
            self.lock.drive(LockPulse.REST, 0, self._now_us)
            self.shutter.drive(ShutterPulse.REST, 0, self._now_us)
            self.residual.lose_power()
            self.signs.lose_power()
            if self.lock.reserve_charged and self.lock.holds_plug:
                self.lock.reserve_due_us = self._now_us + RESERVE_DELAY_US
        self.attached.power(self._powered, self._now_us)

    def _open_from_reserve(self, now_us: int) -> None:
        self.lock.reserve_due_us = NEVER
        if not self.contactor.mirror_closed():
            self.lock.drive(LockPulse.UNLOCK, self.lock.travel_us, now_us)

    def set_grid(self, voltages_mv: Phases, now_us: int) -> None:
        """Take over the voltages at the station's terminals."""
        if voltages_mv == self.feed.grid_mv:
            return
        self.advance(now_us)
        self.feed.grid_mv = voltages_mv
        self.settle()

    # What the front end senses (hal.twins.electronics.OutletElectronics).

    def pilot_line(self) -> PilotLine:
        return self._pilot

    def proximity_ohm(self) -> int | None:
        return self.cable.proximity_ohm()

    def mirror_closed(self) -> bool:
        return self.contactor.mirror_closed()

    def domestic_mirror_closed(self) -> bool:
        return self.domestic.fitted and self.domestic.contactor.mirror_closed()

    def domestic_plugged(self) -> bool:
        return self.domestic.reports_plug()

    def lock_position(self) -> LockPosition:
        return self.lock.reported_position()

    def shutter_position(self) -> ShutterPosition:
        return self.shutter.reported_position()

    def currents_ma(self) -> Phases:
        return self._currents

    def voltages_mv(self) -> Phases:
        return self.feed.voltages_mv()

    def residual_trip(self) -> tuple[bool, bool]:
        return self.residual.tripped_ac, self.residual.tripped_dc

    def self_test(self) -> SelfTest:
        return self.residual.self_test

    def temperature_dc(self) -> int:
        return self.temperature.now_dc

    def temperature_sensor_ok(self) -> bool:
        return not self.temperature.sensor_broken

    def coil_open_load(self) -> bool:
        return self.contactor.coil and self.contactor.coil_broken

    def supply_mv(self) -> int:
        return self.feed.supply_mv()

    def inputs(self) -> tuple[bool, ...]:
        return self.contacts.states(not self.feed.breaker_closed)

    def x2_closed(self) -> bool:
        return self.phase_switch.fitted and self.phase_switch.x2_closed

    def dip_switches(self) -> tuple[int, ...]:
        return self.dip_banks.positions

    def on_change(self, listener: Callable[[int], None]) -> None:
        self._listeners.append(listener)

    # What the front end drives. Without supply nothing moves.

    def drive_pilot(self, mode: PilotDriveMode, duty_bp: int, now_us: int) -> None:
        self.advance(now_us)
        if self.generator.drive(mode, duty_bp):
            self.settle()

    def drive_coil(self, energised: bool, now_us: int) -> None:
        self.advance(now_us)
        if self._powered and self.contactor.drive(energised, self._now_us):
            self.settle()

    def drive_domestic_coil(self, energised: bool, now_us: int) -> None:
        self.advance(now_us)
        if self._powered and self.domestic.drive(energised, self._now_us):
            self.settle()

    def drive_lock(self, direction: LockPulse, duration_us: int, now_us: int) -> None:
        self.advance(now_us)
        if self._powered and self.lock.drive(direction, duration_us, self._now_us):
            self.settle()

    def drive_shutter(self, direction: ShutterPulse, duration_us: int, now_us: int) -> None:
        self.advance(now_us)
        if self._powered and self.shutter.drive(direction, duration_us, self._now_us):
            self.settle()

    def drive_x2(self, closed: bool, now_us: int) -> None:
        self.advance(now_us)
        if self._powered and self.phase_switch.drive(closed, self._now_us):
            self.settle()

    def start_self_test(self, now_us: int) -> None:
        self.advance(now_us)
        if self._powered and self.residual.start_self_test(self._now_us):
            self.settle()

    def show_light(self, code: LightCode, now_us: int) -> None:
        if self._powered:
            self.signs.light, self._truth = code, None

    def show_text(self, text: str, now_us: int) -> None:
        if self._powered:
            self.signs.text, self._truth = text, None

    def beep(self, code: BeepCode, now_us: int) -> None:
        if self._powered and code is not BeepCode.NONE:
            self.signs.beep = code
            self.signs.beep_count += 1
            self._truth = None

    def ventilate(self, on: bool, now_us: int) -> None:
        self.advance(now_us)
        if self._powered and on != self.signs.ventilation:
            self.signs.ventilation = on
            self.settle()

    # Truth.

    def truth(self) -> OutletTruth:
        """Return what is physically true at ``now_us``."""
        if self._truth is None:
            self._truth = look(self)
        return self._truth
