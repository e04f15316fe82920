"""Reading the control pilot: windows, gap rule, debounce, diode check (IEC 61851-1 Annex A, Tables A.3 to A.5).

The positive plateau decides A to D, the negative plateau proves the vehicle's diode:

====== ============== ===================================================================
level  window         in the gap above it
====== ============== ===================================================================
A      11 to 13 V     above 13 V the pilot is invalid
B      8 to 10 V      10 to 11 V: A if it was A, else B
C      5 to 7 V       7 to 8 V: B if it was A or B, else C
D      2 to 4 V       4 to 5 V: C if it was A, B or C, else D
E      -1 to +1 V     up to 2 V: E
F      -13 to -11 V   -10 to -11 V: F if it was F; -1 to -2 V: E unless it was F or
                      invalid; between them invalid
====== ============== ===================================================================

Debounce is asymmetric. Leaving C or D is decided after at most 30 ms of anything else, because the contactor must be
open within 100 ms (Table A.6, sequences 2.2 and 8.1). A loose contact that breaks again and again is away for the sum of
its breaks: time back in C or D takes back a fourth of itself only, so a line that is broken for more than a fifth of the
time is lost, and for two fifths or more within 80 ms. Entering C or D takes longer than a BCB pulse (200 to 400 ms),
because the contactor has 3 s to close (sequence 4).

The diode is proven by a negative plateau below -10 V while PWM is on. A plateau that mirrors the positive one means the
diode is shorted; any other plateau above -10 V is no proof of a diode either and is treated alike. Until a good
negative plateau has been seen since the vehicle arrived, nothing may close.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evse.core.config import PilotTimings
from evse.core.units import MS, NEVER
from evse.core.values import PilotLevel, PilotMode, PilotReading, PilotState

ENERGY_LEVELS: Final = (PilotLevel.C, PilotLevel.D)
VEHICLE_LEVELS: Final = (PilotLevel.B, PilotLevel.C, PilotLevel.D)

DIODE_PROVEN_BELOW_MV: Final = -10_000
SHORT_BELOW_MV: Final = 2_000
DIODE_PROOF_US: Final = 20 * MS
"""A bad negative plateau must last this long: one noisy reading must not end a charge."""
FORGIVEN_PART: Final = 4
"""Time back in C or D takes back its fourth part of an earlier absence (ours)."""
PWM_PROOF_US: Final = 20 * MS
"""PWM that was there must be missing this long, then the generator is stuck: one noisy reading must not end a charge."""
DUTY_TOLERANCE_BP: Final = 200
FREQUENCY_MINIMUM_DHZ: Final = 9_800
FREQUENCY_MAXIMUM_DHZ: Final = 10_200
GENERATOR_PROOF_US: Final = 200 * MS
"""The measured signal may differ from the ordered one for this long after a change, then the generator is stuck."""


class DiodeCheck(StrEnum):
    """Result of the diode check since the vehicle arrived."""

    UNKNOWN = "unknown"
    PROVEN = "proven"
    SHORTED = "shorted"


def classify_level(positive_mv: int, previous: PilotLevel) -> PilotLevel:
    """Return the level for a settled positive plateau, by the windows and the gap rule above."""
    if positive_mv > 13_000 or positive_mv < -13_000:
        return PilotLevel.INVALID
    if positive_mv >= 11_000:
        return PilotLevel.A
    if positive_mv > 10_000:
        return PilotLevel.A if previous is PilotLevel.A else PilotLevel.B
    if positive_mv >= 8_000:
        return PilotLevel.B
    if positive_mv > 7_000:
        return PilotLevel.B if previous in (PilotLevel.A, PilotLevel.B) else PilotLevel.C
    if positive_mv >= 5_000:
        return PilotLevel.C
    if positive_mv > 4_000:
        return PilotLevel.C if previous in (PilotLevel.A, PilotLevel.B, PilotLevel.C) else PilotLevel.D
    if positive_mv >= 2_000:
        return PilotLevel.D
    return _classify_below_d(positive_mv, previous)


def _classify_below_d(positive_mv: int, previous: PilotLevel) -> PilotLevel:
    if positive_mv >= -1_000:
        return PilotLevel.E
    if positive_mv >= -2_000:
        return PilotLevel.INVALID if previous in (PilotLevel.F, PilotLevel.INVALID) else PilotLevel.E
    if positive_mv > -10_000:
        return PilotLevel.INVALID
    if positive_mv > -11_000:
        return PilotLevel.F if previous is PilotLevel.F else PilotLevel.INVALID
    return PilotLevel.F


def pilot_state(level: PilotLevel, pwm_on: bool) -> PilotState:
    """Return the state's name as shown to users; an invalid level counts as `E_ShortCut` (no usable pilot)."""
    match level:
        case PilotLevel.A:
            return PilotState.A_NOT_PRESENT
        case PilotLevel.B:
            return PilotState.B_PRESENT_ASKED if pwm_on else PilotState.B_PRESENT
        case PilotLevel.C:
            return PilotState.C_READY_ASKED if pwm_on else PilotState.C_READY
        case PilotLevel.D:
            return PilotState.D_READY_ASKED if pwm_on else PilotState.D_READY
        case PilotLevel.F:
            return PilotState.F_NOT_AVAILABLE
        case _:
            return PilotState.E_SHORT_CUT


