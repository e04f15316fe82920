"""REST: restart and factory reset (EVlink commissioning guide DOCA0060, chapter 7, `Control sub-tab`)."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from evse.web.errors import Refusal, responses
from evse.web.guard import Admin, Either
from evse.web.ports import ControlPort


class ResetBody(BaseModel):
    """``confirm`` must be true. ``keep_badges``: absent, as the station's family does it (EVlink keeps them)."""

    model_config = ConfigDict(extra="forbid", strict=True)
    confirm: Literal[True]
    keep_badges: bool | None = None


class UnderWay(BaseModel):
    """The station restarts now; sessions end."""

    restarting: Literal[True] = True


def control_router(control: ControlPort, *, family_keeps_badges: bool) -> APIRouter:
    """The routes of the control sub-tab."""
    router = APIRouter(prefix="/api/control", tags=["control"])

    @router.post(
        "/restart", summary="Restart the station (both accounts)", status_code=202, responses=responses(401, 403)
    )
    async def restart_station(who: Either) -> UnderWay:
        await control.restart(who.account, who.source)
        return UnderWay()

    @router.post(
        "/factory-reset",
        summary="Back to the factory settings: settings, records, passwords go (admin only)",
        status_code=202,
        responses=responses(401, 403, 422, 503),
    )
    async def factory_reset(body: ResetBody, who: Admin) -> UnderWay:
        keep = family_keeps_badges if body.keep_badges is None else body.keep_badges
        try:
            await control.factory_reset(who.account, who.source, keep_badges=keep)
        except OSError as error:
            reason = error.strerror or "the disk does not answer"
            raise Refusal(503, f"nothing is reset: {reason}", "", None, "see /api/health", retry_after_s=5) from error
        return UnderWay()

    return router
