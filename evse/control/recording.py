"""Records what goes into control and what comes out, so that it can be lived through again (``evse.sim.replay``).

Control is a function of its configuration, its boot id, the times of its cycles, what its wires and services say in each
of them, and, in virtual time, of the renewals that were skipped. Exactly that is noted, in order:

=========  =========================================================================================================
entry      data
=========  =========================================================================================================
``boot``   a new control begins: ``boot_id``, ``station_uid``, ``profile``, ``config_digest``; its time is ``start_us``
``cycle``  a cycle begins at this time; what follows belongs to it, up to the next one
``frame``  bytes on a wire: ``direction`` ``received`` or ``sent``, ``bytes`` in hexadecimal; ``call`` when they came by
           another than the cycle's first reading of that wire
``lost``   the line was gone: ``direction`` of the call, and its number in this cycle under ``call``
``taken``  a command that services gave, with its fields
``elided`` renewals on a wire that virtual time has skipped: ``periods``, ``delta_us``
``aside``  a frame or an event outside every cycle (control is hung or ends): shown, not lived through again
=========  =========================================================================================================

Cards need no entry: they come out of the reader's frames. Events are noted as they are when ``with_events`` is set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from enum import Enum

from boards.assemble import OpenWire
from boards.board import Board
from boards.compiled import WirePlan, WireSpec
from evse.control.cycle import ControlCycle
from evse.core.commands import Command
from evse.core.config import StationConfig
from evse.core.events import Event
from evse.exchange.port import ControlEnd
from evse.exchange.snapshot import StationView
from hal.scheduling import PolledRenewalPart, RenewalPart
from hal.wires import ByteLink, LinkLostError

Plain = None | bool | int | str | tuple[str, ...]
Note = Callable[[int, str, str, Mapping[str, Plain]], None]
"""Takes one entry: time, source, type, data."""
CONTROL = "control"
RECEIVED = "received"
SENT = "sent"


def nothing_to_flush() -> None:
    """For recorders that write at once."""


class Recorder:
    """Where the wrappers of one station put their entries. ``flush`` is called after each cycle."""

    def __init__(self, note: Note, flush: Callable[[], None] = nothing_to_flush, *, with_events: bool = False) -> None:
        self._note = note
        self._flush = flush
        self._with_events = with_events
        self._in_cycle = False
        self._now_us = 0
        self._calls: dict[tuple[str, str], int] = {}

    def boot(self, now_us: int, boot_id: str, config: StationConfig) -> None:
        """A control begins."""
        self._now_us = now_us
        about: dict[str, Plain] = {
            "boot_id": boot_id,
            "station_uid": config.station_uid,
            "profile": config.profile,
            "config_digest": config.digest,
        }
        self._note(now_us, CONTROL, "boot", about)
        self._flush()

    def begin(self, now_us: int) -> None:
        """A cycle begins."""
        self._now_us, self._in_cycle = now_us, True
        self._calls.clear()
        self._note(now_us, CONTROL, "cycle", {})

    def end(self) -> None:
        """The cycle is over."""
        self._in_cycle = False
        self._flush()

    def called(self, wire: str, direction: str) -> int:
        """Count a call on a wire; return its number in this cycle, from 1."""
        key = (wire, direction)
        number = self._calls[key] = self._calls.get(key, 0) + 1
        return number

    def passed(self, wire: str, direction: str, data: bytes, call: int, now_us: int) -> None:
        """Bytes were read or written."""
        known: dict[str, Plain] = {"direction": direction, "bytes": data.hex()}
        if direction == RECEIVED and call > 1 and self._in_cycle:
            known["call"] = call
        self._note(now_us, f"wire {wire}", "frame" if self._in_cycle else "aside", known)

    def lost(self, wire: str, direction: str, call: int, now_us: int) -> None:
        """A read or a write found the line gone."""
        if self._in_cycle:
            self._note(now_us, f"wire {wire}", "lost", {"direction": direction, "call": call})

    def taken(self, command: Command, now_us: int) -> None:
        """Control took a command."""
        given = {field.name: _decodable(getattr(command, field.name)) for field in fields(command)}
        self._note(now_us, CONTROL, "taken", {"name": type(command).__name__, **given})

    def told(self, event: Event, now_us: int) -> None:
        """Control reported an event."""
        source = f"outlet {event.outlet}" if event.outlet else "station"
        data = {field.name: _plain(getattr(event, field.name)) for field in fields(event) if field.name != "outlet"}
        if not self._in_cycle:
            self._note(now_us, source, "aside", {"event": type(event).__name__, **data})
        elif self._with_events:
            self._note(now_us, source, type(event).__name__, data)

    def elided(self, wire: str, periods: int, delta_us: int) -> None:
        """Virtual time has moved a driver by whole renewals."""
        self._note(self._now_us, f"wire {wire}", "elided", {"periods": periods, "delta_us": delta_us})


def recorded_wires(open_wire: OpenWire, recorder: Recorder) -> OpenWire:
    """``open_wire`` for a board whose wires are recorded."""

    def opened(wire: WireSpec) -> ByteLink:
        return RecordedLink(wire.name, open_wire(wire), recorder)

    return opened


class RecordedCycle(ControlCycle):
    """A control cycle that tells when it begins and ends. Its board comes from ``recorded_wires`` and ``plan``."""

    def __init__(
        self,
        board: Board,
        plan: WirePlan,
        config: StationConfig,
        boot_id: str,
        exchange: ControlEnd,
        start_us: int,
        recorder: Recorder,
    ) -> None:
        super().__init__(board, config, boot_id, RecordedEnd(exchange, recorder), start_us)
        self._recorder = recorder
        self._plan = plan
        recorder.boot(start_us, boot_id, config)

    def step(self, now_us: int) -> int:
        """Run one cycle."""
        self._recorder.begin(now_us)
        try:
            return super().step(now_us)
        finally:
            self._recorder.end()

    def leave(self, now_us: int) -> None:
        """Withdraw every permission and report the end of every session, outside every cycle."""
        super().leave(now_us)
        self._recorder.end()

    def drivers_by_outlet(self) -> tuple[tuple[RenewalPart, ...], ...]:
        """The drivers, behind something that notes what virtual time skips of them."""
        found = []
        for drivers, wires in zip(super().drivers_by_outlet(), self._plan.outlets, strict=True):
            names = (wires.front_end.name, wires.reader.name if wires.reader is not None else "")
            found.append(
                tuple(
                    RecordedPart(driver, name, self._recorder) if isinstance(driver, PolledRenewalPart) else driver
                    for driver, name in zip(drivers, names, strict=False)
                )
            )
        return tuple(found)


class RecordedLink:
    """A ``ByteLink`` that notes what passes."""

    def __init__(self, name: str, link: ByteLink, recorder: Recorder) -> None:
        self._name, self._link, self._recorder = name, link, recorder

    def read(self, now_us: int) -> bytes:
        """As the link behind."""
        call = self._recorder.called(self._name, RECEIVED)
        try:
            data = self._link.read(now_us)
        except LinkLostError:
            self._recorder.lost(self._name, RECEIVED, call, now_us)
            raise
        if data:
            self._recorder.passed(self._name, RECEIVED, data, call, now_us)
        return data

    def write(self, data: bytes, now_us: int) -> None:
        """As the link behind."""
        call = self._recorder.called(self._name, SENT)
        try:
            self._link.write(data, now_us)
        except LinkLostError:
            self._recorder.lost(self._name, SENT, call, now_us)
            raise
        self._recorder.passed(self._name, SENT, data, call, now_us)


class RecordedEnd:
    """A ``ControlEnd`` that notes commands and events."""

    def __init__(self, end: ControlEnd, recorder: Recorder) -> None:
        self._end, self._recorder = end, recorder

    def take_commands(self, now_us: int) -> Sequence[Command]:
        """As the end behind."""
        commands = self._end.take_commands(now_us)
        for command in commands:
            self._recorder.taken(command, now_us)
        return commands

    def report(self, events: Sequence[Event], now_us: int) -> None:
        """As the end behind."""
        for event in events:
            self._recorder.told(event, now_us)
        self._end.report(events, now_us)

    def offer_view(self, make: Callable[[], StationView], now_us: int) -> None:
        """As the end behind."""
        self._end.offer_view(make, now_us)


class RecordedPart:
    """A ``PolledRenewalPart`` that notes when it is moved."""

    def __init__(self, part: PolledRenewalPart, name: str, recorder: Recorder) -> None:
        self._part, self._name, self._recorder = part, name, recorder

    def steady_period_us(self) -> int:
        """As the part behind."""
        return self._part.steady_period_us()

    def next_renewal_us(self) -> int:
        """As the part behind."""
        return self._part.next_renewal_us()

    def essential_wake_us(self) -> int:
        """As the part behind."""
        return self._part.essential_wake_us()

    def wish_us(self) -> int:
        """As the part behind."""
        return self._part.wish_us()

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        """Note it, then as the part behind."""
        self._recorder.elided(self._name, periods, delta_us)
        return self._part.shift_renewals(periods, delta_us)


def _decodable(value: object) -> Plain:
    """A command must be taken again from the trace: what is neither number nor text inside it is noted as JSON."""
    if isinstance(value, tuple):
        return tuple(str(_decodable(each)) for each in value)
    return json.dumps(asdict(value)) if is_dataclass(value) and not isinstance(value, type) else _plain(value)


def _plain(value: object) -> Plain:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return tuple(map(str, value))
    return value if value is None or isinstance(value, (bool, int)) else str(value)
