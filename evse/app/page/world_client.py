"""Clients of the world process's socket: one that waits (command line, start of services), one for asyncio (web)."""

from __future__ import annotations

import json
import socket
from typing import Any, Final

ANSWER_LIMIT: Final = 4 * 1024 * 1024
TIMEOUT_S: Final = 10.0


class WorldGone(Exception):
    """The world does not answer; the text says why, for people."""


def ask_world(path: str, request: dict[str, Any], timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """Send one request and return the answer. Raises WorldGone."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path)
            connection.sendall(json.dumps(request).encode() + b"\n")
            data = bytearray()
            while not data.endswith(b"\n"):
                piece = connection.recv(65_536)
                if not piece or len(data) > ANSWER_LIMIT:
                    raise WorldGone("the simulated world closed the connection")
                data += piece
    except OSError as error:
        raise WorldGone(f"the simulated world does not answer: {error}") from error
    return _object(bytes(data))


def _object(data: bytes) -> dict[str, Any]:
    answer = json.loads(data)
    if not isinstance(answer, dict):
        raise WorldGone("the simulated world answered something else than an object")
    return answer
