"""Random stories at a City station: the shutter is never opened under load, and everything can be mended and used again."""

from __future__ import annotations

import random
from functools import partial
from typing import Any, Final

import pytest

from evse.core.config import Access, Location
from evse.core.lines import InputLine, LineFunction
from evse.core.outlet_status import OutletStatus
from evse.core.units import MS, SECOND
from hal.ports import ShutterPosition
from tests.fakes.core_bench import UID, CoreBench, station_config
from tests.fakes.core_walk import Deed, do, heal_everything, story, try_verb

SEEDS: Final = range(40)
REACTION_US: Final = 115 * MS
"""100 ms from the cause to the order and the contact's own 15 ms."""
SHUTTER_DEEDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("jam_shutter", {"where": "open"}),
    ("jam_shutter", {"where": "closed"}),
    ("jam_shutter", {"where": "between"}),
    ("jam_shutter", {"heal": True}),
    ("shutter_feedback_fault", {}),
    ("shutter_feedback_fault", {"kind": "contradictory"}),
    ("shutter_feedback_fault", {"heal": True}),
    ("shutter_feedback_fault", {"heal": True}),
    ("force_shutter_open", {}),
)


def city_bench(seed: int) -> CoreBench:
    """Two City outlets."""
    dice = random.Random(-seed - 1)
    config = station_config(
        2,
        has_shutter=True,
        lines=(InputLine(3, LineFunction.BREAKER_TRIPPED, dice.random() < 0.5, 20 * MS),),
        access=dice.choice((Access.BADGE, Access.FREE, Access.FREE)),
        location=dice.choice(list(Location)),
    )
    return CoreBench(config)


def city_story(seed: int) -> list[Deed]:
    """The story of a Parking station, begun with a charge, with mishaps of the shutter in between."""
    dice = random.Random(seed * 7 + 1)
    number = dice.randint(1, 2)
    deeds = [Deed(12 * SECOND, number, "card", UID, {}), Deed(15 * SECOND, number, "verb", "plug_in", {})]
    later = dice.choice((0, 5 * SECOND, 20 * SECOND))
    for deed in story(seed):
        at_us = deed.at_us + 6 * SECOND + later
        if dice.random() < 0.3:
            verb, params = dice.choice(SHUTTER_DEEDS)
            deeds.append(Deed(at_us - dice.choice((0, MS, 100 * MS)), dice.randint(1, 2), "verb", verb, params))
        deeds.append(Deed(at_us, deed.outlet, deed.kind, deed.what, deed.params))
    return sorted(deeds, key=lambda deed: deed.at_us)


class Watch:
    """Judges the world's shutter after every change."""

    def __init__(self, bench: CoreBench) -> None:
        self.bench = bench
        self.wrong: list[str] = []
        self.forced_us = -1
        self.charges = 0
        self._ajar_since_us: dict[int, int] = {}
        self._was: dict[int, ShutterPosition] = {}
        for number, outlet in enumerate(bench.world.outlets, 1):
            outlet.on_change(partial(self.look, number))

    def look(self, number: int, now_us: int) -> None:
        """Note an opening under load, and a contact that stays closed over an open shutter."""
        truth = self.bench.world.outlet(number).truth()
        was, self._was[number] = self._was.get(number), truth.shutter
        self.charges += truth.contact_closed
        ajar = truth.shutter is not ShutterPosition.CLOSED
        if truth.contact_closed and ajar and was is ShutterPosition.CLOSED and now_us != self.forced_us:
            self.wrong.append(f"outlet {number}: opened under load at {now_us}")
        lies = self.bench.world.outlet(number).shutter.feedback_fault.value.startswith("stuck")
        watched = self.bench.link_ok[number - 1] and not truth.contact_welded and not lies
        if truth.contact_closed and ajar and watched:
            since_us = self._ajar_since_us.setdefault(number, now_us)
        else:
            since_us = self._ajar_since_us.pop(number, now_us)
        if now_us - since_us > REACTION_US:
            self.wrong.append(f"outlet {number}: closed with an open shutter from {since_us} to {now_us}")


def walk(seed: int) -> tuple[CoreBench, Watch]:
    bench = city_bench(seed)
    watch = Watch(bench)
    for deed in city_story(seed):
        bench.run_until(deed.at_us)
        if deed.what == "force_shutter_open":
            watch.forced_us = bench.now_us
        do(bench, deed)
        bench.run(0)
    return bench.run(20), watch


@pytest.mark.req("STA-04", "OUT-04")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_shutter_is_safe_and_the_outlets_can_be_used_again(seed: int) -> None:
    bench, watch = walk(seed)
    assert watch.wrong == []
    for number in (1, 2):
        for verb in ("jam_shutter", "shutter_feedback_fault"):
            bench.verb(verb, outlet=number, heal=True)
    heal_everything(bench)
    for number in (1, 2):
        if bench.outlet(number).shutter.failed is not None:
            bench.card(UID, number)
    bench.run(10)
    for number in (1, 2):
        try_verb(bench, "unplug", outlet=number)
    bench.run(10)
    for number in (1, 2):
        assert bench.outlet(number).status is OutletStatus.INIT_DONE
        assert bench.faults(number) == ()
        if bench.config.outlets[0].access is Access.BADGE:
            bench.card(UID, number)
        bench.run(4)
        bench.verb("plug_in", outlet=number).run(45)
        assert bench.truth(number).contact_closed, (bench.faults(number), bench.output(number).open_reasons)
    assert watch.wrong == []


def test_the_stories_do_charge() -> None:
    assert sum(walk(seed)[1].charges > 0 for seed in range(8)) >= 4
