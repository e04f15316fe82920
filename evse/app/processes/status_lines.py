"""The reading end of a child's pipe: whole lines, without waiting, bounded."""

from __future__ import annotations

import json
import os
from typing import Any, Final

LINE_LIMIT: Final = 16 * 1024


class StatusLines:
    """Reads lines from ``fd``, which it owns. ``fd`` is -1 after the end of the pipe."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._rest = b""
        os.set_blocking(fd, False)

    def read(self) -> list[str]:
        """Every line that has come in since the last call."""
        data = b""
        while self.fd >= 0:
            try:
                piece = os.read(self.fd, 65_536)
            except BlockingIOError:
                break
            except OSError:
                piece = b""
            if not piece:
                self.close()
                break
            data += piece
            if len(data) > 16 * LINE_LIMIT:
                break
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if self._rest and (self.fd < 0 or len(self._rest) > LINE_LIMIT):
            lines.append(self._rest)
            self._rest = b""
        return [line.decode(errors="replace") for line in lines]

    def close(self) -> None:
        """Close the pipe."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    @staticmethod
    def message(line: str) -> dict[str, Any] | None:
        """The JSON object in ``line``, ``None`` when there is none."""
        try:
            found = json.loads(line)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None
