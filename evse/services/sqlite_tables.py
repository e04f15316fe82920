"""The journal's tables: schema, migrations, and the effect of each write in SQL.

``schema.version`` says which migrations have run; each one runs in a transaction of its own. A database of a newer
version is refused, because an older program could not keep its rules. Rows hold the fields of ``OpenSession`` and
``Record`` in their order; an instant takes four columns: boot, monotonic time, UTC, quality.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence as SequenceOf
from typing import Any, Final

from evse.core.limits import LimitStep, OnExpiry
from evse.core.orders import OrderKind, StandingOrder
from evse.services.badges.badge_tables import SCHEMA as _SCHEMA_BADGES
from evse.services.badges.badge_tables import apply_badge_write
from evse.services.clock import ClockQuality, Deadline, Instant
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
    MessageKind,
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
    ended_record,
    interrupted_message,
    interrupted_record,
    opened_session,
    sequence_of,
)
from evse.services.records import Record


def _instant_columns(prefix: str) -> str:
    return (
        f"{prefix}_boot TEXT NOT NULL, {prefix}_mono_us INTEGER NOT NULL, "
        f"{prefix}_utc_us INTEGER, {prefix}_quality TEXT NOT NULL"
    )


_SCHEMA_1: Final = (
    "CREATE TABLE station (uid TEXT PRIMARY KEY, last_number INTEGER NOT NULL DEFAULT 0, "
    "session_counter INTEGER NOT NULL DEFAULT 0, unpublished_dropped INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    "CREATE TABLE session (id INTEGER PRIMARY KEY AUTOINCREMENT, station TEXT NOT NULL, outlet INTEGER NOT NULL, "
    "session_id TEXT NOT NULL, uid TEXT NOT NULL, authorised_by TEXT NOT NULL, "
    f"{_instant_columns('opened')}, socket TEXT NOT NULL, comment TEXT NOT NULL, {_instant_columns('last')}, "
    "transaction_id TEXT NOT NULL, in_transaction INTEGER NOT NULL, register_start_wh INTEGER NOT NULL, "
    "register_wh INTEGER NOT NULL, energy_wh INTEGER NOT NULL, charge_type TEXT NOT NULL, "
    "UNIQUE (station, outlet, session_id))",
    "CREATE TABLE record (station TEXT NOT NULL, number INTEGER NOT NULL, outlet INTEGER NOT NULL, "
    "session_id TEXT NOT NULL, transaction_id TEXT NOT NULL, uid TEXT NOT NULL, charge_type TEXT NOT NULL, "
    f"{_instant_columns('start')}, {_instant_columns('end')}, energy_wh INTEGER NOT NULL, "
    "register_start_wh INTEGER NOT NULL, register_end_wh INTEGER NOT NULL, socket TEXT NOT NULL, "
    "duration_us INTEGER NOT NULL, comment TEXT NOT NULL, reason TEXT NOT NULL, publish INTEGER NOT NULL, "
    "published INTEGER NOT NULL, PRIMARY KEY (station, number), UNIQUE (station, outlet, session_id)) WITHOUT ROWID",
    "CREATE TABLE latch (station TEXT NOT NULL, outlet INTEGER NOT NULL, fault TEXT NOT NULL, reaction TEXT NOT NULL, "
    f"{_instant_columns('at')}, PRIMARY KEY (station, outlet, fault)) WITHOUT ROWID",
    "CREATE TABLE register (station TEXT NOT NULL, outlet INTEGER NOT NULL, wh INTEGER NOT NULL, "
    "PRIMARY KEY (station, outlet)) WITHOUT ROWID",
    "CREATE TABLE sequence (id INTEGER PRIMARY KEY AUTOINCREMENT, station TEXT NOT NULL, boot_id TEXT NOT NULL, "
    "seq INTEGER NOT NULL, UNIQUE (station, boot_id))",
)
_SCHEMA_2: Final = (
    "CREATE TABLE standing_order (station TEXT NOT NULL, outlet INTEGER NOT NULL, kind TEXT NOT NULL, "
    "source TEXT NOT NULL, uid TEXT NOT NULL, after_session INTEGER NOT NULL, current_ma INTEGER NOT NULL, "
    "fallback_ma INTEGER NOT NULL, end_clock TEXT, end_mono_us INTEGER, end_utc_us INTEGER, "
    "PRIMARY KEY (station, outlet, kind, source)) WITHOUT ROWID",
    "ALTER TABLE station DROP COLUMN session_counter",
)
_SCHEMA_3: Final = (
    "CREATE TABLE message (number INTEGER PRIMARY KEY AUTOINCREMENT, station TEXT NOT NULL, outlet INTEGER NOT NULL, "
    f"session_id TEXT NOT NULL, kind TEXT NOT NULL, {_instant_columns('at')}, register_wh INTEGER NOT NULL, "
    "uid TEXT NOT NULL, reason TEXT NOT NULL, reading TEXT NOT NULL)",
    "CREATE INDEX message_by_station ON message (station, number)",
    "CREATE TABLE supervised (station TEXT NOT NULL, session_id TEXT NOT NULL, transaction_id INTEGER NOT NULL, "
    "PRIMARY KEY (station, session_id)) WITHOUT ROWID",
    "CREATE TABLE document (station TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, "
    "PRIMARY KEY (station, name)) WITHOUT ROWID",
)
_SCHEMA_PLANS: Final = (
    "ALTER TABLE standing_order ADD COLUMN on_expiry TEXT NOT NULL DEFAULT 'fallback'",
    "ALTER TABLE standing_order ADD COLUMN plan TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE standing_order ADD COLUMN start_clock TEXT",
    "ALTER TABLE standing_order ADD COLUMN start_mono_us INTEGER",
    "ALTER TABLE standing_order ADD COLUMN start_utc_us INTEGER",
)
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_SCHEMA_1, _SCHEMA_2, _SCHEMA_3, _SCHEMA_BADGES, _SCHEMA_PLANS)
"""The statements that lead from each version to the next, from 0 on."""


_STORE_SESSION: Final = (
    "INSERT INTO session (station, outlet, session_id, uid, authorised_by, opened_boot, opened_mono_us, opened_utc_us, "
    "opened_quality, socket, comment, last_boot, last_mono_us, last_utc_us, last_quality, transaction_id, "
    "in_transaction, register_start_wh, register_wh, energy_wh, charge_type) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (station, outlet, session_id) DO UPDATE SET "
    "last_boot = excluded.last_boot, last_mono_us = excluded.last_mono_us, last_utc_us = excluded.last_utc_us, "
    "last_quality = excluded.last_quality, transaction_id = excluded.transaction_id, "
    "in_transaction = excluded.in_transaction, register_start_wh = excluded.register_start_wh, "
    "register_wh = excluded.register_wh, energy_wh = excluded.energy_wh, charge_type = excluded.charge_type"
)
_INSERT_RECORD: Final = (
    "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def migrate(connection: sqlite3.Connection, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> None:
    """Bring the tables to the newest version. Raises ``JournalError`` for a database that is newer still."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL)")
        row = connection.execute("SELECT version FROM schema").fetchone()
        version = row[0] if row is not None else 0
        if not isinstance(version, int):
            raise sqlite3.DatabaseError("the schema's version cannot be read: the file is damaged")
        if version > len(migrations):
            raise JournalError(f"the journal has version {version}, this program knows {len(migrations)} at most")
        if row is None:
            connection.execute("INSERT INTO schema (version) VALUES (0)")
        for statements in migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute("UPDATE schema SET version = ?", (len(migrations),))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class StationTables:
    """The effect of commits on one station's rows, inside the transaction of ``connection``."""

    def __init__(self, connection: sqlite3.Connection, station: str) -> None:
        self._connection = connection
        self._station = station

    def apply(self, writes: SequenceOf[Write]) -> None:
        """The effect of one commit."""
        mark = sequence_of(writes)
        if mark is not None and mark.seq <= self._last_sequence(mark.boot_id):
            return
        self._run("INSERT OR IGNORE INTO station (uid) VALUES (?)", self._station)
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
                self._run(
                    "INSERT OR IGNORE INTO latch VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    *(self._station, write.outlet, write.fault, write.reaction, *_instant_row(write.at)),
                )
            case ClearLatch():
                self._run(
                    "DELETE FROM latch WHERE station = ? AND outlet = ? AND fault = ?",
                    *(self._station, write.outlet, write.fault),
                )
            case KeepOrders():
                self._keep_orders(write)
            case MarkPublished():
                self._run(
                    "UPDATE record SET published = 1 WHERE station = ? AND number = ?", self._station, write.number
                )
            case GiveUpPublication():
                self._run("UPDATE record SET publish = 0 WHERE station = ? AND number = ?", self._station, write.number)
            case QueueMessage() | AssignTransaction() | DropMessages():
                self._supervise(write)
            case KeepDocument():
                self._keep_document(write)
            case ForgetEverything():
                self._forget_everything(write)
            case Sequence():
                self._remember_sequence(write)
            case _:
                apply_badge_write(self._connection, self._station, write)

    def _supervise(self, write: QueueMessage | AssignTransaction | DropMessages) -> None:
        match write:
            case QueueMessage():
                self._queue(write)
            case AssignTransaction():
                self._assign(write)
            case DropMessages():
                for number in write.numbers:
                    self._run("DELETE FROM message WHERE station = ? AND number = ?", self._station, number)
                self._run(
                    "DELETE FROM supervised WHERE station = ? AND session_id = ?", self._station, write.session_id
                )

    def _queue(self, message: QueueMessage) -> None:
        self._run(
            "INSERT INTO message (station, outlet, session_id, kind, at_boot, at_mono_us, at_utc_us, at_quality, "
            "register_wh, uid, reason, reading) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(self._station, message.outlet, message.session_id, message.kind.value, *_instant_row(message.at)),
            *(message.register_wh, message.uid, message.reason, message.values),
        )

    def _assign(self, write: AssignTransaction) -> None:
        self._run("DELETE FROM message WHERE station = ? AND number = ?", self._station, write.number)
        self._run(
            "INSERT OR REPLACE INTO supervised VALUES (?, ?, ?)",
            *(self._station, write.session_id, write.transaction_id),
        )
        named = (str(write.transaction_id), self._station, write.session_id)
        self._run("UPDATE session SET transaction_id = ? WHERE station = ? AND session_id = ?", *named)
        self._run("UPDATE record SET transaction_id = ? WHERE station = ? AND session_id = ?", *named)

    def _forget_everything(self, write: ForgetEverything) -> None:
        for table in ("record", "session", "message", "supervised", "document", "standing_order", "authorised"):
            self._run(f"DELETE FROM {table} WHERE station = ?", self._station)  # noqa: S608  # names from here
        if not write.keep_badges:
            self._run("DELETE FROM badge WHERE station = ?", self._station)
            self._run("UPDATE station SET factory_badges = 0 WHERE uid = ?", self._station)

    def _keep_document(self, write: KeepDocument) -> None:
        self._run("DELETE FROM document WHERE station = ? AND name = ?", self._station, write.name)
        if write.text:
            self._run("INSERT INTO document VALUES (?, ?, ?)", self._station, write.name, write.text)

    def _keep_orders(self, write: KeepOrders) -> None:
        self._run("DELETE FROM standing_order WHERE station = ? AND outlet = ?", self._station, write.outlet)
        for kept in write.orders:
            self._run(
                "INSERT OR REPLACE INTO standing_order VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(self._station, write.outlet, *_order_row(kept)),
            )

    def _start(self, write: SessionStart) -> None:
        key = (write.outlet, write.session_id)
        if self._session(key) is None and not self._recorded(key):
            self._store(opened_session(write))

    def _advance(self, write: Transaction | Checkpoint) -> None:
        self._raise_register(write.outlet, write.register_wh)
        session = self._session((write.outlet, write.session_id))
        if session is not None:
            self._store(advanced(session, write))

    def _end(self, write: SessionEnd) -> None:
        self._raise_register(write.outlet, write.register_wh)
        key = (write.outlet, write.session_id)
        if not self._recorded(key):
            self._record(ended_record(self._station, self._next_number(), self._session(key), write))

    def _close_interrupted(self, write: CloseInterrupted) -> None:
        rows = self._run(
            "SELECT * FROM session WHERE station = ? AND opened_boot <> ? ORDER BY id", self._station, write.boot_id
        ).fetchall()
        for session in map(session_of, rows):
            message = interrupted_message(session, write)
            if message is not None:
                self._queue(message)
            self._record(interrupted_record(self._station, self._next_number(), session, write))

    def _record(self, record: Record) -> None:
        """Store a record, end its session, count the number, make room."""
        self._run(_INSERT_RECORD, *_record_row(record))
        self._run(
            "DELETE FROM session WHERE station = ? AND outlet = ? AND session_id = ?",
            *(self._station, record.outlet, record.session_id),
        )
        oldest = record.number - RECORDS_KEPT
        dropped = self._run(
            "DELETE FROM record WHERE station = ? AND number <= ? AND publish = 0 AND published = 0",
            *(self._station, oldest),
        ).rowcount
        self._run("DELETE FROM record WHERE station = ? AND number <= ? AND published = 1", self._station, oldest)
        self._run(
            "UPDATE station SET last_number = ?, unpublished_dropped = unpublished_dropped + ? WHERE uid = ?",
            *(record.number, dropped, self._station),
        )

    def _store(self, session: OpenSession) -> None:
        """Insert or replace an open session; its place in the order of opening stays."""
        self._run(_STORE_SESSION, self._station, *_session_row(session))

    def _session(self, key: tuple[int, str]) -> OpenSession | None:
        sql = "SELECT * FROM session WHERE station = ? AND outlet = ? AND session_id = ?"
        row = self._run(sql, self._station, *key).fetchone()
        return session_of(row) if row is not None else None

    def _recorded(self, key: tuple[int, str]) -> bool:
        sql = "SELECT 1 FROM record WHERE station = ? AND outlet = ? AND session_id = ?"
        return self._run(sql, self._station, *key).fetchone() is not None

    def _next_number(self) -> int:
        row = self._run("SELECT last_number FROM station WHERE uid = ?", self._station).fetchone()
        return int(row[0]) + 1

    def _last_sequence(self, boot_id: str) -> int:
        sql = "SELECT seq FROM sequence WHERE station = ? AND boot_id = ?"
        row = self._run(sql, self._station, boot_id).fetchone()
        return int(row[0]) if row is not None else 0

    def _remember_sequence(self, write: Sequence) -> None:
        self._run(
            "INSERT OR REPLACE INTO sequence (station, boot_id, seq) VALUES (?, ?, ?)",
            *(self._station, write.boot_id, write.seq),
        )
        self._run(
            "DELETE FROM sequence WHERE station = ? AND id NOT IN "
            "(SELECT id FROM sequence WHERE station = ? ORDER BY id DESC LIMIT ?)",
            *(self._station, self._station, BOOTS_KEPT),
        )

    def _raise_register(self, outlet: int, register_wh: int) -> None:
        self._run(
            "INSERT INTO register VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET wh = max(wh, excluded.wh)",
            *(self._station, outlet, max(register_wh, 0)),
        )

    def _run(self, sql: str, *parameters: str | int | None) -> sqlite3.Cursor:
        return self._connection.execute(sql, parameters)


