"""REST: the simulated world's verbs. Only mounted in simulation.

The table of verbs is the single source: it checks the parameters, describes each verb in OpenAPI and makes the page's
forms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel

from evse.web.errors import Refusal, responses
from evse.web.routes_station import settled
from evse.web.world_port import BadVerb, ParamValue, VerbParam, VerbView, WorldPort

VERB_PATH = "/api/world/verbs/{name}"
VERB_TIMEOUT_S = 10.0
MAX_TEXT = 200
"""Longest text parameter where the table gives no length."""
_JSON_TYPES = {"int": "integer", "number": "number", "bool": "boolean", "text": "string", "choice": "string"}


class WorldOutcome(BaseModel):
    """What became of a verb: here always `done`; a refusal has the error body and status 409."""

    outcome: str
    reason: str
    verb: str
    params: dict[str, Any]
    """The parameters as given, without secrets; those left out took their defaults."""


def check_params(verb: VerbView, given: Mapping[str, Any]) -> dict[str, ParamValue]:
    """The parameters as given, checked. Raises :class:`Refusal` 422 at the first that is wrong or missing.

    Defaults are left to the world: for some verbs a parameter left out means "as it was".
    """
    known = {param.name: param for param in verb.params}
    for name in given:
        if name not in known:
            raise Refusal(422, f"{verb.name} has no parameter {name[:40]!r}", "body", sorted(known))
    values: dict[str, ParamValue] = {}
    for param in verb.params:
        value = given.get(param.name)
        if value is not None:
            values[param.name] = _checked(param, value)
        elif param.default is None:
            raise Refusal(422, f"{param.name} is missing", f"body.{param.name}", allowed_text(param), param.help)
    return values


def allowed_text(param: VerbParam) -> Sequence[str] | str:
    """What a parameter accepts, for people."""
    if param.type == "choice":
        return param.choices
    if param.type == "bool":
        return ["true", "false"]
    if param.type == "text":
        return f"text of {int(param.minimum or 0)} to {int(param.maximum or MAX_TEXT)} characters"
    kind = "whole number" if param.type == "int" else "number"
    low = "" if param.minimum is None else f" from {param.minimum:g}"
    high = "" if param.maximum is None else f" to {param.maximum:g}"
    return f"{kind}{low}{high}{' ' + param.unit if param.unit else ''}"


def _checked(param: VerbParam, value: Any) -> ParamValue:
    def wrong(text: str) -> Refusal:
        return Refusal(422, f"{param.name}: {text}", f"body.{param.name}", allowed_text(param), param.help)

    if param.type == "bool":
        if not isinstance(value, bool):
            raise wrong("not true or false")
        return value
    # A number may come as a text with its unit ("20 A", "200 ms"): what it means is for the world to judge.
    if isinstance(value, str):
        return _checked_text(param, value, wrong)
    if param.type in ("text", "choice"):
        raise wrong("not a text")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise wrong("not a number")
    if param.type == "int" and value != int(value):
        raise wrong("not a whole number")
    if (param.minimum is not None and value < param.minimum) or (param.maximum is not None and value > param.maximum):
        raise wrong("out of range")
    return int(value) if param.type == "int" else float(value)


def _checked_text(param: VerbParam, value: str, wrong: Callable[[str], Refusal]) -> str:
    if param.type == "choice" and value not in param.choices:
        raise wrong("not one of the choices")
    if param.type == "text" and not (param.minimum or 0) <= len(value) <= (param.maximum or MAX_TEXT):
        raise wrong(f"a text of {len(value)} characters")
    if len(value) > MAX_TEXT:
        raise wrong("too long")
    return value


def world_router(world: WorldPort) -> APIRouter:
    """The routes of the simulated world."""
    router = APIRouter(prefix="/api/world", tags=["world"])
    verbs = {verb.name: verb for verb in world.verbs()}

    @router.get("/verbs", summary="Everything that can be done to the simulated world")
    async def table() -> list[VerbView]:
        return list(verbs.values())

    @router.post(
        "/verbs/{name}",
        summary="Do something to the simulated world",
        responses=responses(400, 403, 404, 409, 413, 415, 422, 503, 504),
    )
    async def apply(
        name: Annotated[str, Path(max_length=64)], params: Annotated[dict[str, Any] | None, Body()] = None
    ) -> WorldOutcome:
        verb = verbs.get(name)
        if verb is None:
            raise Refusal(404, f"there is no verb {name!r}", "path.name", sorted(verbs))
        values = check_params(verb, params or {})
        try:
            outcome = await settled(world.apply(name, values), VERB_TIMEOUT_S)
        except BadVerb as error:
            where = f"body.{error.param}" if error.param else "body"
            raise Refusal(422, error.reason, where, error.allowed or None) from None
        shown = {each.name: values[each.name] for each in verb.params if each.name in values and not each.secret}
        return WorldOutcome(outcome=outcome.outcome, reason=outcome.reason, verb=name, params=shown)

    return router


def describe_verbs(schema: dict[str, Any], verbs: Sequence[VerbView]) -> None:
    """Put one OpenAPI path per verb, with its parameters, in place of the general one."""
    general = schema["paths"].pop(VERB_PATH)["post"]
    for verb in verbs:
        entry = {key: value for key, value in general.items() if key != "parameters"}
        entry.update(
            summary=verb.help,
            operationId=f"world_{verb.name}",
            tags=[f"world: {verb.group}"],
            requestBody={"content": {"application/json": {"schema": _verb_schema(verb)}}},
        )
        schema["paths"][VERB_PATH.replace("{name}", verb.name)] = {"post": entry}


def _verb_schema(verb: VerbView) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {param.name: _param_schema(param) for param in verb.params},
        "required": [param.name for param in verb.params if param.default is None],
    }


def _param_schema(param: VerbParam) -> dict[str, Any]:
    text = param.help + (f" ({param.unit})" if param.unit else "")
    schema: dict[str, Any] = {"type": _JSON_TYPES[param.type]}
    if text.strip():
        schema["description"] = text.strip()
    if param.default is not None:
        schema["default"] = param.default
    if param.type == "choice":
        schema["enum"] = list(param.choices)
    elif param.type == "text":
        schema.update(minLength=int(param.minimum or 0), maxLength=int(param.maximum or MAX_TEXT))
    else:
        schema.update(
            {
                key: value
                for key, value in (("minimum", param.minimum), ("maximum", param.maximum))
                if value is not None and param.type != "bool"
            }
        )
    return schema
