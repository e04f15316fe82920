"""The interlock: may a contactor be held, and if not, all reasons why not.

One function for both contacts that an outlet may have, no state. Every fact it needs is in ``InterlockFacts``; nothing else in the core may grant the permission.
A *hard* reason opens at once. A *soft* one forbids closing, but lets a closed contact stay while a controlled stop gives
the vehicle time to reduce its current (Table A.6 sequences 9 and 10: X1, then at least 6 s before opening under load).

A domestic socket has no pilot: its plug takes the place of everything the pilot proves, and nothing is stopped slowly.
Two sockets of one outlet exclude each other: neither contact closes unless the other one is proven open and nothing is
plugged in there, and neither stays closed when the other is not proven open any more.
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
    domestic: bool = False
    """The contact asked for is the domestic socket's."""
    plugged: bool = False
    """Domestic: the plug switch says that the plug is home."""
    other_contact_open: bool = True
    """The contact of the outlet's other socket is proven open, or there is none."""
    other_free: bool = True
    """Nothing is plugged in there either, and the outlet is not promised to it."""


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
    if not facts.domestic:
        reasons.extend(_pilot_reasons(facts))
    elif not facts.plugged:
        reasons.append("PlugNotDetected")
    if not facts.other_contact_open:
        reasons.append("OtherContactNotOpen")
    reasons.extend(facts.emergency_faults)
    return reasons


def _pilot_reasons(facts: InterlockFacts) -> list[str]:
    reasons = []
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
    return reasons


def _soft_reasons(facts: InterlockFacts) -> list[str]:
    reasons = list(facts.no_offer_reasons)
    if not facts.authorised and "NotAuthorised" not in reasons:
        reasons.append("NotAuthorised")
    if not facts.record_durable and "RecordNotDurable" not in reasons:
        reasons.append("RecordNotDurable")
    if not facts.self_test_passed and "SelfTestNotPassed" not in reasons:
        reasons.append("SelfTestNotPassed")
    if not facts.domestic and not (facts.pwm_offered and facts.pwm_confirmed):
        reasons.append("PwmOff")
    if not facts.held and not facts.contactor_rested:
        reasons.append("ContactorMustRest")
    if not facts.held and not facts.other_free and "OtherSocketInUse" not in reasons:
        reasons.append("OtherSocketInUse")
    reasons.extend(name for name in facts.controlled_faults if name not in reasons)
    return reasons


def judge(facts: InterlockFacts) -> Permission:
    """Return whether the contactor may be held, with all reasons against it."""
    hard, soft = _hard_reasons(facts), _soft_reasons(facts)
    granted = not hard and (not soft or (facts.held and facts.stop_grace))
    return Permission(granted, tuple(dict.fromkeys((*hard, *soft))))
