"""Twin of an energy meter on Modbus: a device at the far end of the reader's line, made from the same register map.

It measures the simulated world and says it in the map's registers. Its own address is its own: a reader that asks another one
gets no answer. Without voltage on any phase it is dark, as a meter that feeds itself from what it measures.

| request                                             | answer                              |
|-----------------------------------------------------|-------------------------------------|
| another address                                     | none; of a gateway: exception 11    |
| the meter is dark, away or silent                   | the same                            |
| function that does not read registers               | exception 1                         |
| no register, more than 125                           | exception 3                         |
| a register that the map does not know               | exception 2                         |
| anything else                                       | the words                           |

Registers that the map allows a request to reach over answer 0, those that know a word for "not available" say it.
"""

from __future__ import annotations

import math
import random
from typing import Final

from evse.records import dataclass
from hal.frames.modbus import (
    READ_HOLDING,
    READS,
    Framing,
    ModbusException,
    ReadAnswer,
    ReadRequest,
    RequestStream,
    answer_frame,
)
from hal.meter_codec import encode, exponent_for, float_words
from hal.meter_map import CURRENTS, EXPORTS, IMPORTS, POWERS, VOLTAGES, MeterMap, Quantity, Register
from hal.scheduling import Waker
from hal.units import MS, NEVER
from hal.wires import ByteLink, LinkLostError
from hal.world.metered import ANSWER_TIME_US, Measured, MeterFaults, MeterLie, Source

BROKEN_FRAME_US: Final = 200 * MS
LINE_RETRY_US: Final = 500 * MS
GATEWAY_WAITS_US: Final = 1_000 * MS
FREQUENCY_MHZ: Final = 50_000
FIRST_SERIAL: Final = 17_000_001
_RESTLESS: Final = (MeterLie.JUMP, MeterLie.LEAP)
"""Lies that say something else at each request."""


@dataclass(slots=True)
class MeterTwinCounters:
    """``strange_address``: requests for somebody else."""

    requests: int = 0
    answers: int = 0
    exceptions: int = 0
    strange_address: int = 0


