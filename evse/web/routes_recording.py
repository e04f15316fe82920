"""REST: what was done to the simulated station since it began, as a scenario file. Only mounted in simulation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from evse.web.errors import Refusal, responses
from evse.web.scenario_port import RecordingPort, ScenarioProblem

MEDIA_TYPE = "application/yaml"


def recording_router(port: RecordingPort) -> APIRouter:
    """The one route. Reading it changes nothing: the recording goes on."""
    router = APIRouter(prefix="/api", tags=["scenarios"])

    @router.get(
        "/recording",
        summary="The session so far as a scenario file for `evse sim`",
        response_class=Response,
        responses={200: {"content": {MEDIA_TYPE: {}}}, **responses(422, 503)},
    )
    async def recording(
        name: Annotated[str, Query(min_length=1, max_length=80, description="The scenario's name.")] = "a live session",
    ) -> Response:
        try:
            text = await port.scenario(name)
        except ScenarioProblem as error:
            raise Refusal(503, str(error), retry_after_s=2) from None
        headers = {"content-disposition": 'attachment; filename="recording.yaml"'}
        return Response(text, media_type=f"{MEDIA_TYPE}; charset=utf-8", headers=headers)

    return router
