"""Frames of the pilot front end's serial line: bytes in, values out. No clock, no line, no exception for bad bytes.

The specification is ``docs/hardware/front-end-protocol.md``; a test compares its tables with the layouts below.

====  =======  ==========================================================================
byte  field    value
====  =======  ==========================================================================
0     start    0xA5
1     version  major in the high nibble, minor in the low one
2     sequence one more than the sender's last new frame, modulo 256
3     id       ``MessageId``
4     payload  fixed length per id, big endian
4+n   CRC      CRC-16/CCITT-FALSE over version, sequence, id and payload, high byte first
6+n   end      0x03
====  =======  ==========================================================================

A repetition of a frame that was not acknowledged keeps its sequence number and every byte.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from evse.records import dataclass
from hal.frames.crc import crc16_ccitt_false
from hal.frames.front_end_messages import (
    MAJOR,
    VERSION,
    Identity,
    Inquiry,
    Message,
    MessageId,
    State,
    message_id,
)
from hal.frames.front_end_payloads import PAYLOAD_LENGTH, parse_payload, parse_reading, payload_of
from hal.ports import (
    OutletReading,
)

START: Final = 0xA5
END: Final = 0x03
HEADER_LENGTH: Final = 4
TRAILER_LENGTH: Final = 3
OVERHEAD: Final = HEADER_LENGTH + TRAILER_LENGTH


class Order(IntEnum):
    """How a frame's sequence number relates to the frames before it."""

    NEW = 0
    REPEATED = 1
    """The same bytes as the frame before."""
    OLD = 2
    """A number that had its turn: a repetition sent after something else, or a stale frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One valid frame. ``order`` is the receiver's finding and not on the wire."""

    sequence: int
    message: Message
    version: int = VERSION
    order: Order = Order.NEW


def encode(frame: Frame) -> bytes:
    """Return the bytes of ``frame``."""
    body = bytes((frame.version, frame.sequence & 0xFF, message_id(frame.message))) + payload_of(frame.message)
    return bytes((START,)) + body + crc16_ccitt_false(body).to_bytes(2, "big") + bytes((END,))


@dataclass(frozen=True, slots=True)
class DecoderCounts:
    """What a decoder has seen since it was made.

    ``frames``: given out, repetitions included. ``skipped_bytes``: outside any frame. ``bad_crc``, ``wrong_end``: candidates thrown away.
    ``unknown_id``: start byte followed by an id this side does not receive. ``wrong_version``: sound frames of another
    major version. ``bad_value``: sound frames with a value that no version 1 sender may send. ``duplicates``: same
    bytes as the frame before. ``out_of_order``: an older sequence number (a repetition). ``lost``: sequence numbers
    that were jumped over. ``abandoned``: frames whose rest did not come in time.
    """

    frames: int = 0
    skipped_bytes: int = 0
    bad_crc: int = 0
    wrong_end: int = 0
    unknown_id: int = 0
    wrong_version: int = 0
    bad_value: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    lost: int = 0
    abandoned: int = 0


