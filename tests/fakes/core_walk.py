"""Random stories for the core: what people, vehicles, faults and services may do to a station with two outlets.

A story is a list of dated deeds, drawn from a seed. A deed that is impossible at its time is skipped by the world.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

from evse.core.commands import (
    Book,
    ClearFault,
    Command,
    Maintain,
    Postpone,
    SetLimit,
    SetUnavailable,
    StartSession,
    StopSession,
    Suspend,
)
from evse.core.config import Access, Location
from evse.core.faults import Latch
from evse.core.units import MS, NEVER, SECOND
from hal.world.verb_spec import VerbError
from tests.fakes.core_bench import ADMIN_UID, OTHER_UID, UID, CoreBench, station_config

USERS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("plug_in", {}),
    ("plug_in", {"cable": "13 A"}),
    ("plug_in", {"simplified": True}),
    ("plug_in", {"ventilation": True}),
    ("plug_in", {"sleep": "deep"}),
    ("plug_in", {"phases": 1}),
    ("plug_in", {"ignores_stop": True}),
    ("plug_in", {"end": "station"}),
    ("plug_in", {"end": "vehicle"}),
    ("unplug", {}),
    ("unplug", {"pull_under_load": True}),
    ("unplug", {"end": "vehicle"}),
    ("unplug", {"end": "vehicle", "pull_under_load": True}),
    ("vehicle_ready", {}),
    ("vehicle_stop", {}),
    ("pulse_s2", {}),
)
FAULTS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("overdraw", {"current": 8}),
    ("change_proximity", {}),
    ("change_proximity", {"to": "short"}),
    ("heat", {"temperature": 85}),
    ("trip_breaker", {}),
    ("dim_supply", {}),
    ("short_pilot", {}),
    ("open_pilot", {}),
    ("open_earth", {}),
    ("short_diode", {}),
    ("bounce_pilot", {"period": 7}),
    ("bounce_pilot", {"period": 30}),
    ("drift_pilot", {"positive": 10.4}),
    ("drift_pilot", {"positive": 14}),
    ("detune_pilot", {"frequency": 900}),
    ("stick_generator", {}),
    ("weld_contactor", {}),
    ("contactor_fails_to_close", {}),
    ("chatter_contactor", {}),
    ("mirror_fault", {"kind": "stuck_closed"}),
    ("jam_lock", {}),
    ("jam_lock", {"where": "locked"}),
    ("lock_feedback_fault", {}),
    ("force_lock_open", {}),
    ("trip_residual", {}),
    ("trip_residual", {"kind": "dc"}),
    ("leak", {}),
    ("fail_self_test", {}),
)
NOT_HEALED_BY_HEAL: Final = {"heat": ("heat", {"temperature": 25}), "trip_breaker": ("reset_breaker", {})}
NO_HEALING: Final = ("trip_residual", "force_lock_open")
SPANS_US: Final = (1, 3 * MS, 30 * MS, 200 * MS, 500 * MS, SECOND, 4 * SECOND, 8 * SECOND, 12 * SECOND, 40 * SECOND)


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that happens at ``at_us`` to ``outlet``."""

    at_us: int
    outlet: int
    kind: str
    what: Any
    params: dict[str, Any]


def healing(verb: str) -> tuple[str, dict[str, Any]] | None:
    """The verb that undoes a fault."""
    if verb in NO_HEALING:
        return None
    return NOT_HEALED_BY_HEAL.get(verb, (verb, {"heal": True}))


def _command(dice: random.Random, outlet: int) -> Command:
    active = dice.random() < 0.6
    choices: tuple[Command, ...] = (
        Suspend("", outlet, active=active),
        Postpone("", outlet, active=active),
        SetUnavailable("", outlet, active=active, after_session=dice.random() < 0.5),
        Maintain("", outlet, active=active),
        Book("", outlet, uid=OTHER_UID if active else ""),
        StopSession("", outlet),
        StartSession("", outlet, uid=UID),
        SetLimit("", outlet, source="walk", current_ma=dice.choice((5_000, 10_000, 40_000))),
    )
    return dice.choice(choices)


