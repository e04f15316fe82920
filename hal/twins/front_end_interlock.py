"""The front end's own interlock: the part of its firmware that opens the contactor without asking the host.

Closing needs, beside a running permission: pilot level C or D, PWM ordered, negative half-wave at -12 V (the vehicle's
diode), no residual-current trip, every current below the hard limit, supply good. Opening by itself: level outside C/D
for 10 ms, residual-current trip, hard over-current, supply low. While the contactor is closed, PWM is not needed (the
host stops a charge by steady +12 V first) and the diode is the host's business.

Levels: C or D from 2.0 V; up to 7.0 V to close and up to 8.0 V to stay (the gap of IEC 61851-1 Table A.4 keeps the
nearer earlier state). Diode: -13.0 to -10.0 V. Supply: low below 10.0 V, good again from 10.5 V.

A domestic socket has no pilot: there the plug switch takes its place (10 ms as well), everything else is the same.
"""

from __future__ import annotations

from typing import Final, Protocol

from hal.frames.front_end_messages import FaultBit, SafeStateReason
from hal.ports import OutletReading, PilotDriveMode
from hal.units import MS, NEVER

PILOT_FILTER_US: Final = 10 * MS
LOWEST_D_MV: Final = 2_000
HIGHEST_C_TO_CLOSE_MV: Final = 7_000
HIGHEST_C_TO_STAY_MV: Final = 8_000
DIODE_FROM_MV: Final = -13_000
DIODE_TO_MV: Final = -10_000
SUPPLY_LOW_MV: Final = 10_000
SUPPLY_GOOD_MV: Final = 10_500


class Interlock(Protocol):
    """Judges samples for one contactor."""

    def refuses_closing(self, sample: OutletReading, mode: PilotDriveMode) -> SafeStateReason:
        """Return why the coil must not be energised now, ``NONE`` when it may."""
        ...

    def opens(self, sample: OutletReading, now_us: int) -> SafeStateReason:
        """Return why an energised coil must be released now, ``NONE`` when it may stay."""
        ...

    def opens_at_us(self) -> int:
        """When it would open by the passing of time, ``NEVER`` when it would not."""
        ...


class LocalInterlock:
    """Judges samples. It knows the hard limit and since when the pilot has been out of C/D."""

    def __init__(self, board_limit_ma: int) -> None:
        """``board_limit_ma``: what the board itself bears per phase; the host may only lower it."""
        self._board_limit_ma = board_limit_ma
        self._limit_ma = board_limit_ma
        self._left_at_us = -1
        self._supply_low = False

    def limit(self, limit_ma: int) -> None:
        """Use the host's limit where it is below the board's."""
        self._limit_ma = min(limit_ma, self._board_limit_ma)

    @property
    def conditions(self) -> FaultBit:
        """Fault bits that follow the present samples."""
        return FaultBit.SUPPLY_LOW if self._supply_low else FaultBit.NONE

    def observe(self, sample: OutletReading, now_us: int) -> None:
        """Take in a new sample."""
        self._supply_low = sample.supply_mv < (SUPPLY_GOOD_MV if self._supply_low else SUPPLY_LOW_MV)
        if LOWEST_D_MV <= sample.positive_mv < HIGHEST_C_TO_STAY_MV:
            self._left_at_us = -1
        elif self._left_at_us < 0:
            self._left_at_us = now_us

    def refuses_closing(self, sample: OutletReading, mode: PilotDriveMode) -> SafeStateReason:
        """Return why the coil must not be energised now, ``NONE`` when it may."""
        hazard = self.hazard(sample)
        if hazard is not SafeStateReason.NONE:
            return hazard
        level_ok = LOWEST_D_MV <= sample.positive_mv <= HIGHEST_C_TO_CLOSE_MV
        if not level_ok or mode is not PilotDriveMode.PWM:
            return SafeStateReason.PILOT_LEFT
        if not DIODE_FROM_MV <= sample.negative_mv <= DIODE_TO_MV:
            return SafeStateReason.DIODE
        return SafeStateReason.NONE

    def opens(self, sample: OutletReading, now_us: int) -> SafeStateReason:
        """Return why an energised coil must be released now, ``NONE`` when it may stay."""
        hazard = self.hazard(sample)
        if hazard is not SafeStateReason.NONE:
            return hazard
        if now_us >= self.opens_at_us():
            return SafeStateReason.PILOT_LEFT
        return SafeStateReason.NONE

    def opens_at_us(self) -> int:
        """When the pilot will have been out of C/D long enough; ``NEVER`` while it is in."""
        return NEVER if self._left_at_us < 0 else self._left_at_us + PILOT_FILTER_US

    def hazard(self, sample: OutletReading) -> SafeStateReason:
        """Return what forbids any closed contact, ``NONE`` when nothing does."""
        if sample.residual_ac or sample.residual_dc:
            return SafeStateReason.RESIDUAL_CURRENT
        if max(sample.currents_ma) > self._limit_ma:
            return SafeStateReason.OVER_CURRENT
        if self._supply_low:
            return SafeStateReason.SUPPLY_LOW
        return SafeStateReason.NONE


class DomesticInterlock:
    """Judges samples for the domestic socket's contactor; hazards are those of the outlet."""

    def __init__(self, outlet: LocalInterlock) -> None:
        self._outlet = outlet
        self._left_at_us = -1

    def observe(self, sample: OutletReading, now_us: int) -> None:
        """Take in a new sample."""
        if sample.domestic_plugged:
            self._left_at_us = -1
        elif self._left_at_us < 0:
            self._left_at_us = now_us

    def refuses_closing(self, sample: OutletReading, mode: PilotDriveMode) -> SafeStateReason:
        """Return why the coil must not be energised now, ``NONE`` when it may."""
        hazard = self._outlet.hazard(sample)
        if hazard is not SafeStateReason.NONE:
            return hazard
        return SafeStateReason.NONE if sample.domestic_plugged else SafeStateReason.PLUG_LEFT

    def opens(self, sample: OutletReading, now_us: int) -> SafeStateReason:
        """Return why an energised coil must be released now, ``NONE`` when it may stay."""
        hazard = self._outlet.hazard(sample)
        if hazard is not SafeStateReason.NONE:
            return hazard
        return SafeStateReason.PLUG_LEFT if now_us >= self.opens_at_us() else SafeStateReason.NONE

    def opens_at_us(self) -> int:
        """When the plug will have been out long enough; ``NEVER`` while it is in."""
        return NEVER if self._left_at_us < 0 else self._left_at_us + PILOT_FILTER_US
