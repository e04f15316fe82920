"""One badge: identifier, type, comment, and its number in the list.

A badge has a type: User and VIP may charge; Admin manages badges at the reader, never charges, and may stop a charge that
another badge started.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evse.records import dataclass

COMMENT_LIMIT: Final = 50
BADGE_LIMIT: Final = 1_000
"""Badges in one list."""
_UID_BYTES: Final = (4, 7, 8, 10)
NUMBER_LIMIT: Final = 10**9
"""The highest number that a badge can have."""


class BadgeType(StrEnum):
    """What a badge may do."""

    USER = "User"
    VIP = "VIP"
    ADMIN = "Admin"


def normal_uid(text: str) -> str:
    """A card's UID as upper-case hexadecimal without separators; raises ``ValueError`` when it is none.

    4, 7 or 10 bytes (ISO 14443) or 8 bytes (ISO 15693).
    """
    uid = "".join(character for character in text if character not in " :-").upper()
    if len(uid) % 2 or len(uid) // 2 not in _UID_BYTES or not set(uid) <= set("0123456789ABCDEF"):
        raise ValueError("a badge's identifier has 4, 7, 8 or 10 bytes in hexadecimal")
    return uid


def is_uid(text: str) -> bool:
    """Whether ``text`` is a card's UID in any usual spelling."""
    try:
        normal_uid(text)
    except ValueError:
        return False
    return True


UID_NAMES: Final = frozenset({"uid", "stopped_by"})
"""Fields of events and views that hold a UID: masked wherever they are written for others."""


def mask_uid(uid: str) -> str:
    """A UID for logs: enough to tell two cards apart, not enough to copy one."""
    return "*" * max(len(uid) - 4, 0) + uid[-4:] if len(uid) >= 8 else "*" * len(uid)


@dataclass(frozen=True, slots=True)
class Badge:
    """One entry of the list. ``uid`` in any usual spelling, ``comment`` 0 to 50 printable characters.

    ``number``: its place in the list, from 1 on; 0 for a badge that is in no list yet. Raises ``ValueError``.
    """

    uid: str
    type: BadgeType = BadgeType.USER
    comment: str = ""
    number: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "uid", normal_uid(self.uid))
        if len(self.comment) > COMMENT_LIMIT:
            raise ValueError(f"a badge's comment has at most {COMMENT_LIMIT} characters")
        if not self.comment.isprintable():
            raise ValueError("a badge's comment has printable characters only")
        if not 0 <= self.number <= NUMBER_LIMIT:
            raise ValueError(f"a badge's number is 1 to {NUMBER_LIMIT}")
