"""REST: the station, its outlets, events, and the commands to an outlet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ValidationError
from starlette.responses import Response, StreamingResponse

from evse.core.commands import Command
from evse.core.config import Access
from evse.exchange.snapshot import OutletView, StationView
from evse.web import commands
from evse.web.commands import Envelope, PlainBody, StartBody, StationLimitBody
from evse.web.errors import Refusal, responses
from evse.web.ports import NotConnected, Outcome, StationSource
from evse.web.serial import event_value
from evse.web.stream import EventStream, Hub, TooManyReaders

ANSWER_MARGIN_S = 2.0
"""How much longer than its time to live a command's acknowledgement is awaited."""

NOT_REMOTE = "charges are not released remotely at this outlet"
OutletNumber = Annotated[int, Path(ge=1, le=99, description="The outlet's number, from 1.")]
Body = TypeVar("Body", bound=PlainBody)
Maker = Callable[[Any, Envelope, int], Command]


class EventBody(BaseModel):
    """One event."""

    sequence: int
    at_us: int
    """Microseconds on control's clock of this boot."""
    type: str
    outlet: int
    """0 is the station itself."""
    data: dict[str, Any]
    """The event's own fields."""


class OutcomeBody(BaseModel):
    """What became of a command: here always `done`; a refusal has the error body and status 409."""

    outcome: str
    reason: str
    command_id: str


def connected_view(source: StationSource) -> StationView:
    """The newest view; 503 while control is not connected."""
    view = source.latest()
    if view is None:
        raise Refusal(503, "control is not connected", "", None, "it comes back by itself", retry_after_s=1)
    return view


def outlet_of(view: StationView, number: int) -> OutletView:
    """The outlet with this number; 404 with the numbers that exist."""
    for outlet in view.outlets:
        if outlet.number == number:
            return outlet
    raise Refusal(404, f"there is no outlet {number}", "path.number", [str(each.number) for each in view.outlets])


async def settled(answer: asyncio.Future[Outcome] | Any, limit_s: float) -> Outcome:
    """Wait for an outcome and turn everything but ``done`` into the refusal of this interface."""
    try:
        outcome: Outcome = await asyncio.wait_for(answer, limit_s)
    except NotConnected:
        raise Refusal(503, "control is not connected", "", None, "it comes back by itself", retry_after_s=1) from None
    except TimeoutError:
        raise Refusal(504, "no acknowledgement in time", "", None, "look at the station before trying again") from None
    if outcome.outcome == "refused":
        raise Refusal(409, outcome.reason or "refused")
    if outcome.outcome == "expired":
        raise Refusal(504, outcome.reason or "the command expired before the station took it", "body.ttl_ms")
    return outcome


def station_router(source: StationSource, hub: Hub) -> APIRouter:
    """Reading: station, outlets, events, stream."""
    router = APIRouter(prefix="/api", tags=["station"])

    @router.get("/station", summary="The whole station", responses=responses(503))
    async def station() -> StationView:
        return connected_view(source)

    @router.get("/outlets/{number}", summary="One outlet", responses=responses(404, 422, 503))
    async def outlet(number: OutletNumber) -> OutletView:
        return outlet_of(connected_view(source), number)

    @router.get("/events", summary="Recent events, oldest first", responses=responses(422))
    async def events(
        limit: Annotated[int, Query(ge=1, le=1000, description="At most so many, the newest.")] = 200,
        outlet: Annotated[int | None, Query(ge=0, le=99, description="Of this outlet only; 0 = station.")] = None,
    ) -> Sequence[EventBody]:
        return [EventBody(**event_value(record)) for record in source.recent_events(limit, outlet)]

    @router.get(
        "/stream",
        summary="Live changes as server-sent events",
        description="Each message is JSON: `connected`, `station` (null when unchanged), `outlets` (those that changed), "
        "`events`, `lost_events`. The first message is complete. At most ten messages a second.",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}, **responses(503)},
    )
    async def stream() -> Response:
        try:
            mailbox = hub.open()
        except TooManyReaders:
            raise Refusal(
                503, "all places at the stream are taken", "", None, "close another page", retry_after_s=5
            ) from None
        return EventStream(hub.messages(mailbox))

    return router


def command_router(source: StationSource, new_id: Callable[[], str]) -> APIRouter:
    """Changing: one route per command to an outlet, and the station's limit."""
    router = APIRouter(prefix="/api", tags=["commands"])

    async def give(number: int, given: Body, make: Callable[[Body, Envelope, int], Command]) -> OutcomeBody:
        view = connected_view(source)
        if number:
            outlet = outlet_of(view, number)
            if isinstance(given, StartBody) and outlet.access != Access.REMOTE:
                raise Refusal(409, NOT_REMOTE, "path.number", Access.REMOTE.value, "see the authentication settings")
        common = commands.envelope(given, number, view.mono_us, new_id)
        made = make(given, common, view.mono_us)
        outcome = await settled(source.post(made), given.ttl_ms / 1000 + ANSWER_MARGIN_S)
        reason = outcome.reason or commands.remark(given)
        return OutcomeBody(outcome=outcome.outcome, reason=reason, command_id=common.callers_id)

    def add(name: str, summary: str, body_type: type[Body], make: Callable[[Body, Envelope, int], Command]) -> None:
        async def command(number: OutletNumber, body: body_type | None = None) -> OutcomeBody:  # type: ignore[valid-type]
            return await give(number, body_type() if body is None else body, make)

        # The body's type is a variable here, so the annotation must be the type itself and not its name. A body of which
        # everything is optional may be left out.
        needed = not _empty_will_do(body_type)
        command.__annotations__ = {
            "number": OutletNumber,
            "body": body_type if needed else body_type | None,
            "return": OutcomeBody,
        }
        if needed:
            command.__defaults__ = None
        router.add_api_route(
            f"/outlets/{{number}}/commands/{name}",
            command,
            methods=["POST"],
            name=name,
            summary=summary,
            description=body_type.__doc__,
            responses=responses(400, 403, 404, 409, 413, 415, 422, 503, 504),
        )

    add("start", "Release a charge remotely", commands.StartBody, commands.start)
    add("stop", "End the running session", commands.StopBody, commands.stop)
    add("book", "Reserve the outlet, or cancel", commands.BookBody, commands.book)
    add("suspend", "Interrupt or resume the charge", commands.ActiveBody, commands.suspend)
    add("unavailable", "Out of service, or back", commands.UnavailableBody, commands.unavailable)
    add("maintenance", "Enter or leave maintenance", commands.ActiveBody, commands.maintenance)
    add("postpone", "Hold back the start of a charge", commands.ActiveBody, commands.postpone)
    add("limit", "Limit the current of the outlet", commands.OutletLimitBody, commands.limit)
    add("phases", "Charge with one phase or three", commands.PhasesBody, commands.phases)
    add("clear-fault", "Confirm that a latched fault is mended", commands.ClearFaultBody, commands.clear_fault)

    @router.post(
        "/station/commands/limit",
        summary="Limit the current of all outlets together",
        description=StationLimitBody.__doc__,
        responses=responses(400, 403, 409, 413, 415, 422, 503, 504),
    )
    async def station_limit(body: StationLimitBody) -> OutcomeBody:
        return await give(0, body, commands.limit)

    return router


def _empty_will_do(body_type: type[PlainBody]) -> bool:
    """Whether a command of this kind says enough with nothing but its defaults."""
    try:
        body_type()
    except ValidationError:
        return False
    return True
