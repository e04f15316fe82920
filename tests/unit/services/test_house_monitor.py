"""Whatever a house meter does, nothing it says wrongly raises what the station may draw; and what is read how often."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import Command, SetLimit
from evse.core.house_limit import HouseSettings
from evse.core.units import PhaseValues
from evse.exchange.snapshot import LimitView, StationView
from evse.services.house_monitor import HouseMonitor, own_currents
from hal.drivers.modbus_meter import Purpose
from hal.frames.modbus import Framing
from hal.world.metered import Measured, MeterLie
from tests.fakes.meter_bench import MeterBench
from tests.fakes.web_fake import charging, station_view

pytestmark = pytest.mark.req("ENE-10")
HOUSE = Measured((10_000, 10_000, 10_000), (230_000,) * 3, (2_300_000,) * 3, 5_000_000)


class House:
    """A monitor, its reader and the house's meter on one line."""

    def __init__(self, *, view: StationView | None = None) -> None:
        self.bench = MeterBench("tq-em420", framing=Framing.TCP, purpose=Purpose.HOUSE, reader_unit=1, twin_unit=1)
        self.bench.source.now = HOUSE
        self.said: list[PhaseValues] = []
        self.view = view or idle()
        self.monitor = HouseMonitor(
            self.bench.driver, HouseSettings(25_000, fallback_ma=6_000), lambda: self.view, self.take, "life"
        )
        self.bench.scheduler.remove(self.bench.polling)
        self.bench.scheduler.add(self.monitor, "monitor")
        self.bench.modem.left.attach(self.monitor)

    def take(self, command: Command) -> None:
        assert isinstance(command, SetLimit)
        phases = command.plan[0].phases_ma
        assert phases is not None
        self.said.append(phases)


def idle() -> StationView:
    view = replace(station_view(), restored=True)
    return replace(view, outlets=tuple(replace(each, currents_ma=(0, 0, 0), session=None) for each in view.outlets))


def lies(kind: MeterLie) -> Any:
    return lambda house: house.bench.twin.set_lie(kind, house.bench.now_us)


def fault(**values: Any) -> Any:
    def plant(house: House) -> None:
        for name, value in values.items():
            setattr(house.bench.twin.faults, name, value)

    return plant


@pytest.mark.parametrize(
    "plant",
    [
        fault(garbage=True),
        fault(exception=2),
        fault(exception=4),
        fault(exception=11),
        fault(silent=True),
        fault(delay_us=5_000_000),
        lies(MeterLie.NAN),
        lies(MeterLie.JUMP),
        lambda house: house.bench.modem.cut(),
    ],
    ids=["garbage", "exception 2", "exception 4", "exception 11", "silent", "slow", "nan", "jump", "cut"],
)
def test_nothing_a_meter_says_wrongly_raises_the_limit(plant: Any) -> None:
    house = House()
    house.bench.run(15)
    assert house.said[-1] == (15_000, 15_000, 15_000)
    house.said.clear()
    plant(house)
    house.bench.run(60)
    assert all(max(phases) <= 15_000 for phases in house.said), house.said
    assert house.said[-1] in ((6_000,) * 3, (0, 0, 0)), "the fallback, or a house that seems to take everything"


def test_more_than_the_connection_carries_is_followed_with_the_next_reading() -> None:
    house = House(view=busy())
    house.bench.run(15)
    house.bench.source.now = HOUSE._replace(
        currents_ma=(24_000, 10_000, 10_000), powers_mw=(5_520_000, 2_300_000, 2_300_000)
    )
    house.bench.run(2)
    assert house.said[-1][0] == 1_000


def busy() -> StationView:
    view = replace(charging(), restored=True)
    return replace(view, outlets=tuple(replace(each, currents_ma=(0, 0, 0)) for each in view.outlets))


def test_a_house_where_nobody_charges_is_read_every_five_seconds_else_every_second() -> None:
    quiet, charged = House(), House(view=busy())
    for house in (quiet, charged):
        house.bench.run(60)
    assert quiet.bench.driver.counters.cycles == pytest.approx(12, abs=2)
    assert charged.bench.driver.counters.cycles == pytest.approx(60, abs=2)
    quiet.view = busy()
    quiet.bench.run(20)
    assert quiet.bench.driver.counters.cycles >= 12 + 14


def known() -> StationView:
    word = LimitView("house meter", 12_000, True, "station")
    view = busy()
    return replace(view, outlets=tuple(replace(each, limits=(word,)) for each in view.outlets))


def test_whoever_begins_to_watch_ends_no_charge_while_the_word_of_before_holds() -> None:
    again, first = House(view=known()), House(view=busy())
    for house in (again, first):
        house.bench.run(3)
    assert first.said[0] == (6_000,) * 3, "nothing was said before: until the meter speaks its fallback rules"
    assert again.said[0] == (15_000,) * 3, "the first word is that of the meter"


def test_a_meter_that_never_answers_counts_as_lost_after_ten_seconds() -> None:
    house = House(view=known())
    house.bench.twin.faults.silent = True
    house.bench.run(9)
    assert house.said == []
    house.bench.run(3)
    assert house.said == [(6_000,) * 3]


def test_the_patience_of_the_beginning_does_not_come_back() -> None:
    house = House(view=known())
    house.bench.run(30)
    house.bench.twin.faults.silent = True
    house.bench.run(13)
    assert house.said[-1] == (6_000,) * 3


@pytest.mark.req("MTR-03")
@pytest.mark.parametrize(
    ("conductors", "house"),
    [((1, 2, 3), (5, 6, 7)), ((2, 3, 1), (7, 5, 6)), ((3, 1, 2), (6, 7, 5)), ((2,), (0, 5, 0))],
)
def test_what_outlets_draw_counts_at_the_conductor_they_are_connected_to(
    conductors: tuple[int, ...], house: PhaseValues
) -> None:
    view = idle()
    drawing = replace(view.outlets[0], currents_ma=(5, 6, 7), conductors=conductors)
    assert own_currents(replace(view, outlets=(drawing, *view.outlets[1:]))) == house
    unknown = replace(drawing, currents_ma=None)
    assert own_currents(replace(view, outlets=(unknown, *view.outlets[1:]))) is None
