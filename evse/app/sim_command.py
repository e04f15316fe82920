"""``evse sim``: scenarios in virtual time, each on a whole station of its own."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from boards.load import Profile, load_profile
from boards.problems import ProfileError
from boards.to_core import station_config, wire_plan
from evse.app.process_verbs import PROCESS_VERBS
from evse.app.virtual import VirtualStation
from evse.services.authorisation import Authoriser, Strategy
from evse.sim.problems import ScenarioError
from evse.sim.random_streams import RandomStreams
from evse.sim.runner import run_scenario
from evse.sim.scenario import Scenario
from evse.sim.scenario_loader import load_scenario
from evse.sim.timeline import timeline_line
from evse.sim.trace import Trace, TraceEntry, TraceWriter
from evse.sim.verdict import Verdict, exit_code, junit_xml
from hal.world.verbs import VERBS

BAD_INPUT: Final = 2
STRATEGIES: Final = {"allow_all_badges": Strategy.ALLOW_ALL, "reject_unknown_badges": Strategy.REJECT_UNKNOWN}
"""The profile's words and the authorisation's."""
ALL_VERBS: Final = (*VERBS, *PROCESS_VERBS)


@dataclass(frozen=True, slots=True)
class SimOptions:
    """What the command line said. ``None`` leaves it to the scenario."""

    scenarios: tuple[str, ...]
    profile: str | None = None
    run_number: int | None = None
    elide: bool = True
    json_output: bool = False
    junit: str | None = None
    trace: str | None = None


def run_scenarios(options: SimOptions) -> int:
    """Run every scenario; returns the exit code, the worst of all."""
    if options.trace and len(options.scenarios) > 1:
        return _complain("--trace takes one scenario at a time")
    loaded: list[Scenario] = []
    refused = False
    for name in options.scenarios:
        try:
            loaded.append(load_for(Path(name), options.profile))
        except (ScenarioError, ProfileError) as error:
            refused = True
            problems = getattr(error, "problems", ())
            _complain("\n".join(map(str, problems)) or str(error))
        except (OSError, ValueError) as error:
            refused = True
            _complain(f"{name}: {error}")
    if refused:
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
    return exit_code(verdicts)


def load_for(path: Path, profile: str | None = None) -> Scenario:
    """Load a scenario for the outlets its profile has. Raises ScenarioError, ProfileError."""
    scenario = load_scenario(path, ALL_VERBS)
    scenario = replace(scenario, profile=profile or scenario.profile)
    outlets = len(load_profile(scenario.profile).model.outlets)
    return replace(load_scenario(path, ALL_VERBS, outlets), profile=scenario.profile)


def virtual_station(profile_name: str, run_number: int, elide: bool) -> VirtualStation:
    """A ``StationFactory``: a whole station in virtual time. Raises ProfileError."""
    profile = load_profile(profile_name)
    return VirtualStation(
        station_config(profile, f"SIM-{profile.model.name}"),
        wire_plan(profile),
        authoriser=authoriser_for(profile),
        elide=elide,
        random_stream=RandomStreams(run_number).stream("disk"),
    )


def authoriser_for(profile: Profile) -> Authoriser:
    """The authorisation that a profile gives from the factory."""
    return Authoriser(strategy=STRATEGIES[profile.model.settings.authentication_strategy])


def _run(scenario: Scenario, options: SimOptions) -> Verdict:
    with ExitStack() as stack:
        trace = Trace()
        number = scenario.run_number if options.run_number is None else options.run_number
        if not options.json_output:
            print(f"{scenario.name} ({scenario.file}, profile {scenario.profile}, seed {number})")
            trace.add_sink(_print_line)
        if options.trace:
            file = stack.enter_context(Path(options.trace).open("w", encoding="ascii", newline="\n"))
            trace.add_sink(TraceWriter(file, name=scenario.name, run_number=number, profile=scenario.profile))
        verdict = run_scenario(scenario, virtual_station, number, elide=options.elide, trace=trace)
    if not options.json_output:
        print(verdict.summary())
    return verdict


def _print_line(entry: TraceEntry) -> None:
    line = timeline_line(entry)
    if line is not None:
        print(line)


def _complain(text: str) -> int:
    print(f"evse: {text}", file=sys.stderr)
    return BAD_INPUT
