from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.links.ocpp.charging_profile import (
    DAY_S,
    FOREVER_S,
    ChargingProfile,
    Kind,
    Period,
    ProfileError,
    Purpose,
    RateUnit,
    Recurrency,
    Schedule,
    Segment,
    payload_of,
    profile_from,
    utc_seconds,
    utc_text,
)
from evse.links.ocpp.schemas import check

NOON_S = utc_seconds("2026-03-01T12:00:00Z", "")
LIMITS = {"max_periods": 8, "max_stack_level": 4}


def a_profile(kind: Kind = Kind.ABSOLUTE, *periods: Period, **fields: Any) -> ChargingProfile:
    schedule = {name: fields.pop(name) for name in ("duration_s", "start_utc_s", "unit") if name in fields}
    schedule.setdefault("unit", RateUnit.AMPERE)
    fields.setdefault("purpose", Purpose.TX_DEFAULT)
    return ChargingProfile(
        fields.pop("profile_id", 1),
        fields.pop("stack_level", 0),
        kind=kind,
        schedule=Schedule(periods=periods or (Period(0, 160),), **schedule),
        **fields,
    )


def a_payload(**changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "chargingProfileId": 7,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "startSchedule": "2026-03-01T12:00:00Z",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 60, "limit": 8.5}],
        },
    }
    payload["chargingSchedule"] = {**payload["chargingSchedule"], **changes.pop("schedule", {})}
    payload |= changes
    for holder in (payload, payload["chargingSchedule"]):
        for name in [name for name, value in holder.items() if value is None]:
            del holder[name]
    return payload


@pytest.mark.req("OCP-04")
def test_an_absolute_schedule_goes_from_period_to_period_and_ends() -> None:
    profile = a_profile(Kind.ABSOLUTE, Period(0, 160), Period(60, 80), start_utc_s=NOON_S, duration_s=100)
    assert profile.segment(NOON_S - 1, None) == Segment(None, NOON_S)
    assert profile.segment(NOON_S, None) == Segment(Period(0, 160), NOON_S + 60)
    assert profile.segment(NOON_S + 59, None) == Segment(Period(0, 160), NOON_S + 60)
    assert profile.segment(NOON_S + 60, None) == Segment(Period(60, 80), NOON_S + 100)
    assert profile.segment(NOON_S + 100, None) == Segment(None, FOREVER_S)


def test_without_a_duration_the_last_period_holds() -> None:
    profile = a_profile(Kind.ABSOLUTE, Period(0, 160), Period(60, 80), start_utc_s=NOON_S)
    assert profile.segment(NOON_S + 400 * DAY_S, None) == Segment(Period(60, 80), FOREVER_S)


@pytest.mark.parametrize("kind", [Kind.RELATIVE, Kind.ABSOLUTE])
def test_without_a_start_the_schedule_begins_with_the_transaction(kind: Kind) -> None:
    profile = a_profile(kind, Period(0, 160), Period(60, 80))
    assert profile.segment(NOON_S, None) == Segment(None, FOREVER_S)
    assert profile.segment(NOON_S + 59, NOON_S).period == Period(0, 160)
    assert profile.segment(NOON_S + 60, NOON_S).period == Period(60, 80)


@pytest.mark.parametrize(("recurrency", "every_s"), [(Recurrency.DAILY, DAY_S), (Recurrency.WEEKLY, 7 * DAY_S)])
def test_a_recurring_schedule_comes_again(recurrency: Recurrency, every_s: int) -> None:
    profile = a_profile(Kind.RECURRING, Period(0, 60), start_utc_s=NOON_S, duration_s=3_600, recurrency=recurrency)
    for times in (0, 1, 5):
        begin_s = NOON_S + times * every_s
        assert profile.segment(begin_s, None) == Segment(Period(0, 60), begin_s + 3_600)
        assert profile.segment(begin_s + 3_600, None) == Segment(None, begin_s + every_s)


def test_a_recurring_schedule_longer_than_its_interval_begins_anew() -> None:
    profile = a_profile(
        Kind.RECURRING, Period(0, 60), Period(DAY_S - 10, 160), start_utc_s=NOON_S, duration_s=2 * DAY_S, recurrency=Recurrency.DAILY
    )  # fmt: skip
    assert profile.segment(NOON_S + DAY_S - 1, None) == Segment(Period(DAY_S - 10, 160), NOON_S + DAY_S)
    assert profile.segment(NOON_S + DAY_S, None).period == Period(0, 60)


