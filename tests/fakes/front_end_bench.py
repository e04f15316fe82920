"""A front end on a bench: driver, serial line, twin and hand-operated electronics, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

from evse.sim.elision import RenewalLoop
from evse.sim.scheduler import Scheduler
from hal.drivers.front_end import FrontEndDriver
from hal.frames.front_end import Frame
from hal.frames.front_end_messages import Message
from hal.ports import (
    BeepCode,
    LightCode,
    LockPosition,
    LockPulse,
    PilotDriveMode,
    SelfTest,
    ShutterPosition,
    ShutterPulse,
)
from hal.twins.front_end import DEFAULT_FIRMWARE, FirmwareIdentity, FrontEndTwin
from hal.twins.null_modem import NullModem
from hal.units import MS


class HandElectronics:
    """``OutletElectronics`` whose every value a test sets by hand; a contactor follows its coil at once."""

    def __init__(self) -> None:
        self.load_mv = 12_000
        self.negative_mv = -12_000
        self.mode = PilotDriveMode.E
        self.duty_bp = 0
        self.coil = False
        self.welded = False
        self.domestic_coil = False
        self.domestic_plug = False
        self.currents = (0, 0, 0)
        self.residual = (False, False)
        self.shutter = ShutterPosition.BETWEEN
        self.supply = 12_000
        self.dip: tuple[int, ...] = ()
        self.x2 = False
        self.log: list[tuple[int, str, object]] = []
        self._listeners: list[Callable[[int], None]] = []

    def changed(self, now_us: int) -> None:
        for listener in self._listeners:
            listener(now_us)

    def pilot_line(self) -> tuple[int, int, int, int]:
        if self.mode is PilotDriveMode.F:
            return (-12_000, -12_000, 0, 0)
        if self.mode is PilotDriveMode.X1:
            return (self.load_mv, self.load_mv, 10_000, 0)
        if self.mode is PilotDriveMode.PWM:
            return (self.load_mv, self.negative_mv, self.duty_bp, 10_000)
        return (0, 0, 0, 0)

    def proximity_ohm(self) -> int | None:
        return 220

    def mirror_closed(self) -> bool:
        return self.coil or self.welded

    def domestic_mirror_closed(self) -> bool:
        return self.domestic_coil

    def domestic_plugged(self) -> bool:
        return self.domestic_plug

    def lock_position(self) -> LockPosition:
        return LockPosition.LOCKED

    def shutter_position(self) -> ShutterPosition:
        return self.shutter

    def currents_ma(self) -> tuple[int, int, int]:
        return self.currents

    def voltages_mv(self) -> tuple[int, int, int]:
        return (230_000, 231_000, 229_000)

    def temperature_sensor_ok(self) -> bool:
        return True

    def coil_open_load(self) -> bool:
        return False

    def residual_trip(self) -> tuple[bool, bool]:
        return self.residual

    def self_test(self) -> SelfTest:
        return SelfTest.PASSED

    def temperature_dc(self) -> int:
        return 251

    def supply_mv(self) -> int:
        return self.supply

    def inputs(self) -> tuple[bool, ...]:
        return (True, False)

    def dip_switches(self) -> tuple[int, ...]:
        return self.dip

    def x2_closed(self) -> bool:
        return self.x2

    def drive_pilot(self, mode: PilotDriveMode, duty_bp: int, now_us: int) -> None:
        self.mode, self.duty_bp = mode, duty_bp
        self._did(now_us, "pilot", (mode, duty_bp))

    def drive_coil(self, energised: bool, now_us: int) -> None:
        if energised != self.coil:
            self.coil = energised
            self._did(now_us, "coil", energised)

    def drive_domestic_coil(self, energised: bool, now_us: int) -> None:
        if energised != self.domestic_coil:
            self.domestic_coil = energised
            self._did(now_us, "domestic coil", energised)

    def drive_lock(self, direction: LockPulse, duration_us: int, now_us: int) -> None:
        self._did(now_us, "lock", (direction, duration_us))

    def drive_shutter(self, direction: ShutterPulse, duration_us: int, now_us: int) -> None:
        self._did(now_us, "shutter", (direction, duration_us))

    def drive_x2(self, closed: bool, now_us: int) -> None:
        self.x2 = closed
        self._did(now_us, "x2", closed)

    def start_self_test(self, now_us: int) -> None:
        self._did(now_us, "self test", True)

    def show_light(self, code: LightCode, now_us: int) -> None:
        self._did(now_us, "light", code)

    def show_text(self, text: str, now_us: int) -> None:
        self._did(now_us, "text", text)

    def beep(self, code: BeepCode, now_us: int) -> None:
        self._did(now_us, "beep", code)

    def ventilate(self, on: bool, now_us: int) -> None:
        self._did(now_us, "ventilation", on)

    def on_change(self, listener: Callable[[int], None]) -> None:
        self._listeners.append(listener)

    def times_of(self, what: str, value: object) -> list[int]:
        """When ``what`` was driven to ``value``."""
        return [at for at, name, driven in self.log if name == what and driven == value]

    def _did(self, now_us: int, what: str, value: object) -> None:
        self.log.append((now_us, what, value))
        self.changed(now_us)


class HoldingControl:
    """Stands for control: polls the driver, and while ``hold`` is set grants permission after each step."""

    def __init__(self, driver: FrontEndDriver) -> None:
        self.driver = driver
        self.hold = False
        self.steps = 0
        self.connected_log: list[tuple[int, bool]] = []

    def step(self, now_us: int) -> int:
        self.steps += 1
        driver = self.driver
        due = driver.poll(now_us)
        if not self.connected_log or self.connected_log[-1][1] is not driver.connected:
            self.connected_log.append((now_us, driver.connected))
        if self.hold:
            driver.hold_until(now_us + 250 * MS, max(0, now_us - driver.read_at_us), now_us)
            if driver.steady_period_us() or driver.connected:
                due = min(due, max(driver.next_renewal_us(), now_us + 1))
        return due

    def essential_wake_us(self) -> int:
        return self.driver.essential_wake_us()


class FrontEndBench:
    """Everything together. ``sent`` and ``heard`` are the driver's frames with their times."""

    def __init__(
        self,
        *,
        local_interlock: bool = True,
        elide: bool = False,
        watchdog_us: int | None = 100 * MS,
        firmware: FirmwareIdentity = DEFAULT_FIRMWARE,
    ) -> None:
        self.scheduler = Scheduler(elide=elide)
        self.pins = HandElectronics()
        self.modem = NullModem(self.scheduler)
        self.sent: list[tuple[int, Frame]] = []
        self.heard: list[tuple[int, Frame]] = []
        self.driver = FrontEndDriver(self.modem.left, self._record)
        self.twin = FrontEndTwin(
            self.modem.right, self.pins, self.scheduler, local_interlock, firmware=firmware, watchdog_us=watchdog_us
        )
        self.control = HoldingControl(self.driver)
        self.modem.left.attach(self.control)
        self.modem.right.attach(self.twin)
        self.scheduler.add(self.twin, "twin")
        self.scheduler.add(self.control, "control")
        self.scheduler.add_loop(
            RenewalLoop("front end", (self.driver, self.modem, self.twin), line=self.modem, runner=self.control)
        )

    @property
    def now_us(self) -> int:
        return self.scheduler.now_us

    def run(self, span_us: int) -> None:
        self.scheduler.run_for(span_us)

    def poke(self) -> None:
        """Let control step now, because a test has called the driver or changed what control wants."""
        self.scheduler.wake(self.control, self.now_us)

    def offer(self, duty_bp: int = 5_333) -> None:
        """Put PWM on the pilot."""
        self.driver.drive_pilot(PilotDriveMode.PWM, duty_bp, self.now_us)
        self.poke()

    def load(self, millivolts: int) -> None:
        """The vehicle pulls the pilot's positive level to ``millivolts``."""
        self.pins.load_mv = millivolts
        self.pins.changed(self.now_us)

    def hold(self, on: bool) -> None:
        """Control grants (and renews) permission from now on, or stops doing so."""
        self.control.hold = on
        self.poke()

    def charge(self) -> None:
        """From power-on to a held contactor at state C with PWM."""
        self.run(200 * MS)
        self.offer()
        self.load(6_000)
        self.run(100 * MS)
        self.hold(True)
        self.run(100 * MS)

    def sent_of(self, kind: type[Message]) -> list[tuple[int, Frame]]:
        """The driver's frames of one kind."""
        return [(at, frame) for at, frame in self.sent if isinstance(frame.message, kind)]

    def _record(self, now_us: int, direction: str, frame: Frame) -> None:
        (self.sent if direction == "tx" else self.heard).append((now_us, frame))
