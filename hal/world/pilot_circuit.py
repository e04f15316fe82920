"""The control pilot's circuit: generator, cable, vehicle load, and everything that can be wrong with it.

Specification. The generator drives +12 V or -12 V (or a 1 kHz square wave of both) through R1 = 1 kOhm. The vehicle
loads the line behind a diode (0.7 V) with R2 = 2.74 kOhm (state B), in parallel R3 = 1.3 kOhm (C) or 270 Ohm (D),
IEC 61851-1 Annex A, Tables A.2 and A.3. The plateau is the node voltage of three conductances,

    V = (Voc/R1 + Vd/Re) / (1/R1 + 1/Re + 1/Rs)

where ``Re`` is the load behind the diode and ``Rs`` a short to protective earth in front of it; the middle terms fall
away while the diode blocks. Conductances are integers in picosiemens, voltages in millivolts, so that every machine
computes the same plateau. Capacitances and edges are not modelled: plateaus are settled values.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Final, NamedTuple

from evse.records import dataclass
from hal.ports import PilotDriveMode
from hal.units import NEVER

PICOSIEMENS: Final = 10**12
"""Picosiemens in a siemens."""

FULL_DUTY_BP: Final = 10_000
NOMINAL_FREQUENCY_DHZ: Final = 10_000
MEASURABLE_SWING_MV: Final = 500
"""Below this swing no comparator finds an edge: duty and frequency read as on a dead line (ours)."""


class PilotLine(NamedTuple):
    """A pilot line as measured: settled plateaus, duty cycle in 0.01 %, frequency in 0.1 Hz (0 on a steady line)."""

    positive_mv: int
    negative_mv: int
    duty_bp: int
    frequency_dhz: int


DEAD_LINE: Final = PilotLine(0, 0, 0, 0)
"""What is measured on a line that nobody drives."""


class Diode(StrEnum):
    """Condition of the vehicle's pilot diode."""

    OK = "ok"
    SHORTED = "shorted"
    OPEN = "open"


def conductance_ps(resistance_ohm: int) -> int:
    """Return the conductance in picosiemens; 0 Ohm counts as 1 milliohm."""
    return PICOSIEMENS // resistance_ohm if resistance_ohm > 0 else PICOSIEMENS * 1_000


def _rounded(numerator: int, denominator: int) -> int:
    """Divide and round half away from zero, alike for both signs."""
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


@dataclass(slots=True)
class PilotGenerator:
    """The station's generator. ``stuck``: it keeps its signal and ignores orders."""

    mode: PilotDriveMode = PilotDriveMode.E
    duty_bp: int = 0
    powered: bool = True
    stuck: bool = False
    positive_mv: int = 12_000
    negative_mv: int = -12_000
    source_ohm: int = 1_000
    frequency_dhz: int = NOMINAL_FREQUENCY_DHZ
    duty_error_bp: int = 0
    missed: tuple[PilotDriveMode, int] | None = None
    """The last order that came while it was stuck."""

    def stick(self) -> None:
        """Keep the signal whatever is ordered."""
        self.stuck = True

    def release(self) -> None:
        """Follow orders again, beginning with the last one that was missed."""
        self.stuck = False
        missed, self.missed = self.missed, None
        if missed is not None:
            self.drive(*missed)

    def drive(self, mode: PilotDriveMode, duty_bp: int) -> bool:
        """Take an order; return whether the signal changed. A square wave of 0 % or 100 % is a steady line."""
        if not self.powered:
            self.missed = None
            return False
        if self.stuck:
            self.missed = (mode, duty_bp)
            return False
        if mode is PilotDriveMode.PWM and duty_bp <= 0:
            mode = PilotDriveMode.F
        elif mode is PilotDriveMode.PWM and duty_bp >= FULL_DUTY_BP:
            mode = PilotDriveMode.X1
        duty_bp = duty_bp if mode is PilotDriveMode.PWM else 0
        if (mode, duty_bp) == (self.mode, self.duty_bp):
            return False
        self.mode, self.duty_bp = mode, duty_bp
        return True

    @property
    def pwm_on(self) -> bool:
        """Whether a square wave leaves the generator."""
        return self.powered and self.mode is PilotDriveMode.PWM

    @property
    def real_duty_bp(self) -> int:
        """Duty cycle that is really driven, the generator's error included."""
        return min(max(self.duty_bp + self.duty_error_bp, 1), FULL_DUTY_BP - 1)

    def set_power(self, on: bool) -> None:
        """Follow the front end's supply: an unpowered generator leaves 0 V, a restarted one waits for its first order."""
        self.powered = on
        if not on:
            self.mode, self.duty_bp = PilotDriveMode.E, 0


