"""Publication at work over restarts, power cuts and servers that fail: each record reaches the server, none twice."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Coroutine
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from evse.core.units import HOUR, MINUTE
from evse.services.clock import ClockQuality, Instant
from evse.services.fake_journal import FakeStore
from evse.services.journal import SessionEnd, SessionStart
from evse.services.outgoing import Destinations
from evse.services.publication.calendar import Frequency
from evse.services.publication.delivery import DeliveryError, ReportFile
from evse.services.publication.report import RETRIES
from evse.services.publication.service import Outcome, Publication, StateFile, deliverer
from evse.services.publication.settings import FtpTarget, HttpTarget, PublicationSettings, SmtpTarget, Target
from tests.fakes.crash_disk import CrashDisk, PowerCut
from tests.fakes.hostile_server import hostile_server

T = TypeVar("T")
NOON = 1_795_780_800_000_000  # 2026-11-27 12:00 UTC
DAY = 24 * HOUR
PATH = Path("/data/publication.json")


class Receiver:
    """A server: keeps files by identity; fails, or is cut after it took the file, as told."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.deliveries = 0
        self.problem = ""
        self.surprise: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.called = asyncio.Event()
        self.cut_after_taking = False

    async def __call__(self, settings: PublicationSettings, file: ReportFile) -> str:
        self.deliveries += 1
        self.called.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.problem:
            raise DeliveryError(self.problem)
        if self.surprise is not None:
            raise self.surprise
        self.files[file.identity] = file.content
        if self.cut_after_taking:
            self.cut_after_taking = False
            raise PowerCut
        return "taken"

    def numbers(self) -> list[int]:
        """The record numbers in all reports, without those of test files."""
        reports = [content for identity, content in self.files.items() if "TEST" not in identity]
        lines = [line for content in reports for line in content.decode().splitlines()[1:]]
        return sorted(int(line.split(";")[0]) for line in lines)


class Station:
    """A station whose power can go; its journal and its disk stay."""

    def __init__(self, receiver: Receiver, frequency: Frequency = Frequency.DAILY, seed: int = 1) -> None:
        self.receiver = receiver
        self.settings = PublicationSettings(frequency, HttpTarget("example.org"))
        self.disk = CrashDisk(Random(seed))
        self.store = FakeStore()
        self.sessions = 0
        self.told: list[Outcome] = []
        self.restart()

    def restart(self, cut_at: int = 0) -> None:
        self.disk = self.disk.after_the_cut(cut_at)
        self.store = FakeStore(image=self.store.crash())
        self.journal = self.store.journal("station-1")
        self.publication = Publication(
            self.journal,
            StateFile(PATH, self.disk),
            "Main street 1",
            lambda: self.settings,
            self.receiver,
            self.told.append,
        )

    def charge(self) -> None:
        self.sessions += 1
        at = Instant("boot", self.sessions, NOON, ClockQuality.SYNCHRONISED)
        name = f"s{self.sessions}"
        self.journal.commit([SessionStart(1, name, "04A1", "badge", at)], lambda: None)
        self.journal.commit([SessionEnd(1, name, at, "Local", 10, 20, "Normal", 5, publish=True)], lambda: None)
        self.store.step(0)

    def step(self, now_us: int | None) -> int:
        return asyncio.run(self._run(self.publication.step(now_us)))

    def test(self, now_us: int | None) -> Outcome:
        return asyncio.run(self._run(self.publication.test(now_us)))

    async def _run(self, work: Coroutine[None, None, T]) -> T:
        """Run ``work`` while the journal makes durable what it is given."""
        task = asyncio.create_task(work)
        while not task.done():
            self.store.step(0)
            await asyncio.sleep(0)
        return task.result()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.mark.req("CDR-02")
def test_each_record_is_sent_once_day_after_day(receiver: Receiver) -> None:
    station = Station(receiver)
    station.step(NOON)
    for day in range(1, 5):
        station.charge()
        station.charge()
        station.step(NOON + day * DAY)
        station.restart()
    assert receiver.numbers() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert receiver.deliveries == len(receiver.files) == 4


