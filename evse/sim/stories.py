"""Random stories: one number makes a world full of users, vehicles, faults, kills and orders.

Specification. The number expands first to ``StoryOptions``: profile (every shipped one in turn), front end, length, and
which kinds of faults, habits and orders take part, a random half of each that the board can have (swarm testing: what is
missing lets the rest go deeper). Options and number then make the actions. Every subject draws from its own named
stream, so a change of one leaves the others alone.

- *Visits* follow one another at each outlet (:mod:`evse.sim.story_visits`).
- *Faults* come alone or, in more than 30 % of all stories (``together``), two or three at once. Most strike near a
  moment at which a visit changes something. Nearly all are healed after a while.
- *Races* are part of every story: plug, badge, unplug, fault and power cut within half a second, always once all five,
  then any of them with stops and kills.
- Pauses are log-uniform: milliseconds are as likely as minutes.

The first phase ends at ``heal_us``. What follows (``evse.sim.story_ending``) is made from the actions: everything is
healed, and the station must work again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from evse.core.commands import ClearFault
from evse.core.units import MINUTE, MS, SECOND
from evse.sim.random_streams import RandomStreams
from evse.sim.scenario import Do, Post
from evse.sim.station import ParamValue
from evse.sim.story_boards import Feature, board_of, profiles
from evse.sim.story_menu import (
    ALL_ORDERS,
    CARDS,
    FAULTS,
    SERVICE_FAULTS,
    faults_of,
    habits_of,
    log_uniform,
    orders_of,
)
from evse.sim.story_script import BOOT_US, Script, Story, StoryOptions
from evse.sim.story_visits import HOUR, Touches, Visits

TOGETHER_SHARE: Final = 0.5
HEALED_SHARE: Final = 0.92
_PROCESS_FAULTS: Final = ("kill_control", "kill_services", "cut_power")
ALWAYS: Final = ("plug", "badge", "unplug", "fault", "power")
"""The race that every story has."""
_RUNNERS: Final = ("plug", "badge", "unplug", "stop", "fault", "process")


def options_of(number: int) -> StoryOptions:
    """The options that ``number`` stands for."""
    stream = RandomStreams(number).stream("options")
    names = profiles()
    profile = names[number % len(names)]
    board = board_of(profile)
    return StoryOptions(
        number=number,
        profile=profile,
        dumb=stream.random() < 0.4,
        length_us=stream.randint(4, 20) * HOUR,
        together=stream.random() < TOGETHER_SHARE,
        faults=_half(stream, faults_of(board)),
        habits=_half(stream, habits_of(board)),
        orders=_half(stream, orders_of(board)),
    )


def _half(stream: random.Random, kinds: Sequence[str]) -> tuple[str, ...]:
    chosen = stream.sample(kinds, len(kinds) // 2)
    return tuple(kind for kind in kinds if kind in chosen)


def story_of(options: StoryOptions) -> Story:
    """The story that ``options`` stand for."""
    script = Script(options)
    for outlet in script.board.outlets:
        Visits(script, outlet).write()
        Touches(script, outlet).write()
    _Disturbances(script).write()
    return script.story()


class _Disturbances:
    """Faults, races and orders of one story."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._options = script.options

    def write(self) -> None:
        """All three."""
        self._write_faults()
        self._write_races()
        self._write_orders()

    def _some_moment(self, stream: random.Random) -> tuple[int, int]:
        """A time and an outlet: mostly shortly before or after something that a visit does."""
        moments = self._script.moments
        if moments and stream.random() < 0.8:
            at_us, outlet = stream.choice(moments)
            way = log_uniform(stream, MS, 10 * MINUTE)
            return max(BOOT_US, at_us + (way if stream.random() < 0.75 else -way)), outlet
        return stream.randint(BOOT_US, self._options.length_us), stream.randint(1, len(self._script.board.outlets))

    def _write_faults(self) -> None:
        stream = self._script.stream("faults")
        for _ in range(stream.randint(3, 16)):
            at_us, outlet = self._some_moment(stream)
            count = stream.randint(2, 3) if self._options.together else 1
            for verb in stream.sample(self._options.faults, count):
                self._strike(stream, at_us, outlet, verb)
                at_us += log_uniform(stream, MS, 2 * SECOND)

    def _strike(self, stream: random.Random, at_us: int, outlet: int, verb: str) -> None:
        entry = FAULTS[verb]
        where: dict[str, ParamValue] = {} if entry.station_wide else {"outlet": outlet}
        self._script.add(at_us, Do(verb, {**where, **entry.draw(stream)}, if_possible=True))
        # Faults that come together stay for longer than it takes the last of them to come.
        shortest_us = 5 * SECOND if self._options.together else 5 * MS
        healed_us = at_us + log_uniform(stream, shortest_us, entry.longest_us)
        healing = entry.healing(verb, outlet)
        mended = stream.random() < HEALED_SHARE or entry.longest_us < 30 * MINUTE
        if healing is None or not mended:
            return
        self._script.add(healed_us, healing)
        if stream.random() < 0.7:
            for fault in SERVICE_FAULTS:
                self._script.add(healed_us + 2 * SECOND, Post(ClearFault, {"outlet": outlet, "fault": fault}, {}))

    def _write_races(self) -> None:
        stream = self._script.stream("races")
        races: list[Sequence[str]] = [stream.sample(ALWAYS, len(ALWAYS))]
        races += [stream.sample(_RUNNERS, stream.randint(2, 5)) for _ in range(stream.randint(1, 9))]
        for runners in races:
            at_us, outlet = self._some_moment(stream)
            # All of it inside the story, or its last runners would not run.
            at_us = min(at_us, self._options.length_us - SECOND)
            for runner in runners:
                self._race(stream, at_us + log_uniform(stream, 100, 500 * MS), outlet, runner)

    def _race(self, stream: random.Random, at_us: int, outlet: int, runner: str) -> None:
        features = self._script.board.outlets[outlet - 1]
        domestic = features.has(Feature.DOMESTIC) and (not features.has(Feature.MODE3) or stream.random() < 0.5)
        match runner:
            case "plug" if domestic:
                self._script.do(at_us, "plug_in_domestic", outlet, current=stream.choice(("2 A", "8 A", "12 A")))
            case "plug":
                self._script.do(at_us, "plug_in", outlet, end=stream.choice(("both", "station", "vehicle")))
            case "badge" if features.has(Feature.KEY):
                self._script.do(at_us, "turn_key", outlet, to=stream.choice(("locked", "unlocked")))
            case "badge":
                self._script.do(at_us, "present_card", outlet, uid=stream.choice(CARDS), hold="200 ms")
            case "unplug" if domestic:
                self._script.do(at_us, "unplug_domestic", outlet, pull_under_load=True)
            case "unplug":
                end = stream.choice(("both", "vehicle"))
                self._script.do(at_us, "unplug", outlet, end=end, pull_under_load=True)
            case "stop" if domestic:
                self._script.do(at_us, "set_domestic_load", outlet, current=stream.choice(("0 A", "9 A")))
            case "stop" if features.has(Feature.BUTTON):
                self._script.do(at_us, "press_button", outlet)
            case "stop":
                self._script.do(at_us, stream.choice(("vehicle_stop", "vehicle_ready")), outlet)
            case "power":
                self._strike(stream, at_us, outlet, "cut_power")
            case "process":
                self._strike(stream, at_us, outlet, stream.choice(_PROCESS_FAULTS))
            case _:
                physical = [name for name in self._options.faults if name not in _PROCESS_FAULTS]
                self._strike(stream, at_us, outlet, stream.choice(physical))

    def _write_orders(self) -> None:
        stream = self._script.stream("orders")
        for _ in range(stream.randint(0, 8)):
            at_us, outlet = self._some_moment(stream)
            self._script.add(at_us, ALL_ORDERS[stream.choice(self._options.orders)](stream, outlet))
