"""``evse world``: the simulation's verbs against a running station."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boards.problems import printable, shortened
from evse.app.commands.station_choice import BAD_INPUT, FAILED, NOT_RUNNING, OK, Complaint, find_station
from evse.app.page.world_client import WorldGone, ask_world


def world_command(verb: str, params: Sequence[str], station: str, *, json_output: bool, out: str = "") -> int:
    """Carry out ``verb`` with ``key=value`` texts; returns the exit code. ``out``: file for ``record``."""
    if out and verb != "record":
        return _complain("--out belongs to: evse world record", BAD_INPUT, json_output=json_output)
    try:
        request = _request(verb, params)
        answer = ask_world(_world_socket(station), request)
    except WorldGone as error:
        return _complain(str(error), NOT_RUNNING, json_output=json_output)
    except Complaint as error:
        return _complain(str(error), error.code, json_output=json_output)
    if verb == "record":
        return _record(answer, out, json_output=json_output)
    if json_output:
        print(json.dumps(answer))
    elif answer.get("ok"):
        _show(request["op"], answer)
    else:
        print(f"evse: {printable(_refusal(verb, answer))}", file=sys.stderr)
    if answer.get("ok"):
        return OK
    return FAILED if answer.get("kind") == "refused" else BAD_INPUT


def _refusal(verb: str, answer: dict[str, Any]) -> str:
    """Why the world refused, in a line: of very many names only those like the one that was given."""
    where = f"{verb}.{answer['param']}" if answer.get("param") else verb
    allowed = str(answer.get("allowed") or "")
    return f"{where}: {answer.get('reason') or answer.get('text')}" + (
        f"; allowed: {shortened(allowed)}" if allowed else ""
    )


def _record(answer: dict[str, Any], out: str, *, json_output: bool) -> int:
    """Write what was done since the station began as a scenario."""
    from boards.problems import ProfileError
    from evse.app.page.session_scenario import scenario_of
    from evse.sim.problems import ScenarioError

    try:
        text = scenario_of(answer, Path(out).stem or "a live session")
        if out:
            Path(out).write_text(text, encoding="utf-8")
    except (ScenarioError, ProfileError, OSError) as error:
        return _complain(f"the recording cannot be written: {error}", FAILED, json_output=json_output)
    count, missing = len(answer["entries"]), answer["missing"]
    if missing:
        print(f"evse: {missing} later steps found no room in the recording", file=sys.stderr)
    if json_output:
        print(json.dumps({"ok": True, "steps": count, "missing": missing, "file": out, "scenario": text}))
    elif out:
        print(f"{out}: {count} steps; run it with: evse sim {out}")
    else:
        print(text, end="")
    return OK


def parse_value(text: str) -> bool | int | float | str:
    """A parameter's value as typed: truth value, number, or text (also for numbers with a unit)."""
    if text in ("true", "false"):
        return text == "true"
    # Only what reads the same again is a number: "007" and "1e3" may be texts (a card's UID).
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if str(value) == text and math.isfinite(value):
            return value
    return text


def _request(verb: str, params: Sequence[str]) -> dict[str, Any]:
    if verb in ("list", "truth", "status", "log", "record"):
        if params:
            raise Complaint(f"{verb} takes no parameters", BAD_INPUT)
        return {"op": {"list": "verbs", "record": "recording"}.get(verb, verb)}
    values: dict[str, Any] = {}
    for param in params:
        key, equals, value = param.partition("=")
        if not equals or not key:
            raise Complaint(f"{param!r}: write parameters as key=value", BAD_INPUT)
        if key in values:
            raise Complaint(f"{key} is given twice", BAD_INPUT)
        values[key] = parse_value(value)
    return {"op": "apply", "verb": verb, "params": values}


def _world_socket(wish: str) -> str:
    station = find_station(wish)
    world = station.status.get("world")
    if not world:
        raise Complaint(f"station {station.status.get('uid')} runs on hardware: it has no simulated world", NOT_RUNNING)
    return str(world)


def _show(operation: str, answer: dict[str, Any]) -> None:
    # What a station sends may hold what somebody typed into it: nothing of it may steer the terminal.
    match operation:
        case "verbs":
            for verb in answer["verbs"]:
                print(printable(f"{verb['name']:26} {verb['help']}"))
                for param in verb["params"]:
                    print(printable(f"    {_describe(param)}"))
        case "truth":
            for number, outlet in enumerate(answer["outlets"], 1):
                print(f"outlet {number}")
                for key, value in outlet.items():
                    print(printable(f"    {key:22} {value}"))
        case "log":
            for entry in answer["log"]:
                at_s = entry["at_us"] / 1e6
                print(printable(f"{at_s:14.6f} s  outlet {entry['outlet']}: {entry['what']} {entry['value']}"))
        case "status":
            print(f"supply {'on' if answer['powered'] else 'off'}")
        case _:
            print("done")


def _describe(param: dict[str, Any]) -> str:
    usual = param["default"]
    default = "required" if usual is None else f"default {str(usual).lower() if isinstance(usual, bool) else usual}"
    allowed = ", ".join(param["choices"])
    if not allowed and param["minimum"] is not None and param["type"] in ("int", "number"):
        allowed = f"{param['minimum']} to {param['maximum']}"
    unit = f" {param['unit']}" if param["unit"] else ""
    return f"{param['name']}: {param['help']} ({default}{unit}{'; ' + allowed if allowed else ''})"


def _complain(text: str, code: int, *, json_output: bool) -> int:
    if json_output:
        kind = "not running" if code == NOT_RUNNING else "bad"
        print(json.dumps({"ok": False, "kind": kind, "reason": text}))
    else:
        lines = "\n".join(map(printable, text.split("\n")))
        print(f"evse: {lines}", file=sys.stderr)
    return code
