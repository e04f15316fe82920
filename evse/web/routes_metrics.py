"""``/metrics`` for Prometheus."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter
from starlette.responses import Response

from evse.web.metrics import families
from evse.web.ports import RecordSource, StationSource
from evse.web.prometheus_text import CONTENT_TYPE, exposition
from evse.web.routes_health import reading_problem
from evse.web.stream import Hub


def program_version() -> str:
    """Version of the installed program, ``unknown`` in a tree that was never installed."""
    try:
        return version("evse-controller")
    except PackageNotFoundError:
        return "unknown"


def metrics_router(source: StationSource, records: RecordSource, hub: Hub) -> APIRouter:
    """The one route of this module."""
    router = APIRouter(tags=["station"])
    release = program_version()

    @router.get(
        "/metrics",
        summary="For Prometheus: text exposition format 0.0.4",
        response_class=Response,
        responses={200: {"content": {CONTENT_TYPE: {}}}},
    )
    async def metrics() -> Response:
        condition = source.condition()
        journal = condition.journal_problem or await reading_problem(records)
        text = exposition(families(source.latest(), condition, journal, hub.readers, release))
        return Response(text, media_type=CONTENT_TYPE)

    return router
