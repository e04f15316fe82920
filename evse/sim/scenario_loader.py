"""Loading scenarios: everything wrong is refused at once, with file, line, key, reason and what would be right."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from boards.problems import ProfileError
from boards.yaml_source import Key, Source, Value, parse_source, read_source
from evse.core.commands import (
    COMMAND_TYPES,
    Authorise,
    Command,
    Configure,
    ConfirmRecord,
    ReadCards,
    ReportMeter,
    Restart,
    RestoreState,
    ShowNotice,
)
from evse.records import dataclass
from evse.sim.command_values import FieldError, field_value
from evse.sim.condition_loader import CONDITION_KEYS, load_condition, type_hints
from evse.sim.names import UID_ALLOWED, UID_PATTERN, Brought, nearest_first
from evse.sim.problems import Report, ScenarioError
from evse.sim.quantities import QuantityError, name_without_unit, unit_of_name, units_of, whole
from evse.sim.scenario import (
    SCENARIO_SCHEMA,
    Action,
    Do,
    Expect,
    Post,
    Scenario,
    Step,
    Throughout,
    WaitUntil,
    When,
)
from evse.sim.station import ParamValue
from hal.world.verb_spec import Verb, VerbError, check_value

MAX_OUTLETS: Final = 16
STEP_KINDS: Final = ("do", "command", "expect", "always", "never", "wait_until")
TOP_KEYS: Final = ("schema", "kind", "name", "description", "profile", "seed", "until", "steps")
_TIME_KEYS: Final = ("at", "after")
_SPAN_KEYS: Final = {
    "expect": ("within",),
    "always": ("for", "until"),
    "never": ("for", "until"),
    "wait_until": ("timeout",),
}
_WITH_KEYS: Final = {"do": ("with", "if_possible"), "command": ("with",)}
_INTERNAL: Final = (Authorise, Configure, ConfirmRecord, ReadCards, ReportMeter, Restart, RestoreState, ShowNotice)


def command_name(kind: type[Command]) -> str:
    """``SetUnavailable`` as scenarios write it: ``set_unavailable``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


COMMANDS: Final[Mapping[str, type[Command]]] = {
    command_name(kind): kind for kind in COMMAND_TYPES if kind not in _INTERNAL
}
"""Commands that a scenario may post. The answers of services to the core are the station's own business."""


def command_fields(kind: type[Command]) -> dict[str, str]:
    """Names that a scenario writes for a command's fields (without unit), and the field behind each."""
    hidden = ("command_id", "expires_us", "epoch")
    return {name_without_unit(field.name): field.name for field in dataclasses.fields(kind) if field.name not in hidden}


def load_scenario(path: Path, verbs: Sequence[Verb], outlets: int = MAX_OUTLETS) -> Scenario:
    """Read and check a scenario file.

    ``verbs``: what the composition root offers; ``outlets``: how many outlets may be named. Raises ScenarioError with
    every problem.
    """
    return scenario_of_source(read_scenario(path), verbs, outlets)


def read_scenario(path: Path) -> Source:
    """Read a scenario file without checking what it says. Raises ScenarioError for one that nothing can be made of."""
    try:
        return read_source(path)
    except ProfileError as error:
        raise _as_scenario_error(error) from error


def parse_scenario(text: str, file: str, verbs: Sequence[Verb], outlets: int = MAX_OUTLETS) -> Scenario:
    """Like ``load_scenario`` for a text; ``file`` is only the name for messages."""
    try:
        source = parse_source(text, file)
    except ProfileError as error:
        raise _as_scenario_error(error) from error
    return scenario_of_source(source, verbs, outlets)


def _as_scenario_error(error: ProfileError) -> ScenarioError:
    return ScenarioError(
        replace(
            problem, what=problem.what.replace("a profile", "a scenario").replace("no profile is", "no scenario is")
        )
        for problem in error.problems
    )


@dataclass(frozen=True, slots=True)
class Head:
    """What a scenario says of itself. ``title``: its ``name``; texts that it does not give are empty."""

    title: str
    profile: str
    description: str


def head_of_source(source: Source) -> Head:
    """The head of a scenario whose steps nobody has checked."""
    name, profile, description = (source.data.get(key) for key in ("name", "profile", "description"))
    return Head(*(each if isinstance(each, str) else "" for each in (name, profile, description)))


def scenario_of_source(source: Source, verbs: Sequence[Verb], outlets: int = MAX_OUTLETS) -> Scenario:
    """Check what was read. Raises ScenarioError with every problem."""
    data = source.data if isinstance(source.data, dict) else {}  # anything else was refused while reading
    report = Report(source, outlets, _brought(data.get("steps")))
    for name in data:
        if name not in TOP_KEYS:
            report.add_key((name,), "unknown key", nearest_first(name, TOP_KEYS))
    _expect_equal(data, "schema", SCENARIO_SCHEMA, report)
    _expect_equal(data, "kind", "scenario", report)
    end_us = _span(data, "until", (), report, default=0)
    scenario = Scenario(
        file=source.file,
        name=_text(data, "name", report),
        description=_text(data, "description", report, default=""),
        profile=_text(data, "profile", report),
        run_number=_run_number(data, report),
        steps=_StepLoader(verbs, report).load(data.get("steps")),
        end_us=end_us or 0,
    )
    if report.problems:
        raise ScenarioError(report.problems)
    return scenario


