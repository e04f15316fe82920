"""Domestic connection monitoring on the services' event loop: runs the monitor when bytes arrive and when it wishes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from boards.compiled import HouseMeter
from evse.core.commands import Command
from evse.core.units import SECOND
from evse.exchange.snapshot import StationView
from evse.services.house_monitor import HouseMonitor, house_reader
from evse.services.news import arrives
from evse.web.house_port import HouseView
from hal.linux.serial_port import SerialPortLink
from hal.linux.tcp import TcpClientLink
from hal.wires import LinkLostError

_log = logging.getLogger(__name__)
Post = Callable[[Command], Coroutine[Any, Any, object]]


class HouseWatch:
    """The house meter of a running station; a simulated one hangs on a pseudo-terminal with the frames of TCP."""

    def __init__(
        self, house: HouseMeter, view: Callable[[], StationView | None], post: Post, clock: Callable[[], int]
    ) -> None:
        self._house = house
        self._clock = clock
        self._post = post
        self._sending: set[asyncio.Task[object]] = set()
        self._link: SerialPortLink | TcpClientLink | NoLink
        if house.wire is not None:
            self._link = SerialPortLink(house.wire.path, house.wire.baud)
        elif house.host:
            self._link = TcpClientLink(house.host, house.port)
        else:
            self._link = NoLink()
        reader = house_reader(self._link, house)
        self.monitor = HouseMonitor(reader, house.settings, view, self._send, f"{clock()}")
        self._problem = self.monitor.driver.problem

    def house(self) -> HouseView:
        """How the house connection is, for the page and REST."""
        limit, settings = self.monitor.limit, self._house.settings
        problem = self.monitor.driver.problem or limit.problem
        return HouseView(
            meter=self._house.map.name,
            in_force=limit.house_ma is not None and not limit.problem,
            problem=problem,
            house_ma=limit.house_ma,
            allowed_ma=limit.said_ma,
            maximum_ma=settings.maximum_ma,
            maximum_power_mw=settings.maximum_power_mw,
            fallback_ma=settings.fallback_ma,
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                wish_us = self.monitor.step(self._clock())
                self._note_problem()
                await readable(self._link.fileno(), max(wish_us - self._clock(), 1_000) / SECOND)
        finally:
            self._link.close()

    def _send(self, command: Command) -> None:
        task = asyncio.get_running_loop().create_task(self._post(command))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _note_problem(self) -> None:
        problem = self.monitor.driver.problem or self.monitor.limit.problem
        if problem != self._problem:
            self._problem = problem
            if problem:
                _log.warning("house meter: %s", problem)
            else:
                _log.info("house meter: it answers")


class NoLink:
    """The way to a meter that nobody has said where it is."""

    def fileno(self) -> int:
        """There is nothing to wait on."""
        return -1

    def read(self, now_us: int) -> bytes:
        """Raises LinkLostError."""
        raise LinkLostError("no meter with an address is set up")

    def write(self, data: bytes, now_us: int) -> None:
        """Raises LinkLostError."""
        self.read(now_us)

    def close(self) -> None:
        """Nothing is open."""


async def readable(fd: int, timeout_s: float) -> None:
    """Wait for bytes at ``fd`` (negative: there is none), not longer than ``timeout_s``."""
    loop = asyncio.get_running_loop()
    if fd < 0:
        await asyncio.sleep(timeout_s)
        return
    arrived = asyncio.Event()
    loop.add_reader(fd, arrived.set)
    try:
        await arrives(arrived, timeout_s)
    finally:
        loop.remove_reader(fd)
