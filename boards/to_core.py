"""From a loaded profile to what control needs: the core's configuration and the plan of the wires."""

from __future__ import annotations

from dataclasses import replace

from boards.compiled import Gateway, HouseMeter, MeterWires, OutletWires, WireKind, WirePlan, WireSpec
from boards.keys import core_values
from boards.load import Profile
from boards.meter_load import load_meter
from boards.quirks import ZE_READY, ZE_READY_BALANCED
from boards.rules import derated_current_a, external_control, has_domestic, has_lock, outlet_phases
from boards.schema import Outlet, StationProfile, StationSettings
from boards.schema_lines import BreakerLine, DeviceLine, InstallerLine
from boards.schema_meter import HouseMeterKeys, OutletMeter
from boards.schema_wire import Wire
from evse.core.config import (
    Access,
    ContactorTimings,
    DomesticLimits,
    Location,
    LockTimings,
    MeterLink,
    OutletConfig,
    PhaseSwitchTimings,
    PilotTimings,
    ProcedureTimings,
    ProtectionLimits,
    SheddingPriority,
    SheddingRule,
    ShutterTimings,
    SignStyle,
    SocketType,
    StationConfig,
)
from evse.core.configure import with_digest
from evse.core.dip import SWITCHES, DipBank, DipFunction
from evse.core.house_limit import HouseSettings
from evse.core.lines import InputLine, LineFunction
from evse.core.units import MINUTE, MS

HOUSE_WIRE = "house/meter"


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
            shedding=_shedding(model.settings),
            external_control=external_control(model),
            **core_values(model.settings),
            **core_values(model.station),
        )
    )


def wire_plan(profile: Profile) -> WirePlan:
    """The wires of the devices that this version drives, and the board's quirks."""
    outlets = sorted(profile.model.outlets, key=lambda outlet: outlet.number)
    wires = tuple(_wires(outlet, profile.model) for outlet in outlets)
    house = None if profile.model.house_meter is None else _house(profile.model.house_meter)
    return WirePlan(wires, tuple(profile.model.quirks), house, profile.model.devices.wifi_card)


def _outlet(outlet: Outlet, model: StationProfile) -> OutletConfig:
    timings = outlet.timings
    return replace(
        OutletConfig(**core_values(outlet), **core_values(outlet.settings)),
        socket=SocketType(outlet.socket),
        phases=outlet_phases(outlet, model.station.phases),
        has_lock=has_lock(outlet),
        lines=_lines(outlet),
        push_button=model.settings.front_push_button,
        derated_current_ma=round(1000 * derated_current_a(outlet)),
        temporary_limit_ma=round(1000 * outlet.settings.temporary_limit_a),
        shedding_ma=round(1000 * outlet.settings.load_shedding_set_point_a),
        ze_ready=_ze_ready(model),
        ze_sources=tuple(outlet.operating_value_sources),
        dip_banks=tuple(
            DipBank(bank.name, tuple(map(DipFunction, bank.functions))) for bank in model.devices.dip_banks
        ),
        signs=SignStyle.THOR if model.devices.led_bar else SignStyle.EVLINK,
        has_display=model.devices.display,
        phase_switch=model.devices.phase_switch,
        meter="" if outlet.meter is None else outlet.meter.map,
        meter_link=MeterLink.RTU if outlet.meter is None else MeterLink(outlet.meter.protocol),
        meter_unit=OutletConfig(1).meter_unit if outlet.meter is None else outlet.meter.address,
        conductors=tuple(outlet.conductors),
        meter_terminals=(1, 2, 3) if outlet.meter is None else _terminals(outlet.meter),
        voltage_from_setting=outlet.internal_metering == "current_transformers",
        leave_cable_connected=model.settings.leave_cable_connected,
        access=_access(outlet, model),
        pilot=PilotTimings(**core_values(timings.pilot)),
        contactor=ContactorTimings(**core_values(timings.contactor)),
        lock=LockTimings(**core_values(timings.lock)),
        shutter=ShutterTimings(**core_values(timings.shutter)),
        phase_switch_timings=PhaseSwitchTimings(**core_values(timings.phase_switch)),
        procedure=ProcedureTimings(**core_values(timings.procedure)),
        protection=ProtectionLimits(**core_values(outlet.protection)),
        domestic=DomesticLimits(**core_values(outlet.domestic)),
    )


def _shedding(settings: StationSettings) -> SheddingRule:
    return SheddingRule(
        priority=SheddingPriority(settings.load_shedding_priority),
        margin_ma=round(1000 * settings.shedding_margin_a),
        keep_us=round(settings.shedding_keep_min * MINUTE),
        energy_step_wh=round(1000 * settings.shedding_energy_step_kwh),
    )


def _ze_ready(model: StationProfile) -> bool:
    """Smart Wallbox: always; City and Parking: while load balancing is on (EVlink guide DOCA0060)."""
    return ZE_READY in model.quirks or (ZE_READY_BALANCED in model.quirks and model.settings.load_balancing)


