"""The world's shutter: mechanics, what it keeps in and out, its verbs; and the breaker's auxiliary contact."""

from __future__ import annotations

import pytest

from hal.ports import ShutterPosition, ShutterPulse
from hal.units import MS, NEVER, SECOND
from hal.world.contacts import ContactKind, WiredContact
from hal.world.outlet import OutletSetup
from hal.world.shutter import TRAVEL_US, Shutter, ShutterFeedbackFault, ShutterJam
from hal.world.station import StationWorld
from hal.world.verb_spec import VerbError
from hal.world.verbs import apply

OPEN, CLOSED, BETWEEN = ShutterPosition.OPEN, ShutterPosition.CLOSED, ShutterPosition.BETWEEN


def station(**setup: object) -> StationWorld:
    return StationWorld([OutletSetup(has_shutter=True, **setup)])  # type: ignore[arg-type]


@pytest.mark.req("SIM-01")
def test_it_travels_while_its_motor_runs() -> None:
    shutter = Shutter(fitted=True)
    assert shutter.true_position() is CLOSED
    assert shutter.drive(ShutterPulse.OPEN, 2 * SECOND, 0)
    assert (shutter.true_position(), shutter.due_us) == (BETWEEN, TRAVEL_US)
    shutter.step(TRAVEL_US)
    assert (shutter.true_position(), shutter.due_us) == (OPEN, NEVER)
    shutter.drive(ShutterPulse.CLOSE, 300 * MS, SECOND)
    shutter.step(SECOND + 300 * MS)
    assert shutter.true_position() is BETWEEN, "the pulse was too short"
    assert shutter.in_the_way
    assert not Shutter().in_the_way
    assert not Shutter().drive(ShutterPulse.OPEN, SECOND, 0)


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(
    ("jam", "after_open", "after_close"),
    [
        (ShutterJam.CLOSED, CLOSED, CLOSED),
        (ShutterJam.BETWEEN, BETWEEN, CLOSED),
        (ShutterJam.OPEN, OPEN, OPEN),
        (ShutterJam.NONE, OPEN, CLOSED),
    ],
)
def test_jams(jam: ShutterJam, after_open: ShutterPosition, after_close: ShutterPosition) -> None:
    shutter = Shutter(fitted=True)
    shutter.set_jam(jam, 0)
    shutter.drive(ShutterPulse.OPEN, 2 * SECOND, 0)
    shutter.step(2 * SECOND)
    assert shutter.true_position() is after_open
    if jam is ShutterJam.BETWEEN:
        return
    shutter.drive(ShutterPulse.CLOSE, 2 * SECOND, 3 * SECOND)
    shutter.step(5 * SECOND)
    assert shutter.true_position() is after_close
    shutter.force_open(6 * SECOND)
    assert shutter.true_position() is OPEN


@pytest.mark.req("SIM-01")
def test_only_an_open_shutter_lets_a_plug_in_or_out() -> None:
    world = station()
    outlet = world.outlet(1)
    with pytest.raises(VerbError, match="the shutter is in the way"):
        apply(world, "plug_in", {}, 0)
    outlet.drive_shutter(ShutterPulse.OPEN, SECOND, 0)
    apply(world, "plug_in", {}, 2 * SECOND)
    outlet.drive_shutter(ShutterPulse.CLOSE, SECOND, 2 * SECOND)
    world.step(4 * SECOND)
    assert outlet.truth().plug_held
    with pytest.raises(VerbError, match="the shutter holds the plug"):
        apply(world, "unplug", {}, 4 * SECOND)
    apply(world, "force_shutter_open", {}, 5 * SECOND)
    with pytest.raises(VerbError, match="open already"):
        apply(world, "force_shutter_open", {}, 5 * SECOND)
    apply(world, "unplug", {}, 5 * SECOND)


@pytest.mark.req("SIM-01")
def test_verbs_jam_and_deceive_and_heal() -> None:
    world = station()
    outlet = world.outlet(1)
    apply(world, "jam_shutter", {"where": "closed"}, 0)
    outlet.drive_shutter(ShutterPulse.OPEN, SECOND, 0)
    assert outlet.shutter_position() is CLOSED
    apply(world, "jam_shutter", {"heal": True}, SECOND)
    for kind, seen in (
        (ShutterFeedbackFault.CONTRADICTORY, ShutterPosition.CONTRADICTORY),
        (ShutterFeedbackFault.LOST, BETWEEN),
        (ShutterFeedbackFault.STUCK_OPEN, OPEN),
        (ShutterFeedbackFault.STUCK_CLOSED, CLOSED),
    ):
        apply(world, "shutter_feedback_fault", {"kind": kind.value}, SECOND)
        assert outlet.shutter_position() is seen
        assert outlet.truth().shutter is CLOSED
    apply(world, "shutter_feedback_fault", {"heal": True}, SECOND)
    outlet.drive_shutter(ShutterPulse.OPEN, SECOND, SECOND)
    world.step(3 * SECOND)
    assert outlet.shutter_position() is OPEN


@pytest.mark.parametrize("verb", ["jam_shutter", "shutter_feedback_fault", "force_shutter_open"])
def test_without_a_shutter_its_verbs_are_impossible(verb: str) -> None:
    with pytest.raises(VerbError, match="no shutter"):
        apply(StationWorld([OutletSetup()]), verb, {}, 0)


def test_without_supply_it_stays_where_it_is() -> None:
    world = station()
    outlet = world.outlet(1)
    outlet.drive_shutter(ShutterPulse.OPEN, SECOND, 0)
    apply(world, "cut_power", {}, 400 * MS)
    outlet.drive_shutter(ShutterPulse.OPEN, SECOND, 500 * MS)
    world.step(5 * SECOND)
    assert outlet.truth().shutter is BETWEEN


@pytest.mark.req("STA-04", "SIM-01")
@pytest.mark.parametrize("normally_open", [True, False])
def test_the_breakers_contact_follows_the_breaker(normally_open: bool) -> None:
    world = station(contacts=(WiredContact(ContactKind.BREAKER, 3, normally_open),))
    outlet = world.outlet(1)
    assert outlet.inputs() == (False, False, not normally_open, False)
    apply(world, "trip_breaker", {}, 0)
    assert outlet.inputs() == (False, False, normally_open, False)
    with pytest.raises(VerbError, match="the breaker's own contact"):
        apply(world, "set_input", {"line": 3}, 0)
    apply(world, "reset_breaker", {}, 0)
    assert outlet.inputs()[2] is not normally_open
    with pytest.raises(ValueError, match="a line that exists"):
        OutletSetup(contacts=(WiredContact(ContactKind.BREAKER, 5),))
