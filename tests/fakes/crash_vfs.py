"""A disk below SQLite that notes every write and flush, so that a power cut at any instant can be made up afterwards.

A virtual file system of SQLite's own (package apsw) stands between the library and the real files. ``Log`` holds what went
through it, in order. ``images`` lives that log through again and yields what a power cut may leave: what was flushed is
there; of what was not, each write is there, lost, or torn (a beginning, or any of its sectors), in any order; a file that
was never flushed may be missing. ``fail`` makes operations fail the way a full, read-only or broken disk does.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest

SECTOR = 512
_names = count()
FAILURES: dict[str, type[Exception]] = {
    "full": apsw.FullError,
    "input/output": apsw.IOError,
    "read-only": apsw.ReadOnlyError,
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing done to a file: ``write`` of ``data`` at ``offset``, ``truncate`` to ``offset``, ``sync`` or ``delete``.

    ``sync directory`` is for no file: from then on no file that was removed comes back.
    """

    what: str
    file: str
    offset: int = 0
    data: bytes = b""


@dataclass
class Log:
    """What was done to the disk, and what was acknowledged when. ``fail``: why an operation fails, empty when it does not."""

    entries: list[Operation | int] = field(default_factory=list)
    fail: Callable[[str], str] = lambda _what: ""

    def note(self, operation: Operation) -> None:
        """An operation is about to be done; raises when it fails."""
        reason = self.fail(operation.what)
        if reason:
            raise FAILURES[reason](reason)
        self.entries.append(operation)

    def acknowledge(self, number: int) -> None:
        """Everything up to commit ``number`` was said to be durable."""
        self.entries.append(number)


