"""Meters behind gateways on the services' event loop: one task for each outlet that has one, as the settings say.

A simulated gateway hangs on a pseudo-terminal with the frames of TCP; a real one is at the address that is given, or at the one
that the station's own address and the gateway's last number make.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from boards.compiled import WirePlan
from boards.meter_load import load_meter
from evse.app.station.house_watch import readable
from evse.core.commands import Command, ReportMeter
from evse.core.config import MeterLink, StationConfig
from evse.core.units import SECOND
from evse.records import dataclass
from evse.services.gateway_meter import AGAIN_US, GatewayMeter, gateway_reader
from evse.services.settings.model import Values
from hal.linux.serial_port import SerialPortLink
from hal.linux.tcp import TcpClientLink
from hal.meter_map import MeterMap

_log = logging.getLogger(__name__)
NO_GATEWAY = "no gateway is simulated at this outlet: give the power meter IP address"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How one outlet's meter is to be read. ``path``: of a simulated gateway. Without ``host`` and ``path`` nobody is asked."""

    map: str
    unit: int
    host: str = ""
    port: int = 502
    path: str = ""
    baud: int = 0


def wanted_meters(config: StationConfig, plan: WirePlan, values: Values, *, simulated: bool) -> dict[int, Wanted]:
    """By outlet, what is to be read through a gateway. ``values``: the settings in force."""
    found = {}
    for outlet, wires in zip(config.outlets, plan.outlets, strict=True):
        if not outlet.meter or outlet.meter_link is not MeterLink.TCP:
            continue
        key = f"outlet.{outlet.number}"
        host = str(values.get(f"{key}.meter_host") or "")
        gateway = None if wires.meter is None else wires.meter.gateway
        wire = wires.gateway_wire()
        path, baud = ("", 0) if host or wire is None else (wire.path, wire.baud)
        if not host and not path:
            host = "" if gateway is None else gateway.host
        if not host and not path and not simulated:
            last = values.get(f"{key}.meter_gateway_address") or 130
            host = f"{str(values['network.address']).rpartition('.')[0]}.{last}"
        port = 502 if gateway is None else gateway.port
        found[outlet.number] = Wanted(outlet.meter, outlet.meter_unit, host, port, path, baud)
    return found


class GatewayWatch:
    """Reads every meter behind a gateway until ``close``. ``send`` hands a command to control."""

    def __init__(self, send: Callable[[Command], object], clock: Callable[[], int]) -> None:
        self._send = send
        self._clock = clock
        self._life = str(clock())
        self._tasks: dict[int, tuple[Wanted, asyncio.Task[None]]] = {}

    def use(self, wanted: dict[int, Wanted]) -> None:
        """Read these from now on; what has not changed goes on."""
        for number in [each for each, (known, _) in self._tasks.items() if wanted.get(each) != known]:
            self._tasks.pop(number)[1].cancel()
        for number, each in wanted.items():
            if number not in self._tasks:
                task = asyncio.get_running_loop().create_task(self._read(number, each), name=f"meter {number}")
                task.add_done_callback(_tell_end)
                self._tasks[number] = (each, task)

    def close(self) -> None:
        """Stop."""
        self.use({})

    async def _read(self, number: int, wanted: Wanted) -> None:
        life = f"{self._life}-{self._clock()}"
        link = _link(wanted)
        meter_map = load_map(wanted.map)
        if link is None or meter_map is None:
            await self._complain(number, life)
            return
        meter = GatewayMeter(number, gateway_reader(link, meter_map, wanted.unit), self._send, life)
        problem = meter.driver.problem
        try:
            while True:
                wish_us = meter.step(self._clock())
                if meter.driver.problem != problem:
                    problem = meter.driver.problem
                    _log.info("meter of outlet %d: %s", number, problem or "it answers")
                await readable(link.fileno(), max(wish_us - self._clock(), 1_000) / SECOND)
        finally:
            link.close()

    async def _complain(self, number: int, life: str) -> None:
        sent = 0
        while True:
            sent += 1
            command_id = f"meter-{life}-{number}-{sent}"
            self._send(ReportMeter(command_id, number, self._clock() + AGAIN_US, problem=NO_GATEWAY))
            await asyncio.sleep(AGAIN_US / SECOND)


def load_map(name: str) -> MeterMap | None:
    """The register map of a meter, ``None`` when nobody knows it."""
    return load_meter(name).map


def _tell_end(task: asyncio.Task[None]) -> None:
    """A reader that has died is told: its meter is lost from then on."""
    if not task.cancelled() and task.exception() is not None:
        _log.error("%s is not read any more", task.get_name(), exc_info=task.exception())


def _link(wanted: Wanted) -> SerialPortLink | TcpClientLink | None:
    if wanted.path:
        return SerialPortLink(wanted.path, wanted.baud)
    return TcpClientLink(wanted.host, wanted.port) if wanted.host else None
