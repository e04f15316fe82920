"""Contactor supervision, the lock as a supervised motor, and the self test's sequence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.config import ContactorTimings, LockTimings
from evse.core.contactor import ContactorMonitor
from evse.core.lock import LockGoal, LockSupervisor
from evse.core.selftest import SelfTestSequence
from evse.core.units import MS, NEVER, SECOND
from evse.core.values import LockDrive, LockFeedback, RcdTest

LOCKED, UNLOCKED, BETWEEN, CONTRADICTORY = (
    LockFeedback.LOCKED,
    LockFeedback.UNLOCKED,
    LockFeedback.BETWEEN,
    LockFeedback.CONTRADICTORY,
)


# --- contactor -------------------------------------------------------------------------------------------------------


@pytest.mark.req("OUT-05")
def test_a_contact_that_stays_closed_is_welded_after_200_ms() -> None:
    monitor = ContactorMonitor(ContactorTimings(), 0)
    monitor.permit(0, permitted=True)
    assert monitor.update(10 * MS, mirror_closed=True) == NEVER
    monitor.permit(1_000 * MS, permitted=False)
    assert monitor.update(1_000 * MS, mirror_closed=True) == 1_200 * MS
    monitor.update(1_200 * MS - 1, mirror_closed=True)
    assert not monitor.welded
    monitor.update(1_200 * MS, mirror_closed=True)
    assert monitor.welded
    assert not monitor.failed_to_close
    monitor.update(1_300 * MS, mirror_closed=False)
    assert not monitor.welded


@pytest.mark.req("OUT-05")
def test_a_permitted_contact_that_stays_closed_behind_a_released_coil_is_welded() -> None:
    """The front end's own interlock has let go; a front end that does not tell its coil leaves the permission to decide."""
    monitor = ContactorMonitor(ContactorTimings(), 0)
    monitor.permit(0, permitted=True)
    assert monitor.update(10 * MS, mirror_closed=True, coil_energised=True) == NEVER
    assert monitor.update(1_000 * MS, mirror_closed=True, coil_energised=None) == NEVER
    assert monitor.update(1_000 * MS, mirror_closed=True, coil_energised=False) == 1_200 * MS
    monitor.update(1_200 * MS, mirror_closed=True, coil_energised=False)
    assert monitor.welded
    monitor.permit(1_200 * MS, permitted=False)
    monitor.update(1_300 * MS, mirror_closed=True, coil_energised=False)
    assert monitor.welded


@pytest.mark.req("OUT-05")
def test_a_contact_that_stays_open_has_failed_to_close_after_200_ms() -> None:
    monitor = ContactorMonitor(ContactorTimings(), 0)
    monitor.permit(0, permitted=True)
    assert monitor.update(0, mirror_closed=False) == 200 * MS
    monitor.update(200 * MS, mirror_closed=False)
    assert monitor.failed_to_close
    assert not monitor.welded


def test_a_contact_closed_at_start_is_welded() -> None:
    monitor = ContactorMonitor(ContactorTimings(), 0)
    assert monitor.update(5 * MS, mirror_closed=True) == 500 * MS
    monitor.update(500 * MS, mirror_closed=True)
    assert monitor.welded


def test_a_contact_that_an_earlier_boot_still_holds_is_not_welded() -> None:
    monitor = ContactorMonitor(ContactorTimings(), 0)
    monitor.update(5 * MS, mirror_closed=True)
    monitor.update(265 * MS, mirror_closed=True)
    monitor.update(270 * MS, mirror_closed=False)
    monitor.update(2_000 * MS, mirror_closed=False)
    assert not monitor.welded


def test_without_fresh_feedback_nothing_is_concluded() -> None:
    monitor = ContactorMonitor(ContactorTimings(), 0)
    monitor.permit(0, permitted=True)
    monitor.update(0, mirror_closed=False)
    monitor.feedback_lost()
    assert monitor.update(900 * MS, mirror_closed=False) == 1_100 * MS
    assert not monitor.failed_to_close


def test_ten_seconds_between_closings_also_after_the_start() -> None:
    monitor = ContactorMonitor(ContactorTimings(), 5 * SECOND)
    assert monitor.next_closing_us == 15 * SECOND
    monitor.permit(20 * SECOND, permitted=True)
    monitor.permit(21 * SECOND, permitted=False)
    monitor.permit(21 * SECOND, permitted=False)
    assert monitor.next_closing_us == 30 * SECOND


def test_a_contact_counts_as_open_for_sure_200_ms_after_the_order() -> None:
    monitor = ContactorMonitor(ContactorTimings(), 0)
    monitor.permit(1 * SECOND, permitted=True)
    monitor.permit(2 * SECOND, permitted=False)
    monitor.permit(3 * SECOND, permitted=False)
    assert monitor.settled_open_us == 2 * SECOND + 200 * MS


