"""``tools/bench ocpp``: what supervision costs: processor time per message and per idle hour, and a connected idle station.

*Message*: one request and its answer through the pure charge point, both checked against their schemas: a third each are
`MeterValues` of the station with four measurands on three phases, heartbeats, and `ChangeConfiguration` of the central
system. *Idle hour*: an hour of virtual time of a registered charge point with heartbeats every 300 s, Snapshots once a second.
*Station*: ``evse run`` in real time, connected over a WebSocket to a central system in this process, nobody charging; processor
time of all its processes, and memory of its services.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from evse.core.units import SECOND
from evse.links.ocpp.charge_point import ChargePoint
from evse.links.ocpp.link import LinkWish
from evse.links.ocpp.settings import StationIdentity, SupervisionSettings
from evse.services.clock import ClockMapping, ClockQuality
from tools.benchmarks.figures import Goal, Report
from tools.benchmarks.running import BenchStation, until

MESSAGE_GOAL_MS: Final = 0.5
STATION_GOAL_PERCENT: Final = 2.0
SERVICES_GOAL_MB: Final = 110.0
STATION_S: Final = 30.0
START_US: Final = 1_767_225_600 * SECOND
TICKS: Final = 100
"""Clock ticks per second in ``/proc``; the same on every Linux that Python runs on."""


def answer_of(text: str) -> str | None:
    """The answer of a central system that accepts everything; ``None`` for what needs none."""
    frame = json.loads(text)
    if frame[0] != 2:
        return None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    payloads: dict[str, dict[str, Any]] = {
        "BootNotification": {"status": "Accepted", "currentTime": now, "interval": 300},
        "Heartbeat": {"currentTime": now},
    }
    return json.dumps([3, frame[1], payloads.get(frame[2], {})])


class _Point:
    """A registered charge point without a station."""

    def __init__(self) -> None:
        settings = SupervisionSettings(url="ws://127.0.0.1/", identity="BENCH")
        self.point = ChargePoint(settings, StationIdentity("V", "M", "S"), "bench", lambda: 0.5)
        self.now_us = SECOND
        self.texts = 0
        self.point.clock = ClockMapping("b", 0, START_US, ClockQuality.SYNCHRONISED)
        self.point.load({}, (), {})
        self.point.booted(self.now_us, "b", {})
        self.point.switch(self.now_us, on=True)
        while not self.point.context.link.may_ask:
            self.step()

    def step(self) -> int:
        """One step and the answers it asks for; returns when to step again."""
        output = self.point.step(self.now_us)
        if output.wish is LinkWish.OPEN:
            self.point.opened(self.now_us)
        for text in output.texts:
            self.texts += 1
            answer = answer_of(text)
            if answer is not None:
                self.point.received(self.now_us, answer)
        return output.wake_us

    def settle(self) -> None:
        """Step until nothing is said any more."""
        before = -1
        while before != self.texts:
            before = self.texts
            self.step()


def per_message_ms(count: int) -> float:
    """Processor milliseconds of one message and its answer."""
    bench = _Point()
    bench.settle()
    values = [
        {"value": "230.0", "measurand": name, "phase": phase, "unit": unit, "context": "Sample.Periodic"}
        for name, unit in (("Voltage", "V"), ("Current.Import", "A"), ("Power.Active.Import", "W"))
        for phase in ("L1", "L2", "L3")
    ]
    values.append({"value": "5", "measurand": "Energy.Active.Import.Register", "unit": "Wh"})
    meter = {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": values}],
    }
    begin = time.process_time()
    for number in range(count):
        bench.now_us += SECOND
        match number % 3:
            case 0:
                bench.point.context.requests.ask("MeterValues", meter)
            case 1:
                bench.point.context.requests.ask("Heartbeat", {})
            case _:
                change = {"key": "MinimumStatusDuration", "value": str(number % 10)}
                bench.point.received(bench.now_us, json.dumps([2, f"c{number}", "ChangeConfiguration", change]))
        bench.step()
    return (time.process_time() - begin) * 1_000 / count


def idle_hour_ms() -> float:
    """Processor milliseconds of an hour in which nothing happens but heartbeats and Snapshots."""
    bench = _Point()
    bench.settle()
    begin = time.process_time()
    for _ in range(3_600):
        bench.now_us += SECOND
        bench.step()
    return (time.process_time() - begin) * 1_000


class _Central:
    """A central system on a loopback WebSocket, in a thread."""

    def __init__(self) -> None:
        self.port = 0
        self.messages = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait(10)

    async def _serve(self) -> None:
        async with serve(self._talk, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set()
            await server.wait_closed()

    async def _talk(self, connection: ServerConnection) -> None:
        async for text in connection:
            self.messages += 1
            answer = answer_of(str(text))
            if answer is not None:
                await connection.send(answer)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def connected_station() -> dict[str, float]:
    """A real station that is connected and idle: percent of a core by process, memory of services. Raises NotSeen."""
    central = _Central()
    with BenchStation("parking") as station:
        station.launch("--supervision", f"ws://127.0.0.1:{central.port}/ocpp")
        until("registered", lambda: central.messages >= 4, 90)
        time.sleep(3)
        pids = {name: station.pid(name) for name in ("control", "services")}
        before = {name: _processor_s(pid) for name, pid in pids.items()}
        begin = time.monotonic()
        time.sleep(STATION_S)
        span_s = time.monotonic() - begin
        found = {name: (_processor_s(pid) - before[name]) / span_s * 100 for name, pid in pids.items()}
        found["services_mb"] = station.resident_mb("services")
    return found


def measure(messages: int) -> Report:
    """Run the benchmark."""
    report = Report("ocpp")
    message_ms, hour_ms = per_message_ms(messages), idle_hour_ms()
    station = connected_station()
    percent = station["services"]
    report.lines = [
        f"message and answer     {message_ms:8.3f} ms of one core ({messages} measured)",
        f"idle hour, virtual     {hour_ms:8.1f} ms of one core",
        f"connected idle station {percent:8.2f} % of one core in services, {station['control']:.2f} % in control",
        f"                       {station['services_mb']:8.1f} MB resident in services",
    ]
    report.goals = [
        Goal("processor time of a message and its answer", "ms", MESSAGE_GOAL_MS, message_ms),
        Goal("services of a connected idle station", "% of a core", STATION_GOAL_PERCENT, percent),
        Goal("services, resident", "MB", SERVICES_GOAL_MB, station["services_mb"]),
    ]
    report.data = {"message_ms": message_ms, "idle_hour_ms": hour_ms, "station": station}
    return report
