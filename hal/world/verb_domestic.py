"""The verbs of a domestic socket: plugging, the appliance, and the faults of plug switch and second contactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hal.world.contactor import MirrorFault
from hal.world.domestic import PlugSwitchFault
from hal.world.verb_actions import Action, Call
from hal.world.verb_spec import HEAL, OUTLET, Verb, VerbParam

_CURRENT: Final = VerbParam("current", "number", "what the appliance draws on L1", "A", 8, 0, 40)


def _kinds(kinds: type[MirrorFault | PlugSwitchFault], default: str) -> VerbParam:
    choices = tuple(kind.value for kind in kinds if kind.value != "none")
    return VerbParam("kind", "choice", "what it says", default=default, choices=choices)


def _verb(group: str, name: str, text: str, *params: VerbParam, healed_by: str = "") -> Verb:
    return Verb(name, group, f"{text} (domestic socket)", (OUTLET, *params), healed_by)


def _fault(name: str, text: str, *params: VerbParam) -> Verb:
    return _verb("fault", name, text, *params, HEAL, healed_by="heal")


DOMESTIC_VERBS: Final = (
    _verb("user", "plug_in_domestic", "plug an appliance in", _CURRENT, healed_by="unplug_domestic"),
    _verb(
        "user",
        "unplug_domestic",
        "pull the appliance's plug",
        VerbParam("pull_under_load", "bool", "pull although current flows", default=False),
        healed_by="plug_in_domestic",
    ),
    _verb("user", "set_domestic_load", "the plugged appliance draws another current", _CURRENT),
    _fault(
        "overdraw_domestic",
        "the appliance draws more than it may",
        VerbParam("current", "number", "on top of its load", "A", 5, 0, 100),
    ),
    _fault("weld_domestic", "the contacts weld: at once when closed, else at the next closing"),
    _fault("domestic_fails_to_close", "the coil moves nothing"),
    _fault("domestic_mirror_fault", "the mirror contact lies", _kinds(MirrorFault, "stuck_open")),
    _fault("plug_switch_fault", "the plug switch lies", _kinds(PlugSwitchFault, "stuck_out")),
)
"""What exists where an outlet has a domestic socket."""


def _absent(call: Call) -> str:
    return "" if call.outlet.domestic.fitted else "this outlet has no domestic socket"


def _not_plugged(call: Call) -> str:
    return _absent(call) or ("" if call.outlet.domestic.plugged else "nothing is plugged into the domestic socket")


def _plug_blocked(call: Call) -> str:
    return _absent(call) or ("a plug is in the domestic socket already" if call.outlet.domestic.plugged else "")


def _plug(call: Call) -> None:
    socket = call.outlet.domestic
    socket.plugged, socket.load_ma, socket.overdraw_ma = True, call.number("current"), 0


def _overdraw_blocked(call: Call) -> str:
    return _absent(call) if call.heal else _not_plugged(call)


def _flows(call: Call) -> bool:
    domestic = call.outlet.domestic
    return domestic.current_ma(call.outlet.voltages_mv()[0]) > 0


def _unplug_blocked(call: Call) -> str:
    reason = _not_plugged(call)
    if not reason and _flows(call) and not call.flag("pull_under_load"):
        return "current flows; a user would need pull_under_load: true"
    return reason


def _unplug(call: Call) -> None:
    if _flows(call):
        call.outlet.unplugs_under_load += 1
    socket = call.outlet.domestic
    socket.plugged, socket.load_ma, socket.overdraw_ma = False, 0, 0


def _set_load(call: Call) -> None:
    call.outlet.domestic.load_ma = call.number("current")


def _overdraw(call: Call) -> None:
    call.outlet.domestic.overdraw_ma = 0 if call.heal else call.number("current")


def _weld(call: Call) -> None:
    contactor = call.outlet.domestic.contactor
    contactor.weld = not call.heal
    contactor.follow_coil(call.now_us)


def _fail_to_close(call: Call) -> None:
    contactor = call.outlet.domestic.contactor
    contactor.fails_to_close = not call.heal
    contactor.follow_coil(call.now_us)


def _mirror(call: Call) -> None:
    kind = MirrorFault.NONE if call.heal else MirrorFault(call.text("kind"))
    call.outlet.domestic.contactor.mirror_fault = kind


def _switch(call: Call) -> None:
    call.outlet.domestic.switch_fault = PlugSwitchFault.NONE if call.heal else PlugSwitchFault(call.text("kind"))


def _action(do: Callable[[Call], None]) -> Action:
    return Action(do, _absent)


DOMESTIC_ACTIONS: Final[dict[str, Action]] = {
    "plug_in_domestic": Action(_plug, _plug_blocked),
    "unplug_domestic": Action(_unplug, _unplug_blocked),
    "set_domestic_load": Action(_set_load, _not_plugged),
    "overdraw_domestic": Action(_overdraw, _overdraw_blocked),
    "weld_domestic": _action(_weld),
    "domestic_fails_to_close": _action(_fail_to_close),
    "domestic_mirror_fault": _action(_mirror),
    "plug_switch_fault": _action(_switch),
}
"""Actions on one outlet's domestic socket."""
