"""Every refusal has the same body: what is wrong, where, what is allowed, and a hint. No stack trace ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from evse.web.headers import HEADERS
from evse.web.validation import explain, near_addresses

SHOWN_ADDRESS = 200
"""Of a request's address so many characters stand in an answer."""


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    error: str
    """What is wrong, for people."""
    where: str = ""
    """The place: ``body.uid``, ``path.number``, ``header Origin``."""
    allowed: list[str] | str | None = None
    """What would be accepted there."""
    hint: str = ""
    """What to do about it."""


class Refusal(Exception):
    """Raised by a route to answer with an error body."""

    def __init__(
        self,
        status: int,
        error: str,
        where: str = "",
        allowed: Sequence[str] | str | None = None,
        hint: str = "",
        *,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.body = ErrorBody(
            error=error, where=where, allowed=allowed if isinstance(allowed, str | None) else list(allowed), hint=hint
        )
        self.retry_after_s = retry_after_s


def error_response(
    status: int, error: str, where: str = "", allowed: list[str] | str | None = None, hint: str = ""
) -> Response:
    """An answer with an :class:`ErrorBody`."""
    body = ErrorBody(error=error, where=where, allowed=allowed, hint=hint)
    return JSONResponse(body.model_dump(), status_code=status)


def responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The error answers of a route, for its OpenAPI entry. ``install`` describes their body once for all routes.

    Named as a ``model``, it would be analysed anew for each of some 250 answers: a tenth of the start of services.
    """
    texts = {
        400: "The body is not JSON.",
        401: "Nobody is logged in, or name or password is wrong.",
        403: "The request comes from another page, or lacks the header `X-EVSE-Request: 1`; or the account may not do this.",
        404: "There is nothing of this number or name; `allowed` lists what there is.",
        408: "The body did not arrive whole, or not in time.",
        409: "Refused; the body says why.",
        413: "The body is too large.",
        415: "The body is not declared as `application/json`.",
        422: "A value is missing, unknown or out of range.",
        429: "Too many tries; `Retry-After` says when the next is looked at.",
        503: "Control is not connected, the journal cannot be read, or all places are taken. `Retry-After` says when to try again.",
        504: "The station did not take the command within its time to live; look at the station before trying again.",
    }
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}}}
    return {status: {"description": texts[status], "content": content} for status in statuses}


def install(app: FastAPI) -> None:
    """Give the application's own and the framework's errors the common body."""

    async def refused(_request: Request, error: Exception) -> Response:
        if not isinstance(error, Refusal):
            raise error
        response = JSONResponse(error.body.model_dump(), status_code=error.status)
        if error.retry_after_s is not None:
            response.headers["retry-after"] = str(error.retry_after_s)
        return response

    async def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        wrong = explain(error.errors(), request.scope.get("route"))
        return error_response(422, wrong.error, wrong.where, wrong.allowed, wrong.hint)

    async def http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        address = request.url.path[:SHOWN_ADDRESS]
        what, allowed = str(error.detail), None
        if error.status_code == 404:
            what, allowed = f"there is nothing at {address}", near_addresses(address, app.routes) or None
        elif error.status_code == 405:
            methods = next((value for name, value in (error.headers or {}).items() if name.lower() == "allow"), "")
            what, allowed = f"{address} does not know {request.method}", methods.split(", ")
        response = error_response(error.status_code, what, "address", allowed, "see /openapi.json")
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        return response

    async def unexpected(_request: Request, _error: Exception) -> Response:
        # This answer is made outside the gate, so the gate's headers are put on here.
        response = error_response(500, "the web service failed at this request", "", None, "the log says more")
        response.raw_headers.extend(HEADERS)
        return response

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)
    _describe_body(app)


def _describe_body(app: FastAPI) -> None:
    """Add the body that ``responses`` refer to to the application's description."""
    general = app.openapi

    def openapi() -> dict[str, Any]:
        schema = general()
        parts: dict[str, Any] = schema.setdefault("components", {}).setdefault("schemas", {})
        parts.setdefault(ErrorBody.__name__, ErrorBody.model_json_schema(mode="serialization"))
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
