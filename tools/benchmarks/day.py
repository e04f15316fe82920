"""``tools/bench day``: what a virtual station-day costs.

The day is ``day.yaml`` on the profile ``parking``: the whole station (core, control, real drivers, lines, twins, world, services,
journal with a simulated disk), all invariants watching every instant. One run builds the station and lives through the
day; profile and story are read once before, because a fleet reads them once too. Time is processor time of this process.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.station.factory_badges import badge_list_of, badges_of, policy_of, strategy_of
from evse.app.virtual.process_verbs import PROCESS_VERBS
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.units import SECOND
from evse.sim.random_streams import RandomStreams
from evse.sim.runner import run_scenario
from evse.sim.scenario import Scenario
from evse.sim.scenario_loader import load_scenario
from evse.sim.station import StationFactory
from evse.sim.trace import Trace, TraceEntry
from evse.sim.verdict import Verdict
from hal.world.verbs import VERBS
from tools.benchmarks.figures import Goal, Report

STORY: Final = Path(__file__).with_name("day.yaml")
GOAL_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class DayRun:
    """One run: processor seconds, its verdict and its trace."""

    cpu_s: float
    verdict: Verdict
    trace: tuple[str, ...]


def factory(profile_name: str) -> StationFactory:
    """Makes stations of a profile that is read here, once. Raises ProfileError."""
    profile = load_profile(profile_name)
    config, plan = station_config(profile, f"SIM-{profile.model.name}"), wire_plan(profile)

    def make(_name: str, run_number: int, elide: bool) -> VirtualStation:
        disk = RandomStreams(run_number).stream("disk")
        return VirtualStation(
            config,
            plan,
            policy=policy_of(strategy_of(profile)),
            factory_badges=badge_list_of(badges_of(profile)),
            elide=elide,
            random_stream=disk,
        )

    return make


def live(story: Scenario, make: StationFactory, *, elide: bool) -> DayRun:
    """Live through the story once."""
    entries: list[TraceEntry] = []
    gc.collect()
    begin = time.process_time()
    verdict = run_scenario(story, make, elide=elide, trace=Trace(entries.append))
    cpu_s = time.process_time() - begin
    return DayRun(cpu_s, verdict, tuple(entry.line() for entry in entries))


def first_difference(elided: tuple[str, ...], full: tuple[str, ...]) -> str:
    """Where two traces part, in words; empty when they are equal."""
    for number, (one, other) in enumerate(zip(elided, full, strict=False), 1):
        if one != other:
            return f"entry {number}: elided {one} full {other}"
    if len(elided) != len(full):
        return f"elided has {len(elided)} entries, full {len(full)}"
    return ""


def measure(*, runs: int, full: bool) -> Report:
    """Run the day ``runs`` times (the first one is the warm-up and is told apart), and once in full if wanted."""
    story = load_scenario(STORY, (*VERBS, *PROCESS_VERBS), 2)
    make = factory(story.profile)
    # As `evse sim` does: what the program consists of is never looked through for garbage.
    gc.collect()
    gc.freeze()
    first = live(story, make, elide=True)
    later = [live(story, make, elide=True) for _ in range(runs)]
    median_s = statistics.median(run.cpu_s for run in later)
    days = first.verdict.end_us / (24 * 3600 * SECOND)
    counters = first.verdict.counters
    made = Report("day")
    made.lines += [
        f"{days:.2f} days, {_sessions(first)} sessions, {len(first.trace)} trace entries, "
        f"invariants on, {len(first.verdict.violations)} violations, {len(first.verdict.failures)} failures",
        f"  median of {runs} runs {median_s:.3f} s of one core (from {min(run.cpu_s for run in later):.3f} to "
        f"{max(run.cpu_s for run in later):.3f}; first run of the process {first.cpu_s:.3f}), "
        f"{first.verdict.end_us / SECOND / median_s:.0f} times as fast as the clock",
        f"  frames sent {counters.frames_sent}, elided {counters.frames_elided}; instants {counters.instants}, "
        f"steps {counters.steps}",
    ]
    made.goals.append(Goal("a station-day, processor time", "s", GOAL_S, median_s))
    same = all(run.trace == first.trace for run in later)
    sound = not first.verdict.failures and not first.verdict.violations
    made.lines += [f"  FAILED: {failure}" for failure in first.verdict.failures]
    made.lines += [f"  BROKEN: {violation}" for violation in first.verdict.violations]
    made.goals.append(_must("the story passes, equally in each run", sound and same))
    made.data = {"median_s": median_s, "runs_s": [run.cpu_s for run in later], "first_s": first.cpu_s,
                 "counters": asdict(counters), "sessions": _sessions(first)}  # fmt: skip
    if full:
        _compare(made, first, live(story, make, elide=False))
    return made


def _compare(made: Report, elided: DayRun, full: DayRun) -> None:
    counters = full.verdict.counters
    difference = first_difference(elided.trace, full.trace)
    made.lines.append(
        f"  in full: {full.cpu_s:.2f} s, frames sent {counters.frames_sent}, elided {counters.frames_elided}; instants "
        f"{counters.instants}, steps {counters.steps}; traces {difference or 'equal'}"
    )
    made.goals.append(_must("elided and full run have the same trace", not difference))
    data: dict[str, Any] = {"cpu_s": full.cpu_s, "counters": asdict(counters), "difference": difference}
    made.data["full"] = data


def _sessions(run: DayRun) -> int:
    return sum('"type":"SessionClosed"' in line for line in run.trace)


def _must(what: str, holds: bool) -> Goal:
    return Goal(what, "failures", 0, 0 if holds else 1)
