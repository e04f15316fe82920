"""From what people did to a live simulated station to a scenario: the same verbs and commands at the same times.

The recording holds what was done and succeeded, with its time since the station's beginning. It holds no expectations:
those are for people to add. The invariants watch it as they watch every scenario.

A control that hangs is replaced by the supervisor of a live station after ``REPLACED_AFTER_US``; in virtual time
somebody has to do it, so that is written down as a step of its own.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum

from evse.core.commands import Command
from evse.core.units import NEVER, SECOND
from evse.records import dataclass
from evse.sim.quantities import unit_of_name
from evse.sim.scenario import Action, Do, Post, Scenario, Step, When
from evse.sim.scenario_loader import COMMANDS, command_fields, command_name
from evse.sim.scenario_writer import scenario_text
from evse.sim.station import ParamValue

REPLACED_AFTER_US = 2 * SECOND
"""How long a live supervisor lets control hang (``evse.app.processes.run``)."""
FREEZE, THAW = "freeze_control", "thaw_control"


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done ``at_us`` after the beginning: a verb with its parameters as given, or a command.

    A command's ``params`` are its fields that differ from their defaults, times as spans from then.
    """

    at_us: int
    name: str
    params: Mapping[str, ParamValue]
    is_command: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything that was done, oldest first. ``missing``: how many later things found no room."""

    profile: str
    length_us: int
    done: Sequence[Done]
    missing: int = 0


def command_done(command: Command, at_us: int, now_us: int) -> Done | None:
    """``command``, posted ``at_us`` after the beginning and at ``now_us`` of control's clock, for the recording.

    ``None`` for what a scenario cannot post: the answers of services to the core.
    """
    name = command_name(type(command))
    if name not in COMMANDS:
        return None
    params: dict[str, ParamValue] = {}
    defaults = {field.name: field.default for field in dataclasses.fields(command)}
    for field in command_fields(type(command)).values():
        value = getattr(command, field)
        if value == defaults[field] or value == NEVER:
            continue
        if unit_of_name(field) == "us":
            value = max(value - now_us, 0)
        params[field] = value.value if isinstance(value, Enum) else value
    return Done(at_us, name, params, is_command=True)


def recorded_text(recording: Recording, name: str) -> str:
    """The scenario file. The same recording gives the same text."""
    missing = f"\n{recording.missing} later steps found no room in the recording." if recording.missing else ""
    scenario = Scenario(
        file="",
        name=name,
        description="Recorded from a live session: what was done, without expectations." + missing,
        profile=recording.profile,
        run_number=1,
        steps=tuple(_steps(recording)),
        end_us=recording.length_us,
    )
    return scenario_text(scenario)


def _steps(recording: Recording) -> list[Step]:
    done = sorted([*recording.done, *_replacements(recording.done)], key=lambda each: each.at_us)
    steps = [Step(number, 0, When(at_us=each.at_us), _action(each)) for number, each in enumerate(done, 1)]
    if not steps:
        # A scenario does something: here it only waits.
        steps.append(Step(1, 0, When(at_us=0), Do("restore_power", {}, if_possible=True)))
    return steps


def _replacements(done: Sequence[Done]) -> list[Done]:
    found = []
    for index, each in enumerate(done):
        if each.name != FREEZE:
            continue
        end_us = each.at_us + REPLACED_AFTER_US
        if not any(later.name == THAW and later.at_us <= end_us for later in done[index:]):
            found.append(Done(end_us, THAW, {}))
    return found


def _action(each: Done) -> Action:
    if not each.is_command:
        params = {name: _written(value) for name, value in each.params.items()}
        return Do(each.name, params, if_possible=each.name == THAW)
    kind = COMMANDS[each.name]
    times = [name for name in each.params if unit_of_name(name) == "us"]
    fields = {name: value for name, value in each.params.items() if name not in times}
    return Post(kind, fields, {name: typing.cast(int, each.params[name]) for name in times})


def _written(value: ParamValue) -> ParamValue:
    """A number without an exponent, which scenarios do not know."""
    if isinstance(value, float) and "e" in str(value):
        return f"{Decimal(str(value)):f}"
    return value
