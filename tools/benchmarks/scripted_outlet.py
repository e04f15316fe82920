"""A scripted outlet for measuring the safety path: it charges, reports a cause to open, waits for OPEN, charges again.

It is what hangs at the pins of a real front-end twin (``OutletElectronics``). Three causes:

=============  ==========================  ==============================  =================================================
cause          what the STATE shows        then OPEN is due after          way back to a closed contactor
=============  ==========================  ==============================  =================================================
``s2``         9 V with PWM (S2 opened)    the debounce (20 ms)            6 V again; same session
``pilot``      12 V (pilot line broken)    the debounce (20 ms)            X1 seen, 9 V, PWM seen, 6 V; same session
``residual``   30 mA AC trip output        nothing: at once                unplugged and plugged again: a new session, whose
                                                                           start is durable before PWM
=============  ==========================  ==============================  =================================================

Latency runs from the moment just before the reporting STATE is written to the moment just after OPEN was read.

The load is open: moments to inject (slots) follow each other by a random stream, whatever control does. A slot that finds
the contactor closed injects. A slot that finds it open because control owes an OPEN or a HOLD that is overdue by more than 5 ms counts too:
as an injection answered when control at last did what it owed. Else a slot passes (the outlet is on its way back, or
services are writing the new session) and is only counted. So a stall cannot hide the injections that it prevented.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from hal.frames.front_end import Frame
from hal.frames.front_end_messages import Hold, Open, State
from hal.ports import (
    BeepCode,
    LightCode,
    LockPosition,
    LockPulse,
    OutletReading,
    PilotDriveMode,
    SelfTest,
    ShutterPosition,
    ShutterPulse,
)
from hal.units import MS, NEVER, SECOND
from hal.wires import ByteLink

A_MV: Final = 12_000
B_MV: Final = 9_000
C_MV: Final = 6_000
LOW_MV: Final = -12_000
CABLE_32A_OHM: Final = 220
CHARGE_MA: Final = 16_000
SELF_TEST_US: Final = 100 * MS
HAND_US: Final = 1 * MS
"""From something the script waits for to its own next move."""
UNPLUGGED_US: Final = 250 * MS
"""Longer than the station's debounce of the cable (50 ms) and the lateness of a control without FIFO priority."""
STUCK_US: Final = 5 * SECOND
OVERDUE_US: Final = 5 * MS
"""An answer that is later than this has prevented the slots that pass meanwhile."""
SLOW_US: Final = 10 * MS
"""An answer slower than this (net of the debounce) is noted with its time, so that its cause can be looked for."""
LONGEST_WAIT_US: Final = 2 * SECOND
"""An OPEN that has not come by then is lost, and counts as this late."""


class Cause(StrEnum):
    """Why the contactor has to open."""

    S2 = "s2"
    PILOT = "pilot"
    RESIDUAL = "residual"


DEBOUNCED: Final = (Cause.S2, Cause.PILOT)


class Planner(Protocol):
    """Calls an action at a time (``evse.sim.scheduler.Scheduler``)."""

    def at(self, at_us: int, action: Callable[[int], None]) -> None: ...


class StampedLink:
    """A ``ByteLink`` that notes when it was written to and when it gave something, on a clock of the caller's."""

    def __init__(self, link: ByteLink, clock: Callable[[], int]) -> None:
        self._link, self._clock = link, clock
        self.written_us = 0
        self.read_us = 0

    def read(self, now_us: int) -> bytes:
        """As the link; the stamp is taken after the bytes are there."""
        data = self._link.read(now_us)
        if data:
            self.read_us = self._clock()
        return data

    def write(self, data: bytes, now_us: int) -> None:
        """As the link; the stamp is taken before the bytes go."""
        self.written_us = self._clock()
        self._link.write(data, now_us)


@dataclass(frozen=True, slots=True)
class Timing:
    """What the station under test is configured to, and how often to inject."""

    leave_us: int
    """Debounce of C to anything else; part of the path for the debounced causes."""
    enter_us: int
    """Debounce of anything to C; part of the way back."""
    slot_us: tuple[int, int] = (10 * MS, 30 * MS)
    """Shortest and longest pause between two moments to inject."""
    residual_percent: int = 8


