"""When another configuration may become active while the station works.

What belongs to the board (its sockets, motors, times and protections) is wired or proven once and changes by a restart
only. Settings change at once. A configuration is taken whole or refused whole, with every reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from typing import Final

from evse.core.config import OutletConfig, ProcedureTimings, StationConfig
from evse.core.power_return import LONGEST_DELAY_US
from evse.core.units import HOUR, SECOND

FIXED_OF_STATION: Final = ("station_uid", "profile")
FIXED_OF_OUTLET: Final = (
    *("number", "socket", "rated_current_ma", "phases", "has_lock", "has_shutter", "dip_banks", "signs", "has_display"),
    *("pilot", "contactor", "lock", "shutter", "protection", "domestic", "phase_switch", "phase_switch_timings"),
    "voltage_from_setting",
)
"""Fields that only a restart changes."""
MOST_MA: Final = 1_000_000
CHECKPOINT_US: Final = 60 * SECOND
DEBOUNCE_US: Final = 10 * SECOND
LONGEST_US: Final = 24 * HOUR
MOST_LINES: Final = 32


def config_digest(config: StationConfig) -> str:
    """SHA-256 (hexadecimal) of the configuration's canonical content.

    ``digest`` and ``version`` are left out: equal values give equal digests whatever their history. Fields are
    written in the order of their declaration, so the result does not depend on the process or the Python version.
    """
    plain = asdict(replace(config, version=0, digest=""))
    return hashlib.sha256(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def with_digest(config: StationConfig) -> StationConfig:
    """The same configuration carrying its own digest."""
    return replace(config, digest=config_digest(config))


def refusal(active: StationConfig, wanted: StationConfig | None) -> str:
    """Why ``wanted`` may not follow ``active`` now, an empty text when it may."""
    if wanted is None:
        return "a configuration is missing"
    if wanted.digest != config_digest(wanted):
        return "the configuration does not match its digest: it was changed or damaged on the way"
    if wanted.version < active.version or (wanted.version == active.version and wanted.digest != active.digest):
        return f"version {wanted.version} does not follow the active version {active.version}: count on"
    return "; ".join([*_fixed(active, wanted), *_out_of_range(wanted)])


def _fixed(active: StationConfig, wanted: StationConfig) -> Iterator[str]:
    names = [name for name in FIXED_OF_STATION if getattr(active, name) != getattr(wanted, name)]
    if len(active.outlets) != len(wanted.outlets):
        names.append("outlets")
    for before, after in zip(active.outlets, wanted.outlets, strict=False):
        changed = (name for name in FIXED_OF_OUTLET if getattr(before, name) != getattr(after, name))
        names += [f"outlet {before.number} {name}" for name in changed]
    if names:
        yield f"only a restart changes {', '.join(names)}"


def _out_of_range(config: StationConfig) -> Iterator[str]:
    yield from _range("station_maximum_ma", config.station_maximum_ma, 0, MOST_MA)
    yield from _range("nominal_voltage_mv", config.nominal_voltage_mv, 1, 1_000_000)
    yield from _range("shedding.margin_ma", config.shedding.margin_ma, 0, MOST_MA)
    yield from _range("shedding.keep_us", config.shedding.keep_us, 0, LONGEST_US)
    yield from _range("shedding.energy_step_wh", config.shedding.energy_step_wh, 1, 1_000_000)
    yield from _range("restart_delay_us", config.restart_delay_us, 0, LONGEST_DELAY_US)
    yield from _range("checkpoint_us", config.checkpoint_us, SECOND, CHECKPOINT_US)
    for outlet in config.outlets:
        for problem in _outlet_out_of_range(outlet):
            yield f"outlet {outlet.number} {problem}"


def _outlet_out_of_range(outlet: OutletConfig) -> Iterator[str]:
    yield from _range("derated_current_ma", outlet.derated_current_ma, 0, MOST_MA)
    yield from _range("temporary_limit_ma", outlet.temporary_limit_ma, 0, MOST_MA)
    yield from _range("shedding_ma", outlet.shedding_ma, 0, MOST_MA)
    yield from _range("resume_us", outlet.resume_us, 0, LONGEST_US)
    for field in fields(ProcedureTimings):
        yield from _range(f"procedure.{field.name}", getattr(outlet.procedure, field.name), 0, LONGEST_US)
    yield from _range("meter_unit", outlet.meter_unit, 0, 255)
    if sorted(outlet.meter_terminals) != [1, 2, 3]:
        yield f"meter_terminals is {outlet.meter_terminals}: 1, 2 and 3 stand there once each"
    if sorted(outlet.conductors) not in ([1, 2, 3], [1], [2], [3]):
        yield f"conductors is {outlet.conductors}: either 1, 2 and 3 once each, or one of them alone"
    for line in outlet.lines:
        yield from _range("line number", line.number, 1, MOST_LINES)
        yield from _range(f"line {line.number} debounce_us", line.debounce_us, 0, DEBOUNCE_US)


def _range(name: str, value: int, low: int, high: int) -> Iterator[str]:
    if not low <= value <= high:
        yield f"{name} is {value}: {low} to {high} is allowed"