@dataclass(slots=True)
class PilotBounce:
    """A loose contact: the pilot core opens and closes every ``period_us`` until ``until_us``, then it is closed."""

    open: bool = False
    due_us: int = NEVER
    period_us: int = 0
    until_us: int = 0

    def start(self, period_us: int, duration_us: int, now_us: int) -> None:
        """Open now, then alternate."""
        self.open, self.period_us, self.until_us = True, period_us, now_us + duration_us
        self.due_us = min(now_us + period_us, self.until_us)

    def stop(self) -> None:
        """Close for good."""
        self.open, self.due_us = False, NEVER

    def step(self, now_us: int) -> None:
        """Alternate; at the end stay closed."""
        if now_us >= self.until_us:
            self.stop()
            return
        self.open = not self.open
        self.due_us = min(now_us + self.period_us, self.until_us)


@dataclass(slots=True)
class PilotCircuit:
    """Cable and vehicle input. Faults stay until healed, whichever vehicle is plugged in.

    ``short_ohm``: pilot to protective earth in front of the diode (80 Ohm gives state E, clause A.4.9).
    ``behind_short_ohm``: the same behind the diode, as handheld testers do it. ``foreign_mv``: voltage that gets onto the
    pilot in front of the diode through ``foreign_ohm``, by a damaged insulation.
    """

    diode: Diode = Diode.OK
    diode_mv: int = 700
    r2_ohm: int = 2_740
    r3_charge_ohm: int = 1_300
    r3_ventilation_ohm: int = 270
    short_ohm: int | None = None
    behind_short_ohm: int | None = None
    foreign_mv: int = 0
    foreign_ohm: int | None = None
    pilot_open: bool = False
    earth_open: bool = False
    bounce: PilotBounce = field(default_factory=PilotBounce)

    @property
    def loop_closed(self) -> bool:
        """Whether pilot and protective earth both reach the vehicle."""
        return not (self.pilot_open or self.earth_open or self.bounce.open)

    def load_ps(self, s2_closed: bool, ventilation: bool) -> int:
        """Return the vehicle's conductance behind its diode, in picosiemens."""
        load = conductance_ps(self.r2_ohm)
        if s2_closed:
            load += conductance_ps(self.r3_ventilation_ohm if ventilation else self.r3_charge_ohm)
        if self.behind_short_ohm is not None:
            load += conductance_ps(self.behind_short_ohm)
        return load

    def plateau_mv(self, generator: PilotGenerator, positive: bool, load_ps: int) -> int:
        """Return the settled voltage of one half-wave for a load behind the diode (0 = nothing connected)."""
        source_mv = generator.positive_mv if positive else generator.negative_mv
        source_ps = conductance_ps(generator.source_ohm)
        short_ps = 0 if self.short_ohm is None else conductance_ps(self.short_ohm)
        numerator, denominator = source_mv * source_ps, source_ps + short_ps
        if self.foreign_ohm is not None:
            foreign_ps = conductance_ps(self.foreign_ohm)
            numerator, denominator = numerator + self.foreign_mv * foreign_ps, denominator + foreign_ps
        if self.diode is Diode.SHORTED:
            return _rounded(numerator, denominator + load_ps)
        conducts = self.diode is Diode.OK and numerator > self.diode_mv * denominator
        if conducts:
            return _rounded(numerator + self.diode_mv * load_ps, denominator + load_ps)
        return _rounded(numerator, denominator)

    def line(self, generator: PilotGenerator, load_ps: int) -> PilotLine:
        """Return what the station measures at its side of the line."""
        mode = generator.mode
        if not generator.powered or mode is PilotDriveMode.E:
            return DEAD_LINE
        if mode is PilotDriveMode.X1:
            level = self.plateau_mv(generator, True, load_ps)
            return PilotLine(level, level, FULL_DUTY_BP, 0)
        if mode is PilotDriveMode.F:
            level = self.plateau_mv(generator, False, load_ps)
            return PilotLine(level, level, 0, 0)
        positive = self.plateau_mv(generator, True, load_ps)
        negative = self.plateau_mv(generator, False, load_ps)
        if positive - negative < MEASURABLE_SWING_MV:
            return PilotLine(positive, negative, 0, 0)
        return PilotLine(positive, negative, generator.real_duty_bp, generator.frequency_dhz)


def level_of(line: PilotLine) -> str:
    """Name the state (A to F) that is physically on the line, ``"invalid"`` between F and E.

    Boundaries are the middles of the undefined gaps of IEC 61851-1 Table A.4 (10.5, 7.5, 4.5, 1.5, -1.5, -10.5 V).
    """
    if line.frequency_dhz == 0 and line.positive_mv <= -10_500:
        return "F"
    for floor_mv, name in ((10_500, "A"), (7_500, "B"), (4_500, "C"), (1_500, "D"), (-1_500, "E")):
        if line.positive_mv > floor_mv:
            return name
    return "invalid"
