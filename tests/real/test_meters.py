"""Meters against somebody else's software: mbpoll reads the simulated ones, our reader reads pymodbus's own server."""

from __future__ import annotations

import asyncio
import os
import re
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hal.drivers.modbus_meter import ModbusMeterDriver
from hal.frames.modbus import Framing
from hal.linux.pty import PtyLink
from hal.linux.tcp import TcpClientLink, TcpServerLink
from hal.ports import MeterReading
from hal.scheduling import Stepped
from hal.twins.modbus_meter import ModbusMeterTwin
from tests.fakes.meter_bench import THREE_PHASES, FixedSource, map_of

pytestmark = [pytest.mark.real, pytest.mark.req("MTR-02", "MTR-04")]


def now_us() -> int:
    return time.monotonic_ns() // 1_000


@pytest.fixture
def mbpoll() -> str:
    program = shutil.which("mbpoll")
    if program is None:
        message = "mbpoll is not installed (Debian: mbpoll)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return program


class Waker:
    """Whoever runs the twin looks at it every few milliseconds anyway."""

    def wake(self, component: Stepped, at_us: int) -> None:
        return None


@contextmanager
def running(twin: ModbusMeterTwin, descriptors: Callable[[], tuple[int, ...]]) -> Iterator[None]:
    """Run a twin in a thread of its own."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            twin.step(now_us())
            select.select(descriptors(), [], [], 0.005)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def twin_on(link: PtyLink | TcpServerLink, name: str, unit: int, framing: Framing) -> ModbusMeterTwin:
    return ModbusMeterTwin(link, map_of(name), unit, FixedSource(), Waker(), framing)


@pytest.fixture
def serial_meter() -> Iterator[str]:
    """An iEM3155 at address 2 behind a pseudo-terminal; its path."""
    with PtyLink() as link, running(twin_on(link, "iem3155", 2, Framing.RTU), lambda: (link.fileno(),)):
        yield link.slave_path


@pytest.fixture
def tcp_meter() -> Iterator[Callable[[str], int]]:
    """Start a meter with this map at unit 1 of a port of this machine; returns the port."""
    links: list[TcpServerLink] = []
    open_: list[Iterator[None]] = []

    def start(name: str) -> int:
        link = TcpServerLink()
        manager = running(twin_on(link, name, 1, Framing.TCP), link.filenos)
        manager.__enter__()
        open_.append(manager)  # type: ignore[arg-type]
        links.append(link)
        return link.port

    yield start
    for manager in open_:
        manager.__exit__(None, None, None)  # type: ignore[attr-defined]
    for link in links:
        link.stop()


def poll(program: str, *arguments: str) -> tuple[int, dict[int, float], str]:
    """Run mbpoll once; returns its status, the values by reference, its words."""
    done = subprocess.run(
        [program, "-1", "-0", "-B", "-o", "2", *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    values = {
        int(ref): float(value) for ref, value in re.findall(r"^\[(\d+)\]:\s+(-?[\d.e+]+)", done.stdout, re.MULTILINE)
    }
    return done.returncode, values, done.stdout + done.stderr


def test_mbpoll_reads_the_serial_meter(mbpoll: str, serial_meter: str) -> None:
    line = ("-m", "rtu", "-b", "19200", "-P", "none")
    status, values, words = poll(mbpoll, *line, "-a", "2", "-r", "2999", "-c", "3", "-t", "4:float", serial_meter)
    assert status == 0, words
    assert values == {2999: 10.0, 3001: 11.0, 3003: 12.0}
    status, values, words = poll(mbpoll, *line, "-a", "2", "-r", "3059", "-c", "1", "-t", "4:float", serial_meter)
    assert values == {3059: pytest.approx(7.589, abs=0.001)}, words
    status, values, words = poll(mbpoll, *line, "-a", "2", "-r", "3205", "-c", "1", "-t", "4:int", serial_meter)
    assert values == {3205: 5_000}, words


def test_mbpoll_gets_the_meters_refusal_and_nothing_from_another_address(mbpoll: str, serial_meter: str) -> None:
    line = ("-m", "rtu", "-b", "19200", "-P", "none", "-t", "4", "-c", "2")
    status, _, words = poll(mbpoll, *line, "-a", "2", "-r", "100", serial_meter)
    assert status != 0 and "Illegal data address" in words
    status, _, words = poll(mbpoll, *line, "-a", "30", "-r", "2999", serial_meter)
    assert status != 0 and "timed out" in words


@pytest.mark.parametrize(
    ("name", "kind", "first", "expected"),
    [
        ("abb-m4m", "4:int", 0x5B10, {0x5B10: 1000, 0x5B12: 1100, 0x5B14: 1200}),
        ("sdm630", "3:float", 0, {0: 230.0, 2: 231.0, 4: 229.0}),
        ("tq-em420", "4:int", 60, {60: 10_000, 62: 230_000}),
    ],
)
def test_mbpoll_reads_meters_over_tcp(
    mbpoll: str, tcp_meter: Callable[[str], int], name: str, kind: str, first: int, expected: dict[int, float]
) -> None:
    port = tcp_meter(name)
    count = str(len(expected))
    status, values, words = poll(
        mbpoll, "-m", "tcp", "-p", str(port), "-a", "1", "-r", str(first), "-c", count, "-t", kind, "127.0.0.1"
    )
    assert status == 0, words
    assert values == expected


# --- our reader against an independent server -------------------------------------------------------------------


def iem3155_device(unit: int) -> SimDevice:
    """An iEM3155 as pymodbus simulates it, from the manual's numbers and not from our map."""
    return SimDevice(
        unit,
        [
            SimData(129, values=4711, datatype=DataType.UINT32),
            SimData(2999, values=[10.0, 11.0, 12.0], datatype=DataType.FLOAT32),
            SimData(3027, values=[230.0, 231.0, 229.0], datatype=DataType.FLOAT32),
            SimData(3059, values=7.589, datatype=DataType.FLOAT32),
            SimData(3203, values=123_456_789, datatype=DataType.INT64),
        ],
    )


