"""REST: firmware (EVlink commissioning guide DOCA0060, chapter 7, `Firmware update sub-tab`; administrator only)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from evse.services.accounts.sessions import Session
from evse.services.firmware.manifest import PackageError
from evse.services.settings.service import Actor
from evse.web.errors import Refusal, responses
from evse.web.firmware_port import FirmwarePort
from evse.web.guard import Admin

T = TypeVar("T")


class FirmwareView(BaseModel):
    """How firmware stands; versions are empty where there is none.

    ``running``: at work now. ``trial``: it has to be confirmed, by itself after a minute in which everything works.
    ``staged``: waits for its trial. ``confirmed``: to which a trial that fails returns. ``returned``: whose trial failed
    last. ``floor``: packages with a lower rollback number are refused. ``keys``: how many makers are trusted.
    """

    running: str
    trial: bool
    staged: str
    confirmed: str
    returned: str
    floor: int
    keys: int


class StagedView(BaseModel):
    """The package that was taken."""

    product: str
    version: str
    rollback: int
    files: list[str]


class VersionView(BaseModel):
    """The version that the request was about. ``restarting``: the station restarts now; sessions end."""

    version: str
    restarting: bool


def firmware_router(port: FirmwarePort) -> APIRouter:
    """The routes of the firmware."""
    router = APIRouter(prefix="/api/firmware", tags=["maintenance"])
    refusing = responses(401, 403, 409, 503)

    @router.get("", summary="Which firmware runs, waits, is on trial (admin only)", responses=responses(401, 403, 503))
    async def firmware(_who: Admin) -> FirmwareView:
        return FirmwareView(**asdict(await _done(port.state)))

    @router.post(
        "/package",
        summary="Upload a signed package; it is checked and kept for its trial (admin only)",
        description="The body is the file (`.zip`, THØR `.keb`) with `Content-Type: application/zip`. Refused whole with "
        "409 and the reason; what runs stays as it is.",
        responses=responses(401, 403, 408, 409, 413, 415, 503),
        openapi_extra={
            "requestBody": {
                "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
                "required": True,
            }
        },
    )
    async def upload_firmware(request: Request, who: Admin) -> StagedView:
        manifest = await _done(lambda: port.upload(request.stream(), _actor(who)))
        return StagedView(
            product=manifest.product,
            version=manifest.version,
            rollback=manifest.rollback,
            files=[each.name for each in manifest.files],
        )

    @router.post(
        "/install",
        summary="Restart into the staged version, on trial (admin only)",
        status_code=202,
        responses=refusing,
    )
    async def install_firmware(who: Admin) -> VersionView:
        return VersionView(version=await _done(lambda: port.install(_actor(who))), restarting=True)

    @router.post("/confirm", summary="The version on trial works: keep it (admin only)", responses=refusing)
    async def confirm_firmware(who: Admin) -> VersionView:
        return VersionView(version=await _done(lambda: port.confirm(_actor(who))), restarting=False)

    @router.post(
        "/return",
        summary="Forget the staged version, or restart into the one before the trial (admin only)",
        responses=refusing,
    )
    async def return_firmware(who: Admin) -> VersionView:
        trial = (await _done(port.state)).trial
        return VersionView(version=await _done(lambda: port.give_back(_actor(who))), restarting=trial)

    return router


def _actor(who: Session) -> Actor:
    return Actor(who.account, who.role, who.source)


async def _done(action: Callable[[], Awaitable[T]]) -> T:
    try:
        return await action()
    except ClientDisconnect as error:
        raise Refusal(
            408, "the package did not arrive whole", "body", None, "the firmware stays as it is; send it again"
        ) from error
    except PackageError as error:
        raise Refusal(409, str(error), "", None, "the firmware stays as it is; GET /api/firmware shows it") from error
    except OSError as error:
        reason = error.strerror or "the disk does not answer"
        raise Refusal(503, f"nothing was done: {reason}", "", None, "see /api/health", retry_after_s=5) from error
