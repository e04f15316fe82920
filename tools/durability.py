"""Long runs of what the check runs short: kills of processes, power cuts below the journal, random energy, races.

    tools/campaign --kills 10000      kill -9 at random instants: the journal's writer, and control and services of a station
    tools/campaign --images 100000    crash images of the journal's disk, each batch from another story
    tools/campaign --energy 5000      simulated hours of random vehicles, inputs, limits and faults at two outlets
    tools/campaign --races 5000       plug, badge, unplug, fault, power cut and kill against each other at random instants

The tests are the same ones (``tests/contract/test_journal_killed.py``, ``tests/contract/test_journal_power_cuts.py``,
``tests/real/test_processes_kills.py``, ``tests/unit/core/test_core_energy_walk.py``,
``tests/scenario/test_core_in_the_world_races.py``); environment variables say how much and from which random number.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
IMAGES_PER_STORY: Final = 5_000
HOURS_PER_WALK: Final = 7
WALKS_PER_BATCH: Final = 15
INSTANTS_PER_BATCH: Final = 10
RACES_PER_BATCH: Final = 125
"""What comes of so many instants: eight events after the badge at each, and at every second one eight events at the end of a
charge and one of badge and plug in any order."""
WRITER_KILLS_PER_BATCH: Final = 1_000
STATION_KILLS_PER_BATCH: Final = 10
"""One test has four minutes, also on a busy machine."""
STATION_SHARE: Final = 100
"""One kill in so many is one of a whole station's processes: those take seconds instead of milliseconds."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One run of one test: what it does, as environment variables, and how much of what is wanted it is."""

    test: str
    variables: dict[str, str]
    amount: int


def image_batches(number: int, first: int) -> Iterator[Batch]:
    """``number`` crash images from stories ``first`` on."""
    for story, begin in enumerate(range(0, number, IMAGES_PER_STORY), first):
        amount = min(IMAGES_PER_STORY, number - begin)
        variables = {"EVSE_IMAGES": str(amount), "EVSE_RANDOM": str(story)}
        yield Batch("tests/contract/test_journal_power_cuts.py::" + IMAGE_TEST, variables, amount)


def kill_batches(number: int, first: int) -> Iterator[Batch]:
    """``number`` kills, most of the journal's writer alone, some of a whole station's processes."""
    station = max(number // STATION_SHARE, 1)
    for test, variable, wanted, most in (
        ("tests/contract/test_journal_killed.py", "EVSE_KILLS", number - station, WRITER_KILLS_PER_BATCH),
        ("tests/real/test_processes_kills.py", "EVSE_STATION_KILLS", station, STATION_KILLS_PER_BATCH),
    ):
        for seed, begin in enumerate(range(0, wanted, most), first):
            amount = min(most, wanted - begin)
            yield Batch(test, {variable: str(amount), "EVSE_RANDOM": str(seed)}, amount)


def energy_batches(hours: int, first: int) -> Iterator[Batch]:
    """At least ``hours`` simulated hours of energy, in walks that those of the check do not contain when ``first`` is high enough."""
    walks = -(-hours // HOURS_PER_WALK)
    for begin in range(0, walks, WALKS_PER_BATCH):
        amount = min(WALKS_PER_BATCH, walks - begin)
        variables = {"EVSE_WALKS": str(amount), "EVSE_RANDOM": str(first + begin)}
        yield Batch("tests/unit/core/test_core_energy_walk.py::test_a_walk", variables, amount * HOURS_PER_WALK)


def race_batches(number: int, first: int) -> Iterator[Batch]:
    """At least ``number`` races; each batch draws its instants from another random number."""
    for seed in range(first, first - (-number // RACES_PER_BATCH)):
        variables = {"EVSE_RACES": str(INSTANTS_PER_BATCH), "EVSE_RANDOM": str(seed)}
        yield Batch("tests/scenario/test_core_in_the_world_races.py", variables, RACES_PER_BATCH)


IMAGE_TEST: Final = "test_no_power_cut_loses_or_doubles_what_was_acknowledged"


def run_batch(batch: Batch) -> bool:
    """Run it with this interpreter; its output is shown when it fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "timeout=0", batch.test]
    environment = {**os.environ, **batch.variables}
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        settings = " ".join(f"{name}={value}" for name, value in batch.variables.items())
        print(f"{settings} {' '.join(command)}\n{done.stdout}{done.stderr}", file=sys.stderr)
    return done.returncode == 0


def run(batches: Iterator[Batch], what: str, runner: Callable[[Batch], bool] = run_batch) -> int:
    """Run all batches; returns 0 when each passed."""
    begin, total, failed = time.monotonic(), 0, 0
    for batch in batches:
        total += batch.amount
        failed += not runner(batch)
        print(f"{total} {what}, {failed} batches failed, {time.monotonic() - begin:.0f} s", flush=True)
    return 1 if failed else 0
