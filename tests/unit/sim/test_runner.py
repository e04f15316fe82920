"""Running scenarios: steps, waiting, watching, verdicts, traces, determinism."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from evse.sim.junit import Case, junit_xml
from evse.sim.runner import run_scenario
from evse.sim.scenario import Scenario
from evse.sim.scenario_loader import parse_scenario
from evse.sim.timeline import timeline_line
from evse.sim.trace import Trace, TraceEntry, TraceWriter, parse_trace
from evse.sim.verdict import Verdict, exit_code

HEAD = "schema: 1\nkind: scenario\nname: toy story\nprofile: toy\nsteps:\n"
CHARGE = """
  - {do: present_card, with: {uid: 04A1B2C3}}
  - {after: 1 s, do: plug_in, with: {cable: 20 A}}
  - wait_until: {outlet: 1, truth.contact_closed: true, timeout: 20 s}
"""
HERE = Path(__file__).parent


def load(toy: Any, steps: str) -> Scenario:
    return parse_scenario(HEAD + steps, "toy.yaml", toy.verbs, 1)


def run(toy: Any, steps: str, defect: str = "", elide: bool = True) -> tuple[Verdict, list[TraceEntry], str]:
    entries: list[TraceEntry] = []
    file = io.StringIO()
    trace = Trace(entries.append, TraceWriter(file, name="toy story", run_number=1, profile="toy"))
    verdict = run_scenario(load(toy, steps), toy.factory(defect), elide=elide, trace=trace)
    return verdict, entries, file.getvalue()


@pytest.mark.req("SIM-03")
def test_a_session_passes_and_its_timeline_reads_well(toy: Any) -> None:
    verdict, entries, _ = run(
        toy,
        CHARGE
        + """
  - wait_until: {outlet: 1, session.energy_wh: "> 500 Wh", timeout: 1 h}
  - expect: {outlet: 1, ev_state: C_Ready_6V, evse_status: contains Normal_Mode_3, "currents_ma[0]": "> 10 A"}
  - {do: vehicle_stop}
  - expect: {event: EvStateChanged, outlet: 1, where: {state: B_Present_9V}, within: 10 s}
  - never: {outlet: 1, faults: contains ContactorWelded}
  - {after: 10 s, do: unplug, with: {end: vehicle}}
  - expect: {records: 1, record.energy_wh: ">= 500 Wh", record.reason: EVDisconnected, within: 3 s}
""",
    )
    assert verdict.summary().splitlines()[1:] == []
    assert verdict.exit_code == 0
    assert [decision.step for decision in verdict.decisions] == [3, 4, 5, 7, 8, 10]
    lines = [line for entry in entries if (line := timeline_line(entry)) is not None]
    assert any("0:00:00.000  scenario    > present_card" in line and "uid 04A1B2C3" in line for line in lines)
    assert any("outlet 1    EV State C_Ready_6V (was B_Present_9V)" in line for line in lines)
    assert any("ok: outlet 1 session.energy_wh > 500 within 3600 s" in line for line in lines)
    assert any("session s-1 closed: EVDisconnected" in line for line in lines)


@pytest.mark.req("SIM-03")
def test_a_failure_names_line_expectation_finding_and_time(toy: Any) -> None:
    verdict, _, _ = run(toy, CHARGE + "  - expect: {outlet: 1, ev_state: B_Present_9V, within: 500 ms}\n")
    (failure,) = verdict.failures
    assert failure.line == 10
    assert failure.expected == "outlet 1 ev_state == B_Present_9V within 500 ms"
    assert failure.actual == "outlet 1 ev_state is C_Ready_6V"
    assert failure.at_us == verdict.decisions[0].at_us + 500_000
    assert verdict.exit_code == 1
    assert "toy.yaml:10: step 4: expected outlet 1 ev_state == B_Present_9V" in verdict.summary()


@pytest.mark.req("SIM-03")
@pytest.mark.parametrize(
    ("step", "actual"),
    [
        ("wait_until: {outlet: 1, ev_state: F_NotAvailable, timeout: 5 s}", "ev_state is C_Ready_6V"),
        ("never: {outlet: 1, truth.pilot_level: C, for: 1 s}", "outlet 1 truth.pilot_level == C"),
        ("always: {outlet: 1, truth.pilot_level: B, for: 1 s}", "truth.pilot_level is C"),
        ("expect: {event: WakeUpStarted, within: 5 s}", "no such event"),
        ("expect: {outlet: 1, session: null}", "session is "),
        ("{at: 1 s, do: vehicle_stop}", "it could begin at"),
        ("do: reset_breaker", "impossible now"),
    ],
)
def test_what_does_not_hold_fails(toy: Any, step: str, actual: str) -> None:
    verdict, _, _ = run(toy, CHARGE + f"  - {step}\n")
    assert len(verdict.failures) == 1, verdict.summary()
    assert actual in verdict.failures[0].actual


def test_always_and_never_end_with_their_span(toy: Any) -> None:
    verdict, _, _ = run(
        toy,
        CHARGE
        + """
  - always: {outlet: 1, truth.pilot_level: C, for: 9 s}
  - never: {outlet: 1, truth.pilot_level: B, until: 10 s}
  - {after: 30 s, do: vehicle_stop}
  - {after: 30 s, do: vehicle_ready}
