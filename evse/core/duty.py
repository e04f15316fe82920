"""Duty cycle and current of the control pilot, both directions.

IEC 61851-1 Table A.7 (station: current to duty cycle) and Table A.8 (vehicle: duty cycle to current). Duty cycles are
basis points (0.01 %), currents milliamperes; results are rounded down so that an offer never exceeds what was asked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evse.records import dataclass

MINIMUM_OFFER_MA: Final = 6_000
"""Below 6 A nothing can be offered by duty cycle."""
MAXIMUM_OFFER_MA: Final = 80_000
LOW_RANGE_TOP_MA: Final = 51_000
HIGH_RANGE_BOTTOM_MA: Final = 52_500

STEADY_POSITIVE_BP: Final = 10_000
DIGITAL_COMMUNICATION_BP: Final = 500


class DutyKind(StrEnum):
    """What a vehicle may conclude from a duty cycle (Table A.8)."""

    NOT_ALLOWED = "not_allowed"
    DIGITAL_ONLY = "digital_only"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class DutyMeaning:
    """A duty cycle read as Table A.8 says; ``current_ma`` is 0 unless ``kind`` is ``CURRENT``."""

    kind: DutyKind
    current_ma: int = 0


def duty_for_current(current_ma: int) -> int | None:
    """Return the duty cycle in 0.01 % that offers ``current_ma``, ``None`` below 6 A (nothing to offer: X1).

    51 to 52.5 A lies in a hole of the standard and is offered as 51 A; more than 80 A is offered as 80 A.
    """
    if current_ma < MINIMUM_OFFER_MA:
        return None
    if current_ma < HIGH_RANGE_BOTTOM_MA:
        return min(current_ma, LOW_RANGE_TOP_MA) // 6
    return min(current_ma, MAXIMUM_OFFER_MA) // 25 + 6_400


def current_for_duty(duty_bp: int) -> DutyMeaning:
    """Return what a vehicle concludes from ``duty_bp`` (0 to 10000)."""
    if 300 <= duty_bp <= 700:
        return DutyMeaning(DutyKind.DIGITAL_ONLY)
    if 800 <= duty_bp < 1_000:
        return DutyMeaning(DutyKind.CURRENT, MINIMUM_OFFER_MA)
    if 1_000 <= duty_bp <= 8_500:
        return DutyMeaning(DutyKind.CURRENT, duty_bp * 6)
    if 8_500 < duty_bp <= 9_600:
        return DutyMeaning(DutyKind.CURRENT, (duty_bp - 6_400) * 25)
    if 9_600 < duty_bp <= 9_700:
        return DutyMeaning(DutyKind.CURRENT, MAXIMUM_OFFER_MA)
    return DutyMeaning(DutyKind.NOT_ALLOWED)
