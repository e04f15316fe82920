"""The page: rendered here with the state of the moment, kept up to date by the modules in ``static``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from evse.exchange.snapshot import StationView
from evse.records import dataclass
from evse.web.board_port import BoardOutlet, BoardView
from evse.web.ports import Extras, RecordSource, RecordsUnavailable, StationSource
from evse.web.quick import GROUPS, NEEDS, PLACES, QUICK, QuickAction
from evse.web.routes_health import look
from evse.web.routes_world import allowed_text
from evse.web.words import reason_words
from evse.web.world_port import HEAL_PARAM, OUTLET_PARAM, VerbView, WorldPort

_HERE = Path(__file__).parent
SHOWN_RECORDS = 30
SAID_ELSEWHERE = ("control is not connected", "what was latched")
"""Troubles that have a place of their own on the page."""
READER = "reader"
TWO_SOCKETS = "T2 - TE"
DOMESTIC = "domestic"
"""Name of the device that an outlet with a domestic socket has."""
PILOT = "pilot"
"""Name of the device that an outlet with a vehicle's socket or cable has."""


@dataclass(frozen=True, slots=True)
class VerbGroup:
    """The verbs a person looks for in one place."""

    name: str
    verbs: tuple[VerbView, ...]


def grouped(verbs: Sequence[VerbView], devices: frozenset[str] | None = None) -> tuple[VerbGroup, ...]:
    """Verbs by the place where a person looks for them; a verb that no place claims stands under its own group's name.

    With ``devices``, verbs for a device that the board does not have are left out.
    """
    found: dict[str, list[VerbView]] = {name: [] for name in PLACES}
    for verb in verbs:
        if devices is not None and verb.name in NEEDS and NEEDS[verb.name] not in devices:
            continue
        place = next((name for name, members in PLACES.items() if verb.name in members), None)
        found.setdefault(place or GROUPS.get(verb.group, verb.group), []).append(verb)
    return tuple(VerbGroup(name, tuple(members)) for name, members in found.items() if members)


def quick_actions(
    verbs: Sequence[VerbView], devices: frozenset[str] = frozenset({READER, PILOT})
) -> tuple[tuple[QuickAction, VerbView], ...]:
    """The quick actions whose verb exists, for which the board has the device, and which need no other parameter."""
    by_name = {verb.name: verb for verb in verbs}
    wanted = (action for action in QUICK if not action.needs or action.needs in devices)
    return tuple((action, by_name[action.verb]) for action in wanted if action.verb in by_name)


def board_of(board: BoardView | None, view: StationView | None) -> BoardView:
    """The board to draw: as the profile says, else what the Snapshot shows."""
    if board is not None and board.outlets:
        return board
    if view is None:
        return board or BoardView()
    outlets = tuple(
        BoardOutlet(outlet.number, lock=bool(outlet.lock), shutter=bool(outlet.shutter)) for outlet in view.outlets
    )
    return BoardView(family="other", description=view.profile, outlets=outlets)


@dataclass(frozen=True, slots=True)
class Seat:
    """An outlet's place in the picture.

    ``side``: where its vehicle stands; ``x``, ``y``: its socket's centre (of the pilot's one where there are two);
    ``middle``: of light and reader; ``stacked``: its two sockets stand one above the other, both drawn smaller.
    """

    outlet: BoardOutlet
    side: str
    x: int
    y: int
    middle: int
    stacked: bool = False


def seats(board: BoardView) -> tuple[Seat, ...]:
    """Outlets from left to right as one who stands before the station sees them."""
    if len(board.outlets) != 2:
        return tuple(
            Seat(outlet, "right", 349 if outlet.socket == TWO_SOCKETS else 300, 146, 300)
            for outlet in board.outlets[:1]
        )
    first, second = board.outlets
    left, right = (second, first) if first.position == "right" or second.position == "left" else (first, second)
    return (_half(left, "left", 251), _half(right, "right", 349))


def _half(outlet: BoardOutlet, side: str, middle: int) -> Seat:
    stacked = outlet.socket == TWO_SOCKETS
    return Seat(outlet, side, middle, 127 if stacked else 146, middle, stacked)


def outlet_devices(outlet: BoardOutlet) -> frozenset[str]:
    """Everything that one outlet has."""
    own = {
        READER: outlet.reader,
        DOMESTIC: outlet.socket.endswith("TE"),
        PILOT: outlet.socket != "TE",
        "lock": outlet.lock,
        "shutter": outlet.shutter,
    }
    return frozenset((*outlet.devices, *(name for name, has in own.items() if has)))


def devices_of(board: BoardView) -> frozenset[str]:
    """Everything the board has, wherever it hangs."""
    station = (*board.devices, *(("dip",) if board.dip_banks else ()))
    return frozenset(station).union(*(outlet_devices(outlet) for outlet in board.outlets))


def outlets_with(board: BoardView, device: str) -> str:
    """The numbers of the outlets that have ``device``, with spaces between; empty when all have it, or it is the station's own."""
    having = [outlet.number for outlet in board.outlets if device in outlet_devices(outlet)]
    return " ".join(map(str, having)) if len(having) < len(board.outlets) else ""


def static_files() -> StaticFiles:
    """Scripts, styles and pictures, all our own."""
    return StaticFiles(directory=_HERE / "static")


def environment() -> Environment:
    """The templates: everything is escaped, an unknown name is an error."""
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_router(
    source: StationSource,
    world: WorldPort | None,
    records: RecordSource,
    error_bits: Mapping[int, str],
    extras: Extras,
) -> APIRouter:
    """The one page of this station."""
    router = APIRouter()
    template = environment().get_template("station.html")
    verbs = tuple(world.verbs()) if world is not None else ()

    @router.get("/", include_in_schema=False)
    async def page() -> Response:
        view = source.latest()
        health = await look(source, records)
        text = template.render(
            health=health,
            troubles=[reason for reason in health.reasons if not reason.startswith(SAID_ELSEWHERE)],
            view=view,
            board=(board := board_of(extras.board, view)),
            seats=seats(board),
            devices=(devices := devices_of(board)),
            without_pilot={outlet.number for outlet in board.outlets if PILOT not in outlet_devices(outlet)},
            extras=extras,
            reason_words=reason_words,
            simulated=world is not None,
            quick=quick_actions(verbs, devices),
            outlets_with=partial(outlets_with, board),
            groups=grouped(verbs, devices),
            allowed_text=allowed_text,
            outlet_param=OUTLET_PARAM,
            heal_param=HEAL_PARAM,
            **await newest_records(records),
            error_bits=sorted(error_bits.items()),
        )
        return HTMLResponse(text)

    return router


async def newest_records(records: RecordSource) -> dict[str, object]:
    """For the template: the records to show, and why they cannot be read (empty when they can); the page comes anyway."""
    try:
        return {"records": await records.last(SHOWN_RECORDS), "records_problem": ""}
    except RecordsUnavailable as error:
        return {"records": (), "records_problem": str(error)}