@contextmanager
def served(make: Callable[[], ModbusTcpServer | ModbusSerialServer]) -> Iterator[None]:
    """Run pymodbus's server in a loop of its own."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    servers: list[ModbusTcpServer | ModbusSerialServer] = []

    async def serve() -> None:
        server = make()
        servers.append(server)
        await server.serve_forever(background=True)
        ready.set()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield
    finally:
        ending = servers[0].shutdown()  # type: ignore[no-untyped-call]
        asyncio.run_coroutine_threadsafe(ending, loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def read(driver: ModbusMeterDriver, link: PtyLink | TcpClientLink) -> MeterReading:
    deadline = time.monotonic() + 20
    while driver.reading is None and time.monotonic() < deadline:
        wish = driver.poll(now_us())
        waiting = min(max(0.0, (wish - now_us()) / 1e6), 0.05)
        select.select([link.fileno()] if link.fileno() >= 0 else [], [], [], waiting)
    assert driver.reading is not None, driver.problem
    return driver.reading


def check(reading: MeterReading) -> None:
    assert reading.currents_ma == THREE_PHASES.currents_ma
    assert reading.voltages_mv == THREE_PHASES.voltages_mv
    assert reading.power_mw == 7_589_000
    assert reading.energy_mwh == 123_456_789_000
    assert reading.serial == 4711


def test_our_reader_reads_pymodbuss_server_over_tcp() -> None:
    with TcpServerPort() as port, served(lambda: ModbusTcpServer(iem3155_device(1), address=("127.0.0.1", port))):
        link = TcpClientLink("127.0.0.1", port)
        try:
            check(read(ModbusMeterDriver(link, map_of("iem3155"), 1, Framing.TCP), link))
        finally:
            link.close()


def test_our_reader_reads_pymodbuss_server_on_a_serial_line() -> None:
    with (
        PtyLink() as link,
        served(lambda: ModbusSerialServer(iem3155_device(2), port=link.slave_path, baudrate=19_200, parity="N")),
    ):
        check(read(ModbusMeterDriver(link, map_of("iem3155"), 2), link))


def test_nobody_at_the_other_end_is_told_and_never_waited_for() -> None:
    with TcpServerPort() as port:
        link = TcpClientLink("127.0.0.1", port)
        driver = ModbusMeterDriver(link, map_of("iem3155"), 1, Framing.TCP)
        for _ in range(50):
            begun = time.monotonic()
            driver.poll(now_us())
            assert time.monotonic() - begun < 1
            time.sleep(0.002)
        assert not driver.connected
        assert f"127.0.0.1:{port}: Connection refused" in driver.problem
        link.close()


class TcpServerPort:
    """A free port of this machine."""

    def __enter__(self) -> int:
        link = TcpServerLink()
        link.stop()
        return link.port

    def __exit__(self, *error: object) -> None:
        return None
