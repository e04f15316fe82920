"""Recorded traces through drivers and core again: equal where nothing changed, else the first difference, at its place."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.cli import main
from evse.app.virtual.scenario_library import load
from evse.app.virtual.station_factory import recording_factory
from evse.control.recording import Recorder
from evse.core.commands import Command, ReportMeter, RestoreState, SetLimit
from evse.core.interlock import InterlockFacts
from evse.core.limits import LimitStep
from evse.core.offer import PilotOffer
from evse.core.power_return import Interrupted
from evse.core.values import MeterSample
from evse.sim.replay import Difference, ReplayError, ReplayReport, _command, identity_of, replay
from evse.sim.runner import run_scenario
from evse.sim.trace import Trace, TraceEntry, TraceWriter, parse_trace

STORIES = (
    *("badge-first", "city-session", "control-killed", "front-end-hangs", "orders-restart"),
    *("power-cut", "two-outlets", "weld"),
)
"""Boots, lines that die, hung control, cards, standing orders, both boards."""


@cache
def recorded(story: str, *, elide: bool = True) -> str:
    """The story's trace file."""
    scenario = load(story)
    file = io.StringIO()
    writer = TraceWriter(file, name=scenario.name, run_number=1, profile=scenario.profile)
    trace = Trace(writer)
    run_scenario(scenario, recording_factory(trace), 1, elide=elide, trace=trace)
    return file.getvalue()


def replayed(text: str, profile_name: str = "") -> ReplayReport:
    """Replay a trace file's text."""
    trace = parse_trace(text)
    profile = load_profile(profile_name or trace.profile)
    uid = str(identity_of(trace)["station_uid"])
    return replay(trace, station_config(profile, uid), wire_plan(profile))


@pytest.mark.parametrize(
    "command",
    [
        RestoreState("c", 1, interrupted=Interrupted("04A1B2C3", "badge", continues=True, delay_us=5)),
        ReportMeter("c", 2, sample=MeterSample(7, currents_ma=(1, 2, 3), energy_mwh=9), problem="none"),
        SetLimit("c", 0, source="x", plan=(LimitStep(0, (1, 2, 3)), LimitStep(5, None))),
    ],
)
def test_a_command_is_read_again_as_it_was_noted(command: Command) -> None:
    entries: list[TraceEntry] = []
    Recorder(Trace(entries.append).add).taken(command, 5)
    assert _command(entries[-1]) == command


def edited(text: str, line: int, **data: Any) -> str:
    """The text with other data on one line."""
    lines = text.split("\n")
    entry = json.loads(lines[line - 1])
    entry["data"].update(data)
    lines[line - 1] = json.dumps(entry, separators=(",", ":"))
    return "\n".join(lines)


def renumbered(lines: list[str]) -> str:
    """The lines as a trace whose entries follow each other without a gap."""
    rest = [json.loads(line) | {"seq": number} for number, line in enumerate(filter(None, lines[1:]), 1)]
    return "\n".join([lines[0], *(json.dumps(entry, separators=(",", ":")) for entry in rest), ""])


def line_of(text: str, *needles: str, after: int = 0) -> int:
    """Number of the first line behind ``after`` that holds every needle."""
    lines = enumerate(text.split("\n"), 1)
    return next(number for number, line in lines if number > after and all(needle in line for needle in needles))


def difference(text: str) -> Difference:
    """The first difference; there must be one."""
    found = replayed(text).difference
    assert found is not None
    return found


@pytest.mark.req("SIM-02")
@pytest.mark.parametrize("story", STORIES)
def test_an_unchanged_trace_gives_no_difference(story: str) -> None:
    report = replayed(recorded(story))
    assert report.difference is None
    assert report.cycles > 100
    assert report.frames > 80
    assert report.events > 30


@pytest.mark.req("SIM-02")
def test_a_trace_in_full_gives_none_either() -> None:
    report = replayed(recorded("plug-timeout", elide=False))
    assert report.difference is None
    assert report.frames > 500


def test_every_boot_is_lived_through() -> None:
    assert replayed(recorded("power-cut")).boots == 2


@pytest.mark.req("SIM-02")
def test_another_sent_frame_is_found_where_it_stands() -> None:
    text = recorded("badge-first")
    line = line_of(text, "outlet-1/front-end", '"sent"', after=300)
    sent = json.loads(text.split("\n")[line - 1])["data"]["bytes"]
    found = difference(edited(text, line, bytes=sent[:-2] + ("00" if sent[-2:] != "00" else "01")))
    assert (found.line, found.source) == (line, "wire outlet-1/front-end")
    assert found.got is not None
    assert found.got.data["bytes"] == sent


@pytest.mark.req("SIM-02")
def test_another_event_is_found_where_it_stands() -> None:
    text = recorded("badge-first")
    line = line_of(text, '"type":"SessionOpened"')
    found = difference(edited(text, line, uid="00000000"))
    assert (found.line, found.source) == (line, "outlet 1")
    assert found.expected is not None
    assert found.expected.data["uid"] == "00000000"


@pytest.mark.req("SIM-02")
def test_a_damaged_received_frame_shows_in_what_follows() -> None:
    text = recorded("badge-first")
    line = line_of(text, "outlet-1/front-end", '"received"', after=200)
    found = difference(edited(text, line, bytes="a5"))
    assert line < found.line < line + 40


