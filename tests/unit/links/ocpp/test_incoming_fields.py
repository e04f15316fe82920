"""Each field of each request that the station serves, broken in each way that its schema forbids: which error code is answered.

The cases are made from the schemas, so a field that a schema gets is here without another word.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from evse.links.ocpp.frame import Call, CallError, ErrorCode, encode, parse
from evse.links.ocpp.handlers import HANDLERS
from evse.links.ocpp.schemas import schema_of
from tests.fakes.ocpp_bench import Bench, connected

pytestmark = pytest.mark.req("OCP-01")
Path = tuple[str | int, ...]
_FORMATS = {"date-time": "2026-01-01T00:00:00Z", "uri": "ftp://server.example/folder"}


def resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference leads to."""
    found: dict[str, Any] = definitions[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return found


def example(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """A value that the schema allows, with every field it has."""
    schema = resolved(schema, definitions)
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: example(each, definitions) for name, each in schema.get("properties", {}).items()}
        case "array":
            return [example(schema["items"], definitions)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    return _FORMATS.get(schema.get("format", ""), "x")


def broken(
    schema: dict[str, Any], definitions: dict[str, Any], path: Path = ()
) -> Iterator[tuple[str, Path, Any, ErrorCode]]:
    """What is done to the value at a path, and the code that has to follow. ``None`` for a value: the field is left out."""
    schema = resolved(schema, definitions)
    kind = schema["type"]
    wrong: Any = "text" if kind in ("integer", "number", "object", "array", "boolean") else 7
    yield "type", path, wrong, ErrorCode.TYPE_CONSTRAINT
    if "enum" in schema:
        yield "enum", path, "Nonsense", ErrorCode.PROPERTY_CONSTRAINT
    if "maxLength" in schema:
        yield "length", path, "x" * (schema["maxLength"] + 1), ErrorCode.PROPERTY_CONSTRAINT
    if schema.get("format") == "date-time":
        yield "format", path, "tomorrow", ErrorCode.PROPERTY_CONSTRAINT
    if kind == "object":
        for name in schema.get("required", ()):
            yield "missing", (*path, name), None, ErrorCode.OCCURRENCE_CONSTRAINT
        if schema.get("additionalProperties") is False:
            yield "extra", (*path, "surprise"), 1, ErrorCode.FORMATION_VIOLATION
        for name, each in schema.get("properties", {}).items():
            yield from broken(each, definitions, (*path, name))
    elif kind == "array":
        yield from broken(schema["items"], definitions, (*path, 0))


def changed(payload: Any, path: Path, value: Any) -> Any:
    """The payload with the value at the path, or without it for ``None``."""
    if not path:
        return value
    made = copy.deepcopy(payload)
    place = made
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


def cases() -> Iterator[Any]:
    for action in sorted(HANDLERS):
        schema = schema_of(action)
        definitions = schema.get("definitions", {})
        whole = example(schema, definitions)
        for what, path, value, code in broken(schema, definitions):
            if path:
                name = f"{action}-{'.'.join(str(step) for step in path)}-{what}"
                yield pytest.param(action, changed(whole, path, value), code, id=name)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return connected()


@pytest.mark.parametrize(("action", "payload", "code"), list(cases()))
def test_each_field_that_is_wrong_has_its_error_code_and_no_effect(
    bench: Bench, action: str, payload: dict[str, Any], code: ErrorCode
) -> None:
    bench.now_us += 100_000
    posted = len(bench.posted)
    bench.point.received(bench.now_us, encode(Call("wrong", action, payload)))
    (text,) = bench.point.step(bench.now_us).texts
    answer = parse(text)
    assert isinstance(answer, CallError)
    assert answer.code == code
    assert answer.unique_id == "wrong"
    assert len(bench.posted) == posted


def test_every_request_that_is_served_is_tried_and_every_way_to_be_wrong() -> None:
    made = [case.id for case in cases()]
    assert {each.split("-")[0] for each in made} == {name for name in HANDLERS if schema_of(name).get("properties")} | {
        name for name in HANDLERS if schema_of(name).get("additionalProperties") is False
    }
    assert {each.rsplit("-", 1)[1] for each in made} == {"type", "enum", "length", "format", "missing", "extra"}
