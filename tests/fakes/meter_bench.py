"""A meter twin and its reader joined by a null modem on one scheduler."""

from __future__ import annotations

from dataclasses import dataclass

from boards.meter_load import load_meter
from evse.sim.scheduler import Scheduler
from hal.drivers.modbus_meter import ModbusMeterDriver, Purpose
from hal.frames.modbus import Framing
from hal.meter_map import MeterMap
from hal.twins.modbus_meter import ModbusMeterTwin
from hal.twins.null_modem import NullModem
from hal.world.metered import Measured

THREE_PHASES = Measured(
    (10_000, 11_000, 12_000), (230_000, 231_000, 229_000), (2_300_000, 2_541_000, 2_748_000), 5_000_000
)


def map_of(name: str) -> MeterMap:
    found = load_meter(name).map
    assert found is not None
    return found


@dataclass
class FixedSource:
    now: Measured = THREE_PHASES

    def measured(self, now_us: int) -> Measured:
        return self.now

    def use(self, mwh: int) -> None:
        self.now = replace_energy(self.now, self.now.import_mwh + mwh)


def replace_energy(measured: Measured, import_mwh: int) -> Measured:
    return measured._replace(import_mwh=import_mwh)


class Polling:
    """What control does for a driver: polls it when it wishes and when bytes arrive."""

    def __init__(self, driver: ModbusMeterDriver) -> None:
        self.driver = driver

    def step(self, now_us: int) -> int:
        return self.driver.poll(now_us)


class MeterBench:
    """``reader_unit`` and ``twin_unit``: each side's own address."""

    def __init__(
        self,
        name: str = "iem3155",
        *,
        reader_unit: int = 2,
        twin_unit: int = 2,
        framing: Framing = Framing.RTU,
        purpose: Purpose = Purpose.OUTLET,
        baud: int = 19_200,
        meter_map: MeterMap | None = None,
        gateway: bool = False,
    ) -> None:
        self.scheduler = Scheduler()
        self.map = meter_map or map_of(name)
        self.source = FixedSource()
        self.modem = NullModem(self.scheduler, baud, "meter")
        self.driver = ModbusMeterDriver(self.modem.left, self.map, reader_unit, framing, purpose=purpose)
        self.twin = ModbusMeterTwin(
            self.modem.right, self.map, twin_unit, self.source, self.scheduler, framing, gateway=gateway
        )
        self.polling = Polling(self.driver)
        self.scheduler.add(self.twin, "twin")
        self.scheduler.add(self.polling, "reader")
        self.modem.left.attach(self.polling)
        self.modem.right.attach(self.twin)

    def run(self, seconds: float) -> None:
        self.scheduler.run_until(self.scheduler.now_us + round(seconds * 1_000_000))

    @property
    def now_us(self) -> int:
        return self.scheduler.now_us