@pytest.mark.req("SIM-02")
def test_a_lost_event_and_an_invented_one_are_found() -> None:
    text = recorded("badge-first")
    lines = text.split("\n")
    line = line_of(text, '"type":"SessionOpened"')
    found = difference(renumbered([*lines[: line - 1], *lines[line:]]))
    assert found.got is not None
    assert found.got.type == "SessionOpened"
    found = difference(renumbered([*lines[:line], lines[line - 1], *lines[line:]]))
    assert found.expected is not None
    assert (found.line, found.expected.type) == (line + 1, "SessionOpened")


@pytest.mark.req("SIM-02")
def test_a_planted_bug_shows_at_the_first_thing_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    text = recorded("badge-first")
    monkeypatch.setattr(PilotOffer, "mode", property(lambda offer: offer_mode(offer, later=False)))
    assert replayed(text).difference is None, "as it was"
    monkeypatch.setattr(PilotOffer, "mode", property(lambda offer: offer_mode(offer, later=True)))
    found = difference(text)
    first_pwm = line_of(text, '"type":"PilotDriven"', '"PWM"')
    assert found.line <= first_pwm
    assert text.split("\n")[found.line - 1].startswith(f'{{"t":{found.at_us},')
    at_us = json.loads(text.split("\n")[first_pwm - 1])["t"]
    assert found.at_us == at_us, "not before the offer, and not after it"


real_mode = PilotOffer.mode


def offer_mode(offer: PilotOffer, *, later: bool) -> Any:
    """The product's mode, or one that never offers."""
    mode = real_mode.fget(offer)  # type: ignore[attr-defined]
    return type(mode).X1 if later and mode == "PWM" else mode


def test_a_control_that_gives_up_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    text = recorded("badge-first")

    def broken(facts: InterlockFacts) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("evse.core.outlet_offer.judge", broken)
    found = difference(text)
    assert "ZeroDivisionError: planted" in found.problem


@pytest.mark.req("SIM-02")
def test_traces_that_lack_something_are_refused() -> None:
    text = recorded("badge-first")
    lines = text.split("\n")
    with pytest.raises(ReplayError, match=r"line \d+: the trace begins in the middle"):
        replayed("\n".join([lines[0], *lines[100:]]))
    with pytest.raises(ReplayError, match="made without frames"):
        replayed("\n".join([lines[0], *(line for line in lines if '"source":"outlet' in line)]) + "\n")
    gap = '{"t":9,"seq":9,"source":"control","type":"gap","data":{"count":12}}'
    with pytest.raises(ReplayError, match=r"line 51: 12 lines are missing"):
        replayed("\n".join([*lines[:50], gap, *lines[50:]]))
    with pytest.raises(ReplayError, match=r"line 51: entry 51 follows entry 49: lines are missing"):
        replayed("\n".join([*lines[:50], *lines[51:]]))
    with pytest.raises(ReplayError, match=r"line 2: recorded with configuration .* replay with the profile"):
        replayed(text, "parking-40a")
    with pytest.raises(ReplayError, match="does not say its boot_id"):
        replayed(text.replace('"boot_id":"boot1",', "", 1))
    with pytest.raises(ReplayError, match="'outlet-7/front-end' is no wire of profile 'parking'"):
        replayed(text.replace("wire outlet-2/front-end", "wire outlet-7/front-end"))
    line = line_of(text, '"type":"taken"')
    with pytest.raises(ReplayError, match=rf"line {line}: taken cannot be understood"):
        replayed(edited(text, line, name="Explode"))
    line = line_of(text, '"type":"frame"')
    with pytest.raises(ReplayError, match=rf"line {line}: frame cannot be understood"):
        replayed(edited(text, line, bytes="xyz"))


@pytest.mark.req("SIM-02")
def test_the_command_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.jsonl"
    text = recorded("badge-first")
    path.write_text(text)
    assert main(["replay", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"equal: {path}: 1 boots,")
    line = line_of(text, '"type":"SessionOpened"')
    path.write_text(edited(text, line, uid="00000000"))
    assert main(["replay", str(path), "--profile", "parking"]) == 1
    out = capsys.readouterr().out
    assert f"{path}:{line}: at 0:00:0" in out
    assert "expected  SessionOpened session_id" in out
    assert f"> {line:>7} " in out
    assert main(["replay", str(path), "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["equal"], data["difference"]["line"]) == (False, line)
    assert data["difference"]["expected"]["data"]["uid"] == "00000000"


def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "none.jsonl")]) == 2
    assert "No such file" in capsys.readouterr().err
    path = tmp_path / "trace.jsonl"
    path.write_text("hello\n")
    assert main(["replay", str(path)]) == 2
    assert "line 1: not a trace" in capsys.readouterr().err
    path.write_text(recorded("badge-first").replace('"profile":"parking"', '"profile":"my-board"'))
    assert main(["replay", str(path)]) == 2
    assert (
        "profile 'my-board', which does not come with the program: name its file with --profile"
        in capsys.readouterr().err
    )
    path.write_text(recorded("badge-first"))
    assert main(["replay", str(path), "--profile", "parkign", "--json"]) == 2
    assert "parkign" in json.loads(capsys.readouterr().out)["error"]
