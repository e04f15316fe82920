from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.units import SECOND
from evse.links.ocpp.stamps import EARLIEST_UTC_US, LATEST_UTC_US, filled, instants_in, offsets, stamp, utc_us_of
from evse.services.clock import NO_CLOCK, ClockMapping, ClockQuality, Instant

SET, SYNCED = ClockQuality.SET, ClockQuality.SYNCHRONISED
NOON_US = 1_767_225_600 * SECOND


def mapping(boot_id: str, mono_us: int = 0, utc_us: int = NOON_US, quality: ClockQuality = SYNCED) -> ClockMapping:
    return ClockMapping(boot_id, mono_us, utc_us, quality)


@pytest.mark.req("OCP-03")
def test_what_happened_before_the_clock_was_set_gets_its_time_afterwards() -> None:
    before = Instant("b", 5 * SECOND)
    known = offsets([before], mapping("b", 60 * SECOND), NOON_US)
    assert utc_us_of(before, known) == NOON_US - 55 * SECOND


def test_of_a_boot_that_is_over_its_best_instant_counts_for_all() -> None:
    unset, wrong = Instant("a", 1 * SECOND), Instant("a", 2 * SECOND, 5 * SECOND, SET)
    right = Instant("a", 3 * SECOND, NOON_US, SYNCED)
    known = offsets([unset, wrong, right], mapping("b", 0, NOON_US + 600 * SECOND), NOON_US + 600 * SECOND)
    assert [utc_us_of(each, known) - NOON_US for each in (unset, wrong, right)] == [-2 * SECOND, -SECOND, 0]


@pytest.mark.req("OCP-03")
def test_boots_that_never_knew_the_time_keep_durations_and_order_and_stay_in_the_past() -> None:
    instants = [
        Instant("a", 10 * SECOND),
        Instant("a", 70 * SECOND),
        Instant("b", 5 * SECOND),
        Instant("b", 9 * SECOND),
    ]
    known = offsets(instants, mapping("c", 100 * SECOND), NOON_US - 100 * SECOND)
    times = [utc_us_of(each, known) for each in instants]
    assert times == sorted(times)
    assert times[-1] <= NOON_US - 100 * SECOND
    assert times[1] - times[0] == 60 * SECOND
    assert times[3] - times[2] == 4 * SECOND


def test_without_any_clock_nothing_breaks() -> None:
    known = offsets([Instant("a", 5)], NO_CLOCK, 0)
    assert utc_us_of(Instant("a", 5), known) == EARLIEST_UTC_US
    assert utc_us_of(Instant("a", 5, 10**20), {}) == LATEST_UTC_US


@given(st.integers(EARLIEST_UTC_US, LATEST_UTC_US - 1))
def test_a_stamp_is_the_time_to_the_millisecond(utc_us: int) -> None:
    text = stamp(utc_us)
    assert text.endswith("Z")
    assert int(datetime.fromisoformat(text).timestamp() * 1000 + 0.5) == utc_us // 1_000


def test_every_instant_of_a_payload_is_found_and_filled() -> None:
    at = Instant("b", 0, NOON_US, SYNCED)
    payload = {"timestamp": at, "list": [{"timestamp": at, "n": 1}], "text": "x"}
    assert list(instants_in(payload)) == [at, at]
    text = "2026-01-01T00:00:00.000Z"
    assert filled(payload, {}) == {"timestamp": text, "list": [{"timestamp": text, "n": 1}], "text": "x"}
