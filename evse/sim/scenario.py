"""Scenarios: stories that a station lives through, as values. ``docs/scenarios.md`` describes the file format."""

from __future__ import annotations

from collections.abc import Mapping

from evse.core.commands import Command
from evse.records import dataclass
from evse.sim.conditions import Condition
from evse.sim.station import ParamValue

SCENARIO_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class When:
    """Time of a step: ``at_us`` from the beginning, or ``after_us`` from the step before (0 = at the same time)."""

    at_us: int | None = None
    after_us: int = 0


@dataclass(frozen=True, slots=True)
class Do:
    """Apply a verb to the world. ``if_possible``: when it cannot be done just then it is left out, not a failure."""

    verb: str
    params: Mapping[str, ParamValue]
    if_possible: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """Post a command. ``spans``: fields that are times on control's clock, given as spans from now."""

    type: type[Command]
    fields: Mapping[str, object]
    spans: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Expect:
    """``condition`` holds at some instant within ``within_us`` from the step's time (0 = at once). Goes on meanwhile."""

    condition: Condition
    within_us: int


@dataclass(frozen=True, slots=True)
class Throughout:
    """From the step's time on, ``condition`` holds at every instant (``always``) or at none (``never``).

    Ends after ``for_us``, at ``until_us`` from the beginning, or with the scenario when both are ``None``.
    """

    condition: Condition
    never: bool
    for_us: int | None
    until_us: int | None


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """The next step waits until ``condition`` holds; a failure after ``timeout_us``."""

    condition: Condition
    timeout_us: int


Action = Do | Post | Expect | Throughout | WaitUntil


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of ``steps``; ``number`` counts from 1, ``line`` is its line in the file."""

    number: int
    line: int
    when: When
    action: Action


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file. ``end_us``: shortest length of the run; it also lasts until every step is decided."""

    file: str
    name: str
    description: str
    profile: str
    run_number: int
    steps: tuple[Step, ...]
    end_us: int = 0
