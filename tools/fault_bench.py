"""Provokes one fault by its cause in the world and measures what happens: contact, pilot, light, status, record.

A case (``tools.fault_cases``) tells how far the outlet is (its scene), what is done to the world, and how the fault ends.
The bench runs it on a whole station in virtual time with every invariant watching. Contact, current and pilot are taken
from the world's truth after each instant; what the station says (fault, bits, light, error, record) from its events, its
snapshot and its durable ledger. All times are integer microseconds and belong to the instant they happened in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from evse.app.virtual.station_factory import station_factory
from evse.core.commands import Book, ClearFault, Command, SetPhases
from evse.core.config import Access
from evse.core.events import FaultCleared, FaultRaised, OutletError
from evse.exchange.snapshot import OutletView
from evse.sim.invariants import InvariantChecker
from hal.units import NEVER, SECOND
from tools.fault_cases import (
    BADGE,
    PLUG,
    PLUG_DOMESTIC,
    SET_PHASES,
    WAIT,
    Deed,
    Ends,
    ErrorCase,
    FaultCase,
    Params,
    Scene,
)

NUMBER: Final = 1
"""Every case happens at outlet 1."""
OTHER_UID: Final = "0455667788"
PLUGGED_US: Final = 3_013_700
CHARGED_US: Final = 30 * SECOND
WATCH_US: Final = 12 * SECOND
"""A fault is watched for this long before its cause is healed."""
SETTLE_US: Final = 50 * SECOND
"""So long after healing it is seen whether fault and charge go on."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How the outlet is from ``at_us`` on. ``pilot``: what the generator gives: X1, PWM, F, E or ``dead``."""

    at_us: int
    closed: bool
    coil: bool
    current_ma: int
    pilot: str
    light: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What a case did. Times count from the cause; ``None``: it did not happen."""

    raised_us: int | None
    opens_us: int | None
    x1_us: int | None
    f_us: int | None
    """Length of the first state F, ``None`` also while it still lasts at the end of the watch."""
    ends_us: int | None
    """From what ends the fault (healed, unplugged, cleared by service), or from its beginning when it did not last."""
    resumes_us: int | None
    """From healing to the contact closed again in the same session."""
    lasts: bool
    """The fault was in force at the end of the watch."""
    latched: bool
    """It outlived the end of its cause."""
    shows_f: bool
    closed: bool
    """The contact at the end of the watch."""
    closed_at_raise: bool
    pwm_after_raise: bool
    """PWM was on the line as long as the contact was closed after the fault was raised."""
    pilot: str
    light: str
    bits: int
    also: tuple[str, ...]
    error: str
    break_ma: int
    """Largest phase current just before the contact opened."""
    record: str
    usable: bool
    """Afterwards another charge begins."""
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeasuredError:
    """When a `KO_` was told after its cause, its class there and in the snapshot, and what followed."""

    told_us: int | None
    error_class: str
    shown: tuple[str, str]
    record: str
    energised: bool
    """The contact closed after the cause."""
    violations: tuple[str, ...]


class Stage:
    """A station in virtual time with hands and a memory of what outlet 1 did."""

    def __init__(self, profile: str, *, dumb: bool, run_number: int = 1, domestic: bool = False) -> None:
        """``domestic``: what is measured is the domestic socket's contact."""
        self.domestic = domestic
        self.station = station_factory(profile, run_number, True, dumb=dumb)
        self.checker = InvariantChecker(self.station)
        self.samples: list[Sample] = []
        self._commands = 0
        self.station.scheduler.observers.append(self.checker.observe)
        self.station.scheduler.observers.append(self._observe)

    @property
    def now_us(self) -> int:
        """Virtual time."""
        return self.station.scheduler.now_us

    def _observe(self, now_us: int) -> None:
        outlet = self.station.world.outlet(NUMBER)
        generator = outlet.generator
        contactor = outlet.domestic.contactor if self.domestic else outlet.contactor
        sample = Sample(
            now_us,
            contactor.closed,
            contactor.coil,
            max(outlet.currents_ma()),
            generator.mode.name if generator.powered else "dead",
            outlet.signs.light.name.lower(),
        )
        before = self.samples[-1] if self.samples else None
        if before is None or before != Sample(before.at_us, *_facts(sample)):
            self.samples.append(sample)

    def run(self, span_us: int) -> None:
        """Let time pass."""
        self.station.scheduler.run_for(span_us)

    def run_until(self, condition: Callable[[], bool], within_us: int) -> bool:
        """Run until ``condition`` holds after an instant; return whether it did in time."""
        if not condition():
            self.station.scheduler.run_until(self.now_us + within_us, condition)
        return condition()

    def do(self, deed: Deed) -> None:
        """Apply a verb of the world or of the processes."""
        name, params = deed
        if name == WAIT:
            self.run(int(params["s"]) * SECOND)
            return
        if deed == BADGE and self.station.config.outlets[NUMBER - 1].access is not Access.BADGE:
            return  # nobody is asked there
        if name == SET_PHASES:
            self.post(lambda command_id: SetPhases(command_id, NUMBER, phases=int(params["to"])))
            return
        self.checker.note_verb(name, params, self.now_us)
        self.station.apply_verb(name, dict(params), self.now_us)

    def post(self, make: Callable[[str], Command]) -> None:
        """Give an order to the station; ``make`` gets its id."""
        self._commands += 1
        command = make(f"bench-{self._commands}")
        self.checker.note_command(command, self.now_us)
        self.station.post(command)

    @property
    def closed(self) -> bool:
        """Whether the contacts of the socket in question are closed."""
        outlet = self.station.world.outlet(NUMBER)
        return (outlet.domestic.contactor if self.domestic else outlet.contactor).closed

    @property
    def view(self) -> OutletView:
        """What the station says of outlet 1."""
        view = self.station.view()
        if view is None:
            raise RuntimeError("control does not run")
        return view.outlets[NUMBER - 1]

    def event_us(self, kind: type[FaultRaised] | type[FaultCleared], fault: str, since_us: int) -> int | None:
        """When ``fault`` was raised or cleared first since then."""
        for timed in self.station.events_since(0):
            event = timed.event
            if isinstance(event, kind) and (event.outlet, event.fault) == (NUMBER, fault) and timed.at_us >= since_us:
                return timed.at_us
        return None

    def record(self) -> str:
        """The reason in the first record of outlet 1, empty without one."""
        return next((each.reason for each in self.station.ledger().records() if each.outlet == NUMBER), "")

    def raised_since(self, since_us: int, until_us: int) -> tuple[str, ...]:
        """Every fault raised at outlet 1 between these times, sorted by name."""
        events = (timed.event for timed in self.station.events_since(0) if since_us <= timed.at_us <= until_us)
        return tuple(sorted({e.fault for e in events if isinstance(e, FaultRaised) and e.outlet == NUMBER}))

    def errors_since(self, since_us: int, until_us: int = NEVER) -> list[tuple[int, OutletError]]:
        """Every `OutletStatusLastError` of outlet 1 between these times, with its own."""
        found = []
        for timed in self.station.events_since(0):
            told = isinstance(timed.event, OutletError) and since_us <= timed.at_us <= until_us
            if told and isinstance(timed.event, OutletError) and timed.event.outlet == NUMBER:
                found.append((timed.at_us, timed.event))
        return found

    def violations(self) -> tuple[str, ...]:
        """Broken invariants so far, as text."""
        return tuple(f"{each.invariant} at {each.at_us}: {each.what}" for each in self.checker.violations)

    def close(self) -> None:
        """Give back what the station holds."""
        self.station.close()


