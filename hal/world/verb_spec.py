"""What a verb is: name, group, help, typed parameters with unit, range and default; and how parameters are checked.

Specification. The table of verbs (``hal.world.verb_table``) is data; command line, REST, scenarios and page are made
from it. A value may be given as a number in the parameter's unit, or as a text with any unit of the same kind
(``"20 A"``, ``"20000 mA"``). Checked values are integers in the base unit of their kind: mA, mV, us, ohm, Wh, 0.1 Hz,
0.1 degree Celsius, 0.01 %, mA/s; so no float ever enters the world. Everything is checked before anything is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from evse.records import dataclass

ParamType = Literal["int", "number", "bool", "text", "choice"]
ParamValue = bool | int | float | str
Checked = bool | int | str

UNITS: Final[dict[str, tuple[str, int]]] = {
    "": ("count", 1),
    "A": ("current", 1_000),
    "mA": ("current", 1),
    "A/s": ("slope", 1_000),
    "mA/s": ("slope", 1),
    "V": ("voltage", 1_000),
    "mV": ("voltage", 1),
    "us": ("time", 1),
    "µs": ("time", 1),
    "ms": ("time", 1_000),
    "s": ("time", 1_000_000),
    "min": ("time", 60_000_000),
    "h": ("time", 3_600_000_000),
    "ohm": ("resistance", 1),
    "Ω": ("resistance", 1),
    "kohm": ("resistance", 1_000),
    "kΩ": ("resistance", 1_000),
    "Wh": ("energy", 1),
    "kWh": ("energy", 1_000),
    "Hz": ("frequency", 10),
    "kHz": ("frequency", 10_000),
    "%": ("share", 100),
    "°C": ("temperature", 10),
    "C": ("temperature", 10),
}
"""Unit to (kind, number of base units in one)."""

MAX_TEXT: Final = 64
_QUANTITY: Final = re.compile(r"\s*([+-]?\d{1,12}(?:\.\d{1,9})?)\s*(\D*?)\s*", re.ASCII)


class VerbError(ValueError):
    """A verb was refused and nothing was done. ``verb`` and ``param`` say where, ``allowed`` what would be right."""

    def __init__(self, verb: str, param: str, reason: str, allowed: str = "") -> None:
        self.verb, self.param, self.reason, self.allowed = verb, param, reason, allowed
        where = f"{verb}.{param}" if param else verb
        super().__init__(f"{where}: {reason}" + (f"; allowed: {allowed}" if allowed else ""))


@dataclass(frozen=True, slots=True)
class VerbParam:
    """One parameter. ``default`` ``None`` = must be given. Range and default are in ``unit``; a text's are lengths."""

    name: str
    type: ParamType
    help: str
    unit: str = ""
    default: ParamValue | None = None
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    """A password or key, which stands in no log and no recording."""

    def allowed(self) -> str:
        """Say for people what the parameter accepts."""
        if self.type == "bool":
            return "true, false"
        if self.type == "choice":
            return ", ".join(self.choices)
        if self.type == "text":
            return f"text of {self.minimum or 0} to {self.maximum or MAX_TEXT} characters"
        noun = "whole number" if self.type == "int" else "number"
        return f"{noun} from {self.minimum} to {self.maximum}{' ' + self.unit if self.unit else ''}"


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be done to the world. ``healed_by``: how it is undone, empty when there is nothing to undo."""

    name: str
    group: str
    help: str
    params: tuple[VerbParam, ...] = ()
    healed_by: str = ""


MAX_OUTLETS: Final = 16
OUTLET: Final = VerbParam("outlet", "int", "number of the outlet", default=1, minimum=1, maximum=MAX_OUTLETS)
"""Which outlet a verb is for."""
HEAL: Final = VerbParam("heal", "bool", "undo the fault; other parameters do not matter", default=False)
"""Of verbs that last until they are taken back."""


def check_value(verb: str, param: VerbParam, value: Any) -> Checked:
    """Return ``value`` in its base unit. Raises VerbError when it has the wrong type, unit, range or precision."""
    if param.type == "bool":
        if not isinstance(value, bool):
            raise VerbError(verb, param.name, f"{value!r} is not a truth value", param.allowed())
        return value
    if param.type == "choice":
        return _check_choice(verb, param, value)
    if param.type == "text":
        if not isinstance(value, str):
            raise VerbError(verb, param.name, f"{value!r} is not a text", param.allowed())
        if not (param.minimum or 0) <= len(value) <= (param.maximum or MAX_TEXT):
            raise VerbError(verb, param.name, f"a text of {len(value)} characters", param.allowed())
        return value
    return _check_number(verb, param, value)


def _check_choice(verb: str, param: VerbParam, value: Any) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value).strip()
        for choice in param.choices:
            if text in (choice, choice.partition(" ")[0]):
                return choice
    raise VerbError(verb, param.name, f"{value!r} is not one of the choices", param.allowed())


def _check_number(verb: str, param: VerbParam, value: Any) -> int:
    number, unit = _quantity(verb, param, value)
    kind, factor = UNITS[param.unit]
    if unit not in UNITS or UNITS[unit][0] != kind:
        raise VerbError(verb, param.name, f"{unit!r} is not a unit of {kind}", param.allowed())
    base = number * UNITS[unit][1]
    low, high = param.minimum, param.maximum
    if (low is not None and base < low * factor) or (high is not None and base > high * factor):
        raise VerbError(verb, param.name, f"{value!r} is out of range", param.allowed())
    if base != int(base):
        raise VerbError(verb, param.name, f"{value!r} is finer than the world can tell", param.allowed())
    return int(base)


def _quantity(verb: str, param: VerbParam, value: Any) -> tuple[Decimal, str]:
    """Split a value into number and unit; a bare number is in the parameter's unit."""
    wrong = VerbError(verb, param.name, f"{value!r} is not a number", param.allowed())
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value)
        if match is None:
            raise wrong
        return Decimal(match[1]), match[2] or param.unit
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise wrong from None
    if not number.is_finite():
        raise wrong
    return number, param.unit


HIDDEN: Final = "********"


def without_secrets(verb: Verb, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` as it may be logged and kept: stars for a secret."""
    secret = {param.name for param in verb.params if param.secret}
    return {name: HIDDEN if name in secret and value else value for name, value in given.items()}


def check_params(verb: Verb, given: Mapping[str, Any]) -> dict[str, Checked]:
    """Return every parameter of ``verb`` in base units, defaults filled in. Raises VerbError at the first wrong one."""
    known = {param.name: param for param in verb.params}
    for name in given:
        if name not in known:
            raise VerbError(verb.name, str(name)[:40], "there is no such parameter", ", ".join(known) or "none")
    checked: dict[str, Checked] = {}
    for param in verb.params:
        value = given.get(param.name, param.default)
        if value is None:
            raise VerbError(verb.name, param.name, "is missing", param.allowed())
        checked[param.name] = check_value(verb.name, param, value)
    return checked
