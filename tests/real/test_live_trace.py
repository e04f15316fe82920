"""A live station records its control, through a kill; lived through again, drivers and core do the same."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from evse.app.cli import main
from evse.sim.trace import open_trace
from tests.fakes.running_station import RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


@pytest.mark.req("SIM-02")
def test_a_live_trace_replays_without_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "live.jsonl"
    path.write_text("an older file\n")
    running = RunningStation("--trace", str(path))
    try:
        station = running.start()
        station.charge()
        before = station.pid("control")
        station.post("api/world/verbs/kill_control", {})
        until("a new control", lambda: station.pid("control") not in (0, before))
        until("it is restored", lambda: station.outlet().get("outlet_status") == "OK_InitDone", 30)
        assert station.stop(signal.SIGINT) == 0
        profile = str(station.home / "quick.yaml")
        types = [entry.type for entry in open_trace(path).entries]
        assert types.count("boot") == 2
        assert {"SessionOpened", "ContactorMoved", "taken"} <= set(types)
        assert "gap" not in types
        assert main(["replay", str(path), "--profile", profile]) == 0, capsys.readouterr().out
        assert path.with_name("live.jsonl.1").read_text() == "an older file\n"
    finally:
        running.close()
