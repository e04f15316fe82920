"""``tools/bench start``: how long a station takes to start, and what memory it keeps.

Cold start: ``evse run --profile parking`` with an empty data directory, from the start of the process. *Safe outputs*: the front
end's program runs and its contact is open; it is shown and not judged, because on hardware the front end is safe from its own
reset on and here its twin's interpreter has to start first. *State A*: the steady +12 V of X1 is physically on the pilot line, which takes
control and a configuration. *Page*: an HTTP request for the page is answered with 200. The file system's cache is warm:
what a first start after boot reads from the disk comes on top.

Second start of ``tools/run``: the whole command until its page answers, in a prepared checkout and with the data that a first
start has left (which makes the label and hashes its password).
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

from tools.benchmarks.figures import Goal, Report
from tools.benchmarks.running import ROOT, BenchStation, NotSeen, until

STATE_A_GOAL_S: Final = 1.0
PAGE_GOAL_S: Final = 4.0
SECOND_GOAL_S: Final = 3.0
CONTROL_GOAL_MB: Final = 40.0
SERVICES_GOAL_MB: Final = 110.0
SETTLED_S: Final = 3.0
"""Memory is looked at this long after the page was there."""
X1_MV: Final = (11_000, 13_000)
PROCESSES: Final = ("control", "services", "world")


def cold_start() -> dict[str, float]:
    """One cold start: seconds and megabytes. Raises NotSeen."""
    found: dict[str, float] = {}
    with BenchStation("parking") as station:
        station.launch()
        truth: dict[str, Any] = {}
        while "page_s" not in found:
            if station.ended() or station.since_start_s() > 30:
                raise NotSeen(f"the page of a started station; it said: {station.log()}")
            truth = truth if "state_a_s" in found else station.truth()
            if truth and "safe_s" not in found and not truth["contact_closed"]:
                found["safe_s"] = station.since_start_s()
            if truth and "state_a_s" not in found and _state_a(truth):
                found["state_a_s"] = station.since_start_s()
            if "state_a_s" in found and station.page_works():
                found["page_s"] = station.since_start_s()
            time.sleep(0.005)
        time.sleep(SETTLED_S)
        for name in PROCESSES:
            found[f"{name}_mb"] = station.resident_mb(name)
    return found


def _state_a(truth: dict[str, Any]) -> bool:
    low, high = X1_MV
    return bool(low <= truth["positive_mv"] <= high and low <= truth["negative_mv"] <= high)


def second_start_s() -> float | None:
    """Seconds from ``tools/run`` to its page; ``None`` where its environment is not the one that runs this."""
    if not Path(sys.prefix).is_relative_to(ROOT / ".venv"):
        return None
    base = str(Path(getattr(sys, "_base_executable", sys.executable)))
    os.environ["EVSE_PYTHON"] = base
    with BenchStation("parking", (str(ROOT / "tools" / "run"),)) as station:
        station.python_path = ()
        seconds = 0.0
        for _start in range(2):
            station.end()
            station.launch()
            until("page of tools/run", lambda: station.page_works() or station.ended())
            if station.ended():
                raise NotSeen(f"a station by tools/run; it said: {station.log()}")
            seconds = station.since_start_s()
        return seconds


def measure(runs: int) -> Report:
    """Measure ``runs`` cold starts and one second start; judge medians. Raises NotSeen."""
    starts = [cold_start() for _ in range(runs)]
    median = {name: statistics.median(each[name] for each in starts) for name in starts[0]}
    worst = {name: max(each[name] for each in starts) for name in starts[0]}
    second_s = second_start_s()
    made = Report("start")
    made.lines.append(f"medians of {runs} cold starts of 'evse run --profile parking' (worst in brackets)")
    for name, value in median.items():
        made.lines.append(f"  {name:<12} {value:7.2f} ({worst[name]:.2f})")
    made.goals = [
        Goal("pilot state A", "s", STATE_A_GOAL_S, median["state_a_s"]),
        Goal("page", "s", PAGE_GOAL_S, median["page_s"]),
        Goal("control, resident", "MB", CONTROL_GOAL_MB, worst["control_mb"]),
        Goal("services, resident", "MB", SERVICES_GOAL_MB, worst["services_mb"]),
        Goal("second start of tools/run, until its page", "s", SECOND_GOAL_S, second_s),
    ]
    if second_s is None:
        made.lines.append("  the second start of tools/run can only be measured through tools/bench")
    made.data = {"starts": starts, "second_start_s": second_s}
    return made
