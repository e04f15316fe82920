"""From settings to what the core works by: the profile's configuration with every changed setting in its place.

What is not changed stays exactly as the profile gives it. Control learns the whole by the version, which is that of the
configuration it was made from, and by the digest of the result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from evse.core.config import Access, Location, MeterLink, OutletConfig, SheddingPriority, SheddingRule, StationConfig
from evse.core.configure import with_digest
from evse.core.lines import InputLine, LineFunction
from evse.core.units import MINUTE
from evse.services.settings.kinds import Value
from evse.services.settings.model import OUTLET, OutletFacts, StationFacts, Values
from evse.services.settings.phases import conductors_of, meter_terminals

_SENSES: Final = {LineFunction.DELAYED_START: "delayed_start", LineFunction.CURRENT_LIMIT: "current_limit"}
_FUNCTIONS: Final = {
    "protection_devices_state": LineFunction.BREAKER_TRIPPED,
    "load_shedding": LineFunction.LOAD_SHEDDING,
    "conditional_outgoing_line": LineFunction.START_CONDITION,
}
_METER_MAP: Final = "iem3155"
"""What the guide calls `IEM_3x5x`."""
_ACCESS: Final = ("general.station_type", "access.")


def effective_config(
    base: StationConfig, facts: StationFacts, values: Values, factory: Values, version: int
) -> StationConfig:
    """``base``, what the profile gives, with the settings of ``values`` that differ from ``factory``.

    ``version``: that of the configuration. The result carries its digest.
    """
    changed = {key: value for key, value in values.items() if value != factory[key]}
    config = replace(
        base,
        version=version,
        location=Location(str(changed.get("general.location", base.location.value))),
        station_maximum_ma=_milli(changed.get("energy.station_maximum_a"), base.station_maximum_ma),
        nominal_voltage_mv=_milli(changed.get("meter.phase_neutral_voltage_v"), base.nominal_voltage_mv),
        balancing=_switch(changed.get("energy.load_balancing"), base.balancing),
        external_control=_switch(changed.get("energy.external_control"), base.external_control),
        continue_after_power_failure=_switch(
            changed.get("energy.continue_after_power_failure"), base.continue_after_power_failure
        ),
        restart_delay_us=1_000 * _milli(changed.get("energy.restart_delay_s"), base.restart_delay_us // 1_000),
        shedding=_shedding(base.shedding, changed),
        outlets=tuple(_outlet(outlet, changed) for outlet in base.outlets),
    )
    known = {outlet.number: outlet for outlet in facts.outlets}
    inputs = (_with_inputs(outlet, known[outlet.number], values, changed) for outlet in config.outlets)
    metered = (_with_meter(outlet, values, changed) for outlet in inputs)
    config = replace(config, outlets=tuple(metered))
    if facts.ze_ready_balanced:
        config = replace(config, outlets=tuple(replace(each, ze_ready=config.balancing) for each in config.outlets))
    if any(key.startswith(_ACCESS) for key in changed):
        config = replace(
            config,
            outlets=tuple(
                replace(outlet, access=access_of(values, facts, known[outlet.number])) for outlet in config.outlets
            ),
        )
    return with_digest(config)


def access_of(values: Values, facts: StationFacts, outlet: OutletFacts) -> Access:
    """Who may start a charge (guide, `Authentication location` and `Remote command required`)."""
    if values.get("access.remote_command_required") is True:
        return Access.REMOTE
    supervised = values["general.station_type"] == "supervised"
    where = values["access.location_supervised" if supervised else "access.location"]
    if where == "remote":
        return Access.REMOTE
    return Access.BADGE if where != "disable" and facts.reader and outlet.reader else Access.FREE


def _outlet(outlet: OutletConfig, changed: Values) -> OutletConfig:
    def at(name: str) -> Value | None:
        return changed.get(f"{OUTLET}{outlet.number}.{name}")

    lines = outlet.lines
    for function, name in _SENSES.items():
        sense = at(name)
        if sense is not None:
            lines = tuple(_sensed(line, function, sense == "normally_open") for line in lines)
    return replace(
        outlet,
        lines=lines,
        derated_current_ma=_milli(at("derated_current_a"), outlet.derated_current_ma),
        temporary_limit_ma=_milli(at("temporary_limit_a"), outlet.temporary_limit_ma),
        shedding_ma=_milli(at("shedding_set_point_a"), outlet.shedding_ma),
        resume_us=1_000 * _milli(at("resume_after_s"), outlet.resume_us // 1_000),
        push_button=_switch(changed.get("general.push_button"), outlet.push_button),
        leave_cable_connected=_switch(changed.get("general.leave_cable_connected"), outlet.leave_cable_connected),
    )


def _with_inputs(outlet: OutletConfig, facts: OutletFacts, values: Values, changed: Values) -> OutletConfig:
    """The installer's inputs In-1 and In-2 with the function and sense that is set for them."""
    lines = outlet.lines
    for name, number, debounce_us in facts.wired:
        key = f"{OUTLET}{outlet.number}.{name}"
        if f"{key}_function" in changed or f"{key}_normally_open" in changed:
            function = _FUNCTIONS.get(str(values[f"{key}_function"]))
            lines = tuple(line for line in lines if line.number != number)
            if function is not None:
                sense = values[f"{key}_normally_open"] is True
                lines = (*lines, InputLine(number, function, sense, debounce_us))
    return replace(outlet, lines=tuple(sorted(lines, key=lambda line: line.number)))


def _with_meter(outlet: OutletConfig, values: Values, changed: Values) -> OutletConfig:
    """The outlet's energy metering and the order of its phases as they are set."""

    def at(name: str) -> str:
        return f"{OUTLET}{outlet.number}.{name}"

    metering, protocol = changed.get(at("metering")), changed.get(at("meter_protocol"))
    if metering is not None:
        outlet = replace(outlet, meter=(outlet.meter or _METER_MAP) if metering == "iem3x5x" else "")
    if outlet.meter:
        # What a profile without a meter says of one means nothing until there is one.
        link = protocol if metering is None else values[at("meter_protocol")]
        outlet = replace(outlet, meter_link=outlet.meter_link if link is None else MeterLink(str(link)))
        unit = changed.get(at("meter_rtu_address"))
        outlet = replace(outlet, meter_unit=unit if isinstance(unit, int) else outlet.meter_unit)
    if at("terminal_phases") in changed or at("meter_phases") in changed:
        conductors = conductors_of(str(values[at("terminal_phases")]))
        meter = conductors_of(str(values.get(at("meter_phases"), "L1-L2-L3")))
        outlet = replace(outlet, conductors=conductors, meter_terminals=meter_terminals(conductors, meter))
    return outlet


def _shedding(base: SheddingRule, changed: Values) -> SheddingRule:
    keep_min, step_wh = changed.get("energy.shedding_keep_min"), changed.get("energy.shedding_step_wh")
    return replace(
        base,
        priority=SheddingPriority(str(changed.get("energy.load_shedding_priority", base.priority.value))),
        margin_ma=_milli(changed.get("energy.shedding_margin_a"), base.margin_ma),
        keep_us=keep_min * MINUTE if isinstance(keep_min, int) else base.keep_us,
        energy_step_wh=step_wh if isinstance(step_wh, int) else base.energy_step_wh,
    )


def _sensed(line: InputLine, function: LineFunction, normally_open: bool) -> InputLine:
    return replace(line, normally_open=normally_open) if line.function is function else line


def _milli(value: Value | None, otherwise: int) -> int:
    return 1000 * value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _switch(value: Value | None, otherwise: bool) -> bool:
    return value if isinstance(value, bool) else otherwise
