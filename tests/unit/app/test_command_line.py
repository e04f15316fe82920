"""The command line without a running station: help, codes, texts."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards.load import shipped_profiles
from evse.app.cli import main
from evse.app.commands.world_command import _refusal, _show, parse_value
from evse.app.processes.paths import Hold, write_status
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld
from hal.world.verbs import VERBS, VerbError, apply

SCENARIO = """schema: 1
kind: scenario
name: short
profile: parking-1
steps:
  - at: 1 s
    do: plug_in
    with: {outlet: 1}
  - expect: {outlet: 1, cable_state: 32 A, within: 5 s}
"""


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where stations would be found: a path short enough for sockets, which pytest's own are not always."""
    with tempfile.TemporaryDirectory(prefix="evse-") as made:
        monkeypatch.setenv("EVSE_RUNTIME_DIR", made)
        yield Path(made)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["sim", "--help"],
        ["world", "--help"],
        ["profile", "check", "--help"],
        ["meters", "list", "--help"],
    ],
)
def test_help_says_exit_codes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    assert "exit codes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["run"], ["run", "--profile", "parking", "--port", "70000"], ["world"], ["profile", "check"]],
)
def test_a_wrong_command_line_is_bad_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("evse ")


def test_world_without_a_station_is_not_running(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["world", "list"]) == 3
    assert "no station is running" in capsys.readouterr().err
    assert main(["world", "list", "--json", "--station", "X"]) == 3
    assert json.loads(capsys.readouterr().out)["kind"] == "not running"


def test_world_of_a_station_on_hardware_does_not_exist(capsys: pytest.CaptureFixture[str], base: Path) -> None:
    directory = base / "1"
    directory.mkdir()
    hold = Hold(directory)
    write_status(directory, {"uid": "HW", "url": "http://127.0.0.1:8061/", "world": ""})
    assert main(["world", "list"]) == 3
    assert "hardware" in capsys.readouterr().err
    hold.release()


def test_several_stations_ask_for_a_choice(capsys: pytest.CaptureFixture[str], base: Path) -> None:
    holds = []
    for uid, port in (("LEFT", 8061), ("RIGHT", 8062)):
        directory = base / uid
        directory.mkdir()
        holds.append(Hold(directory))
        write_status(directory, {"uid": uid, "url": f"http://127.0.0.1:{port}/", "world": "/nowhere"})
    assert main(["world", "list"]) == 2
    assert "LEFT (port 8061), RIGHT (port 8062)" in capsys.readouterr().err
    for choice in ("LEFT", "8062"):
        assert main(["world", "list", "--station", choice]) == 3
        assert "does not answer" in capsys.readouterr().err
    for hold in holds:
        hold.release()


def test_a_refusal_of_the_world_is_a_line_with_the_nearest_names() -> None:
    with pytest.raises(VerbError) as error:
        apply(StationWorld([OutletSetup()]), "plug_inn", {}, 0)
    answer = {"ok": False, "param": "", "reason": error.value.reason, "allowed": error.value.allowed}
    shown = _refusal("plug_inn", answer)
    assert shown.startswith("plug_inn: there is no such verb; allowed: plug_in")
    assert shown.endswith(f", … ({len(VERBS)} in all)")
    wrong = {"ok": False, "param": "cable", "reason": "16 is not one of the choices", "allowed": "13 A, 20 A"}
    assert _refusal("plug_in", wrong) == "plug_in.cable: 16 is not one of the choices; allowed: 13 A, 20 A"
    assert _refusal("unplug", {"ok": False, "reason": "impossible now"}) == "unplug: impossible now"


def test_options_have_no_abbreviations(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--profil", "parking"])
    assert "--profil" in capsys.readouterr().err


def test_world_parameters_are_key_and_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["world", "plug_in", "outlet"]) == 2
    assert "key=value" in capsys.readouterr().err
    assert main(["world", "plug_in", "outlet=1", "outlet=2"]) == 2
    assert "twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-2", -2), ("1.5", 1.5), ("true", True), ("false", False), ("20 A", "20 A"), ("04A1B2C3", "04A1B2C3"),
     ("1e3", "1e3"), ("007", "007"), ("nan", "nan"), ("", "")],
)  # fmt: skip
def test_values_keep_what_was_typed(text: str, value: object) -> None:
    found = parse_value(text)
    assert type(found) is type(value)
    assert found == value