_IN_1 = {
    "protection_devices_state": LineFunction.BREAKER_TRIPPED,
    "load_shedding": LineFunction.LOAD_SHEDDING,
}


def _lines(outlet: Outlet) -> tuple[InputLine, ...]:
    """The table of the core's input lines, in the order of the line numbers."""
    lines, settings = outlet.input_lines, outlet.settings
    found: list[InputLine] = []

    def add(function: LineFunction, spec: InstallerLine | DeviceLine | BreakerLine | None, acts_closed: bool) -> None:
        if spec is not None:
            found.append(InputLine(spec.line, function, acts_closed, round(spec.debounce_ms * MS)))

    def sense(spec: DeviceLine | BreakerLine | None, default: bool) -> bool:
        return default if spec is None or spec.normally_open is None else spec.normally_open

    add(LineFunction.BREAKER_TRIPPED, lines.extra_breaker, sense(lines.extra_breaker, True))
    if settings.in_1_function in _IN_1:
        add(_IN_1[settings.in_1_function], lines.in_1, settings.in_1_normally_open)
    if settings.in_2_function == "conditional_outgoing_line":
        add(LineFunction.START_CONDITION, lines.in_2, settings.in_2_normally_open)
    add(LineFunction.DELAYED_START, lines.delayed_start, settings.delayed_start_normally_open)
    add(LineFunction.CURRENT_LIMIT, lines.current_limit, settings.current_limit_normally_open)
    # A broken wire of the key lock must not open the station to everybody.
    add(LineFunction.KEY_LOCKED, lines.key_lock, sense(lines.key_lock, False))
    add(LineFunction.PUSH_BUTTON, lines.push_button, sense(lines.push_button, True))
    add(LineFunction.X1_ENABLE, lines.x1, sense(lines.x1, True))
    add(LineFunction.SERVICE_BUTTON, lines.service_button, sense(lines.service_button, True))
    return tuple(sorted(found, key=lambda line: line.number))


def _access(outlet: Outlet, model: StationProfile) -> Access:
    """EVlink guide DOCA0060, `Authentication location` and `Remote command required`."""
    where = model.settings.authentication_location
    if model.settings.remote_command_required or where == "remote":
        return Access.REMOTE
    return Access.FREE if where == "disable" or outlet.reader is None else Access.BADGE


def _wires(outlet: Outlet, model: StationProfile) -> OutletWires:
    name = f"outlet-{outlet.number}"
    reader = outlet.reader
    return OutletWires(
        number=outlet.number,
        front_end=_wire(f"{name}/front-end", outlet.front_end.wire),
        reader=None if reader is None else _wire(f"{name}/reader", reader.wire),
        lock=has_lock(outlet),
        shutter=outlet.shutter,
        domestic=has_domestic(outlet),
        dip=tuple(int(bank.simulated.ljust(SWITCHES, "0"), 2) for bank in model.devices.dip_banks),
        display=model.devices.display,
        x2=model.devices.x2,
        phase_switch=model.devices.phase_switch,
        meter=None if outlet.meter is None else _meter(f"{name}/meter", outlet.meter, outlet.front_end.wire),
    )


def _meter(name: str, meter: OutletMeter, front_end: Wire) -> MeterWires:
    found = load_meter(meter.map).map
    if found is None:
        raise ValueError(f"{meter.map}: this meter has no public register map")
    link = MeterLink(meter.protocol)
    host = meter.host if link is MeterLink.TCP else ""
    gateway = Gateway(host, meter.port, meter.gateway_address) if link is MeterLink.TCP else None
    # Where the board is real, so is the gateway: it is somewhere in the network.
    away = link is MeterLink.TCP and (host or front_end.kind != "simulated")
    wire = None if away else _wire(name, meter.wire)
    return MeterWires(wire, found, meter.address, meter.simulated_address, gateway, _terminals(meter))


def _terminals(meter: OutletMeter | HouseMeterKeys) -> tuple[int, int, int]:
    first, second, third = meter.terminals
    return first, second, third


def _house(meter: HouseMeterKeys) -> HouseMeter:
    found = load_meter(meter.map).map
    if found is None:
        raise ValueError(f"{meter.map}: this meter has no public register map")
    settings = HouseSettings(
        maximum_ma=round(1_000 * meter.maximum_current_a),
        maximum_power_mw=round(1_000_000 * meter.maximum_power_kw),
        fallback_ma=round(1_000 * meter.fallback_current_a),
        meter_phases=_terminals(meter),
    )
    wire = None if meter.host else WireSpec(HOUSE_WIRE, WireKind.SIMULATED)
    return HouseMeter(found, meter.address, settings, meter.host, meter.port, wire)


def _wire(name: str, wire: Wire) -> WireSpec:
    return WireSpec(name, WireKind(wire.kind), wire.path, wire.baud)
