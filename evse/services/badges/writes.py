"""What the badge list and the cache of authorised identifiers ask of a journal, as writes of a commit."""

from __future__ import annotations

from typing import Final

from evse.records import dataclass
from evse.services.badges.badge import Badge

AUTHORISED_KEPT: Final = 500
"""Identifiers in the cache; the one that was authorised longest ago goes first (EVlink commissioning guide DOCA0060)."""


@dataclass(frozen=True, slots=True)
class FactoryBadges:
    """The list from the factory: does nothing at a station that has been given it before, whatever became of it."""

    badges: tuple[Badge, ...]


@dataclass(frozen=True, slots=True)
class PutBadges:
    """These badges are in the list with this type, comment and number; each replaces the one with its identifier."""

    badges: tuple[Badge, ...]


@dataclass(frozen=True, slots=True)
class RemoveBadges:
    """Badges with these identifiers are not in the list any more."""

    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Authorised:
    """An identifier that the supervision has accepted.

    ``expires_utc_us``: UTC in microseconds since 1970 from when on it does not count any more, ``None`` without end.
    ``group``: the group it belongs to at the supervision, whose members may end each other's charges; empty for none.
    """

    uid: str
    expires_utc_us: int | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class RememberAuthorised:
    """The supervision has accepted an identifier: it is the newest of the cache."""

    entry: Authorised


@dataclass(frozen=True, slots=True)
class ForgetAuthorised:
    """The supervision refuses an identifier; an empty one empties the cache."""

    uid: str = ""


BadgeWrite = FactoryBadges | PutBadges | RemoveBadges | RememberAuthorised | ForgetAuthorised
