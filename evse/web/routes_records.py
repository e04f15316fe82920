"""REST: charge records, as JSON and as CSV."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from evse.web.errors import Refusal, responses
from evse.web.ports import RecordSource, RecordsUnavailable, RecordView

SEPARATORS = {"semicolon": ";", "comma": ",", "tab": "\t"}
DECIMALS = {"comma": ",", "point": "."}
_COLUMNS: tuple[tuple[str, Callable[[RecordView], str]], ...] = (
    ("Number", lambda record: str(record.number)),
    ("Station", lambda record: record.station),
    ("Outlet", lambda record: str(record.outlet)),
    ("Session", lambda record: record.session_id),
    ("Transaction", lambda record: record.transaction_id),
    ("UID", lambda record: record.uid),
    ("Type of charge", lambda record: record.charge_type),
    ("Start (UTC)", lambda record: record.start_utc),
    ("End (UTC)", lambda record: record.end_utc),
    ("Energy (kWh)", lambda record: f"{record.energy_wh // 1000}.{record.energy_wh % 1000:03d}"),
    ("Socket type", lambda record: record.socket_type),
    ("Duration (s)", lambda record: str(record.duration_s)),
    ("Reason", lambda record: record.reason),
    ("Comment", lambda record: record.comment),
)
_ENERGY = "Energy (kWh)"
_CHUNK = 16 * 1024
INCOMPLETE = "INCOMPLETE"
"""Beginning of an export's last line when not every record could be read."""


def csv_cell(text: str, separator: str) -> str:
    """One cell: quoted where needed, and never one that a spreadsheet would take for a formula.

    A text that begins with ``=``, ``+``, ``-``, ``@``, tab or carriage return gets an apostrophe in front, and so does
    one that begins with an apostrophe, so that taking one apostrophe away gives the text back.
    """
    if text[:1] in ("=", "+", "-", "@", "\t", "\r", "'"):
        text = "'" + text
    if separator in text or re.search(r'["\r\n]', text):
        text = '"' + text.replace('"', '""') + '"'
    return text


async def csv_chunks(
    records: AsyncIterator[RecordView], separator: str = ";", decimal: str = ","
) -> AsyncIterator[bytes]:
    """The export in pieces of some 16 kB: UTF-8 with byte-order mark, CR LF, a heading line.

    Raises RecordsUnavailable before the first piece. When the records cannot be read any further later on, the last line
    says so instead of a record: a shortened export never looks like a whole one.
    """
    text = "\ufeff" + separator.join(csv_cell(name, separator) for name, _ in _COLUMNS) + "\r\n"
    begun = False
    try:
        async for record in records:
            cells = [
                csv_cell(value(record).replace(".", decimal) if name == _ENERGY else value(record), separator)
                for name, value in _COLUMNS
            ]
            text += separator.join(cells) + "\r\n"
            if len(text) > _CHUNK:
                yield text.encode()
                text, begun = "", True
    except RecordsUnavailable as error:
        if not begun:
            raise
        text += csv_cell(f"{INCOMPLETE}: {error}", separator) + "\r\n"
    yield text.encode()


async def _first_ready(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """``chunks`` with the first one made already, so that its failure can still change the answer's status."""
    first = await anext(chunks)

    async def all_chunks() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    return all_chunks()


def unavailable(error: RecordsUnavailable) -> Refusal:
    """The refusal while the journal cannot be read."""
    return Refusal(503, f"the charge records cannot be read: {error}", "", None, "see /api/health", retry_after_s=5)


def record_router(records: RecordSource) -> APIRouter:
    """The routes of the charge records."""
    router = APIRouter(prefix="/api", tags=["records"])

    @router.get("/records", summary="The newest charge records, newest first", responses=responses(422, 503))
    async def newest(
        limit: Annotated[int, Query(ge=1, le=3000, description="At most so many.")] = 30,
    ) -> Sequence[RecordView]:
        try:
            return await records.last(limit)
        except RecordsUnavailable as error:
            raise unavailable(error) from error

    @router.get(
        "/records.csv",
        summary="Every charge record as CSV, oldest first",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {}}}, **responses(422, 503)},
    )
    async def export(
        separator: Annotated[Literal["semicolon", "comma", "tab"], Query(description="Between fields.")] = "semicolon",
        decimal: Annotated[Literal["comma", "point"], Query(description="In the energy.")] = "comma",
    ) -> Response:
        chunks = csv_chunks(records.oldest_first(), SEPARATORS[separator], DECIMALS[decimal])
        try:
            ready = await _first_ready(chunks)
        except RecordsUnavailable as error:
            raise unavailable(error) from error
        return StreamingResponse(
            ready,
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="charge-records.csv"'},
        )

    return router