class ModbusMeterTwin:
    """The meter, ``Stepped``; to be woken when bytes arrive on ``link``."""

    def __init__(
        self,
        link: ByteLink,
        meter_map: MeterMap,
        unit: int,
        source: Source,
        waker: Waker,
        framing: Framing = Framing.RTU,
        seed: int = 0,
        *,
        gateway: bool = False,
    ) -> None:
        """``unit``: its own address. ``seed``: of garbage and jumps. ``gateway``: between it and the reader stands one."""
        self._gateway = gateway
        self.faults = MeterFaults()
        self.counters = MeterTwinCounters()
        self.unit = unit
        self.serial = FIRST_SERIAL
        self._link = link
        self._map = meter_map
        self._source = source
        self._waker = waker
        self._framing = framing
        self._stream = RequestStream(framing)
        self._random = random.Random(seed)
        self._known = frozenset(
            address for span in meter_map.spans() for address in range(span.address, span.address + span.count)
        )
        self._answer: bytes | None = None
        self._answer_us = NEVER
        self._bytes_us = 0
        self._offset_mwh = 0
        self._away_until_us = -NEVER
        self._frozen: Measured | None = None
        self._said: tuple[tuple[object, ...], dict[int, int]] = ((), {})
        """What it said last, and while what was true."""

    # ------------------------------------------------------------------ the world's verbs

    def set_lie(self, lie: MeterLie, now_us: int) -> None:
        """Let it lie from now on."""
        self.faults.lie = lie
        self._frozen = self._source.measured(now_us) if lie is MeterLie.FROZEN else None

    def replace(self, register_mwh: int, back_us: int) -> None:
        """Put another meter in its place, which answers from ``back_us`` on and then shows ``register_mwh`` imported."""
        self.serial += 1
        self._away_until_us = back_us
        self._set_register(register_mwh, back_us)

    def near_wrap(self, left_mwh: int, now_us: int) -> None:
        """Set its register to ``left_mwh`` before the number at which it begins anew at 0. Nothing without such a number."""
        energy = self._map.register(Quantity.ENERGY_IMPORT)
        if energy is not None and energy.wraps_at:
            self._set_register(max(0, energy.wraps_at - left_mwh), now_us)

    @property
    def wraps(self) -> bool:
        """Whether its register begins anew at some number."""
        energy = self._map.register(Quantity.ENERGY_IMPORT)
        return energy is not None and energy.wraps_at > 0

    def _set_register(self, register_mwh: int, now_us: int) -> None:
        self._offset_mwh = register_mwh - self._source.measured(now_us).import_mwh

    # ------------------------------------------------------------------ Stepped

    def step(self, now_us: int) -> int:
        try:
            data = self._link.read(now_us)
            if data:
                self._take_in(data, now_us)
            if now_us >= self._answer_us:
                self._send(now_us)
        except LinkLostError:
            return now_us + LINE_RETRY_US
        return self._answer_us

    def _take_in(self, data: bytes, now_us: int) -> None:
        if self._stream.pending and now_us - self._bytes_us > BROKEN_FRAME_US:
            self._stream.reset()
        self._bytes_us = now_us
        for request in self._stream.feed(data):
            self._handle(request, now_us)

    def _handle(self, request: ReadRequest, now_us: int) -> None:
        if request.unit != self.unit:
            self.counters.strange_address += 1
            self._unreachable(request, now_us)
            return
        measured = self._source.measured(now_us)
        if self.faults.silent or now_us < self._away_until_us or not any(measured.voltages_mv):
            self._unreachable(request, now_us)
            return
        self.counters.requests += 1
        if self.faults.garbage:
            self._answer = self._random.randbytes(self._random.randrange(1, 40))
        else:
            self._answer = answer_frame(self._answer_to(request, measured), self._framing)
        self._answer_us = now_us + self.faults.delay_us
        if self.faults.delay_us == ANSWER_TIME_US:
            # A line knows when a byte was put on it: no step of its own for each answer of a meter that is well.
            self._send(self._answer_us)

    def _send(self, at_us: int) -> None:
        answer, self._answer, self._answer_us = self._answer, None, NEVER
        if answer is not None:
            self.counters.answers += 1
            self._link.write(answer, at_us)

    def _unreachable(self, request: ReadRequest, now_us: int) -> None:
        """No meter answers: a gateway says so in its place when it has waited for long enough."""
        if self._gateway:
            self.counters.exceptions += 1
            code = ModbusException.GATEWAY_TARGET
            refusal = ReadAnswer(request.unit, request.function or READ_HOLDING, (), code, request.transaction)
            self._answer, self._answer_us = answer_frame(refusal, self._framing), now_us + GATEWAY_WAITS_US

    def _answer_to(self, request: ReadRequest, measured: Measured) -> ReadAnswer:
        code = self.faults.exception
        wanted = range(request.address, request.address + request.length)
        if not code and request.function not in READS:
            code = ModbusException.ILLEGAL_FUNCTION
        if not code and not request.length:
            code = ModbusException.ILLEGAL_VALUE
        if not code and not self._known.issuperset(wanted):
            code = ModbusException.ILLEGAL_ADDRESS
        if code:
            self.counters.exceptions += 1
            return ReadAnswer(request.unit, request.function or READ_HOLDING, (), code, request.transaction)
        words = self.registers(measured)
        answer = tuple(words.get(address, 0) for address in wanted)
        return ReadAnswer(request.unit, request.function, answer, 0, request.transaction)

    # ------------------------------------------------------------------ what it says

    def registers(self, measured: Measured) -> dict[int, int]:
        """Return every register of the map while ``measured`` is true, lies included."""
        of = (self._frozen or measured, self.faults.lie, self._offset_mwh, self.serial)
        if self.faults.lie in _RESTLESS or self._said[0] != of:
            self._said = (of, self._translate(self._frozen or measured))
        return self._said[1]

    def _translate(self, measured: Measured) -> dict[int, int]:
        values = self._values(measured)
        words: dict[int, int] = {}
        exponents: dict[int, list[Register]] = {}
        for register in self._map.registers:
            if register.exponent_address >= 0:
                exponents.setdefault(register.exponent_address, []).append(register)
            else:
                self._put(words, register, self._words(register, values[register.quantity]))
        for address, registers in exponents.items():
            exponent = exponent_for(registers, [values[each.quantity] for each in registers])
            # An absurd power of ten is no number either.
            words[address] = 0x8000 if self.faults.lie is MeterLie.NAN else exponent & 0xFFFF
            for register in registers:
                self._put(words, register, self._words(register, values[register.quantity], exponent))
        return words

    def _put(self, words: dict[int, int], register: Register, said: tuple[int, ...]) -> None:
        words.update(zip(range(register.address, register.address + len(said)), said, strict=True))

    def _words(self, register: Register, value: int, exponent: int = 0) -> tuple[int, ...]:
        if self.faults.lie is MeterLie.NAN and register.quantity is not Quantity.SERIAL:
            if register.kind.floating:
                return float_words(register, math.nan)
            bits = register.kind.words * 16 - register.kind.signed
            return encode(register, ((1 << bits) - 1) * register.numerator // register.denominator)
        return encode(register, value, exponent)

    def _values(self, measured: Measured) -> dict[Quantity, int]:
        factor = -1 if self.faults.lie is MeterLie.NEGATIVE else 1
        jump = self._random.randrange(1_000, 9_999) if self.faults.lie in _RESTLESS else 0
        times = factor * (jump if self.faults.lie is MeterLie.JUMP else 1)
        values = dict(zip(CURRENTS, (times * each for each in measured.currents_ma), strict=True))
        values |= dict(zip(VOLTAGES, (factor * each for each in measured.voltages_mv), strict=True))
        powers = [factor * each for each in measured.powers_mw]
        values |= dict(zip(POWERS, powers, strict=True))
        values |= dict(zip(IMPORTS, (max(0, each) for each in powers), strict=True))
        values |= dict(zip(EXPORTS, (max(0, -each) for each in powers), strict=True))
        total = sum(powers)
        values[Quantity.POWER] = total
        values[Quantity.POWER_IMPORT], values[Quantity.POWER_EXPORT] = max(0, total), max(0, -total)
        values[Quantity.ENERGY_IMPORT] = factor * (self._offset_mwh + measured.import_mwh) + jump * 1_000_000
        values[Quantity.ENERGY_EXPORT] = measured.export_mwh
        values[Quantity.FREQUENCY] = FREQUENCY_MHZ
        values[Quantity.SERIAL] = self.serial
        return values
