"""Values with units, as people write them: ``500 ms``, ``32 A``, ``1.5 kWh``.

A quantity is a decimal number, one space or none, and a unit. It is converted exactly (no floating point) into the unit
that the receiver counts in; what does not come out whole is refused there when a whole number is wanted.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

_FAMILIES: Final[dict[str, dict[str, Fraction]]] = {
    "time": {
        "us": Fraction(1),
        "ms": Fraction(10**3),
        "s": Fraction(10**6),
        "min": Fraction(60 * 10**6),
        "h": Fraction(3600 * 10**6),
    },
    "current": {"mA": Fraction(1), "A": Fraction(1000)},
    "voltage": {"mV": Fraction(1), "V": Fraction(1000)},
    "energy": {"Wh": Fraction(1), "kWh": Fraction(1000)},
    "power": {"W": Fraction(1), "kW": Fraction(1000)},
    "resistance": {"ohm": Fraction(1), "Ω": Fraction(1), "kohm": Fraction(1000), "kΩ": Fraction(1000)},
    "share": {"bp": Fraction(1), "%": Fraction(100)},
    "frequency": {"dHz": Fraction(1), "Hz": Fraction(10), "kHz": Fraction(10_000)},
    "temperature": {"dC": Fraction(1), "°C": Fraction(10), "degC": Fraction(10)},
}
_FAMILY_OF: Final = {unit: family for family, units in _FAMILIES.items() for unit in units}
_ALIASES: Final = {"µs": "us", "minutes": "min", "C": "degC", "0.1 °C": "dC", "0.01 %": "bp", "0.1 Hz": "dHz"}
_TEXT: Final = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?) ?([^\s0-9].*)?\Z")
_SUFFIXES: Final = (
    ("_us", "us"),
    ("_ms", "ms"),
    ("_s", "s"),
    ("_ma", "mA"),
    ("_mv", "mV"),
    ("_wh", "Wh"),
    ("_bp", "bp"),
    ("_dhz", "dHz"),
    ("_dc", "dC"),
    ("_ohm", "ohm"),
)
LONGEST_YEARS: Final = 10
_LONGEST_US: Final = LONGEST_YEARS * 366 * 24 * 3600 * 10**6


class QuantityError(ValueError):
    """Not a quantity of the wanted kind; the text says what was wanted."""


def units_of(unit: str) -> tuple[str, ...]:
    """The units that convert into ``unit``; empty when it is not a known unit."""
    family = _FAMILY_OF.get(_ALIASES.get(unit, unit))
    return () if family is None else tuple(_FAMILIES[family])


def unit_of_name(name: str) -> str:
    """The unit a field's name tells by its ending (``energy_wh``: ``Wh``), empty for none."""
    for suffix, unit in _SUFFIXES:
        if name.endswith(suffix):
            return unit
    return ""


def name_without_unit(name: str) -> str:
    """``current_ma`` as ``current``: the name people write, as the unit stands with the value."""
    for suffix, _ in _SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def convert(value: object, unit: str) -> Fraction:
    """Convert ``value`` (text with unit) into ``unit``.

    Raises QuantityError for a missing, unknown or unfitting unit and for anything that is no number.
    """
    allowed = units_of(unit)
    unit = _ALIASES.get(unit, unit)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise QuantityError(f"{value!r} is not a number with a unit ({', '.join(allowed)})")
    match = _TEXT.match(str(value).strip())
    if match is None:
        raise QuantityError(f"{str(value)[:40]!r} is not a number with a unit ({', '.join(allowed)})")
    number, written = Fraction(match[1]), match[2]
    if written is None:
        raise QuantityError(f"{match[1]} has no unit ({', '.join(allowed)})")
    written = _ALIASES.get(written.strip(), written.strip())
    if _FAMILY_OF.get(written) != _FAMILY_OF[unit]:
        raise QuantityError(f"the unit {written[:20]!r} does not fit ({', '.join(allowed)})")
    family = _FAMILIES[_FAMILY_OF[unit]]
    return number * family[written] / family[unit]


def whole(value: object, unit: str) -> int:
    """Like ``convert``, for receivers that count in whole units. Times are limited to 10 years, far from ``NEVER``."""
    result = convert(value, unit)
    family = _FAMILIES["time"]
    if unit in family and abs(result * family[unit]) > _LONGEST_US:
        raise QuantityError(f"{str(value)[:40]} is longer than {LONGEST_YEARS} years")
    if result.denominator != 1:
        raise QuantityError(f"{value} is not a whole number of {unit}")
    return int(result)


def time_text(time_us: int) -> str:
    """A time for people: ``0:01:23.456`` (hours, minutes, seconds, milliseconds)."""
    sign = "-" if time_us < 0 else ""
    seconds, rest = divmod(abs(time_us), 10**6)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{seconds:02}.{rest // 1000:03}"
