"""The verbs of an outlet's own energy meter: every way it can fail, lie, or be another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hal.world.attachments import MeterSwitch
from hal.world.metered import ANSWER_TIME_US, MeterLie
from hal.world.verb_actions import Action, Call
from hal.world.verb_spec import HEAL, OUTLET, Verb, VerbParam

MWH_PER_WH: Final = 1_000


def _fault(name: str, text: str, *params: VerbParam) -> Verb:
    return Verb(name, "meter", f"{text} (outlet with a meter)", (OUTLET, *params, HEAL), "heal")


def _verb(name: str, text: str, *params: VerbParam, healed_by: str = "") -> Verb:
    return Verb(name, "meter", f"{text} (outlet with a meter)", (OUTLET, *params), healed_by)


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
"""What exists where an outlet has a meter."""


def _meter(call: Call) -> MeterSwitch:
    meter = call.outlet.attached.meter
    if meter is None:
        raise ValueError("no meter is attached to this outlet")
    return meter


def _absent(call: Call) -> str:
    return "" if call.outlet.attached.meter is not None else "this outlet has no meter"


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