def _brought(steps: Value) -> Brought:
    """Names that later conditions may look for because the scenario itself gives them to the station."""
    sources: list[str] = []
    reasons: list[str] = []
    for step in steps if isinstance(steps, list) else ():
        given = step.get("with") if isinstance(step, dict) else None
        if not isinstance(step, dict) or not isinstance(given, dict):
            continue
        for command, field, found in (("set_limit", "source", sources), ("stop_session", "reason", reasons)):
            name = given.get(field)
            if step.get("command") == command and isinstance(name, str):
                found.append(name)
    return Brought(tuple(sources), tuple(reasons))


def _expect_equal(data: Mapping[str, Value], name: str, wanted: int | str, report: Report) -> None:
    if name not in data:
        report.add((name,), "is missing", str(wanted))
    elif data[name] != wanted or isinstance(data[name], bool):
        report.add((name,), f"{data[name]!r} is not supported", str(wanted))


def _text(data: Mapping[str, Value], name: str, report: Report, default: str | None = None) -> str:
    value = data.get(name, default)
    if value is None:
        report.add((name,), "is missing", "a text")
    elif not isinstance(value, str) or (default is None and not value.strip()):
        report.add((name,), f"{value!r} is not a text", "a text")
    else:
        return value
    return ""


def _run_number(data: Mapping[str, Value], report: Report) -> int:
    value = data.get("seed", 1)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        report.add(("seed",), f"{value!r} is not a seed", "whole number from 0")
        return 0
    return value


def _span(data: Mapping[str, Value], name: str, key: Key, report: Report, *, default: int | None) -> int | None:
    if name not in data:
        return default
    try:
        value = whole(data[name], "us")
    except QuantityError as error:
        report.add((*key, name), str(error), f"a time with a unit ({', '.join(units_of('us'))})")
        return default
    if value < 0:
        report.add((*key, name), f"{data[name]} lies in the past", "0 s or more")
        return default
    return value


