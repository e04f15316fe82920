"""Walks a profile's station through a session, a fault by its cause in the world, a restart, and another session.

The causes are those of ``tools/fault_cases.yaml``, as far as the board has what they need (a bolt, a shutter, a reader, a
pilot …), and for a domestic socket those below. Exact times are the fault cases' business, on the boards they name; here
every profile must find the fault in the limit, react by its class, break no invariant, and serve the next user after
healing and a restart. A fault that only service clears must outlive the restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from boards.load import load_profile, shipped_profiles
from boards.to_core import station_config, wire_plan
from evse.core.commands import ClearFault, StopSession
from evse.core.config import Location
from evse.core.events import FaultCleared, FaultRaised
from evse.core.faults import Latch, Reaction, fault_kind
from evse.core.lines import LineFunction
from evse.sim.story_boards import Feature, StoryOutlet, board_of
from evse.sim.story_menu import FAULTS
from hal.units import SECOND
from tools.fault_bench import NUMBER, Stage
from tools.fault_cases import BADGE, LIMITS, PLUG, SET_PHASES, WAIT, Contact, Deed, FaultCase, Scene, load

KINDS: Final = (("usual", False), ("dumb", True))
WATCH_US: Final = 12 * SECOND
CLOSES_US: Final = 60 * SECOND
"""From plug and badge to a closed contact; after a start the contactor rests for 10 s, after a fault for 30 s."""
IDLE_US: Final = 60 * SECOND
_PLUG_DOMESTIC: Final[Deed] = ("plug_in_domestic", {"outlet": NUMBER, "current": 9})
_NOT_DOMESTIC: Final = ("leak", "reset_front_end")
"""An appliance leaks nothing in the simulation; a reset is no fault."""
_SLOW_US: Final = 10 * SECOND


def _at_domestic(verb: str, **params: bool | int | float | str) -> Deed:
    return verb, {"outlet": NUMBER, **params}


DOMESTIC_CASES: Final = (
    FaultCase(
        "domestic-soft",
        "appliance draws 4 A more than it may",
        "OverCurrentSoft",
        (_at_domestic("overdraw_domestic", current=4),),
        limit_us=_SLOW_US,
    ),
    FaultCase(
        "domestic-hard",
        "appliance draws 20 A more than it may",
        "OverCurrentHard",
        (_at_domestic("overdraw_domestic", current=20),),
    ),
    FaultCase(
        "domestic-weld",
        "domestic contacts weld in a charge; from the badge that ends it",
        "ContactorWelded",
        (BADGE,),
        before=(_at_domestic("weld_domestic"),),
        contact=Contact.STAYS_CLOSED,
        limit_us=LIMITS["forced"][0],
    ),
    FaultCase(
        "domestic-mirror",
        "mirror contact says closed when it opens",
        "ContactorWelded",
        (BADGE,),
        before=(_at_domestic("domestic_mirror_fault", kind="stuck_closed"),),
        limit_us=LIMITS["forced"][0],
    ),
    FaultCase(
        "domestic-coil",
        "coil moves nothing; from the badge",
        "ContactorFailedToClose",
        (BADGE,),
        scene=Scene.PLUGGED,
        before=(_at_domestic("domestic_fails_to_close"),),
        contact=Contact.NEVER_CLOSES,
        limit_us=_SLOW_US,
    ),
)
"""What only a domestic socket can have. Healing follows from the verbs."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk: a profile's outlet 1, a case, at which of its sockets, with which front end."""

    profile: str
    case: FaultCase
    domestic: bool
    dumb: bool

    @property
    def name(self) -> str:
        """For reports."""
        kind = "dumb" if self.dumb else "usual"
        return f"{self.profile} {self.case.id}{' (domestic socket)' if self.domestic else ''} {kind}"


@dataclass(frozen=True, slots=True)
class WalkOutcome:
    """What a walk found; ``problem`` is empty when all was as it must be."""

    name: str
    profile: str
    fault: str
    problem: str


