"""REST: the house connection (domestic connection monitoring)."""

from __future__ import annotations

from fastapi import APIRouter

from evse.web.errors import Refusal, responses
from evse.web.house_port import HousePort, HouseView


def house_router(house: HousePort) -> APIRouter:
    """The one route of this module; it exists where the station can have a house meter."""
    router = APIRouter(prefix="/api", tags=["station"])

    @router.get(
        "/house",
        summary="The house connection and its meter",
        description="What the house takes, what that leaves for charging, and why the meter's readings do not rule if they do not.",
        response_model=HouseView,
        responses=responses(404),
    )
    async def house_connection() -> HouseView:
        view = house.house()
        if view is None:
            raise Refusal(
                404,
                "domestic connection monitoring is off",
                "/api/house",
                None,
                "switch the setting house.monitoring on",
            )
        return view

    return router
