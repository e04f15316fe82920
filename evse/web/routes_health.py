"""REST: whether the station can do its work, for people and for whoever watches over many stations.

| status     | HTTP | when                                                                                              |
|------------|------|---------------------------------------------------------------------------------------------------|
| `ok`       | 200  | nothing is wrong                                                                                  |
| `degraded` | 200  | it works, but not all of it: a front end or a reader does not answer, the latched state is not    |
|            |      | restored yet, Snapshots come late; a central system was not told of a charge and will not be;     |
|            |      | settings, accounts or security log are not as they were left, or cannot be written                |
| `failed`   | 503  | nobody can be served: control is gone or does not react, the journal cannot be written or read    |

`reasons` says what, in words, the gravest first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from evse.core.units import SECOND
from evse.exchange.snapshot import StationView
from evse.web.ports import Condition, RecordSource, RecordsUnavailable, StationSource
from evse.web.stream import Hub

LATE_SNAPSHOT_US: Final = 2 * SECOND
"""Control sends a Snapshot every second even when nothing changes."""
JOURNAL_PATIENCE_S: Final = 1.0

Status = Literal["ok", "degraded", "failed"]


class Health(BaseModel):
    """Whether the station can do its work."""

    status: Status
    reasons: list[str]
    """What is wrong, in words, the gravest first; empty when `ok`."""
    control_connected: bool
    """Whether control is here and reacts."""
    snapshot_age_ms: int | None
    """Age of control's newest Snapshot; absent without connection."""
    journal_problem: str
    """Why sessions cannot be stored or records not be read; empty while both works."""
    station_uid: str
    stream_readers: int


def health_router(source: StationSource, records: RecordSource, hub: Hub) -> APIRouter:
    """The one route of this module."""
    router = APIRouter(prefix="/api", tags=["station"])

    @router.get(
        "/health",
        summary="Whether the station can do its work",
        description="200 while it can serve anybody (`ok`, `degraded`), 503 when it cannot (`failed`); the body is the same.",
        response_model=Health,
        responses={503: {"model": Health, "description": "`failed`; `reasons` says why."}},
    )
    async def health() -> Response:
        found = await look(source, records, hub.readers)
        return JSONResponse(found.model_dump(), status_code=503 if found.status == "failed" else 200)

    return router


async def look(source: StationSource, records: RecordSource, readers: int = 0) -> Health:
    """Judge the station as it is now."""
    view, condition = source.latest(), source.condition()
    journal = condition.journal_problem or await reading_problem(records)
    grave = list(_grave(view, condition, journal))
    reasons = [*grave, *_light(view, condition)]
    age_us = condition.snapshot_age_us
    return Health(
        status="failed" if grave else "degraded" if reasons else "ok",
        reasons=reasons,
        control_connected=view is not None,
        snapshot_age_ms=None if age_us is None else age_us // 1_000,
        journal_problem=journal,
        station_uid=view.station_uid if view else "",
        stream_readers=readers,
    )


async def reading_problem(records: RecordSource) -> str:
    """Try to read a record; return why that is impossible, empty when it is not."""
    try:
        await asyncio.wait_for(records.last(1), JOURNAL_PATIENCE_S)
    except RecordsUnavailable as error:
        return str(error)
    except TimeoutError:
        return f"journal: no answer within {JOURNAL_PATIENCE_S:.0f} s"
    return ""


def _grave(view: StationView | None, condition: Condition, journal: str) -> Iterator[str]:
    if not condition.connected:
        yield "control is not connected"
    elif view is None:
        yield f"control does not react: no Snapshot for {_seconds(condition)} s"
    if journal:
        yield journal


def _light(view: StationView | None, condition: Condition) -> Iterator[str]:
    if condition.supervision_problem:
        yield condition.supervision_problem
    if condition.memory_problem:
        yield condition.memory_problem
    if view is None:
        return
    if condition.snapshot_age_us is not None and condition.snapshot_age_us > LATE_SNAPSHOT_US:
        yield f"control's newest Snapshot is {_seconds(condition)} s old"
    if not view.restored:
        yield "what was latched before the start is not restored yet: nothing may charge"
    for outlet in view.outlets:
        if not outlet.link_ok:
            yield f"outlet {outlet.number}: {outlet.link_problem or 'the front end does not answer'}"
        if not outlet.reader_ok:
            yield f"outlet {outlet.number}, card reader: {outlet.reader_problem or 'it does not answer'}"


def _seconds(condition: Condition) -> str:
    return f"{(condition.snapshot_age_us or 0) / SECOND:.1f}"
