"""REST: charge records, as JSON and as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from evse.services.records import (
    FACTORY_FORMAT,
    CsvFormat,
    DecimalSeparator,
    FieldSeparator,
    Record,
    csv_heading,
    csv_lines,
    csv_remark,
)
from evse.services.security.events import SecurityKind
from evse.web.errors import Refusal, responses
from evse.web.ports import RecordSource, RecordsUnavailable, RecordView
from evse.web.security_log_port import Audit

SEPARATORS = {
    "semicolon": FieldSeparator.SEMICOLON,
    "comma": FieldSeparator.COMMA,
    "tab": FieldSeparator.TAB,
}
DECIMALS = {"comma": DecimalSeparator.COMMA, "point": DecimalSeparator.DOT}
_PIECE = 100
INCOMPLETE = "INCOMPLETE"
"""Beginning of an export's last line when not every record could be read."""


async def csv_chunks(records: AsyncIterator[Record], form: CsvFormat = FACTORY_FORMAT) -> AsyncIterator[bytes]:
    """The export in pieces of a hundred records: UTF-8 with byte-order mark, the columns of :mod:`evse.services.records`.

    Raises RecordsUnavailable before the first piece. When the records cannot be read any further later on, the last line
    says so instead of a record: a shortened export never looks like a whole one.
    """
    text = "\ufeff" + csv_heading(form)
    waiting: list[Record] = []
    begun, end = False, ""
    try:
        async for record in records:
            waiting.append(record)
            if len(waiting) == _PIECE:
                yield (text + csv_lines(waiting, form)).encode()
                text, begun = "", True
                waiting.clear()
    except RecordsUnavailable as error:
        if not begun:
            raise
        end = csv_remark(f"{INCOMPLETE}: {error}", form)
    yield (text + csv_lines(waiting, form) + end).encode()


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


def record_router(records: RecordSource, audit: Audit) -> APIRouter:
    """The routes of the charge records. ``audit``: an export is noted, badge numbers leave the house with it."""
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
        request: Request,
        separator: Annotated[Literal["semicolon", "comma", "tab"], Query(description="Between fields.")] = "semicolon",
        decimal: Annotated[Literal["comma", "point"], Query(description="In the energy.")] = "comma",
    ) -> Response:
        chunks = csv_chunks(records.oldest_first(), CsvFormat(SEPARATORS[separator], DECIMALS[decimal]))
        try:
            ready = await _first_ready(chunks)
        except RecordsUnavailable as error:
            raise unavailable(error) from error
        audit.note(request, SecurityKind.RECORDS_EXPORTED)
        return StreamingResponse(
            ready,
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="charge-records.csv"'},
        )

    return router
