"""What only the SQLite journal has: a file, a thread, a schema, and a disk that can fail."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evse.core.orders import OrderKind, StandingOrder
from evse.services.badges.badge import Badge
from evse.services.badges.writes import Authorised, PutBadges, RememberAuthorised
from evse.services.clock import Instant
from evse.services.journal import (
    CloseInterrupted,
    ForgetEverything,
    JournalError,
    KeepOrders,
    KeptOrder,
    LatchFault,
    SessionEnd,
    SessionStart,
    Write,
)
from evse.services.sqlite_journal import RESERVE_BYTES, SqliteStore
from evse.services.sqlite_tables import MIGRATIONS, migrate

AT = Instant("boot", 0)


@dataclass
class Disk:
    """Makes connections whose statements fail while ``failing`` says so, and remembers them."""

    failing: Callable[[str], str] = lambda sql: ""
    connections: list[sqlite3.Connection] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)

    def connect(self, path: Path) -> sqlite3.Connection:
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
                disk.statements.append(sql)
                message = disk.failing(sql)
                if message:
                    raise sqlite3.OperationalError(message)
                return super().execute(sql, parameters)

        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Connection, timeout=5.0
        )
        # As on systems whose SQLite overwrites nothing by itself.
        sqlite3.Connection.execute(connection, "PRAGMA secure_delete=OFF")
        self.connections.append(connection)
        return connection


class Opened:
    """A store, and a way to wait for it without sleeping."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.moved = threading.Event()
        self.store = SqliteStore(path, self.moved.set, retry_s=0.001, connect=disk.connect)
        self.done: list[str] = []

    def latch(self, fault: str) -> None:
        write = LatchFault(1, fault, "emergency", AT)
        self.store.journal("s").commit([write], lambda: self.done.append(fault))

    def until(self, condition: Callable[[], bool]) -> None:
        self.store.deliver()
        while not condition():
            assert self.moved.wait(10), self.store.problem
            self.moved.clear()
            self.store.deliver()

    def latched(self) -> tuple[str, ...]:
        return self.store.journal("s").latched_faults(1)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def opened(path: Path, disk: Disk) -> Iterator[Opened]:
    made = Opened(path, disk)
    yield made
    made.store.close()


@pytest.mark.req("CDR-05")
def test_commits_are_flushed_for_real(opened: Opened, disk: Disk) -> None:
    opened.latch("a")
    opened.until(lambda: opened.done == ["a"])
    writer = disk.connections[0]
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)


def test_done_is_called_in_the_thread_that_delivers_and_in_order(opened: Opened) -> None:
    threads: list[threading.Thread] = []
    opened.store.journal("s").commit([], lambda: threads.append(threading.current_thread()))
    for number in range(20):
        opened.latch(str(number))
    opened.until(lambda: len(opened.done) == 20)
    assert opened.done == [str(number) for number in range(20)]
    assert threads == [threading.current_thread()]


def test_a_writer_that_hangs_does_not_hold_up_callers_or_readers(opened: Opened, disk: Disk) -> None:
    opened.latch("a")
    opened.until(lambda: opened.done == ["a"])
    gate = threading.Event()
    entered = threading.Event()

    def hang(sql: str) -> str:
        if sql == "COMMIT" and not gate.is_set():
            entered.set()
            assert gate.wait(10)
        return ""

    disk.failing = hang
    opened.latch("b")
    assert entered.wait(10)
    opened.latch("c")
    opened.store.deliver()
    assert (opened.latched(), opened.done) == (("a",), ["a"])
    gate.set()
    opened.until(lambda: opened.done == ["a", "b", "c"])
    assert opened.latched() == ("a", "b", "c")


def test_a_burst_costs_one_flush(opened: Opened, disk: Disk) -> None:
    gate = threading.Event()
    disk.failing = lambda sql: "" if sql != "BEGIN IMMEDIATE" or gate.wait(10) else "late"
    for number in range(50):
        opened.latch(f"{number:02d}")
    gate.set()
    opened.until(lambda: len(opened.done) == 50)
    # One for the schema, one for what the writer had taken first, one for all the rest.
    assert disk.statements.count("COMMIT") <= 3