def _instant_row(instant: Instant) -> tuple[str, int, int | None, str]:
    return (instant.boot_id, instant.mono_us, instant.utc_us, instant.quality.value)


def _instant_of(row: SequenceOf[Any]) -> Instant:
    return Instant(row[0], row[1], row[2], ClockQuality(row[3]))


def _session_row(session: OpenSession) -> tuple[str | int | None, ...]:
    return (
        *(session.outlet, session.session_id, session.uid, session.authorised_by, *_instant_row(session.opened)),
        *(session.socket, session.comment, *_instant_row(session.last), session.transaction_id),
        *(int(session.in_transaction), session.register_start_wh, session.register_wh, session.energy_wh),
        session.charge_type,
    )


def session_of(row: SequenceOf[Any]) -> OpenSession:
    """An open session from a row of the session table (``SELECT *``: id and station come first)."""
    return OpenSession(
        outlet=row[2],
        session_id=row[3],
        uid=row[4],
        authorised_by=row[5],
        opened=_instant_of(row[6:10]),
        socket=row[10],
        comment=row[11],
        last=_instant_of(row[12:16]),
        transaction_id=row[16],
        in_transaction=bool(row[17]),
        register_start_wh=row[18],
        register_wh=row[19],
        energy_wh=row[20],
        charge_type=row[21],
    )


