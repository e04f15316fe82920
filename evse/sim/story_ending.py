"""The second phase of a story: everything is healed, then the station must be as good as new.

Specification. Made from the actions alone, so that a shortened story ends in the same way:
1. whatever a fault verb of the story did is undone, power, disk and processes come back, cards go away; key, inputs and
   DIP switches are as they were in the beginning, and after moved DIP switches control has started anew;
2. orders that would keep a user from charging are taken back, service confirms what is latched;
3. whoever is still there leaves: session stopped, vehicle's end pulled, then the station's end as soon as the bolt lets go;
4. every outlet must be idle, without a fault or an open session;
5. at each outlet an ordinary vehicle with an accepted badge must get energy in ``L1_US``, then leave in peace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from evse.core.commands import (
    AvailabilitySource,
    Book,
    ClearFault,
    Command,
    Maintain,
    PlugWithin,
    Postpone,
    ReleaseCable,
    SetLimit,
    SetUnavailable,
    StopSession,
    Suspend,
    WhenVehicleLeaves,
)
from evse.core.dip import SWITCHES
from evse.core.outlet_status import OutletStatus
from evse.core.panel import MASTER_CARD_MISSING
from evse.core.phase_switch import PHASE_SWITCH_FAILED
from evse.core.units import MINUTE, SECOND
from evse.records import dataclass
from evse.sim.conditions import Check, Condition, Subject, Value
from evse.sim.scenario import Action, Do, Expect, Post, Scenario, Step, WaitUntil, When
from evse.sim.station import ParamValue
from evse.sim.story_boards import Feature, StoryOutlet
from evse.sim.story_menu import FAULTS, SERVICE_FAULTS
from evse.sim.story_script import Story, heals

BOOT_US: Final = 8 * SECOND
"""After power and processes are back: boot, restored latches, front ends heard again."""
BOLT_US: Final = 30 * SECOND
"""From the vehicle's departure to a withdrawn bolt: three tries, each with its pause, and once more."""
IDLE_US: Final = 60 * SECOND
"""From the cable's removal to an idle outlet without a fault."""
CALM_US: Final = 60 * SECOND
"""Pauses that follow a fault (30 s before PWM is offered again) are over after it."""
L1_US: Final = 15 * SECOND
"""A vehicle with an accepted badge gets energy: 10 s, of which the vehicle may use 3, and 5 s for its current to rise."""
SHUTTER_OPENS_US: Final = 4 * SECOND
USER: Final = "04A1B2C3"
NEWCOMER: Final = "04F00D11"
"""No card of any story: any other may have become the master card, which opens nothing, after all cards were erased."""


def scenario_of(story: Story, file: str = "story") -> Scenario:
    """``story`` as a scenario, ready to run or to write."""
    steps = _Steps()
    for each in story.actions:
        steps.add(each.action, When(at_us=each.at_us))
    steps.idle_to(story.end_us)
    if story.heal:
        _end(story, steps)
    options = story.options
    return Scenario(
        file=file,
        name=f"story {options.number}",
        description=options.text(),
        profile=options.profile,
        run_number=options.number,
        steps=tuple(steps.steps),
        end_us=story.end_us,
    )


@dataclass(slots=True)
class _Steps:
    """Collects steps, each some time after the one before."""

    steps: list[Step] = field(default_factory=list)
    _begin: When = field(default_factory=When)

    def idle_to(self, at_us: int) -> None:
        """The next step comes at ``at_us``."""
        self._begin = When(at_us=at_us)

    def add(self, action: Action, when: When | None = None) -> None:
        number = len(self.steps) + 1
        self.steps.append(Step(number, number, when or self._begin, action))
        self._begin = When()

    def after(self, span_us: int) -> None:
        """The next step comes ``span_us`` after the last one, or later when a longer pause was asked for already."""
        self._begin = When(after_us=max(span_us, self._begin.after_us))

    def do(self, verb: str, *, surely: bool = False, **params: ParamValue) -> None:
        self.add(Do(verb, params, if_possible=not surely))

    def post(self, kind: type[Command], outlet: int, **fields: object) -> None:
        self.add(Post(kind, {"outlet": outlet, **fields}, {}))


def condition(outlet: int, **fields: Value) -> Condition:
    """All these fields of the outlet are as given; ``truth__x`` looks at the world, ``open_sessions`` at the journal."""
    return Condition(tuple(_check(outlet, name, value) for name, value in fields.items()))


