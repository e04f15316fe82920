"""The vehicle's settings as verb parameters: one table for ``plug_in`` and ``set_vehicle``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from hal.world.vehicle import Sleep, VehicleSettings
from hal.world.verb_spec import Checked, VerbParam

_TABLE: Final[tuple[tuple[str, VerbParam], ...]] = (
    ("capacity_wh", VerbParam("capacity", "number", "battery capacity", "kWh", 60, 1, 500)),
    ("charge_bp", VerbParam("charge", "number", "state of charge on arrival", "%", 40, 0, 100)),
    ("maximum_ma", VerbParam("max_current", "number", "the charger's maximum per phase", "A", 32, 1, 80)),
    ("minimum_ma", VerbParam("min_current", "number", "offered less, it does not charge", "A", 6, 1, 80)),
    ("phases", VerbParam("phases", "int", "phases the charger uses", "", 3, 1, 3)),
    ("ramp_up_ma_s", VerbParam("ramp_up", "number", "how fast the current rises", "A/s", 4, 1, 1000)),
    ("ramp_down_ma_s", VerbParam("ramp_down", "number", "how fast the current falls", "A/s", 16, 1, 1000)),
    ("close_delay_us", VerbParam("close_delay", "number", "from PWM to S2 closed", "ms", 500, 0, 3_600_000)),
    ("charger_delay_us", VerbParam("charger_delay", "number", "from voltage to current", "ms", 500, 0, 60_000)),
    (
        "follow_delay_us",
        VerbParam("follow_delay", "number", "time to follow a changed duty cycle", "ms", 1000, 0, 60_000),
    ),
    (
        "stop_reaction_us",
        VerbParam("stop_reaction", "number", "from a reason to stop to less current", "ms", 200, 0, 60_000),
    ),
    ("stop_within_us", VerbParam("stop_within", "number", "from a reason to stop to S2 open", "ms", 3000, 0, 60_000)),
    ("wake_pulse_us", VerbParam("wake_pulse", "number", "E or F that wakes a sleeper", "ms", 3000, 0, 60_000)),
    ("ventilation", VerbParam("ventilation", "bool", "asks for ventilation: state D instead of C", default=False)),
    ("simplified", VerbParam("simplified", "bool", "no S2: at once in state C, 10 A on one phase", default=False)),
    (
        "sleep",
        VerbParam(
            "sleep",
            "choice",
            "light: PWM coming back or an E/F pulse wakes it; deep: only an E/F pulse",
            default="awake",
            choices=tuple(sleep.value for sleep in Sleep),
        ),
    ),
    ("overdraw_ma", VerbParam("overdraw", "number", "current per phase above what is permitted", "A", 0, 0, 100)),
    ("ignores_stop", VerbParam("ignores_stop", "bool", "keeps drawing when PWM goes away", default=False)),
    ("ignores_duty", VerbParam("ignores_duty", "bool", "draws its maximum whatever the duty cycle", default=False)),
    ("wants_charge", VerbParam("wants_charge", "bool", "wants energy at once", default=True)),
)

VEHICLE_PARAMS: Final = tuple(param for _, param in _TABLE)


def settings_from(base: VehicleSettings, checked: Mapping[str, Checked], names: Iterable[str]) -> VehicleSettings:
    """Return ``base`` with the parameters in ``names`` taken from ``checked`` (base units)."""
    wanted = frozenset(names)
    changes: dict[str, Any] = {}
    for field_name, param in _TABLE:
        if param.name in wanted:
            value = checked[param.name]
            changes[field_name] = Sleep(str(value)) if field_name == "sleep" else value
    return replace(base, **changes)
