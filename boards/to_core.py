"""From a loaded profile to what control needs: the core's configuration and the plan of the wires."""

from __future__ import annotations

from dataclasses import replace

from boards.compiled import OutletWires, WireKind, WirePlan, WireSpec, with_digest
from boards.keys import core_values
from boards.load import Profile
from boards.rules import has_domestic, has_lock, outlet_phases
from boards.schema import Outlet, StationProfile, Wire
from evse.core.config import (
    Access,
    ContactorTimings,
    DomesticLimits,
    Location,
    LockTimings,
    OutletConfig,
    PilotTimings,
    ProcedureTimings,
    ProtectionLimits,
    ShutterTimings,
    SocketType,
    StationConfig,
)

EXTRA_BREAKER_LINE = 3
"""Input line of the extra breaker input; In-1 and In-2 are lines 1 and 2."""


def station_config(profile: Profile, station_uid: str, version: int = 1) -> StationConfig:
    """The configuration a profile gives from the factory, with its digest.

    ``station_uid`` identifies the station (1 to 64 characters); ``version`` counts from 1 at each change of the
    active configuration. Raises ValueError for values outside these ranges.
    """
    if not 1 <= len(station_uid) <= 64:
        raise ValueError("station_uid must have 1 to 64 characters")
    if version < 1:
        raise ValueError("version counts from 1")
    model = profile.model
    outlets = sorted(model.outlets, key=lambda outlet: outlet.number)
    return with_digest(
        StationConfig(
            station_uid=station_uid,
            profile=model.name,
            outlets=tuple(_outlet(outlet, model) for outlet in outlets),
            location=Location(model.settings.location),
            version=version,
            **core_values(model.settings),
            **core_values(model.station),
        )
    )


def wire_plan(profile: Profile) -> WirePlan:
    """The wires of the devices that this version drives, and the board's quirks."""
    outlets = sorted(profile.model.outlets, key=lambda outlet: outlet.number)
    return WirePlan(tuple(_wires(outlet) for outlet in outlets), tuple(profile.model.quirks))


def _outlet(outlet: Outlet, model: StationProfile) -> OutletConfig:
    timings = outlet.timings
    return replace(
        OutletConfig(**core_values(outlet)),
        socket=SocketType(outlet.socket),
        phases=outlet_phases(outlet, model.station.phases),
        has_lock=has_lock(outlet),
        breaker_input=EXTRA_BREAKER_LINE if outlet.extra_breaker_input else 0,
        leave_cable_connected=model.settings.leave_cable_connected,
        access=_access(outlet, model),
        pilot=PilotTimings(**core_values(timings.pilot)),
        contactor=ContactorTimings(**core_values(timings.contactor)),
        lock=LockTimings(**core_values(timings.lock)),
        shutter=ShutterTimings(**core_values(timings.shutter)),
        procedure=ProcedureTimings(**core_values(timings.procedure)),
        protection=ProtectionLimits(**core_values(outlet.protection)),
        domestic=DomesticLimits(**core_values(outlet.domestic)),
    )


def _access(outlet: Outlet, model: StationProfile) -> Access:
    """EVlink guide DOCA0060, `Authentication location` and `Remote command required`."""
    where = model.settings.authentication_location
    if model.settings.remote_command_required or where == "remote":
        return Access.REMOTE
    return Access.FREE if where == "disable" or outlet.reader is None else Access.BADGE


def _wires(outlet: Outlet) -> OutletWires:
    name = f"outlet-{outlet.number}"
    reader = outlet.reader
    return OutletWires(
        number=outlet.number,
        front_end=_wire(f"{name}/front-end", outlet.front_end.wire),
        reader=None if reader is None else _wire(f"{name}/reader", reader.wire),
        lock=has_lock(outlet),
        shutter=outlet.shutter,
        domestic=has_domestic(outlet),
    )


def _wire(name: str, wire: Wire) -> WireSpec:
    return WireSpec(name, WireKind(wire.kind), wire.path, wire.baud)