# --- lock ------------------------------------------------------------------------------------------------------------


def lock_at(feedback: LockFeedback, goal: LockGoal) -> LockSupervisor:
    """A lock that has reached ``goal`` long ago."""
    lock = LockSupervisor(LockTimings())
    lock.order(-100 * SECOND, goal)
    if feedback is LOCKED:
        # By a pulse: nothing else proves it. The tests count pulses from here.
        lock.update(-100 * SECOND, BETWEEN, may_release=True)
        lock.pulse = 0
    lock.update(-98 * SECOND, feedback, may_release=True)
    return lock


@pytest.mark.req("OUT-04", "PIL-04")
def test_a_sensor_that_says_locked_before_any_pulse_proves_nothing() -> None:
    lock = lock_at(UNLOCKED, LockGoal.UNLOCKED)
    lock.update(0, LOCKED, may_release=False)
    lock.order(1 * SECOND, LockGoal.LOCKED)
    lock.update(1 * SECOND, LOCKED, may_release=False)
    assert not lock.locked
    assert lock.failed is LockGoal.LOCKED
    assert lock.pulse == 0


@pytest.mark.req("OUT-05")
def test_current_without_permission_is_a_weld_and_discredits_the_mirror_contact() -> None:
    contactor = ContactorMonitor(ContactorTimings(), 0)
    contactor.update(10 * SECOND, False, drawing=True)
    contactor.update(10 * SECOND + 200 * MS, False, drawing=True)
    assert contactor.welded
    assert contactor.mirror_lies
    contactor.update(12 * SECOND, False)
    assert not contactor.welded
    assert contactor.mirror_lies


@pytest.mark.req("OUT-04")
def test_a_lock_that_works_needs_one_pulse() -> None:
    lock = lock_at(UNLOCKED, LockGoal.UNLOCKED)
    lock.order(0, LockGoal.LOCKED)
    assert lock.update(0, UNLOCKED, may_release=True) == 1 * SECOND
    assert (lock.pulse, lock.drive) == (1, LockDrive.LOCK)
    lock.update(100 * MS, BETWEEN, may_release=True)
    assert not lock.locked
    assert lock.update(250 * MS, LOCKED, may_release=True) == NEVER
    assert lock.locked
    assert (lock.pulse, lock.drive) == (1, LockDrive.REST)


@pytest.mark.req("OUT-04")
@pytest.mark.parametrize("goal", list(LockGoal))
def test_a_jammed_lock_gets_three_tries_and_then_none(goal: LockGoal) -> None:
    stuck = UNLOCKED if goal is LockGoal.LOCKED else LOCKED
    lock = lock_at(stuck, LockGoal.UNLOCKED if goal is LockGoal.LOCKED else LockGoal.LOCKED)
    lock.order(0, goal)
    now_us = 0
    pulses: list[int] = []
    while now_us != NEVER:
        wake_us = lock.update(now_us, stuck, may_release=True)
        pulses += [now_us] * (lock.pulse - len(pulses))
        assert wake_us > now_us
        now_us = wake_us
    assert pulses == [0, 2 * SECOND, 4 * SECOND]
    assert lock.failed is goal
    assert lock.drive is LockDrive.REST
    lock.update(3_600 * SECOND, stuck, may_release=True)
    assert lock.pulse == 3
    lock.order(3_600 * SECOND, goal, again=True)
    assert lock.failed is None
    lock.update(3_600 * SECOND, stuck, may_release=True)
    assert lock.pulse == 4


