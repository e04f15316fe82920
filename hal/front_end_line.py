"""A byte line seen as frames of the pilot front end's protocol; both ends use it.

It numbers outgoing frames, gives up frames that were cut short, and shows every frame to a hook. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from hal.frames.front_end import Decoder, DecoderCounts, Frame, encode
from hal.frames.front_end_messages import BYTE_GAP_US, Message, MessageId
from hal.units import NEVER
from hal.wires import ByteLink, LinkLostError

FrameHook = Callable[[int, str, Frame], None]
"""Called with (now_us, ``"tx"`` or ``"rx"``, frame) for every frame sent or received."""


class FrontEndLine:
    """One end of the line."""

    def __init__(self, link: ByteLink, receives: tuple[MessageId, ...], on_frame: FrameHook | None = None) -> None:
        """``receives``: the ids this end may receive. ``on_frame`` may be changed at any time."""
        self._link = link
        self._receives = receives
        self.on_frame = on_frame
        self._decoder = Decoder(receives)
        self._sequence = 0
        self._byte_at_us = -NEVER
        self.sent = 0
        """Frames sent, repetitions included."""
        self.sent_at_us = -NEVER
        """When the last frame was sent."""

    @property
    def counts(self) -> DecoderCounts:
        """What the decoder counted."""
        return self._decoder.counts

    @property
    def partial(self) -> bool:
        """Whether a frame has begun to arrive and is not complete."""
        return bool(self._decoder.rest)

    @property
    def foreign_major(self) -> int | None:
        """Major version of the last sound frame that was not of ours, since ``restart``."""
        version = self._decoder.foreign_version
        return None if version is None else version >> 4

    def read(self, now_us: int) -> list[Frame]:
        """Return the frames that have arrived. Raises LinkLostError while the line is gone, and starts anew then."""
        try:
            data = self._link.read(now_us)
        except LinkLostError:
            self._decoder.restart()
            raise
        if not data:
            if now_us >= self.gap_ends_us():
                self._decoder.abandon()
            return []
        self._byte_at_us = now_us
        frames = self._decoder.feed(data)
        if self.on_frame is not None:
            for frame in frames:
                self.on_frame(now_us, "rx", frame)
        return frames

    def discard(self, now_us: int) -> None:
        """Throw away what has arrived. Raises LinkLostError while the line is gone."""
        self._decoder.abandon()
        self._link.read(now_us)

    def send(self, message: Message, now_us: int) -> Frame:
        """Send ``message`` under a new sequence number. Raises LinkLostError while the line is gone."""
        frame = Frame(self._sequence, message)
        self._sequence = (self._sequence + 1) & 0xFF
        self.send_again(frame, now_us)
        return frame

    def send_again(self, frame: Frame, now_us: int) -> None:
        """Repeat ``frame`` byte for byte. Raises LinkLostError while the line is gone."""
        self._link.write(encode(frame), now_us)
        self.sent += 1
        self.sent_at_us = now_us
        if self.on_frame is not None:
            self.on_frame(now_us, "tx", frame)

    def restart(self) -> None:
        """Another conversation begins: nothing received before counts for it."""
        self._decoder.restart()

    def begin_anew(self) -> None:
        """Forget everything, counters and own numbering included: this end has been restarted."""
        self._decoder = Decoder(self._receives)
        self._sequence = 0

    def gap_ends_us(self) -> int:
        """When a frame that has begun is to be given up; ``NEVER`` while none has."""
        return self._byte_at_us + BYTE_GAP_US if self._decoder.rest else NEVER

    def shift(self, periods: int, delta_us: int) -> None:
        """Behave as if ``periods`` frames each way had passed in ``delta_us``."""
        self.sent += periods
        self.sent_at_us += delta_us
        self._byte_at_us += delta_us
        self._sequence = (self._sequence + periods) & 0xFF
        self._decoder.shift(periods)
