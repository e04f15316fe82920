"""REST of a charging network: what a slave offers its master, and what a master tells people of its slaves.

The two paths of the slave need no login (docs/decisions/0017-a-slave-believes-the-makers-signature.md): what comes in is
judged by the maker's signature. Everything else of the station stays behind its accounts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from evse.core.units import SECOND
from evse.services.firmware.manifest import PackageError
from evse.services.firmware.turnstile import Wait
from evse.web.errors import Refusal, responses
from evse.web.guard import Admin, source_of
from evse.web.neighbour_port import Alone, MasterPort, SlavePort
from evse.web.security import SLAVE_PACKAGE

T = TypeVar("T")


class NeighbourView(BaseModel):
    """How the firmware of a slave stands. ``version``: the confirmed one; ``floor``: the least rollback number it takes.

    ``staged``: waits for its trial; ``trial``: a version is on trial; ``returned``: whose trial failed last. ``plugged``: a vehicle is
    plugged in, or nobody knows.
    """

    serial: str
    product: str
    version: str
    floor: int
    staged: str
    trial: bool
    returned: str
    plugged: bool


class BroughtView(BaseModel):
    """The version that was taken; the station restarts into it now, on trial."""

    version: str


class SlaveView(BaseModel):
    """One slave. ``version``: empty while unknown; ``standing``: in words; ``note``: what went wrong last."""

    serial: str
    version: str
    standing: str
    note: str


class SlavesView(BaseModel):
    """The slaves of this master. ``problem``: what keeps it from them."""

    slaves: list[SlaveView]
    problem: str


def slave_router(slave: SlavePort) -> APIRouter:
    """The routes of a slave."""
    router = APIRouter(prefix="/api/neighbour", tags=["charging network"])

    @router.get("", summary="A slave: how its firmware stands, for its master", responses=responses(403, 503))
    async def neighbour() -> NeighbourView:
        return NeighbourView(**asdict(await _done(slave.about)))

    @router.post(
        SLAVE_PACKAGE.removeprefix("/api/neighbour"),
        summary="A slave: take a newer signed package and try it, for its master",
        description="The body is the package as `Content-Type: application/zip`, manifest and signature first and not "
        "compressed. 409: refused, with the reason; 429: one at a time, and a pause after a refusal.",
        status_code=202,
        responses=responses(403, 409, 413, 415, 429, 503),
        openapi_extra={
            "requestBody": {
                "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
                "required": True,
            }
        },
    )
    async def bring_firmware(request: Request) -> BroughtView:
        manifest = await _done(lambda: slave.take(request.stream(), source_of(request)))
        return BroughtView(version=manifest.version)

    return router


def master_router(master: MasterPort) -> APIRouter:
    """The route of a master."""
    router = APIRouter(prefix="/api/firmware", tags=["maintenance"])

    @router.get("/slaves", summary="A master: how the firmware of its slaves stands (admin only)",
                responses=responses(401, 403))  # fmt: skip
    async def firmware_slaves(_who: Admin) -> SlavesView:
        return SlavesView(slaves=[SlaveView(**asdict(each)) for each in master.slaves()], problem=master.problem)

    return router


async def _done(action: Callable[[], Awaitable[T]]) -> T:
    try:
        return await action()
    except Alone as error:
        raise Refusal(403, str(error), "", None, "a charging network begins at its DIP switches") from error
    except Wait as error:
        wait_s = -(-error.wait_us // SECOND)
        raise Refusal(429, str(error), "", None, f"come again in {wait_s} s", retry_after_s=wait_s) from error
    except PackageError as error:
        raise Refusal(409, str(error), "", None, "the firmware stays as it is") from error
    except (ClientDisconnect, TimeoutError) as error:
        raise Refusal(408, "the package did not arrive", "body", None, "send it again") from error
    except OSError as error:
        reason = error.strerror or "the disk does not answer"
        raise Refusal(503, f"nothing was done: {reason}", "", None, "see /api/health", retry_after_s=5) from error
