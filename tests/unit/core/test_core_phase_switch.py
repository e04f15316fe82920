"""The phase switch behind X2: switched without load, proven by the voltages, put back when it does not follow."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import ClearFault, Command, SetPhases
from evse.core.config import Access
from evse.core.dip import DipBank, DipFunction
from evse.core.events import CommandDone, FaultRaised, PhasesSwitched, SessionClosed
from evse.core.units import SECOND
from evse.core.values import PilotMode
from hal.ports import PilotDriveMode
from hal.world.truth import PhaseSwitchTruth
from tests.fakes.core_bench import CoreBench, station_config

DEFAULT_FUNCTION = DipBank("DSW1", (DipFunction.X2_DEFAULT,))


def bench(**changes: Any) -> CoreBench:
    return CoreBench(station_config(access=Access.FREE, phase_switch=True, **changes)).run(12)


def charging(**changes: Any) -> CoreBench:
    b = bench(**changes)
    b.verb("plug_in").run(30)
    assert b.truth().contact_closed
    return b


def order(b: CoreBench, command: Command) -> tuple[str, str]:
    before = len(b.events(CommandDone))
    b.post(command)
    b.run(0)
    done = b.events(CommandDone)[before]
    return done.outcome, done.reason


def phases(b: CoreBench, count: int) -> tuple[str, str]:
    return order(b, SetPhases("", 1, phases=count))


def switch(b: CoreBench) -> PhaseSwitchTruth:
    found = b.truth().phase_switch
    assert found is not None
    return found


@pytest.mark.req("STA-03")
def test_it_moves_when_offer_contact_and_current_are_gone_and_the_session_goes_on() -> None:
    b = charging()
    ordered_us = b.now_us
    assert phases(b, 1) == ("done", "")
    assert b.output().pilot_mode is PilotMode.X1
    while switch(b).closed:
        assert b.now_us - ordered_us < 10 * SECOND
        b.run(0.001)
    assert not b.truth().contact_closed
    assert switch(b).moves_live == 0
    moved_us = b.now_us
    while not b.truth().contact_closed:
        assert b.now_us - moved_us < 20 * SECOND
        b.run(0.001)
    assert b.now_us - moved_us >= 10 * SECOND, "the vehicle looks anew at its phases"
    b.run(10)
    assert [bool(current) for current in b.truth().currents_ma] == [True, False, False]
    assert b.events(SessionClosed) == []
    assert b.faults() == (), "two dead conductors are what was ordered"
    assert [event.phases for event in b.events(PhasesSwitched)] == [1]


@pytest.mark.req("STA-03")
def test_a_vehicle_that_goes_on_drawing_is_waited_for_and_cut_off_before_the_switch_moves() -> None:
    b = charging()
    b.verb("set_vehicle", setting="ignores_stop", value="true").run(1)
    ordered_us = b.now_us
    phases(b, 1)
    b.run(5.9)
    assert (b.truth().contact_closed, switch(b).closed) == (True, True)
    b.run(2)
    assert (b.truth().contact_closed, switch(b).closed, switch(b).moves_live) == (False, False, 0)
    assert b.times(PhasesSwitched)[0] >= ordered_us + 6 * SECOND


@pytest.mark.req("STA-03")
def test_behind_a_welded_contact_it_never_moves() -> None:
    b = charging()
    b.verb("weld_contactor")
    phases(b, 1)
    b.run(60)
    assert "ContactorWelded" in b.faults()
    assert switch(b) == PhaseSwitchTruth(x2_closed=True, closed=True, moves=0, moves_live=0)


@pytest.mark.req("STA-03")
def test_what_is_refused_says_why() -> None:
    assert phases(CoreBench(station_config()).run(12), 1) == ("refused", "there is no phase switch at this outlet")
    b = bench()
    assert phases(b, 2)[1] == "2 phases cannot be switched: 1 or 3"
    assert phases(b, 3) == ("done", ""), "there already"
    assert phases(b, 1) == ("done", "")
    b.run(60)
    assert phases(b, 3) == ("refused", "not allowed now: 300 s between two switchings, 240 s are left")
    b.run(240)
    assert phases(b, 3) == ("done", "")


@pytest.mark.req("STA-03")
@pytest.mark.parametrize("part", ["contactor", "relay"])
@pytest.mark.parametrize("start", [1, 3])
def test_a_switch_that_sticks_is_put_back_and_the_charge_goes_on(part: str, start: int) -> None:
    b = charging()
    if start == 1:
        phases(b, 1)
        b.run(310)
    b.verb("phase_switch_sticks", part=part)
    ordered_us = b.now_us
    phases(b, 4 - start)
    b.run(30)
    assert b.faults() == ("PhaseSwitchFailed",)
    assert 5 * SECOND <= b.times(FaultRaised)[0] - ordered_us <= 6 * SECOND, "the vehicle's time, three tries of 1 s"
    assert b.truth().contact_closed
    assert sum(map(bool, b.truth().currents_ma)) == start
    assert switch(b).x2_closed is (start == 3)
    b.verb("phase_switch_sticks", heal=True).run(300)
    assert phases(b, 4 - start)[1] == "the phase switch has failed: mend it and clear PhaseSwitchFailed"
    assert order(b, ClearFault("", 1, fault="PhaseSwitchFailed")) == ("done", "")
    b.run(1)
    assert b.faults() == ()
    assert phases(b, 4 - start) == ("done", "")
    b.run(30)
    assert sum(map(bool, b.truth().currents_ma)) == 4 - start


@pytest.mark.req("STA-03", "INP-02")
def test_with_the_default_function_of_x2_nobody_switches_and_it_returns_to_three_phases() -> None:
    b = CoreBench(station_config(phase_switch=True, access=Access.FREE, dip_banks=(DEFAULT_FUNCTION,)), dip=(0x00,))
    b.run(12)
    phases(b, 1)
    b.run(20)
    assert not switch(b).closed
    b.verb("set_dip", bank=1, switch=1, on=True).run(1)
    assert not switch(b).closed, "read at the start only"
    b.boot("boot2")
    b.restore()
    b.run(20)
    assert switch(b).closed
    assert phases(b, 1)[1] == "X2 has its default function by the DIP switch: switch that off and restart"


@pytest.mark.req("STA-03")
def test_its_position_outlives_a_restart() -> None:
    b = charging()
    phases(b, 1)
    b.run(30)
    b.boot("boot2")
    b.restore()
    b.run(30)
    assert (b.outlet().phase_switch.target, switch(b).moves) == (1, 1)
    assert b.faults() == (), "the first reading says what was ordered"


@pytest.mark.req("STA-03")
def test_a_position_that_changes_by_itself_is_put_right_without_load() -> None:
    b = charging()
    b.world.outlets[0].drive_x2(False, b.now_us)
    b.run(60)
    assert (switch(b).closed, switch(b).moves, switch(b).moves_live) == (True, 2, 1), "the foreign move was under load"
    assert b.truth().contact_closed


def test_without_any_feed_nobody_judges_the_switch() -> None:
    b = bench()
    b.verb("trip_breaker")
    phases(b, 1)
    b.run(60)
    assert "PhaseSwitchFailed" not in b.faults()
    b.verb("reset_breaker").run(30)
    assert (b.faults(), switch(b).closed) == ((), False)


def test_a_front_end_that_is_away_is_waited_for() -> None:
    b = bench()
    b.link_ok = [False]
    phases(b, 1)
    b.run(20)
    assert switch(b).moves == 0
    b.link_ok = [True]
    b.run(20)
    assert (switch(b).closed, b.world.outlets[0].generator.mode) == (False, PilotDriveMode.X1)
