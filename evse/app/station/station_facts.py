"""What the settings registry must know of a board, from its profile. Travels to services as plain values in their task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from boards.quirks import UPDATED_FROM_3_1, ZE_READY_BALANCED
from evse.app.supervision.supervision_settings import supervised_factory
from evse.core.units import MS
from evse.services.settings.model import OutletFacts, StationFacts
from evse.services.settings.phases import meter_conductors, order_of

if TYPE_CHECKING:
    # The services process uses this module too and has no need of the profile's schema.
    from boards.load import Profile
    from boards.schema import Outlet
    from boards.schema_meter import HouseMeterKeys

_STATION: Final = {
    "location": "general.location",
    "leave_cable_connected": "general.leave_cable_connected",
    "front_push_button": "general.push_button",
    "authentication_location": "access.location",
    "authentication_strategy": "access.strategy",
    "remote_command_required": "access.remote_command_required",
    "load_balancing": "energy.load_balancing",
    "load_shedding_priority": "energy.load_shedding_priority",
    "shedding_margin_a": "energy.shedding_margin_a",
    "shedding_keep_min": "energy.shedding_keep_min",
    "controlled_by_external_system": "energy.external_control",
    "continue_after_power_failure": "energy.continue_after_power_failure",
    "restart_delay_s": "energy.restart_delay_s",
    "maximum_current_a": "energy.station_maximum_a",
    "phase_neutral_voltage_v": "meter.phase_neutral_voltage_v",
}
"""The profile's settings of the station, and the registry's keys."""
_OUTLET: Final = {
    "derated_current_a": "derated_current_a",
    "load_shedding_set_point_a": "shedding_set_point_a",
    "temporary_limit_a": "temporary_limit_a",
    "resume_after_s": "resume_after_s",
    "in_1_function": "in_1_function",
    "in_1_normally_open": "in_1_normally_open",
    "in_2_function": "in_2_function",
    "in_2_normally_open": "in_2_normally_open",
    "delayed_start_normally_open": "delayed_start",
    "current_limit_normally_open": "current_limit",
}
_SENSE: Final = {True: "normally_open", False: "normally_closed"}


def station_facts(profile: Profile, serial: str, supervision: Mapping[str, Any] | None = None) -> StationFacts:
    """The facts of a loaded profile. A fraction of an ampere or volt in the profile is rounded down.

    ``supervision``: the central system that it is delivered for, as ``evse.app.supervision.charge_point_task`` writes it.
    """
    model = profile.model
    lines = {
        outlet.number: tuple(name for name, line in outlet.input_lines if line is not None) for outlet in model.outlets
    }
    factory: dict[str, Any] = {key: getattr(model.settings, name) for name, key in _STATION.items()}
    factory["energy.shedding_step_wh"] = round(1_000 * model.settings.shedding_energy_step_kwh)
    if UPDATED_FROM_3_1 in model.quirks:
        factory["network.dhcp"] = False
        if len(model.outlets) > 1:
            factory["network.second_outlet_visible"] = True
    if supervision:
        factory |= supervised_factory(supervision)
    for outlet in model.outlets:
        for name, key in _OUTLET.items():
            value = getattr(outlet.settings, name)
            sense = key in ("delayed_start", "current_limit")
            factory[f"outlet.{outlet.number}.{key}"] = _SENSE[value] if sense else value
        factory |= {f"outlet.{outlet.number}.{key}": value for key, value in _metering(outlet).items()}
    if model.house_meter is not None and model.family == "thor":
        factory |= _house(
            model.house_meter,
            max(_conductors(outlet, model.station.phases) for outlet in model.outlets),
            model.settings.phase_neutral_voltage_v,
        )
    return StationFacts(
        family=model.family,
        serial=serial,
        outlets=tuple(
            OutletFacts(
                outlet.number,
                outlet.socket,
                int(outlet.rated_current_a),
                outlet.phases or model.station.phases,
                outlet.position or "",
                lines[outlet.number],
                outlet.reader is not None,
                _wired(outlet),
                outlet.meter is not None and outlet.meter.protocol == "modbus_rtu",
            )
            for outlet in sorted(model.outlets, key=lambda outlet: outlet.number)
        ),
        reader=any(outlet.reader is not None for outlet in model.outlets),
        key_lock=any("key_lock" in found for found in lines.values()),
        wifi_card=model.devices.wifi_card,
        ze_ready_balanced=ZE_READY_BALANCED in model.quirks,
        house_simulated=model.house_meter is not None and not model.house_meter.host,
        charging_network=model.station.charging_network or "",
        factory={
            key: int(value) if isinstance(value, float) else value
            for key, value in factory.items()
            if value is not None
        },
    )


def _metering(outlet: Outlet) -> dict[str, Any]:
    """The outlet's meter and the order of its phases as settings; of a meter that is not there nothing is said."""
    found: dict[str, Any] = {"terminal_phases": order_of(outlet.conductors)}
    meter = outlet.meter
    if meter is not None:
        found |= {
            "metering": "iem3x5x",
            "meter_protocol": meter.protocol,
            "meter_rtu_address": meter.address,
            "meter_gateway_address": meter.gateway_address,
            "meter_host": meter.host,
            "meter_phases": order_of(meter_conductors(outlet.conductors, meter.terminals)),
        }
    return found


def _conductors(outlet: Outlet, phases: int) -> int:
    return min(outlet.phases or phases, len(outlet.conductors))


def _house(meter: HouseMeterKeys, phases: int, voltage_v: float) -> dict[str, Any]:
    """The meter of the house connection as settings. ``phases``: how many the station is connected to."""
    return {
        "house.monitoring": True,
        "house.meter": meter.map,
        "house.host": meter.host,
        "house.port": meter.port,
        "house.unit": meter.address,
        "house.phases": order_of([meter.terminals.index(terminal) + 1 for terminal in (1, 2, 3)]),
        "house.maximum_current_a": meter.maximum_current_a,
        "house.maximum_power_w": 1_000 * meter.maximum_power_kw,
        "house.fallback_power_w": meter.fallback_current_a * phases * voltage_v,
    }


def _wired(outlet: Outlet) -> tuple[tuple[str, int, int], ...]:
    lines = (("in_1", outlet.input_lines.in_1), ("in_2", outlet.input_lines.in_2))
    return tuple((name, line.line, round(line.debounce_ms * MS)) for name, line in lines if line is not None)


def facts_values(facts: StationFacts) -> dict[str, Any]:
    """The facts as plain values, for the way into another process."""
    return asdict(facts)


def facts_from(values: Mapping[str, Any]) -> StationFacts:
    """What ``facts_values`` gave."""
    outlets = tuple(
        OutletFacts(**{**outlet, "lines": tuple(outlet["lines"]), "wired": tuple(map(tuple, outlet["wired"]))})
        for outlet in values["outlets"]
    )
    return StationFacts(**{**values, "outlets": outlets})
