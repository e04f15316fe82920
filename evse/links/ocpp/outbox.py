"""The outbox: messages about transactions that must reach the central system, once each and in order, whatever happens.

Rules (OCPP 1.6, 3.7 and 4.10; `TransactionMessageAttempts`, `TransactionMessageRetryInterval`):

- A message enters when what it tells is durable, and leaves when the central system has answered. Whoever owns the outbox
  makes both durable (:class:`Kept`, :class:`Dropped`); until then a restart brings it back, under the same message id.
- The order of one connector is never changed. Connectors do not wait for each other: a message that has to be tried again
  later holds up its own connector only.
- Only an answer that is an error counts as an attempt. A lost connection does not: the message goes again.
- `MeterValues` and `StopTransaction` carry the transaction id that the answer to `StartTransaction` gave. If that start was
  given up there is no id, nothing can be told of this transaction, and its messages are dropped and counted.
- Too many waiting `MeterValues` are thinned out: every second one of the transaction that has the most goes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from evse.core.units import NEVER, SECOND
from evse.records import dataclass
from evse.services.clock import Instant

METER_VALUES_KEPT: Final = 1_000
"""`MeterValues` that may wait at most; starts and stops are never thinned out."""


class Kind(StrEnum):
    """Actions that go through the outbox."""

    START = "StartTransaction"
    METER_VALUES = "MeterValues"
    STOP = "StopTransaction"


@dataclass(frozen=True, slots=True)
class Queued:
    """One message. ``number`` rises with time and names it for ever; ``payload`` lacks the transaction id."""

    number: int
    connector: int
    session_id: str
    kind: Kind
    payload: Mapping[str, Any]
    attempts: int = 0
    instants: tuple[Instant, ...] = ()
    """Every one that its payload holds: a message is dated by what those beside it know."""

    @property
    def unique_id(self) -> str:
        """Message id: the same at each attempt, so that a central system that remembers can tell a repetition."""
        return f"tx-{self.number}"


class Kept(NamedTuple):
    """To be made durable: the transaction of this session has got its id, and its start is delivered."""

    number: int
    session_id: str
    transaction_id: int


class Dropped(NamedTuple):
    """To be made durable: these messages are done with."""

    numbers: tuple[int, ...]


Change = Kept | Dropped


class RetryPolicy(NamedTuple):
    """`TransactionMessageAttempts` and `TransactionMessageRetryInterval`."""

    attempts: int = 3
    interval_us: int = 60 * SECOND


class Outbox:
    """State: what waits, and the ids of transactions that are not finished."""

    def __init__(self, waiting: Iterable[Queued] = (), transaction_ids: Mapping[str, int] | None = None) -> None:
        """Continue with what an earlier boot left, in order."""
        self._lanes: dict[int, deque[Queued]] = {}
        self._retry_us: dict[int, int] = {}
        self._in_flight: Queued | None = None
        self.transaction_ids = dict(transaction_ids or {})
        """By session, until its stop is delivered."""
        self.given_up = 0
        """Messages that were dropped undelivered since the start."""
        for message in waiting:
            self._lane(message.connector).append(message)
        self.stale = self._orphans()
        """What waited from an earlier boot and can never be told; to be dropped."""

    def _lane(self, connector: int) -> deque[Queued]:
        return self._lanes.setdefault(connector, deque())

    @property
    def waiting(self) -> tuple[Queued, ...]:
        """Everything that is not delivered, by number."""
        return tuple(sorted((each for lane in self._lanes.values() for each in lane), key=lambda each: each.number))

    @property
    def in_flight(self) -> Queued | None:
        """The message whose answer is awaited."""
        return self._in_flight

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def put(self, message: Queued) -> Dropped | None:
        """Take a message that is durable; return what has to go: itself when its transaction was given up, or others for it."""
        lane = self._lane(message.connector)
        started = message.session_id in self.transaction_ids or any(
            each.session_id == message.session_id for each in lane
        )
        if message.kind is not Kind.START and not started:
            self.given_up += 1
            return Dropped((message.number,))
        lane.append(message)
        return self._thin_out() if message.kind is Kind.METER_VALUES else None

    def _thin_out(self) -> Dropped | None:
        values = [each for each in self.waiting if each.kind is Kind.METER_VALUES]
        if len(values) <= METER_VALUES_KEPT:
            return None
        by_session: dict[str, list[Queued]] = {}
        for each in values:
            by_session.setdefault(each.session_id, []).append(each)
        most = max(by_session.values(), key=len)
        gone = {each.number for each in most[1::2] if each is not self._in_flight}
        for connector, lane in self._lanes.items():
            self._lanes[connector] = deque(each for each in lane if each.number not in gone)
        return Dropped(tuple(sorted(gone)))

    # --- sending ------------------------------------------------------------------------------------------------

    def next(self, now_us: int) -> tuple[str, Mapping[str, Any]] | None:
        """Return message id and complete payload of what may be sent now; it is in flight from then on."""
        if self._in_flight is not None:
            return None
        ready = [lane[0] for connector, lane in self._lanes.items() if lane and now_us >= self._due_us(connector)]
        if not ready:
            return None
        message = min(ready, key=lambda each: each.number)
        self._in_flight = message
        payload = dict(message.payload)
        if message.kind is not Kind.START:
            payload["transactionId"] = self.transaction_ids[message.session_id]
        return message.unique_id, payload

    def _orphans(self) -> Dropped | None:
        """Drop what can never be told: messages whose transaction has no id and whose start does not wait any more."""
        gone: list[int] = []
        for connector, lane in self._lanes.items():
            known = set(self.transaction_ids)
            kept: deque[Queued] = deque()
            for each in lane:
                if each.kind is Kind.START:
                    known.add(each.session_id)
                if each.session_id in known:
                    kept.append(each)
                else:
                    gone.append(each.number)
            self._lanes[connector] = kept
        self.given_up += len(gone)
        return Dropped(tuple(sorted(gone))) if gone else None

    def _due_us(self, connector: int) -> int:
        return self._retry_us.get(connector, -NEVER)

    def wake_us(self, now_us: int) -> int:
        """When something may be sent that may not now; ``NEVER`` while an answer is awaited or nothing waits."""
        if self._in_flight is not None:
            return NEVER
        return min((max(self._due_us(c), now_us) for c, lane in self._lanes.items() if lane), default=NEVER)

    # --- answers ------------------------------------------------------------------------------------------------

    def answered(self, payload: Mapping[str, Any]) -> tuple[Change, ...]:
        """The message in flight is delivered; ``payload`` is the answer, valid by its schema. Return what to make durable."""
        message = self._land()
        if message is None:
            return ()
        if message.kind is Kind.START:
            transaction_id = payload["transactionId"]
            self.transaction_ids[message.session_id] = transaction_id
            return (Kept(message.number, message.session_id, transaction_id),)
        if message.kind is Kind.STOP:
            self.transaction_ids.pop(message.session_id, None)
        return (Dropped((message.number,)),)

    def failed(self, now_us: int, policy: RetryPolicy) -> tuple[Change, ...]:
        """The central system has answered with an error; return what to make durable when that was the last attempt."""
        message = self._in_flight
        if message is None:
            return ()
        lane = self._lane(message.connector)
        tried = replace(message, attempts=message.attempts + 1)
        if tried.attempts < policy.attempts:
            lane[0] = tried
            self._in_flight = None
            self._retry_us[message.connector] = now_us + policy.interval_us * tried.attempts
            return ()
        self._land()
        self.given_up += 1
        if message.kind is Kind.STOP:
            self.transaction_ids.pop(message.session_id, None)
        orphans = self._orphans() if message.kind is Kind.START else None
        return (Dropped((message.number, *(orphans.numbers if orphans else ()))),)

    def lost(self) -> None:
        """The connection is gone: whether the message in flight has arrived is unknown, so it goes again."""
        self._in_flight = None
        self._retry_us.clear()

    def _land(self) -> Queued | None:
        message, self._in_flight = self._in_flight, None
        if message is not None:
            self._lane(message.connector).popleft()
            self._retry_us.pop(message.connector, None)
        return message
