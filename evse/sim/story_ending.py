"""The second phase of a story: everything is healed, then the station must be as good as new.

Specification. Made from the actions alone, so that a shortened story ends in the same way:
1. whatever a fault verb of the story did is undone, power, disk and processes come back, cards go away;
2. orders that would keep a user from charging are taken back, service confirms what is latched;
3. whoever is still there leaves: session stopped, vehicle's end pulled, then the station's end as soon as the bolt lets go;
4. every outlet must be idle, without a fault or an open session;
5. at each outlet an ordinary vehicle with an accepted badge must get energy in ``L1_US``, then leave in peace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from evse.core.commands import (
    AvailabilitySource,
    Book,
    ClearFault,
    Command,
    Maintain,
    Postpone,
    SetLimit,
    SetUnavailable,
    StopSession,
    Suspend,
)
from evse.core.outlet_status import OutletStatus
from evse.core.units import MINUTE, SECOND
from evse.sim.conditions import Check, Condition, Subject, Value
from evse.sim.scenario import Action, Do, Expect, Post, Scenario, Step, WaitUntil, When
from evse.sim.station import ParamValue
from evse.sim.stories import Story, heals
from evse.sim.story_menu import FAULTS, SERVICE_FAULTS

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
USER: Final = "04A1B2C3"


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
        """The next step comes ``span_us`` after the last one."""
        self._begin = When(after_us=span_us)

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
    outlets = range(1, story.options.outlets + 1)
    readers = story.options.profile != "parking-free"
    for healing in _healings(story):
        steps.add(healing)
    if readers:
        for outlet in outlets:
            steps.do("remove_card", outlet=outlet)
    steps.after(BOOT_US)
    for outlet in outlets:
        _take_back_orders(story, steps, outlet)
    for outlet in outlets:
        steps.do("vehicle_stop", outlet=outlet)
        steps.post(StopSession, outlet)
    steps.after(10 * SECOND)
    for outlet in outlets:
        steps.do("unplug", outlet=outlet, end="vehicle", pull_under_load=True)
    for outlet in outlets:
        # Somebody wants the cable: the vehicle's end once more in and out, as a bolt that stuck is tried again then.
        steps.after(5 * SECOND)
        steps.do("plug_in", outlet=outlet, end="vehicle")
        steps.after(5 * SECOND)
        steps.do("unplug", outlet=outlet, end="vehicle", pull_under_load=True)
        steps.add(WaitUntil(condition(outlet, truth__plug_held=False), BOLT_US))
        steps.do("unplug", outlet=outlet)
    for outlet in outlets:
        _idle(steps, outlet)
    steps.after(CALM_US)
    for outlet in outlets:
        _ordinary_visit(steps, outlet, readers=readers)


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
    if SetUnavailable in kinds:
        for source in AvailabilitySource:
            steps.post(SetUnavailable, outlet, active=False, source=source)
    if Book in kinds:
        steps.post(Book, outlet, uid="")
    if SetLimit in kinds:
        steps.post(SetLimit, outlet, source="plant", active=False)
        steps.post(SetLimit, 0, source="grid", active=False)
    for fault in SERVICE_FAULTS:
        steps.post(ClearFault, outlet, fault=fault)


def _idle(steps: _Steps, outlet: int) -> None:
    """The outlet is ready for the next user, and everything is on record."""
    ready = condition(outlet, outlet_status=OutletStatus.INIT_DONE.value, session=None, error_status=0)
    steps.add(WaitUntil(ready, IDLE_US))
    steps.add(Expect(condition(outlet, open_sessions=0), 10 * SECOND))


def _ordinary_visit(steps: _Steps, outlet: int, *, readers: bool) -> None:
    if readers:
        steps.do("present_card", surely=True, outlet=outlet, uid=USER, hold="500 ms")
        steps.after(2 * SECOND)
    steps.do("plug_in", surely=True, outlet=outlet)
    flows = Check(
        Subject.TRUTH, outlet, ("currents_ma", 0), ">=", 6_000, f"outlet {outlet} truth.currents_ma[0] >= 6000"
    )
    steps.add(WaitUntil(Condition((flows,)), L1_US))
    steps.after(2 * MINUTE)
    steps.do("vehicle_stop", surely=True, outlet=outlet)
    steps.add(WaitUntil(condition(outlet, truth__contact_closed=False), 10 * SECOND))
    if readers:
        steps.do("present_card", surely=True, outlet=outlet, uid=USER, hold="500 ms")
    else:
        steps.post(StopSession, outlet)
    steps.add(WaitUntil(condition(outlet, truth__plug_held=False), BOLT_US))
    steps.do("unplug", surely=True, outlet=outlet)
    _idle(steps, outlet)
