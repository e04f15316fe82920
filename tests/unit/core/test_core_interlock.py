"""The interlock: every single fact alone denies, all reasons are told, and what is granted is safe."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.core.interlock import InterlockFacts, judge
from evse.core.pilot import DiodeCheck
from evse.core.values import PilotLevel

SAFE = InterlockFacts(
    restored=True,
    link_ok=True,
    level=PilotLevel.C,
    ventilation_allowed=False,
    diode=DiodeCheck.PROVEN,
    pwm_offered=True,
    pwm_confirmed=True,
    authorised=True,
    record_durable=True,
    lock_required=True,
    lock_confirmed=True,
    shutter_required=True,
    shutter_confirmed=True,
    self_test_passed=True,
    emergency_faults=(),
    controlled_faults=(),
    no_offer_reasons=(),
    contactor_rested=True,
    held=False,
    stop_grace=False,
)
HARD: list[tuple[dict[str, Any], str]] = [
    ({"restored": False}, "StateNotRestored"),
    ({"link_ok": False}, "FrontEndNotFresh"),
    ({"level": PilotLevel.A}, "VehicleNotReady"),
    ({"level": PilotLevel.B}, "VehicleNotReady"),
    ({"level": PilotLevel.E}, "VehicleNotReady"),
    ({"level": PilotLevel.F}, "VehicleNotReady"),
    ({"level": PilotLevel.INVALID}, "VehicleNotReady"),
    ({"level": PilotLevel.D}, "NoVentilation"),
    ({"diode": DiodeCheck.UNKNOWN}, "DiodeNotProven"),
    ({"diode": DiodeCheck.SHORTED}, "DiodeNotProven"),
    ({"lock_confirmed": False}, "LockNotConfirmed"),
    ({"shutter_confirmed": False}, "ShutterNotConfirmed"),
    ({"emergency_faults": ("PilotShort",)}, "PilotShort"),
]
SOFT: list[tuple[dict[str, Any], str]] = [
    ({"pwm_offered": False}, "PwmOff"),
    ({"pwm_confirmed": False}, "PwmOff"),
    ({"authorised": False}, "NotAuthorised"),
    ({"record_durable": False}, "RecordNotDurable"),
    ({"self_test_passed": False}, "SelfTestNotPassed"),
    ({"controlled_faults": ("OverTemperature",)}, "OverTemperature"),
    ({"no_offer_reasons": ("Suspended",)}, "Suspended"),
]

FACTS = st.builds(
    InterlockFacts,
    restored=st.booleans(),
    link_ok=st.booleans(),
    level=st.sampled_from(PilotLevel),
    ventilation_allowed=st.booleans(),
    diode=st.sampled_from(DiodeCheck),
    pwm_offered=st.booleans(),
    pwm_confirmed=st.booleans(),
    authorised=st.booleans(),
    record_durable=st.booleans(),
    lock_required=st.booleans(),
    lock_confirmed=st.booleans(),
    shutter_required=st.booleans(),
    shutter_confirmed=st.booleans(),
    self_test_passed=st.booleans(),
    emergency_faults=st.sampled_from([(), ("PilotShort",)]),
    controlled_faults=st.sampled_from([(), ("OverTemperature",)]),
    no_offer_reasons=st.sampled_from([(), ("Suspended",), ("NotAuthorised",)]),
    contactor_rested=st.booleans(),
    held=st.booleans(),
    stop_grace=st.booleans(),
)


@pytest.mark.req("PIL-04")
def test_with_everything_in_order_the_contactor_is_held() -> None:
    assert judge(SAFE) == (True, ())
    assert judge(SAFE._replace(level=PilotLevel.D, ventilation_allowed=True)) == (True, ())
    assert judge(SAFE._replace(lock_required=False, lock_confirmed=False)) == (True, ())
    assert judge(SAFE._replace(shutter_required=False, shutter_confirmed=False)) == (True, ())


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize(("fact", "reason"), [*HARD, *SOFT, ({"contactor_rested": False}, "ContactorMustRest")])
def test_every_single_fact_alone_forbids_to_close(fact: dict[str, Any], reason: str) -> None:
    assert judge(SAFE._replace(**fact)) == (False, (reason,))


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize(("fact", "reason"), HARD)
def test_a_hard_fact_opens_at_once_even_during_a_controlled_stop(fact: dict[str, Any], reason: str) -> None:
    permission = judge(SAFE._replace(held=True, stop_grace=True, pwm_offered=False, **fact))
    assert not permission.granted
    assert permission.reasons == (reason, "PwmOff")


@pytest.mark.req("PIL-05")
@pytest.mark.parametrize(("fact", "reason"), SOFT)
def test_a_soft_fact_leaves_a_closed_contact_its_grace(fact: dict[str, Any], reason: str) -> None:
    held = SAFE._replace(held=True, **fact)
    assert judge(held._replace(stop_grace=True)) == (True, (reason,))
    assert judge(held) == (False, (reason,))


def test_a_held_contact_need_not_rest() -> None:
    assert judge(SAFE._replace(held=True, contactor_rested=False)) == (True, ())


def test_all_reasons_are_told_hard_ones_first_and_each_once() -> None:
    worst = SAFE
    for fact, _ in HARD[:1] + HARD[1:2] + HARD[7:8] + HARD[8:9] + HARD[10:] + SOFT:
        worst = worst._replace(**fact)
    worst = worst._replace(
        contactor_rested=False, no_offer_reasons=("Suspended", "OverTemperature", "LockNotConfirmed")
    )
    assert judge(worst).reasons == (
        "StateNotRestored",
        "FrontEndNotFresh",
        "NoVentilation",
        "DiodeNotProven",
        "LockNotConfirmed",
        "ShutterNotConfirmed",
        "PilotShort",
        "Suspended",
        "OverTemperature",
        "NotAuthorised",
        "RecordNotDurable",
        "SelfTestNotPassed",
        "PwmOff",
        "ContactorMustRest",
    )


@pytest.mark.req("PIL-04")
@settings(max_examples=400)
@given(FACTS)
def test_what_is_granted_is_safe(facts: InterlockFacts) -> None:
    """Invariant S1: whatever the combination of facts."""
    granted, reasons = judge(facts)
    if not granted:
        assert reasons
        return
    assert facts.restored
    assert facts.link_ok
    assert facts.level is PilotLevel.C or (facts.level is PilotLevel.D and facts.ventilation_allowed)
    assert facts.diode is DiodeCheck.PROVEN
    assert facts.lock_confirmed or not facts.lock_required
    assert facts.shutter_confirmed or not facts.shutter_required
    assert not facts.emergency_faults
    if not (facts.held and facts.stop_grace):
        assert not reasons
        assert facts.pwm_offered
        assert facts.pwm_confirmed
        assert facts.authorised
        assert facts.record_durable
        assert facts.self_test_passed
        assert not facts.controlled_faults
        assert not facts.no_offer_reasons
        assert facts.held or facts.contactor_rested


DOMESTIC = SAFE._replace(
    domestic=True, plugged=True, level=PilotLevel.A, diode=DiodeCheck.UNKNOWN, pwm_offered=False, lock_confirmed=False
)


@pytest.mark.req("STA-07")
def test_a_domestic_contact_needs_no_pilot_and_has_its_own_conditions() -> None:
    assert judge(DOMESTIC) == (True, ())
    for held in (False, True):
        asked = DOMESTIC._replace(held=held)
        assert judge(asked._replace(plugged=False)) == (False, ("PlugNotDetected",))
        assert judge(asked._replace(authorised=False)) == (False, ("NotAuthorised",))
        assert judge(asked._replace(record_durable=False)) == (False, ("RecordNotDurable",))
        assert judge(asked._replace(self_test_passed=False)) == (False, ("SelfTestNotPassed",))
        assert judge(asked._replace(emergency_faults=("BrownOut",))) == (False, ("BrownOut",))


@pytest.mark.req("STA-07")
@pytest.mark.parametrize("facts", [SAFE, DOMESTIC], ids=["Type 2", "domestic"])
def test_two_sockets_exclude_each_other_in_both_directions(facts: InterlockFacts) -> None:
    for held in (False, True):
        other_live = facts._replace(other_contact_open=False, held=held, stop_grace=True)
        assert judge(other_live) == (False, ("OtherContactNotOpen",))
    assert judge(facts._replace(other_free=False)) == (False, ("OtherSocketInUse",))
    assert judge(facts._replace(other_free=False, held=True)) == (True, ()), "who comes second changes nothing"
