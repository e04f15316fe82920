"""The same file and seed give the same trace, byte for byte, whatever the hash seed, the interpreter or the machine.

``trace_digest.txt`` holds the SHA-256 of one scenario's trace with all its frames. Every supported Python is compared
with that one line. After a change that is meant to change the trace: ``python tests/scenario/test_determinism.py``.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from evse.app.virtual.scenario_library import ALL_VERBS, load
from evse.app.virtual.station_factory import recording_factory, station_factory
from evse.sim.runner import run_scenario
from evse.sim.scenario_loader import parse_scenario
from evse.sim.station import SimulatedStation
from evse.sim.trace import Trace, TraceWriter

ROOT = Path(__file__).resolve().parents[2]
DIGEST = Path(__file__).with_name("trace_digest.txt")
STORY = "control-killed"
"""Two boots, a crashed disk drawn from the random stream, leases, cards, records: most of what could differ."""
PYTHONS = ("python3.11", "python3.12", "python3.13")
PRINT_DIGEST = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_determinism as t; print(t.digest())"
)


def trace_of(name: str, number: int | None = None) -> str:
    """The trace file of a run, frames included."""
    scenario = load(name)
    file = io.StringIO()
    used = scenario.run_number if number is None else number
    writer = TraceWriter(file, name=scenario.name, run_number=used, profile=scenario.profile)
    trace = Trace(writer)
    run_scenario(scenario, recording_factory(trace), number, trace=trace)
    return file.getvalue()


@cache
def digest() -> str:
    """SHA-256 of the story's trace."""
    return hashlib.sha256(trace_of(STORY).encode("ascii")).hexdigest()


def digest_in(python: str, hash_seed: str) -> str:
    """The digest as another interpreter sees it."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-c", PRINT_DIGEST], env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def other_pythons() -> list[str]:
    """Interpreters of another version that have what the product needs: those on the path and EVSE_OTHER_PYTHONS."""
    named = os.environ.get("EVSE_OTHER_PYTHONS", "").split(os.pathsep)
    found = []
    for path in (*filter(None, named), *filter(None, map(shutil.which, PYTHONS))):
        probe = "import construct, pydantic, pytest, sys, transitions, yaml; print(sys.version_info.minor)"
        done = subprocess.run([path, "-c", probe], capture_output=True, text=True, check=False)
        if done.returncode == 0 and int(done.stdout) != sys.version_info.minor:
            found.append(path)
    return found


@pytest.mark.req("SIM-02")
def test_the_trace_is_the_recorded_one() -> None:
    """On every Python that runs this test; it changes only together with the product's behaviour."""
    recorded = DIGEST.read_text(encoding="ascii").split()
    assert recorded == [STORY, digest()], "meant to change? run: python tests/scenario/test_determinism.py"


@pytest.mark.req("SIM-02")
def test_the_trace_does_not_depend_on_the_hash_seed() -> None:
    assert {digest_in(sys.executable, seed) for seed in ("0", "4242")} == {digest()}


@pytest.mark.req("SIM-02")
def test_the_trace_does_not_depend_on_the_python() -> None:
    """Where other interpreters have the dependencies; where not, the recorded digest is what they are compared by."""
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other supported Python with the dependencies")
    assert {digest_in(python, "7") for python in pythons} == {digest()}


def test_the_trace_holds_frames_and_records() -> None:
    trace = trace_of(STORY)
    assert '"type":"frame"' in trace
    assert '"type":"SessionOpened"' in trace


CRASH = """
schema: 1
kind: scenario
name: power goes while the disk is busy
profile: parking
until: 40 s
steps:
  - at: 2 s
    do: slow_disk
    with: {latency: 4 s}
  - do: present_card
    with: {outlet: 1, uid: 04A1B2C3, hold: 1 s}
  - do: present_card
    with: {outlet: 2, uid: 04AABBCC, hold: 1 s}
  - at: 5 s
    do: cut_power
  - at: 6 s
    do: restore_power
"""


AGAIN = 5
"""So many of the numbers are run twice; every outcome is among them."""


@pytest.mark.req("SIM-02", "CDR-05")
def test_only_the_seed_decides_what_a_crash_leaves() -> None:
    """Of two starts under way none, one or both were durable: each seed settles it, and each is a sound state."""
    scenario = parse_scenario(CRASH, "crash.yaml", ALL_VERBS)
    left: list[int] = []
    for number in [*range(12), *range(AGAIN)]:
        stations: list[SimulatedStation] = []

        def remember(station: SimulatedStation, trace: Trace, to: list[SimulatedStation] = stations) -> None:
            to.append(station)

        verdict = run_scenario(scenario, station_factory, number, prepare=remember)
        assert verdict.passed, verdict.summary()
        left.append(len(stations[0].ledger().records()))
    assert left[12:] == left[:AGAIN]
    assert set(left[:AGAIN]) == set(left) == {0, 1, 2}


if __name__ == "__main__":
    DIGEST.write_text(f"{STORY} {digest()}\n", encoding="ascii")
