"""REST: publication of the charge records, and its TEST button."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from evse.services.security.events import SecurityKind
from evse.web.errors import Refusal, responses
from evse.web.publication_port import PublicationPort
from evse.web.security_log_port import Audit


class DeliveryModel(BaseModel):
    """How a delivery ended: `text` has the server's own words, or why it failed; `dropped`: it was the last try."""

    delivered: bool
    text: str
    dropped: bool
    at: str


class ReportModel(BaseModel):
    """A report that waits for delivery: the records `first` to `last`."""

    first: int
    last: int
    created: str
    tries: int
    next_try: str
    problem: str


class PublicationModel(BaseModel):
    """How publication stands. `last`: the last delivery since services began."""

    frequency: str
    protocol: str
    waiting: list[ReportModel]
    last: DeliveryModel | None


def publication_router(port: PublicationPort, audit: Audit) -> APIRouter:
    """Both routes of publication. ``audit``: what TEST has sent is noted, badge numbers leave the house with it."""
    router = APIRouter(prefix="/api/publication", tags=["records"])

    @router.get("", summary="How the publication of charge records stands", responses=responses(503))
    async def publication() -> PublicationModel:
        try:
            return PublicationModel(**asdict(await port.view()))
        except OSError as error:
            reason = error.strerror or "the disk does not answer"
            raise Refusal(
                503, f"what waits cannot be read: {reason}", "", None, "see /api/health", retry_after_s=5
            ) from error

    @router.post(
        "/test",
        summary="Try the oldest waiting report at once, or send a test file",
        description="Answers when the delivery has ended, with the server's own words; that may take two minutes.",
        responses=responses(403),
    )
    async def test_publication(request: Request) -> DeliveryModel:
        delivery = await port.test()
        if delivery.delivered:
            audit.note(request, SecurityKind.RECORDS_EXPORTED, "sent by the TEST button")
        return DeliveryModel(**asdict(delivery))

    return router
