"""The security log's files: append, rotate, clear, read; sound after a power cut at any operation.

``security.log`` is written, ``security.log.1`` is the part before it, ``security.anchor`` says where both begin and how
far they have come. A full ``security.log`` takes the place of ``security.log.1``; the anchor moves first. The files lie in
the data directory beside the settings and are not among what a factory reset or a firmware update replaces.

Not thread-safe: one owner writes (:mod:`evse.services.security.writer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from evse.services.clock import Instant
from evse.services.disk import Disk
from evse.services.security.chain import (
    Anchor,
    BadEntry,
    Entry,
    Verdict,
    anchor_bytes,
    anchor_of,
    line_of,
    make_entry,
    parse,
    verify,
)
from evse.services.security.events import SecurityEvent, SecurityKind

FILE_LIMIT: Final = 512 * 1024
"""Bytes of one file; two are kept, some 2 500 entries at least."""
NAME: Final = "security.log"
ANCHOR: Final = "security.anchor"


class SecurityFile:
    """The log in one directory. Opening it repairs what a power cut left and notes what no power cut explains."""

    def __init__(self, directory: Path, disk: Disk, limit: int = FILE_LIMIT) -> None:
        self._disk = disk
        self._limit = limit
        self._path = directory / NAME
        self._older = directory / (NAME + ".1")
        self._anchor_path = directory / ANCHOR
        self._anchor = Anchor()
        self._size = 0
        self._noted = ""
        self._open()

    def append(self, events: Sequence[tuple[SecurityEvent, Instant]]) -> None:
        """Write events. Durable when it returns; on ``OSError`` the whole call may be made again."""
        if self._size < 0:
            self._take_back()
        if self._noted:
            damage = SecurityEvent(SecurityKind.LOG_DAMAGED, detail=self._noted)
            events = [(damage, events[0][1] if events else Instant("", 0)), *events]
        if not events:
            return
        lines, last = self._lines(events)
        if self._size and self._size + len(lines) > self._limit:
            self._rotate()
        self._size = -1  # unknown until the operation is over
        self._disk.append(self._path, lines)
        self._set_anchor(replace(self._anchor, last_n=last.n, last_hash=last.hash))
        self._size = len(self._disk.read(self._path) or b"")
        self._noted = ""

    def clear(self, actor: str, source: str, at: Instant) -> None:
        """Forget every entry but the one that says who cleared the log."""
        self.append([(SecurityEvent(SecurityKind.LOG_CLEARED, actor, source, self._what_is_kept()), at)])
        last = self.entries()[-1]
        self._set_anchor(Anchor(last.n, last.prev, last.n, last.hash))
        self._disk.replace(self._path, line_of(last))
        self._disk.remove(self._older)
        self._size = len(line_of(last))

    def entries(self) -> list[Entry]:
        """Every readable entry that is part of the log, oldest first."""
        entries, _ = parse(self._lines_on_disk())
        return [entry for entry in entries if entry.n >= self._anchor.first_n]

    def verify(self) -> Verdict:
        """Check the whole log."""
        return verify_directory(self._path.parent, self._disk)

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry; 0 and zeros while there is none."""
        return self._anchor.last_n, self._anchor.last_hash

    def _open(self) -> None:
        self._disk.make_directory(self._path.parent)
        try:
            stored = self._disk.read(self._anchor_path)
            anchor = anchor_of(stored) if stored is not None else None
            problems: list[str] = []
        except BadEntry as error:
            anchor, problems = None, [str(error)]
        current = self._disk.read(self._path) or b""
        whole = current[: current.rfind(b"\n") + 1]
        if whole != current:
            # Only an append that was cut short leaves a line without end, and nobody was told that it is durable.
            self._disk.replace(self._path, whole)
        lines = self._lines_on_disk()
        if anchor is None and not problems and not lines:
            # Before the first line, so that a line without anchor is always one too many.
            anchor = Anchor()
            self._set_anchor(anchor)
        problems += verify(lines, anchor).problems if lines or anchor is not None else ()
        entries, _ = parse(lines)
        if anchor is None:
            first = entries[0] if entries else None
            anchor = Anchor(first.n, first.prev) if first is not None else Anchor()
        if entries and entries[-1].n >= anchor.last_n:
            anchor = replace(anchor, last_n=entries[-1].n, last_hash=entries[-1].hash)
        self._anchor = anchor
        older, _ = parse(_split(self._disk.read(self._older) or b""))
        if older and older[-1].n < anchor.first_n:
            self._disk.remove(self._older)
        self._size = len(whole)
        self._noted = "; ".join(problems)[:400]

    def _take_back(self) -> None:
        """Undo an append that failed half-way: its caller makes it again, and nothing may stand there twice."""
        self._set_anchor(self._anchor)
        entries, _ = parse(_split(self._disk.read(self._path) or b""))
        kept = b"".join(line_of(entry) for entry in entries if entry.n <= self._anchor.last_n)
        self._disk.replace(self._path, kept)
        self._size = len(kept)

    def _rotate(self) -> None:
        """The older part goes, the current one becomes the older, a new one begins."""
        current, _ = parse(_split(self._disk.read(self._path) or b""))
        self._size = -1
        if current:
            self._set_anchor(replace(self._anchor, first_n=current[0].n, first_prev=current[0].prev))
        self._disk.rename(self._path, self._older)
        self._size = 0

    def _set_anchor(self, anchor: Anchor) -> None:
        self._disk.replace(self._anchor_path, anchor_bytes(anchor))
        self._anchor = anchor

    def _lines(self, events: Sequence[tuple[SecurityEvent, Instant]]) -> tuple[bytes, Entry]:
        n, prev = self._anchor.last_n, self._anchor.last_hash
        lines = b""
        entry = None
        for event, at in events:
            entry = make_entry(event, at, n + 1, prev)
            n, prev = entry.n, entry.hash
            lines += line_of(entry)
        assert entry is not None  # noqa: S101  # the only caller has at least one event
        return lines, entry

    def _lines_on_disk(self) -> list[bytes]:
        return _split(self._disk.read(self._older) or b"") + _split(self._disk.read(self._path) or b"")

    def _what_is_kept(self) -> str:
        first, last = self._anchor.first_n, self._anchor.last_n
        return f"entries {first} to {last} cleared" if last >= first else "nothing was there"