@pytest.mark.req("CDR-03")
def test_retries_go_on_over_restarts_and_end_after_a_week(receiver: Receiver) -> None:
    receiver.problem = "421 not now"
    station = Station(receiver)
    station.step(NOON)
    station.charge()
    now = NOON + 12 * HOUR + MINUTE
    end = now + 8 * DAY
    while now < end:
        now += max(station.step(now), 30 * MINUTE)
        if receiver.deliveries % 5 == 0:
            station.restart()
    assert receiver.deliveries == 1 + RETRIES
    assert station.told[-1] == Outcome(False, "given up after 169 tries: 421 not now", dropped=True)
    assert station.journal.records(9)[0].number == 1, "the record stays in the history"
    receiver.problem = ""
    station.charge()
    station.step(now + DAY)
    assert receiver.numbers() == [2], "what was given up is not sent later"


@pytest.mark.req("CDR-02")
def test_the_test_button_waits_for_planning_and_is_refused_beside_a_delivery(receiver: Receiver) -> None:
    station = Station(receiver)

    async def both() -> Outcome:
        planning = asyncio.ensure_future(station.publication.step(NOON))
        await asyncio.sleep(0)
        assert not planning.done()
        outcome = await station.publication.test(NOON)
        await planning
        return outcome

    assert asyncio.run(both()).delivered

    async def twice() -> Outcome:
        receiver.hold, receiver.called = asyncio.Event(), asyncio.Event()
        first = asyncio.ensure_future(station.publication.test(NOON))
        await receiver.called.wait()
        second = await station.publication.test(NOON)
        receiver.hold.set()
        assert (await first).delivered
        return second

    assert "a delivery is under way" in asyncio.run(twice()).text


@pytest.mark.req("CDR-03")
def test_whatever_a_delivery_raises_is_a_failed_try(receiver: Receiver) -> None:
    station = Station(receiver)
    station.step(NOON)
    station.charge()
    receiver.surprise = ZeroDivisionError("nobody thought of that")
    station.step(NOON + DAY)
    assert not station.told[-1].delivered
    assert "nobody thought of that" in station.told[-1].text
    assert not station.test(NOON + DAY).delivered
    receiver.surprise = None
    station.step(NOON + DAY + 2 * HOUR)
    assert receiver.numbers() == [1]


@pytest.mark.req("CDR-03")
def test_test_button_forces_a_retry_and_tells_the_servers_words(receiver: Receiver) -> None:
    receiver.problem = "550 who are you?"
    station = Station(receiver)
    station.step(NOON)
    station.charge()
    station.step(NOON + DAY)
    assert station.test(NOON + DAY + MINUTE) == Outcome(False, "550 who are you?")
    receiver.problem = ""
    assert station.test(NOON + DAY + 2 * MINUTE) == Outcome(True, "taken")
    assert receiver.numbers() == [1]
    assert station.journal.unpublished(9) == ()


@pytest.mark.req("CDR-03")
def test_no_report_is_dropped_for_pressing_the_test_button_often(receiver: Receiver) -> None:
    receiver.problem = "421 not now"
    station = Station(receiver)
    station.step(NOON)
    station.charge()
    station.step(NOON + DAY)
    for press in range(RETRIES + 5):
        assert not station.test(NOON + DAY + press).delivered
    deliveries = receiver.deliveries
    station.step(NOON + DAY + HOUR)
    assert receiver.deliveries == deliveries + 1
    receiver.problem = ""
    station.step(NOON + DAY + 2 * HOUR)
    assert receiver.numbers() == [1]


@pytest.mark.req("CDR-02")
def test_test_button_without_a_waiting_report_sends_a_test_file_and_marks_nothing(receiver: Receiver) -> None:
    station = Station(receiver)
    station.charge()
    assert station.test(None).delivered
    assert [name.endswith("_TEST") for name in receiver.files] == [True]
    assert [record.number for record in station.journal.unpublished(9)] == [1]
    station.step(NOON)
    station.step(NOON + DAY)
    assert receiver.numbers() == [1]


