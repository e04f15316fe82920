"""A null modem: a serial line in memory, with the time a real one takes.

Two ends, ``left`` and ``right``, each a ``hal.wires.ByteLink``. What one end writes arrives at the other after its
transmission time: 10 bits per byte (8N1) at ``baud``. Each direction has its own queue; bytes written while earlier
ones are still on the way follow them without a gap. ``read(now)`` returns every byte that has arrived completely, so a
chunk may be read in pieces. A component attached to an end is woken when the last byte of each chunk written to it has
arrived.

The line can be cut and restored (both ends raise ``LinkLostError`` while it is cut; bytes on the way are lost) and can
damage the next chunks of a direction: bytes altered, left out, or the whole chunk sent twice.

As a part of a renewal loop the line is steady while nothing is on the way and no damage is waiting.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Final

from evse.records import dataclass
from hal.scheduling import ANY_PERIOD, Stepped, Waker
from hal.units import NEVER, SECOND
from hal.wires import LinkLostError

BITS_PER_BYTE: Final = 10

WireTap = Callable[[int, str, bytes], None]
"""Called with (time of the last byte, direction ``left>right`` or ``right>left``, chunk) for each chunk put on the line."""


@dataclass(slots=True)
class LineCounters:
    """What one end has sent. ``chunks`` are calls of ``write``: one frame each for drivers that write whole frames."""

    chunks: int = 0
    sent_bytes: int = 0
    read_bytes: int = 0
    lost_bytes: int = 0
    damaged_chunks: int = 0


@dataclass(slots=True)
class _Chunk:
    data: bytes
    first_at: int
    """Time at which transmission of the first byte begins."""
    read: int = 0


class LineEnd:
    """One end of a null modem, a ``ByteLink``. Made by ``NullModem``."""

    def __init__(self, modem: NullModem, name: str) -> None:
        self.name = name
        self.counters = LineCounters()
        self._modem = modem
        self._peer: LineEnd | None = None
        self._reader: Stepped | None = None
        self._incoming: deque[_Chunk] = deque()
        self._busy_until = 0
        self._damage: deque[Callable[[bytes], bytes]] = deque()

    def attach(self, component: Stepped | None) -> None:
        """Wake ``component`` when a chunk written by the other end has arrived here; ``None`` wakes nobody."""
        self._reader = component

    def read(self, now_us: int) -> bytes:
        """Return every byte that has arrived up to ``now_us``; raises LinkLostError while the line is cut."""
        if self._modem.is_cut:
            raise LinkLostError(f"{self._modem.name}: line is cut")
        if not self._incoming:
            return b""
        data = bytearray()
        while self._incoming:
            chunk = self._incoming[0]
            arrived = min(len(chunk.data), self._modem.bytes_in(now_us - chunk.first_at))
            data += chunk.data[chunk.read : arrived]
            chunk.read = max(chunk.read, arrived)
            if arrived < len(chunk.data):
                break
            self._incoming.popleft()
        self.counters.read_bytes += len(data)
        return bytes(data)

    def write(self, data: bytes, now_us: int) -> None:
        """Put ``data`` on the line behind what is still being sent; raises LinkLostError while the line is cut."""
        if self._modem.is_cut:
            raise LinkLostError(f"{self._modem.name}: line is cut")
        if not data:
            return
        self.counters.chunks += 1
        self.counters.sent_bytes += len(data)
        if self._damage:
            self.counters.damaged_chunks += 1
            damaged = self._damage.popleft()(data)
            self.counters.lost_bytes += max(0, len(data) - len(damaged))
            data = damaged
        peer = self._peer
        if not data or peer is None:
            return
        begin = max(now_us, self._busy_until)
        self._busy_until = begin + self._modem.transmission_us(len(data))
        peer._receive(_Chunk(data, begin), self._busy_until)
        self._modem.tapped(self._busy_until, f"{self.name}>{peer.name}", data)

    @property
    def last_byte_us(self) -> int:
        """When the last byte written at this end arrived, or will arrive, at the other."""
        return self._busy_until

    def shift(self, delta_us: int) -> None:
        """Behave as if the last byte had been written ``delta_us`` later."""
        self._busy_until += delta_us

    def in_flight(self) -> int:
        """Number of bytes on the way to this end or waiting to be read."""
        return sum(len(chunk.data) - chunk.read for chunk in self._incoming)

    def _receive(self, chunk: _Chunk, complete_at: int) -> None:
        self._incoming.append(chunk)
        if self._reader is not None:
            self._modem.waker.wake(self._reader, complete_at)

    def _cut(self) -> None:
        self.counters.lost_bytes += self.in_flight()
        self._incoming.clear()
        self._busy_until = 0
        if self._reader is not None:
            self._modem.waker.wake(self._reader, 0)

    def _wake_reader(self) -> None:
        if self._reader is not None:
            self._modem.waker.wake(self._reader, 0)


class NullModem:
    """A serial line between ``left`` (by custom the driver) and ``right`` (the device's twin)."""

    def __init__(self, waker: Waker, baud: int = 115_200, name: str = "line") -> None:
        """``baud``: 1 to 4 000 000. Raises ValueError outside."""
        if not 1 <= baud <= 4_000_000:
            raise ValueError(f"{name}: baud {baud} is not within 1 to 4000000")
        self.name = name
        self.baud: Final = baud
        self.waker = waker
        self.is_cut = False
        self.left = LineEnd(self, "left")
        self.right = LineEnd(self, "right")
        self.left._peer, self.right._peer = self.right, self.left
        self._tap: WireTap | None = None

    def tap(self, listener: WireTap | None) -> None:
        """Show every chunk put on the line to ``listener``."""
        self._tap = listener

    def tapped(self, at_us: int, direction: str, data: bytes) -> None:
        """Tell the tap about a chunk; for the line's ends."""
        if self._tap is not None:
            self._tap(at_us, direction, data)

    def transmission_us(self, count: int) -> int:
        """Time that ``count`` bytes take, rounded up to whole microseconds."""
        return -(-count * BITS_PER_BYTE * SECOND // self.baud)

    def bytes_in(self, span_us: int) -> int:
        """Number of bytes completely transmitted within ``span_us`` (0 for a negative span)."""
        return max(0, span_us * self.baud // (BITS_PER_BYTE * SECOND))

    def cut(self) -> None:
        """Unplug the line: bytes on the way are lost, both ends raise LinkLostError from now on. Both are woken."""
        self.is_cut = True
        self.left._cut()
        self.right._cut()

    def restore(self) -> None:
        """Plug the line again, empty. Both ends are woken."""
        self.is_cut = False
        self.left._wake_reader()
        self.right._wake_reader()

    def corrupt(self, count: int, stream: random.Random, sender: str = "right") -> None:
        """Alter one byte in each of the next ``count`` chunks that ``sender`` (``left`` or ``right``) writes."""
        self._end(sender)._damage.extend(_alter(stream) for _ in range(count))

    def drop(self, count: int, stream: random.Random | None = None, sender: str = "right") -> None:
        """Lose the next ``count`` chunks of ``sender``: whole ones, or with ``stream`` a random run of their bytes."""
        self._end(sender)._damage.extend(_lose(stream) for _ in range(count))

    def duplicate(self, count: int, sender: str = "right") -> None:
        """Send each of the next ``count`` chunks of ``sender`` twice, one behind the other."""
        self._end(sender)._damage.extend(_twice for _ in range(count))

    @property
    def quiet_since_us(self) -> int:
        """When the last byte in either direction arrived, or will arrive."""
        return max(self.left.last_byte_us, self.right.last_byte_us)

    def steady_period_us(self) -> int:
        """``ANY_PERIOD`` while nothing is on the way, the line is whole and no damage waits; 0 otherwise."""
        for end in (self.left, self.right):
            if end._incoming or end._damage:
                return 0
        return 0 if self.is_cut else ANY_PERIOD

    def next_renewal_us(self) -> int:
        """``NEVER``: a line sends nothing by itself."""
        return NEVER

    def essential_wake_us(self) -> int:
        """``NEVER``: arrivals are explicit wakes."""
        return NEVER

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        """Move the last renewal's end; the byte counters keep counting real bytes only."""
        self.left.shift(delta_us)
        self.right.shift(delta_us)
        return 0

    def _end(self, name: str) -> LineEnd:
        if name not in ("left", "right"):
            raise ValueError(f"{self.name}: no end called {name}, only left and right")
        return self.left if name == "left" else self.right


def _alter(stream: random.Random) -> Callable[[bytes], bytes]:
    def alter(data: bytes) -> bytes:
        damaged = bytearray(data)
        damaged[stream.randrange(len(data))] ^= stream.randrange(1, 256)
        return bytes(damaged)

    return alter


def _lose(stream: random.Random | None) -> Callable[[bytes], bytes]:
    def lose(data: bytes) -> bytes:
        if stream is None:
            return b""
        start = stream.randrange(len(data))
        return data[:start] + data[start + stream.randrange(1, len(data) - start + 1) :]

    return lose


def _twice(data: bytes) -> bytes:
    return data + data
