"""Each invariant is silent for a station that works, and speaks up for one that is wrong in just its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import Command, Postpone, SetLimit, SetUnavailable, Suspend
from evse.core.config import Access, OutletConfig, SocketType, StationConfig
from evse.core.events import CommandDone
from evse.core.lines import InputLine, LineFunction
from evse.core.units import SECOND
from evse.sim.invariants import all_invariants
from evse.sim.invariants_base import Invariant, Known, Moment
from evse.sim.runner import run_scenario
from evse.sim.scenario_loader import parse_scenario
from evse.sim.station import Claims, OpenSession, OutletFacts, TimedEvent
from evse.sim.verdict import Verdict
from hal.ports import SelfTest, ShutterPosition
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld

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
        ("", "  - {command: maintain, with: {outlet: 1}}" + CHARGE, "S13"),
        ("", "  - {command: suspend, with: {outlet: 1}}" + CHARGE + LEAVE, "T10"),
        ("", "  - {command: postpone, with: {outlet: 1}}" + CHARGE, "T10"),
        ("", "  - {command: set_limit, with: {outlet: 1, source: plant, current: 10 A}}" + CHARGE + LEAVE, "T10"),
        ("", "  - {command: set_limit, with: {outlet: 0, source: grid, current: 10 A}}" + CHARGE + LEAVE, "T10"),
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


@pytest.mark.parametrize(
    "order",
    [
        "book, with: {outlet: 1, uid: 04A1B2C3, until: 1 h}",
        "book, with: {outlet: 1, uid: 04DEAD00, until: 1 s}",
        "set_unavailable, with: {outlet: 1, active: false}",
        "suspend, with: {outlet: 1, active: false}",
        "set_limit, with: {outlet: 1, source: plant, current: 20 A}",
        "set_limit, with: {outlet: 0, source: plant, current: 6 A, active: false}",
        "set_limit, with: {outlet: 1, source: plant, current: 6 A, valid_until: 1 s, fallback: 20 A}",
    ],
)
def test_orders_that_allow_the_charge_break_nothing(toy: Any, order: str) -> None:
    after = f"  - {{command: {order}}}\n  - after: 2 s\n    do: remove_card" + CHARGE + LEAVE
    assert broken(run(toy, "ignores booking", after)) == []


def test_the_card_that_was_presented_is_the_one_that_authorises(toy: Any) -> None:
    assert "S1" in broken(run(toy, "charges another card", CHARGE + LEAVE))


def city_moment(now_us: int, **truth: object) -> Moment:
    """An energised City outlet with its shutter closed, but for what ``truth`` says."""
    world = StationWorld([OutletSetup(has_shutter=True)])
    config = StationConfig("station", "toy", (OutletConfig(1, has_shutter=True),))
    fixed: dict[str, Any] = {"contact_closed": True, "coil_energised": True, **truth}
    facts = OutletFacts(1, world.outlet(1).truth()._replace(**fixed), 32_000, SelfTest.PASSED)
    return Moment(now_us, config, (facts,), None, (), {}, (), (), Known())


def told(invariant: Invariant, *moments: Moment) -> list[str]:
    return [violation.what for moment in moments for violation in invariant.check(moment)]


@pytest.mark.req("SIM-03", "OUT-04")
def test_s1_wants_the_shutter_closed() -> None:
    s1 = all_invariants()[0]
    shut = [city_moment(at_us) for at_us in (0, SECOND)]
    assert not [what for what in told(s1, *shut) if "shutter" in what]
    ajar = [city_moment(at_us, shutter=ShutterPosition.BETWEEN) for at_us in (2 * SECOND, 3 * SECOND)]
    assert [what for what in told(s1, *ajar) if "the shutter is not closed" in what]


@pytest.mark.req("SIM-03", "OUT-04")
def test_s5_forbids_to_open_the_shutter_under_load_except_by_force() -> None:
    ajar = city_moment(SECOND, shutter=ShutterPosition.BETWEEN)
    s5 = next(each for each in all_invariants() if each.name == "S5")
    assert told(s5, city_moment(0), ajar) == ["the shutter was opened under load"]
    forced = replace(ajar, known=Known(shutter_forced_us={1: SECOND}))
    s5 = next(each for each in all_invariants() if each.name == "S5")
    assert told(s5, city_moment(0), forced) == []
    s5 = next(each for each in all_invariants() if each.name == "S5")
    unloaded = {"contact_closed": False}
    assert told(s5, city_moment(0, **unloaded), city_moment(1, shutter=ShutterPosition.OPEN, **unloaded)) == []


LINES = (InputLine(2, LineFunction.CURRENT_LIMIT), InputLine(4, LineFunction.KEY_LOCKED, normally_open=False))


def wallbox_moment(now_us: int, **truth: object) -> Moment:
    """An energised Smart Wallbox, derated to 16 A and 8 A while its input acts, that offers 16 A."""
    world = StationWorld([OutletSetup()])
    outlet = OutletConfig(1, derated_current_ma=16_000, temporary_limit_ma=8_000, lines=LINES)
    given: dict[str, Any] = {"pwm_on": True, "duty_bp": 2_666, "inputs": (False, False, False, True), **truth}
    facts = OutletFacts(1, world.outlet(1).truth()._replace(**given), 32_000, SelfTest.PASSED)
    claims = Claims(True, 0, ())
    return Moment(now_us, StationConfig("station", "toy", (outlet,)), (facts,), claims, (), {}, (), (), Known())


@pytest.mark.req("SIM-03", "ENE-01")
def test_s2_knows_derating_and_the_temporary_limit() -> None:
    def told_in_2_s(**truth: object) -> list[str]:
        s2 = next(each for each in all_invariants() if each.name == "S2")
        return told(s2, *(wallbox_moment(at_us, **truth) for at_us in (0, SECOND, 2 * SECOND)))

    assert told_in_2_s() == []
    above = "PWM offers more than cable, outlet or station stand for more than 1000 ms"
    assert told_in_2_s(duty_bp=3_333) == [above]
    assert told_in_2_s(inputs=(False, True, False, True)) == [above]
    assert told_in_2_s(inputs=(False, True, False, True), duty_bp=1_333) == []


@pytest.mark.req("SIM-03", "STA-06")
def test_s13_forbids_to_begin_while_the_key_is_locked() -> None:
    s13 = next(each for each in all_invariants() if each.name == "S13")
    locked = {"inputs": (False, False, False, False)}
    quiet = [wallbox_moment(at_us, **locked) for at_us in (0, SECOND)]
    assert told(s13, *quiet, wallbox_moment(SECOND, **locked, closings=1, contact_closed=True)) == [
        "energised in spite of KeyLocked"
    ]
    s13 = next(each for each in all_invariants() if each.name == "S13")
    early = wallbox_moment(100_000, **locked, closings=1, contact_closed=True)
    assert told(s13, wallbox_moment(0, **locked), early) == [], "nobody can know it yet"


def test_each_invariant_states_itself_and_has_its_own_name() -> None:
    invariants = all_invariants()
    assert [invariant.name for invariant in invariants] == [
        "S1", "S2", "S4", "S5", "S6", "S7", "S10", "S11", "S13", "D1", "D2", "D3", "T1", "T3", "T10",
    ]  # fmt: skip
    for invariant in invariants:
        assert (type(invariant).__doc__ or "").startswith(f"{invariant.name}. ")


def domestic_moment(now_us: int, *, cable_ma: int | None = None, session: bool = True, **changes: Any) -> Moment:
    """An energised domestic socket with its plug, but for what ``changes`` says of outlet or socket."""
    world = StationWorld([OutletSetup(has_domestic=True)])
    config = StationConfig("station", "toy", (OutletConfig(1, socket=SocketType.T2_TE, access=Access.FREE),))
    truth = world.outlet(1).truth()
    assert truth.domestic is not None
    of_outlet = {name: changes.pop(name) for name in tuple(changes) if hasattr(truth, name) and name[:4] == "plug"}
    of_outlet |= {name[7:]: changes.pop(name) for name in tuple(changes) if name.startswith("outlet_")}
    fixed: dict[str, Any] = {"plugged": True, "contact_closed": True, "coil_energised": True, "closings": 1, **changes}
    truth = truth._replace(domestic=truth.domestic._replace(**fixed), **of_outlet)
    facts = OutletFacts(1, truth, cable_ma, SelfTest.PASSED)
    sessions = {1: (OpenSession(1, "s", ""),)} if session else {}
    return Moment(now_us, config, (facts,), None, (), sessions, (), (), Known())


def domestic_invariant(name: str) -> Invariant:
    return next(each for each in all_invariants() if each.name == name)


@pytest.mark.req("STA-07", "SIM-03")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plugged": False}, "while no plug is in for more than 100 ms"),
        ({"session": False}, "while no authorised session is durable"),
        ({"outlet_residual_ac": True}, "while the residual-current detector has tripped"),
        ({"current_ma": 20_011}, "while the current is above the socket's limit"),
    ],
)
def test_d1_names_what_a_closed_domestic_contact_lacks(changes: dict[str, Any], words: str) -> None:
    good, bad = domestic_invariant("D1"), domestic_invariant("D1")
    assert told(good, domestic_moment(0), domestic_moment(SECOND)) == []
    found = told(bad, *(domestic_moment(at_us, **changes) for at_us in (0, SECOND)))
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.req("STA-07", "SIM-03")
def test_d1_forbids_to_close_beside_a_plug_in_the_other_socket() -> None:
    d1 = domestic_invariant("D1")
    plugged: dict[str, Any] = {"cable_ma": 32_000, "plug_at_station": True}
    before = domestic_moment(0, **plugged, contact_closed=False, coil_energised=False, closings=0)
    assert told(d1, before, domestic_moment(SECOND, **plugged)) == [
        "the domestic contact closed with a plug in the other socket"
    ]
    d1 = domestic_invariant("D1")
    assert told(d1, domestic_moment(0), domestic_moment(SECOND, **plugged)) == [], "it came second"


@pytest.mark.req("STA-07", "SIM-03")
def test_d2_never_both_contacts() -> None:
    d2 = domestic_invariant("D2")
    assert told(d2, domestic_moment(0), domestic_moment(SECOND)) == []
    both = [domestic_moment(at_us, outlet_contact_closed=True) for at_us in (2 * SECOND, 2 * SECOND + 1)]
    assert told(d2, *both) == ["both contacts closed at all"]


@pytest.mark.req("STA-07", "SIM-03")
def test_d3_forbids_a_lasting_overdraw() -> None:
    d3 = domestic_invariant("D3")
    assert told(d3, *(domestic_moment(at_us * SECOND, current_ma=11_550) for at_us in range(0, 20, 4))) == []
    assert len(told(d3, *(domestic_moment(at_us * SECOND, current_ma=11_551) for at_us in range(20, 40, 4)))) == 1


@pytest.mark.req("STA-07", "SIM-03")
def test_t1_counts_a_domestic_charge_without_a_session() -> None:
    t1 = domestic_invariant("T1")
    moments = [domestic_moment(at_us, session=False, outlet_energy_pj=at_us * 10**9) for at_us in (0, SECOND)]
    assert "energy flows with 0 open sessions" in told(t1, *moments)[0]


def told_after_order(name: str, command: Command, *moments: Moment) -> list[str]:
    """What invariant ``name`` says of moments after ``command`` was given and answered at time 0."""
    known = Known(commands=[(0, command)])
    done = (TimedEvent(0, CommandDone(command.outlet, command.command_id, "done", "")),)
    shown = [replace(moment, claims=Claims(True, 0, ()), known=known) for moment in moments]
    return told(domestic_invariant(name), replace(shown[0], new_events=done), *shown[1:])


OFF: dict[str, Any] = {"contact_closed": False, "coil_energised": False, "closings": 0}


@pytest.mark.req("STA-07", "SIM-03")
def test_s13_and_t10_forbid_a_domestic_contact_to_close_against_an_order() -> None:
    begins = domestic_moment(0, **OFF), domestic_moment(SECOND, **OFF), domestic_moment(2 * SECOND)
    assert told_after_order("S13", SetUnavailable("out", 1), *begins) == ["energised while unavailable"]
    assert told_after_order("S13", Suspend("off", 1), *begins) == []
    assert told_after_order("T10", Postpone("later", 1), *begins) == ["energised while postponed"]
    assert told_after_order("T10", SetUnavailable("out", 1), *begins) == []


@pytest.mark.req("STA-07", "SIM-03")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Suspend("off", 1), "offers energy while suspended"),
        (SetLimit("less", 1, source="plant", current_ma=9_999), "offers more than plant allows"),
        (SetLimit("less", 0, source="plant", current_ma=9_999), "all outlets offer more than plant allows"),
        (SetLimit("enough", 1, source="plant", current_ma=10_000), ""),
    ],
)
def test_t10_takes_a_live_domestic_socket_for_an_offer_of_its_maximum(command: Command, words: str) -> None:
    on = [domestic_moment(at_us * SECOND) for at_us in range(5)]
    late = [f"{words} for more than 1000 ms"] if words else []
    assert told_after_order("T10", command, *on) == late
    off = [domestic_moment(at_us * SECOND, contact_welded=True, coil_energised=False) for at_us in range(5)]
    assert told_after_order("T10", command, *off) == [], "a weld is no offer"
