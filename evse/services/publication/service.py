"""Publication at work: plans, delivers, marks. One delivery at a time; everything durable before it counts.

``Publication.step`` does what is due and says how long nothing will be; ``test`` is the TEST button. Both take UTC as an
argument, ``None`` while nobody knows the time: without a clock nothing is due, but TEST works.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from evse.core.units import SECOND
from evse.records import dataclass
from evse.services.disk import Disk
from evse.services.journal import GiveUpPublication, JournalError, MarkPublished, Write
from evse.services.outgoing import DestinationError, Destinations
from evse.services.publication.calendar import Frequency
from evse.services.publication.delivery import DeliveryError, ReportFile, words
from evse.services.publication.publisher import delivered, failed, next_report, planned, wait_us
from evse.services.publication.report import PublicationState, Report, StateError, state_bytes, state_of
from evse.services.publication.settings import FtpTarget, HttpTarget, PublicationSettings, SmtpTarget
from evse.services.records import LAST_SHOWN, Record, csv_of

STATE: Final = "publication.json"
"""Name of the state's file in a station's data directory."""
_log = logging.getLogger(__name__)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PAUSE_US: Final = 60 * SECOND
"""Between two looks while nothing can be done."""
_PAGE: Final = 4_000


class PublishedJournal(Protocol):
    """The part of a journal that publication needs."""

    def commit(self, writes: Sequence[Write], done: Callable[[], None]) -> None:
        """Queue ``writes``; ``done`` when they are durable."""
        ...

    def records(self, limit: int, before: int | None = None) -> tuple[Record, ...]:
        """At most ``limit`` records, newest first."""
        ...

    def unpublished(self, limit: int, after: int = 0) -> tuple[Record, ...]:
        """At most ``limit`` records that wait, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a delivery ended. ``text``: the server's own words, or why it failed."""

    delivered: bool
    text: str
    dropped: bool = False
    """It was the report's last try."""


Deliver = Callable[[PublicationSettings, ReportFile], Awaitable[str]]
"""Gives a file to the server of the settings. Returns its confirmation; raises ``DeliveryError``."""


def deliverer(destinations: Destinations) -> Deliver:
    """Delivery to the servers that the settings name, where ``destinations`` allows it."""

    async def deliver(settings: PublicationSettings, file: ReportFile) -> str:
        target, ca_file = settings.target, settings.ca_file
        if target is None:
            raise DeliveryError("no server is set")
        try:
            address = await asyncio.to_thread(destinations.address_of, target.server, target.port)
        except DestinationError as error:
            raise DeliveryError(str(error)) from error
        # Loaded by the first delivery: most stations never publish.
        match target:
            case SmtpTarget():
                from evse.services.publication.smtp import send_mail

                return await asyncio.to_thread(send_mail, target, file, address, ca_file)
            case FtpTarget():
                from evse.services.publication.ftp import store_file

                return await asyncio.to_thread(store_file, target, file, address, ca_file)
            case HttpTarget():
                from evse.services.publication.http import post_file

                return await post_file(target, file, address, ca_file)

    return deliver


