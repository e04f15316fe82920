"""From settings to the meter of the house connection that is to be watched (sub-tab External TCP meter).

What nobody changed stays as the profile gives it. A board that has no such settings has the house meter of its profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from boards.compiled import HouseMeter
from evse.core.house_limit import HouseSettings
from evse.services.settings.house import READABLE
from evse.services.settings.phases import conductors_of, meter_terminals

if TYPE_CHECKING:
    from evse.core.config import StationConfig
    from evse.services.settings.model import Values
    from hal.meter_map import MeterMap

_CONDUCTORS: Final = (1, 2, 3)
_MONITORING: Final = "house.monitoring"


def has_house_settings(values: Values) -> bool:
    """Whether the board has the settings of a house meter."""
    return _MONITORING in values


def wanted_house(base: HouseMeter | None, values: Values, factory: Values, config: StationConfig) -> HouseMeter | None:
    """The house meter that counts, ``None`` without monitoring. ``base``: that of the profile.

    ``values``: the settings in force, ``config``: what control works by. A kept configuration that has no address or no
    meter any more gives a house meter without either: nobody can be asked, so its fallback rules.
    """
    if not has_house_settings(values):
        return base
    if values[_MONITORING] is not True:
        return None
    host = str(values["house.host"])
    if base is not None and all(value == factory[key] for key, value in values.items() if key.startswith("house.")):
        return base
    name = str(values["house.meter"])
    if name not in READABLE:
        name, host = READABLE[0], ""
        base = None
    return HouseMeter(
        _map(name, base),
        _number(values, "house.unit"),
        _settings(base, values, factory, config),
        host,
        _number(values, "house.port"),
        None if host or base is None else base.wire,
    )


def _settings(base: HouseMeter | None, values: Values, factory: Values, config: StationConfig) -> HouseSettings:
    """What the connection carries: a value that nobody changed keeps the fractions of the profile."""

    def kept(key: str) -> bool:
        return base is not None and values[key] == factory[key]

    old = HouseSettings(0) if base is None else base.settings
    phases = max(min(outlet.phases, len(outlet.conductors)) for outlet in config.outlets)
    fallback_ma = _number(values, "house.fallback_power_w") * 1_000_000 // (phases * config.nominal_voltage_mv)
    maximum, power, fallback, order = (
        kept(f"house.{name}") for name in ("maximum_current_a", "maximum_power_w", "fallback_power_w", "phases")
    )
    return HouseSettings(
        old.maximum_ma if maximum else 1_000 * _number(values, "house.maximum_current_a"),
        old.maximum_power_mw if power else 1_000 * _number(values, "house.maximum_power_w"),
        old.fallback_ma if fallback else fallback_ma,
        old.meter_phases if order else meter_terminals(_CONDUCTORS, conductors_of(str(values["house.phases"]))),
    )


def _map(name: str, base: HouseMeter | None) -> MeterMap:
    if base is not None and base.map.name == name:
        return base.map
    # Reading a map needs the profiles' reader, which most stations' services never load.
    from boards.meter_load import load_meter

    found = load_meter(name).map
    if found is None:
        raise ValueError(f"{name}: this meter has no public register map")
    return found


def _number(values: Values, key: str) -> int:
    value = values[key]
    return value if isinstance(value, int) else 0