@dataclass(slots=True)
class Tally:
    """What happened at one outlet. Latencies in microseconds, with the debounce where the cause has one."""

    latencies_us: dict[Cause, list[int]] = field(default_factory=lambda: {cause: [] for cause in Cause})
    prevented_us: list[int] = field(default_factory=list)
    """Slots that an overdue answer of control has prevented: from the slot to that answer, no debounce inside."""
    reclosings_us: list[int] = field(default_factory=list)
    """From the STATE that reports C to the HOLD, without the debounce."""
    slow_us: list[tuple[int, int]] = field(default_factory=list)
    """From when to when a slow OPEN was owed, on the clock."""
    slots: int = 0
    passed: int = 0
    lost: int = 0
    unexpected: int = 0
    lease_ends: int = 0
    stuck: int = 0
    """Ways back that ended nowhere: unplugged by force, and plugged in again."""
    stuck_in: list[str] = field(default_factory=list)
    """What the outlet looked like then."""

    @property
    def injected(self) -> int:
        """Injections that were answered."""
        return sum(map(len, self.latencies_us.values()))


class _Phase(StrEnum):
    BACK = "on the way back"
    CLOSED = "closed"
    INJECTED = "injected"
    REPORTED = "reported"


class ScriptedOutlet:
    """Electronics and script of one outlet; ``frame`` is the hook for its twin."""

    def __init__(self, link: StampedLink, planner: Planner, stream: random.Random, timing: Timing) -> None:
        self._link, self._planner, self._stream, self._timing = link, planner, stream, timing
        self.tally = Tally()
        self._listeners: list[Callable[[int], None]] = []
        self._mode, self._duty_bp = PilotDriveMode.F, 0
        self._level_mv = A_MV
        self._ohm: int | None = None
        self._contact = False
        self._residual = False
        self._lock = LockPosition.UNLOCKED
        self._test = SelfTest.NOT_RUN
        self._phase, self._phase_us = _Phase.BACK, 0
        self._cause = Cause.S2
        self._reported_us = 0
        self._c_offered = False
        self._c_told_us = 0
        self._overdue: list[int] = []
        self._after_pilot_loss = False
        self._leaving = False
        self._slots_run = False
        self.on_slow: Callable[[Cause, int, int], None] = lambda *_: None
        """Called at once with cause, when OPEN was owed and when it came, for each slow OPEN."""

    def begin(self, now_us: int) -> None:
        """Plug the vehicle in; from the first closing on injections are made."""
        self._phase_us = now_us
        self._planner.at(now_us + UNPLUGGED_US, self._plug_in)
        self._planner.at(now_us + SECOND, self._look)

    # --- what the pins read ---------------------------------------------------------------------------------------

    def pilot_line(self) -> tuple[int, int, int, int]:
        """The line as a vehicle with a diode leaves it."""
        match self._mode:
            case PilotDriveMode.PWM:
                return self._level_mv, LOW_MV, self._duty_bp, 10_000
            case PilotDriveMode.X1:
                return self._level_mv, self._level_mv, 10_000, 0
            case PilotDriveMode.F:
                return LOW_MV, LOW_MV, 0, 0
            case PilotDriveMode.E:
                return 0, 0, 0, 0

    def proximity_ohm(self) -> int | None:
        """The cable's coding."""
        return self._ohm

    def mirror_closed(self) -> bool:
        """The contact follows the coil at once: its mechanical delay is not what is measured."""
        return self._contact

    def lock_position(self) -> LockPosition:
        """The bolt follows its motor at once."""
        return self._lock

    def shutter_position(self) -> ShutterPosition:
        """There is none."""
        return ShutterPosition.BETWEEN

    def currents_ma(self) -> tuple[int, int, int]:
        """A three-phase charge while the contact is closed."""
        current_ma = CHARGE_MA if self._contact else 0
        return current_ma, current_ma, current_ma

    def voltages_mv(self) -> tuple[int, int, int]:
        """The mains is there."""
        return 230_000, 230_000, 230_000

    def temperature_sensor_ok(self) -> bool:
        """A whole sensor."""
        return True

    def coil_open_load(self) -> bool:
        """A whole coil."""
        return False

    def residual_trip(self) -> tuple[bool, bool]:
        """The detector's outputs."""
        return self._residual, False

    def self_test(self) -> SelfTest:
        """The detector's self test."""
        return self._test

    def temperature_dc(self) -> int:
        """25 degrees Celsius."""
        return 250

    def supply_mv(self) -> int:
        """The 12 V rail is good."""
        return 12_000

    def inputs(self) -> tuple[bool, ...]:
        """Nothing is connected."""
        return ()

    def dip_switches(self) -> tuple[int, ...]:
        """There are none."""
        return ()

    def x2_closed(self) -> bool:
        """There is none."""
        return False

    # --- what the firmware drives ----------------------------------------------------------------------------------

    def drive_pilot(self, mode: PilotDriveMode, duty_bp: int, now_us: int) -> None:
        """Follow the generator; the vehicle reacts to X1 and PWM."""
        self._mode, self._duty_bp = mode, duty_bp
        self._changed(now_us)
        if self._phase is _Phase.BACK:
            self._planner.at(now_us + HAND_US, self._go_on)

    def drive_coil(self, energised: bool, now_us: int) -> None:
        """Close or open the contact."""
        if energised == self._contact:
            return
        self._contact = energised
        self._changed(now_us)
        if energised:
            self._enter(_Phase.CLOSED, now_us)
            if not self._slots_run:
                self._slots_run = True
                self._plan_slot(now_us)
        elif self._phase is not _Phase.BACK:
            self.tally.lease_ends += 1
            if self._phase is not _Phase.REPORTED:
                self._come_back(now_us)

    def domestic_mirror_closed(self) -> bool:
        """There is no domestic socket."""
        return False

    def domestic_plugged(self) -> bool:
        """There is no domestic socket."""
        return False

    def drive_domestic_coil(self, energised: bool, now_us: int) -> None:
        """There is none."""

    def drive_x2(self, closed: bool, now_us: int) -> None:
        """There is none."""

    def drive_shutter(self, direction: ShutterPulse, duration_us: int, now_us: int) -> None:
        """There is none."""

    def drive_lock(self, direction: LockPulse, duration_us: int, now_us: int) -> None:
        """Move the bolt."""
        if direction is not LockPulse.REST:
            self._lock = LockPosition.LOCKED if direction is LockPulse.LOCK else LockPosition.UNLOCKED
            self._changed(now_us)
            self._planner.at(now_us + HAND_US, self._go_on)

    def start_self_test(self, now_us: int) -> None:
        """Run the self test."""
        self._test = SelfTest.RUNNING
        self._changed(now_us)
        self._planner.at(now_us + SELF_TEST_US, self._self_test_ends)

    def show_light(self, code: LightCode, now_us: int) -> None:
        """Nobody looks."""

    def show_text(self, text: str, now_us: int) -> None:
        """There is no display."""

    def beep(self, code: BeepCode, now_us: int) -> None:
        """Nobody listens."""

    def ventilate(self, on: bool, now_us: int) -> None:
        """There is no fan."""

    def on_change(self, listener: Callable[[int], None]) -> None:
        """Call ``listener`` at each change."""
        self._listeners.append(listener)

    def _changed(self, now_us: int) -> None:
        for listener in self._listeners:
            listener(now_us)

    def _self_test_ends(self, now_us: int) -> None:
        self._test = SelfTest.PASSED
        self._changed(now_us)

    # --- slots -----------------------------------------------------------------------------------------------------

    def _plan_slot(self, now_us: int) -> None:
        self._planner.at(now_us + self._stream.randint(*self._timing.slot_us), self._slot)

    def _slot(self, now_us: int) -> None:
        self._plan_slot(now_us)
        self.tally.slots += 1
        if self._phase is _Phase.CLOSED:
            self._inject(now_us)
        elif now_us > self._owed_us() + OVERDUE_US:
            self._overdue.append(now_us)
        else:
            self.tally.passed += 1

    def _owed_us(self) -> int:
        """When control's next answer is due at the latest; far away while it owes none that it could give alone."""
        if self._phase is _Phase.REPORTED:
            return self._reported_us + self._debounce_us()
        if self._phase is _Phase.BACK and self._c_told_us:
            return self._c_told_us + self._timing.enter_us
        return NEVER

    def _debounce_us(self) -> int:
        return self._timing.leave_us if self._cause in DEBOUNCED else 0

    def _inject(self, now_us: int) -> None:
        chance = self._stream.randrange(100)
        if chance < self._timing.residual_percent:
            self._cause, self._residual = Cause.RESIDUAL, True
        elif chance % 2:
            self._cause, self._level_mv = Cause.S2, B_MV
        else:
            self._cause, self._level_mv = Cause.PILOT, A_MV
        self._enter(_Phase.INJECTED, now_us)
        self._changed(now_us)

    # --- frames ----------------------------------------------------------------------------------------------------

    def frame(self, now_us: int, direction: str, frame: Frame) -> None:
        """Hook for the twin's line."""
        message = frame.message
        if isinstance(message, State):
            self._told(message.reading)
        elif isinstance(message, Open):
            self._opened(now_us)
        elif isinstance(message, Hold) and self._c_told_us and self._phase is _Phase.BACK:
            self.tally.reclosings_us.append(self._link.read_us - self._c_told_us - self._timing.enter_us)
            self._c_told_us, self._c_offered = 0, False
            self._settle()

    def _told(self, reading: OutletReading) -> None:
        if self._phase is _Phase.INJECTED and self._shows_cause(reading):
            self._phase = _Phase.REPORTED
            self._reported_us = self._link.written_us
        elif self._c_offered and not self._c_told_us and reading.positive_mv == C_MV:
            self._c_told_us = self._link.written_us

    def _shows_cause(self, reading: OutletReading) -> bool:
        if self._cause is Cause.RESIDUAL:
            return reading.residual_ac
        return reading.positive_mv == (B_MV if self._cause is Cause.S2 else A_MV)

    def _opened(self, now_us: int) -> None:
        if self._phase is _Phase.REPORTED:
            self.tally.latencies_us[self._cause].append(self._link.read_us - self._reported_us)
            owed_us = self._owed_us()
            if self._link.read_us > owed_us + SLOW_US:
                self.tally.slow_us.append((owed_us, self._link.read_us))
                self.on_slow(self._cause, owed_us, self._link.read_us)
            self._settle()
        elif self._phase is not _Phase.BACK:
            self.tally.unexpected += 1
        else:
            return
        self._come_back(now_us)

    def _settle(self) -> None:
        """Control has done what it owed: the slots that waited for it are answered."""
        self.tally.prevented_us += [self._link.read_us - slot_us for slot_us in self._overdue]
        self._overdue.clear()

    # --- the way back ----------------------------------------------------------------------------------------------

    def _enter(self, phase: _Phase, now_us: int) -> None:
        self._phase, self._phase_us = phase, now_us

    def _come_back(self, now_us: int) -> None:
        self._enter(_Phase.BACK, now_us)
        self._c_told_us, self._c_offered = 0, False
        if self._residual:
            self._leaving = True
        self._after_pilot_loss = self._level_mv == A_MV
        self._planner.at(now_us + HAND_US, self._go_on)

    def _go_on(self, now_us: int) -> None:
        """Do the next thing that a user, a cable and a vehicle would do to charge again."""
        if self._phase is not _Phase.BACK or self._contact:
            return
        if self._leaving:
            self._level_mv, self._residual = A_MV, False
            if self._lock is LockPosition.UNLOCKED:
                self._leaving = False
                self._ohm = None
                self._planner.at(now_us + UNPLUGGED_US, self._plug_in)
        elif self._ohm is None:
            return
        elif self._after_pilot_loss:
            if self._mode is not PilotDriveMode.X1:
                return
            self._after_pilot_loss = False
            self._level_mv = B_MV
        elif self._mode is PilotDriveMode.PWM and self._level_mv == B_MV:
            self._level_mv, self._c_offered = C_MV, True
        self._changed(now_us)

    def _plug_in(self, now_us: int) -> None:
        self._ohm, self._level_mv = CABLE_32A_OHM, B_MV
        self._after_pilot_loss = False
        self._changed(now_us)

    def _look(self, now_us: int) -> None:
        """Once a second: give up what will not come any more."""
        self._planner.at(now_us + SECOND, self._look)
        if self._phase in (_Phase.INJECTED, _Phase.REPORTED) and now_us >= self._phase_us + LONGEST_WAIT_US:
            self.tally.lost += 1
            self.tally.latencies_us[self._cause].append(LONGEST_WAIT_US)
            self._overdue.clear()
            self._come_back(now_us)
        elif self._phase is _Phase.BACK and now_us >= self._phase_us + STUCK_US:
            if self._slots_run:
                self.tally.stuck += 1
                self.tally.stuck_in.append(self._situation())
            self._enter(_Phase.BACK, now_us)
            self._leaving = True
            self._c_told_us, self._c_offered = 0, False
            self._overdue.clear()
            self._go_on(now_us)

    def _situation(self) -> str:
        plug = "unplugged" if self._ohm is None else "plugged"
        waits = "leaving" if self._leaving else "after pilot loss" if self._after_pilot_loss else ""
        return (
            f"{self._mode.name} {self._level_mv // 1_000} V {plug} {self._lock.name} {self._test.name} {waits}".strip()
        )
