"""Random stories: one number makes a world full of users, vehicles, faults, kills and orders.

Specification. The number expands first to ``StoryOptions``: profile, front end, length, and which kinds of faults, habits
and orders take part, a random half of each (swarm testing: what is missing lets the rest go deeper). Options and number
then make the actions. Every subject draws from its own named stream, so a change of one leaves the others alone.

- *Visits* follow one another at each outlet: somebody comes (badge or plug first), charges for seconds to hours, ends it
  in one of several ways and pulls the plug, trying again while the bolt holds it. Nights without anybody are part of it.
- *Faults* come alone or, in more than 30 % of all stories (``together``), two or three at once. Most strike near a
  moment at which a visit changes something. Nearly all are healed after a while.
- *Races* are part of every story: plug, badge, unplug, stop, fault, power cut and kills within milliseconds.
- Pauses are log-uniform: milliseconds are as likely as minutes.

The first phase ends at ``heal_us``. What follows (``evse.sim.story_ending``) is made from the actions: everything is
healed, and the station must work again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evse.core.commands import ClearFault, StartSession, StopSession
from evse.core.units import MINUTE, MS, SECOND
from evse.sim.random_streams import RandomStreams
from evse.sim.scenario import Do, Post
from evse.sim.station import ParamValue
from evse.sim.story_menu import CARDS, FAULTS, HABITS, ORDERS, SERVICE_FAULTS, log_uniform

HOUR: Final = 60 * MINUTE
BOOT_US: Final = 3 * SECOND
"""Nothing happens before: the station has started."""
PROFILES: Final = (("parking-1", 4), ("parking", 4), ("parking-free", 2))
"""Profiles with their weights."""
TOGETHER_SHARE: Final = 0.5
HEALED_SHARE: Final = 0.92
_PROCESS_FAULTS: Final = ("kill_control", "kill_services", "cut_power")


@dataclass(frozen=True, slots=True)
class StoryOptions:
    """What one story is made of. ``together``: faults come two or three at once."""

    number: int
    profile: str
    outlets: int
    dumb: bool
    length_us: int
    together: bool
    faults: tuple[str, ...]
    habits: tuple[str, ...]
    orders: tuple[str, ...]

    def text(self) -> str:
        """The options for people, on four lines."""
        front_end = "dumb" if self.dumb else "normal"
        several = "two or three faults at once" if self.together else "faults one by one"
        return "\n".join(
            (
                f"profile {self.profile}, {front_end} front end, {self.length_us // MINUTE} min, {several}",
                f"faults: {', '.join(self.faults)}",
                f"habits: {', '.join(self.habits)}",
                f"orders: {', '.join(self.orders)}",
            )
        )


@dataclass(frozen=True, slots=True)
class StoryAction:
    """Something done at ``at_us``."""

    at_us: int
    action: Do | Post


@dataclass(frozen=True, slots=True)
class Story:
    """The actions in order of time. ``heal_us``: from here on everything is healed; ``None``: the story just stops."""

    options: StoryOptions
    actions: tuple[StoryAction, ...]
    end_us: int
    heal: bool = True

    @property
    def faults_together(self) -> int:
        """The largest number of faults in force at once."""
        return _most_at_once(self.actions)


def options_of(number: int) -> StoryOptions:
    """The options that ``number`` stands for."""
    stream = RandomStreams(number).stream("options")
    names = [name for name, weight in PROFILES for _ in range(weight)]
    profile = stream.choice(names)
    return StoryOptions(
        number=number,
        profile=profile,
        outlets=1 if profile == "parking-1" else 2,
        dumb=stream.random() < 0.4,
        length_us=stream.randint(4, 20) * HOUR,
        together=stream.random() < TOGETHER_SHARE,
        faults=_half(stream, tuple(FAULTS)),
        habits=_half(stream, HABITS),
        orders=_half(stream, tuple(ORDERS)),
    )


def _half(stream: random.Random, kinds: Sequence[str]) -> tuple[str, ...]:
    chosen = stream.sample(kinds, len(kinds) // 2)
    return tuple(kind for kind in kinds if kind in chosen)


def story_of(options: StoryOptions) -> Story:
    """The story that ``options`` stand for."""
    return _Author(options).write()


class _Author:
    """Writes one story."""

    def __init__(self, options: StoryOptions) -> None:
        self.options = options
        streams = RandomStreams(options.number)
        self.visits = streams.stream("visits")
        self.vehicles = streams.stream("vehicles")
        self.faults = streams.stream("faults")
        self.orders = streams.stream("orders")
        self.races = streams.stream("races")
        self.actions: list[StoryAction] = []
        self.moments: list[tuple[int, int]] = []
        """Time and outlet of everything that a visit does: where faults hurt most."""

    def write(self) -> Story:
        for outlet in range(1, self.options.outlets + 1):
            self._visits_of(outlet)
        self._write_faults()
        self._write_races()
        self._write_orders()
        end_us = self.options.length_us
        kept = [each for each in self.actions if each.at_us <= end_us]
        return Story(self.options, tuple(sorted(kept, key=lambda each: each.at_us)), end_us)

    def has(self, habit: str, chance: float) -> bool:
        """Whether ``habit`` takes part in this story and happens now."""
        happens = self.visits.random() < chance
        return happens and habit in self.options.habits

    def add(self, at_us: int, action: Do | Post) -> int:
        self.actions.append(StoryAction(_rounded(at_us), action))
        return at_us

    def do(self, at_us: int, verb: str, outlet: int, **params: ParamValue) -> int:
        self.moments.append((at_us, outlet))
        return self.add(at_us, Do(verb, {"outlet": outlet, **params}, if_possible=True))

    # --- visits ------------------------------------------------------------------------------------------------

    def _visits_of(self, outlet: int) -> None:
        at_us = BOOT_US + log_uniform(self.visits, SECOND, 2 * HOUR)
        while at_us < self.options.length_us:
            at_us = self._visit(at_us, outlet) + log_uniform(self.visits, SECOND, 4 * HOUR)

    def _pause(self, low_us: int = 20 * MS, high_us: int = 90 * SECOND) -> int:
        return log_uniform(self.visits, low_us, high_us)

    def _visit(self, at_us: int, outlet: int) -> int:
        card = self.visits.choice(CARDS)
        if self.has("badge_first", 0.6):
            self._identify(at_us, outlet, card)
            at_us = self._plug(at_us + self._pause(), outlet)
        else:
            at_us = self._plug(at_us, outlet)
            self._identify(at_us + self._pause(), outlet, card)
            at_us += self._pause()
        charge_us = log_uniform(self.visits, 5 * SECOND, 6 * HOUR)
        self._meanwhile(at_us, charge_us, outlet)
        return self._leave(at_us + charge_us, outlet, card)

    def _identify(self, at_us: int, outlet: int, card: str) -> None:
        if self.has("remote_start", 0.3):
            self.add(at_us, Post(StartSession, {"outlet": outlet, "uid": card}, {}))
            return
        stays = self.has("card_stays", 0.3)
        hold = "0 s" if stays else self.visits.choice(("60 ms", "300 ms", "1 s"))
        self.do(at_us, "present_card", outlet, uid=card, hold=hold)
        if stays:
            # Not for long: a card in the field keeps the line busy.
            self.do(at_us + self._pause(SECOND, 90 * SECOND), "remove_card", outlet)
        if self.has("second_card", 0.3):
            self.do(at_us + self._pause(), "present_card", outlet, uid=self.visits.choice(CARDS), hold="1 s")

    def _plug(self, at_us: int, outlet: int) -> int:
        vehicle = self._vehicle()
        if self.visits.random() < 0.5:
            return self.do(at_us, "plug_in", outlet, **vehicle)
        self.do(at_us, "plug_in", outlet, end="station", cable=vehicle.pop("cable", "32 A"))
        return self.do(at_us + self._pause(100 * MS, 80 * SECOND), "plug_in", outlet, end="vehicle", **vehicle)

    def _vehicle(self) -> dict[str, ParamValue]:
        """Settings that differ from those of an ordinary vehicle."""
        stream = self.vehicles
        odd: dict[str, dict[str, ParamValue]] = {
            "thin_cable": {"cable": stream.choice(("13 A", "20 A", "63 A"))},
            "sleeps": {"sleep": stream.choice(("light", "deep"))},
            "ventilation": {"ventilation": True},
            "simplified": {"simplified": True},
            "slow_to_stop": {"stop_within": "10 s", "stop_reaction": "5 s", "ramp_down": "2 A/s"},
            "small_charger": {"phases": stream.randint(1, 2), "max_current": stream.choice(("8 A", "16 A"))},
            "nearly_full": {"charge": stream.choice(("90 %", "98 %", "100 %")), "capacity": "20 kWh"},
            "ignores_stop": {"ignores_stop": True},
            "not_yet": {"wants_charge": False},
        }
        chances = {"small_charger": 0.5, "nearly_full": 0.4}
        chosen: dict[str, ParamValue] = {"charge": f"{stream.randint(5, 90)} %"}
        for habit, settings in odd.items():
            if stream.random() < chances.get(habit, 0.2) and habit in self.options.habits:
                chosen |= settings
        return chosen

    def _meanwhile(self, begin_us: int, span_us: int, outlet: int) -> None:
        """What vehicle and user do while the charge goes on."""

        def sometime() -> int:
            return begin_us + log_uniform(self.visits, 10 * MS, max(span_us, SECOND))

        if self.has("vehicle_pauses", 0.5):
            paused_us = self.do(sometime(), "vehicle_stop", outlet)
            self.do(paused_us + self._pause(100 * MS, HOUR), "vehicle_ready", outlet)
        if self.has("not_yet", 0.5):
            self.do(sometime(), "vehicle_ready", outlet)
        if self.has("pulses_s2", 0.4):
            self.do(sometime(), "pulse_s2", outlet, count=self.visits.randint(1, 3), width="250 ms")
        if self.has("changes_vehicle", 0.4):
            setting, value = self.visits.choice(
                (("max_current", "10 A"), ("ventilation", "true"), ("ignores_duty", "true"), ("follow_delay", "4 s"))
            )
            self.do(sometime(), "set_vehicle", outlet, setting=setting, value=value)
        if self.has("cable_swap", 0.2):
            swap_us = self.do(sometime(), "unplug", outlet, end="vehicle", pull_under_load=True)
            self.do(swap_us + self._pause(), "plug_in", outlet, end="vehicle", **_without_cable(self._vehicle()))
        if self.has("touches_inputs", 0.3):
            self.do(sometime(), "set_input", outlet, line=self.visits.randint(1, 2), closed=self.visits.random() < 0.5)

    def _leave(self, at_us: int, outlet: int, card: str) -> int:
        if self.has("pulls_under_load", 0.3):
            self.do(at_us, "unplug", outlet, end=self.visits.choice(("vehicle", "both")), pull_under_load=True)
        elif self.has("remote_stop", 0.3):
            self.add(at_us, Post(StopSession, {"outlet": outlet}, {}))
        elif self.visits.random() < 0.6:
            other = self.visits.choice(CARDS) if self.has("wrong_card_at_end", 0.4) else card
            self.do(at_us, "present_card", outlet, uid=other, hold="300 ms")
        else:
            self.do(at_us, "vehicle_stop", outlet)
            if self.visits.random() < 0.7:
                at_us = self.do(at_us + self._pause(), "present_card", outlet, uid=card, hold="300 ms")
        if self.has("vehicle_end_only", 0.3):
            at_us = self.do(at_us + self._pause(), "unplug", outlet, end="vehicle")
        for _ in range(3):
            at_us = self.do(at_us + self._pause(SECOND, 5 * MINUTE), "unplug", outlet)
        return self.do(at_us + self._pause(), "remove_card", outlet)

    # --- disturbances ------------------------------------------------------------------------------------------

    def _some_moment(self, stream: random.Random) -> tuple[int, int]:
        """A time and an outlet: mostly shortly before or after something that a visit does."""
        if self.moments and stream.random() < 0.8:
            at_us, outlet = stream.choice(self.moments)
            way = log_uniform(stream, MS, 10 * MINUTE)
            return max(BOOT_US, at_us + (way if stream.random() < 0.75 else -way)), outlet
        return stream.randint(BOOT_US, self.options.length_us), stream.randint(1, self.options.outlets)

    def _write_faults(self) -> None:
        stream = self.faults
        for _ in range(stream.randint(3, 16)):
            at_us, outlet = self._some_moment(stream)
            count = stream.randint(2, 3) if self.options.together else 1
            for verb in stream.sample(self.options.faults, count):
                self._strike(stream, at_us, outlet, verb)
                at_us += log_uniform(stream, MS, 2 * SECOND)

    def _strike(self, stream: random.Random, at_us: int, outlet: int, verb: str) -> None:
        entry = FAULTS[verb]
        where: dict[str, ParamValue] = {} if entry.station_wide else {"outlet": outlet}
        self.add(at_us, Do(verb, {**where, **entry.draw(stream)}, if_possible=True))
        # Faults that come together stay for longer than it takes the last of them to come.
        shortest_us = 5 * SECOND if self.options.together else 5 * MS
        healed_us = at_us + log_uniform(stream, shortest_us, entry.longest_us)
        healing = entry.healing(verb, outlet)
        mended = stream.random() < HEALED_SHARE or entry.longest_us < 30 * MINUTE
        if healing is None or not mended:
            return
        self.add(healed_us, healing)
        if stream.random() < 0.7:
            for fault in SERVICE_FAULTS:
                self.add(healed_us + 2 * SECOND, Post(ClearFault, {"outlet": outlet, "fault": fault}, {}))

    def _write_races(self) -> None:
        stream = self.races
        for _ in range(stream.randint(2, 10)):
            at_us, outlet = self._some_moment(stream)
            for runner in stream.sample(("plug", "badge", "unplug", "stop", "fault", "process"), stream.randint(2, 5)):
                self._race(stream, at_us + log_uniform(stream, 100, 500 * MS), outlet, runner)

    def _race(self, stream: random.Random, at_us: int, outlet: int, runner: str) -> None:
        match runner:
            case "plug":
                self.do(at_us, "plug_in", outlet, end=stream.choice(("both", "station", "vehicle")))
            case "badge":
                self.do(at_us, "present_card", outlet, uid=stream.choice(CARDS), hold="200 ms")
            case "unplug":
                self.do(at_us, "unplug", outlet, end=stream.choice(("both", "vehicle")), pull_under_load=True)
            case "stop":
                self.do(at_us, stream.choice(("vehicle_stop", "vehicle_ready")), outlet)
            case "process":
                self._strike(stream, at_us, outlet, stream.choice(_PROCESS_FAULTS))
            case _:
                self._strike(stream, at_us, outlet, stream.choice(self.options.faults))

    def _write_orders(self) -> None:
        stream = self.orders
        for _ in range(stream.randint(0, 8)):
            at_us, outlet = self._some_moment(stream)
            self.add(at_us, ORDERS[stream.choice(self.options.orders)](stream, outlet))


def _without_cable(vehicle: dict[str, ParamValue]) -> dict[str, ParamValue]:
    return {name: value for name, value in vehicle.items() if name != "cable"}


def _rounded(time_us: int) -> int:
    """To 100 us: readable, and off the grid of every cycle."""
    return time_us // 100 * 100


def _most_at_once(actions: Sequence[StoryAction]) -> int:
    """The largest number of different faults that have begun and are not healed."""
    active: set[tuple[str, ParamValue]] = set()
    most = 0
    for each in actions:
        if not isinstance(each.action, Do):
            continue
        verb, outlet = each.action.verb, each.action.params.get("outlet", 0)
        healed = {name for name in FAULTS if heals(each.action, name)}
        if healed:
            active -= {(name, outlet) for name in healed}
        elif verb in FAULTS and FAULTS[verb].heal is not None:
            active.add((verb, outlet))
        most = max(most, len(active))
    return most


def heals(action: Do, verb: str) -> bool:
    """Whether ``action`` undoes ``verb``."""
    heal = FAULTS[verb].heal
    if heal is None or action.verb != (heal[0] or verb):
        return False
    return all(action.params.get(name) == value for name, value in heal[1].items())