@pytest.mark.req("CDR-05")
@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "INSERT OR IGNORE INTO latch", "COMMIT"])
def test_a_failure_is_reported_and_the_write_repeated_on_a_new_connection(
    opened: Opened, disk: Disk, statement: str
) -> None:
    opened.latch("a")
    opened.until(lambda: opened.done == ["a"])
    count = len(disk.connections)
    disk.failing = lambda sql: "disk I/O error" if sql.startswith(statement) else ""
    opened.latch("b")
    opened.latch("c")
    opened.until(lambda: opened.store.problem != "")
    assert (opened.store.journal("s").problem, opened.done) == ("journal: disk I/O error", ["a"])
    assert opened.latched() == ("a",)
    disk.failing = lambda sql: ""
    opened.until(lambda: opened.done == ["a", "b", "c"])
    assert (opened.latched(), opened.store.problem) == (("a", "b", "c"), "")
    assert len(disk.connections) > count + 1


def test_a_full_disk_gets_the_reserve_first(opened: Opened, disk: Disk, path: Path) -> None:
    reserve = path.with_name("journal.db.reserve")
    opened.latch("a")
    opened.until(lambda: opened.done == ["a"])
    opened.until(reserve.exists)
    assert reserve.stat().st_size == RESERVE_BYTES
    disk.failing = lambda sql: "database or disk is full" if sql == "COMMIT" and reserve.exists() else ""
    opened.latch("b")
    opened.until(lambda: opened.done == ["a", "b"])
    assert (opened.latched(), opened.store.problem) == (("a", "b"), "")


def test_close_writes_what_is_queued(path: Path, disk: Disk) -> None:
    first = Opened(path, disk)
    for number in range(9):
        first.latch(str(number))
    first.store.close()
    first.store.close()
    assert first.done == [str(number) for number in range(9)]
    with pytest.raises(JournalError, match="closed"):
        first.latch("late")
    with pytest.raises(JournalError, match="closed"):
        first.latched()
    second = Opened(path, Disk())
    assert second.latched() == tuple(str(number) for number in range(9))
    second.store.close()


def test_close_on_a_failing_disk_ends_and_promises_nothing(path: Path, disk: Disk) -> None:
    first = Opened(path, disk)
    disk.failing = lambda sql: "disk I/O error" if sql == "COMMIT" else ""
    first.latch("a")
    first.until(lambda: first.store.problem != "")
    first.store.close()
    assert first.done == []


def test_a_disk_that_fails_at_the_start_is_tried_again(path: Path, disk: Disk) -> None:
    disk.failing = lambda sql: "disk I/O error"
    late = Opened(path, disk)
    assert late.store.problem == "journal: disk I/O error"
    with pytest.raises(JournalError, match="I/O"):
        late.latched()
    disk.failing = lambda sql: ""
    late.latch("a")
    late.until(lambda: late.done == ["a"])
    assert (late.latched(), late.store.problem) == (("a",), "")
    late.store.close()


def test_a_newer_journal_is_refused(path: Path, disk: Disk) -> None:
    Opened(path, disk).store.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schema SET version = ?", (len(MIGRATIONS) + 1,))
    connection.commit()
    connection.close()
    with pytest.raises(JournalError, match=f"has version {len(MIGRATIONS) + 1}, this program knows {len(MIGRATIONS)}"):
        SqliteStore(path)


def test_something_else_than_a_database_is_a_problem_and_stays_as_it_is(path: Path, disk: Disk) -> None:
    path.write_bytes(b"not a database" * 100)
    store = SqliteStore(path, retry_s=0.001)
    assert "not a database" in store.problem
    store.close()
    assert path.read_bytes() == b"not a database" * 100


def test_migrations_continue_from_the_version_they_find(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection)
    migrate(connection, (*MIGRATIONS, ("ALTER TABLE station ADD COLUMN extra TEXT",)))
    assert connection.execute("SELECT version FROM schema").fetchall() == [(len(MIGRATIONS) + 1,)]
    connection.execute("SELECT extra FROM station")
    broken = (*MIGRATIONS, (), ("CREATE TABLE half (x)", "CREATE NONSENSE"))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, broken)
    assert connection.execute("SELECT version FROM schema").fetchall() == [(len(MIGRATIONS) + 1,)]
    assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'half'").fetchall() == []
    connection.close()


