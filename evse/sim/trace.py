r"""The trace of a run: everything that happened, typed, timed, in one order.

File format, version 2: JSON lines, ASCII, keys in the order below, no spaces, ``\n`` line ends.

    {"schema":2,"kind":"trace","name":NAME,"run":RUN_NUMBER,"profile":PROFILE}
    {"t":MICROSECONDS,"seq":NUMBER,"source":WHO,"type":WHAT,"data":{...}}

``seq`` counts from 1. ``source`` is ``outlet N``, ``station``, ``scenario``, ``invariants``, ``control``, or ``wire NAME``.
``type`` is the name of the core's event (``evse.core.events``), ``verb``, ``command``, ``passed``, ``failure``,
``violation``, what ``evse.control.recording`` notes (``boot``, ``cycle``, ``frame``, ``lost``, ``taken``, ``elided``, ``aside``), or
what its writer says of the file: ``gap`` (lines are missing here, ``count`` of them) and ``full`` (nothing more until
the next boot). Equal runs give equal bytes, on every supported Python and under every hash randomisation.

docs/traces.md is the description for people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final, TextIO

from evse.core.events import Event
from evse.records import dataclass

TRACE_SCHEMA: Final = 2
STATION: Final = "station"

Plain = None | bool | int | str | tuple[str, ...]
"""What a trace may hold: no floating-point numbers, nothing whose text could differ between machines."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One thing that happened."""

    t_us: int
    seq: int
    source: str
    type: str
    data: Mapping[str, Plain]

    def line(self) -> str:
        """The entry as a line of the file, without the line end."""
        return _dump({"t": self.t_us, "seq": self.seq, "source": self.source, "type": self.type, "data": self.data})


class Trace:
    """Numbers entries and hands them to its sinks, in order."""

    def __init__(self, *sinks: Callable[[TraceEntry], None]) -> None:
        self._sinks = list(sinks)
        self._shown: dict[type, tuple[str, ...]] = {}
        """The fields of each type of event that its entries show as data."""
        self.count = 0

    def add_sink(self, sink: Callable[[TraceEntry], None]) -> None:
        """Hand every further entry to ``sink`` too."""
        self._sinks.append(sink)

    def add(self, t_us: int, source: str, kind: str, data: Mapping[str, Plain]) -> None:
        """Note that something happened at ``t_us``."""
        self.count += 1
        entry = TraceEntry(t_us, self.count, source, kind, data)
        for sink in self._sinks:
            sink(entry)

    def add_event(self, t_us: int, event: Event) -> None:
        """Note an event of the core."""
        source = f"outlet {event.outlet}" if event.outlet else STATION
        shown = self._shown.get(type(event))
        if shown is None:
            shown = tuple(field.name for field in fields(event) if field.name != "outlet")
            self._shown[type(event)] = shown
        data = {name: _plain(getattr(event, name)) for name in shown}
        self.add(t_us, source, type(event).__name__, data)


class TraceWriter:
    """Writes entries as JSON lines to an open text file."""

    def __init__(self, file: TextIO, *, name: str, run_number: int, profile: str) -> None:
        self._file = file
        head = {"schema": TRACE_SCHEMA, "kind": "trace", "name": name, "run": run_number, "profile": profile}
        self._file.write(_dump(head) + "\n")

    def __call__(self, entry: TraceEntry) -> None:
        self._file.write(entry.line() + "\n")


class TraceError(ValueError):
    """A file that is no trace of a known version; the text names the line."""


class TraceEntries:
    """The entries of a trace, read anew at each iteration: a long one never lies in memory as a whole.

    ``lines`` begins again at each call, with the head. A last line without its end was being written when the writer
    died: it is left out. Iterating raises TraceError.
    """

    def __init__(self, lines: Callable[[], Iterator[str]]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[TraceEntry]:
        for number, line in enumerate(self._lines(), 1):
            if number > 1 and line.endswith("\n"):
                yield _entry(_object(line, number), number)


@dataclass(frozen=True, slots=True)
class TraceFile:
    """A whole file: what its first line says, and the entries; the first one stands on line 2."""

    name: str
    run_number: int
    profile: str
    entries: TraceEntries


def open_trace(path: Path) -> TraceFile:
    """The trace in a file. Raises TraceError, OSError; so does going through its entries."""

    def lines() -> Iterator[str]:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            yield from file

    return _trace_file(lines)


def parse_trace(text: str) -> TraceFile:
    """The trace in a text. Raises TraceError; so does going through its entries."""
    return _trace_file(lambda: iter(text.splitlines(keepends=True)))


def _trace_file(lines: Callable[[], Iterator[str]]) -> TraceFile:
    first = next(lines(), "")
    if not first:
        raise TraceError("line 1: the file is empty")
    head = _head(_object(first, 1))
    run_number = head["run"] if isinstance(head["run"], int) else 0
    return TraceFile(str(head["name"]), run_number, str(head["profile"]), TraceEntries(lines))


def _plain(value: Plain | tuple[object, ...]) -> Plain:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else value


def _object(line: str, number: int) -> Mapping[str, object]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"line {number}: not a trace entry") from error
    if not isinstance(value, dict):
        raise TraceError(f"line {number}: not a trace entry")
    return value


def _head(value: Mapping[str, object]) -> Mapping[str, object]:
    if value.get("kind") != "trace" or not isinstance(value.get("schema"), int):
        raise TraceError("line 1: not a trace")
    if value["schema"] != TRACE_SCHEMA:
        raise TraceError(f"line 1: a trace of schema {value['schema']}; this version reads schema {TRACE_SCHEMA}")
    if not {"name", "run", "profile"} <= value.keys():
        raise TraceError("line 1: name, run or profile is missing")
    return value


def _entry(value: Mapping[str, object], number: int) -> TraceEntry:
    at_us, seq, source, kind, given = (value.get(key) for key in ("t", "seq", "source", "type", "data"))
    if (
        isinstance(at_us, int)
        and isinstance(seq, int)
        and isinstance(source, str)
        and isinstance(kind, str)
        and isinstance(given, dict)
    ):
        data = {str(key): tuple(map(str, item)) if isinstance(item, list) else item for key, item in given.items()}
        return TraceEntry(at_us, seq, source, kind, data)
    raise TraceError(f"line {number}: not a trace entry")


def _dump(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
