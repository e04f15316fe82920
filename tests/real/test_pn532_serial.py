"""The card reader's driver on a real serial port, its twin behind a pseudo-terminal, in real time."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hal.drivers.pn532 import Pn532Driver
from hal.linux.pty import PtyLink
from hal.linux.serial_port import SerialPortLink
from hal.ports import CardRead
from hal.scheduling import Stepped
from hal.twins.pn532 import Pn532Twin
from hal.units import SECOND

pytestmark = [pytest.mark.real, pytest.mark.req("AUT-10", "HW-01")]


class Desk:
    """A driver and a twin in one loop that waits for the line of either."""

    def __init__(self, path: Path) -> None:
        self.pty = PtyLink(link_as=path)
        self.port = SerialPortLink(str(path), 115_200)
        self.twin = Pn532Twin(self.pty, self)
        self.driver = Pn532Driver(self.port)
        self.cards: list[CardRead] = []

    def wake(self, component: Stepped, at_us: int) -> None:
        """Wakes are not needed: ``until`` steps both in every round."""

    def until(self, done: Callable[[], bool], within_us: int = 10 * SECOND) -> int:
        """Run until ``done``; return how long that took. Fails after ``within_us``."""
        begin = now = time.monotonic_ns() // 1000
        while not done():
            assert now - begin < within_us, f"not done in time; the driver says: {self.driver.problem}"
            wish = min(self.twin.step(now), self.driver.poll(now), now + 50_000)
            self.cards += self.driver.take_cards()
            lines = [fd for fd in (self.pty.fileno(), self.port.fileno()) if fd >= 0]
            now = time.monotonic_ns() // 1000
            select.select(lines, [], [], max(0, wish - now) / SECOND)
            now = time.monotonic_ns() // 1000
        return now - begin

    def close(self) -> None:
        self.port.close()
        self.pty.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "reader")
    yield desk
    desk.close()


def test_card_read_over_a_real_serial_port(desk: Desk) -> None:
    desk.until(lambda: desk.driver.connected and desk.twin.searching)
    desk.twin.present(bytes.fromhex("04112233445566"))
    desk.until(lambda: bool(desk.cards))
    desk.until(lambda: desk.driver.counters.sightings >= 3)
    assert [card.uid for card in desk.cards] == ["04112233445566"]


def test_adapter_pulled_out_and_put_back(desk: Desk) -> None:
    desk.until(lambda: desk.driver.connected)
    desk.pty.unplug()
    desk.until(lambda: not desk.driver.connected)
    assert desk.driver.problem.startswith("no serial line")
    desk.pty.replug()
    desk.twin.power(False)
    desk.twin.power(True)
    desk.twin.present(bytes.fromhex("DEADBEEF"))
    desk.until(lambda: bool(desk.cards))
    assert desk.driver.connected
    assert [card.uid for card in desk.cards] == ["DEADBEEF"]
