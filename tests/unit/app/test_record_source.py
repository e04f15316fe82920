"""The charge records as the web interface gets them from the journal."""

from __future__ import annotations

import asyncio

import pytest

from evse.app.station.record_source import JournalRecords
from evse.services.journal import JournalError
from evse.services.records import Record
from evse.web.ports import RecordsUnavailable


class Broken:
    """A journal that cannot be read."""

    def records(self, limit: int, before: int | None = None) -> tuple[Record, ...]:
        raise JournalError("journal: disk I/O error")


def test_a_journal_that_cannot_be_read_is_not_an_empty_one() -> None:
    source = JournalRecords(Broken())

    async def export() -> list[object]:
        return [record async for record in source.oldest_first()]

    with pytest.raises(RecordsUnavailable, match="journal: disk I/O error"):
        asyncio.run(source.last(30))
    with pytest.raises(RecordsUnavailable, match="journal: disk I/O error"):
        asyncio.run(export())
