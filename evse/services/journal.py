"""The Journal port: what must survive a power cut, and when it does.

``commit`` takes a few writes that belong together. They become durable all or none, in the order of the calls, and
only then is ``done`` called, in the thread that calls the store's ``deliver``. A store that cannot write keeps
everything queued, says why in ``problem``, and goes on trying; nothing is called done before it is durable.

Meaning of the writes, the same in every store:
- A commit with a ``Sequence`` not above the last one of that boot has had its effect already and does nothing.
- ``SessionStart`` opens a session; known (open or recorded) ones stay as they are.
- ``Transaction`` and ``Checkpoint`` move an open session's last reading; the outlet's register only ever rises.
- ``SessionEnd`` turns the session into a record with the next number, unless it has one. A session the store does not
  know gets a record too: better one with gaps than none.
- ``KeepOrders`` replaces every standing order of its outlet.
- ``CloseInterrupted`` ends every open session of other boots with its last reading.
- Badges and the cache of authorised identifiers: :mod:`evse.services.badges.writes`.
- ``QueueMessage`` keeps what the supervision has to be told of a transaction, until ``DropMessages``. Messages get
  numbers that rise and are never used twice. ``AssignTransaction`` notes the supervision's transaction id.
- ``KeepDocument`` replaces a text that the supervision keeps; an empty one is forgotten.
- ``RECORDS_KEPT`` records are kept. Older ones go, except those that wait for publication. Records that went without
  ever being published are counted (``unpublished_dropped``).

The rules that turn writes into sessions and records are in :mod:`evse.services.journal_rules`, shared by the stores.
A journal is one station's view of a store; a store may hold many stations.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from enum import StrEnum
from typing import Final, Protocol

from evse.core.orders import StandingOrder
from evse.records import dataclass
from evse.services.badges.badge import Badge
from evse.services.badges.writes import Authorised, BadgeWrite
from evse.services.clock import Deadline, Instant
from evse.services.records import Record

RECORDS_KEPT: Final = 3_000
BOOTS_KEPT: Final = 16
"""How many boots' sequence numbers are remembered; only the last one can ever be asked for."""
POWER_LOSS: Final = "PowerLoss"


class JournalError(Exception):
    """The store cannot be read, or must not be used; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class SessionStart:
    """A session exists from ``opened`` on."""

    outlet: int
    session_id: str
    uid: str
    authorised_by: str
    opened: Instant
    socket: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """The session's transaction opened with the register at ``register_wh``."""

    outlet: int
    session_id: str
    at: Instant
    register_wh: int
    transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The session's reading at ``at``."""

    outlet: int
    session_id: str
    at: Instant
    energy_wh: int
    register_wh: int
    charge_type: str


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The session ended. ``opened``, when given, replaces the stored start (the clock was set meanwhile)."""

    outlet: int
    session_id: str
    at: Instant
    reason: str
    energy_wh: int
    register_wh: int
    charge_type: str
    duration_us: int
    opened: Instant | None = None
    socket: str = ""
    publish: bool = False


@dataclass(frozen=True, slots=True)
class CloseInterrupted:
    """End every open session that is not of ``boot_id``, with its last reading.

    ``supervised``: what ends in a transaction is queued for the supervision too.
    """

    boot_id: str
    reason: str = POWER_LOSS
    publish: bool = False
    supervised: bool = False


@dataclass(frozen=True, slots=True)
class LatchFault:
    """The fault survives a restart from now on."""

    outlet: int
    fault: str
    reaction: str
    at: Instant


@dataclass(frozen=True, slots=True)
class ClearLatch:
    """The fault is gone."""

    outlet: int
    fault: str


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """A standing order, its end and the start of its plan, ``None`` when it has none.

    ``order.until_us`` and ``order.starts_us`` are not kept, ``end`` and ``start`` are.
    """

    order: StandingOrder
    end: Deadline | None = None
    start: Deadline | None = None


@dataclass(frozen=True, slots=True)
class KeepOrders:
    """These standing orders, and no others, are in force at the outlet (0: for the station)."""

    outlet: int
    orders: tuple[KeptOrder, ...]


class MessageKind(StrEnum):
    """What a message to the supervision tells of a transaction."""

    START = "start"
    VALUES = "values"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """The supervision has to be told this. ``values``: readings, in the words of whoever queued them."""

    outlet: int
    session_id: str
    kind: MessageKind
    at: Instant
    register_wh: int = 0
    uid: str = ""
    reason: str = ""
    values: str = ""


@dataclass(frozen=True, slots=True)
class AssignTransaction:
    """The supervision knows the session by this id; its start, the message ``number``, is delivered."""

    number: int
    session_id: str
    transaction_id: int


@dataclass(frozen=True, slots=True)
class DropMessages:
    """These messages are delivered or given up. ``session_id``: the session they end, whose id is forgotten."""

    numbers: tuple[int, ...]
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class KeepDocument:
    """A text to be kept under a name; empty: to be forgotten."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """The event ``seq`` of ``boot_id`` has its effect with this commit."""

    boot_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class MarkPublished:
    """A server has confirmed the record ``number``."""

    number: int


@dataclass(frozen=True, slots=True)
class GiveUpPublication:
    """The record ``number`` will not be published: it stays in the history and waits no longer."""

    number: int


@dataclass(frozen=True, slots=True)
class ForgetEverything:
    """A factory reset: records, sessions, what waits for a supervision, its documents, standing orders and remembered
    identifiers go, and without ``keep_badges`` the badge list (that of the factory is given again).

    Latched faults, energy registers and the count of records stay.
    """

    keep_badges: bool


Write = (
    SessionStart
    | Transaction
    | Checkpoint
    | SessionEnd
    | CloseInterrupted
    | LatchFault
    | ClearLatch
    | KeepOrders
    | Sequence
    | MarkPublished
    | BadgeWrite
    | GiveUpPublication
    | QueueMessage
    | AssignTransaction
    | DropMessages
    | KeepDocument
    | ForgetEverything
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session without end, as it is stored: ``last`` is the instant of its last reading."""

    outlet: int
    session_id: str
    uid: str
    authorised_by: str
    opened: Instant
    socket: str
    comment: str
    last: Instant
    transaction_id: str = ""
    in_transaction: bool = False
    register_start_wh: int = 0
    register_wh: int = 0
    energy_wh: int = 0
    charge_type: str = ""


