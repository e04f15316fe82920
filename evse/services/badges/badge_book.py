"""The station's badge list as services use it: what is durable counts, what is under way follows in order.

A change is checked against everything that was changed before it, stored, and in force only when it is durable. While
the disk cannot write, changes wait and the list stays as it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from evse.services.badges.badge import Badge
from evse.services.badges.badge_list import BadgeList, writes_between
from evse.services.badges.writes import BadgeWrite
from evse.services.journal import Journal

Change = Callable[[BadgeList], BadgeList]
"""Makes another list of the present one, or raises ``BadgeRefused``."""


class BadgeBook:
    """The badge list of one station. Empty and closed to changes until it is loaded."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._durable = BadgeList()
        self._planned = BadgeList()
        self._under_way: deque[BadgeList] = deque()
        self.loaded = False

    @property
    def badges(self) -> BadgeList:
        """The list in force."""
        return self._durable

    @property
    def pending(self) -> int:
        """Changes that are not durable yet."""
        return len(self._under_way)

    def find(self, uid: str) -> Badge | None:
        """The entry in force of an identifier."""
        return self._durable.find(uid)

    def load(self) -> None:
        """Begin with what the journal has. Raises ``JournalError``."""
        if not self.loaded:
            self._durable = self._planned = BadgeList(self._journal.badges())
            self.loaded = True

    def change(self, change: Change, done: Callable[[], None]) -> BadgeList:
        """Apply ``change``; ``done`` is called when it is in force. Returns the list to come; raises ``BadgeRefused``."""
        writes = self.plan(change)

        def durable() -> None:
            self.settle()
            done()

        self._journal.commit(writes, durable)
        return self._planned

    def plan(self, change: Change) -> list[BadgeWrite]:
        """What to store for ``change``, for a caller with a commit of his own; he calls ``settle`` when it is durable.

        Commits become durable in the order of the plans. Raises ``BadgeRefused``.
        """
        new = change(self._planned)
        writes = writes_between(self._planned, new)
        self._planned = new
        self._under_way.append(new)
        return writes

    def settle(self) -> None:
        """The oldest plan is durable."""
        self._durable = self._under_way.popleft()

    @property
    def planned(self) -> BadgeList:
        """The list once every change under way is durable."""
        return self._planned
