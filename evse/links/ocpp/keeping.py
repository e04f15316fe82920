"""Documents on their way to the disk: a flood of requests does not wear the flash out.

A document that the station itself changes is committed with the next step. One that a request changes goes with a commit that
is made anyway; else it has one of its own while ``AT_ONCE`` of them are left, then one every ``EVERY_US``, with the newest of
what has come meanwhile. A request is answered when what it has changed is durable; one that changes nothing at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from evse.core.units import NEVER, SECOND
from evse.links.ocpp.bucket import Bucket
from evse.services.journal import KeepDocument

AT_ONCE: Final = 20
EVERY_US: Final = 2 * SECOND
UNDER_WAY: Final = 4
"""So many commits of documents alone are under way at once: a disk that does not work is not piled up with them."""
WAITING: Final = 200
"""So many requests wait for the disk at once."""

Then = Callable[[], None]


class _Commit(NamedTuple):
    texts: dict[str, str]
    then: list[Then]


class Keeping:
    """State: documents that wait to be committed, who waits for them, and what is on the disk."""

    def __init__(self) -> None:
        self._durable: dict[str, str] = {}
        self._changed: dict[str, str] = {}
        self._then: list[Then] = []
        self._urgent = False
        self._under_way: deque[_Commit] = deque()
        self._turns = Bucket(AT_ONCE, EVERY_US)

    def load(self, durable: Mapping[str, str]) -> None:
        """These documents are on the disk."""
        self._durable.update(durable)

    def keep(self, name: str, text: str) -> None:
        """Commit with the next step, and with it all that waits."""
        self._changed[name] = text
        self._urgent = True

    def put(self, name: str, text: str, then: Then) -> bool:
        """Commit in its turn; ``then`` is called when it is durable, at once when that is on the disk already.

        Return false when too many wait: then it is never called.
        """
        waits = name in self._changed or any(name in each.texts for each in self._under_way)
        if not waits and self._durable.get(name, "") == text:
            then()
            return True
        self._changed[name] = text
        waiting = len(self._then) + sum(len(each.then) for each in self._under_way)
        if waiting < WAITING:
            self._then.append(then)
        return waiting < WAITING

    def waits(self, name: str) -> bool:
        """Whether a document waits to be committed."""
        return name in self._changed

    def take_along(self) -> list[KeepDocument]:
        """Return everything for a commit of which the end is not told: who waits goes on waiting for one that is."""
        writes = [KeepDocument(name, text) for name, text in self._changed.items()]
        if not self._then:
            self._changed.clear()
        for write in writes:
            self._durable.pop(write.name, None)
        return writes

    def take(self, now_us: int, *, anyway: bool) -> list[KeepDocument]:
        """Return what is to be committed now, ``anyway``: with a commit that is made in any case.

        For every commit that is made ``written`` is to be called when it is durable.
        """
        texts: dict[str, str] = {}
        then: list[Then] = []
        if self._changed and (anyway or self._may_commit(now_us)):
            texts, self._changed = self._changed, {}
            then, self._then, self._urgent = self._then, [], False
        if anyway or texts:
            self._under_way.append(_Commit(texts, then))
        return [KeepDocument(name, text) for name, text in texts.items()]

    def _may_commit(self, now_us: int) -> bool:
        return len(self._under_way) < UNDER_WAY and (self._urgent or self._turns.take(now_us))

    def written(self) -> None:
        """The oldest commit under way is durable."""
        commit = self._under_way.popleft()
        self._durable.update(commit.texts)
        for then in commit.then:
            then()

    def wake_us(self, now_us: int) -> int:
        """When something that waits has its turn."""
        if not self._changed or len(self._under_way) >= UNDER_WAY:
            return NEVER
        return now_us if self._urgent else self._turns.next_us(now_us)
