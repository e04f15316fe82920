"""Scenario files: what is right loads, what is wrong is refused at once, with its place and what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evse.core.commands import AvailabilitySource, SetUnavailable
from evse.core.limits import LimitStep
from evse.sim.conditions import Check, Subject
from evse.sim.problems import ScenarioError
from evse.sim.scenario import Do, Expect, Post, Throughout, WaitUntil, When
from evse.sim.scenario_loader import COMMANDS, load_scenario, parse_scenario
from evse.sim.scenario_writer import scenario_text
from hal.units import MS, SECOND

HEAD = "schema: 1\nkind: scenario\nname: a story\nprofile: parking\n"


def refused(toy: Any, text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "story.yaml", toy.verbs, 2)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.req("SIM-03")
def test_every_kind_of_step_loads(toy: Any) -> None:
    scenario = parse_scenario(
        HEAD
        + """seed: 7
until: 2 h
steps:
  - at: 10 s
    do: plug_in
    with: {outlet: 2, cable: 20 A}
  - after: 500 ms
    expect: {outlet: 2, ev_state: B_Present_9V, session: null, within: 3 s}
  - command: set_unavailable
    with: {outlet: 1, source: plc}
  - command: book
    with: {outlet: 1, uid: 04A1B2C3, until: 2 h}
  - never: {outlet: 1, truth.contact_closed: true}
  - always: {config_version: ">= 1", for: 1 min}
  - wait_until: {outlet: 2, session.energy_wh: "> 1.5 kWh", "currents_ma[0]": "<= 32 A", timeout: 1 h}
  - expect: {event: SessionClosed, where: {reason: Local, energy_wh: "> 1 Wh"}, within: 1 min}
  - expect: {"outlets[2].faults": contains DiodeFault, records: 1, record.reason: "!= PowerLoss"}
""",
        "story.yaml",
        toy.verbs,
        2,
    )
    steps = scenario.steps
    assert (scenario.run_number, scenario.end_us, scenario.profile) == (7, 7200 * SECOND, "parking")
    assert steps[0].when == When(at_us=10 * SECOND)
    assert isinstance(steps[0].action, Do)
    assert steps[0].action.params["cable"] == "20 A"
    assert steps[0].action.params["vehicle"] == "new"
    assert steps[1].when == When(after_us=500 * MS)
    assert isinstance(steps[1].action, Expect)
    assert steps[1].action.within_us == 3 * SECOND
    assert steps[1].action.condition.checks == (
        Check(Subject.VIEW, 2, ("ev_state",), "==", "B_Present_9V", "outlet 2 ev_state == B_Present_9V"),
        Check(Subject.VIEW, 2, ("session",), "==", None, "outlet 2 session == absent"),
    )
    assert steps[2].action == Post(SetUnavailable, {"outlet": 1, "source": AvailabilitySource.PLC}, {})
    assert isinstance(steps[3].action, Post)
    assert steps[3].action.spans == {"until_us": 7200 * SECOND}
    assert isinstance(steps[4].action, Throughout)
    assert steps[4].action.never
    assert isinstance(steps[5].action, Throughout)
    assert steps[5].action.for_us == 60 * SECOND
    assert isinstance(steps[6].action, WaitUntil)
    assert [check.value for check in steps[6].action.condition.checks] == [1500, 32_000]
    assert steps[6].action.condition.checks[1].path == ("currents_ma", 0)
    assert isinstance(steps[7].action, Expect)
    assert steps[7].action.condition.event is not None
    assert isinstance(steps[8].action, Expect)
    first = steps[8].action.condition.checks[0]
    assert (first.outlet, first.path, first.comparison, first.value) == (2, ("faults",), "contains", "DiodeFault")
    assert [step.line for step in steps[:3]] == [8, 11, 13]


@pytest.mark.req("SIM-03")
def test_everything_wrong_is_told_at_once_with_line_key_and_what_is_allowed(toy: Any) -> None:
    problems = refused(
        toy,
        """schema: 2
