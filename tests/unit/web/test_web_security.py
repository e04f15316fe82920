"""Who may speak to the station, how much, in what form; and what every answer carries."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.types import Message

from evse.web.headers import HEADERS
from evse.web.security import MAX_BODY_BYTES, BadJson, Gate, host_is_ours, parse_json
from tests.fakes.web_fake import VERBS

pytestmark = pytest.mark.anyio

COMMANDS = (
    *("start", "stop", "book", "suspend", "unavailable", "maintenance", "postpone", "limit", "phases", "clear-fault"),
)
CHANGES = [f"/api/outlets/1/commands/{name}" for name in COMMANDS]
CHANGES += ["/api/station/commands/limit", *(f"/api/world/verbs/{verb.name}" for verb in VERBS)]


def every_route(app: Any) -> list[tuple[str, str]]:
    return [(method, path) for path, methods in app.openapi()["paths"].items() for method in methods]


async def test_the_list_of_changes_is_complete(bench: Any) -> None:
    posts = {path.replace("{number}", "1") for method, path in every_route(bench.app) if method != "get"}
    assert posts == set(CHANGES)
    assert all(method in ("get", "post") for method, _path in every_route(bench.app))
    hidden = [route for route in bench.app.routes if isinstance(route, APIRoute) and not route.include_in_schema]
    assert all(route.methods == {"GET"} for route in hidden)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8080"},
        {"X-EVSE-Request": "0"},
        {"X-EVSE-Request": "1", "Origin": "http://evil.example"},
        {"X-EVSE-Request": "1", "Origin": "null"},
        {"X-EVSE-Request": "1", "Origin": "https://127.0.0.1:8080"},
        {"X-EVSE-Request": "1", "Origin": "http://127.0.0.1:8081"},
        {"X-EVSE-Request": "1", "Sec-Fetch-Site": "cross-site"},
        {"X-EVSE-Request": "1", "Sec-Fetch-Site": "same-site"},
        {"X-EVSE-Request": "1", "Sec-Fetch-Site": "none"},
    ],
)
async def test_a_foreign_page_can_change_nothing(bench: Any, headers: dict[str, str]) -> None:
    async with bench.client(**headers) as client:
        for path in CHANGES:
            response = await client.post(path, json={})
            assert response.status_code == 403, path
            assert response.json()["where"].startswith("header ")
    assert bench.station.commands == []
    assert bench.world.applied == []


async def test_a_form_of_a_foreign_page_is_refused_even_without_browser_headers(bench: Any) -> None:
    async with bench.client(X_EVSE_Request="1") as client:
        form = await client.post("/api/outlets/1/commands/stop", data={"reason": "x"})
        plain = await client.post("/api/outlets/1/commands/stop", content=b"{}", headers={"content-type": "text/plain"})
    assert form.status_code == plain.status_code == 415
    assert bench.station.commands == []


async def test_a_preflight_is_never_granted(bench: Any) -> None:
    async with bench.client(Origin="http://evil.example", Access_Control_Request_Method="POST") as client:
        response = await client.options("/api/outlets/1/commands/stop")
    assert response.status_code == 403
    assert not any(name.startswith("access-control") for name in response.headers)


async def test_a_program_without_a_browser_needs_only_the_header(bench: Any) -> None:
    async with bench.client(X_EVSE_Request="1") as client:
        assert (await client.post("/api/outlets/1/commands/stop")).status_code == 200
        assert (await client.post("/api/outlets/1/commands/stop", json={})).status_code == 200


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8080", True),
        ("127.0.0.1", True),
        ("[::1]:8080", True),
        ("[::1]", True),
        ("192.168.0.10:80", True),
        ("localhost:8080", True),
        ("localhost", True),
        ("evil.example", False),
        ("evil.example:8080", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("[::1].evil", False),
        ("127.0.0.1:8080@evil.example", False),
        ("localhost:8080.evil.example", False),
    ],
)
async def test_only_addresses_and_known_names_are_ours(bench: Any, host: str, ours: bool) -> None:
    assert host_is_ours(host, ("localhost",)) is ours
    async with bench.client() as client:
        response = await client.get("/api/station", headers={"host": host})
    assert response.status_code == (200 if ours else 421)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/station",
        "/api/nothing",
        "/static/station.js",
        "/static/nothing",
        "/api/outlets/x",
    ],
)
async def test_every_answer_has_the_strict_headers(bench: Any, path: str) -> None:
    async with bench.client() as client:
        response = await client.get(path)
    for name, value in HEADERS:
        assert response.headers.get_list(name.decode()) == [value.decode()]
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert response.headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")
    assert "server" not in response.headers


async def test_refusals_have_the_headers_too(bench: Any) -> None:
    async with bench.client() as client:
        response = await client.post("/api/outlets/1/commands/stop", json={})
        foreign = await client.get("/", headers={"host": "evil.example"})
    assert response.headers["x-frame-options"] == foreign.headers["x-frame-options"] == "DENY"


async def test_a_failure_inside_shows_no_stack_and_has_the_headers(bench: Any) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    bench.station.latest = broken
    async with bench.client() as client:
        response = await client.get("/api/station")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_nothing_outside_static_is_served(bench: Any) -> None:
    async with bench.client() as client:
        for path in (
            "/static/%2e%2e/app.py",
            "/static/..%2fapp.py",
            "/static//etc/passwd",
            "/static/",
            "/docs",
            "/redoc",
        ):
            assert (await client.get(path)).status_code in (404, 405), path


async def test_a_large_body_is_refused_declared_or_not(bench: Any) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 1024

    async with bench.page() as client:
        declared = await client.post(
            "/api/outlets/1/commands/stop",
            content=b" " * (MAX_BODY_BYTES + 1),
            headers={"content-type": "application/json"},
        )
        streamed = await client.post(
            "/api/outlets/1/commands/stop", content=chunks(), headers={"content-type": "application/json"}
        )
        long = await client.get("/api/events?" + "x" * 2100)
    assert declared.status_code == streamed.status_code == 413
    assert long.status_code == 414


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(*_args: Any) -> None:
        raise AssertionError("must not be reached")

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"x-evse-request", b"1")],
    }
    await Gate(app, tuple, body_timeout_s=0)(scope, never, send)
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b"[" * 17 + b"]" * 17,
        b"[" * 8000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe{}",
        b"{",
        b"{} {}",
        b"\xef\xbb\xbf{}",
    ],
)
async def test_what_is_not_strict_json_is_400(bench: Any, body: bytes) -> None:
    with pytest.raises(BadJson):
        parse_json(body)
    async with bench.page() as client:
        response = await client.post(
            "/api/world/verbs/unplug", content=body, headers={"content-type": "application/json"}
        )
    assert response.status_code == 400
    assert response.json()["where"] == "body"
    assert bench.world.applied == []


def test_brackets_inside_texts_do_not_count_as_depth() -> None:
    value = {"a": "[{" * 100 + '\\"[['}
    assert parse_json(json.dumps(value).encode()) == value


async def test_a_number_beyond_any_float_is_422_not_500(bench: Any) -> None:
    async with bench.page() as client:
        response = await client.post(
            "/api/world/verbs/set_demand", content=b'{"current": 1e999}', headers={"content-type": "application/json"}
        )
        epoch = await client.post(
            "/api/outlets/1/commands/stop", content=b'{"epoch": 1e999}', headers={"content-type": "application/json"}
        )
    assert response.status_code == epoch.status_code == 422


async def test_head_is_a_get_without_its_body_but_opens_no_stream(bench: Any) -> None:
    async with bench.client() as client:
        for path in ("/", "/api/health", "/api/outlets/1", "/metrics", "/static/base.css"):
            head, whole = await client.head(path), await client.get(path)
            assert (head.status_code, head.content) == (200, b""), path
            assert head.headers["content-type"] == whole.headers["content-type"]
            assert "content-security-policy" in head.headers
        assert (await client.head("/api/nothing")).status_code == 404
        assert (await client.head("/api/stream")).status_code == 405
        assert (await client.head("/api/outlets/1/commands/stop")).status_code == 405
