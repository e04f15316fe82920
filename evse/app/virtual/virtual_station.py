"""A whole station in virtual time: world, twins, lines, drivers, control, services and journal on one scheduler.

Everything is the product's own code except the lines (null modems) and the disk (a fake that loses what was not
synchronised). Power cuts and killed processes discard the objects of that process and build new ones, so nothing can
survive that would not survive in a station.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from boards.assemble import assemble
from boards.board import Board
from boards.compiled import WirePlan, WireSpec
from evse.app.virtual.memory_exchange import MemoryExchange
from evse.app.virtual.process_verbs import PROCESS_VERBS
from evse.app.virtual.simulated_hardware import DeviceEnd, SimulatedHardware
from evse.app.virtual.supervision_verbs import SUPERVISION_VERBS
from evse.app.virtual.virtual_ledger import JournalLedger
from evse.control.cycle import ControlCycle
from evse.control.recording import RecordedCycle, Recorder, recorded_wires
from evse.core.commands import Command, Restart
from evse.core.config import StationConfig
from evse.core.events import Event, RestartRequested
from evse.core.units import MS, NEVER, SECOND
from evse.exchange.snapshot import StationView
from evse.services.authorisation import Policy
from evse.services.badges.badge_list import BadgeList
from evse.services.badges.teaching import TeachMode
from evse.services.clock import ClockMapping, ClockQuality
from evse.services.fake_journal import FakeStore
from evse.services.station_services import StationServices
from evse.services.supervision import SupervisionAnswer, SupervisionPort
from evse.sim.elision import RenewalLoop
from evse.sim.invariants_base import DISK
from evse.sim.scheduler import Scheduler
from evse.sim.station import Claims, Ledger, OutletClaims, TimedEvent
from hal.twins.null_modem import NullModem
from hal.wires import ByteLink
from hal.world.station import StationWorld
from hal.world.verb_spec import ParamValue, Verb, check_params
from hal.world.verbs import apply as apply_world_verb
from hal.world.verbs import verbs_of

if TYPE_CHECKING:
    from evse.app.virtual.virtual_supervision import VirtualSupervision
    from evse.links.ocpp.central import Central
    from evse.links.ocpp.settings import StationIdentity, SupervisionSettings
    from evse.services.gateway_meter import GatewayMeter
    from evse.services.house_monitor import HouseMonitor

    Supervised = tuple[SupervisionSettings, StationIdentity]
    """What makes a supervised station: settings and what it tells of itself."""

EXCHANGE_DELAY_US = 1 * MS
DISK_LATENCY_US = 4 * MS
SLOW_DISK_US = 1 * SECOND
"""A disk that takes longer for a commit counts as a disturbance."""
BOOT_US = 300 * MS
"""From power (or a killed process) to the new process's first step."""
EPOCH_UTC_US = 1_767_225_600 * SECOND
"""Virtual runs begin on 1 January 2026, 00:00 UTC."""


class VirtualServices:
    """The services process: takes envelopes, commits, answers. One object per life of the process."""

    def __init__(
        self,
        services: StationServices,
        exchange: MemoryExchange,
        boot_id: str,
        view: Callable[[], StationView | None] | None = None,
    ) -> None:
        """``view``: the Snapshot, for services that look at it."""
        self.services = services
        self._view = view
        self._exchange = exchange
        self._boot_id = boot_id
        self._greeted = False
        self.running = False
        """Whether it is being stepped: what comes up inside a step is taken by the same step."""

    def step(self, now_us: int) -> int:
        """Do what is to be done; return when to try again by time alone."""
        self.running = True
        try:
            return self._step(now_us)
        finally:
            self.running = False

    def _step(self, now_us: int) -> int:
        if not self._greeted:
            self._greeted = True
            self._exchange.outbox.reconnected()
            self._exchange.deliver(self.services.start(now_us, self._boot_id))
        for envelope in self._exchange.envelopes():
            self.services.handle(envelope, now_us)
        if self._view is not None:
            self.services.view(now_us, self._view())
        wish_us = self.services.step(now_us)
        self._exchange.deliver(self.services.take_commands())
        acknowledge = self.services.take_acknowledgement()
        if acknowledge is not None:
            self._exchange.acknowledge(acknowledge)
        return wish_us


