"""Key, push button, delayed start, temporary limit and derating at a Smart Wallbox: the core in its world."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import StartSession
from evse.core.config import Access, SocketType
from evse.core.events import CommandDone, InputChanged, OutletError, SessionClosed, SessionOpened
from evse.core.limit_stack import operating_ma
from evse.core.lines import InputLine, LineFunction
from evse.core.outlet_status import OutletStatus
from evse.core.signals import light_for
from evse.core.units import MS
from evse.core.values import Light
from tests.fakes.core_bench import UID, CoreBench, station_config

DELAY = InputLine(1, LineFunction.DELAYED_START)
LIMIT = InputLine(2, LineFunction.CURRENT_LIMIT)
BUTTON = InputLine(3, LineFunction.PUSH_BUTTON)
KEY = InputLine(4, LineFunction.KEY_LOCKED, normally_open=False)
TABLE = (DELAY, LIMIT, BUTTON, KEY)
ATTACHED: dict[str, Any] = {"socket": SocketType.ATTACHED_T2, "has_lock": False}


def wallbox(**changes: Any) -> CoreBench:
    """Free access by key, button on, as from the factory but with 32 A."""
    values = {
        "lines": TABLE,
        "push_button": True,
        "access": Access.FREE,
        "leave_cable_connected": True,
        "ze_ready": True,
    }
    return CoreBench(station_config(**{**values, **changes})).run(12)


def charging(**changes: Any) -> CoreBench:
    bench = wallbox(**changes)
    bench.verb("plug_in").run(3)
    if bench.config.outlets[0].access is Access.BADGE:
        bench.card()
    bench.run(57)
    assert bench.truth().contact_closed, bench.output().open_reasons
    return bench


def limits(bench: CoreBench) -> dict[str, int]:
    return {limit.source: limit.current_ma for limit in bench.outlet().arbitration.stack}


# --- key ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("STA-06", "OUT-07")
def test_a_locked_station_is_dark_and_nobody_may_begin() -> None:
    bench = wallbox()
    assert bench.output().light is Light.GREEN
    bench.verb("turn_key").run(1)
    assert bench.output().light is Light.OFF
    assert "KeyLocked" in bench.outlet().no_offer
    bench.verb("plug_in").run(60)
    bench.post(StartSession("remote", 1, uid=UID))
    bench.run(10)
    assert not bench.events(SessionOpened)
    assert [done.outcome for done in bench.events(CommandDone) if done.command_id == "remote"] == ["refused"]
    assert not bench.truth().pwm_on
    bench.verb("turn_key", to="unlocked").run(30)
    assert bench.truth().contact_closed, "the key is the authorisation"
    assert bench.output().light is Light.BLUE


@pytest.mark.req("STA-06")
def test_a_locked_station_refuses_badges() -> None:
    bench = wallbox(access=Access.BADGE)
    bench.verb("turn_key").run(1).card()
    bench.run(5)
    assert bench.outlet().status is OutletStatus.INIT_DONE
    assert not bench.events(SessionOpened)


@pytest.mark.req("STA-06")
@pytest.mark.parametrize("cable", [{}, ATTACHED])
def test_the_key_ends_a_charge_in_a_controlled_way_and_begins_a_new_one(cable: dict[str, Any]) -> None:
    bench = charging(**cable)
    bench.verb("turn_key").run(10)
    truth = bench.truth()
    assert not truth.contact_closed
    assert truth.openings_under_load == 0
    assert not truth.plug_held
    assert [closed.reason for closed in bench.events(SessionClosed)] == ["Local"]
    assert bench.outlet().status is OutletStatus.UNPLUG_STARTED
    assert bench.output().light is Light.OFF
    bench.verb("turn_key", to="unlocked").run(40)
    assert bench.truth().contact_closed
    assert len(bench.events(SessionOpened)) == 2


def test_a_vehicle_that_ignores_the_key_is_cut_off_after_6_s() -> None:
    bench = wallbox()
    bench.verb("plug_in", ignores_stop=True).run(60)
    begin_us = bench.now_us
    bench.verb("turn_key").run(20)
    [opened_us] = bench.times(SessionClosed)
    assert 6_000 * MS <= opened_us - begin_us <= 7_000 * MS


def test_a_session_that_ended_otherwise_is_not_begun_anew_by_itself() -> None:
    bench = charging()
    bench.verb("force_lock_open").run(120)
    assert len(bench.events(SessionClosed)) == len(bench.events(SessionOpened)) == 1


def test_the_fault_does_not_light_a_locked_station() -> None:
    assert light_for(OutletStatus.INIT_DONE, fault=True, charging=False, key_locked=True) is Light.OFF
    assert light_for(OutletStatus.INIT_DONE, fault=True, charging=False) is Light.RED


def test_a_key_line_with_a_broken_wire_locks_after_a_start() -> None:
    bench = wallbox()
    bench.verb("stick_input", line=4).run(1)
    bench.boot("boot2")
    bench.restore()
    bench.run(5)
    assert bench.output().light is Light.OFF
    assert bench.verb("plug_in").run(30).outlet().procedure.session is None


# --- push button -------------------------------------------------------------------------------------------------


@pytest.mark.req("STA-06")
@pytest.mark.parametrize("access", [Access.FREE, Access.BADGE])
def test_the_button_stops_the_charge_and_lets_it_go_on(access: Access) -> None:
    bench = charging(access=access)
    bench.verb("press_button").run(10)
    assert not bench.truth().contact_closed
    assert bench.truth().openings_under_load == 0
    assert bench.outlet().no_offer == ("StoppedByButton",)
    assert bench.outlet().procedure.session is not None
    bench.verb("press_button").run(20)
    assert bench.truth().contact_closed
    assert len(bench.events(SessionOpened)) == 1


@pytest.mark.req("STA-06", "INP-01")
def test_a_held_button_is_one_press_and_a_bouncing_one_none() -> None:
    bench = charging()
    bench.verb("bounce_input", line=3, period=20, duration=2000).run(5)
    assert bench.truth().contact_closed
    bench.verb("press_button", hold="100 s").run(50)
    assert not bench.truth().contact_closed
    bench.run(100)
    assert bench.outlet().no_offer == ("StoppedByButton",)


def test_a_button_stuck_since_the_start_does_nothing() -> None:
    bench = wallbox()
    bench.verb("stick_input", line=3, at="closed")
    bench.boot("boot2")
    bench.restore()
    bench.run(12).verb("plug_in").run(60)
    assert bench.truth().contact_closed


@pytest.mark.req("STA-06")
def test_a_button_that_is_not_enabled_does_nothing() -> None:
    bench = charging(push_button=False)
    bench.verb("press_button").run(10)
    assert bench.truth().contact_closed
    assert InputChanged(1, "PushButton", True) in bench.events(InputChanged)


def test_after_a_session_has_ended_the_button_begins_a_new_one_where_access_is_free() -> None:
    for access, sessions in ((Access.FREE, 2), (Access.BADGE, 1)):
        bench = charging(access=access)
        assert not bench.outlet().procedure.stop(bench.now_us, "Remote")
        bench.run(15)
        assert bench.outlet().status is OutletStatus.UNPLUG_STARTED
        bench.verb("press_button").run(40)
        assert len(bench.events(SessionOpened)) == sessions
        assert bench.truth().contact_closed is (sessions == 2)


def test_a_press_before_the_charge_is_no_stop() -> None:
    bench = wallbox().verb("press_button").run(1)
    bench.verb("plug_in").run(60)
    assert bench.truth().contact_closed


def test_the_next_session_knows_nothing_of_the_button() -> None:
    bench = charging()
    bench.verb("press_button").run(10).verb("unplug", end="vehicle").run(10)
    assert [closed.reason for closed in bench.events(SessionClosed)] == ["EVDisconnected"]
    bench.verb("unplug").run(5).verb("plug_in").run(60)
    assert bench.truth().contact_closed


# --- delayed start -----------------------------------------------------------------------------------------------


@pytest.mark.req("STA-06", "ENE-06", "INP-01")
@pytest.mark.parametrize("normally_open", [True, False])
def test_a_delayed_start_holds_back_interrupts_and_lets_go_on(normally_open: bool) -> None:
    bench = wallbox(lines=(InputLine(1, LineFunction.DELAYED_START, normally_open),))
    bench.verb("set_input", line=1, closed=normally_open).run(1)
    bench.verb("plug_in").run(300)
    assert bench.outlet().no_offer == ("DelayedStart",)
    assert not bench.truth().pwm_on
    bench.verb("set_input", line=1, closed=not normally_open).run(30)
    assert bench.truth().contact_closed
    bench.verb("set_input", line=1, closed=normally_open).run(10)
    assert not bench.truth().contact_closed
    assert bench.truth().openings_under_load == 0
    bench.verb("set_input", line=1, closed=not normally_open).run(30)
    assert bench.truth().contact_closed
    assert len(bench.events(SessionOpened)) == 1


@pytest.mark.req("INP-01")
def test_a_bouncing_delayed_start_does_not_interrupt() -> None:
    bench = charging()
    bench.verb("bounce_input", line=1, period=40, duration=20_000).run(30)
    assert bench.truth().closings == 1


@pytest.mark.req("STA-06")
def test_unwired_inputs_do_nothing_from_the_factory() -> None:
    bench = charging()
    assert bench.outlet().user_input.lines.active_names == ()
    assert "temporary limit" not in limits(bench)


# --- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.req("STA-06", "ENE-01", "INP-01")
@pytest.mark.parametrize("normally_open", [True, False])
def test_the_temporary_limit_is_a_limit_while_its_input_acts(normally_open: bool) -> None:
    line = InputLine(2, LineFunction.CURRENT_LIMIT, normally_open)
    bench = wallbox(lines=(line,), temporary_limit_ma=14_000)
    bench.verb("set_input", line=2, closed=not normally_open).verb("plug_in").run(60)
    assert bench.outlet().offer.offered_ma == 32_000
    bench.verb("set_input", line=2, closed=normally_open).run(1)
    assert limits(bench)["temporary limit"] == 14_000
    assert bench.outlet().arbitration.ruling == "temporary limit"
    assert bench.outlet().offer.offered_ma == 14_000
    bench.run(30)
    assert 13_900 <= max(bench.truth().currents_ma) <= 14_000
    bench.verb("set_input", line=2, closed=not normally_open).run(30)
    assert bench.outlet().offer.offered_ma == 32_000
    assert "temporary limit" not in limits(bench)
    assert bench.truth().closings == 1


@pytest.mark.req("STA-06", "ENE-01")
def test_the_factory_limit_of_0_a_stops_the_charge_and_it_goes_on_afterwards() -> None:
    bench = charging()
    bench.verb("set_input", line=2).run(10)
    assert not bench.truth().contact_closed
    assert bench.truth().openings_under_load == 0
    assert bench.outlet().no_offer == ("NotEnoughCurrent",)
    assert bench.outlet().arbitration.ruling == "temporary limit"
    bench.verb("set_input", line=2, closed=False).run(30)
    assert bench.truth().contact_closed


@pytest.mark.req("STA-06", "ENE-01")
def test_the_derated_current_is_a_limit() -> None:
    bench = charging(derated_current_ma=16_000)
    assert limits(bench)["derated"] == 16_000
    assert bench.outlet().arbitration.ruling == "derated"
    assert bench.outlet().offer.offered_ma == 16_000
    assert "derated" not in limits(charging())


@pytest.mark.req("ENE-01")
@pytest.mark.parametrize(
    ("set_ma", "phases", "ma"),
    [
        (7_900, 1, 0), (8_000, 1, 8_000), (8_700, 1, 8_000), (16_000, 1, 16_000),
        (13_999, 3, 0), (14_000, 3, 14_000), (15_500, 3, 15_000), (0, 1, 0),
    ],
)  # fmt: skip
def test_set_points_too_low_for_ze_ready_operate_as_0(set_ma: int, phases: int, ma: int) -> None:
    assert operating_ma(set_ma, phases) == ma


@pytest.mark.parametrize(("phases", "ze_ready", "offered_ma"), [(1, True, 10_000), (3, True, 0), (3, False, 10_000)])
def test_a_single_phase_charge_at_a_three_phase_outlet_counts_as_single_phase(
    phases: int, ze_ready: bool, offered_ma: int
) -> None:
    bench = wallbox(temporary_limit_ma=10_000, ze_ready=ze_ready)
    bench.verb("plug_in", phases=phases).run(60)
    bench.verb("set_input", line=2).run(10)
    assert bench.outlet().offer.offered_ma == offered_ma


# --- attached cable ----------------------------------------------------------------------------------------------


@pytest.mark.req("STA-06")
def test_an_attached_cable_needs_neither_lock_nor_proximity() -> None:
    bench = wallbox(access=Access.BADGE, **ATTACHED)
    bench.card()
    bench.run(2).verb("plug_in").run(30)
    assert bench.truth().contact_closed
    assert "cable" not in limits(bench)
    bench.card()
    bench.run(10)
    assert not bench.truth().contact_closed
    bench.verb("unplug").run(5)
    assert bench.outlet().status is OutletStatus.INIT_DONE
    assert bench.faults() == ()


def test_nobody_at_an_attached_cable_means_no_vehicle() -> None:
    bench = wallbox(access=Access.BADGE, **ATTACHED)
    bench.card()
    bench.run(70)
    assert [error.error for error in bench.events(OutletError)] == ["KO_EvNotDetected"]
    assert [closed.reason for closed in bench.events(SessionClosed)] == ["VehicleTimeout"]
