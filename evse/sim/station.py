"""What a scenario and the invariants need of a simulated station, whoever composes it.

Three kinds of truth are kept apart: what the station says (``view``, ``events_since``), what physically is (``world``),
and what is durable (``ledger``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from evse.core.commands import Command
from evse.core.config import StationConfig
from evse.core.events import Event
from evse.exchange.snapshot import StationView
from evse.records import dataclass
from evse.sim.scheduler import Scheduler
from hal.ports import SelfTest
from hal.world.contactor import MirrorFault
from hal.world.domestic import PlugSwitchFault
from hal.world.outlet import OutletWorld
from hal.world.socket import LockFeedbackFault
from hal.world.station import StationWorld
from hal.world.truth import OutletTruth

DROP_OUT_US = 50_000
"""A sound contactor opens within 50 ms."""
ParamValue = bool | int | float | str
"""Value of a verb's parameter as written: in the parameter's unit, or a text with a unit."""


class ContactFacts(NamedTuple):
    """One contact of an outlet. ``slow``: it opens later than a contactor may; ``mirror_honest``: its mirror is true."""

    closed: bool
    coil: bool
    welded: bool
    slow: bool
    mirror_honest: bool

    @property
    def held(self) -> bool:
        """It is closed because somebody orders it, or could still open it in time."""
        return self.closed and (self.coil or not (self.welded or self.slow))


class OutletFacts(NamedTuple):
    """How an outlet physically is at this instant, whatever the station believes.

    ``duty_error_bp``: how far the generator's duty cycle is off by a fault of its own.
    ``contactor_slow``: it opens later than a contactor may; ``mirror_honest``, ``bolt_honest``: the mirror
    contact and the lock's end switches tell the truth.
    ``generator_obeys``: the pilot line does what the generator is told.
    ``truth``: contact, current, pilot, bolt. ``cable_rating_ma``: rating the cable in the socket tells by its coding
    resistor, ``None`` without a cable, with an attached one or with a faulty resistor. ``self_test``: state of the
    residual-current detector's self test. ``domestic_mirror_honest``, ``plug_switch_honest``: of the domestic socket.
    """

    number: int
    truth: OutletTruth
    cable_rating_ma: int | None
    self_test: SelfTest
    duty_error_bp: int = 0
    contactor_slow: bool = False
    mirror_honest: bool = True
    bolt_honest: bool = True
    generator_obeys: bool = True
    domestic_mirror_honest: bool = True
    plug_switch_honest: bool = True

    @property
    def closings(self) -> int:
        """How often any contact has closed."""
        domestic = self.truth.domestic
        return self.truth.closings + (0 if domestic is None else domestic.closings)

    @property
    def energised(self) -> bool:
        """Whether any contact is closed."""
        domestic = self.truth.domestic
        return self.truth.contact_closed or (domestic is not None and domestic.contact_closed)

    @property
    def held(self) -> bool:
        """Whether any contact is closed that somebody orders closed, or could still open in time."""
        return any(contact.held for contact in self.contacts)

    @property
    def contacts(self) -> tuple[ContactFacts, ...]:
        """Every contact: the one behind the pilot, then the domestic socket's where there is one."""
        truth, domestic = self.truth, self.truth.domestic
        own = ContactFacts(
            truth.contact_closed, truth.coil_energised, truth.contact_welded, self.contactor_slow, self.mirror_honest
        )
        if domestic is None:
            return (own,)
        honest = self.domestic_mirror_honest
        return own, ContactFacts(
            domestic.contact_closed, domestic.coil_energised, domestic.contact_welded, False, honest
        )


class OutletClaims(NamedTuple):
    """What the station says of one outlet: whether its front end answers, and the faults in force."""

    number: int
    link_ok: bool
    faults: tuple[str, ...]


class Claims(NamedTuple):
    """The little of what the station says that invariants ask about.

    ``restored``: it knows what the boot before left. ``started_us``: when this boot of control began.
    """

    restored: bool
    started_us: int
    outlets: tuple[OutletClaims, ...]