def _facts(sample: Sample) -> tuple[bool, bool, int, str, str]:
    return sample.closed, sample.coil, sample.current_ma, sample.pilot, sample.light


def set_scene(stage: Stage, scene: Scene, vehicle: Params) -> None:
    """Bring outlet 1 to where the case begins. Raises RuntimeError when it does not get there."""
    plug: Deed = PLUG_DOMESTIC if stage.domestic else ("plug_in", {"outlet": NUMBER, **vehicle})
    shuttered = stage.station.config.outlets[0].has_shutter
    stage.run(15 * SECOND)
    if scene is Scene.BOOKED:
        stage.post(lambda name: Book(name, NUMBER, uid=OTHER_UID, until_us=stage.now_us + 3_600 * SECOND))
        stage.run(SECOND)
    if scene is Scene.AUTHORISED or (shuttered and scene is Scene.CHARGING):
        stage.do(BADGE)
        stage.run(4 * SECOND)
    if scene in (Scene.PLUGGED, Scene.CHARGING):
        stage.do(plug)
        stage.run(PLUGGED_US)
    if scene is Scene.CHARGING:
        if not shuttered:
            stage.do(BADGE)
        stage.run(CHARGED_US)
        if not stage.closed:
            raise RuntimeError(f"the charge did not begin: {stage.view.open_reasons}")


