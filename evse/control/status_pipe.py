"""How a child process speaks to its supervisor: a status pipe and log lines, both without ever waiting.

Status pipe: one line of text per message. ``.`` is a heartbeat: "a whole round of my loop is done". Everything else is a
JSON object, the first one ``{"ready": true, ...}``. A heartbeat is sent by the loop itself and by no timer, so that a
process that hangs goes silent.

Log: the process's standard error, a pipe that the supervisor reads. A full pipe drops lines and counts them: a terminal
that somebody has stopped must not stop control.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from types import TracebackType
from typing import Any, Final

HEARTBEAT_US: Final = 200_000


class StatusPipe:
    """The writing end of a status pipe; ``fd`` -1 makes it mute (a process started by hand)."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._next_us = 0
        if fd >= 0:
            os.set_blocking(fd, False)

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; lost when the pipe is full or closed."""
        self._write(json.dumps(message).encode() + b"\n")

    def heartbeat(self, now_us: int) -> int:
        """Send a heartbeat when one is due; return when the next one is."""
        if now_us >= self._next_us:
            self._next_us = now_us + HEARTBEAT_US
            self._write(b".\n")
        return self._next_us

    def _write(self, data: bytes) -> None:
        if self._fd < 0:
            return
        try:
            os.write(self._fd, data)
        except OSError:
            pass  # full: the next heartbeat serves as well; closed: the process ends with its parent


class PipeLogHandler(logging.Handler):
    """Writes log lines to a file descriptor that is set non-blocking; counts what did not fit."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self.dropped = 0
        self._fd = fd

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one or more lines."""
        try:
            os.write(self._fd, (self.format(record) + "\n").encode(errors="replace"))
        except (OSError, ValueError):
            self.dropped += 1


def log_to_supervisor(level: int = logging.INFO) -> None:
    """Send this process's log, and what ends it, to standard error without ever waiting for a reader."""
    fd = sys.stderr.fileno()
    os.set_blocking(fd, False)
    handler = PipeLogHandler(fd)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # A line for each transition of each state machine: the events say the same, better.
    logging.getLogger("transitions").setLevel(logging.WARNING)

    def died(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        root.critical("ends by %s", kind.__name__, exc_info=(kind, error, trace))

    sys.excepthook = died
