"""The badge list for the web interface: the ``BadgePort`` of a running station."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Literal

from evse.core.units import SECOND
from evse.services.badges.badge import BADGE_LIMIT, Badge, BadgeType
from evse.services.badges.badge_book import Change
from evse.services.badges.badge_file import BadgeFileRefused, export_badges, import_badges
from evse.services.badges.badge_list import BadgeList, BadgeRefused, BadgeUnknown
from evse.services.badges.teaching import Teaching, TeachMode
from evse.services.card_desk import CardDesk
from evse.web.badge_port import BadgeKind, BadgeProblem, BadgesView, BadgeView, TeachingView

STORED_WITHIN_S: Final = 10.0
"""A change that is not stored by then is reported as waiting; it is not taken back."""


class StationBadges:
    """``flush`` sends what the desk has to say to control; ``clock`` is control's, in microseconds."""

    def __init__(
        self,
        desk: CardDesk,
        outlets: Sequence[int],
        flush: Callable[[], None],
        clock: Callable[[], int],
        stored_within_s: float = STORED_WITHIN_S,
    ) -> None:
        self._desk = desk
        self._outlets = tuple(outlets)
        self._flush = flush
        self._clock = clock
        self._stored_within_s = stored_within_s

    def view(self) -> BadgesView:
        """The list as it is."""
        self._loaded()
        teaching = self._desk.teaching
        return BadgesView(
            badges=tuple(badge_view(badge) for badge in self._desk.book.badges),
            pending=self._desk.book.pending,
            limit=BADGE_LIMIT,
            teaching=None if teaching is None else self._teaching_view(teaching),
        )

    async def add(self, uid: str, kind: BadgeKind, comment: str) -> None:
        """Put a badge into the list."""
        try:
            badge = Badge(uid, BadgeType(kind), comment)
        except ValueError as error:
            raise BadgeProblem("refused", str(error)) from error
        await self._change(lambda badges: badges.added(badge))

    async def change(self, uids: Sequence[str], kind: BadgeKind | None, comment: str | None) -> None:
        """Give badges another type or comment, all or none of them."""
        type_ = None if kind is None else BadgeType(kind)
        await self._change(lambda badges: badges.changed_all(uids, type_, comment))

    async def remove(self, uids: Sequence[str]) -> None:
        """Remove badges, all or none of them."""
        await self._change(lambda badges: badges.removed(uids))

    async def remove_all(self) -> None:
        """Empty the list."""
        await self._change(lambda _badges: BadgeList())

    async def export(self) -> bytes:
        """The list as a file that any station takes."""
        self._loaded()
        return await asyncio.to_thread(export_badges, self._desk.book.badges)

    async def take_file(self, data: bytes) -> int:
        """Replace the whole list by that of a file."""
        try:
            new = await asyncio.to_thread(import_badges, data)
        except BadgeFileRefused as error:
            lines = [f"line {each.line}: {each.reason}" for each in error.errors]
            raise BadgeProblem("refused", "the file is refused, the list stays as it was", lines) from error
        await self._change(lambda _badges: new)
        return len(new)

    def teach(self, mode: Literal["add", "delete"], outlet: int) -> TeachingView:
        """Teach or delete the badges that are held to the reader from now on."""
        self._loaded()
        if outlet not in (0, *self._outlets):
            raise BadgeProblem("unknown", f"there is no outlet {outlet}", [str(number) for number in self._outlets])
        teaching = self._desk.begin_teaching(TeachMode(mode), outlet, self._clock())
        self._flush()
        return self._teaching_view(teaching)

    def stop_teaching(self) -> None:
        """The readers serve charges again."""
        self._desk.end_teaching()
        self._flush()

    async def _change(self, change: Change) -> None:
        self._loaded()
        stored = asyncio.get_running_loop().create_future()

        def done() -> None:
            if not stored.done():
                stored.set_result(None)

        try:
            self._desk.book.change(change, done)
        except BadgeUnknown as error:
            raise BadgeProblem("unknown", str(error)) from error
        except BadgeRefused as error:
            raise BadgeProblem("refused", str(error)) from error
        try:
            await asyncio.wait_for(stored, self._stored_within_s)
        except TimeoutError:
            reason = "the change waits: the disk does not take it; it comes into force as soon as it is stored"
            raise BadgeProblem("unavailable", reason) from None

    def _loaded(self) -> None:
        if not self._desk.book.loaded:
            raise BadgeProblem("unavailable", "the badge list is not read yet")

    def _teaching_view(self, teaching: Teaching) -> TeachingView:
        remaining_us = max(teaching.until_us - self._clock(), 0)
        return TeachingView(
            mode=teaching.mode.value,
            outlet=teaching.outlet,
            remaining_s=round(remaining_us / SECOND, 1),
            added=teaching.added,
            removed=teaching.removed,
            refused=teaching.refused,
        )


def badge_view(badge: Badge) -> BadgeView:
    """A badge as the web interface shows it."""
    return BadgeView(badge.number, badge.uid, badge.type.value, badge.comment)
