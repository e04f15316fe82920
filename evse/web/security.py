"""The gate in front of every route: who may speak to us, how much, in what form; and the headers of every answer.

- **Host**: an address, ``localhost`` or the station's own name. A foreign name that was made to resolve to us (DNS
  rebinding) is refused, for reading too.
- **State change** (every method but GET, HEAD): the request header ``X-EVSE-Request: 1``, which a foreign page cannot
  send without asking first and nobody here says yes; and when the browser tells where the request comes from
  (``Origin``, ``Sec-Fetch-Site``) it must be our own page.
- **Size and time**: a body of at most 16 KiB within 10 s; JSON without NaN, duplicate keys or deep nesting. The paths of
  ``UPLOADS`` take another kind or size instead; those of ``STREAMS`` are not read here at all, but piece by
  piece by their route, after it has seen who is asking.
- **HEAD** is a ``GET`` whose body stays here (RFC 9110, 9.3.2).
- **Headers**: strict content-security policy without inline script or style, no framing, no type guessing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evse.services.firmware.package import PACKAGE_LIMIT
from evse.services.settings.cfg_file import FILE_LIMIT as CFG_LIMIT
from evse.web.errors import error_response
from evse.web.headers import HEADERS

MAX_BODY_BYTES = 16 * 1024
MAX_JSON_DEPTH = 16
BODY_TIMEOUT_S = 10.0
MAX_TARGET_BYTES = 2048
REQUEST_HEADER = "x-evse-request"
_EVERY_BADGE = ("application/json", 64 * 1024)
"""As many badges as a list holds, in any spelling."""
_CFG = ("application/json", 2 * CFG_LIMIT + 1024)
"""A whole file as a text of JSON, which doubles some of its characters."""
UPLOADS: dict[str, tuple[str, int]] = {
    "/api/badges/import": ("text/csv", 512 * 1024),
    "/api/badges/change": _EVERY_BADGE,
    "/api/badges/remove": _EVERY_BADGE,
    "/api/settings/import": _CFG,
    "/api/settings/import/preview": _CFG,
}
"""Paths whose body may be larger: its content type, and how many bytes it may have."""
SLAVE_PACKAGE = "/api/neighbour/package"
"""Where a slave takes a package from its master, without a login."""
STREAMS: dict[str, tuple[str, int]] = {
    "/api/firmware/package": ("application/zip", PACKAGE_LIMIT),
    SLAVE_PACKAGE: ("application/zip", PACKAGE_LIMIT),
}
"""Paths whose body is too large for the memory: as ``UPLOADS``."""
PIECE_TIMEOUT_S = 30.0
"""Longest wait for the next piece of such a body."""
_FOREIGN = {403: "a change without the header of our pages, or from another page", 421: "by a name that is not ours"}
"""Answers to requests that no page of ours makes."""

_SAFE_METHODS = ("GET", "HEAD")
ENDLESS = ("/api/stream", "/api/wires")
"""Answers without an end: a ``HEAD`` would take one of their places. Elsewhere it is a ``GET`` without the body."""


class BadJson(ValueError):
    """The body is not JSON we take; the text says why."""


def parse_json(body: bytes) -> Any:
    """Strict JSON: UTF-8, no NaN or Infinity, no duplicate keys, at most :data:`MAX_JSON_DEPTH` levels."""
    depth = deepest = 0
    in_text = escaped = False
    for byte in body:
        if in_text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    if deepest > MAX_JSON_DEPTH:
        raise BadJson(f"nested deeper than {MAX_JSON_DEPTH} levels")
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except BadJson:
        raise
    except (ValueError, RecursionError) as error:
        raise BadJson(str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise BadJson("the same key twice in one object")
    return value


def _no_constant(name: str) -> Any:
    raise BadJson(f"{name} is not a JSON number")


def host_is_ours(host: str, names: tuple[str, ...]) -> bool:
    """Whether a ``Host`` header names us: an IP address, or one of ``names`` (whatever the port)."""
    name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    if port and not (port.isascii() and port.isdigit()):
        return False  # what stands there would become part of an address that we lead a browser to
    if name in names:
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class Gate:
    """ASGI middleware with the rules of this module.

    ``refused`` is told of requests that no page of ours makes: whence, which path, and why. ``stranger``: whether a request will be
    refused for want of a login; its body is not read.
    """

    def __init__(
        self,
        app: ASGIApp,
        host_names: Callable[[], tuple[str, ...]],
        body_timeout_s: float = BODY_TIMEOUT_S,
        refused: Callable[[str, str, str], None] = lambda _source, _path, _why: None,
        stranger: Callable[[Scope], bool] = lambda _scope: False,
    ) -> None:
        self._app = app
        self._stranger = stranger
        self._host_names = host_names
        self._body_timeout_s = body_timeout_s
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the body already read and checked."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _with_headers(scope, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            self._tell(scope, refusal)
            await refusal(scope, receive, guarded)
            return
        if scope["method"] == "HEAD" and scope["path"] not in ENDLESS:
            scope, guarded = {**scope, "method": "GET"}, _without_body(guarded)
        if scope["method"] in _SAFE_METHODS or self._stranger(scope):
            await self._app(scope, receive, guarded)
            return
        if scope["path"] in STREAMS:
            refused = _wrong_file(headers, *STREAMS[scope["path"]])
            await (refused(scope, receive, guarded) if refused else self._app(scope, _patient(receive), guarded))
            return
        body = await self._body(scope, receive, headers)
        if isinstance(body, Response):
            await body(scope, receive, guarded)
            return
        await self._app(scope, _replay(body, receive), guarded)

    def _tell(self, scope: Scope, refusal: Response) -> None:
        if refusal.status_code in _FOREIGN:
            source = str(scope["client"][0]) if scope.get("client") else ""
            self._refused(source, str(scope["path"]), _FOREIGN[refusal.status_code])

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        host = headers.get("host", "")
        names = self._host_names()
        if not host_is_ours(host, names):
            return error_response(421, "this name is not one of ours", "header Host", list(names))
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
            return error_response(414, "the address is too long", "address", f"at most {MAX_TARGET_BYTES} bytes")
        if scope["method"] in _SAFE_METHODS:
            return None
        if headers.get(REQUEST_HEADER) != "1":
            return error_response(
                403,
                "a change needs the request header X-EVSE-Request",
                "header X-EVSE-Request",
                "1",
                "see docs/rest.md",
            )
        origin, ours = headers.get("origin"), f"{scope['scheme']}://{host}"
        if origin is not None and origin != ours:
            return error_response(403, "another page may not change the station", "header Origin", ours)
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return error_response(
                403, "another page may not change the station", "header Sec-Fetch-Site", "same-origin"
            )
        return None

    async def _body(self, scope: Scope, receive: Receive, headers: dict[str, str]) -> bytes | Response:
        kind, limit = UPLOADS.get(scope["path"], ("application/json", MAX_BODY_BYTES))
        too_large = _too_large(limit)
        if _length(headers) > limit:
            return too_large
        try:
            body = await asyncio.wait_for(_read(receive, limit), self._body_timeout_s)
        except TimeoutError:
            return error_response(408, "the body did not arrive", "body", f"within {self._body_timeout_s:g} s")
        if body is None:
            return too_large
        if not body:
            return body
        if _kind(headers) != kind:
            return _wrong_kind(kind)
        if kind != "application/json":
            return body
        try:
            parse_json(body)
        except BadJson as error:
            return error_response(400, f"not JSON: {error}", "body", None, "strict JSON, UTF-8, no duplicate keys")
        return body


def _too_large(limit: int) -> Response:
    return error_response(413, "the body is too large", "body", f"at most {limit} bytes")


def _wrong_kind(kind: str) -> Response:
    return error_response(415, f"only {kind} is understood here", "header Content-Type", kind)


def _length(headers: dict[str, str]) -> float:
    """The declared length of the body; infinite for one that is no number."""
    length = headers.get("content-length", "0")
    return int(length) if length.isdigit() else math.inf


def _kind(headers: dict[str, str]) -> str:
    return headers.get("content-type", "").split(";")[0].strip().lower()


def _wrong_file(headers: dict[str, str], kind: str, limit: int) -> Response | None:
    if _length(headers) > limit:
        return _too_large(limit)
    return None if _kind(headers) == kind else _wrong_kind(kind)


def _patient(receive: Receive) -> Receive:
    """Waits for each piece only so long; then it is as if the client had gone."""

    async def next_piece() -> Message:
        try:
            return await asyncio.wait_for(receive(), PIECE_TIMEOUT_S)
        except TimeoutError:
            return {"type": "http.disconnect"}

    return next_piece


def _without_body(send: Send) -> Send:
    async def passed(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return passed


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body; ``None`` when it is larger than allowed."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(scope: Scope, send: Send) -> Send:
    # Static files are checked again by their tag at each use; everything else shows a living station.
    cache = b"no-cache" if scope["path"].startswith("/static/") else b"no-store"

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS, (b"cache-control", cache)]
        await send(message)

    return guarded
