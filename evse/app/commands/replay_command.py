"""``evse replay``: a recorded trace once more through drivers and core, and the first difference."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any, Final

from boards.load import load_profile, shipped_profiles
from boards.problems import ProfileError, printable
from boards.to_core import station_config, wire_plan
from evse.app.page.wire_text import describe
from evse.records import dataclass
from evse.sim.quantities import time_text
from evse.sim.replay import Difference, ReplayError, ReplayReport, identity_of, replay
from evse.sim.trace import TraceEntry, TraceError, TraceFile, open_trace

EQUAL: Final = 0
DIFFERENT: Final = 1
BAD_INPUT: Final = 2
BEFORE, AFTER = 6, 3
"""Lines of the trace shown around the difference."""
WIDTH: Final = 150


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What the command line said. ``profile`` ``None``: the one that the trace names."""

    file: str
    profile: str | None = None
    json_output: bool = False


def replay_command(options: ReplayOptions) -> int:
    """Replay and tell; returns the exit code: 0 equal, 1 different, 2 the trace or profile cannot be used."""
    try:
        path = Path(options.file)
        report = _replay(open_trace(path), options.profile)
    except (TraceError, ReplayError) as error:
        return _refuse(f"{options.file}: {error}", options)
    except ProfileError as error:
        return _refuse("\n".join(map(str, error.problems)), options)
    except OSError as error:
        return _refuse(f"{options.file}: {error.strerror or error}", options)
    if options.json_output:
        print(json.dumps(_as_json(options.file, report), indent=2))
    else:
        print("\n".join(map(printable, _as_text(path, report))))
    return EQUAL if report.difference is None else DIFFERENT


def _replay(trace: TraceFile, profile_name: str | None) -> ReplayReport:
    identity = identity_of(trace)
    recorded = str(identity["profile"])
    if profile_name is None and recorded not in shipped_profiles():
        raise ReplayError(
            f"recorded with profile {recorded!r}, which does not come with the program: name its file with --profile"
        )
    profile = load_profile(profile_name or recorded)
    return replay(trace, station_config(profile, str(identity["station_uid"])), wire_plan(profile))


def _as_json(file: str, report: ReplayReport) -> dict[str, Any]:
    difference = report.difference
    shown = None
    if difference is not None:
        shown = {
            "line": difference.line,
            "at_us": difference.at_us,
            "source": difference.source,
            "problem": difference.problem,
            "expected": _entry_json(difference.expected),
            "got": _entry_json(difference.got),
        }
    return {
        "schema": 1,
        "kind": "replay",
        "file": file,
        "equal": difference is None,
        "boots": report.boots,
        "cycles": report.cycles,
        "frames": report.frames,
        "events": report.events,
        "difference": shown,
    }


def _entry_json(entry: TraceEntry | None) -> dict[str, Any] | None:
    return None if entry is None else {"type": entry.type, "data": dict(entry.data), "text": _words(entry)}


def _as_text(file: Path, report: ReplayReport) -> list[str]:
    count = f"{report.boots} boots, {report.cycles} cycles, {report.frames} frames sent, {report.events} events"
    difference = report.difference
    if difference is None:
        return [f"equal: {file}: {count}"]
    return [
        f"DIFFERENT: {file}: after {count}",
        f"  {file}:{difference.line}: at {time_text(difference.at_us)} ({difference.at_us} us), {difference.source}",
        *_sides(difference),
        *(f"  {line}" for line in _around(difference, file)),
    ]


def _sides(difference: Difference) -> list[str]:
    if difference.problem:
        return [f"    {difference.problem}"]
    expected, got = difference.expected, difference.got
    return [
        f"    expected  {_words(expected) if expected is not None else 'nothing more in this cycle'}",
        f"    got       {_words(got) if got is not None else 'nothing'}",
    ]


def _words(entry: TraceEntry) -> str:
    if entry.type == "frame":
        data = str(entry.data["bytes"])
        name, fields = describe(entry.source.removeprefix("wire "), bytes.fromhex(data))
        return f"{entry.data['direction']} {name} {fields} ({data})"
    return f"{entry.type} " + ", ".join(f"{name} {value}" for name, value in entry.data.items())


def _around(difference: Difference, file: Path) -> list[str]:
    first = max(difference.line - BEFORE, 1)
    shown = []
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(islice(lines, first - 1, difference.line + AFTER), first):
            mark, text = ">" if number == difference.line else " ", line.rstrip("\n")
            shown.append(f"{mark} {number:>7} {text[:WIDTH]}{'…' if len(text) > WIDTH else ''}")
    return shown


def _refuse(text: str, options: ReplayOptions) -> int:
    if options.json_output:
        print(json.dumps({"schema": 1, "kind": "error", "error": text}, indent=2))
    else:
        print(f"evse: {printable(text) if chr(10) not in text else text}", file=sys.stderr)
    return BAD_INPUT
