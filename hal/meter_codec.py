"""Between a meter's registers and numbers, by its map: word order, form, scale, "not available".

What cannot be a number (NaN, infinity, the meter's mark for "not available", a register that was not read, a power of ten
beyond reason) is ``None``, never a guess. Whole numbers are rounded to the nearest unit of the map.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hal.meter_map import CURRENTS, EXPORTS, IMPORTS, POWERS, VOLTAGES, MeterMap, NumberKind, Quantity, Register
from hal.ports import MeterReading

LARGEST_EXPONENT: Final = 12
_WORD: Final = 0xFFFF

_FORMATS: Final = {
    NumberKind.U16: ">H",
    NumberKind.I16: ">h",
    NumberKind.U32: ">I",
    NumberKind.I32: ">i",
    NumberKind.U64: ">Q",
    NumberKind.I64: ">q",
    NumberKind.FLOAT32: ">f",
    NumberKind.FLOAT64: ">d",
}

Words = Mapping[int, int]
"""Registers that were read: address to word (0 to 65535)."""
Phases = tuple[int, int, int]


def decode(register: Register, words: Words) -> int | None:
    """Return the value of ``register`` in the map's unit, ``None`` when there is none."""
    own = [words.get(register.address + index) for index in range(register.kind.words)]
    if any(word is None for word in own):
        return None
    ordered = [word for word in (reversed(own) if register.low_first else own) if word is not None]
    raw = struct.unpack(_FORMATS[register.kind], struct.pack(f">{len(ordered)}H", *ordered))[0]
    if register.kind.floating:
        return _from_float(raw, register)
    if register.marked_missing and raw == _largest(register.kind):
        return None
    exponent = 0
    if register.exponent_address >= 0:
        word = words.get(register.exponent_address)
        exponent = LARGEST_EXPONENT + 1 if word is None else _signed(word)
        if abs(exponent) > LARGEST_EXPONENT:
            return None
    return _scaled(raw * register.numerator, register.denominator, exponent)


def _from_float(raw: float, register: Register) -> int | None:
    if not math.isfinite(raw):
        return None
    value = raw * register.numerator / register.denominator
    return round(value) if abs(value) < 2.0**63 else None


def _scaled(number: int, denominator: int, exponent: int) -> int:
    number *= 10 ** max(0, exponent)
    denominator *= 10 ** max(0, -exponent)
    sign = -1 if number < 0 else 1
    return sign * ((2 * abs(number) + denominator) // (2 * denominator))


def _signed(word: int) -> int:
    return word - 0x1_0000 if word >= 0x8000 else word


def _largest(kind: NumberKind) -> int:
    return int((1 << (kind.words * 16 - kind.signed)) - 1)


def encode(register: Register, value: int, exponent: int = 0) -> tuple[int, ...]:
    """Return the words with which a meter says ``value``.

    Whole numbers that do not fit wrap as a counter does; a floating one beyond its range becomes infinite.
    """
    kind = register.kind
    if kind.floating:
        return float_words(register, value * register.denominator / register.numerator)
    number = value * register.denominator * 10 ** max(0, -exponent)
    divisor = register.numerator * 10 ** max(0, exponent)
    # A meter cuts off what its last digit cannot show, on both sides of zero.
    raw = number // divisor if number >= 0 else -(-number // divisor)
    bits = kind.words * 16
    # A signed counter of energy begins anew at 0, it does not turn negative.
    raw = raw % (1 << (bits - kind.signed)) if raw >= 0 else raw & ((1 << bits) - 1)
    return _words(raw, kind.words, register.low_first)


def float_words(register: Register, raw: float) -> tuple[int, ...]:
    """Return the words of the floating number ``raw`` as it stands, NaN and infinity included."""
    kind = register.kind
    try:
        data = struct.pack(_FORMATS[kind], raw)
    except OverflowError:
        data = struct.pack(_FORMATS[kind], math.copysign(math.inf, raw))
    return _words(int.from_bytes(data, "big"), kind.words, register.low_first)


def missing_words(register: Register) -> tuple[int, ...] | None:
    """Return how this meter says "not available" in ``register``, ``None`` when it has no word for it."""
    if register.kind.floating:
        return float_words(register, math.nan)
    if register.marked_missing:
        return _words(_largest(register.kind), register.kind.words, register.low_first)
    return None


def _words(raw: int, count: int, low_first: bool) -> tuple[int, ...]:
    words = tuple(raw >> (16 * index) & _WORD for index in range(count))
    return words if low_first else words[::-1]


def exponent_for(registers: Sequence[Register], values: Sequence[int]) -> int:
    """Return the smallest power of ten, from -3 on, with which every value fits its register."""
    for exponent in range(-3, LARGEST_EXPONENT + 1):
        fits = all(
            abs(value) * each.denominator * 10 ** max(0, -exponent) // (each.numerator * 10 ** max(0, exponent))
            < _largest(each.kind)
            for each, value in zip(registers, values, strict=True)
        )
        if fits:
            return exponent
    return LARGEST_EXPONENT


def reading_of(meter_map: MeterMap, words: Words, read_us: int, serial: int | None = None) -> MeterReading:
    """Return everything that ``words`` say, with ``None`` for what they do not.

    ``serial``: what was read earlier, for a cycle that did not ask for it.
    """

    def value(quantity: Quantity) -> int | None:
        register = meter_map.register(quantity)
        return None if register is None else decode(register, words)

    energy = meter_map.register(Quantity.ENERGY_IMPORT)
    energy_mwh = value(Quantity.ENERGY_IMPORT)
    said = value(Quantity.SERIAL)
    powers = _three(value, POWERS)
    if powers is None:
        powers = _difference(_three(value, IMPORTS), _three(value, EXPORTS))
    power = value(Quantity.POWER)
    if power is None:
        power = _total(value, powers)
    return MeterReading(
        read_us=read_us,
        currents_ma=_three(value, CURRENTS),
        voltages_mv=_three(value, VOLTAGES),
        powers_mw=powers,
        power_mw=power,
        energy_mwh=energy_mwh,
        energy_step_mwh=1 if energy is None else _step(energy, energy_mwh or 0),
        energy_wraps_mwh=0 if energy is None else energy.wraps_at,
        frequency_mhz=value(Quantity.FREQUENCY),
        serial=serial if said is None else said,
    )


def _step(register: Register, value: int) -> int:
    """What the last digit of a register is worth at ``value``."""
    if not register.kind.floating:
        return max(1, register.numerator // register.denominator)
    bits = 23 if register.kind is NumberKind.FLOAT32 else 52
    return max(1, abs(value) >> bits)


def _three(value: Callable[[Quantity], int | None], quantities: Sequence[Quantity]) -> Phases | None:
    first, second, third = (value(each) for each in quantities)
    return None if first is None or second is None or third is None else (first, second, third)


def _difference(taken: Phases | None, given: Phases | None) -> Phases | None:
    if taken is None or given is None:
        return None
    return (taken[0] - given[0], taken[1] - given[1], taken[2] - given[2])


def _total(value: Callable[[Quantity], int | None], powers: Phases | None) -> int | None:
    taken, given = value(Quantity.POWER_IMPORT), value(Quantity.POWER_EXPORT)
    if taken is not None and given is not None:
        return taken - given
    return None if powers is None else sum(powers)