def _order_row(kept: KeptOrder) -> tuple[str | int | None, ...]:
    order = kept.order
    plan = [[step.after_us, *(step.phases_ma or ())] for step in order.plan]
    return (
        *(order.kind.value, order.source, order.uid, int(order.after_session)),
        *(order.current_ma, order.fallback_ma, *_deadline_row(kept.end)),
        *(order.on_expiry.value, json.dumps(plan), *_deadline_row(kept.start)),
    )


def _deadline_row(time: Deadline | None) -> tuple[str | int | None, ...]:
    return (None, None, None) if time is None else (time.clock_id, time.mono_us, time.utc_us)


def _deadline_of(row: SequenceOf[Any]) -> Deadline | None:
    return None if row[0] is None else Deadline(row[0], row[1], row[2])


def order_of(row: SequenceOf[Any]) -> KeptOrder:
    """A standing order from a row of its table (``SELECT *``: station and outlet come first)."""
    order = StandingOrder(
        kind=OrderKind(row[2]),
        source=row[3],
        uid=row[4],
        after_session=bool(row[5]),
        current_ma=row[6],
        fallback_ma=row[7],
        on_expiry=OnExpiry(row[11]),
        plan=tuple(LimitStep(step[0], tuple(step[1:]) or None) for step in json.loads(row[12])),
    )
    return KeptOrder(order, _deadline_of(row[8:11]), _deadline_of(row[13:16]))


