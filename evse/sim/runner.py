"""Runs a scenario on a simulated station in virtual time, with every invariant watching."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from evse.core.events import Event
from evse.exchange.snapshot import StationView
from evse.sim.invariants import InvariantChecker
from evse.sim.invariants_base import Moment
from evse.sim.quantities import time_text
from evse.sim.scenario import Do, Expect, Post, Scenario, Step, Throughout, WaitUntil
from evse.sim.scenario_loader import command_name
from evse.sim.station import (
    ClosedSession,
    OpenSession,
    OutletFacts,
    ParamValue,
    SimulatedStation,
    StationFactory,
    facts_of,
)
from evse.sim.trace import Plain, Trace
from evse.sim.verdict import Decision, Failure, RunCounters, Verdict
from evse.sim.watches import TICK_US, Kind, Watch


def run_scenario(
    scenario: Scenario,
    station_factory: StationFactory,
    run_number: int | None = None,
    *,
    elide: bool = True,
    trace: Trace | None = None,
    prepare: Callable[[SimulatedStation, Trace], None] | None = None,
) -> Verdict:
    """Run ``scenario`` once and judge it.

    ``run_number`` replaces the scenario's seed; ``trace`` gets everything that happens; ``prepare`` may hang taps on the
    new station. Raises what the factory raises for a profile that cannot be used.
    """
    number = scenario.run_number if run_number is None else run_number
    station = station_factory(scenario.profile, number, elide)
    try:
        runner = _Runner(scenario, station, trace or Trace())
        if prepare is not None:
            prepare(station, runner.trace)
        return runner.run(number, elide)
    finally:
        station.close()


class _Instant:
    """What conditions may look at: asked of the station only when a condition wants it."""

    def __init__(
        self, station: SimulatedStation, now_us: int, new_events: Sequence[Event], seen: Moment | None
    ) -> None:
        self.new_events = new_events
        self._station, self._now_us = station, now_us
        self._facts = None if seen is None else seen.outlets

    @property
    def view(self) -> StationView | None:
        return self._station.view()

    @property
    def facts(self) -> Sequence[OutletFacts]:
        if self._facts is None:
            self._facts = facts_of(self._station.world, self._now_us)
        return self._facts

    @property
    def records(self) -> Sequence[ClosedSession]:
        return self._station.ledger().records()

    @property
    def open_sessions(self) -> Sequence[OpenSession]:
        return self._station.ledger().open_sessions()


class _Runner:
    def __init__(self, scenario: Scenario, station: SimulatedStation, trace: Trace) -> None:
        self.scenario, self.station, self.trace = scenario, station, trace
        self.scheduler = station.scheduler
        self.start_us = self.scheduler.now_us
        self.checker = InvariantChecker(station)
        self.watches: list[Watch] = []
        self.decisions: list[Decision] = []
        self.failures: list[Failure] = []
        self._events = 0
        self._told = 0
        self._waiting: Watch | None = None
        self._tick_us = -1
        self._commands = 0
        self.scheduler.observers.append(self._observe)

    def run(self, run_number: int, elide: bool) -> Verdict:
        """Go through the steps, then on until everything is decided."""
        time_us = self.start_us
        for step in self.scenario.steps:
            time_us = self._go_to(step, time_us)
            self._act(step)
            time_us = max(time_us, self.scheduler.now_us)
        deadlines = [watch.deadline_us for watch in self.watches if watch.deadline_us is not None]
        self.scheduler.run_until(max([self.start_us + self.scenario.end_us, self.scheduler.now_us, *deadlines]))
        self._finish()
        counters = self.scheduler.counters
        return Verdict(
            file=self.scenario.file,
            name=self.scenario.name,
            profile=self.scenario.profile,
            run_number=run_number,
            elided=elide,
            end_us=self.scheduler.now_us - self.start_us,
            decisions=tuple(sorted(self.decisions, key=lambda decision: (decision.step, decision.at_us))),
            failures=tuple(sorted(self.failures, key=lambda failure: (failure.step, failure.at_us))),
            violations=tuple(self.checker.violations),
            counters=RunCounters(counters.instants, counters.steps, self.station.frames_sent(), counters.frames_elided),
        )

    def _go_to(self, step: Step, time_us: int) -> int:
        target = time_us + step.when.after_us
        if step.when.at_us is not None:
            target = self.start_us + step.when.at_us
        now = self.scheduler.now_us
        if target < now:
            expected = f"the step to begin at {time_text(target - self.start_us)}"
            self._decide(step, expected, f"it could begin at {time_text(now - self.start_us)} only", passed=False)
            target = now
        self.scheduler.run_until(target)
        return target

    def _act(self, step: Step) -> None:
        action = step.action
        now = self.scheduler.now_us
        if isinstance(action, Do):
            self._do(step, action)
        elif isinstance(action, Post):
            self._post(action)
        elif isinstance(action, Expect):
            expected = action.condition.text
            if action.within_us:
                expected += f" within {_span(action.within_us)}"
            self._watch(Watch(step, Kind.SOON, action.condition, expected, now + action.within_us))
        elif isinstance(action, Throughout):
            end = None if action.for_us is None else now + action.for_us
            end = end if action.until_us is None else self.start_us + action.until_us
            kind = Kind.NEVER if action.never else Kind.ALWAYS
            self._watch(Watch(step, kind, action.condition, f"{kind.value} {action.condition.text}", end))
        elif isinstance(action, WaitUntil):
            expected = f"{action.condition.text} within {_span(action.timeout_us)}"
            self._waiting = Watch(step, Kind.SOON, action.condition, expected, now + action.timeout_us)
            self._watch(self._waiting)
            self.scheduler.run_until(now + action.timeout_us, lambda: self._waiting is None)
            self._waiting = None

    def _do(self, step: Step, action: Do) -> None:
        now = self.scheduler.now_us
        self.trace.add(now, "scenario", "verb", {"name": action.verb, **_plain(action.params)})
        try:
            self.station.apply_verb(action.verb, action.params, now)
        except ValueError as error:
            if action.if_possible:
                self.trace.add(now, "scenario", "left out", {"name": action.verb, "why": str(error)})
            else:
                self._decide(step, f"{action.verb} to be possible", str(error), passed=False)
            return
        self.checker.note_verb(action.verb, action.params, now)
        self._look_now()

    def _post(self, action: Post) -> None:
        now = self.scheduler.now_us
        self._commands += 1
        given: Mapping[str, Any] = action.fields
        command = action.type(command_id=f"scenario-{self._commands}", **given)
        spans: Mapping[str, Any] = {name: now + span for name, span in action.spans.items()}
        data = {field.name: getattr(command, field.name) for field in fields_of(command) if field.name in given}
        self.trace.add(
            now, "scenario", "command", {"name": command_name(action.type), **_plain({**data, **action.spans})}
        )
        command = replace(command, **spans)
        self.station.post(command)
        self.checker.note_command(command, now)

    def _watch(self, watch: Watch) -> None:
        """Begin to watch; an instant at the start and one at the deadline make sure that both are looked at."""
        self.watches.append(watch)
        if watch.deadline_us is not None:
            self.scheduler.at(watch.deadline_us, _nothing)
        if watch.growing:
            self._plan_tick(self.scheduler.now_us)
        self._look_now()

    def _look_now(self) -> None:
        """Make an instant of this time: everything due now happens, then invariants and watches are asked."""
        self.scheduler.at(self.scheduler.now_us, _nothing)
        self.scheduler.run_until(self.scheduler.now_us)

    def _plan_tick(self, now_us: int) -> None:
        """Plan an instant at the next whole second of the scenario, unless one is planned."""
        if self._tick_us > now_us:
            return
        self._tick_us = now_us + TICK_US - (now_us - self.start_us) % TICK_US
        self.scheduler.at(self._tick_us, _nothing)

    def _observe(self, now_us: int) -> None:
        new = self.station.events_since(self._events)
        if new:
            self._events += len(new)
            for timed in new:
                self.trace.add_event(timed.at_us, timed.event)
        seen = self.checker.observe(now_us)
        if seen is not None:
            self._tell_violations()
        if not self.watches:
            return
        on_tick = (now_us - self.start_us) % TICK_US == 0
        observation = _Instant(self.station, now_us, [timed.event for timed in new], seen)
        for watch in tuple(self.watches):
            outcome = watch.look(observation, now_us, on_tick=on_tick)
            if outcome is not None:
                self._end(watch, outcome)
        if any(watch.growing for watch in self.watches):
            self._plan_tick(now_us)

    def _end(self, watch: Watch, passed: bool) -> None:
        self.watches.remove(watch)
        if watch is self._waiting:
            self._waiting = None
        self._decide(watch.step, watch.expected, watch.actual(), passed=passed)

    def _decide(self, step: Step, expected: str, actual: str, *, passed: bool) -> None:
        now = self.scheduler.now_us
        self.decisions.append(Decision(step.number, step.line, expected, now - self.start_us, passed))
        place = f"{self.scenario.file}:{step.line}"
        if passed:
            self.trace.add(now, "scenario", "passed", {"what": expected, "step": step.number})
            return
        self.failures.append(Failure(step.number, step.line, now - self.start_us, expected, actual))
        self.trace.add(now, "scenario", "failure", {"place": place, "expected": expected, "actual": actual})

    def _tell_violations(self) -> None:
        for violation in self.checker.violations[self._told :]:
            data: dict[str, Plain] = {"invariant": violation.invariant, "what": violation.what}
            source = f"outlet {violation.outlet}" if violation.outlet else "station"
            self.trace.add(violation.at_us, source, "violation", data)
        self._told = len(self.checker.violations)

    def _finish(self) -> None:
        for watch in tuple(self.watches):
            self._end(watch, watch.kind is not Kind.SOON)
        self.checker.finish(self.scheduler.now_us)
        self._tell_violations()
        self.scheduler.observers.remove(self._observe)


def _nothing(now_us: int) -> None:
    """An action that only makes an instant."""


def _plain(values: Mapping[str, object] | Mapping[str, ParamValue]) -> dict[str, Plain]:
    return {name: value if isinstance(value, (bool, int, str)) else str(value) for name, value in values.items()}


def _span(span_us: int) -> str:
    if span_us % 1_000:
        return f"{span_us} us"
    return f"{span_us // 1_000} ms" if span_us % 1_000_000 else f"{span_us // 1_000_000} s"
