"""Runs random stories on whole stations: what came of each, and the shortened story of a failure.

The numbers say how honest the hours are: only a story that ran to its end counts, with the hours it spent.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from evse.app.virtual.station_factory import dumb_station_factory, station_factory
from evse.records import dataclass
from evse.sim.runner import run_scenario
from evse.sim.scenario import Do
from evse.sim.scenario_writer import scenario_text
from evse.sim.stories import options_of, story_of
from evse.sim.story_ending import scenario_of
from evse.sim.story_menu import FAULTS
from evse.sim.story_script import Story, heals
from evse.sim.story_shrink import shrink

SHRINK_EFFORT: Final = 300
SHRINK_SECONDS: Final = 90.0
_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class StoryFailure:
    """What broke. ``kind``: the same for failures of the same sort; ``what``: with all details; ``at_us``: when."""

    kind: str
    what: str
    at_us: int


@dataclass(frozen=True, slots=True)
class StoryOutcome:
    """One story's run. ``cpu_s`` is the processor time it took, ``faults`` how many were injected."""

    number: int
    options: str
    simulated_us: int
    cpu_s: float
    faults: int
    together: bool
    failure: StoryFailure | None


def run_story(number: int) -> StoryOutcome:
    """Make the story of ``number`` and run it."""
    story = story_of(options_of(number))
    begin = time.process_time()
    failure, simulated_us = judge_story(story)
    spent = time.process_time() - begin
    return StoryOutcome(
        number,
        story.options.text(),
        simulated_us,
        spent,
        injected(story),
        story.faults_together > 1,
        failure,
    )


def judge_story(story: Story) -> tuple[StoryFailure | None, int]:
    """Run ``story``; return the first thing that broke, and how long the run was in virtual time."""
    factory = dumb_station_factory if story.options.dumb else station_factory
    try:
        verdict = run_scenario(scenario_of(story), factory)
    except Exception as error:  # a crash is a finding like any other: the story that leads to it is wanted
        notes = "; ".join(getattr(error, "__notes__", ()))
        what = f"{type(error).__name__}: {error}"
        return StoryFailure(_sort(f"crash: {what}"), f"crash: {what} ({notes})", story.end_us), 0
    if verdict.violations:
        first = verdict.violations[0]
        what = f"{first.invariant}: outlet {first.outlet}: {first.what}"
        return StoryFailure(_sort(f"{first.invariant}: {first.what}"), what, first.at_us), verdict.end_us
    if verdict.failures:
        failed = verdict.failures[0]
        what = f"expected {failed.expected}; was {failed.actual}"
        return StoryFailure(_sort(what), what, failed.at_us), verdict.end_us
    return None, verdict.end_us


def shorten(number: int, failure: StoryFailure, *, effort: int = SHRINK_EFFORT) -> Story:
    """The story of ``number``, shortened as far as it still fails in the same way."""
    deadline = time.monotonic() + SHRINK_SECONDS

    def fails(story: Story) -> bool:
        if time.monotonic() > deadline:
            return False
        found, _ = judge_story(story)
        return found is not None and found.kind == failure.kind

    return shrink(story_of(options_of(number)), fails, failed_us=failure.at_us, effort=effort)


def save(story: Story, folder: Path) -> Path:
    """Write ``story`` as a scenario into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"story-{story.options.number}.yaml"
    path.write_text(scenario_text(scenario_of(story)), encoding="utf-8")
    return path


def replay_command(story: Story, path: Path) -> str:
    """The command that runs a saved story again."""
    return f"evse sim {'--dumb-front-end ' if story.options.dumb else ''}{path}"


def report_failure(outcome: StoryOutcome, folder: Path, tell: Callable[[str], None]) -> None:
    """Shorten a failed story, save it and ``tell`` everything needed to see it again."""
    if outcome.failure is None:
        return
    tell(f"story {outcome.number} FAILED at {outcome.failure.at_us / 1e6:.3f} s: {outcome.failure.what}")
    tell(f"  {outcome.options.replace(chr(10), chr(10) + '  ')}")
    story = shorten(outcome.number, outcome.failure)
    path = save(story, folder)
    tell(f"  shortened to {len(story.actions)} actions in {story.end_us / 1e6:.0f} s: {path}")
    tell(f"  replay: {replay_command(story, path)}   (whole story: tools/campaign --first {outcome.number} --seeds 1)")


def injected(story: Story) -> int:
    """How many faults the story injects."""
    verbs = [each.action for each in story.actions if isinstance(each.action, Do)]
    return sum(verb.verb in FAULTS and not heals(verb, verb.verb) for verb in verbs)


def share_together(outcomes: Sequence[StoryOutcome]) -> float:
    """Share of the stories in which two or more faults were in force at once."""
    return sum(outcome.together for outcome in outcomes) / max(1, len(outcomes))


def _sort(what: str) -> str:
    return _NUMBERS.sub("#", what)
