"""Puts page, REST interface and stream together for one station.

``create_app`` gets the three ports and nothing else; it opens no socket and starts no task before a reader comes. With
``world`` absent there is no route, no OpenAPI entry and no piece of page that could touch a simulated world.
"""

from __future__ import annotations

import evse.web.framework  # noqa: F401  # before all that imports the framework

# isort: split

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request

from evse.services.accounts.sessions import Session
from evse.web import errors
from evse.web.board_port import BoardView
from evse.web.guard import COOKIE, Guard, LoginGate, stranger
from evse.web.host_port import HostPort
from evse.web.page import page_router, static_files
from evse.web.ports import Extras, RecordSource, StationSource
from evse.web.routes_accounts import account_router
from evse.web.routes_badges import badge_router
from evse.web.routes_control import control_router
from evse.web.routes_firmware import firmware_router
from evse.web.routes_health import health_router
from evse.web.routes_host import host_router
from evse.web.routes_house import house_router
from evse.web.routes_live import WireStreams, board_router, history_router, wire_router
from evse.web.routes_login import login_router
from evse.web.routes_metrics import metrics_router
from evse.web.routes_neighbour import master_router, slave_router
from evse.web.routes_publication import publication_router
from evse.web.routes_recording import recording_router
from evse.web.routes_records import record_router
from evse.web.routes_report import report_router
from evse.web.routes_scenarios import scenario_router
from evse.web.routes_security_log import security_log_router
from evse.web.routes_settings import settings_router
from evse.web.routes_settings_file import settings_file_router
from evse.web.routes_station import command_router, station_router
from evse.web.routes_world import describe_verbs, world_router
from evse.web.security import Gate
from evse.web.security_log_page import security_log_page
from evse.web.security_log_port import Audit
from evse.web.stream import INTERVAL_S, Hub
from evse.web.world_port import WorldPort

LOCAL_NAMES = ("localhost",)
"""Names a request may call us by, beside any IP address."""


def _new_id() -> str:
    return uuid.uuid4().hex


def create_app(
    source: StationSource,
    world: WorldPort | None,
    records: RecordSource,
    *,
    error_bits: Mapping[int, str] | None = None,
    host_names: tuple[str, ...] = LOCAL_NAMES,
    new_id: Callable[[], str] = _new_id,
    interval_s: float = INTERVAL_S,
    extras: Extras | None = None,
) -> FastAPI:
    """The web application of one station.

    ``world``: the simulated world, or ``None`` on hardware. ``error_bits``: name of each bit of `ErrorStatus`.
    ``host_names``: names, beside any IP address, that a request's ``Host`` may carry. ``new_id`` makes the ids of
    commands that come without one. ``interval_s``: shortest time between two messages to one reader of the stream. ``extras``: what this
    station has beside.
    """
    extras = extras or Extras()
    hub = Hub(source, interval_s)
    wires = WireStreams(extras.wires) if extras.wires is not None else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        for streams in app.state.streams:
            streams.close()

    app = FastAPI(
        title="EVSE station",
        version="1",
        summary="State, events, commands and charge records of one charging station.",
        description="Requests that change something need the header `X-EVSE-Request: 1` and a JSON body.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=_route_id,
    )
    app.state.hub = hub
    app.state.streams = [hub] if wires is None else [hub, wires]
    # A page over a modem: 8 kB instead of 60. The stream is left alone (it must not wait for a block to fill).
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=5)
    accounts = extras.accounts if world is None else None
    if accounts is not None:
        app.add_middleware(LoginGate, session_of=accounts.session, lives=accounts.lives)
    host = extras.host
    audit = Audit(extras.security, _session_of(extras))
    app.add_middleware(
        Gate,
        host_names=lambda: host_names if host is None else (*host_names, *host.names()),
        refused=audit.refused,
        stranger=lambda scope: accounts is not None and stranger(scope, accounts.lives),
    )
    errors.install(app)
    app.include_router(health_router(source, records, hub))
    app.include_router(metrics_router(source, records, hub))
    app.include_router(station_router(source, hub))
    app.include_router(command_router(source, new_id))
    app.include_router(record_router(records, audit))
    if world is not None:
        app.include_router(world_router(world))
        _describe_world(app, world)
    _add_extras(app, extras, wires, audit)
    _add_accounts(app, extras, audit, simulated=world is not None)
    app.include_router(page_router(source, world, records, error_bits or {}, extras))
    app.mount("/static", static_files(), name="static")
    return app


def _session_of(extras: Extras) -> Callable[[Request], Session | None]:
    accounts = extras.accounts
    if accounts is None:
        return lambda _request: None
    return lambda request: accounts.session(request.cookies.get(COOKIE, ""))


def _add_extras(app: FastAPI, extras: Extras, wires: WireStreams | None, audit: Audit) -> None:
    app.include_router(board_router(extras.board or BoardView()))
    if extras.history is not None:
        app.include_router(history_router(extras.history))
    if wires is not None:
        app.include_router(wire_router(wires))
    if extras.scenarios is not None:
        app.include_router(scenario_router(extras.scenarios))
    if extras.publication is not None:
        app.include_router(publication_router(extras.publication, audit))
    if extras.report is not None:
        app.include_router(report_router(extras.report, audit))
    if extras.recording is not None:
        app.include_router(recording_router(extras.recording))
    if extras.house is not None:
        app.include_router(house_router(extras.house))
    if extras.badges is not None:
        app.include_router(badge_router(extras.badges, audit))
    if extras.slave is not None:
        app.include_router(slave_router(extras.slave))


def _reached(host: HostPort | None, *, simulated: bool) -> Callable[[Request], None]:
    """Who is told by which of our addresses a request of somebody logged in came.

    A simulated station has its addresses in its settings only: there it is the one that the request calls it by.
    """
    if host is None:
        return lambda _request: None

    def reached(request: Request) -> None:
        server = request.scope.get("server")
        host.reached((request.url.hostname or "") if simulated else str(server[0]) if server else "")

    return reached


def _add_accounts(app: FastAPI, extras: Extras, audit: Audit, *, simulated: bool) -> None:
    if extras.accounts is None:
        return
    app.state.guard = Guard(extras.accounts, _reached(extras.host, simulated=simulated), audit.refused)
    app.include_router(account_router(app.state.guard))
    policy = extras.accounts.policy.label
    app.include_router(login_router({"en": policy.en, "fr": policy.fr}, recoverable=extras.accounts.recoverable))
    if extras.security is not None:
        app.include_router(security_log_router(extras.security))
        app.include_router(security_log_page(app.state.guard, extras.security))
    if extras.firmware is not None:
        app.include_router(firmware_router(extras.firmware))
    if extras.master is not None:
        app.include_router(master_router(extras.master))
    if extras.settings is not None:
        app.include_router(settings_router(extras.settings))
        app.include_router(settings_file_router(extras.settings, _program()))
        if extras.host is not None:
            app.include_router(host_router(extras.host))
        if extras.control is not None:
            keeps = extras.settings.catalogue.facts.family != "thor"
            app.include_router(control_router(extras.control, family_keeps_badges=keeps))


def _program() -> str:
    try:
        return version("evse-controller")
    except PackageNotFoundError:
        return "unknown"


def _route_id(route: APIRoute) -> str:
    return route.name.replace("-", "_")


def _describe_world(app: FastAPI, world: WorldPort) -> None:
    general = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        schema = general()
        describe_verbs(schema, world.verbs())
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
