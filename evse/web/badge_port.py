"""The badge list as the web interface sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from evse.records import dataclass


class BadgeProblem(Exception):
    """The badge list is not changed. ``kind`` says why, the text and ``details`` tell people what to do."""

    def __init__(
        self, kind: Literal["unknown", "refused", "unavailable"], reason: str, details: Sequence[str] = ()
    ) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.details = kind, reason, tuple(details)


BadgeKind = Literal["User", "VIP", "Admin"]


@dataclass(frozen=True, slots=True)
class BadgeView:
    """One badge of the list. ``uid`` in upper-case hexadecimal."""

    number: int
    uid: str
    type: BadgeKind
    comment: str


@dataclass(frozen=True, slots=True)
class TeachingView:
    """Badges are being taught or deleted at the reader of ``outlet`` (0: at any); ends by itself after ``remaining_s``."""

    mode: Literal["add", "delete", "admin add", "admin delete"]
    outlet: int
    remaining_s: float
    added: int
    removed: int
    refused: int


@dataclass(frozen=True, slots=True)
class BadgesView:
    """The badge list in force. ``pending``: changes that are not stored yet; ``limit``: badges it can hold."""

    badges: tuple[BadgeView, ...]
    pending: int
    limit: int
    teaching: TeachingView | None = None


class BadgePort(Protocol):
    """The badge list of the station. Changes return when they are stored; everything raises BadgeProblem."""

    def view(self) -> BadgesView:
        """The list as it is."""

    async def add(self, uid: str, kind: BadgeKind, comment: str) -> None:
        """Put a badge into the list."""

    async def change(self, uids: Sequence[str], kind: BadgeKind | None, comment: str | None) -> None:
        """Give badges another type or comment, all or none of them."""

    async def remove(self, uids: Sequence[str]) -> None:
        """Remove badges, all or none of them."""

    async def remove_all(self) -> None:
        """Empty the list."""

    async def export(self) -> bytes:
        """The list as a file that any station takes."""

    async def take_file(self, data: bytes) -> int:
        """Replace the whole list by that of a file; returns how many badges it has."""

    def teach(self, mode: Literal["add", "delete"], outlet: int) -> TeachingView:
        """Teach or delete the badges that are held to the reader from now on."""

    def stop_teaching(self) -> None:
        """The readers serve charges again."""
