"""REST: run a shipped scenario in virtual time and see its verdict. Only mounted in simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from evse.web.errors import Refusal, responses
from evse.web.scenario_port import ScenarioInfo, ScenarioPort, ScenarioProblem


class RunBody(BaseModel):
    """How to run it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seed: int | None = Field(
        default=None, ge=0, le=2**31, description="Behind every random stream; absent: the scenario's own."
    )
    dumb: bool = Field(default=False, description="Front ends without an interlock of their own.")


class RunAnswer(BaseModel):
    """What came of the run."""

    verdict: Mapping[str, Any]
    """As `evse sim --json` prints it."""
    timeline: Sequence[str]
    seconds: float
    """Real time that it took."""


def scenario_router(port: ScenarioPort) -> APIRouter:
    """The routes of the scenario runner. Nothing here touches the station: each run is a station of its own."""
    router = APIRouter(prefix="/api/scenarios", tags=["scenarios"])

    async def known() -> Sequence[ScenarioInfo]:
        try:
            return await port.available()
        except ScenarioProblem as error:
            raise Refusal(503, str(error), retry_after_s=2) from None

    @router.get("", summary="The scenarios that can be run", responses=responses(503))
    async def scenarios() -> list[ScenarioInfo]:
        return list(await known())

    @router.post(
        "/{name}/run",
        summary="Run a scenario in virtual time, on a station of its own",
        responses=responses(400, 403, 404, 409, 413, 415, 422, 503),
    )
    async def run(name: Annotated[str, Path(max_length=80)], body: RunBody | None = None) -> RunAnswer:
        wanted = body or RunBody()
        names = [each.name for each in await known()]
        if name not in names:
            raise Refusal(404, f"there is no scenario {name!r}", "path.name", names)
        try:
            result = await port.run(name, wanted.seed, wanted.dumb)
        except ScenarioProblem as error:
            raise Refusal(409, str(error)) from None
        if result is None:
            raise Refusal(503, "another scenario is running", "", None, "try again when it is done", retry_after_s=2)
        return RunAnswer(verdict=result.verdict, timeline=result.timeline, seconds=result.seconds)

    return router