def _is_pwm(reading: PilotReading) -> bool:
    return FREQUENCY_MINIMUM_DHZ <= reading.frequency_dhz <= FREQUENCY_MAXIMUM_DHZ


class PilotMonitor:
    """Turns pilot readings into a debounced level, the diode check and the signal's faults.

    ``level`` is the accepted level of the vehicle. While the station itself drives F or E the line tells nothing about
    the vehicle, so the level is kept, and ``state`` shows F. ``pwm_confirmed``: the ordered PWM is measured on the line; it
    ends with the order, or when nothing like PWM was measured for ``PWM_PROOF_US``.
    """

    def __init__(self, timings: PilotTimings) -> None:
        self._timings = timings
        self.level = PilotLevel.A
        self.diode = DiodeCheck.UNKNOWN
        self.pwm_confirmed = False
        self.generator_stuck = False
        self.saw_b_since_a = False
        self.arrived_simplified = False
        self._candidate = PilotLevel.A
        self._candidate_us = 0
        self._left_us = NEVER
        self._broken_us = self._back_us = 0
        self._mode = PilotMode.X1
        self._duty_bp = 10_000
        self._ordered_us = 0
        self._hidden_until_us = -NEVER
        self._mismatch_us = NEVER
        self._bad_plateau_us = NEVER
        self._pwm_missing_us = NEVER

    @property
    def blind(self) -> bool:
        """The station itself drives F or E: whether the vehicle is there cannot be seen."""
        return self._mode in (PilotMode.F, PilotMode.E)

    @property
    def mode(self) -> PilotMode:
        """What the generator is told."""
        return self._mode

    @property
    def held_by_others(self) -> bool:
        """A short or a foreign voltage seems to hold the line, accepted or about to be."""
        return any(level in (PilotLevel.E, PilotLevel.INVALID) for level in (self.level, self._candidate))

    def lost(self) -> None:
        """No fresh readings: what was pending begins anew with the next one, PWM and diode have to be seen again."""
        self._candidate, self._left_us, self._broken_us = self.level, NEVER, 0
        self._mismatch_us = self._bad_plateau_us = self._pwm_missing_us = NEVER
        self.pwm_confirmed = False
        if self.diode is DiodeCheck.PROVEN:
            # Another vehicle may stand there when the readings come back.
            self.diode = DiodeCheck.UNKNOWN

    def ordered(self, now_us: int, mode: PilotMode, duty_bp: int) -> None:
        """Note what the generator is told; readings of the old signal are not faults for a settling time."""
        if self.blind and mode is not self._mode:
            self._hidden_until_us = now_us + self._timings.settle_us
        if mode is not self._mode or (mode is PilotMode.PWM and duty_bp != self._duty_bp):
            self._ordered_us = now_us
            self._mismatch_us = NEVER
        self._mode = mode
        self._duty_bp = duty_bp

    @property
    def state(self) -> PilotState:
        """The shown state, `EV State`."""
        if self._mode is PilotMode.F:
            return PilotState.F_NOT_AVAILABLE
        return pilot_state(self.level, self._mode is PilotMode.PWM and self.pwm_confirmed)

    def update(self, now_us: int, reading: PilotReading) -> int:
        """Take one reading; return when a pending decision would be due."""
        follows = self._follows_order(reading)
        due_us = self._watch_generator(now_us, follows)
        due_us = min(due_us, self._confirm_pwm(now_us, reading))
        if self.blind or self._still_old_signal(now_us, reading):
            self._candidate, self._left_us, self._broken_us = self.level, NEVER, 0
            return due_us
        raw = classify_level(reading.positive_mv, self.level)
        return min(due_us, self._debounce(now_us, raw), self._check_diode(now_us, reading))

    def _follows_order(self, reading: PilotReading) -> bool:
        if self._mode is PilotMode.PWM:
            return _is_pwm(reading) and abs(reading.duty_bp - self._duty_bp) <= DUTY_TOLERANCE_BP
        if self._mode is PilotMode.F:
            return reading.positive_mv < -SHORT_BELOW_MV or abs(reading.positive_mv) < SHORT_BELOW_MV
        if self._mode is PilotMode.X1:
            return reading.frequency_dhz == 0 and reading.positive_mv > -SHORT_BELOW_MV
        return True

    def _still_old_signal(self, now_us: int, reading: PilotReading) -> bool:
        """Whether the reading still shows our own F: X1 and PWM have the same positive plateau, only F hides it."""
        return reading.positive_mv < -SHORT_BELOW_MV and now_us < self._hidden_until_us

    def _watch_generator(self, now_us: int, follows: bool) -> int:
        if follows:
            self._mismatch_us = NEVER
            self.generator_stuck = False
            return NEVER
        if self._mismatch_us == NEVER:
            self._mismatch_us = max(now_us, self._ordered_us)
        due_us = self._mismatch_us + GENERATOR_PROOF_US
        # Once stuck it stays so until it follows: a new order alone mends nothing.
        self.generator_stuck = self.generator_stuck or now_us >= due_us
        return NEVER if self.generator_stuck else due_us

    def _confirm_pwm(self, now_us: int, reading: PilotReading) -> int:
        ordered = self._mode is PilotMode.PWM and not self.generator_stuck
        if not ordered or _is_pwm(reading) or not self.pwm_confirmed:
            self.pwm_confirmed = ordered and _is_pwm(reading)
            self._pwm_missing_us = NEVER
            return NEVER
        if self._pwm_missing_us == NEVER:
            self._pwm_missing_us = now_us
        due_us = self._pwm_missing_us + PWM_PROOF_US
        if now_us < due_us:
            return due_us
        self.pwm_confirmed = False
        # A line at 0 V is a short, whatever the generator does.
        self.generator_stuck = abs(reading.positive_mv) >= SHORT_BELOW_MV
        return NEVER

    def _debounce(self, now_us: int, raw: PilotLevel) -> int:
        if raw is self.level:
            if self._left_us != NEVER:
                self._broken_us, self._back_us = now_us - self._left_us, now_us
            self._candidate, self._left_us = raw, NEVER
            return NEVER
        if self._left_us == NEVER:
            # An absence goes on where earlier ones, as far as they are not forgiven, have ended.
            self._left_us = now_us - max(0, self._broken_us - (now_us - self._back_us) // FORGIVEN_PART)
        if raw is not self._candidate:
            self._candidate, self._candidate_us = raw, now_us
        if self.level in ENERGY_LEVELS:
            due_us = self._left_us + self._timings.leave_energised_us
        elif raw in ENERGY_LEVELS:
            due_us = self._candidate_us + self._timings.enter_energised_us
        else:
            due_us = self._candidate_us + self._timings.other_us
        if now_us < due_us:
            return due_us
        self._accept(raw)
        return NEVER

    def _accept(self, level: PilotLevel) -> None:
        previous, self.level = self.level, level
        self._candidate, self._left_us, self._broken_us = level, NEVER, 0
        if level is PilotLevel.A:
            self.diode = DiodeCheck.UNKNOWN
            self.saw_b_since_a = False
            self.arrived_simplified = False
        elif level is PilotLevel.B:
            self.saw_b_since_a = True
            self.arrived_simplified = False
        elif level in ENERGY_LEVELS and previous is PilotLevel.A and self._mode is PilotMode.X1:
            self.arrived_simplified = True

    def _check_diode(self, now_us: int, reading: PilotReading) -> int:
        measured = self.pwm_confirmed and _is_pwm(reading)
        if not measured or self.level not in VEHICLE_LEVELS or reading.positive_mv <= SHORT_BELOW_MV:
            self._bad_plateau_us = NEVER
            return NEVER
        if reading.negative_mv <= DIODE_PROVEN_BELOW_MV:
            self._bad_plateau_us = NEVER
            if self.diode is DiodeCheck.UNKNOWN:
                self.diode = DiodeCheck.PROVEN
            return NEVER
        if self._bad_plateau_us == NEVER:
            self._bad_plateau_us = now_us
        due_us = self._bad_plateau_us + DIODE_PROOF_US
        if now_us < due_us:
            return due_us
        self.diode = DiodeCheck.SHORTED
        return NEVER