def run_case(case: FaultCase, *, dumb: bool) -> Measured:
    """Run ``case`` with the usual or the dumb front end and measure it."""
    stage = Stage(case.profile, dumb=dumb, domestic=case.domestic)
    try:
        return _Run(stage, case).measure()
    finally:
        stage.close()


def run_reaction(case: FaultCase, *, dumb: bool, later_us: int) -> Measured:
    """Run ``case`` only until its limit is well past: what it did to the contact, not how it ends.

    ``later_us``: the cause comes so much later, at another phase of sampling, frames and renewals. What is seen only
    afterwards (``ends_us``, ``resumes_us``, ``usable``) is as if it had not happened.
    """
    stage = Stage(case.profile, dumb=dumb, domestic=case.domestic)
    try:
        return _Run(stage, case).measure_reaction(later_us)
    finally:
        stage.close()


def run_error_case(case: ErrorCase, *, dumb: bool) -> MeasuredError:
    """Run ``case`` with the usual or the dumb front end and say when its error was told."""
    stage = Stage(case.profile, dumb=dumb)
    try:
        set_scene(stage, case.scene, case.vehicle)
        cause_us = _cause(stage, case.before, case.cause)
        found = stage.run_until(lambda: bool(_told(stage, case.error, cause_us)), case.limit_us + SECOND)
        told = _told(stage, case.error, cause_us) if found else []
        shown = (stage.view.last_error, stage.view.last_error_class)
        stage.run(2 * SECOND)
        return MeasuredError(
            told[0][0] - cause_us if told else None,
            told[0][1].error_class if told else "",
            shown,
            stage.record(),
            _first(_from(stage.samples, cause_us), "", closed=True) is not None,
            stage.violations(),
        )
    finally:
        stage.close()


def _cause(stage: Stage, before: Sequence[Deed], cause: Sequence[Deed]) -> int:
    """Do what comes before and then the cause; return when that was."""
    for deed in before:
        stage.do(deed)
        stage.run(SECOND)
    for deed in cause:
        stage.do(deed)
    return stage.now_us


def _told(stage: Stage, error: str, since_us: int) -> list[tuple[int, OutletError]]:
    return [each for each in stage.errors_since(since_us) if each[1].error == error]


