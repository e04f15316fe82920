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


def test_a_scenario_finds_its_profile_beside_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = "schema: 1\nkind: station\nname: mine\nfamily: other\noutlets: [{number: 1}]\n"
    (tmp_path / "mine.yaml").write_text(board, encoding="utf-8")
    story = tmp_path / "story.yaml"
    story.write_text(STORY.replace("parking-1", "mine.yaml"), encoding="utf-8")
    assert load(story).profile == str(tmp_path / "mine.yaml")
    assert main(["sim", str(story)]) == 0
    story.write_text(STORY.replace("parking-1", "yours.yaml"), encoding="utf-8")
    assert main(["sim", str(story)]) == 2
    assert f"{story}:4:10: profile: yours.yaml: no such file" in capsys.readouterr().err
    (tmp_path / "mine.yaml").write_text(board + "colour: red\n", encoding="utf-8")
    story.write_text(STORY.replace("parking-1", "mine.yaml"), encoding="utf-8")
    assert main(["sim", str(story)]) == 2
    assert "mine.yaml:6:1: colour: unknown key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ("{faults: contains DiodeFault}", "this is a field of an outlet: add 'outlet: 1'"),
        ("{outlet: 1, mono_us: 3 s}", "this is a field of the station: leave 'outlet' out"),
        ("{outlet: 1, link_ok: true, timeout: 3 s}", "the time of this step is written within"),
    ],
)
def test_a_misplaced_field_is_told_where_it_belongs(
    condition: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = tmp_path / "story.yaml"
    story.write_text(STORY.partition("  - expect")[0] + f"  - expect: {condition}\n", encoding="utf-8")
    assert main(["sim", str(story)]) == 2
    assert hint in capsys.readouterr().err


def test_the_timeline_shows_what_was_chosen_of_a_long_list_with_units(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = tmp_path / "story.yaml"
    steps = "  - {at: 1 s, do: plug_in, with: {max_current: 16}}\n  - {at: 2 s, do: present_card}\n  - {at: 3 s, do: set_input}\n"
    story.write_text(STORY + steps, encoding="utf-8")
    assert main(["sim", str(story)]) == 0
    shown = [line.partition("> ")[2] for line in capsys.readouterr().out.splitlines() if "  > " in line]
    assert shown == [
        "plug_in outlet 1, max_current 16 A",
        "present_card outlet 1, uid 04A1B2C3D4E5F6, hold 0 s",
        "set_input outlet 1, line 1, closed true",
    ]


def test_commands_and_orders_stand_in_the_timeline_as_people_write_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = tmp_path / "story.yaml"
    steps = "  - {at: 1 s, command: book, with: {outlet: 1, uid: 04A1B2C3, until: 2 h}}\n"
    steps += "  - {at: 2 s, command: set_limit, with: {outlet: 1, source: plant, current: 10 A}}\n"
    story.write_text(STORY.replace("steps:", "until: 3 s\nsteps:") + steps, encoding="utf-8")
    assert main(["sim", str(story)]) == 0
    out = capsys.readouterr().out
    assert "> book outlet 1, uid 04A1B2C3, until 7200 s" in out
    assert "orders in force: booked 04A1B2C3 until 2:00:01.000" in out
    assert "> set_limit outlet 1, source plant, current 10 A" in out
    assert "limit plant 10 A" in out


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{nevr: {outlet: 1, link_ok: false}}", "a step does exactly one thing"),
        ("{nevr: {outlet: 1, link_ok: false}}", "did you mean 'never'?"),
        ("{wait_until: {outlet: 1, link_ok: true, timeout: 3 sec}}", "the unit 'sec' does not fit"),
    ],
)
def test_one_mistake_of_a_step_is_told_once(
    step: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = tmp_path / "story.yaml"
    story.write_text(STORY + f"  - {step}\n", encoding="utf-8")
    assert main(["sim", str(story)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert told in line