class StateFile:
    """Where the publication state is kept. A file that cannot be read any more is put aside, never trusted."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._aside = path.with_name(path.name + ".bad")
        self._disk = disk
        self.problem = ""

    def load(self) -> PublicationState:
        """What was saved last; an empty state when there is nothing, or nothing sound."""
        data = self._disk.read(self._path)
        if data is None:
            return PublicationState()
        try:
            return state_of(data)
        except StateError as error:
            self.problem = f"{self._path.name} was damaged ({error}); it is kept as {self._aside.name}"
            self._disk.rename(self._path, self._aside)
            return PublicationState()

    def save(self, state: PublicationState) -> None:
        """Keep ``state``, all or nothing."""
        self._disk.make_directory(self._path.parent)
        self._disk.replace(self._path, state_bytes(state))

    def forget(self) -> None:
        """Factory reset: no report waits any more. May be done twice."""
        self._disk.remove(self._path)
        self._disk.remove(self._aside)


class Publication:
    """See the module. ``told`` hears of every delivery: for the page, the events and the log."""

    def __init__(
        self,
        journal: PublishedJournal,
        states: StateFile,
        station: str,
        settings: Callable[[], PublicationSettings],
        deliver: Deliver,
        told: Callable[[Outcome], None] = lambda _outcome: None,
    ) -> None:
        self._journal = journal
        self._states = states
        self._station = station
        self._settings = settings
        self._told = told
        self._deliver = deliver
        self._busy = asyncio.Lock()
        self._delivering = False
        self._state: PublicationState | None = None

    async def step(self, now_us: int | None) -> int:
        """Do what is due at UTC ``now_us``; returns for how many microseconds nothing is.

        Raises nothing that a disk, a server or a journal can cause: it is tried again.
        """
        if now_us is None:
            return _PAUSE_US
        async with self._busy:
            try:
                return await self._step(now_us)
            except (OSError, JournalError) as error:
                self._told(Outcome(False, f"publication waits for the disk: {error}"))
                return _PAUSE_US

    async def test(self, now_us: int | None) -> Outcome:
        """The TEST button: try the oldest waiting report at once, whatever its time; without one send a test file.

        A test file holds the last records and changes nothing about them. Records that wait for their due time are left
        for it.
        """
        if self._delivering:
            return Outcome(False, "a delivery is under way; try again when it has ended")
        async with self._busy:
            settings = self._settings()
            try:
                state = await self._load()
                report = next_report(state, now_us or 0, forced=True)
                with self._under_way():
                    if report is not None and now_us is not None:
                        return await self._try(settings, report, now_us, forced=True)
                    records = await asyncio.to_thread(self._journal.records, LAST_SHOWN)
                    return await self._send(settings, _test_file(self._station, records, settings, now_us))
            except (OSError, JournalError) as error:
                return Outcome(False, f"the records cannot be read: {error}")

    async def waiting(self) -> tuple[Report, ...]:
        """The reports that wait for delivery, oldest first; during a delivery as before it. Raises OSError."""
        if self._state is not None:
            return self._state.reports
        async with self._busy:
            return (await self._load()).reports

    async def _step(self, now_us: int) -> int:
        settings = self._settings()
        state = await self._load()
        waiting = await asyncio.to_thread(self._journal.unpublished, _PAGE)
        numbers = tuple(record.number for record in waiting)
        await self._save(planned(state, now_us, settings.frequency, ZoneInfo(settings.time_zone), numbers))
        if settings.frequency is Frequency.DISABLED or settings.target is None:
            return _PAUSE_US
        report = next_report(await self._load(), now_us)
        if report is not None:
            with self._under_way():
                await self._try(settings, report, now_us)
        return wait_us(await self._load(), now_us)

    async def _try(
        self, settings: PublicationSettings, report: Report, now_us: int, *, forced: bool = False
    ) -> Outcome:
        records = await asyncio.to_thread(self._journal.unpublished, report.last - report.first + 1, report.first - 1)
        records = tuple(record for record in records if record.number <= report.last)
        if not records:
            await self._save(delivered(await self._load(), report))
            return Outcome(True, "the records of this report were published before")
        outcome = await self._send(settings, _report_file(self._station, report, records, settings))
        state = await self._load()
        if outcome.delivered:
            await self._commit([MarkPublished(record.number) for record in records])
            await self._save(delivered(state, report))
            return outcome
        state, dropped = failed(state, report, now_us, outcome.text, forced)
        if dropped is not None:
            await self._commit([GiveUpPublication(record.number) for record in records])
            outcome = Outcome(False, f"given up after {dropped.tries} tries: {outcome.text}", dropped=True)
            self._told(outcome)
        self._state = state  # a disk that fails must not turn hourly tries into hasty ones
        await asyncio.to_thread(self._states.save, state)
        return outcome

    async def _send(self, settings: PublicationSettings, file: ReportFile) -> Outcome:
        try:
            outcome = Outcome(True, await self._deliver(settings, file))
        except DeliveryError as error:
            outcome = Outcome(False, str(error))
        except Exception as error:
            # Whatever a foreign server makes a library do: it costs a delivery, never the station's services.
            _log.exception("a delivery has failed in an unexpected way")
            outcome = Outcome(False, f"the delivery failed here, not at the server: {words(repr(error))}")
        self._told(outcome)
        return outcome

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        self._delivering = True
        try:
            yield
        finally:
            self._delivering = False

    async def _commit(self, writes: Sequence[Write]) -> None:
        durable = asyncio.Event()
        self._journal.commit(writes, durable.set)
        await durable.wait()

    async def _load(self) -> PublicationState:
        if self._state is None:
            self._state = await asyncio.to_thread(self._states.load)
        return self._state

    async def _save(self, state: PublicationState) -> None:
        if state != self._state:
            await asyncio.to_thread(self._states.save, state)
            self._state = state


def _report_file(station: str, report: Report, records: Sequence[Record], settings: PublicationSettings) -> ReportFile:
    made = (_EPOCH + timedelta(microseconds=report.created_us)).strftime("%Y%m%dT%H%M%SZ")
    name = f"{_file_word(station)}_{made}_{report.first}-{report.last}"
    subject = f"Charge data records {report.first} to {report.last} of {_line(station)}"
    return ReportFile(f"{name}.csv", name, csv_of(records, settings.csv), subject)


def _test_file(
    station: str, records: Sequence[Record], settings: PublicationSettings, now_us: int | None
) -> ReportFile:
    made = (_EPOCH + timedelta(microseconds=now_us or 0)).strftime("%Y%m%dT%H%M%S%fZ")
    name = f"{_file_word(station)}_{made}_TEST"
    subject = f"Test of the charge data records of {_line(station)}"
    return ReportFile(f"{name}.csv", name, csv_of(records, settings.csv), subject)


def _file_word(text: str) -> str:
    """``text`` as part of a file name, a message's identity and a header: no other place is ever meant by it."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in text)[:60] or "station"


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)[:100]