class _Run:
    def __init__(self, stage: Stage, case: FaultCase) -> None:
        self._stage, self._case = stage, case
        self._cause_us = self._watched_us = 0

    def measure(self) -> Measured:
        """Scene, cause, watch, healing, another charge."""
        watched = self._watch(0, WATCH_US)
        ends_us, latched, resumes_us = self._recover()
        return self._measured(*watched, ends_us, latched=latched, resumes_us=resumes_us, usable=self._use_again())

    def measure_reaction(self, later_us: int) -> Measured:
        """Scene, cause, a watch until a second after the limit."""
        watched = self._watch(later_us, self._case.limit_us + SECOND)
        return self._measured(*watched, None, latched=False, resumes_us=None, usable=False)

    def _watch(self, later_us: int, watch_us: int) -> tuple[OutletView, list[Sample]]:
        """Scene, cause, watch; return what the station says then and what the outlet did since the cause."""
        stage, case = self._stage, self._case
        set_scene(stage, case.scene, case.vehicle)
        stage.run(later_us)
        self._cause_us = _cause(stage, case.before, case.cause)
        stage.run(watch_us)
        self._watched_us = stage.now_us
        return stage.view, _from(stage.samples, self._cause_us)

    def _measured(
        self,
        view: OutletView,
        samples: Sequence[Sample],
        ends_us: int | None,
        *,
        latched: bool,
        resumes_us: int | None,
        usable: bool,
    ) -> Measured:
        stage, case = self._stage, self._case
        opened = next((i for i in range(1, len(samples)) if samples[i - 1].closed and not samples[i].closed), None)
        raised_us = stage.event_us(FaultRaised, case.fault, self._cause_us)
        f_us = _length(samples, "F")
        at_raise = _from(samples, self._cause_us if raised_us is None else raised_us)
        errors = stage.errors_since(self._cause_us, self._watched_us)
        return Measured(
            raised_us=_since(raised_us, self._cause_us),
            opens_us=None if opened is None else samples[opened].at_us - self._cause_us,
            x1_us=_since(_first(samples, "X1") if samples[0].pilot == "PWM" else None, self._cause_us),
            f_us=f_us,
            ends_us=ends_us,
            resumes_us=resumes_us,
            lasts=any(fault.name == case.fault for fault in view.faults),
            latched=latched,
            shows_f=samples[-1].pilot == "F" or f_us is not None,
            closed=samples[-1].closed,
            closed_at_raise=at_raise[0].closed,
            pwm_after_raise=all(each.pilot == "PWM" for each in at_raise[1:] if each.closed),
            pilot=samples[-1].pilot,
            light=samples[-1].light,
            bits=view.error_status,
            also=tuple(name for name in stage.raised_since(self._cause_us, self._watched_us) if name != case.fault),
            error=errors[0][1].error if errors else "",
            break_ma=0 if opened is None else samples[opened - 1].current_ma,
            record=stage.record(),
            usable=usable,
            violations=stage.violations(),
        )

    def _recover(self) -> tuple[int | None, bool, int | None]:
        """End cause and fault; return (time to its end, whether it outlived its cause, time to the next closing)."""
        stage, case = self._stage, self._case
        healed_us = stage.now_us
        for deed in case.heal:
            stage.do(deed)
        stage.run(SETTLE_US)
        cleared_us = stage.event_us(FaultCleared, case.fault, self._cause_us)
        latched = cleared_us is None
        again = _first(
            [each for each in _from(stage.samples, healed_us) if each.at_us <= stage.now_us], "", closed=True
        )
        ended_us = healed_us
        if cleared_us is not None and cleared_us < healed_us:
            ended_us = stage.event_us(FaultRaised, case.fault, self._cause_us) or healed_us
        if case.ends is not Ends.HEAL:
            ended_us = self._unplug()
            stage.run(20 * SECOND)
        if case.ends is Ends.SERVICE:
            latched = latched and stage.event_us(FaultCleared, case.fault, self._cause_us) is None
            ended_us = stage.now_us
            stage.post(lambda name: ClearFault(name, NUMBER, fault=case.fault))
            stage.run(5 * SECOND)
        cleared_us = stage.event_us(FaultCleared, case.fault, self._cause_us)
        return _since(cleared_us, ended_us), latched, _since(again, healed_us)

    def _unplug(self) -> int:
        """Pull the vehicle's end, then the station's as soon as it is let go; return when the vehicle left."""
        stage = self._stage
        outlet = stage.station.world.outlet(NUMBER)
        at_us = stage.now_us
        if outlet.domestic.plugged:
            stage.do(("unplug_domestic", {"outlet": NUMBER, "pull_under_load": True}))
        if outlet.cable.at_vehicle:
            stage.do(("unplug", {"outlet": NUMBER, "end": "vehicle"}))
        stage.run_until(lambda: not outlet.truth().plug_held, 30 * SECOND)
        if outlet.cable.at_station:
            stage.do(("unplug", {"outlet": NUMBER, "end": "station"}))
        return at_us

    def _use_again(self) -> bool:
        """Whether the outlet serves another user afterwards: idle, nothing in force, and a charge begins."""
        stage = self._stage
        if stage.view.session is not None:
            stage.do(BADGE)
            stage.run(15 * SECOND)
        self._unplug()
        stage.run(20 * SECOND)
        if stage.view.outlet_status != "OK_InitDone" or stage.view.faults:
            return False
        stage.do(BADGE)
        stage.run(4 * SECOND)
        stage.do(PLUG_DOMESTIC if stage.domestic else PLUG)
        return stage.run_until(lambda: stage.closed, 60 * SECOND)


def _from(samples: Sequence[Sample], start_us: int) -> list[Sample]:
    """The samples from ``start_us`` on, beginning with the one that was in force just before it."""
    before = [sample for sample in samples if sample.at_us < start_us]
    return [*before[-1:], *(sample for sample in samples if sample.at_us >= start_us)]


def _first(samples: Sequence[Sample], pilot: str, *, closed: bool = False) -> int | None:
    """When ``pilot`` first came onto the line (or, with ``closed``, the contact closed) after the first sample."""
    for before, sample in pairwise(samples):
        if (sample.closed and not before.closed) if closed else sample.pilot == pilot:
            return sample.at_us
    return None


def _since(at_us: int | None, start_us: int) -> int | None:
    return None if at_us is None else at_us - start_us


def _length(samples: Sequence[Sample], pilot: str) -> int | None:
    """How long ``pilot`` was on the line the first time it came; ``None`` when not, or when it has not ended."""
    begin: int | None = None
    for sample in samples[1:]:
        if begin is None and sample.pilot == pilot:
            begin = sample.at_us
        elif begin is not None and sample.pilot != pilot:
            return sample.at_us - begin
    return None
