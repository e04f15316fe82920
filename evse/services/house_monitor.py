"""Domestic connection monitoring in the services process: reads the house meter, tells control what the house leaves.

A ``Stepped`` component of its own beside the station's services. The meter is read by the same driver as an outlet's, over
TCP instead of a serial line; what its readings mean is :mod:`evse.core.house_limit`.

Whoever begins to watch while control still knows what was said before says nothing until the first reading, or until the meter
counts as lost: neither a restart of services nor a change of settings ends a charge by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from boards.compiled import HouseMeter
from evse.core.commands import Command
from evse.core.house_limit import LOST_AFTER_US, HouseLimit, HouseSettings
from evse.core.units import NEVER, SECOND, PhaseValues
from evse.core.values import MeterSample
from evse.exchange.snapshot import StationView
from evse.services.house_word import knows_house
from hal.drivers.modbus_meter import ModbusMeterDriver, Purpose
from hal.frames.modbus import Framing
from hal.ports import MeterReading
from hal.wires import ByteLink

LOOK_US: Final = 1 * SECOND
"""The limit is looked at this often although no reading comes: a loss is told by time alone."""
IDLE_LOOK_US: Final = 5 * SECOND
"""The same while nobody charges."""
COMMAND_LIFE_US: Final = 10 * SECOND


class HouseMonitor:
    """One house connection. ``view`` gives the latest Snapshot, ``send`` takes commands for control."""

    def __init__(
        self,
        driver: ModbusMeterDriver,
        settings: HouseSettings,
        view: Callable[[], StationView | None],
        send: Callable[[Command], None],
        life: str,
    ) -> None:
        """``life``: name of this life of the process, so that no command bears the id of an earlier one."""
        self.driver = driver
        self.limit = HouseLimit(settings)
        self._view = view
        self._send = send
        self._life = life
        self._sent = 0
        self._restored = False
        self._patient_until_us = -1
        self._seen: MeterReading | None = None
        self._look_us = -NEVER

    def step(self, now_us: int) -> int:
        """Poll the meter and say what is to be said; return when to be stepped again at the latest."""
        self.driver.poll(now_us)
        if self.driver.reading is not self._seen or now_us >= self._look_us:
            self._seen = self.driver.reading
            self._look(now_us)
            self._look_us = now_us + (IDLE_LOOK_US if self.driver.idle else LOOK_US)
        return min(self.driver.wish_us(), self._look_us)

    def _look(self, now_us: int) -> None:
        view = self._view()
        if view is None or any(outlet.session is not None for outlet in view.outlets):
            self.driver.hurry(now_us)
        else:
            self.driver.idle = True
        # Orders are refused before control knows those of the boot before: then there is nobody to tell.
        restored = view is not None and view.restored
        if restored:
            if not self._restored:
                self.limit.forget_said()
            if not self._waits(now_us, view):
                self._tell(now_us, view)
        self._restored = restored

    def _waits(self, now_us: int, view: StationView | None) -> bool:
        """Whether what was said before our time may hold on until there is a reading."""
        if self.driver.reading is not None or view is None:
            self._patient_until_us = now_us
        elif self._patient_until_us < 0:
            self._patient_until_us = now_us + (LOST_AFTER_US if knows_house(view) else 0)
        return now_us < self._patient_until_us

    def _tell(self, now_us: int, view: StationView | None) -> None:
        reading = self.driver.reading
        sample = None
        if reading is not None:
            sample = MeterSample(
                reading.read_us,
                currents_ma=reading.currents_ma,
                voltages_mv=reading.voltages_mv,
                powers_mw=reading.powers_mw,
                power_mw=reading.power_mw,
            )
        command_id = f"house-{self._life}-{self._sent}"
        command = self.limit.update(now_us, sample, own_currents(view), command_id, now_us + COMMAND_LIFE_US)
        if command is not None:
            self._sent += 1
            self._send(command)


def house_reader(link: ByteLink, house: HouseMeter) -> ModbusMeterDriver:
    """Return the reader of a house meter at the other end of ``link``."""
    return ModbusMeterDriver(link, house.map, house.unit, Framing.TCP, purpose=Purpose.HOUSE)


def own_currents(view: StationView | None) -> PhaseValues | None:
    """Return what all outlets draw together by conductor, ``None`` while one of them does not know."""
    if view is None:
        return None
    total = [0, 0, 0]
    for outlet in view.outlets:
        if outlet.currents_ma is None:
            return None
        for conductor, current_ma in zip(outlet.conductors, outlet.currents_ma, strict=False):
            total[conductor - 1] += current_ma
    return total[0], total[1], total[2]