def message_of(row: SequenceOf[Any]) -> tuple[int, QueueMessage]:
    """A message and its number from a row of its table (``SELECT *``)."""
    return row[0], QueueMessage(
        outlet=row[2],
        session_id=row[3],
        kind=MessageKind(row[4]),
        at=_instant_of(row[5:9]),
        register_wh=row[9],
        uid=row[10],
        reason=row[11],
        values=row[12],
    )


def _record_row(record: Record) -> tuple[str | int | None, ...]:
    return (
        *(record.station, record.number, record.outlet, record.session_id, record.transaction_id, record.uid),
        *(record.charge_type, *_instant_row(record.start), *_instant_row(record.end), record.energy_wh),
        *(record.register_start_wh, record.register_end_wh, record.socket, record.duration_us, record.comment),
        *(record.reason, int(record.publish), int(record.published)),
    )


def record_of(row: SequenceOf[Any]) -> Record:
    """A record from a row of the record table (``SELECT *``)."""
    return Record(
        station=row[0],
        number=row[1],
        outlet=row[2],
        session_id=row[3],
        transaction_id=row[4],
        uid=row[5],
        charge_type=row[6],
        start=_instant_of(row[7:11]),
        end=_instant_of(row[11:15]),
        energy_wh=row[15],
        register_start_wh=row[16],
        register_end_wh=row[17],
        socket=row[18],
        duration_us=row[19],
        comment=row[20],
        reason=row[21],
        publish=bool(row[22]),
        published=bool(row[23]),
    )
