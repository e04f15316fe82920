"""What the supervisor tells people: one output stream that never holds up who writes to it.

Lines wait in a bounded queue for a thread that does nothing but write them. Whoever reads the other end of our output may
stall or go away, and the station must not notice:

| the reader      | what happens                                                                            |
|-----------------|-----------------------------------------------------------------------------------------|
| reads           | every line comes out at once                                                            |
| stalls          | lines wait, up to ``LIMIT_LINES``; further ones are dropped, counted and told of later   |
| is gone         | output ends; later lines are dropped                                                    |
"""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from typing import Final, TextIO

LIMIT_LINES: Final = 256
_END: Final = ""


def descriptor(stream: TextIO | None) -> int:
    """The descriptor behind ``sys.stdout`` or ``sys.stderr``; -1 when the program was started without it."""
    return -1 if stream is None else stream.fileno()


class Console:
    """Writes lines to the descriptor ``fd``, which stays open; -1: there is no output.

    Past Python's own buffered streams: a thread that hangs in one of those holds a lock the interpreter needs to end.
    """

    def __init__(self, fd: int, limit_lines: int = LIMIT_LINES) -> None:
        self.dropped = 0
        self._fd = fd
        self._told = 0
        self._broken = False
        self._lines: queue.Queue[str] = queue.Queue(limit_lines)
        self._thread = threading.Thread(target=self._work, name="console", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Write ``text`` (one or more lines, without the last line's end) soon. Never waits, never raises."""
        try:
            self._lines.put_nowait(text + "\n")
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float) -> bool:
        """Write what waits, for at most ``timeout_s``; returns whether all was written. Nothing may be said afterwards."""
        end_s = time.monotonic() + timeout_s
        try:
            self._lines.put(_END, timeout=max(timeout_s, 0.0))
        except queue.Full:
            return False
        self._thread.join(max(end_s - time.monotonic(), 0.0))
        return not self._thread.is_alive() and not self._broken

    def _work(self) -> None:
        while (text := self._lines.get()) != _END:
            self._write(text)
            if self.dropped > self._told:
                lost, self._told = self.dropped - self._told, self.dropped
                self._write(f"evse: {lost} lines were dropped here, because nobody read them\n")

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        while data and not self._broken:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                # Somebody who shares the open file made it non-blocking.
                select.select([], [self._fd], [])
            except OSError:
                self._broken = True
