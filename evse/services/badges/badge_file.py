"""The badge list as a CSV file: export, and import that takes a whole, unedited file or nothing.

::

    Badge number;Identifier;Type;Comment
    1;04A1B2C3;User;Anna
    Checksum;sha256;<64 hexadecimal digits>;1

UTF-8 with byte-order mark, lines end with CR LF. The last line holds the number of badges and the SHA-256 of every byte
before it, so every station can verify every file without a secret. It finds each edit and each damage; it is no
signature: whoever makes up a checksum on purpose makes a valid file, which is why importing needs the right to do it.

A comment that a spreadsheet would take for a formula gets an apostrophe in front, and so does one that begins with an
apostrophe; the import takes one away. Bounds: ``FILE_LIMIT`` bytes, 1 KiB a line, ``BADGE_LIMIT`` badges.
"""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Final

from evse.records import dataclass
from evse.services.badges.badge import BADGE_LIMIT, NUMBER_LIMIT, Badge, BadgeType, mask_uid, normal_uid
from evse.services.badges.badge_list import BadgeList, BadgeRefused

LINE_LIMIT: Final = 1024
FILE_LIMIT: Final = 512 * 1024
ERRORS_SHOWN: Final = 100
_HEADING: Final = "Badge number;Identifier;Type;Comment"
_BOM: Final = "\ufeff"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_DOMAIN: Final = b"EVSE badge list 1\0"
"""Tells this checksum from that of any other file."""


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with one line, counted from 1."""

    line: int
    reason: str


class BadgeFileRefused(ValueError):
    """The file is not taken, nothing has changed. ``errors`` names each line; at most ``ERRORS_SHOWN`` of them."""

    def __init__(self, errors: list[LineError]) -> None:
        shown = errors[:ERRORS_SHOWN]
        if len(errors) > len(shown):
            shown.append(
                LineError(errors[ERRORS_SHOWN].line, f"and {len(errors) - ERRORS_SHOWN} more errors from here on")
            )
        self.errors = tuple(shown)
        super().__init__("; ".join(f"line {error.line}: {error.reason}" for error in self.errors))


def export_badges(badges: BadgeList) -> bytes:
    """The file with every badge, by number."""
    buffer = io.StringIO(newline="")
    buffer.write(f"{_BOM}{_HEADING}\r\n")
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerows([badge.number, badge.uid, badge.type.value, _defused(badge.comment)] for badge in badges)
    content = buffer.getvalue().encode()
    return content + _last_line(content, len(badges)).encode()


def import_badges(data: bytes) -> BadgeList:
    """The list that a file holds. Raises ``BadgeFileRefused``."""
    lines = _lines(data)
    reader = _Reader()
    for number, line in enumerate(lines[1:-1], 2):
        reader.take(number, line)
    errors = reader.errors
    if lines[0] != _HEADING:
        errors.append(LineError(1, f"the heading is {_HEADING}"))
    content = data[: data.rfind(b"\r\n", 0, -2) + 2]
    if not data.startswith(_BOM.encode()) or data[len(content) :] != _last_line(content, len(lines) - 2).encode():
        reason = "the checksum does not fit: the file was edited or damaged; export it again"
        errors.append(LineError(len(lines), reason))
    if errors:
        raise BadgeFileRefused(sorted(errors, key=lambda error: error.line))
    try:
        return BadgeList(tuple(reader.badges))
    except BadgeRefused as error:
        raise BadgeFileRefused([LineError(2, str(error))]) from error


def _last_line(content: bytes, count: int) -> str:
    return f"Checksum;sha256;{hashlib.sha256(_DOMAIN + content).hexdigest()};{count}\r\n"


def _lines(data: bytes) -> list[str]:
    """The lines without their ends: a heading, badges, a checksum."""
    if len(data) > FILE_LIMIT:
        raise BadgeFileRefused([LineError(1, f"the file has {len(data)} bytes, {FILE_LIMIT} at most are taken")])
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadgeFileRefused([LineError(line, "this is not UTF-8 text")]) from error
    lines = text.removeprefix(_BOM).split("\r\n")
    if "\r\n" not in text and "\n" in text:
        reason = "the ends of the lines were changed: another program has saved the file; export it again"
        raise BadgeFileRefused([LineError(1, reason)])
    if len(lines) < 3 or lines[-1]:
        raise BadgeFileRefused([LineError(len(lines), "the file is cut off: its last line is a whole checksum line")])
    if len(lines) - 3 > BADGE_LIMIT:
        raise BadgeFileRefused([LineError(BADGE_LIMIT + 2, f"more than {BADGE_LIMIT} badges")])
    return lines[:-1]


class _Reader:
    """Takes the badges of a file line by line."""

    def __init__(self) -> None:
        self.badges: list[Badge] = []
        self.errors: list[LineError] = []
        self._uids: dict[str, int] = {}
        self._numbers: dict[int, int] = {}

    def take(self, line: int, text: str) -> None:
        try:
            badge = _badge(text)
            self._once(line, badge)
        except (ValueError, csv.Error) as error:
            self.errors.append(LineError(line, str(error)))
            return
        self.badges.append(badge)

    def _once(self, line: int, badge: Badge) -> None:
        first = self._uids.setdefault(badge.uid, line)
        if first != line:
            raise ValueError(f"badge {mask_uid(badge.uid)} is on line {first} already")
        first = self._numbers.setdefault(badge.number, line)
        if first != line:
            raise ValueError(f"number {badge.number} is on line {first} already")


def _badge(text: str) -> Badge:
    if len(text.encode()) > LINE_LIMIT:
        raise ValueError(f"longer than {LINE_LIMIT} bytes")
    cells = next(csv.reader([text], delimiter=";", strict=True), [])
    if len(cells) != 4:
        raise ValueError(f"{len(cells)} fields instead of 4: number, identifier, type, comment")
    number, uid, kind, comment = cells
    if not (number.isascii() and number.isdigit()) or number.startswith("0") or len(number) > 10:
        raise ValueError(f"the number is a whole number from 1 to {NUMBER_LIMIT}")
    if uid != normal_uid(uid):
        raise ValueError("an identifier is written in upper-case hexadecimal without separators")
    if kind not in [each.value for each in BadgeType]:
        raise ValueError(f"the type is one of {', '.join(each.value for each in BadgeType)}")
    return Badge(uid, BadgeType(kind), _plain(comment), int(number))


def _defused(comment: str) -> str:
    return "'" + comment if comment.startswith("'") or _is_formula(comment) else comment


def _plain(cell: str) -> str:
    if _is_formula(cell):
        raise ValueError("the comment begins like a formula: an apostrophe goes in front")
    return cell.removeprefix("'")


def _is_formula(text: str) -> bool:
    return text.lstrip().startswith(_FORMULA_STARTS)
