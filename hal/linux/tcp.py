"""TCP connections as byte links: to a Modbus TCP meter, and the meter's own end. Nothing here waits.

| what happens                                  | what the user of the link sees                            |
|-----------------------------------------------|-----------------------------------------------------------|
| no connection yet, refused, unreachable       | ``LinkLostError``; the next try is 2 s later              |
| connection under way                          | ``LinkLostError`` until it is there, at most 5 s          |
| closed or reset by the other side             | ``LinkLostError``, then as above                          |
| the kernel's output buffer is full            | the rest of the chunk is dropped and counted              |
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Final

from hal.units import SECOND
from hal.wires import LinkLostError

RETRY_US: Final = 2 * SECOND
CONNECT_US: Final = 5 * SECOND
_CHUNK: Final = 4096
_UNDER_WAY: Final = (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK)


class _TcpLink:
    """One connection at a time."""

    def __init__(self) -> None:
        self.dropped_bytes = 0
        self._socket: socket.socket | None = None

    def fileno(self) -> int:
        """File descriptor to wait on, -1 while there is none."""
        return -1 if self._socket is None else self._socket.fileno()

    def read(self, now_us: int) -> bytes:
        """Return everything that has arrived. Raises LinkLostError while there is no connection."""
        connection = self._connected(now_us)
        try:
            data = connection.recv(_CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lose(error.strerror or str(error), now_us) from error
        if not data:
            raise self._lose("closed by the other side", now_us)
        return data

    def write(self, data: bytes, now_us: int) -> None:
        """Send ``data``; what the kernel cannot take now is dropped. Raises LinkLostError while there is no connection."""
        connection = self._connected(now_us)
        try:
            written = connection.send(data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            raise self._lose(error.strerror or str(error), now_us) from error
        self.dropped_bytes += len(data) - written

    def close(self) -> None:
        """End the connection. A later read or write begins a new one."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _connected(self, now_us: int) -> socket.socket:
        raise NotImplementedError

    def _lose(self, reason: str, now_us: int) -> LinkLostError:
        self.close()
        return LinkLostError(reason)


class TcpClientLink(_TcpLink):
    """A ``ByteLink`` to ``host`` (an IPv4 or IPv6 address; names would have to wait for an answer) and ``port``."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.host: Final = host
        self.port: Final = port
        self._there = False
        self._give_up_us = self._again_us = 0
        self._reason = "not connected yet"

    def _connected(self, now_us: int) -> socket.socket:
        if self._socket is None:
            if now_us < self._again_us:
                raise LinkLostError(f"{self.host}:{self.port}: {self._reason}")
            self._begin(now_us)
        if self._socket is None:
            raise LinkLostError(f"{self.host}:{self.port}: {self._reason}")
        if not self._there:
            self._finish(self._socket, now_us)
        return self._socket

    def _begin(self, now_us: int) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._there, self._give_up_us = False, now_us + CONNECT_US
        try:
            code = self._socket.connect_ex((self.host, self.port))
        except OSError as error:
            raise self._lose(error.strerror or str(error), now_us) from error
        if code not in (0, *_UNDER_WAY):
            raise self._lose(os.strerror(code), now_us)

    def _finish(self, connection: socket.socket, now_us: int) -> None:
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise self._lose(os.strerror(code), now_us)
        try:
            connection.getpeername()
        except OSError as error:
            if now_us < self._give_up_us:
                raise LinkLostError(f"{self.host}:{self.port}: connecting") from error
            raise self._lose("no answer", now_us) from error
        self._there = True

    def _lose(self, reason: str, now_us: int) -> LinkLostError:
        self.close()
        self._reason, self._again_us = reason, now_us + RETRY_US
        return LinkLostError(f"{self.host}:{self.port}: {reason}")


class TcpServerLink(_TcpLink):
    """The far end of a connection: listens on ``host`` and ``port`` (0: any free one). The newest connection counts."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(4)
        self._listener.setblocking(False)
        self.port: Final = int(self._listener.getsockname()[1])

    def filenos(self) -> tuple[int, ...]:
        """Descriptors to wait on: listener and connection."""
        return tuple(fd for fd in (self._listener.fileno(), self.fileno()) if fd >= 0)

    def stop(self) -> None:
        """End the connection and listen no more."""
        self.close()
        self._listener.close()

    def _connected(self, now_us: int) -> socket.socket:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            pass
        except OSError as error:
            raise LinkLostError(str(error)) from error
        else:
            self.close()
            connection.setblocking(False)
            self._socket = connection
        if self._socket is None:
            raise LinkLostError("nobody is connected")
        return self._socket
