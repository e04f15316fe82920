"""``evse sim`` in a pipeline: exit codes, JSON in every case, JUnit, directories and patterns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from evse.app.cli import main
from evse.app.commands import sim_command
from evse.app.virtual.scenario_library import expand, shipped_scenarios
from evse.sim.invariants_base import Violation
from evse.sim.problems import ScenarioError
from evse.sim.runner import run_scenario
from evse.sim.verdict import Verdict

STORY = """schema: 1
kind: scenario
name: {name}
profile: parking-1
steps:
  - expect: {{outlet: 1, outlet_status: {status}, within: 1 s}}
"""


@pytest.fixture
def stories(tmp_path: Path) -> Path:
    """A directory with two that pass, one of them in a directory of its own, and a file that is no scenario."""
    (tmp_path / "b").mkdir()
    (tmp_path / "one.yaml").write_text(STORY.format(name="first", status="OK_InitDone"))
    (tmp_path / "b" / "two.yaml").write_text(STORY.format(name="second", status="OK_InitDone"))
    (tmp_path / "notes.txt").write_text("none")
    return tmp_path


def report(path: Path) -> ElementTree.Element:
    """The suite of a report."""
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314
    assert root.tag == "testsuites"
    return root[0]


@pytest.mark.req("SIM-03")
def test_a_directory_stands_for_its_scenarios(stories: Path, capsys: pytest.CaptureFixture[str]) -> None:
    junit = stories / "r.xml"
    assert main(["sim", str(stories), "--junit", str(junit), "--json"]) == 0
    verdicts = json.loads(capsys.readouterr().out)
    assert [verdict["name"] for verdict in verdicts] == ["second", "first"]
    suite = report(junit)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")
    assert [case.get("classname") for case in suite] == [str(stories / "b" / "two.yaml"), str(stories / "one.yaml")]
    assert all(len(case) == 0 and float(str(case.get("time"))) > 0 for case in suite)


@pytest.mark.req("SIM-03")
def test_patterns_find_files_first_and_shipped_names_then(stories: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stories)
    assert expand(["*.yaml", "one.yaml"]) == ["one.yaml"]
    assert expand(["**/*.yaml"]) == ["b/two.yaml", "one.yaml"]
    assert expand(["city-*"]) == [name for name in shipped_scenarios() if name.startswith("city-")]
    for nothing in ("x*", "b/*.yml"):
        with pytest.raises(ScenarioError, match="fits this pattern"):
            expand([nothing])
    (stories / "empty").mkdir()
    with pytest.raises(ScenarioError, match="in this directory"):
        expand(["empty"])


@pytest.mark.req("SIM-03")
def test_a_failed_expectation_has_its_place_everywhere(stories: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = stories / "wrong.yaml"
    wrong.write_text(STORY.format(name="third", status="OK_Unavailable"))
    junit = stories / "r.xml"
    assert main(["sim", str(stories), "--junit", str(junit)]) == 1
    out = capsys.readouterr().out
    assert "2 of 3 scenarios passed" in out
    assert out.count("Outlet Status OK_InitDone") == 1, "the timeline of the one that failed, and no other"
    assert f"{wrong}:6: step 1: expected" in out
    suite = report(junit)
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    case = next(each for each in suite if len(each))
    assert (case.get("file"), case.get("line")) == (str(wrong), "6")
    assert case[0].get("type") == "expectation"
    assert f"{wrong}:6: step 1 at 0:00:01.000: expected outlet 1 outlet_status == OK_Unavailable" in str(case[0].text)


@pytest.mark.req("SIM-03")
def test_a_broken_invariant_has_a_code_of_its_own(
    stories: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = run_scenario

    def broken(*arguments: Any, **options: Any) -> Verdict:
        verdict = real(*arguments, **options)
        return replace(verdict, violations=(Violation("S1", 2_000_000, 1, "closed\x1b without a vehicle"),))

    monkeypatch.setattr(sim_command, "run_scenario", broken)
    junit = stories / "r.xml"
    assert main(["sim", str(stories / "one.yaml"), "--junit", str(junit)]) == 4
    capsys.readouterr()
    failure = report(junit)[0][0]
    assert failure.get("type") == "invariant"
    assert r"S1: outlet 1 at 0:00:02.000: closed\x1b without a vehicle" in str(failure.text)


@pytest.mark.req("SIM-03")
def test_what_is_refused_is_json_and_junit_too(stories: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = stories / "wrong.yaml"
    wrong.write_text(STORY.format(name="third", status="OK_Unavailabel").replace("1 s", "1 A"))
    junit = stories / "r.xml"
    assert main(["sim", str(stories), "--json", "--junit", str(junit)]) == 2
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert (data["kind"], data["exit_code"]) == ("error", 2)
    first, second = data["problems"]
    assert (first["file"], first["line"], first["key"]) == (str(wrong), 6, "steps[0].expect.outlet_status")
    assert first["allowed"].startswith("OK_Unavailable, ")
    assert "does not fit" in second["what"]
    assert captured.err.count(f"evse: {wrong}:6:") == 2
    suite = report(junit)
    assert (suite.get("tests"), suite.get("errors"), suite.get("skipped")) == ("3", "1", "2")
    error = next(case for case in suite if case[0].tag == "error")[0]
    assert "OK_Unavailabel" in str(error.text)


@pytest.mark.req("SIM-03")
@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "no scenario given"),
        (["badge-frist"], "no such file and no scenario of this name"),
        (["badge-first", "--profile", "parkign"], "parking"),
        (["city-*", "--trace", "x"], "one scenario at a time"),
        (["badge-first", "--junit", "/nowhere/r.xml"], "No such file or directory"),
        (["badge-first", "--trace", "/nowhere/t.jsonl"], "No such file or directory"),
        (["nothing/"], "no such file"),
    ],
)
def test_every_refusal_is_json(arguments: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--json", *arguments]) == 2
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert data["kind"] == "error"
    assert any(what in f"{problem['what']} {problem['allowed']} {problem['hint']}" for problem in data["problems"]), (
        data
    )
    assert captured.err.startswith("evse: ")


def test_the_help_tells_the_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["sim", "--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    for code in ("0 all passed", "1 an expectation failed", "2 bad input", "4 a safety or record invariant"):
        assert code in out
