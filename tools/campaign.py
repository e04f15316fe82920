"""Many random stories on all cores: hunts for what no hand-written scenario thought of.

    tools/campaign --hours 200             simulated hours
    tools/campaign --minutes 60            for this long on the clock
    tools/campaign --seeds 100             this many stories
    tools/campaign --first 17 --seeds 1    one story, again
    tools/campaign --kills 10000           kill -9 of the station's processes (tools/durability.py)
    tools/campaign --images 100000         power cuts below the journal
    tools/campaign --energy 5000           simulated hours of random energy at two outlets (tools/durability.py)
    tools/campaign --races 5000            plug, badge, unplug, fault and power cut against each other (tools/durability.py)
    tools/campaign --faults                every fault of every profile instead (tools/fault_walk.py)
    tools/campaign --faults --profile F    every fault that a board of your own can have

Every failure is told with its options, its shortened story (a scenario file in --out) and the command that replays it.
Ends with status 1 when a story failed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from boards.problems import ProfileError
from evse.app.virtual.story_bench import StoryOutcome, report_failure, run_story, share_together
from tools import durability
from tools.fault_walk import all_walks, run_walk

SECONDS_PER_HOUR = 3_600
REPORTED_PER_KIND = 1
"""Failures of one kind are shortened this often; the others are only counted."""


def outcomes(
    first: int, hours: float | None, seeds: int | None, jobs: int, ends_s: float = float("inf")
) -> Iterator[StoryOutcome]:
    """Run stories from number ``first`` on, in their order, until there are enough or the clock shows ``ends_s``."""
    numbers = range(first, first + (seeds if seeds is not None else 10**9))
    simulated_us = 0
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for batch_begin in range(numbers.start, numbers.stop, 8 * jobs):
            batch = range(batch_begin, min(batch_begin + 8 * jobs, numbers.stop))
            for outcome in pool.imap(run_story, batch):
                simulated_us += outcome.simulated_us
                yield outcome
                enough = hours is not None and simulated_us >= hours * SECONDS_PER_HOUR * 1_000_000
                if enough or time.monotonic() >= ends_s:
                    pool.terminate()
                    return


def figures(done: Sequence[StoryOutcome], wall_s: float) -> dict[str, object]:
    """What the campaign came to."""
    simulated_s = sum(outcome.simulated_us for outcome in done) / 1_000_000
    cpu_s = sum(outcome.cpu_s for outcome in done)
    kinds: dict[str, list[int]] = {}
    for outcome in done:
        if outcome.failure is not None:
            kinds.setdefault(outcome.failure.kind, []).append(outcome.number)
    hours = simulated_s / SECONDS_PER_HOUR
    return {
        "seeds": len(done),
        "first": done[0].number if done else None,
        "simulated_h": round(hours, 2),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "times_real_time_per_core": round(simulated_s / cpu_s) if cpu_s else 0,
        "mode": "renewals elided, invariants on",
        "faults_per_hour": round(sum(outcome.faults for outcome in done) / hours, 2) if hours else 0,
        "share_with_faults_together": round(share_together(done), 2),
        "failed": sum(outcome.failure is not None for outcome in done),
        "failures": {kind: numbers for kind, numbers in sorted(kinds.items(), key=lambda item: -len(item[1]))},
    }


def walk_faults(jobs: int, profiles: Sequence[str] = (), *, as_json: bool) -> int:
    """Walk every profile (``profiles``, else every shipped one) through every fault it can have, with both front ends.

    Returns 0 when nothing was wrong, 2 for a profile that cannot be used.
    """
    begin = time.monotonic()
    try:
        todo = list(all_walks(profiles))
    except ProfileError as error:
        print(error, file=sys.stderr)
        return 2
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        done = list(pool.imap_unordered(run_walk, todo, chunksize=4))
    wrong = sorted((each for each in done if each.problem), key=lambda each: each.name)
    counts = Counter(each.profile for each in done)
    result = {
        "walks": len(done),
        "profiles": len(counts),
        "faults": len({each.fault for each in done}),
        "wall_s": round(time.monotonic() - begin, 1),
        "failed": len(wrong),
    }
    if as_json:
        print(
            json.dumps({**result, "by_profile": dict(sorted(counts.items())), "failures": [asdict(w) for w in wrong]})
        )
        return 1 if wrong else 0
    for each in wrong:
        print(f"FAILED {each.name}: {each.problem}")
    for profile, count in sorted(counts.items()):
        print(f"{count:>5} walks of {profile}")
    for name, value in result.items():
        print(f"{name.replace('_', ' '):<28} {value}")
    return 1 if wrong else 0


def main(argv: Sequence[str]) -> int:
    """Run a campaign; returns 0 when every story passed."""
    parser = argparse.ArgumentParser(prog="tools/campaign", description="Random stories, all invariants on.")
    enough = parser.add_mutually_exclusive_group()
    enough.add_argument("--hours", type=float, help="simulated hours (default 200)")
    enough.add_argument("--seeds", type=int, help="number of stories")
    enough.add_argument("--minutes", type=float, help="minutes on the clock")
    enough.add_argument("--kills", type=int, help="kill processes at random instants, this often, instead of stories")
    enough.add_argument("--images", type=int, help="crash images of the journal's disk, instead of stories")
    enough.add_argument(
        "--energy", type=int, help="simulated hours of random energy at two outlets, instead of stories"
    )
    enough.add_argument(
        "--races", type=int, help="races of plug, badge, unplug, fault and power cut, instead of stories"
    )
    enough.add_argument("--faults", action="store_true", help="every fault of every profile instead of stories")
    parser.add_argument(
        "--profile",
        action="append",
        default=[],
        help="with --faults: only this profile, or YAML file (may be repeated)",
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--first", type=int, default=1, help="number of the first story (default 1)")
    parser.add_argument("--out", type=Path, default=Path("build/stories"), help="folder for shortened stories")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args(argv)
    if options.profile and not options.faults:
        parser.error("--profile belongs to --faults")
    if options.kills is not None:
        return durability.run(durability.kill_batches(options.kills, options.first), "kills")
    if options.images is not None:
        return durability.run(durability.image_batches(options.images, options.first), "crash images")
    if options.energy is not None:
        return durability.run(durability.energy_batches(options.energy, options.first), "hours of energy")
    if options.races is not None:
        return durability.run(durability.race_batches(options.races, options.first), "races")
    if options.faults:
        return walk_faults(options.jobs, options.profile, as_json=options.json)
    told = any(each is not None for each in (options.hours, options.seeds, options.minutes))
    hours = options.hours if told else 200.0
    begin = time.monotonic()
    ends_s = float("inf") if options.minutes is None else begin + 60 * options.minutes
    done: list[StoryOutcome] = []
    seen: dict[str, int] = {}
    for outcome in outcomes(options.first, hours, options.seeds, options.jobs, ends_s):
        done.append(outcome)
        if outcome.failure is None:
            continue
        kind = outcome.failure.kind
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= REPORTED_PER_KIND:
            report_failure(outcome, options.out, lambda line: print(line, file=sys.stderr, flush=True))
    _print(figures(done, time.monotonic() - begin), as_json=options.json, outcomes=done)
    return 1 if any(outcome.failure for outcome in done) else 0


def _print(result: dict[str, object], *, as_json: bool, outcomes: Sequence[StoryOutcome]) -> None:
    if as_json:
        failed = [asdict(outcome) for outcome in outcomes if outcome.failure is not None]
        print(json.dumps({**result, "stories": failed}, indent=2))
        return
    failures = result.pop("failures")
    for name, value in result.items():
        print(f"{name.replace('_', ' '):<28} {value}")
    if isinstance(failures, dict):
        for kind, numbers in failures.items():
            print(f"{len(numbers):>5} x {kind}\n        stories {', '.join(map(str, numbers[:10]))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
