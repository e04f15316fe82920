"""Host frames that wait for their acknowledgement: which ones, for how long, and when they are said again.

====================  ============  ===========================  =======================================
message               said again    given up                     acknowledged by
====================  ============  ===========================  =======================================
CONTROL, DISPLAY      every 50 ms   never; once a second after    STATE with its sequence number
                                    ten times
LOCK, SHUTTER,        every 50 ms   after ten times (a late       STATE with its sequence number
RCD_TEST, BEEP,                     action would surprise)
SWITCH_X2
INQUIRY for STATE     every 50 ms   after ten times               STATE with its sequence number
INQUIRY for           every 50 ms   after ten times; the driver   DIP_SWITCHES with its sequence number
DIP_SWITCHES                        asks anew
INQUIRY for IDENTITY  (by the connection, every 100 ms)           IDENTITY
OPEN                  every 20 ms   after 25 times                STATE with its sequence number that shows coils
                                                                  and mirror contacts open
====================  ============  ===========================  =======================================

HOLD is not in this list on purpose: a permission is never repeated, only given anew. A repetition has the sequence
number and the bytes of the original, so that the front end can tell it from a second order. A newer order of a kind
takes the place of an older one.
"""

from __future__ import annotations

from typing import Final

from evse.records import dataclass
from hal.frames.front_end import Frame
from hal.frames.front_end_messages import MessageId, State, message_id
from hal.units import MS, NEVER, SECOND

RETRY_US: Final = 50 * MS
RETRIES: Final = 10
SLOW_RETRY_US: Final = SECOND
OPEN_RETRY_US: Final = 20 * MS
OPEN_RETRIES: Final = 25
_LEVELS: Final = (MessageId.CONTROL, MessageId.DISPLAY)
"""What holds until it is said otherwise: never given up."""


@dataclass(slots=True)
class _Waiting:
    frame: Frame
    sent_at_us: int
    retries: int = 0

    def due_us(self) -> int:
        """When this frame is to be said again or given up."""
        identifier = message_id(self.frame.message)
        if identifier is MessageId.OPEN:
            return self.sent_at_us + OPEN_RETRY_US
        if identifier in _LEVELS and self.retries >= RETRIES:
            return self.sent_at_us + SLOW_RETRY_US
        return self.sent_at_us + RETRY_US

    def exhausted(self) -> bool:
        """Whether this frame has been said often enough."""
        identifier = message_id(self.frame.message)
        if identifier is MessageId.OPEN:
            return self.retries >= OPEN_RETRIES
        return identifier not in _LEVELS and self.retries >= RETRIES


class WaitingOrders:
    """The unacknowledged frames of one connection, at most one per message id."""

    def __init__(self) -> None:
        self._waiting: dict[MessageId, _Waiting] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __contains__(self, identifier: MessageId) -> bool:
        return identifier in self._waiting

    def add(self, frame: Frame, now_us: int) -> None:
        """``frame`` was sent for the first time."""
        self._waiting[message_id(frame.message)] = _Waiting(frame, now_us)

    def forget(self, identifier: MessageId) -> None:
        """Stop waiting for this kind of order."""
        self._waiting.pop(identifier, None)

    def clear(self) -> None:
        """Forget all: this connection has ended."""
        self._waiting.clear()

    def acknowledge(self, state: State) -> None:
        """Take out what ``state`` acknowledges."""
        for identifier, waiting in tuple(self._waiting.items()):
            if waiting.frame.sequence != state.accepted:
                continue
            reading = state.reading
            still_closed = reading.coil_energised or reading.mirror_closed or reading.domestic_mirror_closed
            if identifier is not MessageId.OPEN or not still_closed:
                del self._waiting[identifier]

    def answered(self, identifier: MessageId, accepted: int) -> None:
        """An order was answered by a message of its own that carries the sequence number ``accepted``."""
        waiting = self._waiting.get(identifier)
        if waiting is not None and waiting.frame.sequence == accepted:
            del self._waiting[identifier]

    def take_due(self, now_us: int) -> tuple[list[Frame], int]:
        """Return the frames to be said again now, and how many were given up."""
        again: list[Frame] = []
        given_up = 0
        for identifier, waiting in tuple(self._waiting.items()):
            if now_us < waiting.due_us():
                continue
            if waiting.exhausted():
                del self._waiting[identifier]
                given_up += 1
                continue
            waiting.retries += 1
            waiting.sent_at_us = now_us
            again.append(waiting.frame)
        return again, given_up

    def next_due_us(self) -> int:
        """When to call ``take_due`` next."""
        return min((waiting.due_us() for waiting in self._waiting.values()), default=NEVER)
