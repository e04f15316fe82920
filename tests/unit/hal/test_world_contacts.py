"""The world's input lines: free contacts, key, push button, stuck and chattering lines, their verbs."""

from __future__ import annotations

import pytest

from hal.units import MS, SECOND
from hal.world.contacts import ContactKind, WiredContact
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld
from hal.world.verb_spec import VerbError
from hal.world.verbs import apply, verbs_of

WALLBOX = (WiredContact(ContactKind.BUTTON, 3), WiredContact(ContactKind.KEY, 4, normally_open=False))


def wallbox() -> StationWorld:
    return StationWorld([OutletSetup(contacts=WALLBOX)])


@pytest.mark.req("SIM-01", "STA-06")
def test_the_keys_contact_follows_the_key() -> None:
    world = wallbox()
    outlet = world.outlet(1)
    assert outlet.inputs() == (False, False, False, True)
    apply(world, "turn_key", {}, 0)
    assert outlet.inputs() == (False, False, False, False)
    assert outlet.truth().key_locked
    with pytest.raises(VerbError, match="locked position already"):
        apply(world, "turn_key", {"to": "locked"}, 0)
    apply(world, "turn_key", {"to": "unlocked"}, 0)
    assert outlet.inputs() == outlet.truth().inputs == (False, False, False, True)


@pytest.mark.req("SIM-01", "STA-06")
def test_the_button_is_let_go_after_its_time() -> None:
    world = wallbox()
    outlet = world.outlet(1)
    apply(world, "press_button", {"hold": "200 ms"}, SECOND)
    assert outlet.inputs()[2]
    with pytest.raises(VerbError, match="held already"):
        apply(world, "press_button", {}, SECOND)
    assert outlet.due_us() == SECOND + 200 * MS
    world.step(SECOND + 200 * MS)
    assert not outlet.inputs()[2]


@pytest.mark.parametrize(("line", "words"), [(3, "press_button moves it"), (4, "turn_key moves it")])
def test_a_devices_contact_is_moved_by_its_device(line: int, words: str) -> None:
    with pytest.raises(VerbError, match=words):
        apply(wallbox(), "set_input", {"line": line}, 0)


def test_a_stuck_line_no_longer_follows_its_contact() -> None:
    world = wallbox()
    outlet = world.outlet(1)
    apply(world, "stick_input", {"line": 4, "at": "open"}, 0)
    apply(world, "stick_input", {"line": 1, "at": "closed"}, 0)
    assert outlet.inputs() == (True, False, False, False)
    assert not outlet.truth().key_locked
    apply(world, "stick_input", {"heal": True}, 0)
    assert outlet.inputs() == (False, False, False, True)


def test_a_chattering_line_alternates_and_comes_to_rest() -> None:
    world = wallbox()
    outlet = world.outlet(1)
    seen: list[tuple[int, bool]] = []
    outlet.on_change(lambda now_us: seen.append((now_us, outlet.inputs()[0])))
    apply(world, "bounce_input", {"line": 1, "period": 10, "duration": 35}, 0)
    world.step(SECOND)
    assert seen == [(0, True), (10 * MS, False), (20 * MS, True), (30 * MS, False), (35 * MS, False)]
    apply(world, "bounce_input", {"line": 2, "period": 10, "duration": 35}, SECOND)
    apply(world, "bounce_input", {"heal": True}, SECOND)
    assert not any(outlet.inputs()[:2])


@pytest.mark.parametrize("verb", ["stick_input", "bounce_input", "set_input"])
def test_a_line_that_is_not_there_is_refused(verb: str) -> None:
    with pytest.raises(VerbError, match="there is no line 5; allowed: whole number from 1 to 4"):
        apply(wallbox(), verb, {"line": 5}, 0)


def test_verbs_of_key_and_button_are_offered_only_where_they_are() -> None:
    offered = {verb.name for verb in verbs_of(StationWorld([OutletSetup()]))}
    assert not offered & {"turn_key", "press_button"}
    assert {"turn_key", "press_button"} <= {verb.name for verb in verbs_of(wallbox())}
    for verb, words in (("turn_key", "no key lock"), ("press_button", "no push button")):
        with pytest.raises(VerbError, match=words):
            apply(StationWorld([OutletSetup()]), verb, {}, 0)


@pytest.mark.parametrize("lines", [(0,), (5,), (2, 2)])
def test_impossible_wiring_is_refused(lines: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="on a line that exists, and alone"):
        OutletSetup(contacts=tuple(WiredContact(ContactKind.KEY, line) for line in lines))
