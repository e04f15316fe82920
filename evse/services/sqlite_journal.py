"""The journal on a disk: SQLite in write-ahead mode with synchronous FULL.

FULL, because with NORMAL a committed transaction can vanish at a power cut. One writer thread owns the writing
connection; callers only queue. What is queued at one moment becomes one database transaction, so a burst costs one
flush. A failure of any kind rolls back, closes the connection, and the whole transaction is written again through a
new one after a pause: a file descriptor whose flush failed cannot be trusted. A reserve file beside the database
gives its space back when the disk is full, so that open sessions can still be closed.

Readers use a connection of their own in the caller's thread; write-ahead mode lets them see the last durable state
while the writer works. Stored values reach SQL as parameters only.

What is deleted is overwritten (``secure_delete``), and after a factory reset the write-ahead log is emptied: badge numbers
of those who charged here are not found in the files of a station that somebody passes on.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from evse.services.badges.badge import Badge
from evse.services.badges.badge_tables import LIST_AUTHORISED, LIST_BADGES, authorised_of, badge_of
from evse.services.badges.writes import Authorised
from evse.services.journal import ForgetEverything, JournalError, KeptOrder, OpenSession, QueueMessage, Write
from evse.services.journal_rules import check_writes
from evse.services.records import Record
from evse.services.sqlite_tables import StationTables, message_of, migrate, order_of, record_of, session_of

RETRY_S: Final = 1.0
RESERVE_BYTES: Final = 256 * 1024
_BATCH: Final = 256
"""At most this many commits in one database transaction."""
_BUSY_TIMEOUT_S: Final = 5.0

Connect = Callable[[Path], sqlite3.Connection]
_Queued = tuple[str, tuple[Write, ...], Callable[[], None]]


def connect(path: Path) -> sqlite3.Connection:
    """A connection without implicit transactions, usable from one thread at a time."""
    return sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


def _nothing() -> None:
    return None


class SqliteStore:
    """Journals of many stations in one database file.

    ``notify`` is called in the writer thread whenever ``deliver`` has something to do; it must be quick and is
    usually a thread-safe call into an event loop. Raises ``JournalError`` when the file is of a newer version; any
    other failure to open it is a ``problem`` that the writer goes on trying to solve.
    """

    def __init__(
        self,
        path: Path,
        notify: Callable[[], None] = _nothing,
        retry_s: float = RETRY_S,
        connect: Connect = connect,
    ) -> None:
        self.problem = ""
        self._path = path
        self._reserve = path.with_name(path.name + ".reserve")
        self._notify = notify
        self._retry_s = retry_s
        self._connect = connect
        self._queue: SimpleQueue[_Queued | None] = SimpleQueue()
        self._completed: deque[Callable[[], None]] = deque()
        self._closing = threading.Event()
        self._closed = False
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._reader_lock = threading.Lock()
        try:
            self._writer = self._open()
        except (sqlite3.Error, OSError) as error:
            self.problem = _reason(error)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def journal(self, station_uid: str) -> SqliteJournal:
        """The journal of one station."""
        return SqliteJournal(self, station_uid)

    def deliver(self) -> None:
        """Call ``done`` of every commit that has become durable, in order, in this thread."""
        while self._completed:
            self._completed.popleft()()

    def close(self) -> None:
        """Write what is queued and let go. On a disk that fails, one last try is made; what fails is never done."""
        if self._closed:
            return
        self._closed = True
        self._closing.set()
        self._queue.put(None)
        self._thread.join()
        self.deliver()
        with self._reader_lock:
            self._drop_reader()

    def enqueue(self, station: str, writes: SequenceOf[Write], done: Callable[[], None]) -> None:
        """Queue a commit of a station."""
        if self._closed:
            raise JournalError("the journal is closed")
        check_writes(writes)
        self._queue.put((station, tuple(writes), done))

    def read(self, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Rows of a query; raises ``JournalError`` when the database cannot be read."""
        with self._reader_lock:
            try:
                if self._reader is None:
                    if self._closed:
                        raise JournalError("the journal is closed")
                    if not self._path.exists():
                        raise JournalError(self.problem or "the journal is not there")
                    self._reader = self._connect(self._path)
                    self._reader.execute("PRAGMA query_only=1")
                return self._reader.execute(sql, parameters).fetchall()
            except (sqlite3.Error, OSError) as error:
                self._drop_reader()
                raise JournalError(_reason(error)) from error

    def _run(self) -> None:
        """The writer thread: take what is queued, write it, tell."""
        ended = False
        while not ended:
            batch: list[_Queued] = []
            ended = not self._collect(batch)
            if batch and self._write(batch):
                self._completed.extend(done for _, _, done in batch)
                self._notify()
        self._drop_writer()

    def _collect(self, batch: list[_Queued]) -> bool:
        """Fill ``batch`` with what waits, at least one commit; false when the end was among it."""
        item = self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) >= _BATCH:
                return True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return True
        return False

    def _write(self, batch: list[_Queued]) -> bool:
        """Make ``batch`` durable, however long that takes; false only when the store closes on a failing disk."""
        while True:
            last_try = self._closing.is_set()
            try:
                self._transaction(batch)
            except (sqlite3.Error, OSError, JournalError) as error:
                self._drop_writer()
                self.problem = _reason(error)
                self._notify()
                if self._release_reserve(error):
                    continue
                if last_try:
                    return False
                self._closing.wait(self._retry_s)
            else:
                self.problem = ""
                self._keep_reserve()
                return True

    def _transaction(self, batch: list[_Queued]) -> None:
        if self._writer is None:
            self._writer = self._open()
        self._writer.execute("BEGIN IMMEDIATE")
        for station, writes, _ in batch:
            StationTables(self._writer, station).apply(writes)
        self._writer.execute("COMMIT")
        if any(isinstance(write, ForgetEverything) for _, writes, _ in batch for write in writes):
            self._empty_log()

    def _empty_log(self) -> None:
        try:
            assert self._writer is not None  # noqa: S101  # has just written
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            pass  # what was committed must not be written again for this; a stop in good order empties it too

    def _open(self) -> sqlite3.Connection:
        """Open, set up and migrate; the directory entry is made durable too."""
        _make_private(self._path)
        connection = self._connect(self._path)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")
            migrate(connection)
            directory = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop_writer(self) -> None:
        connection, self._writer = self._writer, None
        if connection is not None:
            _close(connection)

    def _drop_reader(self) -> None:
        connection, self._reader = self._reader, None
        if connection is not None:
            _close(connection)

    def _keep_reserve(self) -> None:
        """Have the reserve on the disk, if there is room for it."""
        if self._reserve.exists():
            return
        try:
            descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            self._reserve.unlink(missing_ok=True)

    def _release_reserve(self, error: Exception) -> bool:
        """Give the reserve's space back after a full disk; true when there was one."""
        if "full" not in str(error) or not self._reserve.exists():
            return False
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True


