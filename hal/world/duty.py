"""How a vehicle reads the duty cycle: IEC 61851-1 Table A.8.

| duty cycle D        | maximum current      |
|---------------------|----------------------|
| D < 8 %             | none (3 to 7 %: only by digital communication, which this vehicle does not have) |
| 8 % <= D < 10 %     | 6 A                  |
| 10 % <= D <= 85 %   | D x 0.6 A            |
| 85 % < D <= 96 %    | (D - 64) x 2.5 A     |
| 96 % < D <= 97 %    | 80 A                 |
| D > 97 %            | none                 |
"""

from __future__ import annotations

from typing import Final

from hal.world.pilot_circuit import PilotLine

VALID_POSITIVE_MV: Final = 1_500
"""A vehicle takes a pilot for real from here on; below, the line is shorted (ours, the middle of the gap D to E)."""
LOWEST_FREQUENCY_DHZ: Final = 9_500
HIGHEST_FREQUENCY_DHZ: Final = 10_500


def maximum_current_ma(duty_bp: int) -> int:
    """Return the current a duty cycle (0.01 %) permits in mA; 0 = no charge."""
    if duty_bp < 800 or duty_bp > 9_700:
        return 0
    if duty_bp < 1_000:
        return 6_000
    if duty_bp <= 8_500:
        return duty_bp * 6
    if duty_bp <= 9_600:
        return (duty_bp - 6_400) * 25
    return 80_000


def offered_current_ma(line: PilotLine) -> int:
    """Return what the vehicle reads from its pilot input; 0 without a valid square wave of about 1 kHz."""
    if not LOWEST_FREQUENCY_DHZ <= line.frequency_dhz <= HIGHEST_FREQUENCY_DHZ:
        return 0
    return maximum_current_ma(line.duty_bp) if line.positive_mv >= VALID_POSITIVE_MV else 0
