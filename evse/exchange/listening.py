"""The socket at which control finds services. The supervisor holds it, and loads nothing else of the exchange."""

from __future__ import annotations

import socket
from typing import Final

BACKLOG: Final = 4


def listen_at(path: str) -> socket.socket:
    """A listening socket at ``path`` for ``ServicesEnd``. Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        listener.bind(path)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
