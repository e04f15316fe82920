"""The wires as the web interface sees them: frames while somebody watches."""

from __future__ import annotations

from typing import Protocol

from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class WireLine:
    """One frame in words. ``at_us`` on control's clock; ``direction`` ``sent`` or ``received`` as control sees it."""

    at_us: int
    wire: str
    direction: str
    message: str
    text: str
    data: str
    """The frame's bytes in hexadecimal."""


@dataclass(frozen=True, slots=True)
class WireBatch:
    """Frames in order, and how many were lost before them."""

    lines: tuple[WireLine, ...]
    lost: int


class WireReader(Protocol):
    """One who watches the wires."""

    async def next(self, timeout_s: float) -> WireBatch:
        """What has come since the last call; an empty batch after ``timeout_s``."""

    def wake(self) -> None:
        """End the waiting of ``next`` now."""

    def close(self) -> None:
        """Watch no more."""


class WirePort(Protocol):
    """The frames on the station's wires. Control shows them only while somebody watches."""

    def open(self) -> WireReader | None:
        """Frames from now on for one more reader; ``None`` when every place is taken."""
