r"""The trace of a simulated run: everything that happened, typed, timed, in one order.

File format, version 1: JSON lines, ASCII, keys in the order below, no spaces, ``\n`` line ends.

    {"schema":1,"kind":"trace","name":NAME,"run":RUN_NUMBER,"profile":PROFILE}
    {"t":MICROSECONDS,"seq":NUMBER,"source":WHO,"type":WHAT,"data":{...}}

``seq`` counts from 1. ``source`` is ``outlet N``, ``station``, ``scenario``, ``invariants``, or ``wire NAME`` for frames.
``type`` is the name of the core's event (``evse.core.events``), ``verb``, ``command``, ``passed``, ``failure``,
``violation`` or ``frame`` (``data``: direction and the bytes in hexadecimal). Equal runs give equal bytes, on every
supported Python and under every hash randomisation.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Final, TextIO

from evse.core.events import Event

TRACE_SCHEMA: Final = 1
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
        self.add(
            t_us,
            source,
            type(event).__name__,
            {field.name: _plain(getattr(event, field.name)) for field in fields(event) if field.name != "outlet"},
        )

    def frame_tap(self, line: str) -> Callable[[int, str, bytes], None]:
        """A tap for ``hal.twins.null_modem.NullModem.tap`` that notes frames of the line called ``line``.

        Frames are noted when they are written, with the time at which their last byte arrives.
        """

        def tap(at_us: int, direction: str, data: bytes) -> None:
            self.add(at_us, f"wire {line}", "frame", {"direction": direction, "bytes": data.hex()})

        return tap


class TraceWriter:
    """Writes entries as JSON lines to an open text file."""

    def __init__(self, file: TextIO, *, name: str, run_number: int, profile: str) -> None:
        self._file = file
        head = {"schema": TRACE_SCHEMA, "kind": "trace", "name": name, "run": run_number, "profile": profile}
        self._file.write(_dump(head) + "\n")

    def __call__(self, entry: TraceEntry) -> None:
        self._file.write(entry.line() + "\n")


class TraceRing:
    """Keeps the newest entries only, and counts what it has forgotten."""

    def __init__(self, size: int) -> None:
        """``size``: at least 1."""
        if size < 1:
            raise ValueError("a trace ring keeps at least one entry")
        self._entries: deque[TraceEntry] = deque(maxlen=size)
        self.forgotten = 0

    def __call__(self, entry: TraceEntry) -> None:
        if len(self._entries) == self._entries.maxlen:
            self.forgotten += 1
        self._entries.append(entry)

    def entries(self) -> tuple[TraceEntry, ...]:
        """What is kept, oldest first."""
        return tuple(self._entries)


class TraceError(ValueError):
    """A file that is no trace of a known version; the text names the line."""


def read_trace(lines: Iterable[str]) -> tuple[TraceEntry, ...]:
    """Read the lines of a trace file back. Raises TraceError."""
    entries: list[TraceEntry] = []
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
            if number == 1:
                if (value.get("kind"), value.get("schema")) != ("trace", TRACE_SCHEMA):
                    raise TraceError(f"line 1: not a trace of schema {TRACE_SCHEMA}")
                continue
            data = {key: tuple(item) if isinstance(item, list) else item for key, item in value["data"].items()}
            entries.append(TraceEntry(value["t"], value["seq"], value["source"], value["type"], data))
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise TraceError(f"line {number}: not a trace entry") from error
    return tuple(entries)


def _plain(value: Plain | tuple[object, ...]) -> Plain:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else value


def _dump(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
