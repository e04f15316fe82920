"""Due times of publication: 0:01 local time each day, each Monday, or each first of the month.

A due time is a local time of day in a time zone; everything else counts in UTC, so that a shift of the clocks neither
repeats nor skips a report. Where a shift happens at midnight itself: of two 0:01 the first counts; a 0:01 that does
not exist is due as long after the last midnight before the shift as 0:01 is after midnight.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

DUE_TIME: Final = time(0, 1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_DAYS: Final = 32
"""More days than lie between two due times of any frequency."""


class Frequency(StrEnum):
    """How often a report is made."""

    DISABLED = "disabled"
    DAILY = "daily"
    WEEKLY = "weekly"
    """Each Monday."""
    MONTHLY = "monthly"
    """Each first of a month."""


def latest_due_us(now_us: int, frequency: Frequency, zone: tzinfo) -> int | None:
    """The last due time at or before ``now_us``; both are UTC in microseconds since 1970.

    ``None`` when publication is disabled, or for a time that no calendar has.
    """
    if frequency is Frequency.DISABLED:
        return None
    try:
        now = _EPOCH + timedelta(microseconds=now_us)
        day = now.astimezone(zone).date()
        for _ in range(_LONGEST_DAYS):
            due = datetime.combine(day, DUE_TIME, zone).astimezone(UTC)
            if due <= now and _is_due_day(day.weekday(), day.day, frequency):
                return (due - _EPOCH) // timedelta(microseconds=1)
            day -= timedelta(days=1)
    except OverflowError:
        pass
    return None


def _is_due_day(weekday: int, day_of_month: int, frequency: Frequency) -> bool:
    if frequency is Frequency.WEEKLY:
        return weekday == 0
    if frequency is Frequency.MONTHLY:
        return day_of_month == 1
    return True
