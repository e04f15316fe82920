"""The export of every record that is kept, from the SQLite journal to the last byte: streaming, and quick."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from evse.app.station.record_source import JournalRecords
from evse.services.clock import ClockQuality, Instant
from evse.services.journal import RECORDS_KEPT, SessionEnd, SessionStart, Write
from evse.services.records import CsvFormat, DecimalSeparator, FieldSeparator, export_csv
from evse.services.sqlite_journal import SqliteJournal, SqliteStore
from evse.web.routes_records import csv_chunks

UTC_US = 1_767_225_600_000_000


def session(number: int) -> list[Write]:
    at = Instant("boot", number * 1_000_000, UTC_US + number * 1_000_000, ClockQuality.SYNCHRONISED)
    name = f"boot-1-{number}"
    return [
        SessionStart(1, name, "04A1B2C3D4E5F6", "badge", at, "T2", '=HYPERLINK; "Änni"'),
        SessionEnd(1, name, at, "Local", number, number, "Normal_Mode_3", 3_600_000_000),
    ]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteJournal]:
    done = threading.Event()
    store = SqliteStore(tmp_path_factory.mktemp("records") / "journal.sqlite", done.set)
    journal = store.journal("SIM-parking")
    journal.commit([write for number in range(RECORDS_KEPT) for write in session(number)], lambda: None)
    assert done.wait(60)
    store.deliver()
    yield journal
    store.close()


@pytest.mark.req("CDR-01")
def test_3000_records_are_exported_within_a_second(journal: SqliteJournal) -> None:
    pieces: list[bytes] = []

    async def export() -> None:
        async for chunk in csv_chunks(JournalRecords(journal).oldest_first()):
            pieces.append(chunk)

    begin = time.process_time()
    asyncio.run(export())
    assert time.process_time() - begin < 1
    lines = b"".join(pieces).decode().splitlines()
    assert len(lines) == RECORDS_KEPT + 1
    assert max(map(len, pieces)) < 64 * 1024, "streamed, not held in memory"
    assert [line.split(";")[0] for line in lines[1:3]] == ["1", "2"]
    assert all("'=HYPERLINK" in line for line in lines[1:])


@pytest.mark.req("CDR-01")
def test_3000_records_are_published_within_a_second(journal: SqliteJournal) -> None:
    form = CsvFormat(FieldSeparator.TAB, DecimalSeparator.DOT)
    begin = time.process_time()
    lines = "".join(export_csv(journal, form)).splitlines()
    assert time.process_time() - begin < 1
    assert len(lines) == RECORDS_KEPT + 1
    assert lines[1].split("\t")[8] == "2.999"
