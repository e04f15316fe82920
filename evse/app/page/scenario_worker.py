"""Runs one scenario for the page: ``python -m evse.app.page.scenario_worker``, started by services, never by hand.

A process of its own, of the lowest priority: a run takes a processor for a second or so and must cost neither control
nor whoever serves the page anything. One JSON object on standard output: the list of scenarios, or verdict and timeline.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Final

from boards.problems import ProfileError, printable
from evse.app.virtual.scenario_library import load, shipped_heads
from evse.app.virtual.station_factory import dumb_station_factory, station_factory
from evse.control.priority import die_with_parent
from evse.sim.problems import ScenarioError
from evse.sim.runner import run_scenario
from evse.sim.timeline import timeline_line
from evse.sim.trace import Trace, TraceEntry

LOWEST_PRIORITY: Final = 19
MAX_LINES: Final = 2_000
"""Lines of the timeline that are kept; a longer one says so."""


def listing() -> dict[str, Any]:
    """The shipped scenarios."""
    return {
        "scenarios": [
            {"name": name, "title": each.title, "profile": each.profile, "description": each.description}
            for name, each in shipped_heads().items()
        ]
    }


def run(name: str, seed: int | None, dumb: bool) -> dict[str, Any]:
    """Verdict and timeline of one run; ``problem`` instead when it is refused."""
    try:
        scenario = load(name)
    except (ScenarioError, ProfileError, OSError, ValueError) as error:
        return {"problem": "\n".join(map(str, getattr(error, "problems", ()))) or str(error)}
    lines: list[str] = []

    def keep(entry: TraceEntry) -> None:
        line = timeline_line(entry)
        if line is None:
            return
        if len(lines) < MAX_LINES:
            lines.append(printable(line))
        elif len(lines) == MAX_LINES:
            lines.append(f"the timeline is longer than {MAX_LINES} lines; evse sim {name} prints all")

    trace = Trace()
    trace.add_sink(keep)
    factory = dumb_station_factory if dumb else station_factory
    number = scenario.run_number if seed is None else seed
    verdict = run_scenario(scenario, factory, number, trace=trace)
    return {"verdict": json.loads(verdict.to_json()), "timeline": lines}


def main(argv: list[str] | None = None) -> int:
    """List or run; returns the exit code 0, also for a scenario that failed."""
    parser = argparse.ArgumentParser(prog="evse.app.page.scenario_worker", description=__doc__)
    parser.add_argument("--parent", type=int, default=0, help="process id of services")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("--scenario", default="", help="name of a shipped scenario")
    parser.add_argument("--seed", type=int, help="instead of the scenario's own")
    parser.add_argument("--dumb", action="store_true", help="front ends without own interlock")
    arguments = parser.parse_args(argv)
    if arguments.parent:
        die_with_parent(arguments.parent)
    os.nice(LOWEST_PRIORITY)
    answer = listing() if arguments.list else run(arguments.scenario, arguments.seed, arguments.dumb)
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
