"""How the front end tells a repetition from a second order.

For each message id it remembers the last accepted order for 1 s. A frame with the same sequence number and content is
that order said again: it is acknowledged and not obeyed. A frame with an older number than the remembered one is stale.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from evse.records import dataclass
from hal.frames.front_end import Frame, Order
from hal.frames.front_end_messages import Message, MessageId, message_id
from hal.units import SECOND

MEMORY_US: Final = SECOND


class Judgement(Enum):
    """What to do with an order."""

    OBEY = "obey"
    ACKNOWLEDGE = "acknowledge"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class _Remembered:
    sequence: int
    message: Message
    at_us: int


class OrderMemory:
    """The last accepted order of each kind."""

    def __init__(self) -> None:
        self._last: dict[MessageId, _Remembered] = {}

    def judge(self, frame: Frame, now_us: int) -> Judgement:
        """Judge an order and remember it when it is to be obeyed."""
        identifier = message_id(frame.message)
        last = self._last.get(identifier)
        if frame.order is not Order.NEW and last is not None and now_us - last.at_us < MEMORY_US:
            if frame.sequence == last.sequence and frame.message == last.message:
                return Judgement.ACKNOWLEDGE
            if (frame.sequence - last.sequence) & 0xFF > 0x80 or frame.sequence == last.sequence:
                return Judgement.REFUSE
        elif frame.order is Order.REPEATED:
            return Judgement.ACKNOWLEDGE
        self._last[identifier] = _Remembered(frame.sequence, frame.message, now_us)
        return Judgement.OBEY