def claims_of(view: StationView) -> Claims:
    """The claims of a Snapshot."""
    outlets = [
        OutletClaims(outlet.number, outlet.link_ok, tuple(fault.name for fault in outlet.faults))
        for outlet in view.outlets
    ]
    return Claims(view.restored, view.started_us, tuple(outlets))


def facts_of(world: StationWorld, now_us: int) -> tuple[OutletFacts, ...]:
    """The facts of every outlet at ``now_us``, ordered by number.

    Runs the world up to then, which changes nothing but brings the energy up to date.
    """
    world.advance(now_us)
    return tuple([_facts(number, outlet) for number, outlet in enumerate(world.outlets, 1)])


def _facts(number: int, outlet: OutletWorld) -> OutletFacts:
    cable = outlet.cable
    told = cable.at_station and not cable.attached and not cable.faulty
    return OutletFacts(
        number,
        outlet.truth(),
        cable.rating_a * 1_000 if told else None,
        outlet.residual.self_test,
        outlet.generator.duty_error_bp,
        outlet.contactor.open_delay_us > DROP_OUT_US,
        outlet.contactor.mirror_fault is MirrorFault.NONE,
        outlet.lock.feedback_fault is LockFeedbackFault.NONE,
        not outlet.generator.stuck and outlet.circuit.foreign_ohm is None,
        outlet.domestic.contactor.mirror_fault is MirrorFault.NONE,
        outlet.domestic.switch_fault is PlugSwitchFault.NONE,
    )


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session whose start is durable and whose end is not."""

    outlet: int
    session_id: str
    uid: str


@dataclass(frozen=True, slots=True)
class ClosedSession:
    """A finished session's record. ``interrupted``: closed after a power failure with the last durable reading."""

    number: int
    outlet: int
    session_id: str
    uid: str
    energy_wh: int
    reason: str
    charge_type: str
    interrupted: bool
    socket: str = ""


class Ledger(Protocol):
    """What is durable. Readable at any time, also while the station is without power."""

    def open_sessions(self) -> Sequence[OpenSession]: ...

    def records(self) -> Sequence[ClosedSession]:
        """Every record, oldest first."""
        ...

    def waiting(self) -> int:
        """How many commits are not durable yet."""
        ...


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event of the core with the time it happened at on the scheduler's clock."""

    at_us: int
    event: Event


class SimulatedStation(Protocol):
    """A station with its world, on one scheduler that outlives power cuts."""

    @property
    def scheduler(self) -> Scheduler: ...

    @property
    def config(self) -> StationConfig: ...

    def view(self) -> StationView | None:
        """The latest snapshot, ``None`` while control does not run."""
        ...

    def claims(self) -> Claims | None:
        """What ``claims_of`` tells of the latest snapshot, without making all of that."""
        ...

    def events_since(self, index: int) -> Sequence[TimedEvent]:
        """Events from number ``index`` (counted from 0 over the whole run) on, oldest first."""
        ...

    def post(self, command: Command) -> None:
        """Hand a command to control; without effect while control does not run.

        Its times are on the scheduler's clock, which is control's clock in every boot of a virtual run.
        """
        ...

    def apply_verb(self, name: str, params: Mapping[str, ParamValue], now_us: int) -> None:
        """Do something to the world or to the station's supply and processes.

        Raises ValueError, with a text for people, when it cannot be done as things are.
        """
        ...

    @property
    def world(self) -> StationWorld:
        """The physical world; it outlives power cuts."""
        ...

    def ledger(self) -> Ledger: ...

    def disturbances(self) -> tuple[str, ...]:
        """What is wrong outside the outlets right now (no supply, control stopped, a line cut), sorted names."""
        ...

    def frames_sent(self) -> int:
        """Frames put on all lines so far."""
        ...

    def close(self) -> None:
        """Release what the station holds (files)."""
        ...


StationFactory = Callable[[str, int, bool], SimulatedStation]
"""Makes a station from (profile name, run number for the random streams, elide)."""
