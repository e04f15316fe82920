"""The charge records for the web interface, read from the journal in threads so that a slow disk delays nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from evse.core.units import SECOND
from evse.services.journal import JournalError
from evse.services.records import Record, RecordReader, utc_text
from evse.web.ports import RecordsUnavailable, RecordView

_PAGE: Final = 500


class JournalRecords:
    """A ``RecordSource``. Raises RecordsUnavailable while the journal cannot be read."""

    def __init__(self, reader: RecordReader) -> None:
        self._reader = reader

    async def last(self, limit: int) -> Sequence[RecordView]:
        """The newest records, newest first."""
        return [record_view(record) for record in await self._read(limit)]

    async def oldest_first(self) -> AsyncIterator[Record]:
        """Every record, oldest first."""
        numbers: list[int] = []
        before: int | None = None
        while page := await self._read(_PAGE, before):
            before = page[-1].number
            numbers.append(page[0].number)
        # Pages were walked from the newest; given out from the oldest, read again so that none is held meanwhile.
        for newest in reversed(numbers):
            for record in reversed(await self._read(_PAGE, newest + 1)):
                yield record

    async def _read(self, limit: int, before: int | None = None) -> Sequence[Record]:
        try:
            return await asyncio.to_thread(self._reader.records, limit, before)
        except JournalError as error:
            raise RecordsUnavailable(str(error)) from error


def record_view(record: Record) -> RecordView:
    """A record as the web interface shows it."""
    return RecordView(
        number=record.number,
        station=record.station,
        outlet=record.outlet,
        session_id=record.session_id,
        transaction_id=record.transaction_id,
        uid=record.uid,
        charge_type=record.charge_type,
        start_utc=utc_text(record.start),
        end_utc=utc_text(record.end),
        energy_wh=record.energy_wh,
        socket_type=record.socket,
        duration_s=record.duration_us // SECOND,
        reason=record.reason,
        comment=record.comment,
    )
