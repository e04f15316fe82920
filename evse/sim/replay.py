"""Lives a recorded control through again: the same drivers and the same core get what the recording got, at its times.

Nothing of services, world or scenario runs. For each ``boot`` of the trace a new board and control are made from the
configuration; each ``cycle`` is stepped at its recorded time, its wires give what they gave (also when the line was
gone) and services' commands come as they came. What control sends on each wire and reports as events is compared; the
first difference ends the run. A control that does exactly what the recorded one did gives none.

Without the recording's own beginning nothing can be said: a trace that starts in the middle, has lost lines or was made
with another configuration is refused (``ReplayError``).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

import msgspec

from boards.assemble import assemble
from boards.compiled import WirePlan, WireSpec
from evse.control.cycle import ControlCycle
from evse.control.recording import RECEIVED, SENT, RecordedEnd, RecordedLink, Recorder
from evse.core.commands import Command
from evse.core.config import StationConfig
from evse.core.events import EVENT_TYPES, Event
from evse.exchange.envelope import ExchangeError, decode_command
from evse.exchange.snapshot import StationView
from evse.records import dataclass
from evse.sim.trace import Plain, TraceEntry, TraceFile
from hal.scheduling import RenewalPart
from hal.wires import LinkLostError

FIRST_ENTRY_LINE: Final = 2
_IDENTITY: Final = ("boot_id", "station_uid", "profile", "config_digest")
_ON_WIRES: Final = ("frame", "lost", "elided")
_EVENTS: Final = frozenset(kind.__name__ for kind in EVENT_TYPES)


class ReplayError(ValueError):
    """The trace cannot be lived through again; the text says why, and on which line."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that was not as recorded. ``line``: of the trace file.

    ``expected`` is ``None`` for something that control did and the recording does not have, ``got`` for the contrary;
    ``problem`` says so in words when control itself gave up.
    """

    line: int
    at_us: int
    source: str
    expected: TraceEntry | None
    got: TraceEntry | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What was lived through up to the end or the first difference."""

    boots: int
    cycles: int
    frames: int
    events: int
    difference: Difference | None


@dataclass(slots=True)
class _Cycle:
    """What the recording says of one cycle."""

    line: int
    at_us: int
    received: dict[tuple[str, int], bytes] = field(default_factory=dict)
    lost: set[tuple[str, str, int]] = field(default_factory=set)
    commands: list[Command] = field(default_factory=list)
    sent: list[tuple[int, TraceEntry]] = field(default_factory=list)


def identity_of(trace: TraceFile) -> Mapping[str, Plain]:
    """What the first boot says of the station: ``station_uid``, ``profile``, ``config_digest``. Raises ReplayError."""
    for line, entry in enumerate(trace.entries, FIRST_ENTRY_LINE):
        if entry.source == "control":
            if entry.type != "boot":
                raise ReplayError(f"line {line}: the trace begins in the middle: control's start ('boot') is missing")
            return _checked_boot(line, entry)
    raise ReplayError("the trace has no entries of control (boot, cycle): it was made without frames")


def _checked_boot(line: int, entry: TraceEntry) -> Mapping[str, Plain]:
    missing = [name for name in _IDENTITY if not isinstance(entry.data.get(name), str)]
    if missing:
        raise ReplayError(f"line {line}: the boot does not say its {', '.join(missing)}")
    return entry.data


def replay(trace: TraceFile, config: StationConfig, plan: WirePlan) -> ReplayReport:
    """Live the whole trace through. Raises ReplayError."""
    _check(trace, config, plan)
    return _Replay(trace, config, plan).run()


def _check(trace: TraceFile, config: StationConfig, plan: WirePlan) -> None:
    identity_of(trace)
    wires = {f"wire {wire.name}" for wire in plan.wires()}
    before = 0
    for line, entry in enumerate(trace.entries, FIRST_ENTRY_LINE):
        if entry.type == "gap":
            count = entry.data.get("count", "some")
            raise ReplayError(f"line {line}: {count} lines are missing here: what control was told then is not known")
        if entry.seq != before + 1 and (entry.type, entry.seq) != ("boot", 1):
            raise ReplayError(
                f"line {line}: entry {entry.seq} follows entry {before}: lines are missing or out of order here"
            )
        before = entry.seq
        if entry.type == "boot" and _checked_boot(line, entry)["config_digest"] != config.digest:
            there = str(entry.data.get("config_digest"))[:16]
            raise ReplayError(
                f"line {line}: recorded with configuration {there} of profile {entry.data.get('profile')!r}, "
                f"this is {config.digest[:16]} of {config.profile!r}: replay with the profile as it was then"
            )
        if entry.type in _ON_WIRES and entry.source not in wires:
            name = entry.source.removeprefix("wire ")
            raise ReplayError(f"line {line}: {name[:60]!r} is no wire of profile {config.profile!r}")


