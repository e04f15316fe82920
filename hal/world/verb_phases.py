"""The verbs of a phase switch in the outlet's feed."""

from __future__ import annotations

from typing import Final

from hal.world.verb_actions import Action, Call
from hal.world.verb_spec import HEAL, OUTLET, Verb, VerbParam

RELAY: Final = "relay"
CONTACTOR: Final = "contactor"
PHASE_VERBS: Final = (
    Verb(
        "phase_switch_sticks",
        "fault",
        "a part of the phase switch stays as it stands (X2)",
        (
            OUTLET,
            VerbParam("part", "choice", "which", default=CONTACTOR, choices=(CONTACTOR, RELAY)),
            HEAL,
        ),
        "heal",
    ),
)
"""What exists where X2 drives a contactor for L2 and L3."""


def _absent(call: Call) -> str:
    return "" if call.outlet.phase_switch.wired else "this outlet has no phase switch"


def _stick(call: Call) -> None:
    switch = call.outlet.phase_switch
    if call.heal:
        switch.relay_stuck = switch.contactor_stuck = False
    elif call.text("part") == RELAY:
        switch.relay_stuck = True
    else:
        switch.contactor_stuck = True


PHASE_ACTIONS: Final[dict[str, Action]] = {"phase_switch_sticks": Action(_stick, _absent)}
"""Actions on one outlet's phase switch."""
