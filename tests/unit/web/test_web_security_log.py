"""The security log over REST: who did what, whether the chain is whole, and that clearing it stays in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evse.app.station.security_log import StationSecurityLog
from evse.services.clock import ClockQuality, Instant
from evse.services.security.events import SecurityEvent, SecurityKind
from evse.services.security.log_file import NAME, SecurityFile
from evse.services.security.writer import SecurityWriter
from tests.fakes.settings_bench import SettingsBench

pytestmark = pytest.mark.anyio
HERE = Path("/log")
NOON = Instant("boot-1", 5_000_000, 1_780_000_000_000_000, ClockQuality.SYNCHRONISED)


class Bench(SettingsBench):
    """Its log is on the bench's disk; writing is waited for by ``written``."""

    def __init__(self, *, on_hardware: bool = False) -> None:
        self.writer: SecurityWriter | None = None
        super().__init__(on_hardware=on_hardware, security=self._port)

    def _port(self) -> StationSecurityLog:
        self.writer = SecurityWriter(lambda: SecurityFile(HERE, self.disk), lambda: NOON, retry_s=0.01)
        return StationSecurityLog(HERE, self.disk, self.writer)

    def record(self, count: int) -> None:
        assert self.writer is not None
        for number in range(count):
            self.writer.record(SecurityEvent(SecurityKind.LOGIN, "admin", "10.0.0.5", f"number {number}"))

    def close(self) -> None:
        assert self.writer is not None
        self.writer.close()


async def entries(client: Any, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/api/security-log{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


async def test_entries_come_newest_first_in_pages_and_as_a_file() -> None:
    bench = Bench()
    async with await bench.admin() as admin:
        bench.record(5)
        bench.close()
        first = await entries(admin, "?limit=2")
        assert [each["detail"] for each in first] == ["number 4", "number 3"]
        assert first[0]["prev"] == first[1]["hash"]
        second = await entries(admin, f"?limit=2&before={first[-1]['n']}")
        assert [each["detail"] for each in second] == ["number 2", "number 1"]
        whole = (await admin.get("/api/security-log")).json()
        assert (whole["sound"], whole["problems"], whole["kept"]) == (True, [], len(whole["entries"]))
        file = await admin.get("/api/security-log/file")
        assert file.content == bench.disk.files[HERE / NAME]


async def test_a_changed_log_is_said_not_hidden() -> None:
    bench = Bench()
    async with await bench.admin() as admin:
        bench.record(3)
        bench.close()
        bench.disk.files[HERE / NAME] = bench.disk.files[HERE / NAME].replace(b"number 1", b"number 7")
        answer = (await admin.get("/api/security-log")).json()
    assert not answer["sound"]
    assert answer["problems"]


async def test_clearing_leaves_who_cleared_it() -> None:
    bench = Bench()
    async with await bench.admin() as admin:
        bench.record(3)
        for body in ({}, {"confirm": False}):
            assert (await admin.post("/api/security-log/clear", json=body)).status_code == 422
        answer = (await admin.post("/api/security-log/clear", json={"confirm": True})).json()
        bench.close()
    (entry,) = answer["entries"]
    assert (entry["kind"], entry["actor"], answer["sound"]) == ("log-cleared", "admin", True)


async def test_a_disk_that_fails_clears_nothing_and_says_so() -> None:
    bench = Bench()
    async with await bench.admin() as admin:
        bench.record(3)
        assert await _written(bench)
        bench.disk.fail_at(*range(bench.disk.operations + 1, bench.disk.operations + 4))
        answer = await admin.post("/api/security-log/clear", json={"confirm": True})
        assert (answer.status_code, "not cleared" in answer.json()["error"]) == (503, True)
        bench.disk.fail_at()
        assert len(await entries(admin)) >= 3
        bench.disk.unreadable = True
        assert (await admin.get("/api/security-log")).status_code == 503
        assert (await admin.get("/api/security-log/file")).status_code == 503
        bench.disk.unreadable = False
        bench.close()


async def _written(bench: Bench) -> bool:
    assert bench.writer is not None
    port = StationSecurityLog(HERE, bench.disk, bench.writer)
    for _ in range(10_000):
        newest = await port.newest(1)
        if newest and newest[0].detail == "number 2":
            return True
    return False


async def test_it_is_for_the_administrator_and_who_else_asks_is_noted() -> None:
    bench = Bench()
    async with await bench.user() as user, bench.client() as nobody, await bench.admin() as admin:
        for path in ("/api/security-log", "/api/security-log/file"):
            assert (await nobody.get(path)).status_code == 401
            assert (await user.get(path)).status_code == 403
        assert (await user.post("/api/security-log/clear", json={"confirm": True})).status_code == 403
        foreign = {"Origin": "http://evil.example"}
        assert (await admin.post("/api/control/restart", json={}, headers=foreign)).status_code == 403
        assert (await nobody.get("/api/health", headers={"Host": "evil.example"})).status_code == 421
        bench.close()
        noted = [each for each in await entries(admin) if each["kind"] == "request-refused"]
    assert [each["detail"] for each in reversed(noted)] == [
        "/api/security-log: for the account admin only, asked by user",
        "/api/security-log/file: for the account admin only, asked by user",
        "/api/security-log/clear: for the account admin only, asked by user",
        "/api/control/restart: a change without the header of our pages, or from another page",
        "/api/health: by a name that is not ours",
    ]


async def test_what_leaves_the_house_is_noted() -> None:
    bench = Bench()
    async with await bench.admin() as admin:
        assert (await admin.get("/api/records.csv")).status_code == 200
        async with bench.client() as nobody:
            assert (await nobody.get("/api/records.csv")).status_code == 200
        bench.close()
        found = await entries(admin, "?limit=2")
    assert [(each["kind"], each["actor"]) for each in reversed(found)] == [
        ("records-exported", "admin"),
        ("records-exported", "local page"),
    ]


async def test_the_page_shows_it_escaped_in_both_languages_and_says_when_it_was_changed() -> None:
    bench = Bench()
    async with await bench.admin() as admin:
        assert bench.writer is not None
        bench.writer.record(SecurityEvent(SecurityKind.LOGIN_FAILED, "<script>alert(1)</script>", "10.0.0.5"))
        bench.record(120)
        bench.close()
        page = await admin.get("/security-log")
        assert page.headers["content-type"].startswith("text/html")
        assert "number 119" in page.text
        assert "none was changed" in page.text
        # On a phone a row is a block: each cell says what it is; and there is a way back.
        assert page.text.count('data-th="When (UTC)"') == page.text.count('data-th="Detail"') == 100
        assert '<a class="button" href="/">The station</a>' in page.text
        assert '<a href="/security-log">security log</a>' in (await admin.get("/")).text
        older = page.text.partition("before=")[2].partition('"')[0]
        second = (await admin.get(f"/security-log?before={older}&lang=fr")).text
        assert "Journal de sécurité" in second
        assert "<script>" not in second
        assert "&lt;script&gt;" in second
        bench.disk.files[HERE / NAME] = bench.disk.files[HERE / NAME].replace(b"number 7", b"number 8")
        assert "not as the station has written it" in (await admin.get("/security-log")).text
        bench.disk.unreadable = True
        assert (await admin.get("/security-log")).status_code == 503


async def test_the_page_is_for_the_administrator() -> None:
    for bench in (Bench(), Bench(on_hardware=True)):
        async with await bench.user() as user, bench.client() as nobody:
            asked = await nobody.get("/security-log")
            assert (asked.status_code, asked.headers["location"]) == (303, "/login?to=/security-log")
            assert (await user.get("/security-log")).status_code == 403
        bench.close()
