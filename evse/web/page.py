"""The page: rendered here with the state of the moment, kept up to date by the modules in ``static``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from evse.web.ports import HEAL_PARAM, OUTLET_PARAM, RecordSource, StationSource, VerbView, WorldPort
from evse.web.quick import GROUPS, QUICK, QuickAction
from evse.web.routes_world import allowed_text

_HERE = Path(__file__).parent
SHOWN_RECORDS = 30


@dataclass(frozen=True, slots=True)
class VerbGroup:
    """The verbs a person looks for in one place."""

    name: str
    verbs: tuple[VerbView, ...]


def grouped(verbs: Sequence[VerbView]) -> tuple[VerbGroup, ...]:
    """Verbs by group, both in the order of the table."""
    names = dict.fromkeys(verb.group for verb in verbs)
    return tuple(
        VerbGroup(GROUPS.get(name, name), tuple(verb for verb in verbs if verb.group == name)) for name in names
    )


def quick_actions(verbs: Sequence[VerbView]) -> tuple[tuple[QuickAction, VerbView], ...]:
    """The quick actions whose verb exists and needs nothing but the outlet or a preset."""
    by_name = {verb.name: verb for verb in verbs}
    return tuple((action, by_name[action.verb]) for action in QUICK if action.verb in by_name)


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
    source: StationSource, world: WorldPort | None, records: RecordSource, error_bits: Mapping[int, str]
) -> APIRouter:
    """The one page of this station."""
    router = APIRouter()
    template = environment().get_template("station.html")
    verbs = tuple(world.verbs()) if world is not None else ()

    @router.get("/", include_in_schema=False)
    async def page() -> Response:
        text = template.render(
            view=source.latest(),
            simulated=world is not None,
            quick=quick_actions(verbs),
            groups=grouped(verbs),
            allowed_text=allowed_text,
            outlet_param=OUTLET_PARAM,
            heal_param=HEAL_PARAM,
            records=await records.last(SHOWN_RECORDS),
            error_bits=sorted(error_bits.items()),
        )
        return HTMLResponse(text)

    return router
