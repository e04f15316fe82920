"""Values of commands as scenarios write them: the same rules as over REST, with what would be right."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from boards.yaml_source import Value
from evse.core.limits import LimitStep
from evse.sim.names import FAULTS, UID_ALLOWED, UID_PATTERN, nearest_first
from evse.sim.quantities import QuantityError, unit_of_name, units_of, whole

_REASON: Final = re.compile(r"[A-Za-z]{1,20}\Z")
LONGEST_SOURCE: Final = 64


class FieldError(ValueError):
    """A command's field cannot have this value; ``allowed`` says what would be right."""

    def __init__(self, what: str, allowed: str = "") -> None:
        super().__init__(what)
        self.allowed = allowed


def field_value(command: str, field: str, value: Value, kind: object, outlets: int) -> object:
    """``value`` of ``field`` (with its unit's suffix) of ``command`` as its type ``kind``. Raises FieldError."""
    if kind is bool:
        if not isinstance(value, bool):
            raise FieldError(f"{value!r} is not true or false", "true, false")
        return value
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        names = [member.value for member in kind]
        if value not in names:
            raise FieldError(f"{value!r} is not one of its values", nearest_first(value, names))
        return kind(value)
    if kind is int:
        return _number(field, value, outlets)
    if field == "plan":
        return _plan(value)
    if not isinstance(value, str):
        raise FieldError(f"{value!r} is not a text", "a text, in quotes when it is only digits")
    _check_text(command, field, value)
    return value


_PLAN_STEP: Final = "[after, current of each phase] or [after, L1, L2, L3] or [after], as in [60 s, 16 A]"


def _plan(value: Value) -> tuple[LimitStep, ...]:
    """A limit's plan: one list for each step; a step that names no current limits nothing."""
    if not isinstance(value, list) or not value:
        raise FieldError(f"{value!r} is not a plan", f"a list of steps {_PLAN_STEP}")
    return tuple(map(_plan_step, value))


def _plan_step(value: Value) -> LimitStep:
    if not isinstance(value, list) or len(value) not in (1, 2, 4):
        raise FieldError(f"{value!r} is not a step of a plan", _PLAN_STEP)
    try:
        after_us, *currents = (whole(each, unit) for each, unit in zip(value, ("us", "mA", "mA", "mA"), strict=False))
    except QuantityError as error:
        raise FieldError(str(error), _PLAN_STEP) from error
    if min(after_us, *currents, 0) < 0:
        raise FieldError(f"{value!r} has a value below 0", _PLAN_STEP)
    first, second, third = currents * 3 if len(currents) == 1 else currents or (0, 0, 0)
    return LimitStep(after_us, (first, second, third) if currents else None)


def _number(field: str, value: Value, outlets: int) -> int:
    unit = unit_of_name(field)
    try:
        number = whole(value, unit) if unit else value
    except QuantityError as error:
        raise FieldError(str(error), f"a number with a unit ({', '.join(units_of(unit))})") from error
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise FieldError(f"{value!r} is not a whole number from 0", "whole number from 0")
    if field == "outlet" and number > outlets:
        raise FieldError(f"there is no outlet {number}", f"1 to {outlets}, 0 for the station")
    return number


def _check_text(command: str, field: str, text: str) -> None:
    if field == "uid":
        # An empty one cancels a booking; nobody else may be nobody.
        if not UID_PATTERN.match(text) and (text or command != "book"):
            raise FieldError(f"{text!r} is no badge", UID_ALLOWED)
    elif field == "fault":
        if text not in FAULTS:
            raise FieldError(f"there is no fault {text!r}", nearest_first(text, FAULTS))
    elif field == "reason":
        if not _REASON.match(text):
            raise FieldError(f"{text!r} is no reason", "1 to 20 letters")
    elif not 1 <= len(text) <= LONGEST_SOURCE or not text.isprintable():
        raise FieldError(f"{text[:LONGEST_SOURCE]!r} cannot stand here", f"1 to {LONGEST_SOURCE} visible characters")
