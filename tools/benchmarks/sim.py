"""``tools/bench sim``: how long `evse sim` takes for a normal session of each board, and how fast random stories run.

A session is a shipped scenario run by the command that people type, in a process of its own: start of Python, imports,
profile, story and verdict are part of the time on the clock. The least of the runs counts, because everything else that
the machine does makes it longer only. Stories are judged by processor time, with all invariants on.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from typing import Final

from tools.benchmarks.figures import Goal, Report, tell

SESSIONS: Final = {
    "Parking": "plug-first",
    "City": "city-session",
    "Smart Wallbox": "wallbox-session",
    "Smart Wallbox, key": "wallbox-key-session",
    "Smart Wallbox, T2 cable": "wallbox-t2-session",
    "THØR": "thor-session",
    "THØR c-series": "thor-c-session",
    "domestic socket": "domestic-plug-first",
}
"""Board to a shipped scenario that is a normal session on it."""
SESSION_S: Final = 1.0
STORY_SPEED: Final = 3_600
STORIES: Final = range(1, 22)
"""One on each shipped profile."""


def session_s(scenario: str, runs: int) -> tuple[float, float]:
    """The least time on the clock, and the least processor time, of ``runs`` calls of `evse sim`, in seconds.

    Raises RuntimeError when one fails.
    """
    command = [sys.executable, "-m", "evse", "sim", scenario]
    times, spent = [], []
    for _ in range(runs):
        begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        times.append(time.perf_counter() - begin)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if done.returncode != 0:
            raise RuntimeError(f"evse sim {scenario} ended with {done.returncode}: {done.stderr or done.stdout}")
    return min(times), min(spent)


def measure(runs: int) -> Report:
    """Measure both; ``runs``: calls of each scenario."""
    # It imports the whole simulation.
    from evse.app.virtual.story_bench import run_story

    report = Report("sim")
    for board, scenario in SESSIONS.items():
        tell(f"{board}: evse sim {scenario}")
        clock_s, cpu_s = session_s(scenario, runs)
        report.goals.append(Goal(f"evse sim {scenario} ({board}), start-up included", "s", SESSION_S, clock_s))
        report.lines.append(f"  {scenario}: {clock_s:.2f} s on the clock, {cpu_s:.2f} s of processor time")
        report.data[scenario] = {"clock_s": clock_s, "cpu_s": cpu_s}
    tell(f"{len(STORIES)} stories")
    done = [run_story(number) for number in STORIES]
    failed = [each.number for each in done if each.failure is not None]
    simulated_s = sum(each.simulated_us for each in done) / 1e6
    cpu_s = sum(each.cpu_s for each in done)
    report.lines.append(
        f"  stories {STORIES.start} to {STORIES.stop - 1}: {simulated_s / 3600:.1f} simulated h in {cpu_s:.1f} s of one core, "
        f"{simulated_s / cpu_s:.0f} times real time, renewals elided, invariants on; failed: {failed or 'none'}"
    )
    report.goals.append(Goal("an hour of stories", "s of one core", 3_600 / STORY_SPEED, 3_600 * cpu_s / simulated_s))
    report.goals.append(Goal("stories that failed", "", 0, len(failed)))
    report.data |= {"simulated_s": simulated_s, "cpu_s": cpu_s, "failed": failed}
    return report
