"""Turns the schema's findings into sentences: what is wrong, what is allowed, what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from boards.keys import Strict, info_of
from boards.merge import Places
from boards.problems import Problem
from boards.schema import StationProfile
from boards.yaml_source import Key, key_text

MOST_PLACES: Final = 2
"""A key that the schema has in more places tells nothing about where it was meant."""
MOST_KEYS: Final = 8


def explain(error: ErrorDetails, places: Places, root: type[Strict] = StationProfile) -> Problem:
    """One finding of the schema ``root`` as a problem at its place."""
    path: Key = error["loc"]
    if error["type"] == "extra_forbidden":
        return _unknown_key(path, places, root)
    if error["type"] == "missing":
        place = places.of_value(path[:-1])
        allowed = describe_field(field_at(path, root)[1])
        # The place is the mapping's; the key is the one that has to be written into it.
        here = (*place.key, path[-1])
        return Problem(place.file, place.line, place.column, key_text(here), "this key is required", allowed)
    place = places.of_value(path)
    field = field_at(path, root)[1]
    what, hint = _what(error, field)
    allowed = describe_entry(field) if isinstance(path[-1], int) else describe_field(field)
    return Problem(place.file, place.line, place.column, key_text(place.key), what, allowed, hint)


def field_at(path: Key, root: type[Strict] = StationProfile) -> tuple[type[Strict] | None, FieldInfo | None]:
    """The model that holds ``path`` and the field it names (``None`` where the schema has none)."""
    model: type[Strict] | None = root
    holder: type[Strict] | None = None
    field: FieldInfo | None = None
    for part in path:
        if isinstance(part, int):
            continue
        holder = model
        field = fields_of(holder).get(part) if holder is not None else None
        model = model_of(field.annotation) if field is not None else None
    return holder, field


def fields_of(model: type[Strict]) -> dict[str, FieldInfo]:
    """Fields by the names that stand in YAML."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def model_of(annotation: Any) -> type[Strict] | None:
    """The part of the schema inside an annotation (``X``, ``X | None``, ``list[X]``)."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation
    for inner in get_args(annotation):
        found = model_of(inner)
        if found is not None:
            return found
    return None


def limits_of(field: FieldInfo) -> tuple[float | None, float | None]:
    """Least and greatest value."""
    low = high = None
    for item in field.metadata:
        low = getattr(item, "ge", low)
        high = getattr(item, "le", high)
    return low, high


def describe_field(field: FieldInfo | None) -> str:
    """The values a field takes, with range and unit; empty where nothing short can be said."""
    if field is None:
        return ""
    return _describe(field.annotation, field)


def describe_entry(field: FieldInfo | None) -> str:
    """The values that an entry of a list takes."""
    inner = get_args(field.annotation) if field is not None else ()
    return _describe(inner[0], field) if field is not None and inner else describe_field(field)


def _describe(annotation: Any, field: FieldInfo) -> str:
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        parts = [_describe(inner, field) for inner in get_args(annotation) if inner is not NoneType]
        return " or ".join([*(part for part in parts if part), "null"])
    if origin is Literal:
        return ", ".join(str(value) for value in get_args(annotation))
    if annotation is bool:
        return "true, false"
    if annotation in (int, float):
        return _number(annotation, field)
    if annotation is str:
        return "text"
    return f"a list of: {_describe(get_args(annotation)[0], field)}" if origin is list else "a mapping of keys"


def _number(annotation: Any, field: FieldInfo) -> str:
    low, high = limits_of(field)
    unit = info_of(field).unit
    kind = "a whole number" if annotation is int else "a number"
    span = f" from {low:g} to {high:g}" if low is not None and high is not None else ""
    return f"{kind}{span}{' ' + unit if unit else ''}"


def _unknown_key(path: Key, places: Places, root: type[Strict]) -> Problem:
    place = places.of_key(path)
    holder = field_at(path, root)[0]
    name, known = str(path[-1]), sorted(fields_of(holder)) if holder is not None else []
    if len(path) == 1 and root is StationProfile:
        known = sorted([*known, "outlet_defaults"])
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}?" if close else _elsewhere(path, root)
    if close and name.rpartition("_")[0] == close[0].rpartition("_")[0] != "":
        hint += " The unit is part of the key's name"
    return Problem(
        place.file, place.line, place.column, key_text(place.key), "unknown key", ", ".join(known), hint
    )  # fmt: skip


def _elsewhere(path: Key, root: type[Strict]) -> str:
    """Where the schema has a key that stands in a wrong place; empty when it has none, or too many."""
    # ``in_1: {normally_open: ...}`` is meant for the setting ``in_1_normally_open``.
    for wanted in (f"{path[-2] if len(path) > 1 else ''}_{path[-1]}", str(path[-1])):
        places = list(_places_of(wanted, root, ""))
        if 0 < len(places) <= MOST_PLACES:
            return f"this key is {' or '.join(places)}"
    return ""


def _places_of(wanted: str, model: type[Strict], prefix: str) -> Iterator[str]:
    """Paths of the keys of this name, a list's entry written ``[]``."""
    for name, field in fields_of(model).items():
        if name == wanted:
            yield f"{prefix}{name}"
        inner = model_of(field.annotation)
        if inner is not None:
            many = get_origin(field.annotation) is list
            yield from _places_of(wanted, inner, f"{prefix}{name}{'[]' if many else ''}.")


