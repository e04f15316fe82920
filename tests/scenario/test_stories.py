"""Random stories in the check: more than 200 simulated hours with every invariant, and what earlier ones have found.

``tools/campaign`` runs as many as one likes. A story that fails there becomes a file in ``regressions``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evse.app.virtual.scenario_library import load
from evse.app.virtual.station_factory import dumb_station_factory, station_factory
from evse.app.virtual.story_bench import report_failure, run_story, save, shorten
from evse.sim.runner import run_scenario
from evse.sim.station import StationFactory
from evse.sim.stories import options_of, story_of
from evse.sim.story_ending import scenario_of
from evse.sim.story_visits import HOUR

NUMBERS = range(1, 25)
PER_TEST = 2
WANTED_HOURS = 200
WANTED_SPEED = 3_600
REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.yaml"))


def test_the_stories_of_the_check_are_long_enough() -> None:
    assert sum(options_of(number).length_us for number in NUMBERS) >= WANTED_HOURS * HOUR


@pytest.mark.timeout(300)  # a machine that is busy with other things takes its time
@pytest.mark.req("SIM-01", "SIM-02")
@pytest.mark.parametrize("first", range(NUMBERS.start, NUMBERS.stop, PER_TEST))
def test_stories(first: int, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Whatever happens, every invariant holds; when all is healed, the station is as good as new."""
    done = [run_story(number) for number in range(first, first + PER_TEST)]
    for outcome in done:
        told: list[str] = []
        report_failure(outcome, tmp_path, told.append)
        assert outcome.failure is None, "\n".join(told)
    hours = sum(outcome.simulated_us for outcome in done) / HOUR
    speed = hours * 3_600 / sum(outcome.cpu_s for outcome in done)
    record_property("simulated_hours", round(hours, 1))
    record_property("times_real_time", round(speed))
    print(f"{hours:.1f} simulated hours, {speed:.0f} x real time on one core, renewals elided, invariants on")  # noqa: T201 - shown by pytest -rP
    assert speed >= WANTED_SPEED


@pytest.mark.req("SIM-03")
@pytest.mark.parametrize("factory", [station_factory, dumb_station_factory], ids=["normal", "dumb"])
@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_stories_have_found_stays_mended(path: Path, factory: StationFactory) -> None:
    verdict = run_scenario(load(path), factory)
    assert verdict.passed, verdict.summary()


@pytest.mark.req("SIM-02")
def test_a_story_is_the_same_every_time_and_as_a_file(tmp_path: Path) -> None:
    """The number, the story and the saved scenario give the same run: that is what makes a failure replayable."""
    story = story_of(options_of(9))
    factory = dumb_station_factory if story.options.dumb else station_factory
    first = run_scenario(scenario_of(story), factory)
    again = run_scenario(load(save(story, tmp_path)), factory)
    assert [(each.what, each.at_us) for each in first.decisions] == [
        (each.what, each.at_us) for each in again.decisions
    ]
    assert (first.end_us, first.counters) == (again.end_us, again.counters)


@pytest.mark.timeout(300)
def test_a_failing_story_is_shortened_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bound of no time at all for opening the contact some story fails, and a few actions are left of it."""
    monkeypatch.setattr("evse.sim.invariants_safety.OPEN_ON_VEHICLE_US", 1_000)
    monkeypatch.setattr("evse.sim.invariants_safety.OPEN_ON_LEASE_US", 1_000)
    outcome = next(each for each in map(run_story, range(1, 9)) if each.failure is not None)
    assert outcome.failure is not None
    assert "the vehicle does not ask for energy" in outcome.failure.what
    story = shorten(outcome.number, outcome.failure, effort=80)
    assert len(story.actions) <= 8
    told: list[str] = []
    monkeypatch.setattr("evse.app.virtual.story_bench.shorten", lambda number, failure: story)
    report_failure(outcome, tmp_path, told.append)
    path = tmp_path / f"story-{outcome.number}.yaml"
    assert f"evse sim {'--dumb-front-end ' if story.options.dumb else ''}{path}" in told[-1]
    assert run_scenario(load(path), dumb_station_factory if story.options.dumb else station_factory).violations