def test_meters_are_listed_and_checked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["meters", "list"]) == 0
    told = capsys.readouterr().out
    assert "iem3155" in told
    assert "Siemens 7KT1260: no public map, cannot be read" in told
    assert main(["meters", "list", "--json"]) == 0
    assert {each["name"] for each in json.loads(capsys.readouterr().out)} >= {"iem3155", "sdm630"}
    assert main(["meters", "check", "iem3155"]) == 0
    assert "request: 6 registers from 2999" in capsys.readouterr().out
    bad = tmp_path / "bad.yaml"
    bad.write_text("schema: 1\nkind: meter\nname: bad\nmap: perhaps\n", encoding="utf-8")
    assert main(["meters", "check", str(bad)]) == 2
    assert "bad.yaml:4:6: map: 'perhaps' is not allowed; allowed: public, none" in capsys.readouterr().out
    assert main(["meters", "check", str(bad), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_shipped_profiles_are_listed_with_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "list"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == list(shipped_profiles())
    assert lines["parking-t2-te"] == "EVlink Parking, one outlet with a T2 and a domestic socket, RFID"
    assert main(["profile", "list", "--json"]) == 0
    families = {each["name"]: each["family"] for each in json.loads(capsys.readouterr().out)}
    assert (families["parking-t2-te"], families["thor-house"], families["example"]) == ("parking", "thor", "other")


def test_profile_check(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["profile", "check", "parking", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "parking"
    bad = tmp_path / "bad.yaml"
    bad.write_text("schema: 1\nkind: station\n")
    assert main(["profile", "check", str(bad)]) == 2
    assert "required" in capsys.readouterr().out


def test_sim_runs_scenarios_and_tells(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    story = tmp_path / "short.yaml"
    story.write_text(SCENARIO)
    trace, report = tmp_path / "t.jsonl", tmp_path / "r.xml"
    assert main(["sim", str(story), "--trace", str(trace), "--junit", str(report), "--seed", "7"]) == 0
    out = capsys.readouterr().out
    assert "seed 7" in out
    assert "passed: short" in out
    assert json.loads(trace.read_text().splitlines()[0])["run"] == 7
    assert "<testsuites " in report.read_text()
    assert main(["sim", str(story), "--json", "--profile", "parking"]) == 0
    assert json.loads(capsys.readouterr().out)["profile"] == "parking"


def test_sim_tells_failed_from_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    story = tmp_path / "wrong.yaml"
    story.write_text(SCENARIO.replace("32 A", "20 A"))
    assert main(["sim", str(story)]) == 1
    assert "FAILED" in capsys.readouterr().out
    story.write_text(SCENARIO.replace("outlet: 1, cable_state", "outlet: 2, cable_state"))
    assert main(["sim", str(story)]) == 2
    story.write_text(SCENARIO.replace("plug_in", "plugin"))
    assert main(["sim", str(story), str(tmp_path / "none.yaml")]) == 2
    err = capsys.readouterr().err
    assert "plugin" in err
    assert "none.yaml" in err
    assert main(["sim", str(story), str(story), "--trace", "x"]) == 2


def test_control_characters_of_a_profile_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.yaml"
    head = "schema: 1\nkind: station\nname: t\nfamily: other\n"
    file.write_text(head + 'description: "x\\e[2J"\noutlets: [{number: 1}]\n', encoding="utf-8")
    assert main(["profile", "check", str(file)]) == 0
    shown = capsys.readouterr().out
    assert r"description: x\x1b[2J" in shown
    assert "\x1b" not in shown


def test_what_a_station_sends_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e"
    param = {"name": evil, "help": evil, "default": evil, "choices": [evil], "unit": evil, "type": "text"}
    _show("verbs", {"verbs": [{"name": evil, "help": evil, "params": [param]}]})
    _show("truth", {"outlets": [{evil: evil}]})
    _show("log", {"log": [{"at_us": 1, "outlet": 1, "what": evil, "value": evil}]})
    shown = capsys.readouterr().out
    assert "owned" in shown
    assert all(line.isprintable() for line in shown.splitlines())
    assert "\\x1b" in shown
