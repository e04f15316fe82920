"""The table of input lines: sense, debounce, first reading, lost readings, absent lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.lines import InputLine, InputLines, LineChange, LineFunction
from evse.core.units import MS, NEVER

DELAY = InputLine(1, LineFunction.DELAYED_START, debounce_us=50 * MS)
KEY = InputLine(2, LineFunction.KEY_LOCKED, normally_open=False, debounce_us=20 * MS)
OPEN, CLOSED = (False, True), (True, True)


def lines(*table: InputLine) -> InputLines:
    return InputLines(table or (DELAY, KEY))


@pytest.mark.req("INP-01")
@pytest.mark.parametrize("normally_open", [True, False])
@pytest.mark.parametrize("closed", [True, False])
def test_the_sense_says_which_contact_acts_and_the_first_reading_counts_at_once(
    normally_open: bool, closed: bool
) -> None:
    table = lines(InputLine(1, LineFunction.DELAYED_START, normally_open))
    table.update(0, (closed,))
    assert table.active(LineFunction.DELAYED_START) is (closed is normally_open)
    assert not table.begun


@pytest.mark.req("INP-01")
def test_a_change_is_believed_when_it_has_lasted() -> None:
    table = lines()
    table.update(0, OPEN)
    assert table.update(10 * MS, CLOSED) == 60 * MS
    assert table.update(60 * MS - 1, CLOSED) == 60 * MS
    assert not table.active_names
    assert table.update(60 * MS, CLOSED) == NEVER
    assert list(table.active_names) == ["DelayedStart"]
    assert list(table.changes) == [LineChange(LineFunction.DELAYED_START, True)]
    assert list(table.begun) == [LineFunction.DELAYED_START]
    table.update(61 * MS, CLOSED)
    assert not table.changes
    assert not table.begun
    table.update(70 * MS, OPEN)
    table.update(120 * MS, OPEN)
    assert list(table.changes) == [LineChange(LineFunction.DELAYED_START, False)]
    assert not table.begun


@pytest.mark.req("INP-01")
@given(st.lists(st.integers(1, 49), min_size=1, max_size=60), st.booleans())
def test_a_contact_that_bounces_faster_than_the_debounce_says_nothing(spans_ms: list[int], first: bool) -> None:
    table, now_us, closed = lines(DELAY), 0, first
    table.update(0, (closed,))
    for span_ms in spans_ms:
        closed = not closed
        table.update(now_us, (closed,))
        now_us += span_ms * MS
        table.update(now_us - 1, (closed,))
        assert table.active(LineFunction.DELAYED_START) is first
        assert not table.changes


def test_lost_readings_keep_the_state_and_make_the_next_reading_a_first_one() -> None:
    table = lines()
    table.update(0, CLOSED)
    assert table.active(LineFunction.DELAYED_START)
    table.update(1, OPEN)
    table.lost()
    assert table.active(LineFunction.DELAYED_START)
    table.update(2, OPEN)
    assert list(table.changes) == [LineChange(LineFunction.DELAYED_START, False)]
    table.lost()
    table.update(3, CLOSED)
    assert table.active(LineFunction.DELAYED_START)
    assert not table.begun, "nobody has been seen doing it"


def test_a_line_that_the_front_end_does_not_have_says_nothing() -> None:
    table = lines()
    table.update(0, ())
    assert not any(table.active(function) for function in LineFunction)
    assert InputLines(()).update(0, (True,)) == NEVER


def test_a_broken_wire_of_the_key_reads_as_locked() -> None:
    table = lines()
    table.update(0, (False, False))
    assert list(table.active_names) == ["KeyLocked"]
