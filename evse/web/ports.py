"""What the web interface needs from the rest: three small ports, filled by the application.

The page knows the station only through :class:`evse.exchange.snapshot.StationView`, events and records, and the
simulated world only through a table of verbs. Where there is no world (on hardware) the port is absent and with it
every route and every part of the page that belongs to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from evse.core.commands import Command
from evse.core.events import Event
from evse.exchange.snapshot import StationView

ParamType = Literal["int", "number", "bool", "text", "choice"]
ParamValue = bool | int | float | str
OUTLET_PARAM = "outlet"
"""A verb parameter of this name is filled from the page's target outlet."""
HEAL_PARAM = "heal"
"""A truth value of this name undoes what the verb did."""


class NotConnected(Exception):
    """Control does not answer: nothing can be asked of the station at the moment."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command or verb: ``done``, ``refused`` or ``expired``; ``reason`` is for people."""

    outcome: Literal["done", "refused", "expired"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event with its place in the sequence of this boot and its time on control's clock (microseconds)."""

    sequence: int
    at_us: int
    event: Event


@dataclass(frozen=True, slots=True)
class Update:
    """One step of a subscription: the newest view (``None`` while control is not connected) and the new events."""

    view: StationView | None
    events: tuple[EventRecord, ...] = ()


class StationSource(Protocol):
    """The station as services know it."""

    def latest(self) -> StationView | None:
        """Newest view, or ``None`` while control is not connected."""

    def subscribe(self) -> AsyncIterator[Update]:
        """Updates from now on. The queue behind it is bounded: a slow consumer gets the latest view only.

        Events are at most once in order; the consumer fills gaps with :meth:`recent_events`.
        """

    def recent_events(self, limit: int, outlet: int | None = None) -> Sequence[EventRecord]:
        """The newest ``limit`` events, oldest first; of one outlet when given (0 = the station itself)."""

    async def post(self, command: Command) -> Outcome:
        """Hand a command to control and wait for its acknowledgement.

        Raises :class:`NotConnected` when there is no control to hand it to.
        """


@dataclass(frozen=True, slots=True)
class VerbParam:
    """One parameter of a verb: a number with its unit and range, a truth value, a text, or one of ``choices``.

    ``default`` is ``None`` when the parameter must be given. Range and default are in ``unit``; a text's range is that
    of its length.
    """

    name: str
    type: ParamType
    unit: str = ""
    default: ParamValue | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class VerbView:
    """One thing that can be done to the simulated world, with the group a person would look for it in."""

    name: str
    group: str
    help: str
    params: tuple[VerbParam, ...] = ()
    healed_by: str = ""
    """What undoes it: :data:`HEAL_PARAM`, or another verb's name; empty when there is nothing to undo."""


class BadVerb(ValueError):
    """The world does not take this parameter; nothing was done. ``param`` is empty when it is the verb as a whole."""

    def __init__(self, param: str, reason: str, allowed: str = "") -> None:
        super().__init__(reason)
        self.param, self.reason, self.allowed = param, reason, allowed


class WorldPort(Protocol):
    """The simulated world. Exists in simulation only."""

    def verbs(self) -> Sequence[VerbView]:
        """Everything that can be done, in the order to show it; fixed for the life of the process."""

    async def apply(self, name: str, params: Mapping[str, ParamValue]) -> Outcome:
        """Do it with ``params``; those not given take their defaults, and the world knows which were given.

        ``refused`` when it is impossible now. Raises :class:`BadVerb` when a parameter is wrong (a number may also
        come as a text with its unit, which only the world can check).
        """


@dataclass(frozen=True, slots=True)
class RecordView:
    """One charge record. Times are UTC in ISO 8601, empty when unknown; energy in watt-hours, duration in seconds."""

    number: int
    station: str
    outlet: int
    session_id: str
    transaction_id: str
    uid: str
    charge_type: str
    start_utc: str
    end_utc: str
    energy_wh: int
    socket_type: str
    duration_s: int
    reason: str
    comment: str = ""


class RecordSource(Protocol):
    """The charge records, from the journal."""

    async def last(self, limit: int) -> Sequence[RecordView]:
        """The newest ``limit`` records, newest first."""

    def oldest_first(self) -> AsyncIterator[RecordView]:
        """Every record kept, for the export."""
