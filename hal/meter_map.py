"""Register maps of energy meters: which value stands where, in which form. Data only, the same for reader and twin.

A map comes from ``profiles/meters`` (see ``docs/meters.md``). Every value has one unit here, whatever the meter's own:

| quantity  | unit |
|-----------|------|
| current   | mA   |
| voltage   | mV   |
| power     | mW   |
| energy    | mWh  |
| frequency | mHz  |

A register's raw number times ``numerator`` by ``denominator`` is the value in that unit. Some meters give a power of ten in
a register of its own (``exponent_address``); it is read with the value.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from evse.records import dataclass

LARGEST_READ: Final = 125
"""Registers that one request may ask for (MODBUS Application Protocol V1.1b3, 6.3 and 6.4)."""
READ_HOLDING: Final = 3
READ_INPUT: Final = 4


class Quantity(StrEnum):
    """What a register says."""

    CURRENT_L1 = "current_l1"
    CURRENT_L2 = "current_l2"
    CURRENT_L3 = "current_l3"
    VOLTAGE_L1 = "voltage_l1"
    VOLTAGE_L2 = "voltage_l2"
    VOLTAGE_L3 = "voltage_l3"
    POWER_L1 = "power_l1"
    POWER_L2 = "power_l2"
    POWER_L3 = "power_l3"
    POWER = "power"
    POWER_IMPORT = "power_import"
    POWER_EXPORT = "power_export"
    POWER_IMPORT_L1 = "power_import_l1"
    POWER_IMPORT_L2 = "power_import_l2"
    POWER_IMPORT_L3 = "power_import_l3"
    POWER_EXPORT_L1 = "power_export_l1"
    POWER_EXPORT_L2 = "power_export_l2"
    POWER_EXPORT_L3 = "power_export_l3"
    ENERGY_IMPORT = "energy_import"
    ENERGY_EXPORT = "energy_export"
    FREQUENCY = "frequency"
    SERIAL = "serial"


CURRENTS: Final = (Quantity.CURRENT_L1, Quantity.CURRENT_L2, Quantity.CURRENT_L3)
VOLTAGES: Final = (Quantity.VOLTAGE_L1, Quantity.VOLTAGE_L2, Quantity.VOLTAGE_L3)
POWERS: Final = (Quantity.POWER_L1, Quantity.POWER_L2, Quantity.POWER_L3)
IMPORTS: Final = (Quantity.POWER_IMPORT_L1, Quantity.POWER_IMPORT_L2, Quantity.POWER_IMPORT_L3)
EXPORTS: Final = (Quantity.POWER_EXPORT_L1, Quantity.POWER_EXPORT_L2, Quantity.POWER_EXPORT_L3)


class NumberKind(StrEnum):
    """Form of a number in its registers."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return _BITS[self] // 16

    @property
    def floating(self) -> bool:
        """Whether it is an IEEE 754 number."""
        return self in (NumberKind.FLOAT32, NumberKind.FLOAT64)

    @property
    def signed(self) -> bool:
        """Whether it is a whole number with a sign."""
        return self in (NumberKind.I16, NumberKind.I32, NumberKind.I64)


_BITS: Final = {
    NumberKind.U16: 16,
    NumberKind.I16: 16,
    NumberKind.U32: 32,
    NumberKind.I32: 32,
    NumberKind.U64: 64,
    NumberKind.I64: 64,
    NumberKind.FLOAT32: 32,
    NumberKind.FLOAT64: 64,
}


@dataclass(frozen=True, slots=True)
class Register:
    """One value of a meter. ``address``: the first of its registers as on the wire, from 0.

    ``low_first``: the low word stands first. ``marked_missing``: the largest number of its kind (all ones where unsigned)
    means "not available". ``exponent_address``: register with a power of ten (i16) that multiplies the value, -1: none.
    """

    quantity: Quantity
    address: int
    kind: NumberKind
    numerator: int = 1
    denominator: int = 1
    low_first: bool = False
    marked_missing: bool = False
    exponent_address: int = -1

    @property
    def wraps_at(self) -> int:
        """How many units an integer register counts before it begins anew at 0; 0 for a floating one."""
        if self.kind.floating:
            return 0
        bits = _BITS[self.kind] - self.kind.signed
        return (1 << bits) * self.numerator // self.denominator


@dataclass(frozen=True, slots=True)
class Span:
    """One read request: ``count`` registers from ``address`` on."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class MeterMap:
    """Everything that a reader or a twin needs of one kind of meter.

    ``function``: 3 or 4. ``gap``: unused registers between two values that one request may reach over.
    ``most_registers``: in one request.
    """

    name: str
    function: int
    registers: tuple[Register, ...]
    gap: int = 0
    most_registers: int = LARGEST_READ

    def register(self, quantity: Quantity) -> Register | None:
        """Return where ``quantity`` stands, ``None`` when this meter does not say it."""
        return next((each for each in self.registers if each.quantity is quantity), None)

    def spans(self, wanted: Iterable[Quantity] | None = None) -> tuple[Span, ...]:
        """Return the requests that read ``wanted`` (default: everything), in ascending order, as few as the map allows."""
        kept = None if wanted is None else frozenset(wanted)
        return join_pieces(self._pieces(kept), self.gap, self.most_registers)

    def _pieces(self, kept: frozenset[Quantity] | None) -> list[Span]:
        chosen = [each for each in self.registers if kept is None or each.quantity in kept]
        pieces = {Span(each.address, each.kind.words) for each in chosen}
        pieces |= {Span(each.exponent_address, 1) for each in chosen if each.exponent_address >= 0}
        return sorted(pieces, key=lambda piece: piece.address)


def join_pieces(pieces: Iterable[Span], gap: int, most: int) -> tuple[Span, ...]:
    """Join ``pieces``, sorted by address, into requests of at most ``most`` registers over gaps of at most ``gap``."""
    joined: list[Span] = []
    for piece in pieces:
        if joined:
            last = joined[-1]
            end = max(last.address + last.count, piece.address + piece.count)
            close = piece.address - (last.address + last.count) <= gap
            if close and end - last.address <= most:
                joined[-1] = Span(last.address, end - last.address)
                continue
        joined.append(piece)
    return tuple(joined)
