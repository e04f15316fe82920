"""Requests of the station: one in flight, each answered, refused or given up within its time (OCPP-J 1.6, 4.1.1).

A station must not send a second CALL before the first is answered or has timed out. What waits here belongs to one
connection: when that ends everything is given up, and whoever asked decides whether to ask again. Transaction messages
wait in the outbox instead and only pass through here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from evse.core.units import NEVER
from evse.links.ocpp.frame import Call, CallError, CallResult, ErrorCode
from evse.links.ocpp.schemas import PayloadError, check
from evse.records import dataclass

WAITING_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended: with a payload that fits its schema, with an error, or with neither (time-out, lost connection)."""

    payload: Mapping[str, Any] | None = None
    error: CallError | None = None

    @property
    def refused(self) -> bool:
        """The central system has answered that it could not: asking the same again rarely helps."""
        return self.error is not None


UNANSWERED: Final = Answer()
Payload = Mapping[str, Any]
Then = Callable[[Answer], None]


def ignore(_answer: Answer) -> None:
    """For a request whose answer says nothing."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    action: str
    payload: Payload | Callable[[], Payload]
    then: Then


class Requests:
    """State: the request in flight and those that wait. ``prefix`` makes message ids unique over boots."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0
        self._waiting: deque[_Waiting] = deque()
        self._in_flight: tuple[Call, Then] | None = None
        self._deadline_us = NEVER
        self.timeouts = 0
        """Requests in a row that nobody answered."""
        self.dropped = 0

    @property
    def free(self) -> bool:
        """Whether a request may be sent."""
        return self._in_flight is None

    @property
    def action(self) -> str:
        """Action of the request in flight, empty without one."""
        return "" if self._in_flight is None else self._in_flight[0].action

    @property
    def waiting(self) -> int:
        """How many wait to be sent."""
        return len(self._waiting)

    def ask(
        self, action: str, payload: Payload | Callable[[], Payload], then: Then = ignore, *, first: bool = False
    ) -> None:
        """Queue a request; ``first``: before all that wait. With too many waiting the oldest is given up.

        A payload that tells a state of now is a function: it is called when the request is sent.
        """
        if len(self._waiting) >= WAITING_LIMIT:
            self.dropped += 1
            self._waiting.popleft().then(UNANSWERED)
        entry = _Waiting(action, payload, then)
        if first:
            self._waiting.appendleft(entry)
        else:
            self._waiting.append(entry)

    def next(self, now_us: int, timeout_us: int) -> Call | None:
        """Return the request to send now; it is in flight from then on."""
        if self._in_flight is not None or not self._waiting:
            return None
        entry = self._waiting.popleft()
        self._count += 1
        payload = entry.payload() if callable(entry.payload) else entry.payload
        call = Call(f"{self._prefix}-{self._count}", entry.action, payload)
        self.sent(now_us, call, entry.then, timeout_us)
        return call

    def sent(self, now_us: int, call: Call, then: Then, timeout_us: int) -> None:
        """``call`` is in flight."""
        self._in_flight, self._deadline_us = (call, then), now_us + timeout_us

    def take(self, frame: CallResult | CallError) -> bool:
        """Take an answer; false when nobody asked, or not any more. A payload that its schema forbids is an error."""
        if self._in_flight is None or self._in_flight[0].unique_id != frame.unique_id:
            return False
        call, then = self._land()
        self.timeouts = 0
        if isinstance(frame, CallError):
            then(Answer(error=frame))
            return True
        try:
            check(call.action, frame.payload, answer=True)
        except PayloadError as error:
            then(Answer(error=CallError(frame.unique_id, ErrorCode.FORMATION_VIOLATION, str(error))))
        else:
            then(Answer(frame.payload))
        return True

    def expire(self, now_us: int) -> bool:
        """Give up what was not answered in time; true when there was something."""
        if self._in_flight is None or now_us < self._deadline_us:
            return False
        self.timeouts += 1
        _, then = self._land()
        then(UNANSWERED)
        return True

    def lost(self) -> None:
        """The connection is gone, and with it everything that was asked."""
        gone = [each.then for each in self._waiting]
        self._waiting.clear()
        if self._in_flight is not None:
            gone.insert(0, self._land()[1])
        self.timeouts = 0
        for then in gone:
            then(UNANSWERED)

    def wake_us(self) -> int:
        """When the one in flight is given up."""
        return self._deadline_us

    def _land(self) -> tuple[Call, Then]:
        landed, self._in_flight, self._deadline_us = self._in_flight, None, NEVER
        if landed is None:
            raise RuntimeError("no request is in flight")
        return landed
