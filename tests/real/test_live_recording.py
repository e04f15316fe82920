"""What people do to a live station, over REST and in the terminal, becomes a scenario that runs in virtual time."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from evse.app.cli import main
from evse.app.virtual.scenario_library import load
from evse.sim.scenario import Do, Post
from tests.fakes.running_station import RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


@pytest.mark.req("SIM-03")
def test_a_live_session_runs_again_in_virtual_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    running = RunningStation()
    try:
        station = running.start()
        station.post("api/world/verbs/present_card", {"outlet": 1, "uid": "04A1B2C3", "hold": 1})
        station.verb("plug_in", outlet=1, cable="20 A")
        until("contact closes", lambda: station.truth()["contact_closed"])
        station.post("api/outlets/2/commands/book", {"uid": "04AABBCC", "duration_s": 600})
        before = station.pid("services")
        station.verb("kill_services")
        until("services are back", lambda: station.pid("services") not in (0, before) and station.page_status() == 200)
        until("they know control", lambda: station.get("api/station"))
        station.post("api/outlets/1/commands/stop", {})
        until("contact opens", lambda: not station.truth()["contact_closed"])
        command = [sys.executable, "-m", "evse", "world", "record", "--out", str(tmp_path / "mine.yaml")]
        subprocess.run(command, env=station.environment(), check=True, capture_output=True, timeout=30)
        with urllib.request.urlopen(f"{station.url}api/recording?name=over%20REST", timeout=60) as answer:  # noqa: S310
            assert answer.read().startswith(b"schema: 1\nkind: scenario\nname: over REST\n")
        scenario = load(tmp_path / "mine.yaml")
        steps = [step.action for step in scenario.steps]
        assert [each.verb for each in steps if isinstance(each, Do)] == ["present_card", "plug_in", "kill_services"]
        assert [each.type.__name__ for each in steps if isinstance(each, Post)] == ["Book", "StopSession"]
        assert main(["sim", str(tmp_path / "mine.yaml")]) == 0
        out = capsys.readouterr().out
        assert "contactor closed" in out
        assert "> stop_session outlet 1" in out
        assert out.rindex("pilot driven X1") > out.index("> stop_session"), "the charge ends for that reason"
    finally:
        running.close()