class _Replay:
    def __init__(self, trace: TraceFile, config: StationConfig, plan: WirePlan) -> None:
        self._trace, self._config, self._plan = trace, config, plan
        self._recorded: deque[tuple[int, TraceEntry]] = deque()
        """Events of the recording, with their lines, that this run has not told yet; ``_told``: the contrary."""
        self._told: deque[TraceEntry] = deque()
        self._boots = self._cycles = self._frames = self._events = 0
        self._control: _Control | None = None
        self._pending: _Cycle | None = None
        self._last_us = 0

    def run(self) -> ReplayReport:
        """Go through the entries up to the end or the first difference."""
        difference = next(filter(None, self._differences()), None)
        return ReplayReport(self._boots, self._cycles, self._frames, self._events, difference)

    def _differences(self) -> Iterator[Difference | None]:
        line = 1
        for line, entry in enumerate(self._trace.entries, FIRST_ENTRY_LINE):
            if entry.type in ("boot", "cycle", "elided"):
                yield self._live(line - 1)
                if entry.t_us > self._last_us:
                    # All that belongs to an instant is noted before anything later.
                    yield self._left_over(line - 1)
            self._take(line, entry)
        yield self._live(line)
        yield self._left_over(line)

    def _take(self, line: int, entry: TraceEntry) -> None:
        match entry.type:
            case "boot":
                self._boots += 1
                self._last_us = entry.t_us
                self._control = _Control(self._config, self._plan, str(entry.data["boot_id"]), entry.t_us)
            case "cycle":
                if entry.t_us < self._last_us:
                    raise ReplayError(f"line {line}: time runs backwards")
                self._last_us = entry.t_us
                self._pending = _Cycle(line, entry.t_us)
            case "elided":
                self._elide(line, entry)
            case "frame" | "lost" | "taken":
                if self._pending is None:
                    raise ReplayError(f"line {line}: {entry.type} outside every cycle")
                _put(self._pending, line, entry)
            case _ if entry.type in _EVENTS:
                self._recorded.append((line, entry))

    def _elide(self, line: int, entry: TraceEntry) -> None:
        periods, delta_us = entry.data.get("periods", -1), entry.data.get("delta_us", -1)
        if not isinstance(periods, int) or not isinstance(delta_us, int) or periods < 0 or delta_us < 0:
            raise ReplayError(f"line {line}: skipped renewals without 'periods' and 'delta_us'")
        if self._control is None:
            raise ReplayError(f"line {line}: skipped renewals before control's start")
        self._control.drivers[entry.source[5:]].shift_renewals(periods, delta_us)

    def _live(self, last_line: int) -> Difference | None:
        """Step control as in the cycle that is complete now, and compare what comes out."""
        cycle, self._pending = self._pending, None
        if cycle is None:
            return None
        if self._control is None:
            raise ReplayError(f"line {cycle.line}: a cycle before control's start")
        self._cycles += 1
        problem = self._control.live(cycle)
        out = self._control.take_out()
        self._told.extend(entry for entry in out if entry.type in _EVENTS)
        found = [self._compare_sent(cycle, out, last_line), self._compare_events()]
        if problem:
            found.append(Difference(cycle.line, cycle.at_us, "control", None, None, problem))
        return _first(found)

    def _compare_sent(self, cycle: _Cycle, out: Sequence[TraceEntry], last_line: int) -> Difference | None:
        """Wire by wire; the first in the order of the file."""
        got: dict[str, list[TraceEntry]] = {}
        for entry in out:
            if entry.type == "frame" and entry.data["direction"] == SENT:
                got.setdefault(entry.source, []).append(entry)
                self._frames += 1
        expected: dict[str, list[tuple[int, TraceEntry]]] = {}
        for line, entry in cycle.sent:
            expected.setdefault(entry.source, []).append((line, entry))
        return _first(
            _compare_wire(cycle, expected.get(wire, []), got.get(wire, []), last_line)
            for wire in dict.fromkeys((*expected, *got))
        )

    def _compare_events(self) -> Difference | None:
        while self._recorded and self._told:
            line, there = self._recorded.popleft()
            here = self._told.popleft()
            if (there.t_us, there.source, there.type, there.data) != (here.t_us, here.source, here.type, here.data):
                return Difference(line, there.t_us, there.source, there, here)
            self._events += 1
        return None

    def _left_over(self, last_line: int) -> Difference | None:
        """Events that only one side has, now that the instant is over."""
        difference = self._compare_events()
        if difference is not None or not (self._recorded or self._told):
            return difference
        if self._recorded:
            line, there = self._recorded[0]
            return Difference(line, there.t_us, there.source, there, None)
        here = self._told[0]
        return Difference(last_line, here.t_us, here.source, None, here)


def _first(found: Iterable[Difference | None]) -> Difference | None:
    """The first in the order of the file."""
    return min(filter(None, found), key=lambda difference: difference.line, default=None)


def _compare_wire(
    cycle: _Cycle, expected: Sequence[tuple[int, TraceEntry]], got: Sequence[TraceEntry], last_line: int
) -> Difference | None:
    for (line, there), here in zip(expected, got, strict=False):
        if there.data["bytes"] != here.data["bytes"]:
            return Difference(line, cycle.at_us, there.source, there, here)
    if len(expected) > len(got):
        line, there = expected[len(got)]
        return Difference(line, cycle.at_us, there.source, there, None)
    if len(got) > len(expected):
        here = got[len(expected)]
        return Difference(last_line, cycle.at_us, here.source, None, here)
    return None