class SqliteJournal:
    """One station's view of a ``SqliteStore``."""

    def __init__(self, store: SqliteStore, station_uid: str) -> None:
        self._store = store
        self._uid = station_uid

    @property
    def problem(self) -> str:
        """Why the store does not write at the moment; empty while it does."""
        return self._store.problem

    def commit(self, writes: SequenceOf[Write], done: Callable[[], None]) -> None:
        """Queue ``writes``; ``done`` is called by ``deliver`` of the store, or by its ``close``."""
        self._store.enqueue(self._uid, writes, done)

    def open_sessions(self) -> tuple[OpenSession, ...]:
        """Sessions without end, oldest first."""
        rows = self._store.read("SELECT * FROM session WHERE station = ? ORDER BY id", (self._uid,))
        return tuple(session_of(row) for row in rows)

    def records(self, limit: int, before: int | None = None) -> tuple[Record, ...]:
        """At most ``limit`` records with numbers below ``before``, newest first."""
        rows = self._store.read(
            "SELECT * FROM record WHERE station = ? AND (? IS NULL OR number < ?) ORDER BY number DESC LIMIT ?",
            (self._uid, before, before, max(limit, 0)),
        )
        return tuple(record_of(row) for row in rows)

    def unpublished(self, limit: int, after: int = 0) -> tuple[Record, ...]:
        """At most ``limit`` records that wait for publication, with numbers above ``after``, oldest first."""
        rows = self._store.read(
            "SELECT * FROM record WHERE station = ? AND publish = 1 AND published = 0 AND number > ? "
            "ORDER BY number LIMIT ?",
            (self._uid, after, max(limit, 0)),
        )
        return tuple(record_of(row) for row in rows)

    def latched_faults(self, outlet: int) -> tuple[str, ...]:
        """Faults of an outlet that outlive a restart, in alphabetical order."""
        rows = self._store.read(
            "SELECT fault FROM latch WHERE station = ? AND outlet = ? ORDER BY fault", (self._uid, outlet)
        )
        return tuple(row[0] for row in rows)

    def orders(self, outlet: int) -> tuple[KeptOrder, ...]:
        """Standing orders of an outlet (0: of the station), by kind and source."""
        rows = self._store.read(
            "SELECT * FROM standing_order WHERE station = ? AND outlet = ? ORDER BY kind, source", (self._uid, outlet)
        )
        return tuple(order_of(row) for row in rows)

    def register_wh(self, outlet: int) -> int:
        """The outlet's energy register at its last durable reading."""
        return self._number("SELECT wh FROM register WHERE station = ? AND outlet = ?", outlet)

    def last_sequence(self, boot_id: str) -> int:
        """The last event of a boot that had a durable effect; 0 for a boot that had none."""
        return self._number("SELECT seq FROM sequence WHERE station = ? AND boot_id = ?", boot_id)

    def unpublished_dropped(self) -> int:
        """How many records were given up to make room without ever having been published."""
        return self._number("SELECT unpublished_dropped FROM station WHERE uid = ?")

    def badges(self) -> tuple[Badge, ...]:
        """The badge list, by number."""
        return tuple(badge_of(row) for row in self._store.read(LIST_BADGES, (self._uid,)))

    def authorised(self) -> tuple[Authorised, ...]:
        """The cache of authorised identifiers, the newest last."""
        return tuple(authorised_of(row) for row in self._store.read(LIST_AUTHORISED, (self._uid,)))

    def messages(self, after: int = 0) -> tuple[tuple[int, QueueMessage], ...]:
        """What waits for the supervision with numbers above ``after``, oldest first."""
        rows = self._store.read(
            "SELECT * FROM message WHERE station = ? AND number > ? ORDER BY number", (self._uid, after)
        )
        return tuple(message_of(row) for row in rows)

    def transaction_ids(self) -> dict[str, int]:
        """The supervision's ids of sessions whose end is not delivered yet."""
        rows = self._store.read("SELECT session_id, transaction_id FROM supervised WHERE station = ?", (self._uid,))
        return {row[0]: row[1] for row in rows}

    def documents(self) -> dict[str, str]:
        """Kept texts by name."""
        rows = self._store.read("SELECT name, text FROM document WHERE station = ?", (self._uid,))
        return {row[0]: row[1] for row in rows}

    def _number(self, sql: str, *parameters: int | str) -> int:
        rows = self._store.read(sql, (self._uid, *parameters))
        return int(rows[0][0]) if rows else 0


def _make_private(path: Path) -> None:
    """Have the file there, readable by its owner only: it names people's badges. SQLite gives its companions the same mode.

    Never opens a file that exists: closing it again would release the locks that SQLite holds on it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _close(connection: sqlite3.Connection) -> None:
    try:
        connection.close()
    except sqlite3.Error:
        pass  # the descriptor is given up either way


def _reason(error: Exception) -> str:
    return f"journal: {error}"
