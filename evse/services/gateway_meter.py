"""An outlet's own meter behind a gateway (Modbus TCP), read in the services process and reported to control.

A ``Stepped`` component beside the station's services: control owns no connection into the network, because nothing of the
network may ever make it wait. A reading counts as control's own does; when none comes, control finds out by the age of the
last one and its transformers meter (:mod:`evse.core.metering`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evse.core.commands import Command, ReportMeter
from evse.core.units import SECOND, PhaseValues
from evse.core.values import MeterSample
from hal.drivers.modbus_meter import ModbusMeterDriver
from hal.frames.modbus import Framing
from hal.meter_map import MeterMap
from hal.ports import MeterReading
from hal.wires import ByteLink

AGAIN_US: Final = 10 * SECOND
"""What is known is said again this often: control may have begun anew, and gives a meter 15 s for its first word."""
LIFE_US: Final = 5 * SECOND
"""A report that is older when it arrives is of no use."""
LARGEST: Final = (1 << 63) - 1


class GatewayMeter:
    """The meter of outlet ``number``. ``send`` takes commands for control, ``life`` names this life of the process."""

    def __init__(self, number: int, driver: ModbusMeterDriver, send: Callable[[Command], object], life: str) -> None:
        self.driver = driver
        self._number = number
        self._send = send
        self._life = life
        self._sent = 0
        self._said: tuple[MeterReading | None, str] | None = None
        self._again_us = 0

    def step(self, now_us: int) -> int:
        """Poll the meter and report what is new; return when to be stepped again at the latest."""
        wish_us = self.driver.poll(now_us)
        known = (self.driver.reading, self.driver.problem)
        if known != self._said or now_us >= self._again_us:
            self._said, self._again_us = known, now_us + AGAIN_US
            self._sent += 1
            command_id = f"meter-{self._life}-{self._number}-{self._sent}"
            sample = None if known[0] is None else sample_of(known[0])
            self._send(ReportMeter(command_id, self._number, now_us + LIFE_US, sample=sample, problem=known[1]))
        return min(wish_us, self._again_us)


def gateway_reader(link: ByteLink, meter_map: MeterMap, unit: int) -> ModbusMeterDriver:
    """Return the reader of a meter behind the gateway at the other end of ``link``."""
    return ModbusMeterDriver(link, meter_map, unit, Framing.TCP)


def sample_of(reading: MeterReading) -> MeterSample:
    """Return the core's value for what a meter said.

    What is too large for the way to control is no number there, and a register that begins anew beyond that never does.
    """
    return MeterSample(
        read_us=reading.read_us,
        currents_ma=_phases(reading.currents_ma),
        voltages_mv=_phases(reading.voltages_mv),
        powers_mw=_phases(reading.powers_mw),
        power_mw=_number(reading.power_mw),
        energy_mwh=_number(reading.energy_mwh),
        wraps_mwh=_number(reading.energy_wraps_mwh) or 0,
        step_mwh=reading.energy_step_mwh,
        lag_us=reading.energy_lag_us,
        serial=reading.serial,
    )


def _number(value: int | None) -> int | None:
    return value if value is not None and abs(value) <= LARGEST else None


def _phases(values: PhaseValues | None) -> PhaseValues | None:
    return values if values is not None and max(map(abs, values)) <= LARGEST else None
