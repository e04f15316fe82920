"""The badges over REST, on the real desk with a simulated disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from evse.app.station.badge_port import StationBadges
from evse.services.badges.badge import NUMBER_LIMIT, Badge, BadgeType
from evse.services.badges.badge_file import export_badges
from evse.services.badges.badge_list import BadgeList
from evse.web.app import create_app
from evse.web.ports import Extras
from tests.fakes.desk_bench import DeskBench
from tests.fakes.memory_log import MemoryLog
from tests.fakes.web_fake import FakeRecords, FakeStation, station_view

pytestmark = pytest.mark.anyio
ANNA, BERT, CHIEF = "04A1B2C3", "0BADCAFE", "DEADBEEF"
LIST = BadgeList((Badge(CHIEF, BadgeType.ADMIN), Badge(ANNA, comment="Anna")))
ALL = [(1, CHIEF, "Admin", ""), (2, ANNA, "User", "Anna")]


class Web:
    """A client, the desk behind it, its journal, and the security log."""

    def __init__(self, client: httpx.AsyncClient, desk: DeskBench, log: MemoryLog) -> None:
        self.client, self.desk, self.log = client, desk, log

    async def post(self, action: str, body: Any = None) -> httpx.Response:
        return await self.client.post(f"/api/badges/{action}", json={} if body is None else body)

    async def upload(self, data: bytes, kind: str = "text/csv") -> httpx.Response:
        return await self.client.post("/api/badges/import", content=data, headers={"content-type": kind})

    async def list(self) -> list[tuple[Any, ...]]:
        found = (await self.client.get("/api/badges")).json()["badges"]
        return [(each["number"], each["uid"], each["type"], each["comment"]) for each in found]


@asynccontextmanager
async def web(stored_within_s: float = 5.0) -> AsyncIterator[Web]:
    desk = DeskBench(badges=LIST)
    port = StationBadges(desk.services.cards, (1, 2), lambda: None, lambda: desk.now_us, stored_within_s)
    log = MemoryLog()
    app = create_app(FakeStation(station_view()), None, FakeRecords(), extras=Extras(badges=port, security=log))
    headers = {"x-evse-request": "1"}

    async def live() -> None:
        while True:
            desk.wait(0.01)
            await asyncio.sleep(0)

    living = asyncio.create_task(live())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield Web(client, desk, log)
    living.cancel()


@pytest.mark.req("AUT-03")
async def test_badges_are_added_changed_and_removed_and_stored_before_the_answer() -> None:
    async with web() as w:
        assert await w.list() == ALL
        answer = await w.post("add", {"uid": "0b:ad:ca:fe", "type": "VIP", "comment": "<b>"})
        assert answer.status_code == 200
        assert answer.json()["badges"][-1] == {"number": 3, "uid": BERT, "type": "VIP", "comment": "<b>"}
        assert w.desk.list()[-1] == (BERT, "VIP"), "stored before the answer"
        assert (await w.post("change", {"uids": [BERT, ANNA], "type": "Admin"})).status_code == 200
        assert (await w.post("change", {"uids": [BERT], "comment": ""})).status_code == 200
        assert await w.list() == [ALL[0], (2, ANNA, "Admin", "Anna"), (3, BERT, "Admin", "")]
        assert (await w.post("remove", {"uids": [CHIEF, ANNA]})).status_code == 200
        assert await w.list() == [(3, BERT, "Admin", "")]
        assert (await w.post("remove-all", {"confirm": True})).status_code == 200
        assert (await w.list(), w.desk.list()) == ([], [])


@pytest.mark.req("AUT-02", "AUT-03")
@pytest.mark.parametrize(
    ("action", "body", "status", "reason"),
    [
        ("add", {"uid": ANNA}, 409, "in the list already"),
        ("add", {"uid": "04A1B2C3D4"}, 409, "4, 7, 8 or 10 bytes"),
        ("add", {"uid": BERT, "comment": "a\x1b[31m"}, 409, "printable"),
        ("add", {"uid": BERT, "comment": "x" * 51}, 422, "text of 0 to 50 characters"),
        ("add", {"uid": BERT, "type": "Owner"}, 422, "User"),
        ("add", {"uid": BERT, "number": 7}, 422, "number: there is no such key here"),
        ("add", {"uid": "'; DROP TABLE badge"}, 422, "uid: not of the right form"),
        ("change", {"uids": [ANNA, BERT], "comment": "x"}, 404, "****CAFE is not in the list"),
        ("change", {"uids": [CHIEF], "type": "User"}, 409, "last Admin"),
        ("change", {"uids": [ANNA]}, 422, "nothing to change"),
        ("remove", {"uids": [CHIEF]}, 409, "last Admin"),
        ("remove", {"uids": []}, 422, "at least 1"),
        ("remove-all", {}, 422, "confirm: must be given"),
        ("remove-all", {"confirm": False}, 422, "true"),
        ("teach", {"mode": "add", "outlet": 3}, 404, "no outlet 3"),
        ("teach", {"mode": "admin add"}, 422, "delete"),
    ],
)
async def test_what_breaks_a_rule_is_refused_whole(action: str, body: Any, status: int, reason: str) -> None:
    async with web() as w:
        answer = await w.post(action, body)
        assert (answer.status_code, reason in answer.text) == (status, True), answer.text
        assert await w.list() == ALL


@pytest.mark.req("AUT-04")
async def test_a_file_goes_from_one_station_to_another() -> None:
    async with web() as first, web() as second:
        await first.post("add", {"uid": BERT, "comment": "=1+1"})
        exported = await first.client.get("/api/badges.csv")
        assert exported.headers["content-type"] == "text/csv; charset=utf-8"
        assert "badges.csv" in exported.headers["content-disposition"]
        answer = await second.upload(exported.content)
        assert (answer.status_code, answer.json()) == (200, {"badges": 3})
        assert await second.list() == await first.list() == [*ALL, (3, BERT, "User", "=1+1")]


@pytest.mark.req("AUT-04")
async def test_an_edited_file_is_refused_and_every_line_named() -> None:
    async with web() as w:
        edited = export_badges(LIST).replace(b"Anna", b"Anne").replace(b"Admin", b"Owner")
        answer = await w.upload(edited)
        assert answer.status_code == 409
        lines = answer.json()["allowed"]
        assert [line.split(":")[0] for line in lines] == ["line 2", "line 4"]
        assert (await w.upload(edited, "application/json")).status_code == 415
        assert (await w.upload(b"x" * (512 * 1024 + 1))).status_code == 413
        assert (await w.upload(b"")).status_code == 409
        assert await w.list() == ALL


@pytest.mark.req("AUT-04")
async def test_a_thousand_badges_are_imported_and_stored_within_a_second() -> None:
    full = BadgeList(tuple(Badge(f"{number:014X}", comment="c" * 50) for number in range(1_000)))
    async with web() as w:
        begin = time.process_time()
        assert (await w.upload(export_badges(full))).json() == {"badges": 1_000}
        assert time.process_time() - begin < 1
        assert len(w.desk.list()) == 1_000


@pytest.mark.req("AUT-03")
async def test_every_badge_of_a_full_list_is_changed_and_removed_at_once() -> None:
    uids = [f"{number:020X}" for number in range(1_000)]
    spelled = [" ".join(uid[at : at + 2] for at in range(0, 20, 2)) for uid in uids]
    async with web() as w:
        await w.upload(export_badges(BadgeList(tuple(map(Badge, uids)))))
        assert (await w.post("change", {"uids": spelled, "type": "VIP", "comment": "Hall"})).status_code == 200
        assert await w.list() == [(number, uid, "VIP", "Hall") for number, uid in enumerate(uids, 1)]
        assert (await w.post("remove", {"uids": spelled})).json()["badges"] == []


@pytest.mark.req("AUT-03")
async def test_a_file_with_the_highest_number_leaves_room_for_more_badges() -> None:
    async with web() as w:
        await w.upload(export_badges(BadgeList((Badge(ANNA, number=NUMBER_LIMIT - 1), Badge(BERT, number=1)))))
        for uid in ("00000001", "00000002", "00000003"):
            assert (await w.post("add", {"uid": uid})).status_code == 200
        assert [number for number, *_ in await w.list()] == [1, 2, 3, NUMBER_LIMIT - 1, NUMBER_LIMIT]
        assert (await w.upload((await w.client.get("/api/badges.csv")).content)).json() == {"badges": 5}


@pytest.mark.req("AUT-03")
async def test_teaching_is_begun_seen_and_ended() -> None:
    async with web() as w:
        begun = (await w.post("teach", {"mode": "add", "outlet": 2})).json()
        assert (begun["mode"], begun["outlet"], begun["remaining_s"]) == ("add", 2, 30)
        w.desk.wait(5)
        w.desk.card(BERT, "teach", outlet=2)
        w.desk.wait(0.1)
        teaching = (await w.client.get("/api/badges")).json()["teaching"]
        assert (teaching["added"], teaching["removed"], teaching["refused"]) == (1, 0, 0)
        assert (await w.post("stop-teaching")).json()["teaching"] is None
        w.desk.wait(0.01)
        assert [active for _, active, _ in w.desk.readings()] == [True, True, False]


async def test_a_disk_that_does_not_write_is_said_and_the_list_stays_until_it_does() -> None:
    async with web(stored_within_s=0.05) as w:
        w.desk.store.full_disk()
        answer = await w.post("add", {"uid": BERT})
        assert (answer.status_code, "waits" in answer.json()["error"]) == (503, True)
        assert await w.list() == ALL
        assert (await w.client.get("/api/badges")).json()["pending"] == 1
        w.desk.store.mended_disk()
        w.desk.wait(0.1)
        assert (await w.list())[-1] == (3, BERT, "User", "")
        assert w.log.told() == [("badges-changed", "added as User, as soon as the disk takes it", BERT)]


async def test_every_change_of_the_list_stands_in_the_security_log_and_no_refusal_does() -> None:
    async with web() as w:
        await w.post("add", {"uid": BERT, "type": "VIP"})
        await w.post("add", {"uid": BERT})
        await w.post("change", {"uids": [BERT, ANNA], "type": "User", "comment": "x"})
        await w.post("remove", {"uids": [ANNA]})
        await w.post("remove", {"uids": [CHIEF]})
        await w.post("teach", {"mode": "delete"})
        exported = (await w.client.get("/api/badges.csv")).content
        await w.post("remove-all", {"confirm": True})
        await w.upload(exported)
        await w.upload(exported.replace(CHIEF.encode(), b"DEADBEEE"))
        assert w.log.told()[:-1] == [
            ("badges-changed", "added as VIP", BERT),
            ("badges-changed", "type User and comment changed", BERT),
            ("badges-changed", "type User and comment changed", ANNA),
            ("badges-changed", "removed", ANNA),
            ("badges-changed", "teaching at the reader begins: delete", ""),
            ("badges-exported", "", ""),
            ("badges-changed", "every badge removed", ""),
            ("badges-imported", "2 badges", ""),
        ]
        assert w.log.told()[-1][0] == "import-refused"


async def test_badges_taught_at_the_reader_are_told_when_they_are_stored() -> None:
    async with web() as w:
        taught: list[tuple[str, str]] = []
        w.desk.services.cards.taught = lambda uid, mode: taught.append((uid, mode))
        await w.post("teach", {"mode": "add", "outlet": 2})
        w.desk.card(BERT, "teach", outlet=2)
        w.desk.wait(0.1)
        w.desk.card(BERT, "teach", outlet=2)
        w.desk.wait(0.1)
        assert taught == [(BERT, "add")]
