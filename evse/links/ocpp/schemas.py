"""Payloads against the JSON schemas of OCPP 1.6 that the ``ocpp`` package carries, by a compiled validator each.

A validator is made when its message is first seen. What a payload breaks is told with the error code that OCPP-J 1.6
table 7 gives for it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final

import fastjsonschema

from evse.links.ocpp.frame import ErrorCode, storable

_RULE_CODES: Final[Mapping[str, ErrorCode]] = {
    "type": ErrorCode.TYPE_CONSTRAINT,
    "required": ErrorCode.OCCURRENCE_CONSTRAINT,
    "minItems": ErrorCode.OCCURRENCE_CONSTRAINT,
    "maxItems": ErrorCode.OCCURRENCE_CONSTRAINT,
    "additionalProperties": ErrorCode.FORMATION_VIOLATION,
}
_STEPS_PER_UNIT: Final = 10
_STEP_TOLERANCE: Final = 1e-6
_INTEGERS: Final = range(-(1 << 63), 1 << 63)
"""What a database and most other programs take for an integer; the schemas know no bound."""


class PayloadError(ValueError):
    """A payload that its schema forbids; ``code`` is the one to answer with."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class UnknownAction(PayloadError):
    """OCPP 1.6 has no such action."""

    def __init__(self, action: str) -> None:
        super().__init__(ErrorCode.NOT_IMPLEMENTED, f"OCPP 1.6 has no action {action[:50]!r}")


@cache
def actions() -> frozenset[str]:
    """Names of all actions of OCPP 1.6 and its security extension."""
    names = (entry.name.removesuffix(".json") for entry in _folder().iterdir() if entry.name.endswith(".json"))
    return frozenset(name for name in names if not name.endswith("Response"))


def check(action: str, payload: Mapping[str, Any], *, answer: bool = False) -> None:
    """Check a request's payload, or that of its ``answer``. Raises PayloadError, UnknownAction for an unknown action."""
    if action not in actions():
        raise UnknownAction(action)
    validate, tenths = _validator(f"{action}Response" if answer else action)
    try:
        validate(payload)
    except fastjsonschema.JsonSchemaValueException as error:
        code = _RULE_CODES.get(error.rule or "", ErrorCode.PROPERTY_CONSTRAINT)
        raise PayloadError(code, error.message.removeprefix("data.")[:200]) from None
    for path in tenths:
        _check_tenths(payload, path)
    _check_storable(payload)


def _check_storable(value: Any, name: str = "") -> None:
    """Refuse what is valid JSON but can be neither stored nor sent again: half a character, an integer beyond 64 bits."""
    if isinstance(value, dict):
        for key, each in value.items():
            _check_storable(each, key)
    elif isinstance(value, list):
        for each in value:
            _check_storable(each, name)
    elif isinstance(value, str) and not storable(value):
        raise PayloadError(ErrorCode.PROPERTY_CONSTRAINT, f"{name} holds half a character (a lone surrogate)")
    elif isinstance(value, int) and value not in _INTEGERS:
        raise PayloadError(ErrorCode.PROPERTY_CONSTRAINT, f"{name} must be an integer of at most 64 bits")


def _folder() -> Any:
    # Asked of the package itself: its part for 1.6 would be loaded to be asked, with all its classes.
    return resources.files("ocpp") / "v16" / "schemas"


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON schema of a request (its action) or an answer (action with ``Response``)."""
    schema: dict[str, Any] = json.loads((_folder() / f"{name}.json").read_text(encoding="utf-8-sig"))
    return schema


@cache
def _validator(name: str) -> tuple[Callable[[Any], Any], tuple[tuple[str, ...], ...]]:
    """Return the compiled schema, and the paths of numbers that are multiples of 0.1."""
    schema = schema_of(name)
    tenths: list[tuple[str, ...]] = []
    _take_tenths(schema, (), tenths)
    return fastjsonschema.compile(schema, formats={"date-time": _is_date_time}), tuple(tenths)


def _is_date_time(text: str) -> bool:
    """Whether ``text`` is a date and time; one without a zone is taken too, because central systems send it."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _take_tenths(schema: Any, path: tuple[str, ...], found: list[tuple[str, ...]]) -> None:
    """Take `multipleOf` 0.1 out of the schema: in binary fractions 21.4 is no multiple of 0.1, so it is checked with a tolerance."""
    if not isinstance(schema, dict):
        return
    if schema.pop("multipleOf", None) is not None:
        found.append(path)
    for name, inner in schema.get("properties", {}).items():
        _take_tenths(inner, (*path, name), found)
    _take_tenths(schema.get("items"), (*path, "*"), found)


def _check_tenths(value: Any, path: tuple[str, ...], name: str = "") -> None:
    if not path:
        steps = value * _STEPS_PER_UNIT
        if not math.isfinite(steps) or abs(steps - round(steps)) > _STEP_TOLERANCE:
            raise PayloadError(ErrorCode.PROPERTY_CONSTRAINT, f"{name} must have at most one decimal place")
    elif path[0] == "*":
        for each in value:
            _check_tenths(each, path[1:], name)
    elif path[0] in value:
        _check_tenths(value[path[0]], path[1:], path[0])