""",
    )
    assert verdict.passed, verdict.summary()


def test_the_run_lasts_until_its_end_and_expectations_go_on_meanwhile(toy: Any) -> None:
    verdict, _, _ = run(
        toy,
        """
  - expect: {outlet: 1, ev_state: B_Present_9V, within: 20 s}
  - {after: 10 s, do: plug_in, with: {cable: 20 A}}
until: 1 min
""",
    )
    assert verdict.passed, verdict.summary()
    assert verdict.decisions[0].at_us == 10_000_000
    assert verdict.end_us == 60_000_000


@pytest.mark.req("SIM-02")
def test_elided_and_full_runs_give_the_same_trace(toy: Any) -> None:
    steps = (
        CHARGE + '  - wait_until: {outlet: 1, session.energy_wh: "> 100 Wh", timeout: 1 h}\n  - {do: vehicle_stop}\n'
    )
    assert run(toy, steps)[2] == run(toy, steps, elide=False)[2]


def test_an_invariant_rules_the_exit_code(toy: Any) -> None:
    steps = (
        CHARGE
        + "  - {after: 60 s, do: vehicle_stop}\n  - {after: 20 s, expect: {outlet: 1, ev_state: F_NotAvailable}}\n"
    )
    verdict, entries, _ = run(toy, steps, defect="late opening")
    assert len(verdict.failures) == 1
    assert verdict.exit_code == 4
    assert any(entry.type == "violation" and entry.data["invariant"] == "S1" for entry in entries)
    passed, _, _ = run(toy, CHARGE)
    assert exit_code([passed, verdict]) == 4
    assert exit_code([passed]) == 0


def test_json_and_junit_hold_the_whole_verdict(toy: Any) -> None:
    steps = (
        CHARGE
        + "  - expect: {outlet: 1, ev_state: F_NotAvailable}\n  - {after: 60 s, do: vehicle_stop}\nuntil: 2 min\n"
    )
    verdict, _, _ = run(toy, steps, defect="late opening")
    data = json.loads(verdict.to_json())
    assert (data["schema"], data["kind"], data["passed"], data["exit_code"]) == (1, "verdict", False, 4)
    assert data["failures"][0]["line"] == 10
    assert data["violations"][0]["invariant"] == "S1"
    root = ElementTree.fromstring(junit_xml([Case(verdict.file, verdict, (), 0.25)]))  # noqa: S314
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "1", "0")
    case = root[0][0]
    assert (case.get("classname"), case.get("file"), case.get("line")) == ("toy.yaml", "toy.yaml", "10")
    assert case.get("time") == "0.250"
    (failure,) = case
    assert failure.get("type") == "invariant"
    assert "toy.yaml: S1: outlet 1 at " in str(failure.text)
    assert "toy.yaml:10: step 4 at " in str(failure.text)


def test_a_trace_can_be_read_back(toy: Any) -> None:
    _, entries, text = run(toy, CHARGE)
    assert list(parse_trace(text).entries) == entries


@pytest.mark.req("SIM-02")
def test_equal_traces_under_different_hash_randomisation() -> None:
    """Byte for byte, in processes whose sets and dictionaries hash differently."""
    program = """
import importlib.util, io, sys
spec = importlib.util.spec_from_file_location("toy_conftest", sys.argv[1])
toy = importlib.util.module_from_spec(spec)
sys.modules["toy_conftest"] = toy
spec.loader.exec_module(toy)
from evse.sim.junit import Case, junit_xml
from evse.sim.runner import run_scenario
from evse.sim.scenario_loader import parse_scenario
from evse.sim.trace import Trace, TraceWriter
file = io.StringIO()
trace = Trace(TraceWriter(file, name="x", run_number=1, profile="toy"))
verdict = run_scenario(parse_scenario(sys.argv[2], "x", toy.TOY_VERBS, 1), toy.make_factory("late opening"), trace=trace)
sys.stdout.write(file.getvalue() + verdict.to_json())
"""
    steps = HEAD + CHARGE + "  - {after: 60 s, do: vehicle_stop}\n  - {after: 9 s, do: unplug, with: {end: vehicle}}\n"
    outputs = []
    for hash_number in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_number, "PYTHONPATH": str(HERE.parents[2])}
        command = [sys.executable, "-c", program, str(HERE / "conftest.py"), steps]
        outputs.append(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert outputs[0].count("\n") > 20
    assert outputs[0] == outputs[1] == outputs[2]