def test_validity_cuts_the_schedule_on_both_sides() -> None:
    profile = a_profile(start_utc_s=NOON_S, valid_from_utc_s=NOON_S + 10, valid_to_utc_s=NOON_S + 20)
    assert profile.segment(NOON_S + 9, None) == Segment(None, NOON_S + 10)
    assert profile.segment(NOON_S + 10, None) == Segment(Period(0, 160), NOON_S + 20)
    assert profile.segment(NOON_S + 20, None) == Segment(None, FOREVER_S)


def test_a_profile_survives_the_wire() -> None:
    payload = a_payload(
        validFrom="2026-01-01T00:00:00Z",
        validTo="2027-01-01T00:00:00Z",
        schedule={"minChargingRate": 6.0, "duration": 99},
    )
    profile = profile_from(payload, **LIMITS)
    again = payload_of(profile)
    check("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": again})
    assert profile_from(again, **LIMITS) == profile
    assert profile.schedule.periods == (Period(0, 160), Period(60, 85))
    assert utc_text(profile.schedule.start_utc_s or 0) == "2026-03-01T12:00:00Z"


PERIOD = {"startPeriod": 0, "limit": 16.0}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stackLevel": 5}, "stackLevel must be 0 to 4"),
        ({"stackLevel": -1}, "stackLevel"),
        ({"schedule": {"chargingSchedulePeriod": []}}, "1 to 8"),
        ({"schedule": {"chargingSchedulePeriod": [{**PERIOD, "startPeriod": i} for i in range(9)]}}, "1 to 8"),
        ({"schedule": {"chargingSchedulePeriod": [{**PERIOD, "startPeriod": 1}]}}, "first startPeriod"),
        ({"schedule": {"chargingSchedulePeriod": [PERIOD, PERIOD]}}, "must rise"),
        ({"schedule": {"chargingSchedulePeriod": [{**PERIOD, "limit": -0.1}]}}, "limit must be"),
        ({"schedule": {"chargingSchedulePeriod": [{**PERIOD, "numberPhases": 4}]}}, "numberPhases"),
        ({"schedule": {"duration": 0}}, "duration"),
        ({"schedule": {"startSchedule": "soon"}}, "startSchedule is no date"),
        ({"validFrom": "2026-01-02T00:00:00Z", "validTo": "2026-01-02T00:00:00Z"}, "validTo must be after"),
        ({"validTo": "9999-01-02T00:00:00Z"}, "validTo is out of range"),
        ({"chargingProfileKind": "Recurring"}, "recurrencyKind"),
        ({"chargingProfileKind": "Recurring", "recurrencyKind": "Daily", "schedule": {"startSchedule": None}}, "startSchedule"),
        ({"chargingProfileKind": "Relative"}, "must not have startSchedule"),
        ({"chargingProfileKind": "Relative", "schedule": {"startSchedule": None}, "chargingProfilePurpose": "ChargePointMaxProfile"}, "cannot be Relative"),
        ({"transactionId": 4}, "TxProfile only"),
    ],
)  # fmt: skip
def test_what_the_specification_forbids_is_refused_with_the_field(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        profile_from(a_payload(**changes), **LIMITS)


@given(
    st.integers(0, 3 * DAY_S),
    st.lists(st.integers(1, DAY_S), max_size=5, unique=True),
    st.integers(1, 2 * DAY_S) | st.none(),
    st.booleans(),
)
def test_a_segment_holds_for_every_second_until_its_end(
    offset_s: int, starts: list[int], duration_s: int | None, recurring: bool
) -> None:
    periods = tuple(Period(start_s, 60 + start_s % 100) for start_s in sorted({0, *starts}))
    profile = a_profile(
        Kind.RECURRING if recurring else Kind.ABSOLUTE,
        *periods,
        start_utc_s=NOON_S,
        duration_s=duration_s,
        recurrency=Recurrency.DAILY if recurring else None,
    )
    at_s = NOON_S + offset_s
    found = profile.segment(at_s, None)
    assert found.until_utc_s > at_s
    for later_s in (
        at_s + (min(found.until_utc_s, at_s + DAY_S) - at_s) // 2,
        min(found.until_utc_s, at_s + DAY_S) - 1,
    ):
        assert profile.segment(later_s, None) == found
