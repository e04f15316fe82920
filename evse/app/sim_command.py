"""``evse sim``: scenarios in virtual time, each on a whole station of its own."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from boards.problems import ProfileError, printable
from evse.app.scenario_library import load, shipped_scenarios
from evse.app.station_factory import dumb_station_factory, recording_factory, station_factory
from evse.sim.problems import ScenarioError
from evse.sim.runner import run_scenario
from evse.sim.scenario import Scenario
from evse.sim.station import StationFactory
from evse.sim.timeline import timeline_line
from evse.sim.trace import Trace, TraceEntry, TraceWriter
from evse.sim.verdict import Verdict, exit_code, junit_xml

OK: Final = 0
BAD_INPUT: Final = 2


@dataclass(frozen=True, slots=True)
class SimOptions:
    """What the command line said. ``None`` leaves it to the scenario; ``dumb``: front ends without own interlock."""

    scenarios: tuple[str, ...]
    profile: str | None = None
    run_number: int | None = None
    elide: bool = True
    dumb: bool = False
    json_output: bool = False
    junit: str | None = None
    trace: str | None = None


def list_scenarios(*, json_output: bool = False) -> int:
    """Print the shipped scenarios: name, profile, what each is about; returns the exit code."""
    scenarios = {name: load(name) for name in shipped_scenarios()}
    if json_output:
        entries = [
            {"name": name, "title": each.name, "profile": each.profile, "description": each.description}
            for name, each in scenarios.items()
        ]
        print(json.dumps(entries, indent=2))
        return OK
    width = max(map(len, scenarios), default=0)
    for name, each in scenarios.items():
        print(f"{name:<{width}}  {each.name} ({each.profile})")
    return OK


def run_scenarios(options: SimOptions) -> int:
    """Run every scenario; returns the exit code, the worst of all (``evse.sim.verdict``)."""
    if not options.scenarios:
        return _complain("no scenario given; evse sim --list names the shipped ones")
    if options.trace and len(options.scenarios) > 1:
        return _complain("--trace takes one scenario at a time")
    loaded = _load_all(options)
    if loaded is None:
        return BAD_INPUT
    try:
        verdicts = [_run(scenario, options) for scenario in loaded]
        if options.junit:
            Path(options.junit).write_text(junit_xml(verdicts), encoding="utf-8")
    except OSError as error:
        return _complain(str(error))
    if options.json_output:
        texts = [json.loads(verdict.to_json()) for verdict in verdicts]
        print(json.dumps(texts[0] if len(texts) == 1 else texts, indent=2))
    elif len(verdicts) > 1:
        passed = sum(verdict.passed for verdict in verdicts)
        print(f"{passed} of {len(verdicts)} scenarios passed")
    return exit_code(verdicts)


def _load_all(options: SimOptions) -> list[Scenario] | None:
    """Every scenario, or ``None`` after all that is wrong with any of them was told: nothing runs then."""
    loaded: list[Scenario] = []
    refused = False
    for name in options.scenarios:
        try:
            loaded.append(load(name, options.profile))
        except (ScenarioError, ProfileError) as error:
            refused = True
            problems = getattr(error, "problems", ())
            _complain("\n".join(map(str, problems)) or str(error))
        except (OSError, ValueError) as error:
            refused = True
            _complain(f"{name}: {error}")
    return None if refused else loaded


def _run(scenario: Scenario, options: SimOptions) -> Verdict:
    factory: StationFactory = dumb_station_factory if options.dumb else station_factory
    with ExitStack() as stack:
        trace = Trace()
        number = scenario.run_number if options.run_number is None else options.run_number
        if not options.json_output:
            print(printable(f"{scenario.name} ({scenario.file}, profile {scenario.profile}, seed {number})"))
            trace.add_sink(_print_line)
        if options.trace:
            file = stack.enter_context(Path(options.trace).open("w", encoding="ascii", newline="\n"))
            trace.add_sink(TraceWriter(file, name=scenario.name, run_number=number, profile=scenario.profile))
            factory = recording_factory(trace, dumb=options.dumb)
        verdict = run_scenario(scenario, factory, number, elide=options.elide, trace=trace)
    if not options.json_output:
        print("\n".join(map(printable, verdict.summary().split("\n"))))
    return verdict


def _print_line(entry: TraceEntry) -> None:
    line = timeline_line(entry)
    if line is not None:
        print(printable(line))


def _complain(text: str) -> int:
    print(f"evse: {text}", file=sys.stderr)
    return BAD_INPUT
