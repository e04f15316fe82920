"""Wires: what a driver hangs on. A driver never knows whether a wire is real.

``ByteLink`` is a serial line. Real ones live in ``hal.linux`` (pyserial, pseudo-terminals), simulated ones in
``hal.twins.null_modem``; drivers and twins use the same two calls.
"""

from __future__ import annotations

from typing import Protocol


class LinkLostError(OSError):
    """The other end of the line is gone: unplugged adapter, closed pseudo-terminal, end of file."""


class ByteLink(Protocol):
    """A full-duplex byte line that never blocks."""

    def read(self, now_us: int) -> bytes:
        """Return every byte that has arrived up to ``now_us``, ``b""`` when there is none.

        Raises LinkLostError while the line is gone; a later call may find it back.
        """
        ...

    def write(self, data: bytes, now_us: int) -> None:
        """Queue ``data`` for sending. Raises LinkLostError while the line is gone (nothing was sent)."""
        ...
