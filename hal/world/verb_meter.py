"""The verbs of an outlet's own energy meter: every way it can fail, lie, or be another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hal.world.attachments import MeterSwitch
from hal.world.metered import ANSWER_TIME_US, MeterLie
from hal.world.verb_actions import Action, Call
from hal.world.verb_spec import HEAL, OUTLET, Verb, VerbParam

MWH_PER_WH: Final = 1_000


_WHOSE: Final = VerbParam("whose", "choice", "which meter", default="outlet", choices=("outlet", "house"))


def _fault(name: str, text: str, *params: VerbParam) -> Verb:
    return Verb(name, "meter", text, (OUTLET, _WHOSE, *params, HEAL), "heal")


def _verb(name: str, text: str, *params: VerbParam, healed_by: str = "") -> Verb:
    return Verb(name, "meter", text, (OUTLET, _WHOSE, *params), healed_by)


HOUSE_VERBS: Final = (
    Verb(
        "set_house_load",
        "meter",
        "the house takes another current beside the station (house with a meter)",
        (
            VerbParam("current", "number", "what it takes, negative: what it gives", "A", 10, -400, 400),
            VerbParam("phase", "choice", "which phase", default="all", choices=("all", "L1", "L2", "L3")),
        ),
        "set_house_load current: 0",
    ),
)
"""What exists where the house has a meter."""

METER_VERBS: Final = (
    _fault("silence_meter", "the meter does not answer"),
    _fault(
        "slow_meter",
        "the meter takes its time for each answer",
        VerbParam("delay", "number", "from request to answer", "s", 2, 0, 60),
    ),
    _fault("garble_meter", "the meter sends garbage instead of answers"),
    _fault(
        "refuse_by_meter",
        "the meter refuses every request",
        VerbParam("code", "int", "exception code of Modbus", default=4, minimum=1, maximum=11),
    ),
    _fault(
        "meter_lies",
        "the meter says what is not true",
        VerbParam(
            "kind",
            "choice",
            "what it says",
            default="nan",
            choices=tuple(lie.value for lie in MeterLie if lie is not MeterLie.NONE),
        ),
    ),
    _verb(
        "set_meter_address",
        "give the meter itself another address",
        VerbParam("address", "int", "its own address", default=2, minimum=1, maximum=247),
    ),
    _verb(
        "replace_meter",
        "put another meter in its place, with another serial number",
        VerbParam("register", "number", "energy that the new one shows", "kWh", 0, 0, 1_000_000),
        VerbParam("away", "number", "so long there is none", "s", 20, 0, 86_400),
    ),
    _verb(
        "near_meter_wrap",
        "bring the meter's register close to the number at which it begins anew",
        VerbParam("left", "number", "energy up to there", "kWh", 1, 0, 1_000),
    ),
)
"""What exists where an outlet or the house has a meter."""


def _found(call: Call) -> MeterSwitch | None:
    return call.world.house_meter if call.text("whose") == "house" else call.outlet.attached.meter


def _meter(call: Call) -> MeterSwitch:
    meter = _found(call)
    if meter is None:
        raise ValueError("there is no such meter")
    return meter


def _absent(call: Call) -> str:
    return "" if _found(call) is not None else f"this {call.text('whose')} has no meter"


def _silence(call: Call) -> None:
    _meter(call).faults.silent = not call.heal


def _slow(call: Call) -> None:
    _meter(call).faults.delay_us = ANSWER_TIME_US if call.heal else call.number("delay")


def _garble(call: Call) -> None:
    _meter(call).faults.garbage = not call.heal


def _refuse(call: Call) -> None:
    _meter(call).faults.exception = 0 if call.heal else call.number("code")


def _lie(call: Call) -> None:
    _meter(call).set_lie(MeterLie.NONE if call.heal else MeterLie(call.text("kind")), call.now_us)


def _set_address(call: Call) -> None:
    _meter(call).unit = call.number("address")


def _replace(call: Call) -> None:
    _meter(call).replace(call.number("register") * MWH_PER_WH, call.now_us + call.number("away"))


def _wrap_blocked(call: Call) -> str:
    return _absent(call) or ("" if _meter(call).wraps else "the register of this meter never begins anew")


def _near_wrap(call: Call) -> None:
    _meter(call).near_wrap(call.number("left") * MWH_PER_WH, call.now_us)


def _action(do: Callable[[Call], None]) -> Action:
    return Action(do, _absent)


METER_ACTIONS: Final[dict[str, Action]] = {
    "silence_meter": _action(_silence),
    "slow_meter": _action(_slow),
    "garble_meter": _action(_garble),
    "refuse_by_meter": _action(_refuse),
    "meter_lies": _action(_lie),
    "set_meter_address": _action(_set_address),
    "replace_meter": _action(_replace),
    "near_meter_wrap": Action(_near_wrap, _wrap_blocked),
}
"""Actions on one outlet's meter."""


def _no_house_meter(call: Call) -> str:
    return "" if call.world.house_meter is not None else "the house has no meter"


def _set_house_load(call: Call) -> None:
    grid, phase, current_ma = call.world.grid, call.text("phase"), call.number("current")
    first, second, third = (
        current_ma if phase in ("all", f"L{index + 1}") else old for index, old in enumerate(grid.house_ma)
    )
    grid.house_ma = (first, second, third)


HOUSE_ACTIONS: Final[dict[str, Action]] = {"set_house_load": Action(_set_house_load, _no_house_meter)}
"""Actions on the house."""
