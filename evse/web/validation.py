"""What is wrong with a request's body, path or query, in words: what the place accepts comes from its declaration."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from evse.records import dataclass

_WORDS: Final[Mapping[str, str]] = {
    "missing": "must be given",
    "extra_forbidden": "there is no such key here",
    "greater_than_equal": "out of range",
    "greater_than": "out of range",
    "less_than_equal": "out of range",
    "less_than": "out of range",
    "literal_error": "not one of the choices",
    "enum": "not one of the choices",
    "string_pattern_mismatch": "not of the right form",
    "int_type": "not a whole number",
    "int_parsing": "not a whole number",
    "int_from_float": "not a whole number",
    "float_type": "not a number",
    "float_parsing": "not a number",
    "bool_type": "not true or false",
    "bool_parsing": "not true or false",
    "string_type": "not a text",
    "list_type": "not a list",
    "dict_type": "not an object",
    "model_attributes_type": "not an object",
    "model_type": "not an object",
}
"""Kind of a finding to words; of any other kind the framework's own are told."""
NEAR_ADDRESSES: Final = 3


@dataclass(frozen=True, slots=True)
class Wrong:
    """The first thing that is wrong. ``allowed`` ``None``: nothing short can be said."""

    error: str
    where: str
    allowed: list[str] | str | None
    hint: str


def explain(errors: Sequence[Mapping[str, Any]], route: object) -> Wrong:
    """The first of the framework's findings about a request to ``route``, and how many more there are."""
    first = errors[0]
    loc = tuple(first["loc"])
    field = _field(loc, route)
    kind = str(first["type"])
    words = _WORDS.get(kind) or _length(kind, first) or str(first["msg"]).removeprefix("Value error, ")
    if kind == "missing" and loc == ("body",):
        words = "a JSON body must be given"
    name = f"{loc[-1]}: " if len(loc) > 1 and isinstance(loc[-1], str) else ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    allowed: list[str] | str | None = accepted(field)
    if kind == "extra_forbidden" or loc == ("body",):
        allowed = _keys(loc, route)
    hint = (field.description or "") if field is not None and kind != "extra_forbidden" else _close(loc, allowed)
    return Wrong(f"{name}{words}{more}", ".".join(map(str, loc)), allowed, hint or "see /openapi.json")


def accepted(field: FieldInfo | None) -> list[str] | str | None:
    """What a field takes: its choices, its range, the length of its text."""
    if field is None:
        return None
    kind, limits = _plain(field.annotation), _limits(field)
    if get_origin(kind) is Literal:
        return [str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in get_args(kind)]
    if kind is bool:
        return ["true", "false"]
    if kind in (int, float):
        low, high = limits.get("ge"), limits.get("le")
        span = (f" from {low:.15g}" if low is not None else "") + (f" to {high:.15g}" if high is not None else "")
        return ("whole number" if kind is int else "number") + span
    if kind is str:
        if "max_length" in limits:
            return f"text of {limits.get('min_length', 0)} to {limits['max_length']} characters"
        return f"text of the form {limits['pattern']}" if "pattern" in limits else "text"
    return None


def _plain(annotation: Any) -> Any:
    """``int`` of ``int | None``."""
    if get_origin(annotation) in (Union, UnionType):
        rest = [inner for inner in get_args(annotation) if inner is not NoneType]
        return rest[0] if len(rest) == 1 else annotation
    return annotation


def _limits(field: FieldInfo) -> dict[str, Any]:
    names = ("ge", "le", "min_length", "max_length", "pattern")
    return {
        name: value for item in field.metadata for name in names if (value := getattr(item, name, None)) is not None
    }


def _field(loc: tuple[str | int, ...], route: object) -> FieldInfo | None:
    if not isinstance(route, APIRoute) or len(loc) < 2:
        return None
    if loc[0] in ("path", "query"):
        params = (*route.dependant.path_params, *route.dependant.query_params)
        return next((each.field_info for each in params if loc[1] in (each.name, each.alias)), None)
    model = _body(route)
    return model.model_fields.get(str(loc[1])) if model is not None and len(loc) == 2 else None


def _body(route: APIRoute) -> type[BaseModel] | None:
    kind = _plain(route.body_field.field_info.annotation) if route.body_field is not None else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _keys(loc: tuple[str | int, ...], route: object) -> list[str] | str | None:
    model = _body(route) if isinstance(route, APIRoute) and len(loc) <= 2 and loc[0] == "body" else None
    return None if model is None else sorted(model.model_fields)


def _close(loc: tuple[str | int, ...], allowed: list[str] | str | None) -> str:
    if len(loc) < 2 or not isinstance(allowed, list):
        return ""
    close = difflib.get_close_matches(str(loc[-1]), allowed, n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _length(kind: str, finding: Mapping[str, Any]) -> str:
    if kind in ("string_too_short", "string_too_long"):
        return f"a text of {len(finding['input'])} characters"
    return ""


def _addresses(routes: Iterable[object]) -> Iterator[str]:
    for route in routes:
        if isinstance(path := getattr(route, "path", None), str):
            yield path
        # A router that was included stands in the list as a whole.
        yield from _addresses(getattr(getattr(route, "original_router", None), "routes", ()))


def near_addresses(wanted: str, routes: Iterable[object]) -> list[str]:
    """The addresses that look most like ``wanted``."""
    known = sorted(set(_addresses(routes)))
    return difflib.get_close_matches(wanted[:200], known, n=NEAR_ADDRESSES)
