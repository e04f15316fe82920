"""The page: rendered here with the state of the moment, kept up to date by the modules in ``static``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from evse.exchange.snapshot import StationView
from evse.web.ports import (
    HEAL_PARAM,
    OUTLET_PARAM,
    BoardOutlet,
    BoardView,
    Extras,
    RecordSource,
    RecordsUnavailable,
    StationSource,
    VerbView,
    WorldPort,
)
from evse.web.quick import GROUPS, PLACES, QUICK, QuickAction
from evse.web.routes_world import allowed_text
from evse.web.words import reason_words

_HERE = Path(__file__).parent
SHOWN_RECORDS = 30
READER = "reader"


@dataclass(frozen=True, slots=True)
class VerbGroup:
    """The verbs a person looks for in one place."""

    name: str
    verbs: tuple[VerbView, ...]


def grouped(verbs: Sequence[VerbView]) -> tuple[VerbGroup, ...]:
    """Verbs by the place where a person looks for them; a verb that no place claims stands under its own group's name."""
    found: dict[str, list[VerbView]] = {name: [] for name in PLACES}
    for verb in verbs:
        place = next((name for name, members in PLACES.items() if verb.name in members), None)
        found.setdefault(place or GROUPS.get(verb.group, verb.group), []).append(verb)
    return tuple(VerbGroup(name, tuple(members)) for name, members in found.items() if members)


def quick_actions(
    verbs: Sequence[VerbView], devices: frozenset[str] = frozenset({READER})
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
    """An outlet's place in the picture: which side its vehicle stands on, and where its socket's centre is."""

    outlet: BoardOutlet
    side: str
    x: int
    y: int


def seats(board: BoardView) -> tuple[Seat, ...]:
    """Outlets from left to right as one who stands before the station sees them."""
    if len(board.outlets) != 2:
        return tuple(Seat(outlet, "right", 300, 146) for outlet in board.outlets[:1])
    first, second = board.outlets
    left, right = (second, first) if first.position == "right" or second.position == "left" else (first, second)
    return (Seat(left, "left", 251, 146), Seat(right, "right", 349, 146))


def devices_of(board: BoardView) -> frozenset[str]:
    """Everything the board has, wherever it hangs."""
    readers = (READER,) if any(outlet.reader for outlet in board.outlets) else ()
    return frozenset((*board.devices, *readers)).union(*(outlet.devices for outlet in board.outlets))


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
        text = template.render(
            view=view,
            board=(board := board_of(extras.board, view)),
            seats=seats(board),
            devices=(devices := devices_of(board)),
            extras=extras,
            reason_words=reason_words,
            simulated=world is not None,
            quick=quick_actions(verbs, devices),
            groups=grouped(verbs),
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