class _StepLoader:
    """Loads the list of steps and follows the time that is known beforehand."""

    def __init__(self, verbs: Sequence[Verb], report: Report) -> None:
        self._verbs = {verb.name: verb for verb in verbs}
        self._report = report
        self._earliest_us = 0

    def load(self, steps: Value) -> tuple[Step, ...]:
        if not isinstance(steps, list) or not steps:
            self._report.add(("steps",), "a scenario needs a list of steps", f"entries with {', '.join(STEP_KINDS)}")
            return ()
        loaded = [self._step(index, entry) for index, entry in enumerate(steps)]
        return tuple(step for step in loaded if step is not None)

    def _step(self, index: int, entry: Value) -> Step | None:
        key: Key = ("steps", index)
        if not isinstance(entry, dict):
            self._report.add(key, "is not a step", f"a mapping with one of {', '.join(STEP_KINDS)}")
            return None
        kinds = [name for name in entry if name in STEP_KINDS]
        if len(kinds) != 1:
            found = ", ".join(kinds) or "nothing"
            unknown = [name for name in entry if name not in (*STEP_KINDS, *_TIME_KEYS, "with", "if_possible")]
            near = [close[0] for name in unknown if (close := get_close_matches(name, STEP_KINDS, 1))]
            hint = f"did you mean {near[0]!r}?" if near and not kinds else ""
            self._report.add(key, f"does {found}; a step does exactly one thing", ", ".join(STEP_KINDS), hint)
            return None
        kind = kinds[0]
        fitting = (*_TIME_KEYS, kind, *_WITH_KEYS.get(kind, ()))
        for name in entry:
            if name not in fitting:
                self._report.add_key((*key, name), f"unknown key in a step with {kind!r}", nearest_first(name, fitting))
        when = self._when(entry, key)
        action = self._action(kind, entry, key)
        return None if action is None else Step(index + 1, self._report.line(key), when, action)

    def _when(self, entry: Mapping[str, Value], key: Key) -> When:
        if "at" in entry and "after" in entry:
            self._report.add_key((*key, "after"), "a step has either 'at' or 'after'")
        at_us = _span(entry, "at", key, self._report, default=None)
        after_us = _span(entry, "after", key, self._report, default=0) or 0
        if at_us is None:
            self._earliest_us += after_us
            return When(after_us=after_us)
        if at_us < self._earliest_us:
            already = f"{self._earliest_us / 1_000_000:g} s"
            self._report.add(
                (*key, "at"), f"{entry['at']} is over: the steps before reach {already}", f"{already} or later"
            )
        self._earliest_us = max(self._earliest_us, at_us)
        return When(at_us=at_us)

    def _action(self, kind: str, entry: Mapping[str, Value], key: Key) -> Action | None:
        if kind == "do":
            return self._do(entry, key)
        if kind == "command":
            return self._command(entry, key)
        body = entry[kind]
        here = (*key, kind)
        if not isinstance(body, dict):
            self._report.add(here, "is not a condition", f"a mapping of fields, {', '.join(CONDITION_KEYS)}")
            return None
        spans = _SPAN_KEYS[kind]
        condition = load_condition(body, here, spans, self._report)
        if kind == "expect":
            within = _span(body, "within", here, self._report, default=0)
            if condition.event is not None and "within" not in body:
                self._report.add(here, "an event needs time to happen: 'within' is missing", "within: 3 s")
            return Expect(condition, within or 0)
        if kind == "wait_until":
            timeout = _span(body, "timeout", here, self._report, default=None)
            if timeout is None and "timeout" not in body:
                self._report.add((*here, "timeout"), "is missing: nothing waits for ever", "timeout: 30 s")
            return WaitUntil(condition, timeout or 0)
        return self._throughout(kind, body, here, condition)

    def _throughout(self, kind: str, body: Mapping[str, Value], here: Key, condition: typing.Any) -> Throughout:
        for_us = _span(body, "for", here, self._report, default=None)
        until_us = _span(body, "until", here, self._report, default=None)
        if for_us is not None and until_us is not None:
            self._report.add_key((*here, "until"), "a span has either 'for' or 'until'")
        if until_us is not None and until_us < self._earliest_us:
            self._report.add((*here, "until"), f"{body['until']} is over when the step begins")
        if kind == "always" and condition.event is not None:
            self._report.add_key((*here, "event"), "an event cannot hold always", "never, expect or wait_until")
        return Throughout(condition, kind == "never", for_us, until_us)

    def _given(self, entry: Mapping[str, Value], key: Key) -> dict[str, Value] | None:
        given = entry.get("with", {})
        if isinstance(given, dict):
            return given
        self._report.add((*key, "with"), "is not a mapping of parameters")
        return None

    def _do(self, entry: Mapping[str, Value], key: Key) -> Do | None:
        verb = self._verbs.get(entry["do"]) if isinstance(entry["do"], str) else None
        given = self._given(entry, key)
        if verb is None:
            self._report.add((*key, "do"), f"there is no verb {entry['do']!r}", nearest_first(entry["do"], self._verbs))
        if verb is None or given is None:
            return None
        known = {param.name: param for param in verb.params}
        params: dict[str, ParamValue] = {}
        for name, value in given.items():
            if name not in known:
                allowed = nearest_first(name, known) or "none"
                self._report.add_key((*key, "with", name), f"{verb.name} has no parameter {name!r}", allowed)
                continue
            try:
                check_value(verb.name, known[name], value)
                _check_uid(verb.name, name, value)
            except VerbError as error:
                self._report.add((*key, "with", name), error.reason, error.allowed)
                continue
            if name == "outlet" and isinstance(value, int) and value > self._report.outlets:
                allowed = f"1 to {self._report.outlets}"
                self._report.add((*key, "with", name), f"there is no outlet {value}", allowed)
                continue
            params[name] = typing.cast(ParamValue, value)
        for param in verb.params:
            if param.name not in given and param.default is None:
                self._report.add(key, f"{verb.name}: the parameter {param.name!r} is missing", param.allowed())
            elif param.name not in given and param.default is not None:
                params[param.name] = param.default
        if_possible = entry.get("if_possible", False)
        if not isinstance(if_possible, bool):
            self._report.add((*key, "if_possible"), f"{if_possible!r} is not true or false", "true, false")
        return Do(verb.name, params, if_possible is True)

    def _command(self, entry: Mapping[str, Value], key: Key) -> Post | None:
        kind = COMMANDS.get(entry["command"]) if isinstance(entry["command"], str) else None
        given = self._given(entry, key)
        if kind is None:
            self._report.add(
                (*key, "command"),
                f"there is no command {entry['command']!r}",
                nearest_first(entry["command"], COMMANDS),
            )
        if kind is None or given is None:
            return None
        names = command_fields(kind)
        hints = type_hints(kind)
        fields: dict[str, object] = {}
        spans: dict[str, int] = {}
        for name, value in given.items():
            here = (*key, "with", name)
            if name not in names:
                self._report.add_key(here, f"{entry['command']} has no field {name!r}", nearest_first(name, names))
                continue
            try:
                plain = field_value(str(entry["command"]), names[name], value, hints[names[name]], self._report.outlets)
            except FieldError as error:
                self._report.add(here, str(error), error.allowed)
                continue
            if unit_of_name(names[name]) == "us":
                spans[names[name]] = typing.cast(int, plain)
            else:
                fields[names[name]] = plain
        return Post(kind, fields, spans)


def _check_uid(verb: str, param: str, value: Value) -> None:
    """A card that a verb names must be one; no card at all means every card where the verb knows that."""
    if param == "uid" and value and not UID_PATTERN.match(str(value).upper()):
        raise VerbError(verb, param, f"{value!r} is no card", UID_ALLOWED)
