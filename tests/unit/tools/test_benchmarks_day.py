"""The day bench: the story is sound on its first morning, and differences between traces are found."""

from __future__ import annotations

from dataclasses import replace

from evse.app.virtual.process_verbs import PROCESS_VERBS
from evse.sim.scenario_loader import load_scenario
from evse.sim.station import StationFactory
from hal.world.verbs import VERBS
from tools.benchmarks.day import STORY, factory, first_difference, live


def test_one_hour_of_the_story_gives_equal_runs() -> None:
    story = load_scenario(STORY, (*VERBS, *PROCESS_VERBS), 2)
    assert sum(getattr(step.action, "verb", "") == "plug_in" for step in story.steps) == 4
    assert story.end_us == 24 * 3_600_000_000
    morning = replace(story, steps=story.steps[:3], end_us=0)
    make: StationFactory = factory(story.profile)
    one, two = (live(morning, make, elide=True) for _ in range(2))
    assert not one.verdict.failures
    assert not one.verdict.violations
    assert one.verdict.counters.frames_elided > 10_000
    assert one.trace == two.trace
    assert one.cpu_s > 0


def test_the_first_difference_between_traces_is_named() -> None:
    assert first_difference(("a", "b"), ("a", "b")) == ""
    assert first_difference(("a", "b"), ("a", "c")) == "entry 2: elided b full c"
    assert first_difference(("a",), ("a", "c")) == "elided has 1 entries, full 2"
