from __future__ import annotations

import pytest

from evse.core.units import NEVER, SECOND
from evse.links.ocpp.link import DEFAULT_INTERVAL_US, LONGEST_WAIT_US, Backoff, Link, LinkState, LinkWish

BACKOFF = Backoff(10 * SECOND, share=1.0)


def booting(now_us: int = 0) -> Link:
    link = Link()
    link.switch(now_us, on=True)
    assert link.wish(now_us) is LinkWish.OPEN
    link.opened(now_us)
    return link


def accepted(now_us: int = 0, interval_s: int = 60) -> Link:
    link = booting(now_us)
    assert link.boot_due(now_us)
    link.boot_answered(now_us, "Accepted", interval_s)
    return link


def test_off_there_is_nothing_to_do() -> None:
    link = Link()
    assert (link.wish(0), link.boot_due(0), link.heartbeat_due(0), link.wake_us()) == (
        LinkWish.NOTHING,
        False,
        False,
        NEVER,
    )


@pytest.mark.req("OCP-01")
def test_one_attempt_then_the_station_registers_first() -> None:
    link = booting()
    assert link.wish(10**9) is LinkWish.NOTHING
    assert not link.may_ask
    assert not link.may_answer
    assert link.boot_due(0)
    assert not link.boot_due(10**9), "one boot notification until it is answered"
    link.boot_answered(SECOND, "Accepted", 60)
    assert link.may_ask
    assert link.may_answer


@pytest.mark.parametrize(("status", "may_answer"), [("Pending", True), ("Rejected", False), ("Sideways", False)])
def test_a_station_that_is_not_accepted_asks_again_after_the_interval_and_nothing_else(
    status: str, may_answer: bool
) -> None:
    link = booting()
    link.boot_due(0)
    link.boot_answered(0, status, 30)
    assert (link.may_ask, link.may_answer) == (False, may_answer)
    assert not link.boot_due(30 * SECOND - 1)
    assert link.wake_us() == 30 * SECOND
    assert link.boot_due(30 * SECOND)
    link.boot_answered(31 * SECOND, "Accepted", 60)
    assert link.state is LinkState.ACCEPTED


def test_an_interval_of_zero_leaves_it_to_the_station() -> None:
    link = booting()
    link.boot_due(0)
    link.boot_answered(0, "Rejected", 0)
    assert link.wake_us() == DEFAULT_INTERVAL_US


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
def test_no_interval_silences_the_station_for_longer_than_a_day(status: str) -> None:
    link = booting()
    assert link.boot_due(0)
    link.boot_answered(0, status, 1 << 62)
    assert link.wake_us() == 86_400 * SECOND


def test_a_boot_notification_that_fails_is_sent_again() -> None:
    link = booting()
    link.boot_due(0)
    link.boot_failed(0)
    assert link.boot_due(DEFAULT_INTERVAL_US)


def test_heartbeats_come_after_an_interval_without_any_other_answer() -> None:
    link = accepted(interval_s=60)
    assert not link.heartbeat_due(60 * SECOND - 1)
    assert link.heartbeat_due(60 * SECOND)
    assert not link.heartbeat_due(60 * SECOND)
    link.heard(100 * SECOND)
    assert not link.heartbeat_due(160 * SECOND - 1)
    assert link.heartbeat_due(160 * SECOND)


def test_waits_double_and_have_a_limit_and_a_random_part() -> None:
    waits = [BACKOFF.wait_us(failures) / SECOND for failures in (1, 2, 3, 4)]
    assert waits == [10, 20, 40, 80]
    assert BACKOFF.wait_us(99) == LONGEST_WAIT_US == 120 * SECOND
    assert Backoff(30 * SECOND, 0.0).wait_us(1) == 10 * SECOND
    assert Backoff(30 * SECOND, 0.0).wait_us(9) == 40 * SECOND
    assert Backoff(999 * SECOND, 1.0).wait_us(5) == 999 * SECOND


def test_failures_add_up_until_a_connection_was_accepted() -> None:
    link = Link()
    link.switch(0, on=True)
    now_us = 0
    for seconds in (10, 20, 40):
        assert link.wish(now_us) is LinkWish.OPEN
        link.closed(now_us, BACKOFF)
        assert link.wish(now_us + seconds * SECOND - 1) is LinkWish.NOTHING
        now_us += seconds * SECOND
    link.wish(now_us)
    link.opened(now_us)
    link.boot_due(now_us)
    link.boot_answered(now_us, "Accepted", 60)
    link.closed(now_us, BACKOFF)
    assert link.wake_us() == now_us + 10 * SECOND


def test_a_silent_connection_is_closed_once_and_tried_again() -> None:
    link = accepted()
    link.drop()
    assert link.wish(0) is LinkWish.CLOSE
    assert link.wish(0) is LinkWish.NOTHING
    link.closed(0, BACKOFF)
    assert link.wish(10 * SECOND) is LinkWish.OPEN


@pytest.mark.parametrize("made", [booting, accepted])
def test_switched_off_the_socket_is_closed_and_stays_so(made: object) -> None:
    assert callable(made)
    link = made()
    link.switch(0, on=False)
    assert link.wish(0) is LinkWish.CLOSE
    link.closed(0, BACKOFF)
    assert (link.state, link.wish(NEVER - 1)) == (LinkState.OFF, LinkWish.NOTHING)


def test_a_triggered_boot_notification_goes_at_once_but_not_beside_one_under_way() -> None:
    link = accepted()
    link.boot_again(5)
    assert link.boot_due(5)
    link.boot_again(6)
    assert not link.boot_due(6)
    link.boot_answered(7, "Accepted", 60)
    assert link.may_ask