def story(seed: int) -> list[Deed]:
    """Return the deeds of one seed."""
    dice = random.Random(seed)
    deeds: list[Deed] = []
    at_us = 12 * SECOND
    for _ in range(dice.choice((4, 10, 16, 40))):
        at_us += round(dice.choice(SPANS_US) * (dice.random() + 0.5))
        outlet, luck = dice.randint(1, 2), dice.random()
        if luck < 0.25:
            deeds.append(Deed(at_us, outlet, "card", dice.choice((UID, UID, UID, OTHER_UID, ADMIN_UID)), {}))
        elif luck < 0.35:
            deeds.append(Deed(at_us, outlet, "command", _command(dice, outlet), {}))
        elif luck < 0.40:
            deeds.append(Deed(at_us, outlet, "link", dice.random() < 0.4, {}))
        elif luck < 0.42:
            deeds.append(Deed(at_us, outlet, "boot", f"boot-{at_us}", {}))
        elif luck < 0.65:
            deeds.append(Deed(at_us, outlet, "verb", *dice.choice(USERS)))
        else:
            verb, params = dice.choice(FAULTS)
            deeds.append(Deed(at_us, outlet, "verb", verb, params))
            undo = healing(verb)
            if undo is not None and dice.random() < 0.4:
                at_us += round(dice.choice(SPANS_US) * (dice.random() + 0.5))
                deeds.append(Deed(at_us, outlet, "verb", *undo))
    return deeds


def bench_for(seed: int, *, rhythm_us: int = NEVER) -> CoreBench:
    """A station of two outlets whose settings depend on the seed."""
    dice = random.Random(-seed - 1)
    config = station_config(
        2,
        access=dice.choice((Access.BADGE, Access.BADGE, Access.FREE, Access.REMOTE)),
        leave_cable_connected=dice.random() < 0.25,
        location=dice.choice(list(Location)),
        station_maximum_ma=dice.choice((64_000, 32_000, 10_000)),
    )
    return CoreBench(config, rhythm_us=rhythm_us)


def do(bench: CoreBench, deed: Deed) -> None:
    """Let one deed happen now."""
    match deed.kind:
        case "card":
            bench.card(deed.what, deed.outlet)
        case "command":
            bench.post(deed.what)
        case "link":
            bench.link_ok[deed.outlet - 1] = deed.what
        case "boot":
            latched = [
                tuple(fault.kind.name for fault in outlet.faults.active if fault.kind.latch is Latch.SERVICE)
                for outlet in bench.core.outlets
            ]
            bench.boot(deed.what)
            for number, names in enumerate(latched, 1):
                bench.restore_outlet(number, names)
        case _:
            try:
                bench.verb(deed.what, outlet=deed.outlet, **deed.params)
            except VerbError:
                return


def tell(bench: CoreBench, deeds: list[Deed], *, and_then_us: int = 20 * SECOND) -> CoreBench:
    """Run a whole story, then wait."""
    for deed in deeds:
        bench.run_until(deed.at_us)
        do(bench, deed)
        bench.run(0)
    return bench.run_until(bench.now_us + and_then_us)


def heal_everything(bench: CoreBench) -> None:
    """What a service person and patient users do until both outlets are as new."""
    for number in (1, 2):
        bench.link_ok[number - 1] = True
        for verb, _ in FAULTS:
            undo = healing(verb)
            if undo is not None:
                try_verb(bench, undo[0], outlet=number, **undo[1])
    bench.run(3)
    for number in (1, 2):
        for command in (
            Suspend("", number, active=False),
            Postpone("", number, active=False),
            SetUnavailable("", number, active=False),
            Maintain("", number, active=False),
            Book("", number),
            SetLimit("", number, source="walk", current_ma=40_000),
            StopSession("", number),
            ClearFault("", number, fault="ContactorWelded"),
        ):
            bench.post(command)
    bench.run(10)
    for number in (1, 2):
        try_verb(bench, "unplug", outlet=number, end="vehicle", pull_under_load=True)
    bench.run(10)
    for number in (1, 2):
        if bench.outlet(number).lock.failed is not None:
            bench.card(UID, number)
    bench.run(10)
    for number in (1, 2):
        bench.post(StopSession("", number))
    bench.run(10)
    for number in (1, 2):
        try_verb(bench, "unplug", outlet=number)
    bench.run(30)


def try_verb(bench: CoreBench, verb: str, **params: Any) -> None:
    """Do a verb unless it is impossible now."""
    try:
        bench.verb(verb, **params)
    except VerbError:
        return
