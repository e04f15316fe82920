"""When an order counts as given: answered, undisturbed for a while, and from then on whatever happens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evse.core.commands import Book, Command, SetUnavailable, Suspend
from evse.core.config import OutletConfig, StationConfig
from evse.core.events import CommandDone, Event, SessionOpened
from evse.core.units import MS, SECOND
from evse.sim.given_orders import FIRM_US, GivenOrders
from evse.sim.invariants_base import Known, Moment
from evse.sim.station import Claims, OutletFacts, TimedEvent
from hal.ports import SelfTest
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld

CONFIG = StationConfig("station", "toy", (OutletConfig(1), OutletConfig(2)))
WORLD = StationWorld([OutletSetup(), OutletSetup()])
FACTS = tuple(OutletFacts(number, WORLD.outlet(number).truth(), None, SelfTest.PASSED) for number in (1, 2))


class Story:
    """A run that is told moment by moment."""

    def __init__(self) -> None:
        self.given = GivenOrders()
        self.known = Known()
        self.started_us = 0
        self.now_us = 0

    def look(self, after_us: int, *events: Event, running: bool = True, **more: Any) -> Story:
        self.now_us += after_us
        claims = Claims(True, self.started_us, ())
        told = tuple(TimedEvent(self.now_us, event) for event in events)
        moment = Moment(self.now_us, CONFIG, FACTS, claims if running else None, told, {}, (), (), self.known)
        self.given.follow(replace(moment, **more))
        return self

    def order(self, command: Command, outcome: str = "done") -> Story:
        self.known.commands.append((self.now_us, command))
        return self.look(MS, CommandDone(command.outlet, command.command_id, outcome, ""))

    def firm(self, outlet: int, kind: type[Command]) -> int:
        return len(self.given.firm(outlet, kind))


OUT = SetUnavailable("out", 1)


def test_an_order_is_firm_after_a_quiet_while_and_outlives_everything() -> None:
    story = Story().look(0).order(OUT)
    assert story.given.pending()
    assert story.look(FIRM_US - MS).firm(1, SetUnavailable) == 0
    assert story.look(MS).firm(1, SetUnavailable) == 1
    assert not story.given.pending()
    story.look(SECOND, running=False, disturbances=("no power",))
    story.started_us = story.now_us + SECOND
    assert story.look(2 * SECOND).firm(1, SetUnavailable) == 1
    assert story.firm(2, SetUnavailable) == 0


def test_a_restart_before_leaves_it_open() -> None:
    story = Story().look(0).order(OUT)
    story.look(FIRM_US - MS, running=False, disturbances=("control stopped",))
    assert story.look(10 * SECOND).firm(1, SetUnavailable) == 0


def test_quiet_means_services_running_and_nothing_waiting_for_the_disk() -> None:
    for bad in ({"disturbances": ("services stopped",)}, {"disturbances": ("disk",)}, {"stored": False}):
        story = Story().look(0).order(OUT).look(MS, **bad)
        assert story.look(10 * SECOND, **bad).firm(1, SetUnavailable) == 0
        assert story.look(FIRM_US).look(FIRM_US).firm(1, SetUnavailable) == 1


def test_a_refused_order_changes_nothing_and_an_unanswered_one_is_not_judged() -> None:
    story = Story().look(0).order(OUT).look(FIRM_US)
    story.order(SetUnavailable("x", 1, active=False), "refused")
    assert story.firm(1, SetUnavailable) == 1
    story.known.commands.append((story.now_us, SetUnavailable("y", 1, active=False)))
    assert story.look(SECOND).firm(1, SetUnavailable) == 0


def test_a_withdrawn_order_is_gone_and_one_for_the_station_is_for_every_outlet() -> None:
    story = Story().look(0).order(SetUnavailable("all", 0)).order(Suspend("s", 2)).look(FIRM_US)
    assert [story.firm(number, SetUnavailable) for number in (0, 1, 2)] == [0, 1, 1]
    story.order(SetUnavailable("back", 1, active=False)).look(FIRM_US)
    assert [story.firm(number, SetUnavailable) for number in (1, 2)] == [0, 1]
    assert [story.firm(number, Suspend) for number in (1, 2)] == [0, 1]


def test_a_booking_is_over_when_its_user_comes() -> None:
    story = Story().look(0).order(Book("b", 1, uid="04A1B2C3")).look(FIRM_US)
    assert story.look(MS, SessionOpened(1, "s1", "04FFFF00", "badge")).firm(1, Book) == 1
    assert story.look(MS, SessionOpened(1, "s2", "04A1B2C3", "badge")).firm(1, Book) == 0
