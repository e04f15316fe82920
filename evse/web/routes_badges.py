"""REST: the badge list, its file, and teaching badges at the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from evse.services.security.events import SecurityKind
from evse.web.badge_port import BadgeKind, BadgePort, BadgeProblem, BadgesView, TeachingView
from evse.web.errors import Refusal, responses
from evse.web.security_log_port import Audit

UID_TEXT = r"^[0-9A-Fa-f :-]{8,40}$"
Uid = Annotated[str, Field(pattern=UID_TEXT, description="4, 7, 8 or 10 bytes in hexadecimal, in any usual spelling.")]
Comment = Annotated[str, Field(max_length=50, description="0 to 50 printable characters; shown in charge records.")]
NOTED_ONE_BY_ONE = 10
"""Up to so many badges of one request the security log names each."""
_STATUS = {"unknown": 404, "refused": 409, "unavailable": 503}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewBadge(_Body):
    """A badge for the list."""

    uid: Uid
    type: BadgeKind = "User"
    comment: Comment = ""


class ChangeBadges(_Body):
    """Other properties for some badges, all or none of them; what is absent stays."""

    uids: Annotated[list[Uid], Field(min_length=1, max_length=1000)]
    type: BadgeKind | None = None
    comment: Comment | None = None


class RemoveBadges(_Body):
    """Badges that leave the list, all or none of them."""

    uids: Annotated[list[Uid], Field(min_length=1, max_length=1000)]


class RemoveAll(_Body):
    """The whole list is emptied."""

    confirm: Literal[True] = Field(description="`true`: yes, every badge.")


class Teach(_Body):
    """Badges held to the reader are added or deleted, until 30 s after the last one."""

    mode: Literal["add", "delete"]
    outlet: Annotated[int, Field(ge=0, le=99, description="Whose reader; 0: every reader of the station.")] = 0


class ImportedBody(BaseModel):
    """How many badges the list has now."""

    badges: int


def _refusal(problem: BadgeProblem) -> Refusal:
    return Refusal(
        _STATUS[problem.kind],
        problem.reason,
        "body" if problem.details else "",
        problem.details or None,
        "nothing has changed" if problem.kind != "unavailable" else "see /api/health",
        retry_after_s=5 if problem.kind == "unavailable" else None,
    )


def badge_router(port: BadgePort, audit: Audit) -> APIRouter:
    """The routes of the badges. ``audit``: who changed, took or gave the list is noted."""
    router = APIRouter(prefix="/api", tags=["badges"])
    changing = responses(400, 403, 404, 409, 413, 415, 422, 503)

    def view() -> BadgesView:
        try:
            return port.view()
        except BadgeProblem as problem:
            raise _refusal(problem) from None

    @router.get("/badges", summary="The badge list and the teaching under way", responses=responses(503))
    async def badges() -> BadgesView:
        return view()

    @router.post("/badges/add", summary="Add a badge", responses=changing)
    async def add_badge(body: NewBadge, request: Request) -> BadgesView:
        with _noted(
            lambda waits: audit.note(request, SecurityKind.BADGES_CHANGED, f"added as {body.type}{waits}", body.uid)
        ):
            await port.add(body.uid, body.type, body.comment)
        return view()

    @router.post("/badges/change", summary="Change type or comment of badges", responses=changing)
    async def change_badges(body: ChangeBadges, request: Request) -> BadgesView:
        if body.type is None and body.comment is None:
            raise Refusal(422, "nothing to change", "body", ["type", "comment"])
        kind = f"type {body.type}" if body.type is not None else ""
        what = " and ".join(filter(None, (kind, "comment" if body.comment is not None else "")))
        with _noted(lambda waits: _note_each(audit, request, body.uids, f"{what} changed{waits}")):
            await port.change(body.uids, body.type, body.comment)
        return view()

    @router.post("/badges/remove", summary="Remove badges", responses=changing)
    async def remove_badges(body: RemoveBadges, request: Request) -> BadgesView:
        with _noted(lambda waits: _note_each(audit, request, body.uids, f"removed{waits}")):
            await port.remove(body.uids)
        return view()

    @router.post("/badges/remove-all", summary="Remove every badge", responses=changing)
    async def remove_all_badges(body: RemoveAll, request: Request) -> BadgesView:
        with _noted(lambda waits: audit.note(request, SecurityKind.BADGES_CHANGED, f"every badge removed{waits}")):
            await port.remove_all()
        return view()

    _add_teaching(router, port, audit)
    _add_file(router, port, audit)
    return router


@contextmanager
def _noted(note: Callable[[str], None]) -> Iterator[None]:
    """Note a change that is stored, and one that will be as soon as the disk takes it; refuse the others."""
    try:
        yield
    except BadgeProblem as problem:
        if problem.kind == "unavailable":
            note(", as soon as the disk takes it")
        raise _refusal(problem) from None
    note("")


def _note_each(audit: Audit, request: Request, uids: list[Uid], detail: str) -> None:
    """One entry for each badge, or one for all of them when they are many."""
    if len(uids) > NOTED_ONE_BY_ONE:
        audit.note(request, SecurityKind.BADGES_CHANGED, f"{len(uids)} badges: {detail}")
        return
    for uid in uids:
        audit.note(request, SecurityKind.BADGES_CHANGED, detail, uid)


def _add_teaching(router: APIRouter, port: BadgePort, audit: Audit) -> None:
    changing = responses(400, 403, 404, 409, 413, 415, 422, 503)

    @router.post("/badges/teach", summary="Begin to add or delete badges at the reader", responses=changing)
    async def teach_badges(body: Teach, request: Request) -> TeachingView:
        try:
            teaching = port.teach(body.mode, body.outlet)
        except BadgeProblem as problem:
            raise _refusal(problem) from None
        audit.note(request, SecurityKind.BADGES_CHANGED, f"teaching at the reader begins: {body.mode}")
        return teaching

    @router.post("/badges/stop-teaching", summary="The readers serve charges again", responses=changing)
    async def stop_teaching_badges() -> BadgesView:
        try:
            port.stop_teaching()
            return port.view()
        except BadgeProblem as problem:
            raise _refusal(problem) from None


def _add_file(router: APIRouter, port: BadgePort, audit: Audit) -> None:
    @router.get(
        "/badges.csv",
        summary="The badge list as a file that any station takes",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}, **responses(503)},
    )
    async def export_badges(request: Request) -> Response:
        try:
            data = await port.export()
        except BadgeProblem as problem:
            raise _refusal(problem) from None
        audit.note(request, SecurityKind.BADGES_EXPORTED)
        headers = {"content-disposition": 'attachment; filename="badges.csv"'}
        return Response(data, media_type="text/csv; charset=utf-8", headers=headers)

    @router.post(
        "/badges/import",
        summary="Replace the whole list by that of a file",
        description="The body is the file as it was exported, with `Content-Type: text/csv`. An edited file is refused "
        "whole; `allowed` of the error body then names every line that is wrong.",
        responses=responses(403, 409, 413, 415, 503),
        openapi_extra={"requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}, "required": True}},
    )
    async def import_badges(request: Request) -> ImportedBody:
        try:
            badges = await port.take_file(await request.body())
        except BadgeProblem as problem:
            audit.note(request, SecurityKind.IMPORT_REFUSED, f"badges: {problem.reason}")
            raise _refusal(problem) from None
        audit.note(request, SecurityKind.BADGES_IMPORTED, f"{badges} badges")
        return ImportedBody(badges=badges)