def test_a_journal_of_the_first_version_is_upgraded_without_loss(path: Path, disk: Disk) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, MIGRATIONS[:1])
    connection.execute("INSERT INTO station VALUES ('s', 7, 9, 2)")
    connection.execute("INSERT INTO latch VALUES ('s', 1, 'ContactorWelded', 'emergency', 'boot', 5, NULL, 'unset')")
    connection.execute("INSERT INTO register VALUES ('s', 1, 5040)")
    connection.execute("INSERT INTO sequence (station, boot_id, seq) VALUES ('s', 'boot', 12)")
    for number in (6, 7):
        connection.execute(
            "INSERT INTO record VALUES ('s', ?, 1, ?, '', '04A1B2C3', 'Normal_Mode_3', 'boot', 1, NULL, 'unset', "
            "'boot', 9, NULL, 'unset', 40, 5000, 5040, 'T2', 8, '', 'Local', 0, 0)",
            (number, f"boot-1-{number}"),
        )
    connection.execute(
        "INSERT INTO session VALUES (1, 's', 1, 'boot-1-9', '04A1B2C3', 'badge', 'boot', 1, NULL, 'unset', 'T2', '', "
        "'boot', 2, NULL, 'unset', '', 1, 5040, 5040, 0, '')"
    )
    connection.close()
    opened = Opened(path, disk)
    journal = opened.store.journal("s")
    assert [record.number for record in journal.records(9)] == [7, 6]
    assert [session.session_id for session in journal.open_sessions()] == ["boot-1-9"]
    assert (journal.latched_faults(1), journal.register_wh(1), journal.last_sequence("boot")) == (
        ("ContactorWelded",),
        5040,
        12,
    )
    assert (journal.unpublished_dropped(), journal.orders(1)) == (2, ())
    kept = KeptOrder(StandingOrder(OrderKind.SUSPENDED))
    journal.commit([KeepOrders(1, (kept,)), CloseInterrupted("boot-2")], lambda: opened.done.append("kept"))
    opened.until(lambda: opened.done == ["kept"])
    assert journal.orders(1) == (kept,)
    assert [record.number for record in journal.records(9)] == [8, 7, 6]
    opened.store.close()


def test_an_upgrade_that_fails_leaves_the_old_journal_as_it_was(path: Path, disk: Disk) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, MIGRATIONS[:1])
    connection.execute("INSERT INTO register VALUES ('s', 1, 5040)")
    connection.close()
    failing = True
    disk.failing = lambda sql: "database or disk is full" if failing and sql.startswith("ALTER") else ""
    opened = Opened(path, disk)
    assert "full" in opened.store.problem
    with pytest.raises(JournalError, match="standing_order"):
        opened.store.journal("s").orders(1)
    assert opened.store.journal("s").register_wh(1) == 5040
    failing = False
    opened.latch("x")
    opened.until(lambda: opened.done == ["x"])
    assert opened.store.journal("s").orders(1) == ()
    opened.store.close()


@pytest.mark.parametrize("there_before", [True, False])
def test_the_journal_is_its_owners_only(tmp_path: Path, there_before: bool) -> None:
    path = tmp_path / "journal.sqlite"
    if there_before:
        path.touch(0o644)
    opened = Opened(path, Disk())
    opened.latch("A")
    opened.until(lambda: opened.done == ["A"])
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    opened.store.close()
    assert {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"} <= set(modes)
    assert set(modes.values()) == {0o600}


@pytest.mark.req("CFG-03")
def test_after_a_factory_reset_no_badge_number_is_left_in_any_file(opened: Opened, path: Path) -> None:
    uid, comment = "0BADCAFEBEEF00", "Anna from the third floor"
    journal, at = opened.store.journal("s"), Instant("b", 5)
    commits: list[list[Write]] = [[PutBadges((Badge(uid, comment=comment, number=1),))]]
    for number in range(40):
        start = SessionStart(1, f"s{number}", uid, "badge", at, comment=comment)
        commits += [[start, RememberAuthorised(Authorised(uid))]]
        commits += [[SessionEnd(1, f"s{number}", at, "Local", 10, 20, "Normal", 5)]]
    for writes in commits:
        journal.commit(writes, lambda: opened.done.append("stored"))
    opened.until(lambda: len(opened.done) == len(commits))
    assert journal.badges()[0].uid == uid
    assert any(uid.encode() in file.read_bytes() for file in path.parent.iterdir())
    journal.commit([ForgetEverything(keep_badges=False)], lambda: opened.done.append("forgotten"))
    opened.until(lambda: opened.done[-1] == "forgotten")
    for file in path.parent.iterdir():
        assert uid.encode() not in file.read_bytes(), file.name
        assert comment.encode() not in file.read_bytes(), file.name