class _File(apsw.VFSFile):
    def __init__(self, log: Log, name: Any, flags: list[int]) -> None:
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._log, self._name = log, Path(text).name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # SQLite's name
        self._log.note(Operation("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        self._log.note(Operation("truncate", self._name, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        self._log.note(Operation("sync", self._name))
        super().xSync(flags)


class _Vfs(apsw.VFS):
    def __init__(self, log: Log) -> None:
        self.name, self._log = f"recording-{next(_names)}", log
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self._log, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self._log.note(Operation("delete", Path(filename).name))
        super().xDelete(filename, syncdir)
        if syncdir:
            self._log.note(Operation("sync directory", ""))


class _Cursor:
    """The part of a cursor that the journal uses."""

    def __init__(self, cursor: Any, rowcount: int) -> None:
        self._cursor, self.rowcount = cursor, rowcount

    def fetchone(self) -> Any:
        return next(iter(self.fetchall()), None)

    def fetchall(self) -> list[Any]:
        with translated():
            return list(self._cursor)


class translated:  # reads as what it does
    """Errors of apsw as those of the standard library."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, apsw.Error):
            raise sqlite3.OperationalError(f"{type(error).__name__}: {error}") from error


class RecordedConnection:
    """A connection as the standard library makes them, on the recording disk."""

    def __init__(self, path: Path, vfs: str, checkpoint_pages: int) -> None:
        with translated():
            self._connection = apsw.Connection(str(path), vfs=vfs)
            self._connection.set_busy_timeout(5_000)
            self._connection.wal_autocheckpoint(checkpoint_pages)

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> _Cursor:
        with translated():
            cursor = self._connection.cursor()
            cursor.execute(sql, tuple(parameters))
            return _Cursor(cursor, self._connection.changes())

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    def close(self) -> None:
        with translated():
            self._connection.close(True)


class RecordingDisk:
    """Makes connections for ``SqliteStore``. ``checkpoint_pages``: small, so that a short story has many checkpoints."""

    def __init__(self, checkpoint_pages: int = 40) -> None:
        self.log = Log()
        self._vfs = _Vfs(self.log)
        self._checkpoint_pages = checkpoint_pages

    def connect(self, path: Path) -> sqlite3.Connection:
        connection: Any = RecordedConnection(path, self._vfs.name, self._checkpoint_pages)
        return connection  # type: ignore[no-any-return]

    def close(self) -> None:
        """Take the file system away from SQLite."""
        self._vfs.unregister()

    @contextmanager
    def watching_directories(self) -> Iterator[None]:
        """Note when the program itself makes a directory durable."""
        real = os.fsync

        def fsync(descriptor: int) -> None:
            real(descriptor)
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                self.log.note(Operation("sync directory", ""))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            yield


@dataclass
class _FileState:
    """A file as it is surely there, and what was done to it since."""

    flushed: bytes | None = None
    pending: list[Operation] = field(default_factory=list)

    def settle(self) -> None:
        content: bytearray | None = None if self.flushed is None else bytearray(self.flushed)
        for operation in self.pending:
            content = _applied(content, operation)
        self.flushed = None if content is None else bytes(content)
        self.pending.clear()

    def settle_removal(self) -> None:
        removed = [index for index, operation in enumerate(self.pending) if operation.what == "delete"]
        if removed:
            self.flushed = None
            del self.pending[: removed[-1] + 1]

    def left(self, random: Random) -> bytes | None:
        """What a power cut leaves of it."""
        if not self.pending:
            return self.flushed
        if self.flushed is None and random.random() < 0.2:
            return None
        content: bytearray | None = None if self.flushed is None else bytearray(self.flushed)
        order = list(self.pending)
        if random.random() < 0.5:
            random.shuffle(order)
        loss = random.choice((0.0, 0.1, 0.5, 0.9))
        for operation in order:
            if random.random() < loss:
                continue
            content = _torn(content, operation, random) if random.random() < 0.3 else _applied(content, operation)
        return None if content is None else bytes(content)


def _applied(content: bytearray | None, operation: Operation) -> bytearray | None:
    if operation.what == "delete":
        return None
    content = bytearray() if content is None else content
    end = operation.offset + len(operation.data)
    if operation.what == "truncate":
        del content[operation.offset :]
        content.extend(bytes(operation.offset - len(content)))
    else:
        content.extend(bytes(max(end - len(content), 0)))
        content[operation.offset : end] = operation.data
    return content


def _torn(content: bytearray | None, operation: Operation, random: Random) -> bytearray | None:
    if operation.what != "write":
        return content if random.random() < 0.5 else _applied(content, operation)
    data = operation.data
    if random.random() < 0.5:
        beginning = Operation("write", operation.file, operation.offset, data[: random.randint(0, len(data))])
        return _applied(content, beginning)
    for begin in range(0, len(data), SECTOR):
        if random.random() < 0.5:
            sector = Operation("write", operation.file, operation.offset + begin, data[begin : begin + SECTOR])
            content = _applied(content, sector)
    return content


def _live(states: dict[str, _FileState], entry: Operation) -> None:
    if entry.what == "sync directory":
        for state in states.values():
            state.settle_removal()
        return
    state = states.setdefault(entry.file, _FileState())
    if entry.what == "sync":
        state.settle()
    else:
        state.pending.append(entry)


@dataclass(frozen=True)
class CrashImage:
    """What a power cut after ``after`` entries of the log leaves, when ``acknowledged`` commits were said to be durable."""

    after: int
    acknowledged: int
    files: dict[str, bytes]

    def put(self, directory: Path) -> None:
        """Write the files where a restart looks for them; nothing else is left there."""
        for old in directory.iterdir():
            old.unlink()
        for name, content in self.files.items():
            (directory / name).write_bytes(content)


def images(log: Log, number: int, random: Random) -> Iterator[CrashImage]:
    """``number`` crash images, at instants spread over the whole log."""
    instants = sorted(random.randint(0, len(log.entries)) for _ in range(number))
    states: dict[str, _FileState] = {}
    acknowledged = done = 0
    for instant in instants:
        for entry in log.entries[done:instant]:
            if isinstance(entry, int):
                acknowledged = entry
                continue
            _live(states, entry)
        done = instant
        left = {name: state.left(random) for name, state in states.items()}
        yield CrashImage(
            instant, acknowledged, {name: content for name, content in left.items() if content is not None}
        )