class Decoder:
    """Cuts a byte stream into frames and finds its way again after anything that is not one.

    A repetition is given out too, marked: its receiver acknowledges it once more without obeying it twice. IDENTITY
    and the INQUIRY for it open a connection, so the sequence is counted anew from them.
    """

    def __init__(self, receives: tuple[MessageId, ...]) -> None:
        """``receives``: the ids this side may receive (``HOST_IDS`` in the front end, ``FRONT_END_IDS`` in the host)."""
        self._lengths = {int(i): PAYLOAD_LENGTH[i] + OVERHEAD for i in receives}
        self.rest = bytearray()
        """Bytes of a frame that has begun and is not complete."""
        self._counts: dict[str, int] = {}
        self._last_body = b""
        self._last_sequence: int | None = None
        self._last_state = b""
        self._last_reading: OutletReading | None = None
        self.foreign_version: int | None = None
        """Version byte of the last sound frame, when it was of another major version."""

    @property
    def counts(self) -> DecoderCounts:
        """Frozen copy of the counters."""
        return DecoderCounts(**self._counts)

    def feed(self, data: bytes) -> list[Frame]:
        """Take in ``data`` and return the frames that it completes. Never raises for any byte string."""
        self.rest += data
        frames: list[Frame] = []
        while self._next(frames):
            pass
        return frames

    def abandon(self) -> None:
        """Give up a frame whose rest has not come within ``BYTE_GAP_US``; whole frames inside its bytes are lost."""
        if self.rest:
            self._count("abandoned")
            self._count("skipped_bytes", len(self.rest))
            self.rest.clear()

    def restart(self) -> None:
        """Forget the sequence and the rest of the line's bytes: this is another connection."""
        self.rest.clear()
        self._last_sequence = None
        self._last_body = b""

    def shift(self, frames: int) -> None:
        """Behave as if ``frames`` further frames had arrived in order."""
        if self._last_sequence is not None:
            self._last_sequence = (self._last_sequence + frames) & 0xFF
            self._last_body = b""
        self._count("frames", frames)

    def _count(self, name: str, by: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + by

    def _drop(self, length: int) -> None:
        del self.rest[:length]

    def _next(self, frames: list[Frame]) -> bool:
        """Take one step through the buffer; False when it needs more bytes."""
        buffer = self.rest
        start = buffer.find(START)
        if start != 0:
            skipped = len(buffer) if start < 0 else start
            if not skipped:
                return False
            self._count("skipped_bytes", skipped)
            self._drop(skipped)
        if len(buffer) < HEADER_LENGTH:
            return False
        length = self._lengths.get(buffer[3])
        if length is None:
            return self._reject("unknown_id")
        if len(buffer) < length:
            return False
        body = bytes(buffer[1 : length - TRAILER_LENGTH])
        if crc16_ccitt_false(body) != (buffer[length - 3] << 8 | buffer[length - 2]):
            return self._reject("bad_crc")
        if buffer[length - 1] != END:
            return self._reject("wrong_end")
        self._drop(length)
        self._accept(body, frames)
        return True

    def _reject(self, why: str) -> bool:
        """Not a frame: look for the next start byte right behind this one."""
        self._count(why)
        self._count("skipped_bytes")
        self._drop(1)
        return True

    def _accept(self, body: bytes, frames: list[Frame]) -> None:
        version, sequence = body[0], body[1]
        if version >> 4 != MAJOR:
            self.foreign_version = version
            self._count("wrong_version")
            return
        self.foreign_version = None
        try:
            message = self._parse(body)
        except ValueError:
            self._count("bad_value")
            self._order(body, sequence)
            return
        if isinstance(message, Identity) or (isinstance(message, Inquiry) and message.wanted is MessageId.IDENTITY):
            self._last_sequence = None
        frames.append(Frame(sequence, message, version, self._order(body, sequence)))
        self._count("frames")

    def _order(self, body: bytes, sequence: int) -> Order:
        repeated = body == self._last_body
        self._last_body = body
        step = 1 if self._last_sequence is None else (sequence - self._last_sequence) & 0xFF
        if step == 0 and repeated:
            self._count("duplicates")
            return Order.REPEATED
        if step == 0 or step > 0x80:
            self._count("out_of_order")
            return Order.OLD
        if step > 1:
            self._count("lost", step - 1)
        self._last_sequence = sequence
        return Order.NEW

    def _parse(self, body: bytes) -> Message:
        identifier, payload = body[2], body[3:]
        if identifier == MessageId.STATE:
            return self._parse_state(payload)
        return parse_payload(identifier, payload)

    def _parse_state(self, payload: bytes) -> State:
        """Most STATE frames repeat the one before except for the acknowledgement: reuse its reading."""
        accepted, content = payload[-1], payload[:-1]
        if content != self._last_state or self._last_reading is None:
            self._last_reading = parse_reading(payload)
            self._last_state = content
        return State(self._last_reading, accepted)
