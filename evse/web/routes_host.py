"""REST: the machine below the station: addresses in force and on trial, Wi-Fi card, name, time; and setting the clock by hand.

EVlink commissioning guide DOCA0060, chapter 3, `Network sub-tab` and `Date and time sub-tab`. What the machine should be
like is in the settings.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from evse.services.host.port import HostError
from evse.services.host.service import ClockRefused
from evse.services.host.wifi import WifiReport, WifiState, told
from evse.services.settings.addresses import Addresses
from evse.services.settings.service import Actor
from evse.web.errors import Refusal, responses
from evse.web.guard import Either
from evse.web.host_port import HostPort


class AddressesView(BaseModel):
    """Addresses; with `dhcp` they hold beside what the server gives. `second` is empty while the second outlet is hidden."""

    dhcp: bool
    address: str
    second: str
    mask: str
    gateway: str
    dns: list[str]


class WifiView(BaseModel):
    """The Wi-Fi card. `network`, `security`, `address`: what it works by, which is what the settings say unless `pending`: then
    they count after the station was without power for 5 s. `told`: all that in words.
    """

    network: str
    security: str
    address: str
    pending: bool
    state: WifiState
    told: str


class HostModel(BaseModel):
    """How the machine is set.

    `addresses` are in force, `null` on boards without network settings. `trial_s`: seconds until those of `confirmed` come
    back, unless somebody logs in by the new ones; `null` without a trial. `waiting`: addresses that count, on trial then, when the
    Wi-Fi card takes its new settings; `null` when none wait. `wifi`: `null` without a card, and while it does not answer. `utc`: what the clock shows. `ntp_server`: empty when
    the clock is set by hand. `announced`: name in the network view of a PC. `problem`: what the machine refuses.
    """

    name: str
    announced: str
    utc: str
    zone: str
    ntp_server: str
    addresses: AddressesView | None
    confirmed: AddressesView | None
    trial_s: float | None
    waiting: AddressesView | None
    wifi: WifiView | None
    problem: str


class ClockBody(BaseModel):
    """``utc``: ISO 8601 with seconds and `Z`, such as `2026-11-27T13:00:00Z`."""

    model_config = ConfigDict(extra="forbid", strict=True)
    utc: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


def host_router(port: HostPort) -> APIRouter:
    """The routes of the machine, and its description for the network view of a PC, which everybody may read."""
    whole, upnp = APIRouter(), APIRouter()
    router = APIRouter(prefix="/api/host", tags=["settings"])

    @router.get("", summary="How the machine is set: addresses, name, time", responses=responses(401, 403))
    async def host(_who: Either) -> HostModel:
        return _model(port)

    @upnp.get(
        "/upnp/description.xml",
        summary="The station's description for the network view of a PC",
        tags=["settings"],
        response_class=Response,
        responses={200: {"content": {"text/xml": {}}}},
    )
    async def upnp_description() -> Response:
        return Response(port.description(), media_type="text/xml")

    @router.post("/clock", summary="Set the clock by hand", responses=responses(401, 403, 409, 422, 503))
    async def set_clock(body: ClockBody, who: Either) -> HostModel:
        try:
            await port.set_clock(_utc_us(body.utc), Actor(who.account, who.role, who.source))
        except ClockRefused as error:
            raise Refusal(409, str(error), "body.utc") from error
        except HostError as error:
            raise Refusal(
                503, f"the clock is not set: {error}", "", None, "see /api/health", retry_after_s=5
            ) from error
        return _model(port)

    whole.include_router(router)
    whole.include_router(upnp)
    return whole


def _utc_us(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * 1_000_000
    except ValueError as error:
        raise Refusal(
            422, "there is no such day or time", "body.utc", "2025-01-01T00:00:00Z to 2099-12-31T23:59:59Z"
        ) from error


def _model(port: HostPort) -> HostModel:
    view = port.view()
    return HostModel(
        name=view.name,
        announced=port.announced(),
        utc=datetime.fromtimestamp(view.utc_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        zone=view.time.zone,
        ntp_server=view.time.server,
        addresses=_addresses(view.addresses),
        confirmed=_addresses(view.confirmed),
        trial_s=view.trial_s,
        waiting=_addresses(view.waiting),
        wifi=_wifi(view.wifi),
        problem=view.problem,
    )


def _wifi(report: WifiReport | None) -> WifiView | None:
    if report is None:
        return None
    return WifiView(
        network=report.network,
        security=report.security,
        address=report.address,
        pending=report.pending,
        state=report.state,
        told=told(report),
    )


def _addresses(addresses: Addresses | None) -> AddressesView | None:
    if addresses is None:
        return None
    return AddressesView(
        dhcp=addresses.dhcp,
        address=addresses.address,
        second=addresses.second,
        mask=addresses.mask,
        gateway=addresses.gateway,
        dns=list(addresses.dns),
    )
