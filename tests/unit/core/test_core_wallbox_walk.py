"""Random stories at Smart Wallboxes: no line leads into danger, nobody begins against the key, all can be used again."""

from __future__ import annotations

import random
from functools import partial
from typing import Any, Final

import pytest

from evse.core.config import Access, Location, SocketType
from evse.core.lines import InputLine, LineFunction
from evse.core.outlet_status import OutletStatus
from evse.core.units import MS, SECOND
from tests.fakes.core_bench import UID, CoreBench, station_config
from tests.fakes.core_walk import Deed, do, heal_everything, story, try_verb

SEEDS: Final = range(40)
KNOWN_US: Final = 100 * MS
"""Debounce and the contactor's own time."""
DEEDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("turn_key", {"to": "locked"}),
    ("turn_key", {"to": "unlocked"}),
    ("turn_key", {"to": "unlocked"}),
    ("press_button", {}),
    ("press_button", {"hold": 20}),
    ("set_input", {"line": 1, "closed": True}),
    ("set_input", {"line": 1, "closed": False}),
    ("set_input", {"line": 2, "closed": True}),
    ("set_input", {"line": 2, "closed": False}),
    ("bounce_input", {"line": 1, "period": 60, "duration": 3000}),
    ("bounce_input", {"line": 3, "period": 30, "duration": 500}),
    ("stick_input", {"line": 4}),
    ("stick_input", {"heal": True}),
)


def wallbox_bench(seed: int) -> CoreBench:
    """Two outlets, so that the common stories fit; each with all four lines."""
    dice = random.Random(-seed - 1)
    attached = dice.random() < 0.5
    functions = (
        LineFunction.DELAYED_START,
        LineFunction.CURRENT_LIMIT,
        LineFunction.PUSH_BUTTON,
        LineFunction.KEY_LOCKED,
    )
    config = station_config(
        2,
        lines=tuple(InputLine(n, each, each is not LineFunction.KEY_LOCKED) for n, each in enumerate(functions, 1)),
        push_button=dice.random() < 0.7,
        socket=SocketType.ATTACHED_T2 if attached else SocketType.T2,
        has_lock=not attached,
        leave_cable_connected=True,
        derated_current_ma=dice.choice((16_000, 32_000)),
        temporary_limit_ma=dice.choice((0, 10_000, 14_000)),
        ze_ready=True,
        access=dice.choice((Access.BADGE, Access.FREE, Access.FREE)),
        location=dice.choice(list(Location)),
    )
    return CoreBench(config)


def wallbox_story(seed: int) -> list[Deed]:
    """A Parking station's story, begun with a charge, with much ado about key, button and contacts in between."""
    dice = random.Random(seed * 7 + 1)
    number = dice.randint(1, 2)
    deeds = [Deed(12 * SECOND, number, "card", UID, {}), Deed(15 * SECOND, number, "verb", "plug_in", {})]
    later = dice.choice((0, 5 * SECOND, 20 * SECOND))
    for deed in story(seed):
        at_us = deed.at_us + 6 * SECOND + later
        if dice.random() < 0.5:
            verb, params = dice.choice(DEEDS)
            deeds.append(Deed(at_us - dice.choice((0, MS, 100 * MS)), dice.randint(1, 2), "verb", verb, params))
        deeds.append(Deed(at_us, deed.outlet, deed.kind, deed.what, deed.params))
    return sorted(deeds, key=lambda deed: deed.at_us)


class Watch:
    """Judges the world after every change: no closing while the key's line says locked."""

    def __init__(self, bench: CoreBench) -> None:
        self.bench = bench
        self.wrong: list[str] = []
        self.charges = 0
        self._locked_since_us: dict[int, int] = {}
        self._closings: dict[int, int] = {}
        for number, outlet in enumerate(bench.world.outlets, 1):
            outlet.on_change(partial(self.look, number))

    def look(self, number: int, now_us: int) -> None:
        truth = self.bench.world.outlet(number).truth()
        closed = truth.closings > self._closings.get(number, 0)
        self._closings[number] = truth.closings
        self.charges += truth.contact_closed
        if truth.inputs[3]:
            self._locked_since_us.pop(number, None)
            return
        since_us = self._locked_since_us.setdefault(number, now_us)
        # A chattering contactor makes and breaks by itself.
        chatters = self.bench.world.outlet(number).contactor.chatter_count > 0 or truth.contact_welded
        if closed and now_us - since_us > KNOWN_US and self.bench.link_ok[number - 1] and not chatters:
            self.wrong.append(f"outlet {number}: closed at {now_us}, key locked since {since_us}")


def walk(seed: int) -> tuple[CoreBench, Watch]:
    bench = wallbox_bench(seed)
    watch = Watch(bench)
    for deed in wallbox_story(seed):
        bench.run_until(deed.at_us)
        do(bench, deed)
        bench.run(0)
    return bench.run(20), watch


@pytest.mark.req("STA-06", "INP-01")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_key_holds_and_the_outlets_can_be_used_again(seed: int) -> None:
    bench, watch = walk(seed)
    assert watch.wrong == []
    for number in (1, 2):
        for verb in ("stick_input", "bounce_input"):
            bench.verb(verb, outlet=number, heal=True)
        for line in (1, 2):
            bench.verb("set_input", outlet=number, line=line, closed=False)
        try_verb(bench, "turn_key", outlet=number, to="unlocked")
    heal_everything(bench)
    for number in (1, 2):
        try_verb(bench, "unplug", outlet=number)
    bench.run(10)
    for number in (1, 2):
        assert bench.outlet(number).status is OutletStatus.INIT_DONE
        assert bench.faults(number) == ()
        assert bench.outlet(number).user_input.lines.active_names == ()
        if bench.config.outlets[0].access is Access.BADGE:
            bench.card(UID, number)
        bench.run(4)
        bench.verb("plug_in", outlet=number).run(45)
        assert bench.truth(number).contact_closed, (bench.faults(number), bench.output(number).open_reasons)
    assert watch.wrong == []


def test_the_stories_do_charge() -> None:
    assert sum(walk(seed)[1].charges > 0 for seed in range(8)) >= 4