def _what(error: ErrorDetails, field: FieldInfo | None) -> tuple[str, str]:
    """What is wrong, and a hint."""
    given, kind = error["input"], error["type"]
    shown = _shown(given)
    if kind in ("greater_than_equal", "less_than_equal", "literal_error"):
        return f"{shown} is not allowed", _close_hint(given, field)
    if kind.endswith("_type") or kind in ("int_from_float", "float_parsing", "int_parsing"):
        return f"{shown} is of the wrong type", _type_hint(given, field)
    if kind in ("too_short", "too_long"):
        limit = error.get("ctx", {}).get("min_length" if kind == "too_short" else "max_length")
        return f"has too {'few' if kind == 'too_short' else 'many'} entries, the limit is {limit}", ""
    if kind == "string_pattern_mismatch":
        return f"{shown} is not allowed", "lower-case letters, digits and hyphens"
    return f"{shown}: {error['msg']}", ""


def _close_hint(given: Any, field: FieldInfo | None) -> str:
    if field is None or not isinstance(given, str):
        return ""
    words = {str(value).lower(): str(value) for value in _literals(field.annotation)}
    close = difflib.get_close_matches(given.lower(), sorted(words), n=1, cutoff=0.6)
    return f"did you mean {words[close[0]]!r}?" if close else ""


def _literals(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for inner in get_args(annotation) for value in _literals(inner)]


def _type_hint(given: Any, field: FieldInfo | None) -> str:
    if field is None:
        return ""
    model = model_of(field.annotation)
    if model is not None and not isinstance(given, (dict, list)):
        return _mapping_hint(model)
    if field.annotation is str and isinstance(given, (int, float)):
        return "write it between quotation marks"
    if not isinstance(given, str):
        return ""
    if given.lower() in ("on", "off", "yes", "no") and "true" in describe_field(field):
        return f"write {'true' if given.lower() in ('on', 'yes') else 'false'}"
    unit = info_of(field).unit
    if unit and given[:1].isdigit():
        bare = ", without quotation marks" if given.replace(".", "").isdigit() else ""
        return f"write the bare number{bare}; the key is in {unit}"
    return ""


def _mapping_hint(model: type[Strict]) -> str:
    """What to write for a group of keys."""
    fields = fields_of(model)
    needed = ", ".join(f"{name}: …" for name, field in fields.items() if field.is_required())
    keys = f"; keys: {', '.join(fields)}" if len(fields) <= MOST_KEYS else ""
    return (f"write {{{needed}}}" if needed else "write {} for its defaults") + keys


def _shown(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    if given is None:
        return "null"
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    text = repr(given) if isinstance(given, str) else str(given)
    return text if len(text) <= 60 else text[:57] + "..."