def walks(profile: str) -> Iterator[Walk]:
    """Every walk of ``profile``, in a fixed order."""
    outlet = board_of(profile).outlets[NUMBER - 1]
    cases = [case for case in load().cases if not case.domestic]
    for domestic in (False, True):
        if not outlet.has(Feature.DOMESTIC if domestic else Feature.MODE3):
            continue
        for case in (*cases, *DOMESTIC_CASES) if domestic else cases:
            if case.fault and _possible(profile, outlet, case, domestic=domestic):
                for _, dumb in KINDS:
                    yield Walk(profile, case, domestic, dumb)


def all_walks(profiles: Sequence[str] = ()) -> Iterator[Walk]:
    """Every walk of every profile in ``profiles`` (names or files), else of every shipped one."""
    for profile in profiles or shipped_profiles():
        yield from walks(profile)


def selection(profile: str, count: int) -> list[Walk]:
    """``count`` walks of ``profile``; over all profiles and as many runs of the check as one likes always the same."""
    found, place = list(walks(profile)), shipped_profiles().index(profile)
    step = max(1, len(found) // count)
    return [found[(place + index * (step | 1)) % len(found)] for index in range(count)]


def _possible(profile: str, outlet: StoryOutlet, case: FaultCase, *, domestic: bool) -> bool:
    """Whether the board has what the case needs."""
    free, shuttered = not outlet.has(Feature.READER), outlet.has(Feature.SHUTTER)
    asked_while_plugged = case.scene is Scene.PLUGGED and (free or shuttered)
    if asked_while_plugged and BADGE not in case.cause:
        return False
    if case.scene is Scene.AUTHORISED and (free or domestic):
        return False
    if case.scene is Scene.IDLE and BADGE in case.cause and free:
        return False
    if case.scene is Scene.IDLE and PLUG in case.cause and shuttered and not free:
        return False
    if domestic and case.vehicle:
        return False
    return all(_has_for(profile, outlet, deed, case, domestic=domestic) for deed in (*case.before, *case.cause))


def _has_for(profile: str, outlet: StoryOutlet, deed: Deed, case: FaultCase, *, domestic: bool) -> bool:
    verb, params = deed
    entry = FAULTS.get(verb)
    if domestic and (verb in _NOT_DOMESTIC or (entry is not None and entry.needs is Feature.MODE3)):
        return False
    if entry is not None and entry.needs is not None and not outlet.has(entry.needs):
        return False
    if domestic and entry is not None and entry.needs in (Feature.LOCK, Feature.SOCKET, Feature.SHUTTER):
        return False
    if params.get("to") == "reader" and not outlet.has(Feature.READER):
        return False
    if params.get("to") == "meter" and wire_plan(load_profile(profile)).outlets[NUMBER - 1].meter is None:
        return False
    if verb == "press_service_button" and not outlet.has(Feature.SERVICE_BUTTON):
        return False
    if verb == SET_PHASES and not outlet.has(Feature.PHASES):
        return False
    stage_needs = {
        "VentilationNotAvailable": not domestic and _indoor(profile),
        "ProtectionDeviceTripped": _has_breaker_input(profile),
    }
    if not stage_needs.get(case.fault, True):
        return False
    return not (verb == "brown_out" and params.get("phase") in ("L2", "L3") and _phases(profile) == 1)


@cache
def _stage_config(profile: str) -> tuple[Location, int, tuple[LineFunction, ...]]:
    config = station_config(load_profile(profile), "walk")
    outlet = config.outlets[NUMBER - 1]
    return config.location, outlet.phases, tuple(line.function for line in outlet.lines)


def _indoor(profile: str) -> bool:
    return _stage_config(profile)[0] is Location.INDOOR


def _phases(profile: str) -> int:
    return _stage_config(profile)[1]


def _has_breaker_input(profile: str) -> bool:
    return LineFunction.BREAKER_TRIPPED in _stage_config(profile)[2]


class _Failed(Exception):
    """The walk found something wrong."""


def run_walk(walk: Walk) -> WalkOutcome:
    """Go the whole way; whatever is wrong is told, the first of it."""
    stage = Stage(walk.profile, dumb=walk.dumb)
    problem = ""
    try:
        _Walker(stage, walk).go()
    except _Failed as failed:
        problem = str(failed)
    except Exception as error:  # a crash is a finding like any other
        problem = f"crash: {type(error).__name__}: {error}"
    finally:
        stage.close()
    return WalkOutcome(walk.name, walk.profile, walk.case.fault, problem)


class _Walker:
    def __init__(self, stage: Stage, walk: Walk) -> None:
        self._stage, self._case, self._domestic = stage, walk.case, walk.domestic
        self._outlet = board_of(walk.profile).outlets[NUMBER - 1]
        self._world = stage.station.world.outlet(NUMBER)
        self._plug: Deed = _PLUG_DOMESTIC if walk.domestic else PLUG
        self._arrive: Deed = _PLUG_DOMESTIC if walk.domestic else (PLUG[0], {**PLUG[1], **walk.case.vehicle})
        """The vehicle of the fault's own session."""

    def go(self) -> None:
        """Session, fault, restart, session."""
        self._stage.run(15 * SECOND)
        self._session("before")
        cause_us = self._reach_and_cause()
        opened_us, closed = self._watch(cause_us)
        self._judge(cause_us, opened_us, closed=closed)
        self._recover(cause_us)
        self._session("after the restart")
        violations = self._stage.violations()
        self._need(not violations, "; ".join(violations[:2]))

    @staticmethod
    def _need(holds: bool, what: str) -> None:
        if not holds:
            raise _Failed(what)

    @property
    def _closed(self) -> bool:
        return self._world.domestic.contactor.closed if self._domestic else self._world.contactor.closed

    # --- users -------------------------------------------------------------------------------------------------

    def _do(self, deed: Deed) -> None:
        """A deed as this board's users do it."""
        if deed == BADGE and not self._outlet.has(Feature.READER):
            if self._stage.view.session is not None:
                self._stage.post(lambda name: StopSession(name, NUMBER))
            return
        verb, params = deed
        if verb == "overdraw" and float(params["current"]) >= 60:
            # Above the board's limit from whatever is offered.
            params = {**params, "current": 95}
        self._stage.do((verb, params))

    def _identify_and_plug(self, plug: Deed) -> None:
        self._do(BADGE)
        self._stage.run(4 * SECOND)
        self._stage.do(plug)

    def _session(self, when: str) -> None:
        """A charge from the badge to an idle outlet, on record."""
        records = len(self._stage.station.ledger().records())
        self._identify_and_plug(self._plug)
        self._need(
            self._stage.run_until(lambda: self._closed, CLOSES_US), f"no charge {when}: {self._stage.view.open_reasons}"
        )
        self._stage.run(20 * SECOND)
        self._need(self._closed, f"the charge does not last {when}: {self._stage.view.open_reasons}")
        self._leave()
        self._need_idle(when)
        self._need(len(self._stage.station.ledger().records()) > records, f"no record {when}")

    def _leave(self) -> None:
        """Vehicle or appliance stops, the user goes."""
        stage = self._stage
        if stage.view.session is not None:
            self._do(BADGE)
            stage.run(12 * SECOND)
        cable = self._world.cable
        if self._domestic:
            if self._world.domestic.plugged:
                stage.do(("unplug_domestic", {"outlet": NUMBER, "pull_under_load": True}))
            return
        if cable.at_vehicle:
            stage.do(("unplug", {"outlet": NUMBER, "end": "vehicle", "pull_under_load": True}))
        stage.run_until(lambda: not self._world.truth().plug_held, 40 * SECOND)
        if cable.at_station and not cable.attached:
            stage.do(("unplug", {"outlet": NUMBER, "end": "station"}))

    def _need_idle(self, when: str) -> None:
        def idle() -> bool:
            view = self._stage.station.view()
            return view is not None and view.outlets[NUMBER - 1].outlet_status == "OK_InitDone"

        self._need(self._stage.run_until(idle, IDLE_US), f"not idle {when}: {self._stage.view.outlet_status}")
        faults = [fault.name for fault in self._stage.view.faults]
        self._need(not faults, f"still in force {when}: {', '.join(faults)}")

    # --- the fault ---------------------------------------------------------------------------------------------

    def _reach_and_cause(self) -> int:
        """Bring the outlet to the case's scene, do what comes before, then the cause; return when that was."""
        case, stage = self._case, self._stage
        free, shuttered = not self._outlet.has(Feature.READER), self._outlet.has(Feature.SHUTTER)
        cause = list(case.cause)
        if case.scene is Scene.CHARGING:
            self._identify_and_plug(self._arrive)
            self._need(stage.run_until(lambda: self._closed, CLOSES_US), "no charge to break")
            stage.run(30 * SECOND)
        elif case.scene is Scene.AUTHORISED:
            self._do(BADGE)
            stage.run(4 * SECOND)
        elif case.scene is Scene.PLUGGED and (free or shuttered):
            # Who plugs in begins; a shutter opens only for a badge.
            cause = [each for each in cause if each != BADGE]
            cause = [*cause, self._arrive] if free else [*cause, BADGE, (WAIT, {"s": 4}), self._arrive]
        elif case.scene is Scene.PLUGGED:
            stage.do(self._arrive)
            stage.run(3 * SECOND)
        for deed in case.before:
            self._do(deed)
            stage.run(SECOND)
        cause_us = stage.now_us
        for deed in cause:
            if deed == self._arrive and self._world.shutter.in_the_way:
                continue  # the badge alone has brought the fault out; who finds the shutter closed goes away
            self._do(self._arrive if deed == PLUG else deed)
        return cause_us

    def _watch(self, cause_us: int) -> tuple[int | None, bool]:
        """Let time pass; return when the contact opened, and whether it was closed when the fault was raised or after."""
        stage, was_closed = self._stage, self._closed
        opened_us: int | None = None
        if was_closed and stage.run_until(lambda: not self._closed, WATCH_US):
            opened_us = stage.now_us
        stage.run(max(0, cause_us + max(WATCH_US, self._case.limit_us) + SECOND - stage.now_us))
        if self._case.fault == "RecordNotDurable":
            stage.run(15 * SECOND)
        return opened_us, self._closed

    def _judge(self, cause_us: int, opened_us: int | None, *, closed: bool) -> None:
        case = self._case
        raised_us = self._stage.event_us(FaultRaised, case.fault, cause_us)
        self._need(raised_us is not None, f"{case.fault} was not found")
        if raised_us is None:
            return
        reaction = fault_kind(case.fault).reaction
        if reaction is Reaction.NOTICE and case.contact is Contact.STAYS_CLOSED:
            self._need(closed, "a notice has opened the contact")
        elif case.contact is Contact.OPENS and case.scene is Scene.CHARGING:
            limit_us = case.limit_us
            self._need(opened_us is not None, "the contact stayed closed")
            spent_us = 0 if opened_us is None else opened_us - cause_us
            self._need(spent_us <= limit_us, f"open after {spent_us / 1000:g} ms, limit {limit_us / 1000:g} ms")
        elif case.contact in (Contact.NEVER_CLOSES, Contact.STAYS_OPEN):
            self._need(not closed, "the contact is closed")

    def _recover(self, cause_us: int) -> None:
        """Heal; a fault for service outlives a restart; then service, the user leaves, and another restart."""
        stage, case = self._stage, self._case
        for deed in _healing(case):
            self._stage.do(deed)
        stage.run(5 * SECOND)
        if fault_kind(case.fault).latch is Latch.SERVICE:
            self._restart()
            names = [fault.name for fault in stage.view.faults]
            self._need(case.fault in names, "a fault for service did not outlive the restart")
        self._leave()
        stage.run(10 * SECOND)
        if fault_kind(case.fault).latch is Latch.SERVICE:
            stage.post(lambda name: ClearFault(name, NUMBER, fault=case.fault))
            stage.run(5 * SECOND)
            self._leave()
        cleared_us = stage.event_us(FaultCleared, case.fault, cause_us)
        self._need_idle("after healing")
        self._need(cleared_us is not None, f"{case.fault} did not end")
        self._restart()
        self._need_idle("after the restart")
        # What follows a fault (30 s before PWM is offered again) is over.
        stage.run(35 * SECOND)

    def _restart(self) -> None:
        self._stage.do(("kill_control", {}))
        self._stage.run(12 * SECOND)


def _healing(case: FaultCase) -> list[Deed]:
    """What heals the case, the domestic verbs' included."""
    if case.heal:
        return list(case.heal)
    found: list[Deed] = []
    for verb, _ in (*case.before, *case.cause):
        entry = FAULTS.get(verb)
        healing = None if entry is None else entry.healing(verb, NUMBER)
        if healing is not None:
            found.append((healing.verb, healing.params))
    return found
