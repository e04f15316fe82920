"""One charging profile of OCPP 1.6 (chapter 3.13, 7.8 ff.): what it allows at a given second, and until when.

All times are whole seconds of UTC. Rates are kept in tenths of an ampere or watt, the resolution that the specification
gives ``limit``. A profile says nothing about times at which it is not active: then a lower stack level rules.

=========== =========================================================================================================
kind        its schedule begins
=========== =========================================================================================================
Absolute    at ``startSchedule``; without one at the start of the transaction, of the station's own when it comes
Recurring   at ``startSchedule`` and every day or week after it, in UTC
Relative    at the start of the transaction
=========== =========================================================================================================
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final, NamedTuple

from evse.records import dataclass

FOREVER_S: Final = 1 << 62
"""Later than every time: a segment that does not end by time alone."""
DAY_S: Final = 86_400
TENTHS: Final = 10
PHASES: Final = 3


class Purpose(StrEnum):
    """`ChargingProfilePurposeType`."""

    CHARGE_POINT_MAX = "ChargePointMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class Kind(StrEnum):
    """`ChargingProfileKindType`."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrency(StrEnum):
    """`RecurrencyKindType`."""

    DAILY = "Daily"
    WEEKLY = "Weekly"

    @property
    def seconds(self) -> int:
        """From one beginning to the next."""
        return DAY_S if self is Recurrency.DAILY else 7 * DAY_S


class RateUnit(StrEnum):
    """`ChargingRateUnitType`: amperes per phase, or watts of all phases together."""

    AMPERE = "A"
    WATT = "W"


class ProfileError(ValueError):
    """The profile cannot be used; the text says which field, why, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Period:
    """`ChargingSchedulePeriod`. ``start_s`` counts from the schedule's beginning, ``limit`` is in tenths of its unit."""

    start_s: int
    limit: int
    phases: int = PHASES


def _start_s(period: Period) -> int:
    return period.start_s


@dataclass(frozen=True, slots=True)
class Schedule:
    """`ChargingSchedule`. ``duration_s`` is ``None`` for one without an end."""

    unit: RateUnit
    periods: tuple[Period, ...]
    duration_s: int | None = None
    start_utc_s: int | None = None
    minimum: int | None = None
    """`minChargingRate`, tenths: below it the vehicle charges badly. Told to nobody but who asks for the profile."""


class Segment(NamedTuple):
    """What holds until ``until_utc_s``; ``period`` is ``None`` while the profile is not active."""

    period: Period | None
    until_utc_s: int


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """`ChargingProfile`, checked."""

    profile_id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedule: Schedule
    transaction_id: int | None = None
    recurrency: Recurrency | None = None
    valid_from_utc_s: int | None = None
    valid_to_utc_s: int | None = None

    def segment(self, utc_s: int, began_utc_s: int | None) -> Segment:
        """Return what the profile allows at ``utc_s``; ``began_utc_s``: start of the transaction, ``None`` without one."""
        if self.valid_to_utc_s is not None and utc_s >= self.valid_to_utc_s:
            return Segment(None, FOREVER_S)
        if self.valid_from_utc_s is not None and utc_s < self.valid_from_utc_s:
            return Segment(None, self.valid_from_utc_s)
        found = self._scheduled(utc_s, began_utc_s)
        if self.valid_to_utc_s is not None:
            return found._replace(until_utc_s=min(found.until_utc_s, self.valid_to_utc_s))
        return found

    def _scheduled(self, utc_s: int, began_utc_s: int | None) -> Segment:
        start_s = began_utc_s if self.kind is Kind.RELATIVE else self.schedule.start_utc_s
        if start_s is None:
            start_s = began_utc_s
        if start_s is None:
            return Segment(None, FOREVER_S)
        if utc_s < start_s:
            return Segment(None, start_s)
        end_s = FOREVER_S
        if self.recurrency is not None:
            start_s += (utc_s - start_s) // self.recurrency.seconds * self.recurrency.seconds
            end_s = start_s + self.recurrency.seconds
        if self.schedule.duration_s is not None and start_s + self.schedule.duration_s < end_s:
            if utc_s >= start_s + self.schedule.duration_s:
                return Segment(None, end_s)
            end_s = start_s + self.schedule.duration_s
        periods = self.schedule.periods
        following = bisect_right(periods, utc_s - start_s, key=_start_s)
        if following < len(periods):
            end_s = min(end_s, start_s + periods[following].start_s)
        return Segment(periods[following - 1], end_s)


# --- from and to the wire ------------------------------------------------------------------------------------------


