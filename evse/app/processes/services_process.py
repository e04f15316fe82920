"""The services process: ``python -m evse.app.processes.services_process``, started by the supervisor only.

One asyncio event loop: exchange with control, the station's services, the web server. The journal writes in a thread of
its own and is read in threads; nothing on the loop waits for a disk.

Both listening sockets (exchange, web) belong to the supervisor and are handed on to each new services process: control
connects and browsers ask while services start, and nobody is refused.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evse.app.network.charging_network import ChargingNetwork
from evse.app.network.station_host import StationHost, host_of
from evse.app.page.board_view import board_from
from evse.app.page.scenario_runner import ScenarioRunner
from evse.app.page.session_recorder import RecordedSource, SessionRecorder
from evse.app.page.world_port import WorldSocketPort
from evse.app.processes.child import ChildArguments, Task, add_child_arguments, begin_child, wait_for_task
from evse.app.station.badge_port import StationBadges
from evse.app.station.board_cable import circumstances_of
from evse.app.station.factory_badges import badge_list_of
from evse.app.station.house_desk import HouseDesk
from evse.app.station.house_settings import has_house_settings, wanted_house
from evse.app.station.publication_task import StationPublication
from evse.app.station.record_source import JournalRecords
from evse.app.station.report_source import StationReport
from evse.app.station.station_control import StationControl
from evse.app.station.station_firmware import StationFirmware, firmware_service
from evse.app.station.station_hub import RING, StationHub, monotonic_us
from evse.app.station.station_memory import StationMemory
from evse.app.station.system_clock import system_mapping
from evse.app.station.tampering import Tampering
from evse.app.supervision.supervision_settings import supervision_from
from evse.core.commands import Restart
from evse.core.config import MeterLink, StationConfig
from evse.core.faults import CATALOGUE, NO_BIT
from evse.exchange.services_end import ServicesEnd
from evse.exchange.snapshot import StationView
from evse.services.clock import NO_CLOCK, ClockMapping, Instant
from evse.services.journal import ForgetEverything
from evse.services.news import heard
from evse.services.settings.model import Values
from evse.services.settings.to_policy import policy_of_settings
from evse.services.sqlite_journal import SqliteJournal, SqliteStore
from evse.services.station_services import StationServices
from evse.web.app import create_app
from evse.web.ports import Extras, NotConnected
from evse.web.server import Server, make_server

if TYPE_CHECKING:
    from evse.app.station.gateway_watch import GatewayWatch
    from evse.app.station.usb_watch import UsbWatch
    from evse.app.supervision.charge_point_task import Supervised

_log = logging.getLogger(__name__)


class ServicesProcess:
    """Everything services consist of. To be made inside a running event loop."""

    def __init__(self, task: Task, arguments: argparse.Namespace, child: ChildArguments) -> None:
        loop = asyncio.get_running_loop()
        station = task.station()
        self._child = child
        self._boot_id = f"services-{time.time_ns() // 1_000_000}"
        self._news = asyncio.Event()
        self._store = SqliteStore(Path(task.data) / "journal.sqlite", notify=lambda: _call_on(loop, self._deliver))
        journal: SqliteJournal = self._store.journal(station.config.station_uid)
        self._machine = host_of(Path(task.data), task.interface, task.wifi_interface, task.world)
        self._memory = StationMemory(
            *(Path(task.data), task.facts, task.profile_config(), self._stamp, monotonic_us),
            circumstances=circumstances_of(task.world),
        )
        self._reset_journal(journal)
        self._control = control = StationControl(self._memory, child.status.send)
        self._firmware = self._make_firmware(task, lambda: _call_on(loop, control.restart_soon))
        values = self._memory.in_force
        wanted = supervision_from(values, task.supervision)
        supervised = self._supervised(task, wanted, station.config) if wanted else None
        back_end = None if supervised is None else supervised.back_end
        self._supervision, self._supervision_values = supervised, wanted
        self._delivered, self._config = task.supervision, station.config
        services = StationServices(
            journal,
            policy_of_settings(values),
            NO_CLOCK,
            station.config,
            wake=self._news.set,
            factory_badges=badge_list_of(task.badges),
            supervision=back_end,
            back_end=back_end,
        )
        self._services = services
        config = self._memory.config()
        if config.version != station.config.version:
            services.wanted = config
        self._memory.settings.listen(self._settings_changed)
        self._configuring: set[asyncio.Task[None]] = set()
        self._hub = self._make_hub(services)
        self._publication = StationPublication(
            *(journal, Path(task.data), station.config.station_uid, self._memory.settings),
            *(self._stamp, self._publish),
            simulated=bool(task.world),
        )
        listener = socket.socket(fileno=arguments.exchange_fd)
        self._end = ServicesEnd(listener, self._hub)
        self._hub.sender = self._end
        self._web = socket.socket(fileno=arguments.web_fd)
        network = self._make_network(task)
        self._host = StationHost(
            *(self._machine, self._memory, Path(task.data), monotonic_us, self._clock_set, network),
            *self._web.getsockname()[:2],
        )
        world = WorldSocketPort(task.world) if task.world else None
        names = {kind.bit: f"{kind.name}: {kind.meaning}" for kind in CATALOGUE if kind.bit != NO_BIT}
        has_house = station.wires.house is not None or has_house_settings(values)
        self._house = HouseDesk(self._hub.latest, self._hub.post, monotonic_us) if has_house else None
        extras = Extras(
            board=board_from(task.board),
            history=self._hub,
            wires=self._hub.wire_log,
            scenarios=ScenarioRunner() if world is not None else None,
            recording=SessionRecorder(world) if world is not None else None,
            report=StationReport(
                station.config.station_uid,
                self._hub,
                journal,
                names,
                self._instant,
                self._memory.settings,
                self._memory.security,
                lambda: self._host.problem,
                self._firmware.version,
                network,
            ),
            publication=self._publication,
            house=self._house,
            accounts=self._memory.accounts,
            settings=self._memory.settings,
            control=control,
            firmware=self._firmware,
            host=self._host,
            slave=network.slave,
            master=network.master,
            security=self._memory.security,
            badges=StationBadges(
                services.cards, [each.number for each in station.config.outlets], self._hub.flush, monotonic_us
            ),
        )
        source = RecordedSource(self._hub, world) if world is not None else self._hub
        app = create_app(source, world, JournalRecords(journal), error_bits=names, extras=extras)
        self._server: Server = make_server(app, "", 0)
        self._usb = self._usb_watch(task)
        self._problem = self._memory_problem = ""
        self._plan, self._simulated = station.wires, bool(task.world)
        self._gateways: GatewayWatch | None = None

    def _usb_watch(self, task: Task) -> UsbWatch | None:
        if "usb.allow_config" not in self._memory.settings.values:
            return None
        # Only a THØR has the port.
        from evse.app.station.usb_watch import UsbWatch

        return UsbWatch(
            Path(task.usb),
            self._memory.settings,
            self._firmware,
            lambda command: self._end.send((command,)),
            monotonic_us,
        )

    def _read_meters(self) -> None:
        """Meters behind gateways and at the house connection, as the settings have it now."""
        config = self._memory.config()
        if self._house is not None:
            factory = self._memory.settings.catalogue.factory
            self._house.use(wanted_house(self._plan.house, self._memory.in_force, factory, config))
        if self._gateways is None and all(each.meter_link is not MeterLink.TCP for each in config.outlets):
            return
        # The Modbus library is loaded only where there is a meter.
        from evse.app.station.gateway_watch import GatewayWatch, wanted_meters

        if self._gateways is None:
            self._gateways = GatewayWatch(lambda command: self._end.send((command,)), monotonic_us)
        values = self._memory.in_force
        self._gateways.use(wanted_meters(config, self._plan, values, simulated=self._simulated))

    def _supervised(self, task: Task, wanted: dict[str, Any], config: StationConfig) -> Supervised:
        """The way to the central system, which begins to connect."""
        # Loaded only where it is used: a station without supervision needs neither WebSockets nor schemas.
        from evse.app.supervision.supervised_station import Surroundings, supervised_station

        loop = asyncio.get_running_loop()
        around = Surroundings(
            data=Path(task.data),
            clock=monotonic_us,
            wake=self._news.set,
            call=lambda function: _call_on(loop, function),
            restart=self._restart,
            view=self._latest,
            events=lambda: self._hub.recent_events(RING),
            firmware=self._firmware.service,
            settings=self._memory.settings,
            listen=self._memory.log.listen,
            # On a simulated station the loopback address is as good as any.
            simulated=bool(task.world),
        )
        return supervised_station(wanted, config, around)

    def _make_hub(self, services: StationServices) -> StationHub:
        hands = Tampering(self._memory.log)
        services.cards.taught = hands.taught
        return StationHub(services, self._mapping, observer=hands.see, remembering=lambda: self._memory.problem)

    def _make_firmware(self, task: Task, restart: Callable[[], None]) -> StationFirmware:
        data = Path(task.data)
        family = self._memory.facts.family
        service = firmware_service(data, family, task.maker_keys, self._memory.log, restart, self._latest)
        return StationFirmware(service, data, self._healthy, monotonic_us)

    def _make_network(self, task: Task) -> ChargingNetwork:
        return ChargingNetwork(
            *(self._memory.settings, self._firmware, Path(task.data), self._latest, monotonic_us),
            *(*self._web.getsockname()[:2], task.interface),
            simulated=bool(task.world),
        )

    def _healthy(self) -> bool:
        """Whether control is there and the journal works: what a new version has to show."""
        condition = self._hub.condition()
        return condition.connected and not condition.journal_problem

    def _latest(self) -> StationView | None:
        return self._hub.latest()

    def _restart(self, kind: str) -> None:
        """The central system has asked for a reset and the sessions have ended."""
        _log.warning("%s reset by the central system", kind)
        if kind == "Hard" or self._memory.restart_needed:
            self._control.restart_soon()
            return
        self._end.send((Restart(command_id=f"reset-{monotonic_us()}", cause=f"{kind}Reset"),))

    def _instant(self, mono_us: int | None) -> Instant:
        clock = self._services.clock
        return clock.instant(clock.boot_id, monotonic_us() if mono_us is None else mono_us)

    def _stamp(self) -> Instant:
        return self._mapping(self._boot_id).instant(self._boot_id, monotonic_us())

    def _mapping(self, boot_id: str) -> ClockMapping:
        return system_mapping(boot_id, utc_ns=self._machine.utc_ns)

    def _clock_set(self) -> None:
        """The wall clock is another one now: what is stored and published from here on goes by it."""
        self._hub.clock_set()
        self._publication.look()

    def _reset_journal(self, journal: SqliteJournal) -> None:
        """What a factory reset removes from the journal, before anybody reads it; then the reset is over."""
        order = self._memory.reset
        if order is not None:
            journal.commit([ForgetEverything(order.keep_badges is not False)], self._memory.resets.done)

    def _publish(self, wanted: bool) -> None:
        self._services.publish = wanted

    def _settings_changed(self, _values: Values, _keys: frozenset[str]) -> None:
        values = self._memory.in_force
        self._services.cards.policy = policy_of_settings(values)
        wanted = supervision_from(values, self._delivered)
        if self._supervision is not None and wanted != self._supervision_values:
            self._supervision_values = wanted
            self._supervision.use(monotonic_us(), wanted, self._config)
        if self._supervision is not None:
            self._supervision.rewire(self._memory.config())
        task = asyncio.create_task(self._configure(), name="configure")
        self._configuring.add(task)
        task.add_done_callback(self._configuring.discard)

    async def _configure(self) -> None:
        """Bring control to the present settings; without control it gets them when it comes."""
        self._read_meters()
        settings = self._memory.settings
        version = settings.configuration.version
        try:
            outcome = await self._hub.configure(self._memory.config())
        except NotConnected:
            return
        if outcome.outcome != "done" and settings.configuration.version == version:
            settings.refusal = outcome.reason
            _log.warning("control does not take settings version %d: %s", version, outcome.reason)

    def stop(self) -> None:
        """End in an orderly way."""
        self._server.should_exit = True
        self._news.set()

    async def run(self) -> None:
        """Serve until stopped."""
        work = asyncio.create_task(self._work(), name="services")
        # A failure of the work ends the process: the supervisor starts a new one.
        work.add_done_callback(lambda _task: self.stop())
        publishing = asyncio.create_task(self._publication.run(), name="publication")
        publishing.add_done_callback(lambda _task: self.stop())
        trial = asyncio.create_task(self._firmware.run(), name="firmware")
        self._read_meters()
        host = asyncio.create_task(self._host.run(), name="host")
        usb = None if self._usb is None else asyncio.create_task(self._usb.run(), name="usb port")
        serve = asyncio.create_task(self._server.serve(sockets=[self._web]), name="web")
        while not self._server.started and not serve.done():  # noqa: ASYNC110  # uvicorn has a flag, no event
            await asyncio.sleep(0.005)
        self._child.status.send({"ready": True})
        await serve
        if usb is not None:
            usb.cancel()
        if self._house is not None:
            self._house.close()
        if self._gateways is not None:
            self._gateways.close()
        trial.cancel()
        host.cancel()
        # It says goodbye to the network.
        await asyncio.wait((host,))
        if self._supervision is not None:
            await self._supervision.link.end()
        self._end.close()
        self._store.close()
        self._memory.close()
        for each in (work, publishing):
            if each.done():
                each.result()
            each.cancel()

    async def _work(self) -> None:
        while not self._server.should_exit:
            self._child.status.heartbeat(monotonic_us())
            timeout_s = self._hub.tick()
            view = self._hub.latest()
            if view is not None:
                self._memory.acknowledge(view.config_version, view.config_digest)
            if self._services.problem != self._problem:
                self._problem = self._services.problem
                _log.warning("%s", self._problem or "the journal works again")
            if self._memory.problem != self._memory_problem:
                self._memory_problem = self._memory.problem
                _log.warning("%s", self._memory_problem or "settings, accounts and security log are in order again")
            await heard(self._news, max(timeout_s, 0.001))

    def _deliver(self) -> None:
        self._store.deliver()
        self._hub.flush()
        self._news.set()


def _call_on(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """From the journal's thread into the loop; a loop that has ended has no interest any more."""
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        pass


async def _serve(task: Task, arguments: argparse.Namespace, child: ChildArguments) -> None:
    process = ServicesProcess(task, arguments, child)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, process.stop)
    gc.freeze()
    gc.enable()
    await process.run()


def main(argv: list[str] | None = None) -> int:
    """Run services until SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="evse.app.processes.services_process", description=__doc__)
    add_child_arguments(parser)
    parser.add_argument("--exchange-fd", type=int, required=True, help="listening socket for control")
    parser.add_argument("--web-fd", type=int, required=True, help="listening socket for the web server")
    arguments = parser.parse_args(argv)
    child = begin_child("evse-services", arguments)
    asyncio.run(_serve(wait_for_task(), arguments, child))
    return 0


if __name__ == "__main__":
    sys.exit(main())
