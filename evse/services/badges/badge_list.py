"""The list of badges as one immutable value, and the rules for changing it.

- An identifier is in the list once; at most ``BADGE_LIMIT`` badges.
- A new badge takes the number after the highest, or, where that is the last there is, the lowest free one; the numbers of
  the others never change.
- The last Admin badge neither goes nor becomes something else while other badges stay: without one nobody could manage
  them at the reader any more. A second Admin badge is needed for that. Emptying the list, or replacing it whole by an
  import, is allowed.

A change gives a new list or raises ``BadgeRefused``, and then nothing has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import field, replace

from evse.records import dataclass
from evse.services.badges.badge import BADGE_LIMIT, NUMBER_LIMIT, Badge, BadgeType, mask_uid, normal_uid
from evse.services.badges.writes import BadgeWrite, PutBadges, RemoveBadges


class BadgeRefused(ValueError):
    """The list may not become what was asked for; the text says why and what to do."""


class BadgeUnknown(BadgeRefused):
    """There is no such badge in the list."""


@dataclass(frozen=True, slots=True)
class BadgeList:
    """Badges in the order of their numbers. Those without a number get the next ones. Raises ``BadgeRefused``."""

    badges: tuple[Badge, ...] = ()
    _by_uid: dict[str, Badge] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        badges = _numbered(self.badges)
        if len(badges) > BADGE_LIMIT:
            raise BadgeRefused(f"the list holds at most {BADGE_LIMIT} badges, this would be {len(badges)}: remove some")
        object.__setattr__(self, "badges", badges)
        object.__setattr__(self, "_by_uid", _index(badges))

    def __len__(self) -> int:
        return len(self.badges)

    def __iter__(self) -> Iterator[Badge]:
        return iter(self.badges)

    def find(self, uid: str) -> Badge | None:
        """The badge with this identifier in upper-case hexadecimal, if it is in the list; any text is allowed."""
        return self._by_uid.get(uid.upper())

    def added(self, badge: Badge) -> BadgeList:
        """With one more badge; it gets the next number."""
        if self.find(badge.uid) is not None:
            raise BadgeRefused(f"badge {mask_uid(badge.uid)} is in the list already")
        return BadgeList((*self.badges, replace(badge, number=0)))

    def changed(self, uid: str, type_: BadgeType | None = None, comment: str | None = None) -> BadgeList:
        """With another type or comment of one badge."""
        return self.changed_all((uid,), type_, comment)

    def changed_all(
        self, uids: Collection[str], type_: BadgeType | None = None, comment: str | None = None
    ) -> BadgeList:
        """With another type or comment of several badges, all or none of them."""
        known = self._known(uids)
        new = []
        for badge in self.badges:
            if badge.uid in known:
                text = badge.comment if comment is None else comment
                try:
                    badge = replace(badge, type=badge.type if type_ is None else type_, comment=text)  # noqa: PLW2901
                except ValueError as error:
                    raise BadgeRefused(str(error)) from error
            new.append(badge)
        return self._with_admin(BadgeList(tuple(new)))

    def removed(self, uids: Collection[str]) -> BadgeList:
        """Without these badges, all or none of them."""
        known = self._known(uids)
        return self._with_admin(BadgeList(tuple(badge for badge in self.badges if badge.uid not in known)))

    def with_admin(self, uid: str) -> BadgeList:
        """With this identifier as an Admin badge, whatever it was before: the master card of a THØR.

        A full list, or a text that is no identifier, stays as it is: nobody is there who could be told.
        """
        try:
            known = self.find(uid) is not None
            return self.changed(uid, BadgeType.ADMIN) if known else self.added(Badge(uid, BadgeType.ADMIN))
        except ValueError:
            return self

    def may_go(self, uid: str) -> bool:
        """Whether the badge could be removed alone."""
        try:
            self.removed((uid,))
        except BadgeRefused:
            return False
        return True

    def _known(self, uids: Collection[str]) -> set[str]:
        known = set()
        for text in uids:
            try:
                uid = normal_uid(text)
            except ValueError as error:
                raise BadgeUnknown(str(error)) from error
            if uid not in self._by_uid:
                raise BadgeUnknown(f"badge {mask_uid(uid)} is not in the list")
            known.add(uid)
        return known

    def _with_admin(self, new: BadgeList) -> BadgeList:
        if new.badges and self._has_admin and not new._has_admin:
            raise BadgeRefused(
                "the last Admin badge stays: without it nobody could manage badges at the reader; "
                "make another badge Admin first, or remove all badges"
            )
        return new

    @property
    def _has_admin(self) -> bool:
        return any(badge.type is BadgeType.ADMIN for badge in self.badges)


def writes_between(old: BadgeList, new: BadgeList) -> list[BadgeWrite]:
    """What a store must do to get from one list to the other."""
    gone = tuple(badge.uid for badge in old if new.find(badge.uid) is None)
    put = tuple(badge for badge in new if old.find(badge.uid) != badge)
    writes: list[BadgeWrite] = []
    if gone:
        writes.append(RemoveBadges(gone))
    if put:
        writes.append(PutBadges(put))
    return writes


def _numbered(badges: Iterable[Badge]) -> tuple[Badge, ...]:
    given = list(badges)
    free = _free({badge.number for badge in given})
    numbered, taken = [], set()
    for badge in given:
        if badge.number == 0:
            badge = replace(badge, number=next(free))  # noqa: PLW2901
        if badge.number in taken:
            raise BadgeRefused(f"number {badge.number} is in the list twice")
        taken.add(badge.number)
        numbered.append(badge)
    return tuple(sorted(numbered, key=lambda badge: badge.number))


def _free(used: set[int]) -> Iterator[int]:
    """Numbers for new badges: those after the highest in use, then those that are left below."""
    highest = max(used, default=0)
    yield from range(highest + 1, NUMBER_LIMIT + 1)
    yield from (number for number in range(1, highest) if number not in used)


def _index(badges: Iterable[Badge]) -> dict[str, Badge]:
    by_uid: dict[str, Badge] = {}
    for badge in badges:
        if badge.uid in by_uid:
            raise BadgeRefused(f"badge {mask_uid(badge.uid)} is in the list twice")
        by_uid[badge.uid] = badge
    return by_uid
