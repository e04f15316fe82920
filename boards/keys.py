"""How a key of the profile schema is declared: default, range, unit, source, and the core's value it becomes.

``key`` puts everything on the one field declaration, so that the checker, the error messages, the conversion to the
core's units and the reference in ``profiles/README.md`` cannot disagree.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from evse.records import dataclass

GUIDE = "EVlink guide DOCA0060"
IEC = "IEC 61851-1"
THOR = "THØR manual 120501"
OURS = "ours"


class Strict(BaseModel):
    """Base of every part of the schema: unknown keys are faults, no value is converted from another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What is known of a key beyond its type.

    ``core``: name of the field in ``evse.core.config`` it sets, with ``scale`` core units for one unit of the key.
    ``driven``: whether this version acts on it.
    """

    unit: str
    source: str
    core: str
    scale: int
    driven: bool


def key(
    default: Any,
    text: str,
    *,
    unit: str = "",
    source: str = OURS,
    core: str = "",
    scale: int = 1,
    driven: bool = True,
    **limits: Any,
) -> Any:
    """Declare a key. ``limits`` are pydantic's (``ge``, ``le``, ``min_length``, ``pattern``, ...)."""
    extra = {"unit": unit, "source": source, "core": core, "scale": scale, "driven": driven}
    return Field(default=default, description=text, json_schema_extra=cast(Any, extra), **limits)


def info_of(field: FieldInfo) -> KeyInfo:
    """What ``key`` recorded on a field."""
    extra = field.json_schema_extra
    if not isinstance(extra, dict):
        raise TypeError("a field of the schema was declared without key()")
    return KeyInfo(**cast(dict[str, Any], extra))


def core_values(part: Strict) -> dict[str, Any]:
    """The core's fields that a part of the schema sets, in the core's units, rounded to whole units."""
    values: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        info = info_of(field)
        if info.core:
            value = getattr(part, name)
            values[info.core] = value if isinstance(value, bool) else round(value * info.scale)
    return values