_SUBJECTS: Final[Mapping[str, Subject]] = {"truth": Subject.TRUTH}


def _check(outlet: int, name: str, value: Value) -> Check:
    if name == Subject.OPEN_COUNT:
        return Check(Subject.OPEN_COUNT, outlet, (), "==", value, f"outlet {outlet} {name} == {value}")
    head, _, rest = name.partition("__")
    subject = _SUBJECTS.get(head, Subject.VIEW)
    path = rest if subject is Subject.TRUTH else name
    shown = "absent" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    text = f"outlet {outlet} {name.replace('__', '.')} == {shown}"
    return Check(subject, outlet, (path,), "==", value, text)


def _end(story: Story, steps: _Steps) -> None:
    outlets = story.options.board.outlets
    for healing in _healings(story):
        steps.add(healing)
    _as_in_the_beginning(story, steps)
    steps.after(BOOT_US)
    for outlet in outlets:
        _take_back_orders(story, steps, outlet.number)
    for outlet in outlets:
        if outlet.has(Feature.MODE3):
            steps.do("vehicle_stop", outlet=outlet.number)
        steps.post(StopSession, outlet.number)
    steps.after(10 * SECOND)
    for outlet in outlets:
        if outlet.has(Feature.DOMESTIC):
            steps.do("unplug_domestic", outlet=outlet.number, pull_under_load=True)
        if outlet.has(Feature.MODE3):
            steps.do("unplug", outlet=outlet.number, end="vehicle", pull_under_load=True)
    for outlet in outlets:
        if outlet.has(Feature.MODE3):
            _fetch_cable(steps, outlet)
    _serve_shutters(story, steps)
    for outlet in outlets:
        _idle(steps, outlet.number)
    steps.after(CALM_US)
    for outlet in outlets:
        if outlet.has(Feature.MODE3):
            _ordinary_visit(steps, outlet)
        if outlet.has(Feature.DOMESTIC):
            _ordinary_appliance(steps, outlet)


def _as_in_the_beginning(story: Story, steps: _Steps) -> None:
    """What people have left in another position than they found it."""
    done = {each.action.verb for each in story.actions if isinstance(each.action, Do)}
    for outlet in story.options.board.outlets:
        number = outlet.number
        if outlet.has(Feature.READER):
            steps.do("remove_card", outlet=number)
        if "turn_key" in done:
            steps.do("turn_key", outlet=number, to="unlocked")
        if "set_input" in done:
            for line, closed in outlet.inputs:
                steps.do("set_input", outlet=number, line=line, closed=closed)
        if "set_dip" in done:
            for bank, positions in enumerate(outlet.dip, start=1):
                for switch in range(1, SWITCHES + 1):
                    on = bool(positions >> (SWITCHES - switch) & 1)
                    steps.do("set_dip", outlet=number, bank=bank, switch=switch, on=on)
    if "set_dip" in done:
        # They count from the next start. Power and processes have just come back.
        steps.after(2 * SECOND)
        steps.do("kill_control")


def _fetch_cable(steps: _Steps, outlet: StoryOutlet) -> None:
    """Somebody wants the cable: the vehicle's end once more in and out, as a bolt that stuck is tried again then."""
    number = outlet.number
    steps.after(5 * SECOND)
    steps.do("plug_in", outlet=number, end="vehicle")
    steps.after(5 * SECOND)
    steps.do("unplug", outlet=number, end="vehicle", pull_under_load=True)
    steps.add(WaitUntil(condition(number, truth__plug_held=False), BOLT_US))
    steps.do("unplug", outlet=number)


def _serve_shutters(story: Story, steps: _Steps) -> None:
    """Who has freed a shutter puts the outlet in maintenance meanwhile: one that stuck for hours is not tried again by itself."""
    if not any(isinstance(each.action, Do) and each.action.verb == "jam_shutter" for each in story.actions):
        return
    for active in (True, False):
        for outlet in story.options.board.outlets:
            if outlet.has(Feature.SHUTTER):
                steps.post(Maintain, outlet.number, active=active)
        steps.after(5 * SECOND)