kind: story
name: x
profil: parking
seed: -1
steps:
  - do: plug_inn
  - do: plug_in
    with: {cable: 25 A, colour: red, outlet: 3}
  - {at: 10 s, do: vehicle_stop}
  - {at: 9 s, do: vehicle_stop}
  - {at: -1 s, do: vehicle_stop}
  - {after: 5, do: vehicle_stop}
  - {after: 5 A, do: vehicle_stop}
  - {at: 20 s, after: 1 s, do: vehicle_stop}
  - {do: vehicle_stop, expect: {config_version: 1}}
  - expect: {outlet: 1, ev_stat: B_Present_9V}
  - expect: {outlet: 1, ev_state: B_Presnt_9V}
  - expect: {outlet: 9, ev_state: B_Present_9V}
  - expect: {outlet: 1, offered_ma: 32 V}
  - expect: {outlet: 1, offered_ma: 32}
  - expect: {outlet: 1, ev_state: "> B"}
  - expect: {outlet: 1, contactor_closed: perhaps}
  - expect: {outlet: 1, faults: DiodeFault}
  - expect: {event: SessionEnded, within: 1 s}
  - expect: {event: SessionClosed, where: {why: Local}, within: 1 s}
  - expect: {event: SessionClosed}
  - always: {event: SessionClosed}
  - wait_until: {outlet: 1, ev_state: B_Present_9V}
  - expect: {within: 3 s}
  - {command: explode}
  - {command: authorise}
  - {command: set_limit, with: {current: 16 kWh, limit: 3}}
  - never: {truth.contact_closed: true, until: 1 s}
  - expect: {outlet: 1, epoch: null}
  - just text