class HungControl:
    """What goes on of a control process whose step hangs: threads that serve its lines, nothing of its own.

    The worst that can happen short of a dead process: everything that could renew a permission by a timer still runs.
    """

    def __init__(self, board: Board) -> None:
        self._drivers = [driver for outlet in board.outlets for driver in outlet.polled]

    def step(self, now_us: int) -> int:
        """Poll the drivers; nobody looks at what they have heard."""
        return min((driver.poll(now_us) for driver in self._drivers), default=NEVER)


class VirtualStation:
    """Implements ``evse.sim.station.SimulatedStation``."""

    def __init__(
        self,
        config: StationConfig,
        plan: WirePlan,
        *,
        policy: Policy | None = None,
        factory_badges: BadgeList | None = None,
        supervision: SupervisionPort | None = None,
        supervised: Supervised | None = None,
        elide: bool = True,
        local_interlock: bool = True,
        random_stream: random.Random | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        """``recorder``: notes all that goes into every boot's control and comes out of it. ``supervision``: asked about cards.

        ``supervised``: settings and identity of a station that a simulated central system supervises.
        """
        self._config = config
        self._adopted: StationConfig | None = None
        self._recorder = recorder
        self._plan = plan
        self._policy = policy or Policy()
        self._factory_badges = factory_badges
        self._supervision = supervision
        self._random = random_stream or random.Random(0)  # noqa: S311 - reproducible, not secret
        self._scheduler = Scheduler(elide=elide)
        self._modems = {wire.name: NullModem(self._scheduler, wire.baud, wire.name) for wire in plan.wires()}
        self.hardware = SimulatedHardware(
            config, plan, self._scheduler, self._device_end, local_interlock=local_interlock
        )
        for component, name in self.hardware.components():
            self._scheduler.add(component, name)
        self._csms = None if supervised is None else self._central_system(supervised)
        self._store = FakeStore(DISK_LATENCY_US, wake=self._wake_store)
        self._events: list[TimedEvent] = []
        self._ledger: JournalLedger | None = None
        self._ledger_of: tuple[FakeStore, int, str] | None = None
        self._boots = 0
        self._control: ControlCycle | None = None
        self._exchange: MemoryExchange | None = None
        self._services: VirtualServices | None = None
        self._house: HouseMonitor | None = None
        self._gateways: list[GatewayMeter] = []
        self._powered = True
        self._hung: HungControl | None = None
        self._power_generation = 0
        self.world.on_change(self._follow_power)
        self._scheduler.add(self._store, "journal")
        self._boot(0)

    def _central_system(self, supervised: Supervised) -> VirtualSupervision:
        # Loaded only where it is used: OCPP with its schemas takes longer to load than all the rest.
        from evse.app.virtual.virtual_supervision import VirtualSupervision

        def restart(kind: str) -> None:
            self.post(Restart(f"reset-{self._scheduler.now_us}", cause=f"{kind}Reset"))

        return VirtualSupervision(self._scheduler, *supervised, EPOCH_UTC_US, self._random, restart)

    # --- lines -------------------------------------------------------------------------------------------------

    def _device_end(self, wire: WireSpec) -> DeviceEnd:
        modem = self._modems[wire.name]
        return DeviceEnd(modem.right, modem, modem.right.attach)

    def _host_end(self, wire: WireSpec) -> ByteLink:
        return self._modems[wire.name].left

    def _control_wires(self) -> list[WireSpec]:
        """Those that control reads; the house meter's and those of gateways belong to services."""
        return [wire for outlet in self._plan.outlets for wire in outlet.wires()]

    # --- life and death of the processes -----------------------------------------------------------------------

    def _boot(self, now_us: int) -> None:
        self._start_control(now_us)
        self._start_services(now_us)

    def _start_control(self, now_us: int) -> None:
        self._boots += 1
        boot_id = f"boot{self._boots}"
        exchange = MemoryExchange(boot_id, self._wake_services, self._wake_control, self._note)
        if self._recorder is None:
            self._board = assemble(self._plan, self._host_end)
            control = ControlCycle(self._board, self._config, boot_id, exchange, now_us)
        else:
            self._board = assemble(self._plan, recorded_wires(self._host_end, self._recorder))
            control = RecordedCycle(self._board, self._plan, self._config, boot_id, exchange, now_us, self._recorder)
        self._exchange, self._control = exchange, control
        self._scheduler.add(control, f"control ({boot_id})")
        for each in self._control_wires():
            self._modems[each.name].left.attach(control)
        for outlet, wires in zip(control.drivers_by_outlet(), self._plan.outlets, strict=True):
            twins = (self.hardware.front_ends[wires.number], self.hardware.readers.get(wires.number))
            for wire, driver, twin in zip((wires.front_end, wires.reader), outlet, twins, strict=False):
                if wire is not None and twin is not None:
                    parts = (driver, self._modems[wire.name], twin)
                    self._scheduler.add_loop(RenewalLoop(wire.name, parts, self._modems[wire.name], control))
        if self._services is not None:
            # Its journal dies with it: a commit under way must not come back to a process that is gone.
            self._stop_services()
            self._crash_disk()
            self._start_services(now_us)

    def _stop_control(self) -> None:
        control, self._control = self._control, None
        hung, self._hung = self._hung, None
        if hung is not None:
            self._scheduler.remove(hung)
        if control is None:
            return
        self._scheduler.remove(control)
        for wire in self._control_wires():
            self._scheduler.remove_loop(wire.name)
            self._modems[wire.name].left.attach(None)

    def _start_services(self, now_us: int) -> None:
        if self._exchange is None:
            return
        boot_id = self._exchange.outbox.boot_id
        # Each supply period counts as a monotonic clock of its own, although all show the scheduler's time.
        clock_id = f"supply{self._power_generation}"
        clock = ClockMapping(boot_id, 0, EPOCH_UTC_US, ClockQuality.SYNCHRONISED, clock_id)
        back_end = None if self._csms is None else self._csms.begin(now_us, self._continue_services)
        services = StationServices(
            self._store.journal(self._config.station_uid),
            self._policy,
            clock,
            self._config,
            wake=self._continue_services,
            factory_badges=self._factory_badges,
            supervision=self._supervision or back_end,
            back_end=back_end,
        )
        services.wanted = self._adopted
        view = None if back_end is None else self.view
        self._services = VirtualServices(services, self._exchange, boot_id, view)
        self._scheduler.add(self._services, f"services ({boot_id})")
        life = f"{boot_id}-{self._scheduler.now_us}"
        self._start_gateways(life)
        self._start_house(life)

    def _start_gateways(self, life: str) -> None:
        """The part of services that reads meters behind gateways."""
        for outlet in self._plan.outlets:
            wire = outlet.gateway_wire()
            if wire is None or outlet.meter is None:
                continue
            from evse.services.gateway_meter import GatewayMeter, gateway_reader

            end = self._modems[wire.name].left
            reader = gateway_reader(end, outlet.meter.map, outlet.meter.unit)
            meter = GatewayMeter(outlet.number, reader, self.post, life)
            self._gateways.append(meter)
            self._scheduler.add(meter, f"meter of outlet {outlet.number} ({life})")
            end.attach(meter)

    def _start_house(self, life: str) -> None:
        """The part of services that watches the house connection."""
        house = self._plan.house
        if house is None or house.wire is None:
            return
        from evse.services.house_monitor import HouseMonitor, house_reader

        end = self._modems[house.wire.name].left
        monitor = HouseMonitor(house_reader(end, house), house.settings, self.view, self.post, life)
        self._house = monitor
        self._scheduler.add(monitor, f"house monitor ({life})")
        end.attach(monitor)

    def _stop_services(self) -> None:
        services, self._services = self._services, None
        if self._csms is not None:
            self._csms.end()
        if services is not None:
            self._scheduler.remove(services)
        house, self._house = self._house, None
        if house is not None:
            self._scheduler.remove(house)
        for meter in self._gateways:
            self._scheduler.remove(meter)
        self._gateways.clear()

    def _crash_disk(self) -> None:
        """The writer dies: of the commits under way a random number has reached the disk, in order."""
        full = bool(self._store.problem)
        keep = 0 if full else self._random.randint(0, self._store.queued)
        self._scheduler.remove(self._store)
        latency_us = self._store.latency_us
        self._store = FakeStore(latency_us, self._store.crash(keep), wake=self._wake_store)
        if full:
            # A disk does not get empty because somebody died.
            self._store.full_disk()
        self._scheduler.add(self._store, "journal")

    def _follow_power(self, now_us: int) -> None:
        powered = self.world.grid.on
        if powered == self._powered:
            return
        self._powered = powered
        self._power_generation += 1
        if not powered:
            self._stop_control()
            self._stop_services()
            self._crash_disk()
            return
        generation = self._power_generation
        self._scheduler.at(now_us + BOOT_US, lambda at_us: self._boot_if(generation, at_us))

    def _boot_if(self, generation: int, now_us: int) -> None:
        if self._powered and generation == self._power_generation:
            self._boot(now_us)

    def _wake_store(self) -> None:
        self._scheduler.wake(self._store, self._scheduler.now_us)

    def _wake_services(self) -> None:
        """Control has sent something."""
        if self._services is not None:
            self._scheduler.wake(self._services, self._scheduler.now_us + EXCHANGE_DELAY_US)

    def _continue_services(self) -> None:
        """Something has come to an end inside the services process (a commit): it goes on at once."""
        if self._services is not None and not self._services.running:
            self._scheduler.wake(self._services, self._scheduler.now_us)

    def _wake_control(self) -> None:
        if self._control is not None:
            self._scheduler.wake(self._control, self._scheduler.now_us + EXCHANGE_DELAY_US)

    def _note(self, now_us: int, event: Event) -> None:
        self._events.append(TimedEvent(now_us, event))
        if isinstance(event, RestartRequested):
            # Not inside the step that says so: it has not been carried out yet.
            self._scheduler.at(now_us, self._restart_in_order)

    # --- verbs of the processes --------------------------------------------------------------------------------

    def _process_verb(self, name: str, now_us: int, params: Mapping[str, ParamValue]) -> None:
        match name:
            case "kill_control":
                self._stop_control()
                generation = self._power_generation
                self._scheduler.at(now_us + BOOT_US, lambda at_us: self._restart_control(generation, at_us))
            case "freeze_control":
                self._freeze_control()
            case "thaw_control":
                self._thaw_control()
            case "kill_services":
                self._stop_services()
                self._crash_disk()
                generation = self._power_generation
                self._scheduler.at(now_us + BOOT_US, lambda at_us: self._restart_services(generation, at_us))
            case "slow_disk":
                self._store.slow_disk(int(params["latency"]))
            case "full_disk":
                self._store.full_disk()
            case "mend_disk":
                self._store.slow_disk(DISK_LATENCY_US)
                self._store.mended_disk()
            case "teach_badges" | "stop_teaching":
                self._teach(name, now_us, params)
            case _:
                raise ValueError(f"unknown verb {name!r}")

    def _teach(self, name: str, now_us: int, params: Mapping[str, ParamValue]) -> None:
        if self._services is None:
            raise ValueError(f"{name}: services do not run")
        desk = self._services.services.cards
        if name == "teach_badges":
            desk.begin_teaching(TeachMode(str(params["mode"])), int(params["reader"]), now_us)
        else:
            desk.end_teaching()

    def _freeze_control(self) -> None:
        if self._control is None or self._hung is not None:
            raise ValueError("freeze_control: control does not run")
        self._scheduler.remove(self._control)
        self._hung = HungControl(self._board)
        self._scheduler.add(self._hung, "hung control")
        for wire in self._control_wires():
            self._scheduler.remove_loop(wire.name)
            self._modems[wire.name].left.attach(self._hung)

    def _thaw_control(self) -> None:
        if self._control is None or self._hung is None:
            raise ValueError("thaw_control: control is not frozen")
        # A watchdog would have restarted it: what comes back is a new process.
        self._stop_control()
        self._start_control(self._scheduler.now_us)

    def _restart_in_order(self, now_us: int) -> None:
        """What the control process does when its cycle asks for a restart: it leaves, and the supervisor starts the next."""
        if self._control is None or self._hung is not None:
            return
        self._control.leave(now_us)
        self._process_verb("kill_control", now_us, {})

    def _restart_control(self, generation: int, now_us: int) -> None:
        if self._powered and generation == self._power_generation and self._control is None:
            self._start_control(now_us)

    def _restart_services(self, generation: int, now_us: int) -> None:
        if self._powered and generation == self._power_generation and self._services is None:
            self._start_services(now_us)

    # --- SimulatedStation --------------------------------------------------------------------------------------

    @property
    def scheduler(self) -> Scheduler:
        """The one clockwork."""
        return self._scheduler

    @property
    def config(self) -> StationConfig:
        """What the station runs."""
        return self._config if self._adopted is None else self._adopted

    def configure(self, config: StationConfig) -> None:
        """Settings were saved: services have control work by ``config``, now and after every restart."""
        self._adopted = config
        if self._services is not None:
            self.post(self._services.services.adopt(config))

    @property
    def world(self) -> StationWorld:
        """Physical truth."""
        return self.hardware.world

    def view(self) -> StationView | None:
        """Snapshot of control, ``None`` while it does not run."""
        return None if self._control is None or self._hung else self._control.view_at(self._scheduler.now_us)

    def claims(self) -> Claims | None:
        """What control says, as far as invariants ask."""
        if self._control is None or self._hung:
            return None
        core = self._control.core
        outlets = [
            OutletClaims(
                outlet.config.number,
                outlet.inputs.link_ok,
                tuple([fault.kind.name for fault in outlet.faults.active]),
            )
            for outlet in core.outlets
        ]
        return Claims(core.restored, core.start_us, tuple(outlets))

    def events_since(self, index: int) -> Sequence[TimedEvent]:
        """Events of all boots from number ``index`` on."""
        return self._events[index:]

    def post(self, command: Command) -> None:
        """Hand a command to control."""
        if self._control is not None and self._hung is None and self._exchange is not None:
            self._exchange.deliver((command,))

    def answer(self, ask_id: str, answer: SupervisionAnswer) -> None:
        """The supervision has answered; lost while services do not run."""
        if self._services is not None:
            self._services.services.supervision_answer(ask_id, answer)
            self._continue_services()

    def verbs(self) -> tuple[Verb, ...]:
        """Everything that can be done to this station from outside: the world's verbs and the processes'."""
        supervision = () if self._csms is None else SUPERVISION_VERBS
        return (*verbs_of(self.world), *PROCESS_VERBS, *supervision)

    def apply_verb(self, name: str, params: Mapping[str, ParamValue], now_us: int) -> None:
        """Apply a verb of the world or of the processes. Raises ValueError with a text for people."""
        for verb in PROCESS_VERBS:
            if verb.name == name:
                self._process_verb(name, now_us, check_params(verb, params))
                return
        for verb in SUPERVISION_VERBS:
            if verb.name == name:
                if self._csms is None:
                    raise ValueError(f"{name}: this station is not supervised")
                self._csms.apply(name, check_params(verb, params))
                return
        apply_world_verb(self.world, name, params, now_us)

    @property
    def csms(self) -> Central | None:
        """The central system, ``None`` for a station without supervision."""
        return None if self._csms is None else self._csms.central

    def ledger(self) -> Ledger:
        """What is durable right now."""
        state = (self._store, self._store.commits, self._store.problem)
        if self._ledger is None or self._ledger_of != state:
            journal = self._store.journal(self._config.station_uid)
            self._ledger, self._ledger_of = JournalLedger(journal, lambda: self._store.queued), state
        return self._ledger

    def disturbances(self) -> tuple[str, ...]:
        """What is wrong outside the outlets."""
        found = []
        if not self._powered:
            found.append("no power")
        if self._control is None or self._hung is not None:
            found.append("control stopped")
        if self._services is None:
            found.append("services stopped")
        if self._store.problem or self._store.latency_us > SLOW_DISK_US:
            found.append(DISK)
        found += [f"{name} cut" for name, modem in self._modems.items() if modem.is_cut]
        found += [f"outlet-{n}/front-end down" for n, twin in self.hardware.front_ends.items() if not twin.running]
        return tuple(sorted(found))

    def frames_sent(self) -> int:
        """Chunks put on all lines."""
        return sum(m.left.counters.chunks + m.right.counters.chunks for m in self._modems.values())

    def close(self) -> None:
        """Nothing outside memory is held."""
