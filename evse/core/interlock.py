"""The interlock: may the contactor be held, and if not, all reasons why not.

One function, no state. Every fact it needs is in ``InterlockFacts``; nothing else in the core may grant the permission.
A *hard* reason opens at once. A *soft* one forbids closing, but lets a closed contact stay while a controlled stop gives
the vehicle time to reduce its current (Table A.6 sequences 9 and 10: X1, then at least 6 s before opening under load).
"""

from __future__ import annotations

from typing import NamedTuple

from evse.core.pilot import DiodeCheck
from evse.core.values import PilotLevel


class InterlockFacts(NamedTuple):
    """What the permission depends on, at one instant."""

    restored: bool
    link_ok: bool
    level: PilotLevel
    ventilation_allowed: bool
    diode: DiodeCheck
    pwm_offered: bool
    pwm_confirmed: bool
    authorised: bool
    record_durable: bool
    lock_required: bool
    lock_confirmed: bool
    shutter_required: bool
    shutter_confirmed: bool
    self_test_passed: bool
    emergency_faults: tuple[str, ...]
    controlled_faults: tuple[str, ...]
    no_offer_reasons: tuple[str, ...]
    contactor_rested: bool
    held: bool
    stop_grace: bool
    """A controlled stop is under way, its force time has not come, and the vehicle still draws current."""


class Permission(NamedTuple):
    """The interlock's answer. ``reasons`` lists everything that speaks against a closed contact, hard ones first."""

    granted: bool
    reasons: tuple[str, ...]


def _hard_reasons(facts: InterlockFacts) -> list[str]:
    reasons = []
    if not facts.restored:
        reasons.append("StateNotRestored")
    if not facts.link_ok:
        reasons.append("FrontEndNotFresh")
    if facts.level not in (PilotLevel.C, PilotLevel.D):
        reasons.append("VehicleNotReady")
    if facts.level is PilotLevel.D and not facts.ventilation_allowed:
        reasons.append("NoVentilation")
    if facts.diode is not DiodeCheck.PROVEN:
        reasons.append("DiodeNotProven")
    if facts.lock_required and not facts.lock_confirmed:
        reasons.append("LockNotConfirmed")
    if facts.shutter_required and not facts.shutter_confirmed:
        reasons.append("ShutterNotConfirmed")
    reasons.extend(facts.emergency_faults)
    return reasons


def _soft_reasons(facts: InterlockFacts) -> list[str]:
    reasons = list(facts.no_offer_reasons)
    if not facts.authorised and "NotAuthorised" not in reasons:
        reasons.append("NotAuthorised")
    if not facts.record_durable and "RecordNotDurable" not in reasons:
        reasons.append("RecordNotDurable")
    if not facts.self_test_passed and "SelfTestNotPassed" not in reasons:
        reasons.append("SelfTestNotPassed")
    if not (facts.pwm_offered and facts.pwm_confirmed):
        reasons.append("PwmOff")
    if not facts.held and not facts.contactor_rested:
        reasons.append("ContactorMustRest")
    reasons.extend(name for name in facts.controlled_faults if name not in reasons)
    return reasons


def judge(facts: InterlockFacts) -> Permission:
    """Return whether the contactor may be held, with all reasons against it."""
    hard, soft = _hard_reasons(facts), _soft_reasons(facts)
    granted = not hard and (not soft or (facts.held and facts.stop_grace))
    return Permission(granted, tuple(dict.fromkeys((*hard, *soft))))
