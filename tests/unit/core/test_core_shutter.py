"""The City outlet's shutter: where it belongs, how it is driven, what its failures lead to; and the breaker input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.commands import Maintain, SetUnavailable
from evse.core.config import Access, ShutterTimings
from evse.core.events import ContactorPermitted, FaultCleared, FaultRaised, OutletError
from evse.core.lines import InputLine, LineFunction
from evse.core.outlet_status import OutletStatus
from evse.core.shutter import ShutterGoal, ShutterSupervisor
from evse.core.shutter_plan import ShutterFacts, shutter_goal
from evse.core.units import MS, NEVER, SECOND
from evse.core.values import ShutterDrive, ShutterFeedback
from hal.ports import ShutterPosition
from tests.fakes.core_bench import CoreBench, station_config

BREAKER = InputLine(3, LineFunction.BREAKER_TRIPPED, debounce_us=20 * MS)
OPEN, CLOSED = ShutterGoal.OPEN, ShutterGoal.CLOSED
_S = OutletStatus


# --- where it belongs --------------------------------------------------------------------------------------------


@pytest.mark.req("OUT-03", "STA-04")
@pytest.mark.parametrize(
    ("status", "facts", "goal"),
    [
        (_S.INIT_DONE, ShutterFacts(False, False, True, False), CLOSED),
        (_S.INIT_DONE, ShutterFacts(False, False, True, True), OPEN),
        (_S.INIT_DONE, ShutterFacts(True, False, True, False), OPEN),
        (_S.UNAVAILABLE, ShutterFacts(False, False, True, False), CLOSED),
        (_S.PLUG_STARTED, ShutterFacts(False, False, True, False), OPEN),
        (_S.PLUG_STARTED, ShutterFacts(True, False, True, False), OPEN),
        (_S.PLUG_STARTED, ShutterFacts(True, True, False, False), CLOSED),
        (_S.CHARGE_LOOP_STARTED, ShutterFacts(True, True, False, True), CLOSED),
        (_S.CHARGE_LOOP_STARTED, ShutterFacts(False, False, True, True), CLOSED),
        (_S.UNPLUG_STARTED, ShutterFacts(True, False, True, False), OPEN),
        (_S.UNPLUG_STARTED, ShutterFacts(False, False, True, False), CLOSED),
        (_S.UNPLUG_STARTED, ShutterFacts(False, False, True, True), OPEN),
        (_S.MAINTENANCE_CITY, ShutterFacts(False, False, True, False), OPEN),
    ],
)
def test_where_the_shutter_belongs(status: OutletStatus, facts: ShutterFacts, goal: ShutterGoal) -> None:
    assert {shutter_goal(status, present, facts) for present in ShutterGoal} == {goal}


def test_it_stays_while_nothing_asks_for_another_place() -> None:
    bolted = ShutterFacts(plugged=True, bolt_home=True, bolt_withdrawn=False, released=False)
    for status in (_S.NOT_INITIALIZED, _S.AUTHORISATION_STARTED, _S.CONTRACT_DONE, _S.UNPLUG_STARTED):
        assert {present: shutter_goal(status, present, bolted) for present in ShutterGoal} == {
            OPEN: OPEN,
            CLOSED: CLOSED,
        }


# --- the motor ---------------------------------------------------------------------------------------------------


@pytest.mark.req("OUT-04")
@pytest.mark.parametrize("goal", list(ShutterGoal))
def test_a_jammed_shutter_gets_three_tries_and_then_none(goal: ShutterGoal) -> None:
    stuck = ShutterFeedback.OPEN if goal is CLOSED else ShutterFeedback.CLOSED
    shutter = ShutterSupervisor(ShutterTimings())
    shutter.order(0, goal)
    now_us, pulses = 0, list[int]()
    while now_us != NEVER:
        wake_us = shutter.update(now_us, stuck, may_release=True)
        pulses += [now_us] * (shutter.pulse - len(pulses))
        now_us = wake_us
    assert pulses == [0, 3 * SECOND, 6 * SECOND]
    assert shutter.failed is goal
    assert shutter.drive is ShutterDrive.REST


@pytest.mark.req("OUT-04")
def test_over_an_empty_socket_it_is_tried_once_a_minute_for_an_hour_and_stays_failed_meanwhile() -> None:
    shutter = ShutterSupervisor(ShutterTimings())
    now_us, pulses, failed = 0, list[int](), list[bool]()
    while now_us < NEVER:
        wake_us = shutter.update(now_us, ShutterFeedback.BETWEEN, may_release=True, empty=True)
        failed += [shutter.failed is CLOSED] * (shutter.pulse - len(pulses))
        pulses += [now_us] * (shutter.pulse - len(pulses))
        now_us = wake_us
    given_up_us = 3 * 3 * SECOND - ShutterTimings().retry_pause_us
    assert pulses[3:] == [given_up_us + minute * 60 * SECOND for minute in range(1, 61)]
    assert failed == [False] * 3 + [True] * 60
    shutter.update(pulses[-1] + 3600 * SECOND, ShutterFeedback.CLOSED, may_release=True, empty=True)
    assert shutter.failed is None


@pytest.mark.req("OUT-04")
def test_with_a_plug_in_the_socket_nothing_moves_by_itself_after_it_was_given_up() -> None:
    shutter = ShutterSupervisor(ShutterTimings())
    now_us = 0
    while now_us < NEVER:
        now_us = shutter.update(now_us, ShutterFeedback.BETWEEN, may_release=True)
    assert shutter.update(3600 * SECOND, ShutterFeedback.BETWEEN, may_release=True) == NEVER
    assert shutter.pulse == 3


@pytest.mark.req("OUT-04")
@given(
    st.lists(
        st.tuples(
            st.integers(1, 5_000),
            st.sampled_from(list(ShutterFeedback)),
            st.sampled_from(list(ShutterGoal)),
            st.booleans(),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_never_a_pulse_to_open_under_load(steps: list[tuple[int, ShutterFeedback, ShutterGoal, bool, bool]]) -> None:
    shutter = ShutterSupervisor(ShutterTimings())
    now_us = 0
    for after_ms, feedback, goal, again, may_release in steps:
        now_us += after_ms * MS
        before = shutter.pulse
        shutter.order(now_us, goal, again=again)
        shutter.update(now_us, feedback, may_release=may_release)
        if shutter.pulse != before:
            assert shutter.drive is (ShutterDrive.OPEN if goal is OPEN else ShutterDrive.CLOSE)
            assert may_release or goal is CLOSED
        assert not (shutter.closed and feedback is not ShutterFeedback.CLOSED)


# --- the outlet --------------------------------------------------------------------------------------------------


def city(**changes: Any) -> CoreBench:
    """One City outlet after its start: shutter closed, breaker contact on line 3."""
    bench = CoreBench(station_config(has_shutter=True, **{"lines": (BREAKER,), **changes}))
    return bench.run(12)


def charging(**changes: Any) -> CoreBench:
    """The same with a current flowing."""
    bench = city(**changes)
    bench.card()
    bench.run(2)
    bench.verb("plug_in")
    bench.run(20)
    assert bench.truth().contact_closed
    return bench


def errors(bench: CoreBench) -> list[str]:
    return [told.event.error for told in bench.told if isinstance(told.event, OutletError)]


def shutter_of(bench: CoreBench) -> ShutterPosition:
    return bench.truth().shutter


@pytest.mark.req("OUT-03", "STA-04")
def test_without_the_shutter_closed_no_current_flows() -> None:
    bench = city()
    bench.card()
    bench.run(2)
    bench.verb("jam_shutter", where="open")
    bench.verb("plug_in")
    bench.run(5)
    assert bench.truth().plug_held, "the bolt is locked"
    assert "ShutterNotConfirmed" in bench.outlet().permission.reasons
    assert "ShutterNotConfirmed" in bench.outlet().no_offer
    assert not bench.truth().pwm_on
    bench.run(10)
    assert errors(bench) == ["KO_PlugOrShutterAbnormallyNotLocked"]


@pytest.mark.req("OUT-03", "STA-04")
def test_a_plug_cannot_come_before_the_badge() -> None:
    bench = city()
    with pytest.raises(ValueError, match="shutter is in the way"):
        bench.verb("plug_in")
    free = city(access=Access.FREE)
    free.verb("plug_in")
    free.run(20)
    assert free.truth().contact_closed
    assert shutter_of(free) is ShutterPosition.CLOSED


@pytest.mark.req("OUT-04")
def test_a_welded_contact_keeps_the_shutter_closed() -> None:
    """Even when somebody has pushed the bolt back, so that nothing else would keep it closed."""
    bench = charging()
    bench.verb("weld_contactor")
    bench.card()
    bench.run(20)
    assert bench.outlet().status is OutletStatus.UNPLUG_STARTED
    assert bench.truth().contact_closed
    bench.verb("force_lock_open")
    bench.run(60)
    assert bench.outlet().procedure.shutter_goal is OPEN
    assert shutter_of(bench) is ShutterPosition.CLOSED
    assert bench.outlet().shutter.pulse == 2, "opened and closed once, for the session"


@pytest.mark.req("OUT-02", "OUT-04")
def test_opened_in_charge_is_an_emergency() -> None:
    bench = charging()
    bench.verb("force_shutter_open")
    raised_us = bench.now_us
    bench.run(0.1)
    assert not bench.truth().contact_closed
    assert bench.events(ContactorPermitted)[-1].reasons[0] == "ShutterNotConfirmed", "a hard reason of its own"
    [fault] = [told for told in bench.told if isinstance(told.event, FaultRaised)]
    assert (fault.at_us, fault.event.fault, fault.event.reaction) == (  # type: ignore[attr-defined]
        raised_us,
        "ShutterOpenedInCharge",
        "emergency",
    )
    assert errors(bench) == ["KO_OnStreetOpenShutterInCharge"]
    bench.run(10)
    assert shutter_of(bench) is ShutterPosition.OPEN, "the cable can come out"


@pytest.mark.req("OUT-04")
def test_pushed_open_while_idle_it_closes_again_and_nobody_is_alarmed() -> None:
    bench = city()
    bench.verb("force_shutter_open")
    bench.run(2)
    assert shutter_of(bench) is ShutterPosition.CLOSED
    assert not [told for told in bench.told if isinstance(told.event, FaultRaised)]


@pytest.mark.req("OUT-04")
def test_stuck_before_it_was_shut_it_shuts_by_itself_when_mended_and_its_fault_does_not_flicker() -> None:
    bench = city()
    bench.verb("jam_shutter", where="between")
    bench.card()
    bench.run(200)
    raised = [told.event.fault for told in bench.told if isinstance(told.event, FaultRaised)]
    assert raised == ["ShutterFailedToOpen", "ShutterFailedToClose"]
    bench.verb("jam_shutter", heal=True)
    bench.run(70)
    assert shutter_of(bench) is ShutterPosition.CLOSED
    assert not bench.core.outlets[0].faults.active


@pytest.mark.req("OUT-04")
def test_with_free_access_a_shutter_that_stuck_opens_by_itself_when_mended() -> None:
    bench = city(access=Access.FREE)
    bench.post(SetUnavailable("", 1))
    bench.run(5)
    assert shutter_of(bench) is ShutterPosition.CLOSED
    bench.verb("jam_shutter", where="closed")
    bench.post(SetUnavailable("", 1, active=False))
    bench.run(100)
    assert bench.core.outlets[0].faults.in_force("ShutterFailedToOpen")
    bench.verb("jam_shutter", heal=True)
    bench.run(70)
    assert shutter_of(bench) is ShutterPosition.OPEN
    assert not bench.core.outlets[0].faults.active


@pytest.mark.req("OUT-02", "OUT-04")
def test_a_shutter_that_does_not_open_over_a_plug_traps_it_until_somebody_comes() -> None:
    bench = charging()
    bench.verb("jam_shutter", where="closed")
    bench.card()
    bench.run(30)
    assert errors(bench) == ["KO_UnplugProcedureError"]
    assert bench.truth().plug_held
    bench.verb("jam_shutter", heal=True)
    bench.run(30)
    assert bench.truth().plug_held, "a bounded number of tries"
    bench.card()
    bench.run(3)
    assert not bench.truth().plug_held


@pytest.mark.req("STA-04", "OUT-01")
def test_maintenance_has_its_own_state_and_releases_lock_and_shutter() -> None:
    bench = city()
    bench.post(Maintain("", 1))
    bench.run(2)
    assert bench.outlet().status is OutletStatus.MAINTENANCE_CITY
    assert shutter_of(bench) is ShutterPosition.OPEN
    bench.card()
    bench.run(1)
    assert bench.outlet().status is OutletStatus.MAINTENANCE_CITY
    bench.post(Maintain("", 1, active=False))
    bench.run(2)
    assert bench.outlet().status is OutletStatus.INIT_DONE
    assert shutter_of(bench) is ShutterPosition.CLOSED


@pytest.mark.req("STA-04", "OUT-01")
def test_maintenance_goes_before_unavailable_and_gives_way_to_it() -> None:
    bench = city()
    bench.post(SetUnavailable("", 1))
    bench.run(1)
    assert bench.outlet().status is OutletStatus.UNAVAILABLE
    bench.post(Maintain("", 1))
    bench.run(1)
    assert bench.outlet().status is OutletStatus.MAINTENANCE_CITY
    bench.post(Maintain("", 1, active=False))
    bench.run(1)
    assert bench.outlet().status is OutletStatus.UNAVAILABLE


# --- the breaker input -------------------------------------------------------------------------------------------


@pytest.mark.req("STA-04", "INP-01", "OUT-05")
@pytest.mark.parametrize("normally_open", [True, False])
def test_the_breaker_input_opens_reports_and_recovers(normally_open: bool) -> None:
    bench = charging(lines=(replace(BREAKER, normally_open=normally_open),))
    bench.verb("trip_breaker")
    bench.run(1)
    assert not bench.truth().contact_closed
    assert "ProtectionDeviceTripped" in [fault.kind.name for fault in bench.outlet().faults.active]
    assert bench.outlet().faults.error_status >> 29 & 1
    bench.verb("reset_breaker")
    bench.run(1)
    assert [told.event.fault for told in bench.told if isinstance(told.event, FaultCleared)].count(
        "ProtectionDeviceTripped"
    ) == 1
    bench.run(60)
    assert bench.truth().contact_closed


@pytest.mark.req("INP-01")
def test_the_breaker_input_is_debounced() -> None:
    bench = city()
    for _ in range(10):
        bench.verb("trip_breaker").run(0.019)
        bench.verb("reset_breaker").run(0.019)
    assert "ProtectionDeviceTripped" not in [event.fault for event in bench.events(FaultRaised)]
    bench.verb("trip_breaker").run(0.020)
    assert "ProtectionDeviceTripped" in bench.faults()
    for _ in range(10):
        bench.verb("reset_breaker").run(0.019)
        bench.verb("trip_breaker").run(0.019)
    assert not [event for event in bench.events(FaultCleared) if event.fault == "ProtectionDeviceTripped"]


@pytest.mark.req("STA-04")
def test_without_a_breaker_input_the_lines_say_nothing() -> None:
    bench = city(lines=())
    bench.verb("set_input", line=3, closed=True)
    bench.run(1)
    assert not bench.outlet().faults.active
