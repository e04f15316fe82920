"""What a story is while it is written and afterwards: options, actions with their times, and the moments that matter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from evse.core.units import MINUTE, SECOND
from evse.records import dataclass
from evse.sim.random_streams import RandomStreams
from evse.sim.scenario import Do, Post
from evse.sim.station import ParamValue
from evse.sim.story_boards import StoryBoard, board_of
from evse.sim.story_menu import FAULTS

BOOT_US: Final = 3 * SECOND
"""Nothing happens before: the station has started."""


@dataclass(frozen=True, slots=True)
class StoryOptions:
    """What one story is made of. ``together``: faults come two or three at once."""

    number: int
    profile: str
    dumb: bool
    length_us: int
    together: bool
    faults: tuple[str, ...]
    habits: tuple[str, ...]
    orders: tuple[str, ...]

    @property
    def board(self) -> StoryBoard:
        """What the profile's board has."""
        return board_of(self.profile)

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
    """The actions in order of time. After ``end_us`` everything is healed; without ``heal`` the story just stops."""

    options: StoryOptions
    actions: tuple[StoryAction, ...]
    end_us: int
    heal: bool = True

    @property
    def faults_together(self) -> int:
        """The largest number of faults in force at once."""
        return _most_at_once(self.actions)


class Script:
    """A story under the pen. ``moments``: time and outlet of everything that users do, where faults hurt most."""

    def __init__(self, options: StoryOptions) -> None:
        self.options = options
        self.board = options.board
        self.actions: list[StoryAction] = []
        self.moments: list[tuple[int, int]] = []
        self._streams = RandomStreams(options.number)

    def stream(self, name: str) -> random.Random:
        """The random numbers of one subject."""
        return self._streams.stream(name)

    def add(self, at_us: int, action: Do | Post) -> int:
        """Note ``action``; return ``at_us``."""
        # To 100 us: readable, and off the grid of every cycle.
        self.actions.append(StoryAction(at_us // 100 * 100, action))
        return at_us

    def do(self, at_us: int, verb: str, outlet: int, **params: ParamValue) -> int:
        """Somebody does something at ``outlet``, if it can be done then; return ``at_us``."""
        self.moments.append((at_us, outlet))
        return self.add(at_us, Do(verb, {"outlet": outlet, **params}, if_possible=True))

    def story(self) -> Story:
        """What was written, in order of time."""
        end_us = self.options.length_us
        kept = [each for each in self.actions if each.at_us <= end_us]
        return Story(self.options, tuple(sorted(kept, key=lambda each: each.at_us)), end_us)


def heals(action: Do, verb: str) -> bool:
    """Whether ``action`` undoes ``verb``."""
    heal = FAULTS[verb].heal
    if heal is None or action.verb != (heal[0] or verb):
        return False
    return all(action.params.get(name) == value for name, value in heal[1].items())


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
