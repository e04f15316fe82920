"""``evse meters``: which meters can be read, and whether a register map is right."""

from __future__ import annotations

import json
from typing import Any

from boards.meter_load import Meter, load_meter, shipped_meters
from boards.problems import ProfileError, printable


def list_meters(*, as_json: bool) -> str:
    """Every meter that comes with the program, those without a public map included."""
    meters = [load_meter(name) for name in shipped_meters()]
    if as_json:
        return json.dumps([_facts(meter) for meter in meters], indent=2)
    width = max(len(meter.model.name) for meter in meters)
    lines = []
    for meter in meters:
        model = meter.model
        state = f"grade {model.confidence}" if meter.map is not None else "no public map, cannot be read"
        title = f"{model.manufacturer} {', '.join(model.models)}"
        lines.append(f"{model.name.ljust(width)}  {title}: {state}")
    return "\n".join(lines)


def check_meter(file: str, *, as_json: bool) -> tuple[bool, str]:
    """Whether the register map ``file`` (a path or a shipped name) is right, and what to tell about it."""
    try:
        meter = load_meter(file)
    except ProfileError as error:
        if as_json:
            problems = [
                {name: getattr(problem, name) for name in ("file", "line", "column", "key", "what", "allowed", "hint")}
                for problem in error.problems
            ]
            return False, json.dumps({"file": file, "ok": False, "errors": problems}, indent=2)
        count = len(error.problems)
        lines = [*map(str, error.problems), f"{printable(file)}: refused, {count} error{'s'[: count != 1]}"]
        return False, "\n".join(lines)
    if as_json:
        return True, json.dumps({"file": file, "ok": True, "errors": [], **_facts(meter)}, indent=2)
    return True, "\n".join(_text(meter))


def _text(meter: Meter) -> list[str]:
    model = meter.model
    lines = [printable(f"{meter.path}: map {model.name!r} of {model.manufacturer} {', '.join(model.models)} is right")]
    if meter.map is None:
        return [*lines, printable(f"no public map, this meter cannot be read: {model.source}")]
    lines.append(printable(f"grade {model.confidence}: {model.source}"))
    lines += [f"request: {span.count} registers from {span.address}" for span in meter.map.spans()]
    return lines


def _facts(meter: Meter) -> dict[str, Any]:
    requests = [] if meter.map is None else [[span.address, span.count] for span in meter.map.spans()]
    return {**meter.model.model_dump(mode="json", by_alias=True), "requests": requests}
