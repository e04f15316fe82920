"""DIP switches, X1 and service button of a THØR in the core, joined to the world without drivers."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import Notice, ShowNotice
from evse.core.config import SignStyle
from evse.core.dip import DipBank, DipFunction
from evse.core.events import CardsErased, DipSwitchesRead, MasterCardTaught, RestartRequested, SessionClosed
from evse.core.lines import InputLine, LineFunction
from evse.core.service_button import FIRST_TONE_US, SECOND_TONE_US
from evse.core.units import MS, SECOND
from evse.core.values import Beep, Light
from tests.fakes.core_bench import OTHER_UID, CoreBench, station_config

F = DipFunction
BANK = DipBank("DSW1", (F.X1_ENABLE, *(F.UNKNOWN,) * 4, F.CURRENT, F.CURRENT, F.CURRENT))
LINES = (InputLine(7, LineFunction.X1_ENABLE), InputLine(8, LineFunction.SERVICE_BUTTON))
DEBOUNCE_US = LINES[0].debounce_us


def thor(dip: int = 0, **changes: Any) -> CoreBench:
    config = station_config(dip_banks=(BANK,), lines=LINES, signs=SignStyle.THOR, has_display=True, **changes)
    return CoreBench(config, dip=(dip,))


@pytest.mark.req("INP-02")
@pytest.mark.parametrize(("dip", "amperes"), [(0, 10), (4, 13), (2, 16), (6, 20), (1, 25), (5, 32), (3, 10), (7, 10)])
def test_the_switches_limit_the_current_that_really_flows(dip: int, amperes: int) -> None:
    bench = thor(dip).charging()
    assert max(bench.truth().currents_ma) <= amperes * 1_000
    assert max(bench.truth().currents_ma) > amperes * 950
    assert bench.outlet().arbitration.ruling == ("rated" if amperes == 32 else "DIP switches")
    assert ("DipSwitchesInvalid" in bench.faults()) is (dip in (3, 7))
    assert bench.outlet().faults.error_status == 0


@pytest.mark.req("INP-02")
def test_nothing_is_offered_before_the_switches_were_read() -> None:
    bench = CoreBench(station_config(dip_banks=(BANK,)))
    bench.run(12)
    bench.verb("plug_in").run(3)
    bench.card()
    bench.run(60)
    assert not bench.truth().pwm_on
    assert "DipSwitchesUnknown" in bench.outlet().no_offer
    assert bench.events(DipSwitchesRead) == []


@pytest.mark.req("INP-02")
def test_a_change_counts_from_the_next_start() -> None:
    bench = thor(0).charging()
    bench.verb("set_dip", switch=6).verb("set_dip", switch=8).run(30)
    assert max(bench.truth().currents_ma) <= 10_000
    told = [(event.positions, event.pending) for event in bench.events(DipSwitchesRead)]
    assert told == [("DSW1 00000000", False), ("DSW1 00000101", True)]
    bench.boot("boot2")
    bench.restore()
    bench.run(20)
    bench.card()
    bench.run(60)
    assert max(bench.truth().currents_ma) > 30_000


@pytest.mark.req("AUT-09")
def test_x1_releases_holds_back_and_interrupts() -> None:
    bench = thor(0x80)
    bench.run(12)
    bench.verb("plug_in").run(3)
    bench.card()
    bench.run(60)
    assert not bench.truth().pwm_on
    assert bench.outlet().no_offer == ("X1Open",)
    bench.verb("set_x1").run(30)
    assert bench.truth().contact_closed
    opened_us = bench.now_us
    bench.verb("set_x1", closed=False).run_until(opened_us + DEBOUNCE_US - 1)
    assert bench.truth().pwm_on
    bench.run_until(opened_us + DEBOUNCE_US)
    assert not bench.truth().pwm_on
    bench.run(10)
    assert not bench.truth().contact_closed
    assert bench.truth().openings_under_load == 0
    assert bench.outlet().procedure.session is not None
    bench.verb("set_x1").run(30)
    assert bench.truth().contact_closed, "the same session goes on"
    assert bench.events(SessionClosed) == []


@pytest.mark.req("AUT-09")
def test_x1_without_its_switch_is_ignored() -> None:
    bench = thor(0x05).charging()
    assert not bench.truth().x1_closed
    assert bench.truth().contact_closed


@pytest.mark.req("INP-03")
def test_the_button_ends_the_session_before_the_restart() -> None:
    bench = thor(5).charging()
    beeps = bench.output().beep_count
    pressed_us = bench.now_us
    bench.verb("press_service_button", hold=2).run_until(pressed_us + DEBOUNCE_US + FIRST_TONE_US)
    assert (bench.output().beep, bench.output().beep_count) == (Beep.TONE, beeps + 1)
    bench.run_until(pressed_us + 2 * SECOND + DEBOUNCE_US)
    assert not bench.truth().pwm_on
    assert bench.output().display == "Restart"
    bench.run(8)
    assert [event.reason for event in bench.events(SessionClosed)] == ["Reboot"]
    assert [event.cause for event in bench.events(RestartRequested)] == ["ServiceButton"]
    [closed_us], [restart_us] = bench.times(SessionClosed), bench.times(RestartRequested)
    assert closed_us <= restart_us <= pressed_us + 10 * SECOND
    assert bench.truth().openings_under_load == 0
    assert bench.events(CardsErased) == []


@pytest.mark.req("INP-03")
def test_a_vehicle_that_does_not_stop_does_not_keep_the_station_from_restarting() -> None:
    bench = thor(5).charging(ignores_stop=True)
    bench.verb("press_service_button", hold=2).run(2 + 7 + 1)
    assert len(bench.events(RestartRequested)) == 1


@pytest.mark.req("INP-03")
def test_erasing_and_teaching_the_master_card() -> None:
    bench = thor(5)
    bench.run(12)
    pressed_us = bench.now_us
    bench.verb("press_service_button", hold=30).run(12)
    assert bench.times(CardsErased) == [pressed_us + DEBOUNCE_US + SECOND_TONE_US]
    assert bench.times(RestartRequested, cause="ServiceButtonErase") == [
        pressed_us + DEBOUNCE_US + SECOND_TONE_US + 500 * MS
    ]
    assert bench.faults() == ("MasterCardMissing",)
    assert bench.outlet().faults.error_status == 0
    bench.boot("boot2")
    bench.restore(latched=("MasterCardMissing",))
    bench.run(29)
    assert bench.output().light is Light.BLUE_EVERY_3_S
    bench.run(2)
    assert bench.output().light is Light.ORANGE_THREE
    bench.card(OTHER_UID)
    bench.run(1)
    assert [event.uid for event in bench.events(MasterCardTaught)] == [OTHER_UID]
    assert bench.output().beep is Beep.ACCEPTED
    assert bench.faults() == ()
    assert bench.outlet().procedure.session is None
    bench.verb("plug_in").run(1)
    bench.card()
    bench.run(60)
    assert bench.truth().contact_closed, "the next card is a user's"


@pytest.mark.req("INP-03")
def test_nobody_becomes_master_after_the_time() -> None:
    bench = thor(5)
    bench.boot("boot2")
    bench.restore(latched=("MasterCardMissing",))
    bench.run(61)
    assert bench.output().light is Light.BLUE_EVERY_3_S
    bench.card()
    bench.run(2)
    assert bench.events(MasterCardTaught) == []
    assert bench.outlet().procedure.session is not None
    assert bench.faults() == ("MasterCardMissing",), "a notice, which stops nobody"


def test_a_missing_master_card_keeps_nobody_from_charging() -> None:
    bench = thor(5)
    bench.boot("boot2")
    bench.restore(latched=("MasterCardMissing",))
    bench.charging()
    assert bench.output().light is Light.GREEN


@pytest.mark.req("CFG-02")
def test_what_services_have_to_say_is_on_the_display_until_they_say_something_else() -> None:
    bench = thor().run(12)
    before = bench.output().display
    bench.post(ShowNotice("say", notice=Notice.USB_DONE))
    bench.run(5)
    assert bench.output().display == "remove usb"
    bench.post(ShowNotice("clear", notice=Notice.NONE))
    bench.run(1)
    assert bench.output().display == before