def _put(cycle: _Cycle, line: int, entry: TraceEntry) -> None:
    try:
        wire, call = entry.source[5:], int(str(entry.data.get("call", 1)))
        if entry.type == "taken":
            cycle.commands.append(_command(entry))
        elif entry.type == "lost":
            cycle.lost.add((wire, str(entry.data["direction"]), call))
        elif entry.data["direction"] == RECEIVED:
            cycle.received[wire, call] = bytes.fromhex(str(entry.data["bytes"]))
        elif entry.data["direction"] == SENT:
            bytes.fromhex(str(entry.data["bytes"]))
            cycle.sent.append((line, entry))
        else:
            raise ValueError("a direction is 'received' or 'sent'")
    except (KeyError, ValueError, ExchangeError) as error:
        raise ReplayError(f"line {line}: {entry.type} cannot be understood: {error}") from error


def _command(entry: TraceEntry) -> Command:
    data: dict[str, object] = {name: value for name, value in entry.data.items() if name != "name"}
    for name in ("orders", "station_orders", "plan"):
        noted = data.get(name)
        if isinstance(noted, tuple):
            # Standing orders and steps of a plan are values of their own, noted as JSON.
            data[name] = [json.loads(str(each)) for each in noted]
    for name in ("config", "interrupted", "sample"):
        if isinstance(data.get(name), str):
            data[name] = json.loads(str(data[name]))
    return decode_command(msgspec.json.encode({"type": entry.data["name"], "data": data}))


class _Control:
    """One boot's control with wires and services that say what the recording says."""

    def __init__(self, config: StationConfig, plan: WirePlan, boot_id: str, start_us: int) -> None:
        self._out: list[TraceEntry] = []
        self._cycle = _Cycle(0, start_us)
        self._recorder = Recorder(self._note, with_events=True)

        def opened(wire: WireSpec) -> RecordedLink:
            return RecordedLink(wire.name, _ReplayedLink(wire.name, self._of), self._recorder)

        board = assemble(plan, opened)
        self._control = ControlCycle(
            board, config, boot_id, RecordedEnd(_ReplayedEnd(self._of), self._recorder), start_us
        )
        self.drivers: dict[str, RenewalPart] = {}
        for drivers, wires in zip(self._control.drivers_by_outlet(), plan.outlets, strict=True):
            for wire, driver in zip((wires.front_end, wires.reader), drivers, strict=False):
                if wire is not None:
                    self.drivers[wire.name] = driver

    def live(self, cycle: _Cycle) -> str:
        """Step once as ``cycle`` says; return what went wrong in words, empty when nothing did."""
        self._cycle = cycle
        self._recorder.begin(cycle.at_us)
        try:
            self._control.step(cycle.at_us)
        except Exception as error:  # whatever a changed control raises is a finding
            return f"control ended with {type(error).__name__}: {error}"
        finally:
            self._recorder.end()
        unread = [wire for wire, _ in cycle.received]
        return f"what had arrived on {unread[0]} was not read" if unread else ""

    def take_out(self) -> list[TraceEntry]:
        """What control has said since the last call."""
        out, self._out = self._out, []
        return out

    def _of(self) -> _Cycle:
        return self._cycle

    def _note(self, t_us: int, source: str, kind: str, data: Mapping[str, Plain]) -> None:
        self._out.append(TraceEntry(t_us, 0, source, kind, data))


class _ReplayedLink:
    """A ``ByteLink`` on the recording. It counts calls as the recorder did."""

    def __init__(self, name: str, cycle_of: Callable[[], _Cycle]) -> None:
        self._name, self._cycle_of = name, cycle_of
        self._cycle: _Cycle | None = None
        self._calls: dict[str, int] = {}

    def read(self, now_us: int) -> bytes:
        """What had arrived then."""
        call = self._called(RECEIVED)
        return self._cycle_of().received.pop((self._name, call), b"")

    def write(self, data: bytes, now_us: int) -> None:
        """Bytes go nowhere; the recorder around this link has them."""
        self._called(SENT)

    def _called(self, direction: str) -> int:
        cycle = self._cycle_of()
        if cycle is not self._cycle:
            self._cycle, self._calls = cycle, {}
        call = self._calls[direction] = self._calls.get(direction, 0) + 1
        if (self._name, direction, call) in cycle.lost:
            raise LinkLostError(f"{self._name}: the line was gone")
        return call


class _ReplayedEnd:
    """A ``ControlEnd`` on the recording."""

    def __init__(self, cycle_of: Callable[[], _Cycle]) -> None:
        self._cycle_of = cycle_of

    def take_commands(self, now_us: int) -> Sequence[Command]:
        """The commands that came then."""
        return tuple(self._cycle_of().commands)

    def report(self, events: Sequence[Event], now_us: int) -> None:
        """The recorder around this end has them."""

    def offer_view(self, make: Callable[[], StationView], now_us: int) -> None:
        """Nobody looks."""