@pytest.mark.req("OUT-04")
@given(
    st.lists(
        st.tuples(
            st.integers(1, 3_000),
            st.sampled_from(list(LockFeedback)),
            st.sampled_from(list(LockGoal)),
            st.booleans(),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_never_a_pulse_to_unlock_without_permission(
    steps: list[tuple[int, LockFeedback, LockGoal, bool, bool]],
) -> None:
    lock = LockSupervisor(LockTimings())
    now_us = 0
    for after_ms, feedback, goal, again, may_release in steps:
        now_us += after_ms * MS
        before = lock.pulse
        lock.order(now_us, goal, again=again)
        wake_us = lock.update(now_us, feedback, may_release=may_release)
        assert wake_us > now_us
        assert lock.pulse - before in (0, 1)
        if lock.pulse != before:
            assert lock.drive.value == goal.value.removesuffix("ed")
            assert may_release or goal is LockGoal.LOCKED
        assert not (lock.locked and feedback is not LOCKED)
        assert not (lock.unlocked and feedback is not UNLOCKED)


@pytest.mark.req("OUT-04")
@pytest.mark.parametrize("feedback", [UNLOCKED, BETWEEN, CONTRADICTORY])
def test_a_bolt_that_leaves_locked_is_lost_and_not_driven_back_under_load(feedback: LockFeedback) -> None:
    lock = lock_at(LOCKED, LockGoal.LOCKED)
    assert lock.update(0, feedback, may_release=False) == NEVER
    assert lock.lost
    assert not lock.locked
    assert lock.pulse == 0
    lock.order(1 * SECOND, LockGoal.UNLOCKED)
    assert not lock.lost


def test_contradictory_feedback_is_neither_locked_nor_unlocked() -> None:
    lock = lock_at(CONTRADICTORY, LockGoal.LOCKED)
    assert not lock.locked
    assert not lock.unlocked


def test_feedback_that_comes_to_its_senses_allows_new_tries() -> None:
    lock = lock_at(LOCKED, LockGoal.LOCKED)
    lock.order(0, LockGoal.UNLOCKED)
    now_us = 0
    while now_us != NEVER:
        now_us = lock.update(now_us, CONTRADICTORY, may_release=True)
    assert lock.failed is LockGoal.UNLOCKED
    before = lock.pulse
    lock.update(60 * SECOND, LOCKED, may_release=True)
    assert lock.failed is None
    assert lock.pulse == before + 1


@pytest.mark.req("OUT-04")
@pytest.mark.parametrize("goal", list(LockGoal))
def test_an_earlier_pulse_is_waited_for_before_the_bolt_is_believed(goal: LockGoal) -> None:
    """The goal changes while the motor turns: the old feedback would look like the new goal's."""
    other = LockGoal.UNLOCKED if goal is LockGoal.LOCKED else LockGoal.LOCKED
    here, there = LockFeedback(goal.value), LockFeedback(other.value)
    lock = lock_at(here, goal)
    lock.order(0, other)
    lock.update(0, here, may_release=True)
    lock.order(10 * MS, goal)
    assert lock.update(10 * MS, here, may_release=True) == 600 * MS
    assert not lock.locked
    assert not lock.unlocked
    lock.update(300 * MS, there, may_release=True)
    assert not lock.lost
    lock.update(600 * MS, there, may_release=True)
    assert lock.pulse == 2
    lock.update(900 * MS, here, may_release=True)
    assert lock.locked if goal is LockGoal.LOCKED else lock.unlocked


# --- self test -------------------------------------------------------------------------------------------------------


@pytest.mark.req("OUT-05")
def test_a_result_counts_only_after_the_test_was_seen_to_run() -> None:
    test = SelfTestSequence(3 * SECOND)
    assert test.update(0, RcdTest.PASSED, wanted=True, may_run=True) == 3 * SECOND
    assert test.request_count == 1
    test.update(10 * MS, RcdTest.PASSED, wanted=True, may_run=True)
    assert not test.passed
    test.update(20 * MS, RcdTest.RUNNING, wanted=True, may_run=True)
    assert test.update(600 * MS, RcdTest.PASSED, wanted=True, may_run=True) == NEVER
    assert test.passed


@pytest.mark.req("OUT-05")
@pytest.mark.parametrize("result", [RcdTest.NOT_RUN, RcdTest.RUNNING, RcdTest.PASSED])
def test_a_test_without_an_end_is_repeated_once_and_fails(result: RcdTest) -> None:
    test = SelfTestSequence(3 * SECOND)
    assert test.update(0, result, wanted=True, may_run=True) == 3 * SECOND
    assert test.update(3 * SECOND, result, wanted=True, may_run=True) == 6 * SECOND
    assert test.request_count == 2
    test.update(6 * SECOND, result, wanted=True, may_run=True)
    assert test.failed
    assert test.request_count == 2
    test.reset()
    assert not test.failed


def test_a_failed_test_fails() -> None:
    test = SelfTestSequence(3 * SECOND)
    test.update(0, RcdTest.FAILED, wanted=True, may_run=True)
    assert not test.failed
    test.update(1, RcdTest.RUNNING, wanted=True, may_run=True)
    test.update(2, RcdTest.FAILED, wanted=True, may_run=True)
    assert test.failed


def test_no_test_under_load_or_unasked() -> None:
    test = SelfTestSequence(3 * SECOND)
    assert test.update(0, RcdTest.NOT_RUN, wanted=True, may_run=False) == NEVER
    assert test.update(0, RcdTest.NOT_RUN, wanted=False, may_run=True) == NEVER
    assert test.request_count == 0


def test_re_arming_keeps_its_distance() -> None:
    test = SelfTestSequence(3 * SECOND)
    asked: list[int] = []
    for now_ms in range(0, 12_000, 500):
        before = test.request_count
        assert test.rearm(now_ms * MS) > now_ms * MS
        asked += [now_ms] * (test.request_count - before)
    assert asked == [0, 5_000, 10_000]
