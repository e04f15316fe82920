"""Publication of a running station: the settings decide, at once; TEST answers with the server's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from random import Random
from typing import TypeVar

import httpx
import pytest

from evse.app.station.publication_task import StationPublication
from evse.core.units import HOUR
from evse.services.clock import ClockQuality, Instant
from evse.services.fake_journal import FakeStore
from evse.services.journal import SessionEnd, SessionStart
from evse.services.security.events import SecurityMemory
from evse.services.settings.model import Role, StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Actor, Settings
from evse.services.settings.store import SettingsStore
from evse.web.app import create_app
from evse.web.ports import Extras
from tests.fakes.crash_disk import CrashDisk
from tests.fakes.hostile_server import dialogue, hostile_server
from tests.fakes.web_fake import FakeRecords, FakeStation, station_view

T = TypeVar("T")
NOON = 1_795_780_800_000_000
ADMIN = Actor("admin", Role.ADMIN)


class Station:
    def __init__(self, simulated: bool = True) -> None:
        self.now_us: int | None = NOON
        self.wanted: list[bool] = []
        self.store = FakeStore()
        self.disk = CrashDisk(Random(1))
        journal = self.store.journal("P1")
        self.journal = journal
        self.settings = Settings(
            Catalogue(StationFacts("parking", "P1")), SettingsStore(Path("/d"), self.disk), SecurityMemory()
        )
        self.publication = StationPublication(
            journal, Path("/d"), "P1", self.settings, self._now, self.wanted.append, simulated, self.disk
        )

    def _now(self) -> Instant:
        return Instant("boot", 0, self.now_us, ClockQuality.SYNCHRONISED)

    def charge(self) -> None:
        at = Instant("boot", 1, NOON, ClockQuality.SYNCHRONISED)
        self.journal.commit([SessionStart(1, "s1", "04A1", "badge", at)], lambda: None)
        self.journal.commit([SessionEnd(1, "s1", at, "Local", 1, 2, "Normal", 5, publish=True)], lambda: None)
        self.store.step(0)

    async def set(self, **changes: bool | int | str) -> None:
        await self.settings.change({key.replace("__", "."): value for key, value in changes.items()}, ADMIN)

    async def done(self, work: Awaitable[T]) -> T:
        """Run ``work`` while the journal makes durable what it is given."""
        task = asyncio.ensure_future(work)
        while not task.done():
            self.store.step(0)
            await asyncio.sleep(0.001)
        return task.result()


@pytest.mark.req("CDR-02")
def test_records_are_meant_for_publication_while_it_is_switched_on() -> None:
    async def story() -> list[bool]:
        station = Station()
        await station.set(
            publication__frequency="daily", smtp__server="m", smtp__sender="a@b.c", smtp__receiver="d@e.f"
        )
        await station.set(publication__frequency="disabled")
        return station.wanted

    assert asyncio.run(story()) == [False, True, False]


@pytest.mark.req("CDR-02", "CDR-03")
def test_the_page_sees_what_waits_why_and_the_servers_words() -> None:
    async def story() -> None:
        station = Station()
        play = dialogue(b"220 hi\r\n", b"250 hi\r\n", b"451 the box is full\r\n")
        with hostile_server(play) as port:
            server: dict[str, bool | int | str] = {
                "smtp__server": "127.0.0.1",
                "smtp__port": 587,
                "smtp__security": "none",
            }
            await station.set(publication__frequency="daily", smtp__sender="a@b.c", smtp__receiver="d@e.f", **server)
            # The guide's range of ports ends at 587; the test server has any.
            station.settings.values = {**station.settings.values, "smtp.port": port}
            await publish_a_day_later(station)
            app = create_app(
                FakeStation(station_view()), None, FakeRecords(), extras=Extras(publication=station.publication)
            )
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                shown = (await client.get("/api/publication")).json()
                assert (shown["frequency"], shown["protocol"]) == ("daily", "smtp")
                (report,) = shown["waiting"]
                assert (report["first"], report["last"], report["tries"]) == (1, 1, 1)
                assert "451 the box is full" in report["problem"]
                assert report["next_try"] == "2026-11-28T13:00:00Z"
                headers = {"X-EVSE-Request": "1"}
                answer = await station.done(client.post("/api/publication/test", json={}, headers=headers))
                assert answer.json()["delivered"] is False
                assert "451 the box is full" in answer.json()["text"]
                assert (await client.post("/api/publication/test", json={})).status_code == 403
                (after,) = (await client.get("/api/publication")).json()["waiting"]
                assert (after["tries"], after["next_try"]) == (1, "2026-11-28T13:00:00Z")

    asyncio.run(story())


@pytest.mark.req("CDR-02")
def test_what_cannot_be_read_is_a_503_and_comes_back_by_itself() -> None:
    async def story() -> tuple[httpx.Response, httpx.Response]:
        station = Station()
        station.disk.unreadable = True
        app = create_app(
            FakeStation(station_view()), None, FakeRecords(), extras=Extras(publication=station.publication)
        )
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            refused = await client.get("/api/publication")
            station.disk.unreadable = False
            return refused, await client.get("/api/publication")

    refused, answered = asyncio.run(story())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert "Input/output error" in refused.json()["error"]
    assert (answered.status_code, answered.json()["waiting"]) == (200, [])


async def publish_a_day_later(station: Station) -> None:
    running = asyncio.create_task(station.publication.run())
    await station.done(asyncio.sleep(0.05))
    station.charge()
    station.now_us = NOON + 24 * HOUR
    station.publication.look()
    while not (waiting := (await station.done(station.publication.view())).waiting) or not waiting[0].tries:
        await station.done(asyncio.sleep(0.01))
    running.cancel()


def test_a_device_never_sends_its_records_to_itself() -> None:
    async def story() -> str:
        station = Station(simulated=False)
        await station.set(
            publication__frequency="daily",
            publication__protocol="http",
            http__server="localhost",
            http__path="/in",
            http__field_name="cdr",
        )
        return (await station.done(station.publication.test())).text

    assert "the station itself" in asyncio.run(story())


def test_without_a_server_the_test_button_says_so() -> None:
    async def story() -> str:
        return (await Station().publication.test()).text

    assert asyncio.run(story()) == "no server is set"
