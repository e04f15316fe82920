"""What a start takes in real time: bounds that a slow machine keeps too, against a start that waits for something.

The goals are judged by ``tools/bench start``.
"""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.fakes.running_station import ROOT, RunningStation, measured, now_us, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]

PAGE_WITHIN_S = 10
STATE_A_WITHIN_S = 3


def _state_a_us(station: RunningStation, outlet: int) -> int:
    """When the pilot line of an outlet came to the 12 V of state A."""
    entries = until("state A", lambda: [e for e in station.log("pilot_level", outlet) if e["value"] == "A"], 5)
    return int(entries[0]["at_us"])


@pytest.mark.req("DEV-01")
def test_page_and_state_a_soon_after_start(request: pytest.FixtureRequest) -> None:
    station = RunningStation()
    try:
        station.start()
        until("page", lambda: station.page_status() == 200, 15)
        page_s = (now_us() - station.begin_us) / 1e6
        state_a_s = max(_state_a_us(station, outlet) - station.begin_us for outlet in (1, 2)) / 1e6
        assert station.truth()["positive_mv"] == pytest.approx(12_000, abs=600)
    finally:
        station.close()
    measured(request, "page_s", page_s)
    measured(request, "state_a_s", state_a_s)
    assert page_s <= PAGE_WITHIN_S
    assert state_a_s <= STATE_A_WITHIN_S


def test_a_runaway_at_fifo_priority_is_killed_by_the_kernel() -> None:
    program = (
        "from evse.control.priority import become_real_time\n"
        "rights = become_real_time(1, 200_000)\n"
        "print(rights.fifo, flush=True)\n"
        "while rights.fifo: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    if "True" not in done.stdout:
        pytest.skip("FIFO priority is not permitted here")
    assert done.returncode in (-signal.SIGKILL, -signal.SIGXCPU)
