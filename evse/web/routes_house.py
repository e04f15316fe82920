"""REST: the house connection (domestic connection monitoring)."""

from __future__ import annotations

from fastapi import APIRouter

from evse.web.house_port import HousePort, HouseView


def house_router(house: HousePort) -> APIRouter:
    """The one route of this module; it exists where the station has a house meter."""
    router = APIRouter(prefix="/api", tags=["station"])

    @router.get(
        "/house",
        summary="The house connection and its meter",
        description="What the house takes, what that leaves for charging, and why the meter's readings do not rule if they do not.",
        response_model=HouseView,
    )
    async def house_connection() -> HouseView:
        return house.house()

    return router
