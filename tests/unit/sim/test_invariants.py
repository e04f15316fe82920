"""Each invariant is silent for a station that works, and speaks up for one that is wrong in just its way."""

from __future__ import annotations

from typing import Any

import pytest

from evse.sim.invariants import all_invariants
from evse.sim.runner import run_scenario
from evse.sim.scenario_loader import parse_scenario
from evse.sim.verdict import Verdict

HEAD = "schema: 1\nkind: scenario\nname: toy\nprofile: toy\nsteps:\n"
CHARGE = """
  - {do: present_card, with: {uid: 04A1B2C3}}
  - {after: 1 s, do: plug_in, with: {cable: 20 A}}
  - wait_until: {outlet: 1, truth.contact_closed: true, timeout: 20 s}
"""
LEAVE = """
  - {after: 10 min, do: vehicle_stop}
  - {after: 10 s, do: unplug, with: {end: vehicle}}
  - {after: 2 s, do: unplug}
  - {after: 5 s, expect: {outlet: 1, truth.contact_closed: false}}
"""


def run(toy: Any, defect: str, steps: str, *, elide: bool = True) -> Verdict:
    return run_scenario(parse_scenario(HEAD + steps, "toy.yaml", toy.verbs, 1), toy.factory(defect), elide=elide)


def broken(verdict: Verdict) -> list[str]:
    return sorted({violation.invariant for violation in verdict.violations})


@pytest.mark.req("SIM-03")
def test_a_good_session_breaks_nothing(toy: Any) -> None:
    verdict = run(toy, "", CHARGE + LEAVE + CHARGE.replace("04A1B2C3", "04FFFF00") + LEAVE)
    assert verdict.summary().splitlines()[1:] == []
    assert verdict.passed
    assert len(verdict.decisions) == 4
    assert verdict.counters.instants < 1_000


@pytest.mark.req("SIM-03")
@pytest.mark.parametrize(
    ("defect", "steps", "invariant"),
    [
        ("late opening", CHARGE + LEAVE, "S1"),
        ("no diode check", CHARGE + "  - {after: 5 s, do: short_diode}\n  - {after: 2 s, do: vehicle_stop}", "S1"),
        ("no self test", CHARGE + LEAVE, "S1"),
        ("record late", CHARGE + LEAVE, "S1"),
        ("record late", CHARGE + LEAVE, "T1"),
        ("no lock", CHARGE + LEAVE, "S1"),
        ("ignores cable", CHARGE + LEAVE, "S2"),
        ("", CHARGE + "  - {after: 5 s, do: overdraw}\n  - {after: 30 s, do: vehicle_stop}", "S4"),
        ("", CHARGE + "  - {after: 5 s, do: draw_bolt}\n  - {after: 30 s, do: vehicle_stop}", "S5"),
        ("opens at once", CHARGE + "  - {after: 60 s, do: press_stop}\n  - {after: 30 s, do: vehicle_stop}", "S6"),
        (
            "hides weld",
            CHARGE + "  - {after: 5 s, do: weld_contactor}\n  - {after: 5 s, do: vehicle_stop}\nuntil: 2 min",
            "S7",
        ),
        (
            "no state F",
            CHARGE + "  - {after: 5 s, do: short_diode}\n  - {after: 20 s, do: unplug, with: {end: vehicle}}",
            "S10",
        ),
        (
            "ignores unavailable",
            "  - {command: set_unavailable, with: {outlet: 1}}" + CHARGE,
            "S13",
        ),
        (
            "ignores booking",
            "  - {command: book, with: {outlet: 1, uid: 04DEAD00, until: 1 h}}" + CHARGE,
            "S13",
        ),
        ("no record", CHARGE + LEAVE, "T1"),
        ("two records", CHARGE + LEAVE, "T1"),
        ("wrong energy", CHARGE + LEAVE, "T3"),
    ],
)
def test_a_defect_is_caught(toy: Any, defect: str, steps: str, invariant: str) -> None:
    assert invariant in broken(run(toy, defect, steps))


@pytest.mark.parametrize(
    "steps",
    [
        CHARGE + "  - {after: 60 s, do: press_stop}\n  - {after: 30 s, do: vehicle_stop}",
        CHARGE + "  - {after: 5 s, do: short_diode}\n  - {after: 20 s, do: unplug, with: {end: vehicle}}",
        CHARGE
        + "  - {after: 5 s, do: weld_contactor}\n  - {after: 5 s, do: vehicle_stop}\n  - {after: 5 s, do: vehicle_stop}",
        CHARGE + "  - {after: 5 s, do: force_lock_open}",
    ],
    ids=["forced stop after 6 s", "diode fault", "reported weld", "bolt forced"],
)
def test_the_right_reaction_is_no_violation_of_s5_s6_s7_s10(toy: Any, steps: str) -> None:
    assert not set(broken(run(toy, "", steps))) & {"S5", "S6", "S7", "S10"}


def test_the_card_that_was_presented_is_the_one_that_authorises(toy: Any) -> None:
    assert "S1" in broken(run(toy, "charges another card", CHARGE + LEAVE))


def test_each_invariant_states_itself_and_has_its_own_name() -> None:
    invariants = all_invariants()
    assert [invariant.name for invariant in invariants] == [
        "S1", "S2", "S4", "S5", "S6", "S7", "S10", "S13", "T1", "T3",
    ]  # fmt: skip
    for invariant in invariants:
        assert (type(invariant).__doc__ or "").startswith(f"{invariant.name}. ")