class Journal(Protocol):
    """One station's view of a store. Readers see what is durable; they raise ``JournalError`` when they cannot."""

    @property
    def problem(self) -> str:
        """Why the store does not write at the moment; empty while it does."""
        ...

    def commit(self, writes: SequenceOf[Write], done: Callable[[], None]) -> None:
        """Queue ``writes``; never blocks. Raises ``ValueError`` for a value that no store can hold."""
        ...

    def open_sessions(self) -> tuple[OpenSession, ...]:
        """Sessions without end, oldest first."""
        ...

    def records(self, limit: int, before: int | None = None) -> tuple[Record, ...]:
        """At most ``limit`` records with numbers below ``before``, newest first."""
        ...

    def unpublished(self, limit: int, after: int = 0) -> tuple[Record, ...]:
        """At most ``limit`` records that wait for publication, with numbers above ``after``, oldest first."""
        ...

    def latched_faults(self, outlet: int) -> tuple[str, ...]:
        """Faults of an outlet that outlive a restart, in alphabetical order."""
        ...

    def orders(self, outlet: int) -> tuple[KeptOrder, ...]:
        """Standing orders of an outlet (0: of the station), by kind and source."""
        ...

    def register_wh(self, outlet: int) -> int:
        """The outlet's energy register at its last durable reading."""
        ...

    def last_sequence(self, boot_id: str) -> int:
        """The last event of a boot that had a durable effect; 0 for a boot that had none."""
        ...

    def unpublished_dropped(self) -> int:
        """How many records were given up to make room without ever having been published."""
        ...

    def badges(self) -> tuple[Badge, ...]:
        """The badge list, by number."""
        ...

    def authorised(self) -> tuple[Authorised, ...]:
        """The cache of authorised identifiers, the newest last."""
        ...

    def messages(self, after: int = 0) -> tuple[tuple[int, QueueMessage], ...]:
        """What waits for the supervision with numbers above ``after``, oldest first."""
        ...

    def transaction_ids(self) -> dict[str, int]:
        """The supervision's ids of sessions whose end is not delivered yet."""
        ...

    def documents(self) -> dict[str, str]:
        """Kept texts by name."""
        ...


class JournalStore(Protocol):
    """A place where journals of many stations live."""

    @property
    def problem(self) -> str:
        """Why the store does not write at the moment; empty while it does."""
        ...

    def journal(self, station_uid: str) -> Journal:
        """The journal of one station; it begins empty."""
        ...

    def deliver(self) -> None:
        """Call ``done`` of every commit that has become durable, in order, in this thread."""
        ...

    def close(self) -> None:
        """Write what is queued, as far as that is possible, and let go."""
        ...
