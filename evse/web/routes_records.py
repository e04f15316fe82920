"""REST: charge records, as JSON and as CSV."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from evse.web.errors import responses
from evse.web.ports import RecordSource, RecordView

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
    """The export in pieces of some 16 kB: UTF-8 with byte-order mark, CR LF, a heading line."""
    text = "\ufeff" + separator.join(csv_cell(name, separator) for name, _ in _COLUMNS) + "\r\n"
    async for record in records:
        cells = [
            csv_cell(value(record).replace(".", decimal) if name == _ENERGY else value(record), separator)
            for name, value in _COLUMNS
        ]
        text += separator.join(cells) + "\r\n"
        if len(text) > _CHUNK:
            yield text.encode()
            text = ""
    yield text.encode()


def record_router(records: RecordSource) -> APIRouter:
    """The routes of the charge records."""
    router = APIRouter(prefix="/api", tags=["records"])

    @router.get("/records", summary="The newest charge records, newest first", responses=responses(422))
    async def newest(
        limit: Annotated[int, Query(ge=1, le=3000, description="At most so many.")] = 30,
    ) -> Sequence[RecordView]:
        return await records.last(limit)

    @router.get(
        "/records.csv",
        summary="Every charge record as CSV, oldest first",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {}}}, **responses(422)},
    )
    async def export(
        separator: Annotated[Literal["semicolon", "comma", "tab"], Query(description="Between fields.")] = "semicolon",
        decimal: Annotated[Literal["comma", "point"], Query(description="In the energy.")] = "comma",
    ) -> Response:
        return StreamingResponse(
            csv_chunks(records.oldest_first(), SEPARATORS[separator], DECIMALS[decimal]),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="charge-records.csv"'},
        )

    return router