def entries_in(directory: Path, disk: Disk) -> list[Entry]:
    """Every readable entry of the log in ``directory`` as it lies there, oldest first, changing nothing. Raises ``OSError``."""
    anchor, lines = _as_it_lies(directory, disk)
    entries, _ = parse(lines)
    return [entry for entry in entries if anchor is None or entry.n >= anchor.first_n]


def verify_directory(directory: Path, disk: Disk) -> Verdict:
    """Check the log in ``directory`` as it lies there, changing nothing. Raises ``OSError``."""
    try:
        anchor, lines = _as_it_lies(directory, disk)
        anchor_of(disk.read(directory / ANCHOR) or anchor_bytes(Anchor()))
    except BadEntry as error:
        return Verdict(0, (str(error),))
    return verify(lines, anchor)


def _as_it_lies(directory: Path, disk: Disk) -> tuple[Anchor | None, list[bytes]]:
    """Anchor and lines of one moment: while the owner rotates the files they are read again."""
    while True:
        stored = disk.read(directory / ANCHOR)
        current = disk.read(directory / NAME) or b""
        older = disk.read(directory / (NAME + ".1")) or b""
        if disk.read(directory / ANCHOR) == stored:
            break
    try:
        anchor = anchor_of(stored) if stored is not None else None
    except BadEntry:
        anchor = None
    # A last line without end is an append in progress, or one that a power cut ended.
    return anchor, _split(older) + _split(current[: current.rfind(b"\n") + 1])


def _split(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n") if data else []
