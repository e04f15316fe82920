"""REST: the security log (administrator only)."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from evse.services.security.chain import line_of
from evse.web.errors import Refusal, responses
from evse.web.guard import Admin
from evse.web.security_log_port import SecurityLogPort

ALL = 1_000_000


class EntryView(BaseModel):
    """One entry. `utc` is ISO 8601, empty while the clock was not set; `uid` is masked; `hash` covers the entry and, by `prev`, all
    before it.
    """

    n: int
    utc: str
    quality: str
    boot: str
    mono_us: int
    kind: str
    actor: str
    source: str
    detail: str
    uid: str
    prev: str
    hash: str


class SecurityLogView(BaseModel):
    """Entries, newest first. `sound`: the chain of everything kept is whole; `problems` says where it is not."""

    entries: list[EntryView]
    kept: int
    sound: bool
    problems: list[str]


class ClearBody(BaseModel):
    """``confirm`` must be true."""

    model_config = ConfigDict(extra="forbid", strict=True)
    confirm: Literal[True]


def security_log_router(log: SecurityLogPort) -> APIRouter:
    """The routes of the security log."""
    router = APIRouter(prefix="/api/security-log", tags=["maintenance"])

    async def view(limit: int, before: int | None) -> SecurityLogView:
        try:
            entries, verdict = await log.newest(limit, before), await log.verify()
        except OSError as error:
            raise _unreadable(error) from error
        shown = [EntryView.model_validate(entry.as_dict()) for entry in entries]
        return SecurityLogView(
            entries=shown, kept=verdict.entries, sound=verdict.sound, problems=list(verdict.problems)
        )

    @router.get(
        "", summary="The newest entries of the security log, newest first", responses=responses(401, 403, 422, 503)
    )
    async def security_log(
        _who: Admin,
        limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 100,
        before: Annotated[int | None, Query(ge=1, description="Only entries with a lower number.")] = None,
    ) -> SecurityLogView:
        return await view(limit, before)

    @router.get(
        "/file",
        summary="The whole log as it is kept: one line of JSON for each entry, oldest first",
        response_class=Response,
        responses={200: {"content": {"application/x-ndjson": {}}}, **responses(401, 403, 503)},
    )
    async def security_log_file(_who: Admin) -> Response:
        try:
            entries = await log.newest(ALL)
        except OSError as error:
            raise _unreadable(error) from error
        return Response(
            b"".join(map(line_of, reversed(entries))),
            media_type="application/x-ndjson",
            headers={"content-disposition": 'attachment; filename="security.log"'},
        )

    @router.post("/clear", summary="Clear the log; who did stays in it", responses=responses(401, 403, 422, 503))
    async def clear_security_log(_body: ClearBody, who: Admin) -> SecurityLogView:
        try:
            await log.clear(who.account, who.source)
        except OSError as error:
            reason = error.strerror or "the disk does not answer"
            raise Refusal(
                503, f"the log is not cleared: {reason}", "", None, "see /api/health", retry_after_s=5
            ) from error
        return await view(100, None)

    return router


def _unreadable(error: OSError) -> Refusal:
    reason = error.strerror or "the disk does not answer"
    return Refusal(503, f"the security log cannot be read: {reason}", "", None, "see /api/health", retry_after_s=5)
