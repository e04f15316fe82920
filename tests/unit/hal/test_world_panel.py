"""DIP switches, service button and X1 contact of the simulated world, and the verbs that move them."""

from __future__ import annotations

import pytest

from hal.ports import BeepCode, LightCode
from hal.units import SECOND
from hal.world.contacts import ContactKind, WiredContact
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld
from hal.world.verbs import VerbError, apply, verbs_of

CONTACTS = (WiredContact(ContactKind.X1, 7), WiredContact(ContactKind.SERVICE_BUTTON, 8))
PANEL = {"set_dip", "press_service_button", "set_x1"}


def thor() -> StationWorld:
    return StationWorld([OutletSetup(input_count=8, contacts=CONTACTS, dip=(0x00, 0x08))])


@pytest.mark.req("INP-02", "SIM-01")
def test_each_switch_is_one_bit_and_stays_without_supply() -> None:
    world = thor()
    outlet = world.outlet(1)
    for bank, switch, banks in ((1, 1, (0x80, 0x08)), (1, 8, (0x81, 0x08)), (2, 5, (0x81, 0x08)), (2, 6, (0x81, 0x0C))):
        apply(world, "set_dip", {"bank": bank, "switch": switch}, SECOND)
        assert outlet.dip_switches() == outlet.truth().dip == banks
    apply(world, "set_dip", {"bank": 1, "switch": 1, "on": False}, SECOND)
    apply(world, "cut_power", {}, 2 * SECOND)
    apply(world, "set_dip", {"bank": 2, "switch": 5, "on": False}, 3 * SECOND)
    apply(world, "restore_power", {}, 4 * SECOND)
    assert outlet.dip_switches() == (0x01, 0x04)


@pytest.mark.req("INP-03", "SIM-01")
def test_the_button_closes_its_line_while_it_is_held() -> None:
    world = thor()
    outlet = world.outlet(1)
    told: list[int] = []
    outlet.on_change(told.append)
    apply(world, "press_service_button", {"hold": "1.5 s"}, SECOND)
    assert outlet.inputs()[7]
    with pytest.raises(VerbError, match="held already"):
        apply(world, "press_service_button", {}, SECOND)
    assert world.step(SECOND) == 2_500_000
    world.step(2_500_000)
    assert not any(outlet.inputs())
    assert told[-1] == 2_500_000


@pytest.mark.req("AUT-09", "SIM-01")
def test_x1_closes_its_line() -> None:
    world = thor()
    outlet = world.outlet(1)
    apply(world, "set_x1", {}, SECOND)
    assert outlet.inputs() == (False,) * 6 + (True, False)
    assert outlet.truth().x1_closed
    apply(world, "set_x1", {"closed": False}, SECOND)
    assert not any(outlet.inputs())


def test_verbs_exist_only_where_the_devices_do() -> None:
    world = thor()
    assert {verb.name for verb in verbs_of(world)} >= PANEL
    plain = StationWorld([OutletSetup()])
    assert not {verb.name for verb in verbs_of(plain)} & PANEL
    for name in sorted(PANEL):
        with pytest.raises(VerbError, match="has no"):
            apply(plain, name, {"switch": 1} if name == "set_dip" else {}, 0)


@pytest.mark.parametrize(
    ("verb", "params", "text"),
    [
        ("set_dip", {"bank": 3, "switch": 1}, "whole number from 1 to 2"),
        ("set_dip", {"bank": 1, "switch": 9}, "whole number from 1 to 8"),
        ("set_dip", {"bank": 1}, "is missing"),
        ("set_input", {"line": 7}, "set_x1"),
        ("set_input", {"line": 8}, "press_service_button"),
    ],
)
def test_wrong_calls_are_refused_and_change_nothing(verb: str, params: dict[str, int], text: str) -> None:
    world = thor()
    with pytest.raises(VerbError, match=text):
        apply(world, verb, params, SECOND)
    assert world.outlet(1).dip_switches() == (0x00, 0x08)
    assert not any(world.outlet(1).inputs())


@pytest.mark.req("OUT-07")
def test_what_a_passer_by_sees_is_truth_and_goes_dark_with_the_supply() -> None:
    world = thor()
    outlet = world.outlet(1)
    outlet.show_light(LightCode.ORANGE_SLOW, SECOND)
    outlet.show_text("Out of service", SECOND)
    outlet.beep(BeepCode.REFUSED, SECOND)
    truth = outlet.truth()
    assert (truth.light, truth.display, truth.beep, truth.beep_count) == ("orange_slow", "Out of service", "refused", 1)
    apply(world, "cut_power", {}, 2 * SECOND)
    assert (outlet.truth().light, outlet.truth().display) == ("off", "")
