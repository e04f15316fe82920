"""Control's end of a trace: lines leave in one datagram per cycle, and nothing here ever waits.

==============================  =====================================================================================
what happens                    what this end does
==============================  =====================================================================================
the writer is slow              keeps up to ``WAITING`` datagrams; whatever does not fit is dropped and counted
there is room again             a ``gap`` line says how many lines are missing, then it goes on
the writer is gone              everything is dropped from then on; control goes on without a trace
==============================  =====================================================================================
"""

from __future__ import annotations

import json
import logging
import socket
from collections import deque
from collections.abc import Mapping
from typing import Final

_log = logging.getLogger(__name__)
WAITING: Final = 4096
"""At the densest traffic of two outlets about half a minute."""


class TraceFeed:
    """Takes the entries of ``evse.control.recording.Recorder``. ``fd``: a datagram-preserving stream socket."""

    def __init__(self, fd: int, waiting: int = WAITING) -> None:
        self._socket: socket.socket | None = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._limit = waiting
        self._lines: list[str] = []
        self._waiting: deque[bytes] = deque()
        self._seq = 0
        self._last_us = 0
        self.lost = 0
        """Lines dropped since the last one that left."""

    def note(self, t_us: int, source: str, kind: str, data: Mapping[str, object]) -> None:
        """Take one entry."""
        if self._socket is not None:
            self._last_us = t_us
            self._lines.append(self._line(t_us, source, kind, data))

    def flush(self) -> None:
        """Send what was taken, as one datagram, as far as the writer takes it."""
        lines, self._lines = self._lines, []
        if self._socket is None:
            return
        self._send()
        if lines and len(self._waiting) >= self._limit:
            self.lost += len(lines)
            return
        if self.lost and lines:
            lines.insert(0, self._line(self._last_us, "control", "gap", {"count": self.lost}))
            self.lost = 0
        if lines:
            self._waiting.append("".join(lines).encode("ascii"))
            self._send()

    def close(self) -> None:
        """Give the socket back; what still waits is dropped."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _line(self, t_us: int, source: str, kind: str, data: Mapping[str, object]) -> str:
        self._seq += 1
        entry = {"t": t_us, "seq": self._seq, "source": source, "type": kind, "data": data}
        return json.dumps(entry, ensure_ascii=True, separators=(",", ":")) + "\n"

    def _send(self) -> None:
        while self._waiting and self._socket is not None:
            try:
                self._socket.send(self._waiting[0])
            except BlockingIOError:
                return
            except OSError as error:
                _log.warning("the trace's writer is gone (%s): no trace from now on", error)
                self.close()
                self._waiting.clear()
                return
            self._waiting.popleft()