def _healings(story: Story) -> Iterator[Do]:
    """What undoes the faults of the story, each once."""
    told: dict[tuple[str, object], bool] = {}
    for each in story.actions:
        action = each.action
        if not isinstance(action, Do) or action.verb not in FAULTS or heals(action, action.verb):
            continue
        outlet = int(action.params.get("outlet", 0))
        healing = FAULTS[action.verb].healing(action.verb, outlet)
        # What a leak has tripped stays tripped in the world until somebody resets it.
        trips = action.verb in ("leak", "fail_self_test")
        reset = Do("reset_residual", {"outlet": outlet}, if_possible=True) if trips else None
        for step in (healing, reset):
            if step is not None and (step.verb, outlet) not in told:
                told[step.verb, outlet] = True
                yield step


def _take_back_orders(story: Story, steps: _Steps, outlet: int) -> None:
    kinds = {each.action.type: True for each in story.actions if isinstance(each.action, Post)}
    for kind in (Suspend, Postpone, Maintain):
        if kind in kinds:
            steps.post(kind, outlet, active=False)
    if PlugWithin in kinds:
        steps.post(PlugWithin, outlet)
    if WhenVehicleLeaves in kinds:
        steps.post(WhenVehicleLeaves, outlet)
        steps.post(ReleaseCable, outlet)
    if SetUnavailable in kinds:
        for source in AvailabilitySource:
            steps.post(SetUnavailable, outlet, active=False, source=source)
    if Book in kinds:
        steps.post(Book, outlet, uid="")
    if SetLimit in kinds:
        steps.post(SetLimit, outlet, source="plant", active=False)
        steps.post(SetLimit, 0, source="grid", active=False)
    for fault in (*SERVICE_FAULTS, MASTER_CARD_MISSING, PHASE_SWITCH_FAILED):
        steps.post(ClearFault, outlet, fault=fault)


def _idle(steps: _Steps, outlet: int) -> None:
    """The outlet is ready for the next user, and everything is on record."""
    ready = condition(outlet, outlet_status=OutletStatus.INIT_DONE.value, session=None, error_status=0)
    steps.add(WaitUntil(ready, IDLE_US))
    steps.add(Expect(condition(outlet, open_sessions=0), 10 * SECOND))


def _identify(steps: _Steps, outlet: StoryOutlet) -> None:
    """The user's card, where there is a reader."""
    if outlet.has(Feature.READER):
        uid = NEWCOMER if outlet.has(Feature.SERVICE_BUTTON) else USER
        steps.do("present_card", surely=True, outlet=outlet.number, uid=uid, hold="500 ms")


def _goes(steps: _Steps, outlet: StoryOutlet) -> None:
    """The user ends his session."""
    if outlet.has(Feature.READER):
        _identify(steps, outlet)
    else:
        steps.post(StopSession, outlet.number)


def _energy(steps: _Steps, outlet: StoryOutlet) -> None:
    """It comes, for two minutes."""
    number = outlet.number
    text = f"outlet {number} truth.currents_ma[0] >= 6000"
    flows = Check(Subject.TRUTH, number, ("currents_ma", 0), ">=", 6_000, text)
    steps.add(WaitUntil(Condition((flows,)), L1_US))
    steps.after(2 * MINUTE)


def _ordinary_visit(steps: _Steps, outlet: StoryOutlet) -> None:
    number = outlet.number
    _identify(steps, outlet)
    steps.after(SHUTTER_OPENS_US if outlet.has(Feature.SHUTTER) else 2 * SECOND)
    steps.do("plug_in", surely=True, outlet=number)
    _energy(steps, outlet)
    steps.do("vehicle_stop", surely=True, outlet=number)
    steps.add(WaitUntil(condition(number, truth__contact_closed=False), 10 * SECOND))
    _goes(steps, outlet)
    steps.add(WaitUntil(condition(number, truth__plug_held=False), BOLT_US))
    steps.do("unplug", surely=True, outlet=number)
    _idle(steps, number)


def _ordinary_appliance(steps: _Steps, outlet: StoryOutlet) -> None:
    number = outlet.number
    steps.after(10 * SECOND)
    _identify(steps, outlet)
    steps.after(2 * SECOND)
    steps.do("plug_in_domestic", surely=True, outlet=number, current="8 A")
    _energy(steps, outlet)
    steps.do("set_domestic_load", surely=True, outlet=number, current="0 A")
    _goes(steps, outlet)
    steps.after(5 * SECOND)
    steps.do("unplug_domestic", surely=True, outlet=number)
    _idle(steps, number)
