"""Scenarios by name: what ships, how it is found, what ``evse sim`` makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evse.app.cli import main
from evse.app.virtual.scenario_library import load, shipped_scenarios
from evse.app.virtual.station_factory import dumb_station_factory, station_factory
from evse.app.virtual.virtual_station import VirtualStation
from evse.sim.problems import ScenarioError

STORY = """schema: 1
kind: scenario
name: a story of my own
profile: parking-1
steps:
  - expect: {outlet: 1, outlet_status: OK_InitDone, within: 1 s}
"""


@pytest.mark.req("SIM-03")
def test_list_names_every_shipped_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped_scenarios())
    assert main(["sim", "--list", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert all(entry["description"] and entry["profile"] for entry in entries)


@pytest.mark.req("SIM-03")
def test_a_shipped_scenario_runs_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "vehicle-timeout", "--dumb-front-end"]) == 0
    out = capsys.readouterr().out
    assert "OutletStatusLastError KO_EvNotDetected" in out
    assert "passed: a cable and no vehicle" in out


def test_several_scenarios_end_with_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "vehicle-timeout", "plug-timeout"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 2 scenarios passed"


def test_a_name_that_is_none_gets_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "badge-frist"]) == 2
    assert "did you mean 'badge-first'?" in capsys.readouterr().err
    assert main(["sim"]) == 2
    assert "--list" in capsys.readouterr().err


def test_an_existing_file_wins_over_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("badge-first").write_text(STORY, encoding="utf-8")
    assert load("badge-first").name == "a story of my own"


def test_outlets_are_those_of_the_chosen_profile(tmp_path: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_text(STORY.replace("outlet: 1", "outlet: 2"), encoding="utf-8")
    with pytest.raises(ScenarioError, match="outlet"):
        load(path)
    assert load(path, "parking").profile == "parking"


@pytest.mark.req("SIM-02")
def test_a_trace_has_the_frames_of_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.jsonl"
    assert main(["sim", "vehicle-timeout", "--trace", str(path)]) == 0
    sources = {json.loads(line).get("source") for line in path.read_text(encoding="ascii").splitlines()}
    lines = {f"wire outlet-{outlet}/{device}" for outlet in (1, 2) for device in ("front-end", "reader")}
    assert lines <= sources
    assert "frame" not in capsys.readouterr().out


def interlocked(station: VirtualStation) -> bool:
    """Whether outlet 1's front end opens by itself on state B while control is hung."""
    station.scheduler.run_until(2_000_000)
    station.apply_verb("present_card", {"outlet": 1, "uid": "04A1B2C3", "hold": 1}, 2_000_000)
    station.apply_verb("plug_in", {"outlet": 1}, 2_000_000)
    station.scheduler.run_until(20_000_000)
    assert station.world.outlet(1).truth().contact_closed
    station.apply_verb("freeze_control", {}, 20_000_000)
    station.apply_verb("unplug", {"outlet": 1, "end": "vehicle", "pull_under_load": True}, 20_000_000)
    station.scheduler.run_until(20_060_000)
    open_at_once = not station.world.outlet(1).truth().contact_closed
    station.scheduler.run_until(20_300_000)
    assert not station.world.outlet(1).truth().contact_closed, "the lease ends in any case"
    return open_at_once


@pytest.mark.req("PIL-04", "SIM-01")
def test_dumb_front_ends_have_the_lease_and_nothing_else() -> None:
    assert interlocked(station_factory("parking", 1, True))
    assert not interlocked(dumb_station_factory("parking", 1, True))


def test_a_power_cut_ends_a_hung_control_too() -> None:
    station = station_factory("parking-1", 1, True)
    station.scheduler.run_until(1_000_000)
    station.apply_verb("freeze_control", {}, 1_000_000)
    assert station.view() is None
    with pytest.raises(ValueError, match="does not run"):
        station.apply_verb("freeze_control", {}, 1_000_000)
    station.apply_verb("cut_power", {}, 1_000_000)
    station.apply_verb("restore_power", {}, 2_000_000)
    station.scheduler.run_until(4_000_000)
    view = station.view()
    assert view is not None
    assert view.restored
    with pytest.raises(ValueError, match="not frozen"):
        station.apply_verb("thaw_control", {}, 4_000_000)
