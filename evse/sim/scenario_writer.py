"""Scenarios as YAML, the way ``evse.sim.scenario_loader`` reads them: for generated and recorded stories.

What is loaded from the text is the scenario that was written, except for the line numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

import yaml

from evse.sim.conditions import Check, Condition, Subject
from evse.sim.quantities import name_without_unit, unit_of_name
from evse.sim.scenario import SCENARIO_SCHEMA, Action, Do, Expect, Post, Scenario, Step, Throughout, WaitUntil
from evse.sim.scenario_loader import command_name

Written = dict[str, object]


def scenario_text(scenario: Scenario) -> str:
    """The whole file."""
    lines = [
        f"schema: {SCENARIO_SCHEMA}",
        "kind: scenario",
        f"name: {_scalar(scenario.name)}",
        *_description(scenario.description),
        f"profile: {_scalar(scenario.profile)}",
        f"seed: {scenario.run_number}",
        f"until: {span_text(scenario.end_us)}",
        "steps:",
    ]
    for step in scenario.steps:
        lines.extend(_step_lines(step))
    return "\n".join(lines) + "\n"


def span_text(span_us: int) -> str:
    """A span with the unit that suits it, exactly: ``300 ms``, ``90.0025 s``."""
    if span_us and span_us % 3_600_000_000 == 0:
        return f"{span_us // 3_600_000_000} h"
    unit, factor = ("s", 1_000_000) if span_us >= 1_000_000 or span_us == 0 else ("ms", 1_000)
    whole, rest = divmod(span_us, factor)
    digits = f"{rest:0{len(str(factor)) - 1}}".rstrip("0")
    return f"{whole}.{digits} {unit}" if digits else f"{whole} {unit}"


def _description(text: str) -> list[str]:
    return ["description: |", *(f"  {line}" for line in text.splitlines())] if text else []


def _step_lines(step: Step) -> Iterator[str]:
    entries: Written = {}
    if step.when.at_us is not None:
        entries["at"] = span_text(step.when.at_us)
    elif step.when.after_us:
        entries["after"] = span_text(step.when.after_us)
    entries |= _action(step.action)
    for index, (name, value) in enumerate(entries.items()):
        yield f"  {'-' if index == 0 else ' '} {name}: {_value(value)}"


def _action(action: Action) -> Written:
    match action:
        case Do():
            written: Written = {"do": action.verb}
            if action.params:
                written["with"] = dict(action.params)
            return written | ({"if_possible": True} if action.if_possible else {})
        case Post():
            fields = {name: _quantity(name, value) for name, value in action.fields.items()}
            fields |= {name: span_text(span) for name, span in action.spans.items()}
            given = {name_without_unit(name): value for name, value in fields.items()}
            return {"command": command_name(action.type), **({"with": given} if given else {})}
        case Expect():
            within = {"within": span_text(action.within_us)} if action.within_us else {}
            return {"expect": {**_condition(action.condition), **within}}
        case WaitUntil():
            return {"wait_until": {**_condition(action.condition), "timeout": span_text(action.timeout_us)}}
        case Throughout():
            spans = {"for": action.for_us, "until": action.until_us}
            given = {name: span_text(span) for name, span in spans.items() if span is not None}
            return {"never" if action.never else "always": {**_condition(action.condition), **given}}


def _quantity(name: str, value: object) -> object:
    if name == "plan" and isinstance(value, tuple):
        return [[span_text(step.after_us), *(f"{each} mA" for each in step.phases_ma or ())] for step in value]
    unit = unit_of_name(name)
    return f"{value} {unit}" if unit else value


def _condition(condition: Condition) -> Written:
    written: Written = {}
    event = condition.event
    if event is not None:
        written = {"outlet": event.outlet} if event.outlet else {}
        written["event"] = event.type
        if event.where:
            written["where"] = {name: _compared(name, sign, value) for name, sign, value in event.where}
        return written
    for check in condition.checks:
        if check.outlet:
            written["outlet"] = check.outlet
        written[_path(check)] = _compared(_last(check), check.comparison, check.value)
    return written


def _path(check: Check) -> str:
    if check.subject in (Subject.RECORD_COUNT, Subject.OPEN_COUNT):
        return check.subject.value
    text = "" if check.subject is Subject.VIEW else check.subject.value
    for part in check.path:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


def _last(check: Check) -> str:
    return next((part for part in reversed(check.path) if isinstance(part, str)), "")


def _compared(name: str, comparison: str, value: object) -> object:
    quantity = value if value is None or isinstance(value, bool) else _quantity(name, value)
    return quantity if comparison == "==" else f"{comparison} {quantity}"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(name)}: {_value(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    """A single value; texts that YAML would take for something else are quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        value = value.value
    if not isinstance(value, str):
        return str(value)
    dumped: str = yaml.safe_dump([value], default_flow_style=True, width=10_000, allow_unicode=True)
    return dumped.strip()[1:-1]
