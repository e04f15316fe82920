"""The service button's tones and effects, to the microsecond, and the time in which a master card is taught."""

from __future__ import annotations

import pytest

from evse.core.restart import LATEST_US, SOONEST_US, RestartPlan
from evse.core.service_button import BUTTON_TABLE, FIRST_TONE_US, SECOND_TONE_US, ButtonState, ServiceButton
from evse.core.teaching import AFTER_START_US, OPEN_FOR_US, MasterTeaching
from evse.core.units import NEVER, SECOND


def held_for(duration_us: int) -> ServiceButton:
    """Press at 1 s, obey every wish, let go after ``duration_us``."""
    button, press_us = ServiceButton(), SECOND
    wake_us = button.update(press_us, held=True, begun=True)
    while wake_us < press_us + duration_us:
        wake_us = button.update(wake_us, held=True, begun=False)
    button.update(press_us + duration_us, held=False, begun=False)
    return button


@pytest.mark.req("INP-03")
@pytest.mark.parametrize(
    ("duration_us", "state", "tones"),
    [
        (1, ButtonState.RELEASED, 0),
        (FIRST_TONE_US - 1, ButtonState.RELEASED, 0),
        (FIRST_TONE_US, ButtonState.RESTARTING, 1),
        (5 * SECOND, ButtonState.RESTARTING, 1),
        (SECOND_TONE_US - 1, ButtonState.RESTARTING, 1),
        (SECOND_TONE_US, ButtonState.ERASING, 2),
        (60 * SECOND, ButtonState.ERASING, 2),
    ],
)
def test_what_holding_it_does(duration_us: int, state: ButtonState, tones: int) -> None:
    button = held_for(duration_us)
    assert (button.state, button.tones) == (state, tones)


@pytest.mark.req("INP-03")
def test_the_second_tone_does_not_wait_for_the_hand() -> None:
    button = ServiceButton()
    button.update(0, held=True, begun=True)
    button.update(FIRST_TONE_US, held=True, begun=False)
    assert button.update(SECOND_TONE_US, held=True, begun=False) == NEVER
    assert button.state is ButtonState.ERASING


def test_a_button_held_since_the_start_is_not_pressed() -> None:
    button = ServiceButton()
    for at_us in (0, FIRST_TONE_US, SECOND_TONE_US):
        assert button.update(at_us, held=True, begun=False) == NEVER
    assert (button.state, button.tones) == (ButtonState.RELEASED, 0)


@pytest.mark.parametrize("after_us", [FIRST_TONE_US // 2, 2 * FIRST_TONE_US])
def test_without_readings_nothing_is_concluded(after_us: int) -> None:
    button = ServiceButton()
    button.update(0, held=True, begun=True)
    button.update(after_us, held=True, begun=False)
    button.lost()
    assert button.state is ButtonState.RELEASED
    assert button.update(20 * SECOND, held=True, begun=False) == NEVER


def test_what_was_decided_stays_decided() -> None:
    button = held_for(2 * SECOND)
    button.lost()
    button.update(30 * SECOND, held=True, begun=True)
    assert button.state is ButtonState.RESTARTING


def test_every_state_can_be_reached() -> None:
    assert {row.target for row in BUTTON_TABLE.rows} == set(BUTTON_TABLE.states)


@pytest.mark.req("INP-03")
def test_the_time_for_the_master_card() -> None:
    start_us = 100 * SECOND
    teaching = MasterTeaching(start_us)
    begin_us, end_us = start_us + AFTER_START_US, start_us + AFTER_START_US + OPEN_FOR_US
    assert teaching.update(start_us, wanted=True, idle=True) == begin_us
    assert (teaching.open, teaching.take()) == (False, False)
    assert teaching.update(begin_us, wanted=True, idle=True) == end_us
    assert teaching.open
    assert teaching.update(end_us - 1, wanted=True, idle=True) == end_us
    assert teaching.open
    assert teaching.update(end_us, wanted=True, idle=True) == NEVER
    assert not teaching.open


@pytest.mark.parametrize(("wanted", "idle"), [(False, True), (True, False)])
def test_no_card_becomes_master_unasked_or_while_somebody_charges(wanted: bool, idle: bool) -> None:
    teaching = MasterTeaching(0)
    teaching.update(AFTER_START_US, wanted=wanted, idle=idle)
    assert not teaching.take()


def test_one_card_only() -> None:
    teaching = MasterTeaching(0)
    teaching.update(AFTER_START_US, wanted=True, idle=True)
    assert teaching.take()
    teaching.update(AFTER_START_US + 1, wanted=True, idle=True)
    assert not teaching.take()


@pytest.mark.req("INP-03")
def test_a_restart_waits_for_the_contact_but_not_for_ever() -> None:
    plan = RestartPlan()
    assert plan.wake_us(0) == NEVER
    plan.ask(SECOND, "ServiceButton")
    assert plan.wake_us(SECOND) == SECOND + SOONEST_US
    assert not plan.due(SECOND + SOONEST_US - 1, energised=False)
    assert not plan.due(SECOND + LATEST_US - 1, energised=True)
    assert plan.wake_us(2 * SECOND) == SECOND + LATEST_US
    plan.ask(3 * SECOND, "ServiceButton")
    assert plan.due(SECOND + LATEST_US, energised=True), "asking again does not put it off"
    assert not plan.due(SECOND + LATEST_US, energised=False), "once"
    assert plan.wake_us(SECOND + LATEST_US) == NEVER


def test_an_idle_station_restarts_after_half_a_second() -> None:
    plan = RestartPlan()
    plan.ask(0, "ServiceButton")
    assert plan.due(SOONEST_US, energised=False)
