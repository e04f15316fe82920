"""The world's verbs: the table, and ``apply``.

``verbs_of(world)`` is the table for command line, REST, scenarios and page, with the outlet numbers of that world.
``apply`` checks everything, then does it, then lets physics and listeners follow.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from hal.world.outlet import OutletWorld
from hal.world.station import StationWorld
from hal.world.verb_actions import ACTIONS, STATION_ACTIONS, Action, Call
from hal.world.verb_domestic import DOMESTIC_ACTIONS, DOMESTIC_VERBS
from hal.world.verb_faults import FAULT_ACTIONS
from hal.world.verb_meter import HOUSE_ACTIONS, HOUSE_VERBS, METER_ACTIONS, METER_VERBS
from hal.world.verb_phases import PHASE_ACTIONS, PHASE_VERBS
from hal.world.verb_spec import Verb, VerbError, VerbParam, check_params, without_secrets
from hal.world.verb_table import DEVICE_VERBS, DIP_VERBS, SHUTTER_VERBS, VERBS
from hal.world.verb_wifi import WIFI_ACTIONS, WIFI_VERBS

__all__ = ["VERBS", "Verb", "VerbError", "VerbParam", "apply", "loggable", "verbs_of"]

_BY_NAME: Final = {verb.name: verb for verb in VERBS}
_DOMESTIC: Final = tuple(verb.name for verb in DOMESTIC_VERBS)
_PHASES: Final = tuple(verb.name for verb in PHASE_VERBS)
_METER: Final = tuple(verb.name for verb in METER_VERBS)
_HOUSE: Final = tuple(verb.name for verb in HOUSE_VERBS)
_WIFI: Final = tuple(verb.name for verb in WIFI_VERBS)
_STATION_ACTIONS: Final[dict[str, Action]] = {**STATION_ACTIONS, **HOUSE_ACTIONS, **WIFI_ACTIONS}
_OUTLET_ACTIONS: Final[dict[str, Action]] = {
    **ACTIONS,
    **FAULT_ACTIONS,
    **DOMESTIC_ACTIONS,
    **METER_ACTIONS,
    **PHASE_ACTIONS,
}


def verbs_of(world: StationWorld) -> tuple[Verb, ...]:
    """Return every verb with the outlet numbers ``world`` has; verbs of a device only where there is one."""
    return tuple(_narrowed(verb, world) for verb in VERBS if _fits(verb, world))


def _fits(verb: Verb, world: StationWorld) -> bool:
    if verb.name in SHUTTER_VERBS:
        return any(outlet.shutter.fitted for outlet in world.outlets)
    if verb.name in _DOMESTIC:
        return any(outlet.domestic.fitted for outlet in world.outlets)
    if verb.name in _PHASES:
        return any(outlet.phase_switch.wired for outlet in world.outlets)
    if verb.name in _METER:
        return world.house_meter is not None or any(outlet.attached.meter is not None for outlet in world.outlets)
    if verb.name in _HOUSE:
        return world.house_meter is not None
    if verb.name in _WIFI:
        return world.wifi is not None
    if verb.name in DIP_VERBS:
        return any(outlet.dip_banks.positions for outlet in world.outlets)
    if verb.name == "move_board_cable":
        return len(world.outlets) > 1
    device = DEVICE_VERBS.get(verb.name)
    return device is None or any(outlet.contacts.has(device) for outlet in world.outlets)


def loggable(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a verb that was done, as they may stand in a log or a recording."""
    verb = _BY_NAME.get(name)
    return dict(params) if verb is None else without_secrets(verb, params)


def apply(world: StationWorld, name: str, params: Mapping[str, Any], now_us: int) -> None:
    """Do verb ``name`` with ``params`` at ``now_us``.

    Raises VerbError, and has done nothing, when the verb or a parameter is unknown, a value has the wrong type, unit or
    range, or the verb is impossible now. Parameters not given take their defaults.
    """
    verb = _BY_NAME.get(name)
    if verb is None:
        close = difflib.get_close_matches(str(name)[:40], _BY_NAME)
        raise VerbError(str(name)[:40], "", "there is no such verb", ", ".join(dict.fromkeys((*close, *_BY_NAME))))
    values = check_params(_narrowed(verb, world), params)
    outlet = world.outlet(int(values.get("outlet", 1)))
    world.step(now_us)
    call = Call(name, world, outlet, values, max(now_us, outlet.now_us))
    action = _STATION_ACTIONS.get(name) or _OUTLET_ACTIONS[name]
    reason = action.blocked(call)
    if reason:
        raise VerbError(name, "", f"impossible now: {reason}")
    if name in _STATION_ACTIONS:
        action.do(call)
        world.set_grid(call.now_us)
        return

    def do(_outlet: OutletWorld, _now_us: int) -> None:
        action.do(call)

    outlet.act(do, call.now_us)


def _narrowed(verb: Verb, world: StationWorld) -> Verb:
    """Return ``verb`` with the outlet parameter limited to the outlets there are."""
    params = tuple(
        replace(param, maximum=len(world.outlets)) if param.name == "outlet" else param for param in verb.params
    )
    return replace(verb, params=params)