@pytest.mark.req("CDR-02")
def test_a_cut_after_the_server_took_it_repeats_the_same_file_under_the_same_name(receiver: Receiver) -> None:
    station = Station(receiver)
    station.step(NOON)
    station.charge()
    receiver.cut_after_taking = True
    with pytest.raises(PowerCut):
        station.step(NOON + DAY)
    station.restart()
    station.charge()
    station.step(NOON + DAY + HOUR)
    assert (receiver.deliveries, len(receiver.files), receiver.numbers()) == (2, 1, [1])


@pytest.mark.req("CDR-02", "CDR-03")
@pytest.mark.parametrize("seed", range(3))
def test_a_power_cut_in_any_operation_loses_and_doubles_nothing(seed: int) -> None:
    for cut_at in range(1, 12):
        receiver = Receiver()
        station = Station(receiver, seed=seed)
        station.restart(cut_at)
        now = NOON
        for _ in range(4):
            station.charge()
            try:
                station.step(now)
                if now == NOON + DAY:
                    receiver.problem = "no"
                station.step(now + HOUR)
                receiver.problem = ""
            except PowerCut:
                station.restart()
            now += DAY
        station.step(now)
        station.step(now + DAY)
        assert receiver.numbers() == [1, 2, 3, 4], f"cut at operation {cut_at}"


def test_without_a_clock_nothing_is_due(receiver: Receiver) -> None:
    station = Station(receiver)
    station.charge()
    assert station.step(None) > 0
    assert receiver.deliveries == 0


def test_a_disk_that_fails_is_told_and_survived(receiver: Receiver) -> None:
    station = Station(receiver)
    station.disk = CrashDisk(Random(1), fail_at=range(1, 4))
    station.publication = Publication(
        station.journal, StateFile(PATH, station.disk), "x", lambda: station.settings, receiver, station.told.append
    )
    station.charge()
    station.step(NOON)
    assert "publication waits for the disk" in station.told[-1].text
    for minute in range(1, 6):
        station.step(NOON + minute * MINUTE)
    station.step(NOON + DAY)
    assert receiver.numbers() == [1]


def test_a_damaged_state_is_put_aside(receiver: Receiver) -> None:
    station = Station(receiver)
    station.disk.replace(PATH, b"{ nonsense")
    station.charge()
    station.step(NOON)
    station.step(NOON + DAY)
    assert receiver.numbers() == [1]
    assert station.disk.read(PATH.with_name("publication.json.bad")) == b"{ nonsense"


def test_a_hostile_station_name_stays_inside_the_file_name(receiver: Receiver) -> None:
    station = Station(receiver)
    station.publication = Publication(
        station.journal,
        StateFile(PATH, station.disk),
        "../../etc/passwd\r\nBcc: all@example.org",
        lambda: station.settings,
        receiver,
        station.told.append,
    )
    station.charge()
    station.test(NOON)
    (identity,) = receiver.files
    assert set("/.\r\n: ").isdisjoint(identity)


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize("target", [SmtpTarget("inside"), FtpTarget("inside"), HttpTarget("inside")])
def test_a_server_name_that_means_the_station_itself_is_never_connected_to(target: Target) -> None:
    def play(connection: socket.socket) -> None:
        reached.append(True)

    reached: list[bool] = []
    with hostile_server(play) as port:
        deliver = deliverer(Destinations(resolve=lambda host, asked: ["127.0.0.1"]))
        settings = PublicationSettings(Frequency.DAILY, replace(target, port=port))
        file = ReportFile("a.csv", "a", b"", "Records")
        with pytest.raises(DeliveryError, match=r"inside is 127\.0\.0\.1: the station itself"):
            asyncio.run(waited(deliver(settings, file)))
        assert reached == []


async def waited(work: Awaitable[str]) -> str:
    return await work
