"""A run in which renewals are elided gives the same events, at the same times, as one in which every frame is sent."""

from __future__ import annotations

import pytest

from evse.app.virtual.scenario_library import load
from evse.app.virtual.station_factory import station_factory
from evse.sim.runner import run_scenario
from evse.sim.trace import Trace, TraceEntry
from evse.sim.verdict import Verdict

STORIES = (
    "badge-unknown",
    "control-killed",
    "diode-fault",
    "front-end-hangs",
    "limits",
    "outlet-fault-alone",
    "power-cut",
    "vehicle-ignores-stop",
    "weld",
)
"""Charges at one and at both outlets, faults on every wire, a power cut, killed and frozen processes, a full disk; short ones,
because each frame of the whole run is sent. A station-day is compared by ``tools/bench day --full``."""


def run(name: str, *, elide: bool) -> tuple[Verdict, list[str]]:
    """The verdict, and the trace of everything but frames, line by line."""
    lines: list[str] = []

    def keep(entry: TraceEntry) -> None:
        lines.append(entry.line())

    verdict = run_scenario(load(name), station_factory, elide=elide, trace=Trace(keep))
    return verdict, lines


@pytest.mark.req("SIM-02")
@pytest.mark.parametrize("name", STORIES)
def test_elided_and_full_runs_tell_the_same_story(name: str) -> None:
    elided, short = run(name, elide=True)
    full, long = run(name, elide=False)
    assert short == long
    assert elided.decisions == full.decisions
    assert (elided.failures, elided.violations) == (full.failures, full.violations)
    assert full.counters.frames_elided == 0
    assert elided.counters.frames_elided > 0
    # Skipped, not lost: what was not sent was counted instead.
    assert elided.counters.frames_sent < full.counters.frames_sent
