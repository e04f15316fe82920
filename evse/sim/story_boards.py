"""What a story can do with a board: taken from the profile's own data, so that every shipped profile has its stories.

A *feature* is something that users, wires or faults can act on. Faults, habits and touches name the feature they need
(:mod:`evse.sim.story_menu`); a board without it never meets them.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Final

from boards.load import load_profile, shipped_profiles
from boards.to_core import station_config, wire_plan
from evse.core.config import Access, OutletConfig
from evse.core.lines import LineFunction
from evse.records import dataclass


class Feature(StrEnum):
    """What an outlet has."""

    READER = "reader"
    FREE = "free"
    """Nobody is asked who he is."""
    MODE3 = "mode3"
    """A socket or cable with a control pilot."""
    SOCKET = "socket"
    """One that a cable can be pulled out of."""
    DOMESTIC = "domestic"
    LOCK = "lock"
    SHUTTER = "shutter"
    LINES = "lines"
    KEY = "key"
    BUTTON = "button"
    DIP = "dip"
    X1 = "x1"
    SERVICE_BUTTON = "service_button"
    PHASES = "phases"
    """X2 drives a phase switch."""


_OF_LINE: Final = {
    LineFunction.KEY_LOCKED: Feature.KEY,
    LineFunction.PUSH_BUTTON: Feature.BUTTON,
    LineFunction.X1_ENABLE: Feature.X1,
    LineFunction.SERVICE_BUTTON: Feature.SERVICE_BUTTON,
}
UNWIRED_LINES: Final = (1, 2)
"""Lines whose contact somebody may move on a board that gives them no function."""


@dataclass(frozen=True, slots=True)
class StoryOutlet:
    """One outlet. ``inputs``: lines whose contact the building moves, each with its position at rest (true: closed)."""

    number: int
    features: tuple[Feature, ...]
    inputs: tuple[tuple[int, bool], ...]
    lines: tuple[int, ...]
    dip: tuple[int, ...]
    """DIP switches as delivered, one byte per bank."""

    def has(self, feature: Feature) -> bool:
        """Whether it has ``feature``."""
        return feature in self.features


@dataclass(frozen=True, slots=True)
class StoryBoard:
    """A profile as stories see it; outlets in the order of their numbers from 1."""

    profile: str
    outlets: tuple[StoryOutlet, ...]

    def has(self, feature: Feature) -> bool:
        """Whether any outlet has ``feature``."""
        return any(outlet.has(feature) for outlet in self.outlets)


@cache
def profiles() -> tuple[str, ...]:
    """Every profile that stories play on: all that are shipped, but those with meters or a Wi-Fi card.

    A meter is read every second of a charge, which makes a simulated hour dear; tests/scenario/test_meter_walks.py plays there.
    A Wi-Fi card changes nothing of a charge.
    """
    plans = {name: wire_plan(load_profile(name)) for name in shipped_profiles()}
    return tuple(
        name
        for name, plan in plans.items()
        if plan.house is None and not plan.wifi_card and all(each.meter is None for each in plan.outlets)
    )


@cache
def board_of(profile: str) -> StoryBoard:
    """The board of a shipped profile."""
    loaded = load_profile(profile)
    plan = wire_plan(loaded)
    return StoryBoard(
        profile,
        tuple(
            _outlet(config, wires.dip, reader=wires.reader is not None)
            for config, wires in zip(station_config(loaded, "story").outlets, plan.outlets, strict=True)
        ),
    )


def _outlet(config: OutletConfig, dip: tuple[int, ...], *, reader: bool) -> StoryOutlet:
    wired = {_OF_LINE[line.function] for line in config.lines if line.function in _OF_LINE}
    built = {
        Feature.READER: reader,
        Feature.FREE: config.access is Access.FREE,
        Feature.MODE3: config.has_mode3,
        Feature.SOCKET: config.has_mode3 and not config.attached_cable,
        Feature.DOMESTIC: config.has_domestic,
        Feature.LOCK: config.has_lock,
        Feature.SHUTTER: config.has_shutter,
        Feature.LINES: bool(config.lines),
        Feature.DIP: bool(config.dip_banks),
        Feature.PHASES: config.phase_switch,
    }
    by_building = tuple(
        (line.number, not line.normally_open)
        for line in config.lines
        if line.function not in _OF_LINE and line.function is not LineFunction.BREAKER_TRIPPED
    )
    taken = {line.number for line in config.lines}
    unwired = tuple((number, False) for number in UNWIRED_LINES if number not in taken)
    return StoryOutlet(
        config.number,
        tuple(feature for feature in Feature if built.get(feature, feature in wired)),
        by_building + unwired,
        tuple(line.number for line in config.lines),
        dip,
    )
