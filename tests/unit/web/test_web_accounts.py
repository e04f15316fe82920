"""Log in and out, the forced change, roles, and what nobody gets without a session."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Message

from evse.core.units import MINUTE, SECOND
from evse.services.accounts.sessions import Session, Sessions
from evse.services.report.content import Report
from evse.services.security.events import SecurityKind
from evse.services.settings.model import Role, StationFacts
from evse.web.guard import COOKIE
from tests.fakes.settings_bench import ADMIN, USER, SettingsBench
from tests.fakes.web_fake import station_view

pytestmark = pytest.mark.anyio


@pytest.mark.req("MNT-02", "WEB-01")
async def test_the_first_login_leads_to_a_change_and_to_nothing_else() -> None:
    bench = SettingsBench(on_hardware=True)
    async with bench.client() as client:
        assert await bench.login(client, "admin", bench.secret) == {
            "account": "admin",
            "role": "admin",
            "must_change": True,
        }
        for path in ("/api/settings", "/api/settings/values", "/api/accounts", "/api/records", "/api/station"):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["error"]) == (403, "the password must be changed first"), path
        page = await client.get("/")
        assert (page.status_code, page.headers["location"]) == (303, "/login")
        body = {"old": bench.secret, "new": ADMIN, "confirm": ADMIN + "x"}
        assert (await client.post("/api/accounts/password", json=body)).status_code == 422
        body["confirm"] = ADMIN
        assert (await client.post("/api/accounts/password", json=body)).json()["must_change"] is False
        assert (await client.get("/api/settings")).status_code == 200


@pytest.mark.req("MNT-02")
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_pages() -> None:
    bench = SettingsBench()
    async with bench.client() as client:
        response = await client.post("/api/login", json={"name": "admin", "password": bench.secret})
    cookie = response.headers["set-cookie"].lower()
    assert cookie.startswith(COOKIE)
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie
    token = response.cookies[COOKIE]
    assert token not in response.text
    assert token not in str(bench.log.events)


@pytest.mark.req("MNT-02")
async def test_a_stolen_token_is_worth_nothing_after_logout_change_or_reset() -> None:
    bench = SettingsBench()
    async with await bench.admin() as thief, await bench.admin() as owner:
        assert (await thief.get("/api/session")).status_code == 200
        body = {"old": ADMIN, "new": "Next-pass-4", "confirm": "Next-pass-4"}
        assert (await owner.post("/api/accounts/password", json=body)).status_code == 200
        assert (await thief.get("/api/session")).status_code == 401
        copied = {**owner.headers, "Cookie": f"{COOKIE}={owner.cookies[COOKIE]}"}
        assert (await owner.post("/api/logout")).status_code == 200
        assert COOKIE not in owner.cookies
        async with bench.client(copied) as other:
            assert (await other.get("/api/session")).status_code == 401


class Reader:
    """Reads the stream of events until it ends."""

    def __init__(self, bench: SettingsBench, token: str) -> None:
        self.begun = asyncio.Event()
        self._gone = asyncio.Event()
        headers = [(b"host", b"127.0.0.1:8080"), (b"cookie", f"{COOKIE}={token}".encode())]
        scope = {
            **{"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1"},
            **{"method": "GET", "scheme": "http", "path": "/api/stream", "raw_path": b"/api/stream"},
            **{"query_string": b"", "root_path": "", "headers": headers, "client": ("127.0.0.1", 9), "server": None},
        }
        self.pieces: list[bytes] = []
        self.task: asyncio.Task[None] = asyncio.ensure_future(bench.app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message.get("body"):
            self.pieces.append(message["body"])
        if len(self.pieces) > 1:
            self.begun.set()


@pytest.mark.req("MNT-02")
@pytest.mark.parametrize("end", ["logout", "password", "idle"])
async def test_a_stream_ends_with_the_session_that_it_was_opened_in(end: str) -> None:
    bench = SettingsBench(on_hardware=True)
    async with await bench.admin() as client:
        reader = Reader(bench, client.cookies[COOKIE])
        await reader.begun.wait()
        bench.now_us += 14 * MINUTE
        if end == "idle":
            bench.now_us += MINUTE
        elif end == "logout":
            await client.post("/api/logout", json={})
        else:
            await client.post(
                "/api/accounts/password", json={"old": ADMIN, "new": "Next-1-pass", "confirm": "Next-1-pass"}
            )
        seen = len(reader.pieces)
        bench.station.push(station_view(mono_us=99_000_000))
        await asyncio.wait_for(reader.task, 5)
        await asyncio.sleep(0)
    assert (len(reader.pieces), bench.app.state.hub.readers) == (seen, 0)


async def test_sessions_are_touched_on_the_event_loop_only(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = SettingsBench()
    threads: set[int] = set()
    find = Sessions.find

    def noting(sessions: Sessions, token: str, now_us: int) -> Session | None:
        threads.add(threading.get_ident())
        return find(sessions, token, now_us)

    monkeypatch.setattr(Sessions, "find", noting)
    async with await bench.admin() as client:
        for path in ("/api/session", "/api/settings", "/api/accounts"):
            assert (await client.get(path)).status_code == 200
    assert threads == {threading.get_ident()}


@pytest.mark.req("MNT-02")
async def test_wrong_passwords_get_one_answer_and_soon_have_to_wait() -> None:
    bench = SettingsBench()
    async with bench.client() as client:
        answers = set()
        for name in ("admin", "user", "nobody"):
            response = await client.post("/api/login", json={"name": name, "password": "ADMIN"})
            answers.add((response.status_code, response.text))
        assert len(answers) == 1
        for _ in range(9):
            await client.post("/api/login", json={"name": "admin", "password": "guess"})
        blocked = await client.post("/api/login", json={"name": "admin", "password": bench.secret})
        assert blocked.status_code == 429
        assert 0 < int(blocked.headers["retry-after"]) <= 15 * 60
        assert SecurityKind.LOGIN_BLOCKED in bench.kinds()
        bench.now_us += 15 * MINUTE
        await bench.login(client, "admin", bench.secret)


async def test_an_idle_session_ends() -> None:
    bench = SettingsBench()
    async with await bench.admin() as client:
        bench.now_us += 14 * MINUTE + 59 * SECOND
        assert (await client.get("/api/session")).status_code == 200
        bench.now_us += 15 * MINUTE
        assert (await client.get("/api/session")).status_code == 401


@pytest.mark.req("MNT-02")
async def test_only_the_administrator_sees_accounts_and_resets_the_users_password() -> None:
    bench = SettingsBench()
    async with await bench.user() as user, await bench.admin() as admin:
        body = {"new": "Some-pass-5", "confirm": "Some-pass-5"}
        assert (await user.post("/api/accounts/user", json=body)).status_code == 403
        assert (await user.get("/api/accounts")).status_code == 403
        listed = await admin.post("/api/accounts/user", json=body)
        assert {each["name"]: each["must_change"] for each in listed.json()} == {"admin": False, "user": True}
        assert (await user.get("/api/session")).status_code == 401
        weak = await admin.post("/api/accounts/user", json={"new": "weak", "confirm": "weak"})
        assert weak.status_code == 422
        assert "8 to 128" in weak.json()["allowed"]
        await admin.post("/api/accounts/user", json={"new": "", "confirm": ""})
        refused = await user.post("/api/login", json={"name": "user", "password": "Some-pass-5"})
        assert refused.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "admin"},
        {"name": "admin", "password": 1},
        {"name": ["admin"], "password": "x"},
        {"name": "admin", "password": "x" * 129},
        {"name": "admin", "password": "x", "role": "admin"},
    ],
)
async def test_a_strange_login_is_refused_before_anything_is_hashed(body: dict[str, Any]) -> None:
    bench = SettingsBench()
    async with bench.client() as client:
        assert (await client.post("/api/login", json=body)).status_code == 422
    assert bench.log.events == []


async def test_an_account_that_cannot_be_stored_changes_nothing() -> None:
    bench = SettingsBench()
    async with bench.client() as client:
        await bench.login(client, "admin", bench.secret)
        bench.fail_next()
        body = {"old": bench.secret, "new": ADMIN, "confirm": ADMIN}
        response = await client.post("/api/accounts/password", json=body)
        assert response.status_code == 503
        assert (await client.post("/api/accounts/password", json=body)).status_code == 200


OPEN = {
    *(("get", path) for path in ("/api/health", "/api/session", "/metrics", "/upnp/description.xml")),
    ("post", "/api/login"),
}


def routes(bench: SettingsBench) -> list[tuple[str, str]]:
    paths = bench.app.openapi()["paths"]
    found = [(method, path) for path, methods in paths.items() for method in methods]
    return [(method, path.replace("{number}", "1")) for method, path in found if path != "/api/stream"]


async def ask(client: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    return await client.request(method, path, content=json.dumps({}) if method == "post" else None,
                                headers={"Content-Type": "application/json"})  # fmt: skip


@pytest.mark.req("WEB-01", "MNT-02")
async def test_on_hardware_no_route_answers_without_a_session() -> None:
    bench = SettingsBench(on_hardware=True)
    async with bench.client() as client, bench.client() as old:
        old.cookies.set(COOKIE, "x" * 43)
        for method, path in routes(bench):
            for each in (client, old):
                status = (await ask(each, method, path)).status_code
                assert (method, path) in OPEN or status in (401, 303), (method, path, status)
    assert bench.station.commands == []


@pytest.mark.req("MNT-02", "MNT-04")
async def test_the_recovery_key_opens_a_thor_and_no_other_station() -> None:
    bench = SettingsBench(on_hardware=True, facts=StationFacts("thor", "T1"))
    assert bench.keeper.label is not None
    body = {"key": f" {bench.keeper.label.recovery} ", "new": "Third-word-3", "confirm": "Third-word-3"}
    async with await bench.admin() as lost, bench.client() as client:
        wrong = await client.post("/api/accounts/recover", json={**body, "key": bench.secret})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "the recovery key is wrong")
        twice = await client.post("/api/accounts/recover", json={**body, "confirm": "Third-word-4"})
        assert twice.status_code == 422
        assert (await client.post("/api/accounts/recover", json=body)).json()["account"] == "admin"
        assert (await client.get("/api/settings")).status_code == 200
        assert (await lost.get("/api/settings")).status_code == 401
    async with SettingsBench(on_hardware=True).client() as parking:
        assert (await parking.post("/api/accounts/recover", json=body)).status_code == 404


@pytest.mark.req("WEB-01")
@pytest.mark.parametrize("path", ["/api/badges/import", "/api/settings/import", "/api/settings"])
async def test_the_body_of_a_stranger_is_not_read(path: str) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(20):
            sent += 1
            yield bytes(1024)

    async with SettingsBench(on_hardware=True).client() as nobody:
        answer = await nobody.post(path, content=pieces(), headers={"content-type": "text/csv"})
    assert (answer.status_code, sent) == (401, 0)
    assert "content-security-policy" in answer.headers


@pytest.mark.req("MNT-01")
@pytest.mark.parametrize("on_hardware", [True, False])
async def test_a_report_is_made_for_the_account_that_asks(on_hardware: bool) -> None:
    readers: list[Role | None] = []

    class Reports:
        async def report(self, reader: Role | None = None) -> Report:
            readers.append(reader)
            return Report("P1", "", ())

    bench = SettingsBench(on_hardware=on_hardware, report=Reports())
    async with await bench.admin() as admin, await bench.user() as user, bench.client() as nobody:
        for client in (admin, user):
            assert (await client.get("/api/report")).status_code == 200
            assert (await client.get("/api/report.html")).status_code == 200
            assert 'href="/api/report.html" download' in (await client.get("/")).text
        assert (await nobody.get("/api/report")).status_code == (401 if on_hardware else 200)
    assert readers == [Role.ADMIN, Role.ADMIN, Role.USER, Role.USER, *([] if on_hardware else [None])]


@pytest.mark.req("WEB-01")
async def test_no_change_without_the_request_header_even_with_a_session() -> None:
    bench = SettingsBench(on_hardware=True)
    async with await bench.admin() as admin:
        bare = {"Cookie": f"{COOKIE}={admin.cookies[COOKIE]}"}
        async with (
            bench.client(bare) as foreign,
            bench.client({**bare, "X-EVSE-Request": "1", "Origin": "http://evil"}) as evil,
        ):
            for method, path in routes(bench):
                if method == "post":
                    assert (await ask(foreign, method, path)).status_code == 403, path
                    assert (await ask(evil, method, path)).status_code == 403, path


@pytest.mark.req("WEB-01")
async def test_what_is_for_the_administrator_only() -> None:
    bench = SettingsBench(on_hardware=True)
    only = set()
    async with await bench.user() as user:
        for method, path in routes(bench):
            if path not in ("/api/logout", "/api/stream") and (await ask(user, method, path)).status_code == 403:
                only.add((method, path))
    assert ("post", "/api/control/restart") not in only
    only.discard(("post", "/api/control/factory-reset"))
    paths = ("export", "import", "import/preview")
    assert only == {
        ("get", "/api/accounts"),
        ("post", "/api/accounts/user"),
        *(("post", f"/api/settings/{path}") for path in paths),
    }
    async with await bench.user() as user:
        body = {"new": USER + "x", "confirm": USER + "x"}
        assert (await user.post("/api/accounts/user", json=body)).status_code == 403


async def test_in_simulation_the_local_page_needs_no_login_and_settings_do() -> None:
    bench = SettingsBench()
    async with bench.client() as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/api/station")).status_code == 200
        assert (await client.get("/api/settings")).status_code == 401
