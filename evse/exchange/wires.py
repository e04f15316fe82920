"""Frames of the wires on their way to somebody who watches: bounded, lossy, counted; nobody's safety depends on them.

Services ask with ``WatchWires`` and repeat it while somebody looks on; without a repetition the watch ends by itself, so
that a services process that died leaves nothing running. Control answers with ``WireFrames``. Frames that find no room
are dropped and counted: a reader that is too slow never holds control up.
"""

from __future__ import annotations

from typing import Final, Protocol

from evse.records import dataclass

MAX_WATCH_MS: Final = 60_000
"""Longest watch that one request may ask for."""
MAX_BATCH: Final = 64
"""Most frames in one message: with the longest frame of a card reader it still fits into a datagram."""


@dataclass(frozen=True, slots=True)
class WatchWires:
    """Show every frame for ``duration_ms`` from arrival (cut to 60 s); 0 ends the watch."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class WireFrame:
    """One frame: when (control's clock), on which wire, ``sent`` or ``received``, its bytes in hexadecimal."""

    at_us: int
    wire: str
    direction: str
    data: str


@dataclass(frozen=True, slots=True)
class WireFrames:
    """Frames in order; ``lost`` counts those that found no room since control started."""

    frames: tuple[WireFrame, ...]
    lost: int = 0


class WireSource(Protocol):
    """Where control's end of the exchange gets frames from."""

    def watch(self, duration_us: int, now_us: int) -> None:
        """Watch until ``now_us + duration_us``."""
        ...

    def take(self, now_us: int) -> WireFrames | None:
        """Frames since the last call, at most ``MAX_BATCH``; ``None`` when there are none or nobody watches."""
        ...

    def watching(self, now_us: int) -> bool:
        """Whether somebody watches; ends a watch whose time is over."""
        ...
