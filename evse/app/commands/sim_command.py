"""``evse sim``: scenarios in virtual time, each on a whole station of its own.

What is wrong goes to standard error; with ``--json`` standard output has one JSON value in every case: a verdict, a list of
verdicts (several scenarios), or an object of the kind ``error`` when something was refused and nothing was run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from boards.problems import Problem, ProfileError, printable
from evse.app.virtual.scenario_library import expand, load, shipped_heads
from evse.app.virtual.station_factory import dumb_station_factory, recording_factory, station_factory
from evse.records import dataclass
from evse.sim.junit import Case, junit_xml
from evse.sim.problems import ScenarioError
from evse.sim.runner import run_scenario
from evse.sim.scenario import Scenario
from evse.sim.station import StationFactory
from evse.sim.timeline import timeline_line
from evse.sim.trace import Trace, TraceEntry, TraceWriter
from evse.sim.verdict import EXIT_REFUSED, exit_code

OK: Final = 0


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
    scenarios = shipped_heads()
    if json_output:
        entries = [
            {"name": name, "title": each.title, "profile": each.profile, "description": each.description}
            for name, each in scenarios.items()
        ]
        print(json.dumps(entries, indent=2))
        return OK
    width = max(map(len, scenarios), default=0)
    for name, each in scenarios.items():
        print(f"{name:<{width}}  {each.title} ({each.profile})")
    return OK


def run_scenarios(options: SimOptions) -> int:
    """Run every scenario; returns the exit code, the worst of all (``evse.sim.verdict``)."""
    try:
        if not options.scenarios:
            raise _refusal("", "no scenario given; evse sim --list names the shipped ones")
        names = expand(options.scenarios)
        if options.trace and len(names) > 1:
            raise _refusal(options.trace, "--trace takes one scenario at a time")
    except ScenarioError as error:
        return _refuse([Case(problem.file, None, [problem]) for problem in error.problems], options)
    loaded = [_load(name, options) for name in names]
    if any(isinstance(each, Case) for each in loaded):
        return _refuse([each if isinstance(each, Case) else Case(each.file, None) for each in loaded], options)
    scenarios = [each for each in loaded if isinstance(each, Scenario)]
    try:
        if options.junit:
            # A report that cannot be written is told before anything runs.
            Path(options.junit).open("a", encoding="utf-8").close()
        cases = [_run(scenario, options, alone=len(scenarios) == 1) for scenario in scenarios]
        _write_junit(cases, options)
    except OSError as error:
        place = str(error.filename or "")
        problem = Problem(place, 0, 0, "", error.strerror or str(error))
        return _refuse([Case(place, None, [problem])], replace(options, junit=None))
    verdicts = [case.verdict for case in cases if case.verdict is not None]
    if options.json_output:
        texts = [json.loads(verdict.to_json()) for verdict in verdicts]
        print(json.dumps(texts[0] if len(texts) == 1 else texts, indent=2))
    elif len(verdicts) > 1:
        passed = sum(verdict.passed for verdict in verdicts)
        print(f"{passed} of {len(verdicts)} scenarios passed")
    return exit_code(verdicts)


def _load(name: str, options: SimOptions) -> Scenario | Case:
    """The scenario, or all that is wrong with it: then nothing runs."""
    try:
        return load(name, options.profile)
    except (ScenarioError, ProfileError) as error:
        return Case(name, None, error.problems)
    except (OSError, ValueError) as error:
        return Case(name, None, [Problem(name, 0, 0, "", str(error))])


def _run(scenario: Scenario, options: SimOptions, *, alone: bool) -> Case:
    """Run one. Several at a time print their timeline only when they did not pass."""
    factory: StationFactory = dumb_station_factory if options.dumb else station_factory
    number = scenario.run_number if options.run_number is None else options.run_number
    lines: list[str] = []
    say = print if alone else lines.append
    begin_s = time.monotonic()
    with ExitStack() as stack:
        trace = Trace()
        if not options.json_output:
            say(printable(f"{scenario.name} ({scenario.file}, profile {scenario.profile}, seed {number})"))
            trace.add_sink(lambda entry: _tell_line(entry, say))
        if options.trace:
            file = stack.enter_context(Path(options.trace).open("w", encoding="ascii", newline="\n"))
            trace.add_sink(TraceWriter(file, name=scenario.name, run_number=number, profile=scenario.profile))
            factory = recording_factory(trace, dumb=options.dumb)
        verdict = run_scenario(scenario, factory, number, elide=options.elide, trace=trace)
    seconds = time.monotonic() - begin_s
    if not options.json_output:
        if not verdict.passed and lines:
            print("\n".join(lines))
        print("\n".join(map(printable, verdict.summary().split("\n"))))
    return Case(scenario.file, verdict, (), seconds)


def _tell_line(entry: TraceEntry, say: Callable[[str], None]) -> None:
    line = timeline_line(entry)
    if line is not None:
        say(printable(line))


def _write_junit(cases: Sequence[Case], options: SimOptions) -> None:
    if options.junit:
        Path(options.junit).write_text(junit_xml(cases), encoding="utf-8")


def _refusal(file: str, what: str) -> ScenarioError:
    return ScenarioError([Problem(file, 0, 0, "", what)])


def _refuse(cases: Sequence[Case], options: SimOptions) -> int:
    """Tell all that is wrong, in every way that was asked for; nothing was run."""
    problems = [problem for case in cases for problem in case.problems]
    try:
        _write_junit(cases, options)
    except OSError as error:
        problems.append(Problem(options.junit or "", 0, 0, "", error.strerror or str(error)))
    for problem in problems:
        # Without a place the message stands alone.
        print(f"evse: {problem if problem.file else problem.what}", file=sys.stderr)
    if options.json_output:
        error_value = {
            "schema": 1,
            "kind": "error",
            "exit_code": EXIT_REFUSED,
            "problems": [asdict(problem) for problem in problems],
        }
        print(json.dumps(error_value, indent=2))
    return EXIT_REFUSED
