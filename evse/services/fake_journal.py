"""A journal without a disk, for simulation: the same contract, in virtual time, and it can crash.

``FakeStore`` is stepped: a commit becomes durable ``latency_us`` after the first step that saw it, one after the
other. The disk can be slow, full or failing; then commits wait and ``problem`` says why. ``crash`` gives the image
that a power cut leaves: everything durable, and of the commits under way none or the first few, each whole, as a
transactional store guarantees. A new ``FakeStore`` starts from that image.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import field, replace

from evse.core.units import NEVER
from evse.records import dataclass
from evse.services.badges.badge import Badge
from evse.services.badges.badge_image import BadgeImage
from evse.services.badges.writes import Authorised
from evse.services.journal import (
    BOOTS_KEPT,
    RECORDS_KEPT,
    AssignTransaction,
    Checkpoint,
    ClearLatch,
    CloseInterrupted,
    DropMessages,
    ForgetEverything,
    GiveUpPublication,
    JournalError,
    KeepDocument,
    KeepOrders,
    KeptOrder,
    LatchFault,
    MarkPublished,
    OpenSession,
    QueueMessage,
    Sequence,
    SessionEnd,
    SessionStart,
    Transaction,
    Write,
)
from evse.services.journal_rules import (
    advanced,
    check_writes,
    ended_record,
    goes,
    interrupted_message,
    interrupted_record,
    opened_session,
    sequence_of,
    undated,
)
from evse.services.records import Record

_Key = tuple[int, str]


def _nothing() -> None:
    return None


@dataclass(slots=True)
class StationImage:
    """What is durable of one station. Dictionaries keep the order of insertion, as tables keep theirs."""

    uid: str
    sessions: dict[_Key, OpenSession] = field(default_factory=dict)
    records: dict[int, Record] = field(default_factory=dict)
    recorded: dict[_Key, int] = field(default_factory=dict)
    latches: dict[_Key, LatchFault] = field(default_factory=dict)
    orders: dict[int, tuple[KeptOrder, ...]] = field(default_factory=dict)
    registers: dict[int, int] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    messages: dict[int, QueueMessage] = field(default_factory=dict)
    transaction_ids: dict[str, int] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    last_message: int = 0
    last_number: int = 0
    unpublished_dropped: int = 0
    badges: BadgeImage = field(default_factory=BadgeImage)

    def copy(self) -> StationImage:
        """An image that shares no container with this one."""
        return replace(
            self,
            sessions=dict(self.sessions),
            records=dict(self.records),
            recorded=dict(self.recorded),
            latches=dict(self.latches),
            orders=dict(self.orders),
            registers=dict(self.registers),
            sequences=dict(self.sequences),
            badges=self.badges.copy(),
            messages=dict(self.messages),
            transaction_ids=dict(self.transaction_ids),
            documents=dict(self.documents),
        )

    def apply(self, writes: SequenceOf[Write]) -> None:
        """The effect of one commit."""
        mark = sequence_of(writes)
        if mark is not None and mark.seq <= self.sequences.get(mark.boot_id, 0):
            return
        for write in writes:
            self._apply_one(write)

    def _apply_one(self, write: Write) -> None:
        match write:
            case SessionStart():
                self._start(write)
            case Transaction() | Checkpoint():
                self._advance(write)
            case SessionEnd():
                self._end(write)
            case CloseInterrupted():
                self._close_interrupted(write)
            case LatchFault():
                self.latches.setdefault((write.outlet, write.fault), write)
            case ClearLatch():
                self.latches.pop((write.outlet, write.fault), None)
            case KeepOrders():
                kept = {each.order.key: undated(each) for each in write.orders}
                self.orders[write.outlet] = tuple(kept[key] for key in sorted(kept))
            case MarkPublished() | GiveUpPublication():
                self._publication(write)
            case QueueMessage():
                self._queue(write)
            case AssignTransaction():
                self._assign(write)
            case DropMessages():
                for number in write.numbers:
                    self.messages.pop(number, None)
                self.transaction_ids.pop(write.session_id, None)
            case KeepDocument():
                self.documents.pop(write.name, None)
                if write.text:
                    self.documents[write.name] = write.text
            case ForgetEverything():
                self._forget_everything(write)
            case Sequence():
                self.sequences.pop(write.boot_id, None)
                self.sequences[write.boot_id] = write.seq
                while len(self.sequences) > BOOTS_KEPT:
                    del self.sequences[next(iter(self.sequences))]
            case _:
                self.badges.apply(write)

    def _forget_everything(self, write: ForgetEverything) -> None:
        for each in (self.sessions, self.records, self.recorded, self.orders, self.messages):
            each.clear()
        self.transaction_ids.clear()
        self.documents.clear()
        self.badges = replace(self.badges, authorised={}) if write.keep_badges else BadgeImage()

    def _publication(self, write: MarkPublished | GiveUpPublication) -> None:
        record = self.records.get(write.number)
        if record is not None:
            sent = isinstance(write, MarkPublished)
            self.records[write.number] = replace(record, published=True) if sent else replace(record, publish=False)

    def _close_interrupted(self, write: CloseInterrupted) -> None:
        for key, session in list(self.sessions.items()):
            if session.opened.boot_id != write.boot_id:
                message = interrupted_message(session, write)
                if message is not None:
                    self._queue(message)
                self._record(key, interrupted_record(self.uid, self.last_number + 1, session, write))

    def _queue(self, message: QueueMessage) -> None:
        self.last_message += 1
        self.messages[self.last_message] = message

    def _assign(self, write: AssignTransaction) -> None:
        self.messages.pop(write.number, None)
        self.transaction_ids[write.session_id] = write.transaction_id
        name = str(write.transaction_id)
        for key, session in self.sessions.items():
            if session.session_id == write.session_id:
                self.sessions[key] = replace(session, transaction_id=name)
        for number, record in self.records.items():
            if record.session_id == write.session_id:
                self.records[number] = replace(record, transaction_id=name)

    def _start(self, write: SessionStart) -> None:
        key = (write.outlet, write.session_id)
        if key not in self.sessions and key not in self.recorded:
            self.sessions[key] = opened_session(write)

    def _advance(self, write: Transaction | Checkpoint) -> None:
        self._raise_register(write.outlet, write.register_wh)
        key = (write.outlet, write.session_id)
        if key in self.sessions:
            self.sessions[key] = advanced(self.sessions[key], write)

    def _end(self, write: SessionEnd) -> None:
        self._raise_register(write.outlet, write.register_wh)
        key = (write.outlet, write.session_id)
        if key not in self.recorded:
            self._record(key, ended_record(self.uid, self.last_number + 1, self.sessions.get(key), write))

    def _record(self, key: _Key, record: Record) -> None:
        self.sessions.pop(key, None)
        self.records[record.number] = record
        self.recorded[key] = record.number
        self.last_number = record.number
        if len(self.records) <= RECORDS_KEPT:
            return
        for old in [old for old in self.records.values() if goes(old, record.number)]:
            del self.records[old.number]
            del self.recorded[old.outlet, old.session_id]
            self.unpublished_dropped += not old.published

    def _raise_register(self, outlet: int, register_wh: int) -> None:
        self.registers[outlet] = max(self.registers.get(outlet, 0), register_wh)


Image = dict[str, StationImage]


@dataclass(slots=True)
class _Commit:
    station: str
    writes: tuple[Write, ...]
    done: Callable[[], None]
    due_us: int | None = None


class FakeStore:
    """Journals of many stations in memory, with a virtual disk below.

    ``wake`` is called when a commit is queued, so that a scheduler can step the store at once.
    """

    def __init__(
        self,
        latency_us: int = 0,
        image: Mapping[str, StationImage] | None = None,
        wake: Callable[[], None] = _nothing,
    ) -> None:
        self.latency_us = latency_us
        self.problem = ""
        self.commits = 0
        self._read_problem = ""
        self._image: Image = {uid: station.copy() for uid, station in (image or {}).items()}
        self._queue: deque[_Commit] = deque()
        self._completed: deque[Callable[[], None]] = deque()
        self._wake = wake

    def journal(self, station_uid: str) -> FakeJournal:
        """The journal of one station."""
        return FakeJournal(self, station_uid)

    def step(self, now_us: int) -> int:
        """Make durable what is due, call its ``done``, return when the next commit is due."""
        while self._queue and not self.problem:
            head = self._queue[0]
            if head.due_us is None:
                head.due_us = now_us + self.latency_us
            if head.due_us > now_us:
                break
            self._complete_first()
        self.deliver()
        due_us = self._queue[0].due_us if self._queue and not self.problem else None
        return NEVER if due_us is None else due_us

    def deliver(self) -> None:
        """Call ``done`` of every commit that has become durable."""
        while self._completed:
            self._completed.popleft()()

    def close(self) -> None:
        """Make durable what is queued, unless the disk cannot."""
        while self._queue and not self.problem:
            self._complete_first()
        self.deliver()

    def slow_disk(self, latency_us: int) -> None:
        """From now on each commit takes this long."""
        self.latency_us = latency_us

    def full_disk(self) -> None:
        """Writing fails for want of space; reading works."""
        self.problem = "database or disk is full"
        self._read_problem = ""

    def failing_disk(self) -> None:
        """Writing and reading fail."""
        self.problem = self._read_problem = "disk I/O error"

    def unreadable_disk(self) -> None:
        """Reading fails; writing works."""
        self._read_problem = "disk I/O error"

    def mended_disk(self) -> None:
        """The disk works again; what waits is written, each commit from its beginning."""
        self.problem = self._read_problem = ""
        for commit in self._queue:
            commit.due_us = None
        self._wake()

    def crash(self, keep: int | None = None) -> Image:
        """The power goes: the image that survives, with the first ``keep`` of the commits under way (none if None).

        No ``done`` is called any more; this store is dead.
        """
        for _ in range(min(keep or 0, len(self._queue))):
            self._complete_first()
        self._queue.clear()
        self._completed.clear()
        return {uid: station.copy() for uid, station in self._image.items()}

    @property
    def queued(self) -> int:
        """How many commits are not durable yet."""
        return len(self._queue)

    def station(self, uid: str) -> StationImage:
        """The durable state of a station; raises ``JournalError`` on a failing disk."""
        if self._read_problem:
            raise JournalError(self._read_problem)
        return self._image.get(uid) or StationImage(uid)

    def enqueue(self, uid: str, writes: SequenceOf[Write], done: Callable[[], None]) -> None:
        """Queue a commit of a station."""
        check_writes(writes)
        self._queue.append(_Commit(uid, tuple(writes), done))
        self._wake()

    def _complete_first(self) -> None:
        commit = self._queue.popleft()
        self._image.setdefault(commit.station, StationImage(commit.station)).apply(commit.writes)
        self._completed.append(commit.done)
        self.commits += 1


class FakeJournal:
    """One station's view of a ``FakeStore``."""

    def __init__(self, store: FakeStore, station_uid: str) -> None:
        self._store = store
        self._uid = station_uid

    @property
    def problem(self) -> str:
        """Why the store does not write at the moment; empty while it does."""
        return self._store.problem

    def commit(self, writes: SequenceOf[Write], done: Callable[[], None]) -> None:
        """Queue ``writes``; ``done`` is called by a later step or ``deliver`` of the store."""
        self._store.enqueue(self._uid, writes, done)

    def open_sessions(self) -> tuple[OpenSession, ...]:
        """Sessions without end, oldest first."""
        return tuple(self._store.station(self._uid).sessions.values())

    def records(self, limit: int, before: int | None = None) -> tuple[Record, ...]:
        """At most ``limit`` records with numbers below ``before``, newest first."""
        newest_first = reversed(self._store.station(self._uid).records.values())
        return tuple(record for record in newest_first if before is None or record.number < before)[: max(limit, 0)]

    def unpublished(self, limit: int, after: int = 0) -> tuple[Record, ...]:
        """At most ``limit`` records that wait for publication, with numbers above ``after``, oldest first."""
        records = sorted(self._store.station(self._uid).records.values(), key=lambda record: record.number)
        waiting = (each for each in records if each.number > after and each.publish and not each.published)
        return tuple(waiting)[: max(limit, 0)]

    def latched_faults(self, outlet: int) -> tuple[str, ...]:
        """Faults of an outlet that outlive a restart, in alphabetical order."""
        return tuple(sorted(fault for number, fault in self._store.station(self._uid).latches if number == outlet))

    def orders(self, outlet: int) -> tuple[KeptOrder, ...]:
        """Standing orders of an outlet (0: of the station), by kind and source."""
        return self._store.station(self._uid).orders.get(outlet, ())

    def register_wh(self, outlet: int) -> int:
        """The outlet's energy register at its last durable reading."""
        return self._store.station(self._uid).registers.get(outlet, 0)

    def last_sequence(self, boot_id: str) -> int:
        """The last event of a boot that had a durable effect; 0 for a boot that had none."""
        return self._store.station(self._uid).sequences.get(boot_id, 0)

    def unpublished_dropped(self) -> int:
        """How many records were given up to make room without ever having been published."""
        return self._store.station(self._uid).unpublished_dropped

    def badges(self) -> tuple[Badge, ...]:
        """The badge list, by number."""
        return self._store.station(self._uid).badges.in_order()

    def authorised(self) -> tuple[Authorised, ...]:
        """The cache of authorised identifiers, the newest last."""
        return tuple(self._store.station(self._uid).badges.authorised.values())

    def messages(self, after: int = 0) -> tuple[tuple[int, QueueMessage], ...]:
        """What waits for the supervision with numbers above ``after``, oldest first."""
        found = self._store.station(self._uid).messages
        return tuple((number, message) for number, message in found.items() if number > after)

    def transaction_ids(self) -> dict[str, int]:
        """The supervision's ids of sessions whose end is not delivered yet."""
        return dict(self._store.station(self._uid).transaction_ids)

    def documents(self) -> dict[str, str]:
        """Kept texts by name."""
        return dict(self._store.station(self._uid).documents)