def utc_seconds(text: str, field: str) -> int:
    """Return a `dateTime` as whole seconds of UTC (fractions are cut); raises ProfileError naming ``field``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ProfileError(f"{field} is no date and time: {text!r}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not 1970 <= moment.year <= 9000:
        raise ProfileError(f"{field} is out of range: the year must be from 1970 to 9000")
    return int(moment.timestamp())


def utc_text(utc_s: int) -> str:
    """Return whole seconds of UTC as a `dateTime`."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def profile_from(payload: Mapping[str, Any], *, max_periods: int, max_stack_level: int) -> ChargingProfile:
    """Return the profile that ``payload`` (valid by its JSON schema) means.

    Raises ProfileError for what the schema lets pass and the specification does not, and for what exceeds
    `ChargingScheduleMaxPeriods` or `ChargeProfileMaxStackLevel`.
    """
    schedule = payload["chargingSchedule"]
    kind = Kind(payload["chargingProfileKind"])
    recurrency = Recurrency(payload["recurrencyKind"]) if "recurrencyKind" in payload else None
    times = {name: _time(payload, name) for name in ("validFrom", "validTo")}
    profile = ChargingProfile(
        profile_id=payload["chargingProfileId"],
        stack_level=payload["stackLevel"],
        purpose=Purpose(payload["chargingProfilePurpose"]),
        kind=kind,
        schedule=Schedule(
            unit=RateUnit(schedule["chargingRateUnit"]),
            periods=_periods(schedule["chargingSchedulePeriod"], max_periods),
            duration_s=schedule.get("duration"),
            start_utc_s=_time(schedule, "startSchedule"),
            minimum=_tenths(schedule.get("minChargingRate"), "minChargingRate"),
        ),
        transaction_id=payload.get("transactionId"),
        recurrency=recurrency if kind is Kind.RECURRING else None,
        valid_from_utc_s=times["validFrom"],
        valid_to_utc_s=times["validTo"],
    )
    _check(profile, max_stack_level)
    return profile


def payload_of(profile: ChargingProfile) -> dict[str, Any]:
    """Return the profile as it would come over the wire; ``profile_from`` gives an equal one back."""
    schedule = profile.schedule
    periods = [
        {"startPeriod": period.start_s, "limit": period.limit / TENTHS, "numberPhases": period.phases}
        for period in schedule.periods
    ]
    inner: dict[str, Any] = {"chargingRateUnit": schedule.unit.value, "chargingSchedulePeriod": periods}
    _put(inner, "duration", schedule.duration_s)
    _put(inner, "startSchedule", None if schedule.start_utc_s is None else utc_text(schedule.start_utc_s))
    _put(inner, "minChargingRate", None if schedule.minimum is None else schedule.minimum / TENTHS)
    payload: dict[str, Any] = {
        "chargingProfileId": profile.profile_id,
        "stackLevel": profile.stack_level,
        "chargingProfilePurpose": profile.purpose.value,
        "chargingProfileKind": profile.kind.value,
        "chargingSchedule": inner,
    }
    _put(payload, "transactionId", profile.transaction_id)
    _put(payload, "recurrencyKind", None if profile.recurrency is None else profile.recurrency.value)
    for name, utc_s in (("validFrom", profile.valid_from_utc_s), ("validTo", profile.valid_to_utc_s)):
        _put(payload, name, None if utc_s is None else utc_text(utc_s))
    return payload


def _put(target: dict[str, Any], name: str, value: object) -> None:
    if value is not None:
        target[name] = value


def _time(payload: Mapping[str, Any], field: str) -> int | None:
    return utc_seconds(payload[field], field) if field in payload else None


def _tenths(value: float | None, field: str) -> int | None:
    if value is None:
        return None
    if not 0 <= value <= 1e9:
        raise ProfileError(f"{field} must be from 0 to 1 000 000 000, not {value}")
    return round(value * TENTHS)


def _periods(items: list[Mapping[str, Any]], max_periods: int) -> tuple[Period, ...]:
    if not 1 <= len(items) <= max_periods:
        raise ProfileError(f"chargingSchedulePeriod has {len(items)} entries; 1 to {max_periods} are allowed")
    periods = []
    for item in items:
        limit = _tenths(item["limit"], "limit")
        phases = item.get("numberPhases", PHASES)
        if not 1 <= phases <= PHASES:
            raise ProfileError(f"numberPhases must be 1 to {PHASES}, not {phases}")
        periods.append(Period(item["startPeriod"], limit or 0, phases))
    starts = [period.start_s for period in periods]
    if starts[0] != 0:
        raise ProfileError(f"the first startPeriod must be 0, not {starts[0]}")
    if any(later <= earlier for earlier, later in pairwise(starts)):
        raise ProfileError(f"startPeriod must rise from period to period: {starts}")
    return tuple(periods)


def _check(profile: ChargingProfile, max_stack_level: int) -> None:
    schedule = profile.schedule
    if not 0 <= profile.stack_level <= max_stack_level:
        raise ProfileError(f"stackLevel must be 0 to {max_stack_level}, not {profile.stack_level}")
    if schedule.duration_s is not None and schedule.duration_s <= 0:
        raise ProfileError(f"duration must be at least 1 s, not {schedule.duration_s}")
    if profile.kind is Kind.RECURRING:
        if profile.recurrency is None:
            raise ProfileError("a Recurring profile needs recurrencyKind")
        if schedule.start_utc_s is None:
            raise ProfileError("a Recurring profile needs startSchedule")
    if profile.kind is Kind.RELATIVE:
        if schedule.start_utc_s is not None:
            raise ProfileError("a Relative profile must not have startSchedule")
        if profile.purpose is Purpose.CHARGE_POINT_MAX:
            raise ProfileError("a ChargePointMaxProfile cannot be Relative: it belongs to no transaction")
    if profile.purpose is not Purpose.TX and profile.transaction_id is not None:
        raise ProfileError(f"transactionId belongs to a TxProfile only, not to a {profile.purpose.value}")
    if (profile.valid_to_utc_s or FOREVER_S) <= (profile.valid_from_utc_s or 0):
        raise ProfileError("validTo must be after validFrom")
