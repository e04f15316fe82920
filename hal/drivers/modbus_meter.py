"""Reader of an energy meter over Modbus, RTU on a serial line or TCP on a connection. It never waits.

A cycle reads what its purpose wants of the meter's map, one request after another, and ends with one reading, all of it or
none. It begins every second; every 10 s at an outlet through which no current flows, every 5 s at a house where nobody charges.

| phase   | sent on entry     | event                                   | next phase                                     |
|---------|-------------------|-----------------------------------------|------------------------------------------------|
| RESTING | nothing           | time of the next cycle                  | ASKING, first request                          |
| ASKING  | a request         | its answer                              | PAUSING, or RESTING with a new reading         |
|         |                   | exception to a value nobody needs       | PAUSING; not asked again in this connection    |
|         |                   | exception, 3 s without answer           | PAUSING with the same request, three times     |
|         |                   | the same for the third time             | RESTING 2 s, not connected                     |
| PAUSING | nothing           | RTU: the line's silence of two frames   | ASKING, next request                           |
| any     |                   | line gone                               | RESTING 500 ms, not connected                  |

A meter that takes 2 s for each answer is slow, not dead: its readings come as they come. After a request without answer only the
same request follows, so that a late answer cannot be taken for another's; before anything else the line is left alone
for 2 s and emptied. The serial number is asked for in the first cycle of each connection: a meter cannot be replaced
without having been silent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from enum import Enum
from typing import Final

from evse.records import dataclass
from hal.frames.modbus import (
    AnswerStream,
    Framing,
    ModbusException,
    ReadAnswer,
    ReadRequest,
    StreamCounters,
    request_frame,
)
from hal.meter_codec import reading_of
from hal.meter_map import CURRENTS, EXPORTS, IMPORTS, POWERS, VOLTAGES, MeterMap, Quantity, Span
from hal.ports import MeterReading
from hal.units import MS, NEVER, SECOND
from hal.wires import ByteLink, LinkLostError

CYCLE_US: Final = 1 * SECOND
IDLE_CYCLE_US: Final = 10 * SECOND
HOUSE_IDLE_CYCLE_US: Final = 5 * SECOND
"""A house meter while nobody wants to charge: what it says is still in force when somebody comes."""
NO_CURRENT_MA: Final = 100
ANSWER_TIMEOUT_US: Final = 3 * SECOND
ATTEMPTS: Final = 3
GIVEN_UP_PAUSE_US: Final = 2 * SECOND
RETRY_US: Final = 500 * MS
FRAME_GAP_US: Final = 5 * MS
"""Silence before a request: 3.5 characters and more (MODBUS over Serial Line V1.02, 2.5.1.1)."""
BROKEN_FRAME_US: Final = 200 * MS
"""A frame whose rest does not come within this time is none."""
OUTLET_NEEDS: Final = frozenset((*CURRENTS, *VOLTAGES, Quantity.ENERGY_IMPORT))
OUTLET_WANTS: Final = OUTLET_NEEDS | {Quantity.POWER}
HOUSE_NEEDS: Final = frozenset(CURRENTS)
HOUSE_WANTS: Final = HOUSE_NEEDS | frozenset((*POWERS, *IMPORTS, *EXPORTS))


class Purpose(Enum):
    """What a meter is read for: what a reading must hold, what else is asked for, how often while no current flows."""

    OUTLET = (OUTLET_NEEDS, OUTLET_WANTS, IDLE_CYCLE_US)
    HOUSE = (HOUSE_NEEDS, HOUSE_WANTS, HOUSE_IDLE_CYCLE_US)


FrameHook = Callable[[int, str, bytes], None]
"""Called with (now_us, ``"tx"`` or ``"rx"``, bytes)."""


class _Phase(Enum):
    RESTING = "resting"
    PAUSING = "pausing"
    ASKING = "asking"


@dataclass(slots=True)
class MeterCounters:
    """What the reader has done and met. ``foreign``: answers from another address or to another question."""

    cycles: int = 0
    requests: int = 0
    repeated: int = 0
    unanswered: int = 0
    exceptions: int = 0
    foreign: int = 0
    losses: int = 0
    line: StreamCounters = field(default_factory=StreamCounters)


class ModbusMeterDriver:
    """An ``EnergyMeter`` that is ``Polled``."""

    def __init__(
        self,
        link: ByteLink,
        meter_map: MeterMap,
        unit: int,
        framing: Framing = Framing.RTU,
        *,
        purpose: Purpose = Purpose.OUTLET,
    ) -> None:
        """``unit``: the address that is asked, 0 to 255."""
        self.on_frame: FrameHook | None = None
        self.idle: bool | None = None if purpose is Purpose.OUTLET else False
        """Whether nobody needs a reading every second; ``None``: the reading itself tells, by its currents."""
        self._link = link
        self._map = meter_map
        self._unit = unit
        self._framing = framing
        needs, wants, self._idle_cycle_us = purpose.value
        self._usual = meter_map.spans(wants)
        self._needed = frozenset(_covering(meter_map, self._usual, needs))
        self._identity = meter_map.spans([_SERIAL])
        self._counts = MeterCounters()
        self._stream = AnswerStream(framing)
        self._phase = _Phase.RESTING
        self._due_us = -NEVER
        self._deadline_us = NEVER
        self._started_us = 0
        self._bytes_us = 0
        self._todo: list[Span] = []
        self._words: dict[int, int] = {}
        self._missing: set[Span] = set()
        self._attempts = 0
        self._transaction = 0
        energy = meter_map.register(Quantity.ENERGY_IMPORT)
        self._energy_at = -1 if energy is None else energy.address
        self._asked_us = self._energy_asked_us = 0
        self._connected = False
        self._problem = "not asked yet"
        self._reading: MeterReading | None = None
        self._serial: int | None = None

    # ------------------------------------------------------------------ EnergyMeter

    @property
    def reading(self) -> MeterReading | None:
        return self._reading

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def problem(self) -> str:
        return "" if self._connected else self._problem

    @property
    def counters(self) -> MeterCounters:
        """Copy of the counters."""
        return replace(self._counts, line=replace(self._stream.counters))

    def ask(self, unit: int, now_us: int) -> None:
        if unit != self._unit:
            self._unit = unit
            self._lose("another address is asked now", now_us, FRAME_GAP_US)

    def hurry(self, now_us: int) -> None:
        """Somebody needs a reading every second from now on: the next one at once, if none is under way."""
        if self.idle:
            self.idle = False
            if self._phase is _Phase.RESTING and self._connected:
                self._due_us = min(self._due_us, now_us)

    # ------------------------------------------------------------------ Polled

    def poll(self, now_us: int) -> int:
        try:
            self._listen(now_us)
            self._do_what_is_due(now_us)
        except LinkLostError as error:
            self._lose(f"no line: {error}", now_us, RETRY_US)
        return self.wish_us()

    def wish_us(self) -> int:
        """When the reader wants to be polled next."""
        return self._deadline_us if self._phase is _Phase.ASKING else self._due_us

    def _do_what_is_due(self, now_us: int) -> None:
        if self._phase is _Phase.ASKING and now_us >= self._deadline_us:
            self._counts.unanswered += 1
            self._repeat("the meter does not answer", now_us)
        if self._phase is not _Phase.ASKING and now_us >= self._due_us:
            if self._phase is _Phase.RESTING:
                self._begin(now_us)
            self._ask(now_us)

    # ------------------------------------------------------------------ a cycle

    def _begin(self, now_us: int) -> None:
        self._started_us = now_us
        self._words.clear()
        self._attempts = 0
        spans = self._usual if self._connected else (*self._identity, *self._usual)
        self._todo = [span for span in spans if span not in self._missing]

    def _ask(self, now_us: int) -> None:
        # What still waits there answers nothing that is asked now.
        self._link.read(now_us)
        self._stream.reset()
        span = self._todo[0]
        if self._framing is Framing.TCP:
            self._transaction = self._transaction % 0xFFFF + 1
        request = ReadRequest(self._unit, self._map.function, span.address, span.count, self._transaction)
        self._send(request_frame(request, self._framing), now_us)
        self._counts.requests += 1
        if not self._attempts:
            self._asked_us = now_us
        self._phase = _Phase.ASKING
        self._deadline_us = now_us + ANSWER_TIMEOUT_US

    def _listen(self, now_us: int) -> None:
        data = self._link.read(now_us)
        if not data:
            return
        if self._phase is not _Phase.ASKING:
            self._stream.counters.dropped_bytes += len(data)
            return
        if self.on_frame is not None:
            self.on_frame(now_us, "rx", data)
        if self._stream.pending and now_us - self._bytes_us > BROKEN_FRAME_US:
            self._stream.reset()
        self._bytes_us = now_us
        for answer in self._stream.feed(data):
            if self._phase is not _Phase.ASKING or not self._meant(answer):
                self._counts.foreign += 1
            elif answer.exception:
                self._refused(answer.exception, now_us)
            else:
                self._take(answer.words, now_us)

    def _meant(self, answer: ReadAnswer) -> bool:
        right = (answer.unit, answer.function, answer.transaction) == (
            self._unit,
            self._map.function,
            self._transaction,
        )
        return right and (answer.exception > 0 or len(answer.words) == self._todo[0].count)

    def _take(self, words: tuple[int, ...], now_us: int) -> None:
        span = self._todo.pop(0)
        self._words.update(zip(range(span.address, span.address + span.count), words, strict=True))
        self._attempts = 0
        if span.address <= self._energy_at < span.address + span.count:
            self._energy_asked_us = self._asked_us
        self._go_on(now_us)

    def _go_on(self, now_us: int) -> None:
        if self._todo:
            self._pause(now_us)
            return
        lag_us = now_us - self._energy_asked_us if self._energy_at >= 0 else 0
        reading = replace(reading_of(self._map, self._words, now_us, self._serial), energy_lag_us=lag_us)
        self._serial = reading.serial
        self._reading = reading
        self._connected = True
        self._counts.cycles += 1
        idle = self.idle
        if idle is None:
            idle = reading.currents_ma is not None and max(map(abs, reading.currents_ma)) <= NO_CURRENT_MA
        cycle_us = self._idle_cycle_us if idle else CYCLE_US
        self._rest(max(self._started_us + cycle_us, now_us + FRAME_GAP_US))

    def _refused(self, code: int, now_us: int) -> None:
        self._counts.exceptions += 1
        if code in _GATEWAY:
            self._repeat(f"the gateway reaches no meter at address {self._unit} (exception {code})", now_us)
            return
        span = self._todo[0]
        if span not in self._needed:
            self._missing.add(span)
            self._todo.pop(0)
            self._attempts = 0
            self._go_on(now_us)
            return
        where = f"registers {span.address} to {span.address + span.count - 1}"
        self._repeat(f"the meter refuses {where} with exception {code}", now_us)

    # ------------------------------------------------------------------ what goes wrong

    def _repeat(self, reason: str, now_us: int) -> None:
        self._attempts += 1
        if self._attempts >= ATTEMPTS:
            self._lose(reason, now_us, GIVEN_UP_PAUSE_US)
            return
        self._counts.repeated += 1
        self._pause(now_us)

    def _lose(self, reason: str, now_us: int, pause_us: int) -> None:
        self._counts.losses += self._connected
        self._connected = False
        self._problem = reason
        self._reading = None
        self._serial = None
        self._missing.clear()
        self._stream.reset()
        self._rest(now_us + pause_us)

    def _pause(self, now_us: int) -> None:
        # A frame of TCP says itself where it ends.
        gap_us = FRAME_GAP_US if self._framing is Framing.RTU else 0
        self._phase, self._due_us, self._deadline_us = _Phase.PAUSING, now_us + gap_us, NEVER

    def _rest(self, until_us: int) -> None:
        self._phase, self._due_us, self._deadline_us = _Phase.RESTING, until_us, NEVER

    def _send(self, frame: bytes, now_us: int) -> None:
        self._link.write(frame, now_us)
        if self.on_frame is not None:
            self.on_frame(now_us, "tx", frame)


_SERIAL: Final = Quantity.SERIAL
_GATEWAY: Final = (ModbusException.GATEWAY_PATH, ModbusException.GATEWAY_TARGET)
"""What a gateway says in the place of a meter that does not answer it."""


def _covering(meter_map: MeterMap, usual: tuple[Span, ...], needs: frozenset[Quantity]) -> list[Span]:
    """Those of the ``usual`` requests that hold something needed."""
    needed = [each for each in meter_map.registers if each.quantity in needs]
    return [
        span
        for span in usual
        if any(span.address <= each.address < span.address + span.count for each in needed)
        or any(span.address <= each.exponent_address < span.address + span.count for each in needed)
    ]
