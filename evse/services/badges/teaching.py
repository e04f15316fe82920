"""Teaching badges by holding them to the reader (EVlink commissioning guide DOCA0060, chapter 5).

=========  =======================================================================================================
mode       begun by, and what a card does
=========  =======================================================================================================
add        By a person with the list before him. A card that is not in the list is added as a User badge.
delete     By the same. A card of the list is removed, the last Admin badge excepted.
admin add  By an Admin badge at a free outlet's reader. As ``add``.
admin del. By an Admin badge held again while adding. Only User badges are removed. Held once more: the end.
=========  =======================================================================================================

Each mode ends by itself 30 s after the last card that had an effect. What does not fit is refused with the tone of a refused
card and changes nothing. Control reads cards for services during that time (``ReadCards``); its time ends with ours, so
nothing stays behind when services die.

Pure: time is an argument, the list too; the caller changes the list.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Final

from evse.core.units import SECOND
from evse.records import dataclass
from evse.services.badges.badge import Badge, BadgeType
from evse.services.badges.badge_book import Change
from evse.services.badges.badge_list import BadgeList, BadgeRefused

WINDOW_US: Final = 30 * SECOND


class TeachMode(StrEnum):
    """What happens to a card."""

    ADD = "add"
    DELETE = "delete"
    ADMIN_ADD = "admin add"
    ADMIN_DELETE = "admin delete"


_BY_ADMIN: Final = (TeachMode.ADMIN_ADD, TeachMode.ADMIN_DELETE)


@dataclass(frozen=True, slots=True)
class Teaching:
    """A time in which cards are taught or deleted. ``outlet`` 0: at every reader. Counts what was done in it."""

    mode: TeachMode
    outlet: int
    until_us: int
    added: int = 0
    removed: int = 0
    refused: int = 0

    def concerns(self, outlet: int) -> bool:
        """Whether the reader of ``outlet`` is used."""
        return self.outlet in (0, outlet)


@dataclass(frozen=True, slots=True)
class Taught:
    """What one card does: the teaching that goes on (``None``: it ends), the change of the list, or why there is none."""

    teaching: Teaching | None
    change: Change | None = None
    refusal: str = ""


def begun(mode: TeachMode, outlet: int, now_us: int) -> Teaching:
    """A new teaching."""
    return Teaching(mode, outlet, now_us + WINDOW_US)


def card(teaching: Teaching, uid: str, badges: BadgeList, now_us: int) -> Taught:
    """A card was held to the reader; ``badges`` is the list as it will be once everything under way is stored."""
    badge = badges.find(uid)
    if teaching.mode in _BY_ADMIN and badge is not None and badge.type is BadgeType.ADMIN:
        adding = teaching.mode is TeachMode.ADMIN_ADD
        following = replace(teaching, mode=TeachMode.ADMIN_DELETE, until_us=now_us + WINDOW_US) if adding else None
        return Taught(following)
    try:
        if teaching.mode in (TeachMode.ADD, TeachMode.ADMIN_ADD):
            new = Badge(uid)
            badges.added(new)
            going_on = replace(teaching, added=teaching.added + 1, until_us=now_us + WINDOW_US)
            return Taught(going_on, lambda planned: planned.added(new))
        if badge is not None and teaching.mode is TeachMode.ADMIN_DELETE and badge.type is not BadgeType.USER:
            raise BadgeRefused("at the reader only User badges are removed")
        badges.removed((uid,))
    except ValueError as error:
        return Taught(replace(teaching, refused=teaching.refused + 1), refusal=str(error))
    going_on = replace(teaching, removed=teaching.removed + 1, until_us=now_us + WINDOW_US)
    return Taught(going_on, lambda planned: planned.removed((uid,)))