""",
    )
    wanted = [
        ("story.yaml:1:9: schema: 2 is not supported", "allowed: 1"),
        ("story.yaml:2:7: kind: 'story' is not supported", "allowed: scenario"),
        ("story.yaml:4:1: profil: unknown key", "allowed: profile, schema, kind, name"),
        ("story.yaml:5:7: seed: -1 is not a seed", "whole number from 0"),
        ("story.yaml:7:9: steps[0].do: there is no verb 'plug_inn'", "allowed: plug_in, unplug"),
        ("story.yaml:9:19: steps[1].with.cable: '25 A' is not one of the choices", "20 A"),
        ("story.yaml:9:25: steps[1].with.colour: plug_in has no parameter 'colour'", "cable"),
        ("steps[1].with.outlet: there is no outlet 3", "1 to 2"),
        ("story.yaml:11:10: steps[3].at: 9 s is over", "10 s or later"),
        ("story.yaml:12:10: steps[4].at: -1 s lies in the past", "0 s or more"),
        ("story.yaml:13:13: steps[5].after: 5 has no unit", "us, ms, s, min, h"),
        ("story.yaml:14:13: steps[6].after: the unit 'A' does not fit", "us, ms, s, min, h"),
        ("story.yaml:15:16: steps[7].after: a step has either 'at' or 'after'", ""),
        ("story.yaml:16:5: steps[8]: does do, expect; a step does exactly one thing", "wait_until"),
        ("story.yaml:17:34: steps[9].expect.ev_stat: an outlet has no field 'ev_stat'", "ev_state"),
        ("steps[10].expect.ev_state: 'B_Presnt_9V' is not one of its values", "B_Present_9V"),
        ("steps[11].expect.outlet: 9 is not an outlet", "from 1 to 2"),
        ("steps[12].expect.offered_ma: the unit 'V' does not fit", "mA, A"),
        ("steps[13].expect.offered_ma: 32 has no unit", "mA, A"),
        ("steps[14].expect.ev_state: '>' needs a number", ""),
        ("steps[15].expect.contactor_closed: 'perhaps' is not a truth value", "true, false"),
        ("steps[16].expect.faults: is a list or a group", "contains X"),
        ("steps[17].expect.event: there is no event 'SessionEnded'", "SessionClosed"),
        ("steps[18].expect.where.why: SessionClosed has no field 'why'", "reason"),
        ("steps[19].expect: an event needs time to happen", "within"),
        ("steps[20].always.event: an event cannot hold always", ""),
        ("steps[21].wait_until.timeout: is missing", ""),
        ("steps[22].expect: says nothing that could be judged", ""),
        ("steps[23].command: there is no command 'explode'", "book"),
        ("steps[24].command: there is no command 'authorise'", "suspend"),
        ("steps[25].with.current: the unit 'kWh' does not fit", "mA, A"),
        ("steps[25].with.limit: set_limit has no field 'limit'", "current"),
        ("steps[26].never.truth.contact_closed: the truth is an outlet's", ""),
        ("steps[26].never.until: 1 s is over when the step begins", ""),
        ("steps[27].expect.epoch: is never absent", ""),
        ("steps[28]: is not a step", ""),
    ]
    for start, allowed in wanted:
        assert any(start in problem and allowed in problem for problem in problems), (start, problems)
    assert any("profile: is missing" in problem for problem in problems)
    assert len(problems) == len(wanted) + 1, problems
    lines = [int(problem.split(":")[1]) for problem in problems if problem.split(":")[1].isdigit()]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "a scenario begins with"),
        ("- 1\n", "a scenario is a mapping"),
        (HEAD, "a scenario needs a list of steps"),
        (HEAD + "steps: []\n", "a scenario needs a list of steps"),
        (HEAD + "steps: &a [1]\n", "anchors"),
        (HEAD + "name: again\nsteps: [{do: vehicle_stop}]\n", "stands here a second time"),
    ],
)
def test_files_that_are_no_scenario_are_refused(toy: Any, text: str, what: str) -> None:
    assert any(what in problem for problem in refused(toy, text))


def test_times_beyond_ten_years_are_refused(toy: Any) -> None:
    steps = "steps:\n  - do: vehicle_stop\n"
    text = HEAD + "until: 99999999999999999 h\n" + steps.replace("do", "after: 87841 h\n    do")
    problems = refused(toy, text)
    assert len(problems) == 2
    assert problems[0].startswith("story.yaml:5:8: until: 99999999999999999 h is longer than 10 years")
    assert "87841 h is longer than 10 years" in problems[1]
    assert (
        parse_scenario(HEAD + "until: 87600 h\n" + steps, "story.yaml", toy.verbs, 2).end_us == 87_600 * 3600 * SECOND
    )


def test_control_characters_of_a_file_do_not_reach_the_terminal(toy: Any) -> None:
    problems = refused(toy, HEAD + '"a\\e]0;x\\a\\nb\\u202e": 1\nsteps:\n  - do: "x\\e[2J"\n')
    assert all(problem.isprintable() for problem in problems)
    assert any(r"a\x1b]0;x\x07\nb\u202e" in problem for problem in problems)


def test_a_missing_file_is_refused(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        load_scenario(tmp_path / "none.yaml", toy.verbs)


def test_a_file_loads_from_disk(toy: Any, tmp_path: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_text(HEAD + "steps:\n  - do: vehicle_stop\n", encoding="utf-8")
    assert load_scenario(path, toy.verbs).file == str(path)


def test_commands_have_the_names_people_write() -> None:
    assert list(COMMANDS) == [
        "start_session",
        "stop_session",
        "when_vehicle_leaves",
        "plug_within",
        "release_cable",
        "book",
        "suspend",
        "postpone",
        "set_unavailable",
        "maintain",
        "set_limit",
        "set_phases",
        "clear_fault",
    ]


def test_a_limit_may_have_a_plan_and_reads_as_it_was_written(toy: Any) -> None:
    text = (
        "steps:\n  - at: 1 s\n    command: set_limit\n    with: {outlet: 1, source: ocpp, on_expiry: release, "
        "valid_until: 1 h, plan: [[0 s, 16 A], [1 min, 10 A, 9.5 A, 0 A], [90 s]]}\n"
    )
    scenario = parse_scenario(HEAD + text, "story.yaml", toy.verbs, 2)
    action = scenario.steps[0].action
    assert isinstance(action, Post)
    assert action.fields["plan"] == (
        LimitStep(0, (16_000, 16_000, 16_000)),
        LimitStep(60 * SECOND, (10_000, 9_500, 0)),
        LimitStep(90 * SECOND, None),
    )
    again = parse_scenario(scenario_text(scenario), "again.yaml", toy.verbs, 2)
    assert again.steps[0].action == action


@pytest.mark.parametrize(
    ("plan", "why"),
    [("16 A", "is not a plan"), ("[]", "is not a plan"), ("[[0 s, 6 A, 6 A]]", "is not a step"), ("[[0 s, 6]]", "6")],
)
def test_a_wrong_plan_is_refused_with_what_would_be_right(toy: Any, plan: str, why: str) -> None:
    head = "steps:\n  - command: set_limit\n    with: {outlet: 1, source: ocpp, plan: "
    (problem,) = refused(toy, HEAD + head + plan + "}\n")
    assert why in problem
    assert "[60 s, 16 A]" in problem
