"""When reports are made, tried and dropped: pure, with UTC as an argument."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.units import HOUR, MINUTE
from evse.services.publication.calendar import Frequency, latest_due_us
from evse.services.publication.publisher import delivered, failed, next_report, planned, wait_us
from evse.services.publication.report import RETRIES, PublicationState, Report, StateError, state_bytes, state_of

PARIS = ZoneInfo("Europe/Paris")
DAY = 24 * HOUR


def us(text: str, zone: ZoneInfo = PARIS) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000


def local(at_us: int | None, zone: ZoneInfo = PARIS) -> str:
    assert at_us is not None
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize(
    ("frequency", "now", "due"),
    [
        (Frequency.DAILY, "2026-11-27 00:00:59", "2026-11-26 00:01"),
        (Frequency.DAILY, "2026-11-27 00:01:00", "2026-11-27 00:01"),
        (Frequency.WEEKLY, "2026-11-29 23:59:00", "2026-11-23 00:01"),
        (Frequency.WEEKLY, "2026-11-30 00:01:00", "2026-11-30 00:01"),
        (Frequency.MONTHLY, "2026-12-01 00:00:00", "2026-11-01 00:01"),
        (Frequency.MONTHLY, "2027-01-01 00:01:00", "2027-01-01 00:01"),
        (Frequency.MONTHLY, "2028-03-01 00:00:59", "2028-02-01 00:01"),
        # Summer time begins on 29 March 2026 at 2:00 and ends on 25 October 2026 at 3:00.
        (Frequency.DAILY, "2026-03-30 00:01:00", "2026-03-30 00:01"),
        (Frequency.DAILY, "2026-10-26 00:00:30", "2026-10-25 00:01"),
        (Frequency.DAILY, "2026-10-26 00:01:00", "2026-10-26 00:01"),
    ],
)
def test_due_times_are_one_minute_past_local_midnight(frequency: Frequency, now: str, due: str) -> None:
    assert local(latest_due_us(us(now), frequency, PARIS)) == due


def test_disabled_is_never_due() -> None:
    assert latest_due_us(us("2026-11-27 12:00:00"), Frequency.DISABLED, PARIS) is None


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize(
    ("zone", "first", "days"),
    [
        ("Europe/Paris", "2026-03-27 12:00", 4),
        ("Europe/Paris", "2026-10-23 12:00", 4),
        ("America/Havana", "2026-10-30 12:00", 4),  # clocks go back over midnight: 0:01 comes twice
        ("Asia/Beirut", "2026-03-27 12:00", 4),  # clocks go forward at midnight: 0:01 does not exist
    ],
)
def test_each_day_has_one_report_through_every_shift_of_the_clocks(zone: str, first: str, days: int) -> None:
    there = ZoneInfo(zone)
    start = us(first, there)
    seen = []
    state = PublicationState()
    for minute in range(0, days * 24 * 60):
        now = start + minute * MINUTE
        before = state
        state = planned(state, now, Frequency.DAILY, there, (minute + 1,))
        if len(state.reports) > len(before.reports):
            seen.append(local(now, there)[:10])
            state = PublicationState((), state.last_due_us, state.frequency)
    assert len(seen) == len(set(seen)) == days, seen


@pytest.mark.req("CDR-02")
def test_switching_publication_on_waits_for_the_next_due_time() -> None:
    noon = us("2026-11-27 12:00:00")
    state = planned(PublicationState(), noon, Frequency.DAILY, PARIS, (1, 2))
    assert state.reports == ()
    state = planned(state, noon + 13 * HOUR, Frequency.DAILY, PARIS, (1, 2))
    assert [(report.first, report.last) for report in state.reports] == [(1, 2)]


@pytest.mark.req("CDR-02")
def test_a_record_is_in_one_report_only() -> None:
    state, now = PublicationState(), us("2026-11-27 12:00:00")
    waiting: tuple[int, ...] = ()
    for day in range(1, 6):
        waiting = (*waiting, day * 2, day * 2 + 1)
        state = planned(state, now + day * DAY, Frequency.DAILY, PARIS, waiting)
    spans = [(report.first, report.last) for report in state.reports]
    assert spans == [(2, 5), (6, 7), (8, 9), (10, 11)], "the first day switched publication on"
    assert len({report.created_us for report in state.reports}) == len(spans), "each file has a name of its own"


def test_a_due_time_without_records_makes_no_report() -> None:
    state = planned(PublicationState(), us("2026-11-27 12:00:00"), Frequency.DAILY, PARIS, ())
    assert planned(state, us("2026-11-28 00:01:00"), Frequency.DAILY, PARIS, ()).reports == ()


@pytest.mark.req("CDR-03")
def test_a_report_is_tried_hourly_168_times_more_then_dropped() -> None:
    now = us("2026-11-27 00:01:00")
    state = PublicationState((Report(1, 3, now, next_try_us=now),), now, "daily")
    tries = []
    dropped = None
    while dropped is None:
        report = next_report(state, now)
        if report is None:
            assert wait_us(state, now) > 0
            now += wait_us(state, now)
            continue
        tries.append(now)
        state, dropped = failed(state, report, now, "421 later")
    assert len(tries) == 1 + RETRIES == 169
    assert {later - earlier for earlier, later in itertools.pairwise(tries)} == {HOUR}
    assert tries[-1] - tries[0] == 7 * DAY
    assert (state.reports, dropped.problem) == ((), "421 later")


@pytest.mark.req("CDR-03")
def test_the_test_button_does_not_wait_for_the_hour() -> None:
    state = PublicationState((Report(1, 3, 0, tries=1, next_try_us=HOUR),), 0, "daily")
    assert next_report(state, MINUTE) is None
    assert next_report(state, MINUTE, forced=True) == state.reports[0]


def test_a_delivered_report_is_forgotten_and_the_others_stay() -> None:
    first, second = Report(1, 3, 0), Report(4, 9, 1)
    assert delivered(PublicationState((first, second)), first).reports == (second,)


def test_a_clock_set_back_by_years_delays_neither_the_try_nor_the_next_report() -> None:
    future, now = us("2031-01-01 12:00:00"), us("2026-11-27 12:00:00")
    state = PublicationState((Report(1, 1, future, 1, future + HOUR),), future, "daily")
    state = planned(state, now, Frequency.DAILY, PARIS, (1,))
    assert state.reports[0].next_try_us <= now + HOUR
    state = planned(state, now + DAY, Frequency.DAILY, PARIS, (1, 2))
    assert [(report.first, report.last) for report in state.reports] == [(1, 1), (2, 2)]


STATES = st.builds(
    PublicationState,
    st.lists(
        st.builds(Report, st.integers(1, 9), st.integers(9, 99), st.integers(0), st.integers(0, 169)), max_size=3
    ).map(tuple),
    st.none() | st.integers(0, 2**60),
    st.sampled_from([each.value for each in Frequency]),
)


@given(STATES)
def test_a_saved_state_is_read_back_as_it_was(state: PublicationState) -> None:
    assert state_of(state_bytes(state)) == state


@given(STATES, st.data())
def test_a_damaged_state_is_refused(state: PublicationState, data: st.DataObject) -> None:
    written = bytearray(state_bytes(state))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] ^= data.draw(st.integers(1, 255))
    try:
        assert state_of(bytes(written)) == state, "what is accepted is what was written"
    except StateError:
        pass
    with pytest.raises(StateError):
        state_of(bytes(state_bytes(state)[:at]))
