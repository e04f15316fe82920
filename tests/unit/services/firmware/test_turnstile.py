"""What strangers cost a slave is bounded: one package at a time, and pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.units import HOUR
from evse.services.firmware.turnstile import BUSY_US, LONGEST_US, PAUSE_US, SOURCES, Outcome, Turnstile, Wait

pytestmark = pytest.mark.req("MNT-03")


def waits_us(turnstile: Turnstile, source: str, now_us: int) -> int:
    """How long ``source`` has to wait, 0 when it may come in; it goes out again as if it had been taken."""
    try:
        turnstile.enter(source, now_us)
    except Wait as wait:
        return wait.wait_us
    turnstile.leave(now_us, Outcome.TAKEN)
    return 0


def test_one_at_a_time() -> None:
    turnstile = Turnstile()
    turnstile.enter("a", 0)
    assert waits_us(turnstile, "b", 0) == BUSY_US
    turnstile.leave(1, Outcome.TAKEN)
    assert waits_us(turnstile, "b", 1) == 0


def test_a_refused_sender_waits_and_nobody_else() -> None:
    turnstile = Turnstile()
    turnstile.enter("a", 0)
    turnstile.leave(5, Outcome.REFUSED)
    assert waits_us(turnstile, "a", 5) == PAUSE_US
    assert waits_us(turnstile, "b", 5) == 0
    assert waits_us(turnstile, "a", 5 + PAUSE_US) == 0


def test_many_refused_senders_fill_no_memory() -> None:
    turnstile = Turnstile()
    for number in range(2 * SOURCES):
        turnstile.enter(f"10.0.0.{number}", number)
        turnstile.leave(number, Outcome.REFUSED)
    assert len(turnstile._refused) == SOURCES
    assert waits_us(turnstile, f"10.0.0.{2 * SOURCES - 1}", 2 * SOURCES) > 0, "the newest are remembered"


def test_what_was_kept_for_nothing_makes_everybody_wait_longer_and_longer() -> None:
    turnstile, now_us, pauses = Turnstile(), 0, []
    for _ in range(14):
        turnstile.enter("a", now_us)
        turnstile.leave(now_us, Outcome.BROKEN)
        pauses.append(waits_us(turnstile, "b", now_us))
        now_us += pauses[-1]
    assert pauses[:3] == [PAUSE_US, 2 * PAUSE_US, 4 * PAUSE_US]
    assert pauses[-1] == LONGEST_US
    assert waits_us(turnstile, "a", now_us) == 0
    turnstile.enter("a", now_us)
    turnstile.leave(now_us, Outcome.BROKEN)
    assert waits_us(turnstile, "b", now_us) == PAUSE_US, "a package that was taken ends the row"


def test_a_quiet_time_ends_the_row_too() -> None:
    turnstile = Turnstile()
    for now_us in (0, HOUR, 3 * HOUR):
        turnstile.enter("a", now_us)
        turnstile.leave(now_us, Outcome.BROKEN)
    assert waits_us(turnstile, "b", 3 * HOUR) == PAUSE_US


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from(Outcome), st.integers(0, 10**7)), max_size=300))
def test_strangers_fill_no_memory_and_block_nobody_for_more_than_an_hour(
    tries: list[tuple[int, Outcome, int]],
) -> None:
    turnstile, now_us = Turnstile(), 0
    for number, outcome, pause_us in tries:
        now_us += pause_us
        try:
            turnstile.enter(f"10.0.0.{number}", now_us)
        except Wait as wait:
            assert 0 < wait.wait_us <= LONGEST_US
            continue
        turnstile.leave(now_us, outcome)
        assert len(turnstile._refused) <= SOURCES
    assert waits_us(turnstile, "10.9.9.9", now_us + LONGEST_US) == 0
