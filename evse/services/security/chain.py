"""The chain: entries that each carry the hash of the one before, and what a sound chain is.

An entry is one line: JSON with sorted keys, ASCII only. ``hash`` is SHA-256 over the line of the entry without it;
``prev`` is the hash of the entry before. Numbers ``n`` rise by one and are never used twice, whatever is rotated away
or cleared. The anchor, a file of its own, says where the kept part begins (``first``, with the ``prev`` of that entry)
and how far it has certainly come (``last`` with its hash): the first half proves what was dropped on purpose, the
second half shows when the end has been cut off.

Whoever can write both files can make a new sound chain: the chain shows carelessness and partial changes. An outside
copy of the last hash (the maintenance report carries it) shows the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

from evse.records import dataclass
from evse.services.badges.badge import mask_uid
from evse.services.clock import Instant
from evse.services.records import utc_text
from evse.services.security.events import ACTOR_LIMIT, DETAIL_LIMIT, SOURCE_LIMIT, SecurityEvent

GENESIS: Final = "0" * 64
"""``prev`` of the very first entry."""
LINE_LIMIT: Final = 8_192
"""Longer lines are no entries."""
_FIELDS: Final = {
    "n": int,
    "utc": str,
    "quality": str,
    "boot": str,
    "mono_us": int,
    "kind": str,
    "actor": str,
    "source": str,
    "detail": str,
    "uid": str,
    "prev": str,
    "hash": str,
}


class BadEntry(ValueError):
    """A line is no entry; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. ``utc`` is ISO 8601, empty while the clock was not set; ``uid`` is masked."""

    n: int
    utc: str
    quality: str
    boot: str
    mono_us: int
    kind: str
    actor: str
    source: str
    detail: str
    uid: str
    prev: str
    hash: str

    def as_dict(self) -> dict[str, str | int]:
        """The entry's fields, in the order in which people read them."""
        return {name: getattr(self, name) for name in _FIELDS}


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the kept part begins and how far it has come. ``last_n`` 0: nothing was written yet."""

    first_n: int = 1
    first_prev: str = GENESIS
    last_n: int = 0
    last_hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found: the number of entries, and every problem in words; sound without problems."""

    entries: int
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether the chain is whole."""
        return not self.problems


def make_entry(event: SecurityEvent, at: Instant, n: int, prev: str) -> Entry:
    """The entry number ``n`` for an event."""
    fields: dict[str, str | int] = {
        "n": n,
        "utc": utc_text(at),
        "quality": at.quality.value,
        "boot": at.boot_id[:ACTOR_LIMIT],
        "mono_us": at.mono_us,
        "kind": event.kind.value,
        "actor": event.actor[:ACTOR_LIMIT],
        "source": event.source[:SOURCE_LIMIT],
        "detail": event.detail[:DETAIL_LIMIT],
        "uid": mask_uid(event.uid) if event.uid else "",
        "prev": prev,
    }
    return _entry({**fields, "hash": _hash(fields)})


def line_of(entry: Entry) -> bytes:
    """The entry as it stands in the file, with its line end."""
    return _canonical(entry.as_dict()) + b"\n"


def entry_of(line: bytes) -> Entry:
    """The entry of a line without line end; raises ``BadEntry``. Its own hash is checked."""
    if len(line) > LINE_LIMIT:
        raise BadEntry(f"longer than {LINE_LIMIT} bytes")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadEntry("not JSON") from error
    if not isinstance(fields, dict) or set(fields) != set(_FIELDS):
        raise BadEntry("not the fields of an entry")
    if any(type(fields[name]) is not kind for name, kind in _FIELDS.items()):
        raise BadEntry("a field of the wrong type")
    if _canonical(fields) != line:
        raise BadEntry("not in the one form that is written")
    if fields["hash"] != _hash({name: value for name, value in fields.items() if name != "hash"}):
        raise BadEntry("changed: its hash is that of another text")
    return _entry(fields)


def anchor_bytes(anchor: Anchor) -> bytes:
    """The anchor's file."""
    return _canonical(
        {
            "first_n": anchor.first_n,
            "first_prev": anchor.first_prev,
            "last_n": anchor.last_n,
            "last_hash": anchor.last_hash,
        }
    )


def anchor_of(data: bytes) -> Anchor:
    """The anchor of its file; raises ``BadEntry``."""
    try:
        fields = json.loads(data)
        numbers, hashes = ("first_n", "last_n"), ("first_prev", "last_hash")
        types = {**dict.fromkeys(numbers, int), **dict.fromkeys(hashes, str)}
        if isinstance(fields, dict) and {name: type(value) for name, value in fields.items()} == types:
            return Anchor(**fields)
    except (ValueError, RecursionError) as error:
        raise BadEntry("the anchor is not JSON") from error
    raise BadEntry("the anchor has not its fields")


def verify(lines: Iterable[bytes], anchor: Anchor | None) -> Verdict:
    """Check lines (without line ends, oldest first) against each other and the anchor.

    Entries before the anchor's first are leftovers of a rotation or clearing that a power cut interrupted; they are not
    part of the log. Entries after the anchor's last were written just before a power cut; they are.
    """
    entries, problems = parse(lines)
    if anchor is None:
        if entries or problems:
            problems.append("the anchor is missing")
        return Verdict(len(entries), tuple(problems))
    kept = [entry for entry in entries if entry.n >= anchor.first_n]
    if kept and (kept[0].n, kept[0].prev) != (anchor.first_n, anchor.first_prev):
        problems.append(f"the beginning is missing: entry {kept[0].n} stands first, it should be {anchor.first_n}")
    for before, entry in pairwise(kept):
        if entry.n != before.n + 1:
            problems.append(f"after entry {before.n} comes {entry.n}")
        elif entry.prev != before.hash:
            problems.append(f"entry {entry.n} does not follow from entry {before.n}")
    if anchor.last_n >= anchor.first_n:
        last = next((entry for entry in kept if entry.n == anchor.last_n), None)
        if last is None:
            problems.append(f"the end is missing: entry {anchor.last_n} was written and is not there")
        elif last.hash != anchor.last_hash:
            problems.append(f"entry {anchor.last_n} is not the one that was written")
    return Verdict(len(kept), tuple(problems))


def parse(lines: Iterable[bytes]) -> tuple[list[Entry], list[str]]:
    """The entries among ``lines``, and what is wrong with the others."""
    entries: list[Entry] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(entry_of(line))
        except BadEntry as error:
            problems.append(f"line {number}: {error}")
    return entries, problems


def readable(entry: Entry) -> str:
    """One line for people. Control characters and everything else outside printable ASCII are escaped."""
    parts = (entry.utc or f"+{entry.mono_us // 1_000_000} s", entry.kind, entry.actor, entry.source, entry.uid)
    text = "  ".join(part for part in (f"{entry.n:>6}", *parts, entry.detail) if part)
    return text.encode("ascii", "backslashreplace").decode("ascii").translate(_ESCAPES)


_ESCAPES: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def count_by_kind(entries: Sequence[Entry]) -> dict[str, int]:
    """How many entries there are of each kind, by name."""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.kind] = counts.get(entry.kind, 0) + 1
    return dict(sorted(counts.items()))


def _entry(fields: dict[str, Any]) -> Entry:
    return Entry(**fields)


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def _hash(fields: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(fields)).hexdigest()
