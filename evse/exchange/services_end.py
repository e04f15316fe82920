"""Services' end of the exchange: accepts control's connection and serves it on an asyncio event loop.

There is one control, a child of our own parent: whoever else connects is turned away, because its first message would end
control's connection and so every running session. A new connection replaces the one before, because control connects anew only when it has given up
the old one. The first message of a connection must be ``Hello``. Messages that cannot be understood are counted and
ignored. What control does not take waits here, bounded: beyond the bound the connection is closed, so that the next one
repeats everything that matters.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

from evse.exchange.envelope import (
    MESSAGE_LIMIT_BYTES,
    Envelope,
    ExchangeError,
    FromServices,
    Hello,
    decode_from_control,
    encode_from_services,
)
from evse.exchange.snapshot import StationView
from evse.exchange.wires import WireFrames

_log = logging.getLogger(__name__)
WAITING_LIMIT: Final = 1024
_TAKE_AT_ONCE: Final = 64
STRANGER_LOG_S: Final = 1.0
"""Shortest time between two log lines about strangers."""
_CREDENTIALS: Final = struct.Struct("3i")


class ExchangeHandler(Protocol):
    """Whom the end tells what control says. Called on the event loop; must not block and must not raise."""

    def hello(self, hello: Hello) -> None:
        """A connection begins."""
        ...

    def envelope(self, envelope: Envelope) -> None:
        """One event."""
        ...

    def view(self, view: StationView) -> None:
        """The newest Snapshot."""
        ...

    def wires(self, frames: WireFrames) -> None:
        """Frames of the wires, while somebody watches."""
        ...

    def disconnected(self) -> None:
        """Control is gone; ``hello`` comes next."""
        ...


def is_sibling(pid: int) -> bool:
    """Whether ``pid`` is a child of our own parent. One that has ended or cannot be seen is not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        # The second field is the program's name in parentheses and may contain anything.
        return int(stat.rpartition(b")")[2].split()[1]) == os.getppid()
    except (OSError, ValueError, IndexError):
        return False


def peer_pid(connection: socket.socket) -> int:
    """The process that connected, as the kernel noted it then. Raises OSError."""
    noted = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(noted)[0])


class ServicesEnd:
    """Serves ``listener`` for ``handler`` until ``close``. To be made inside a running event loop.

    ``allowed`` tells from a process id whether that process may be control.
    """

    def __init__(
        self, listener: socket.socket, handler: ExchangeHandler, *, allowed: Callable[[int], bool] = is_sibling
    ) -> None:
        self.bad_messages = 0
        self.strangers = 0
        self.connections = 0
        self._listener = listener
        self._handler = handler
        self._allowed = allowed
        self._stranger_log_s = float("-inf")
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._greeted = False
        self._waiting: deque[bytes] = deque()
        self._writing = False
        listener.setblocking(False)
        self._loop.add_reader(listener.fileno(), self._accept)

    @property
    def connected(self) -> bool:
        """Whether control is connected and has said ``Hello``."""
        return self._greeted

    def send(self, messages: Iterable[FromServices]) -> bool:
        """Send in order; returns whether there was a connection to send on."""
        if self._socket is None or not self._greeted:
            return False
        for message in messages:
            try:
                self._waiting.append(encode_from_services(message))
            except ExchangeError as error:
                _log.error("exchange: %s cannot be sent: %s", type(message).__name__, error)
        self._flush()
        if len(self._waiting) > WAITING_LIMIT:
            _log.error("exchange: control takes nothing; the connection is closed")
            self._drop()
        return self._socket is not None

    def close(self) -> None:
        """Stop serving. The listening socket stays open: it belongs to whoever made it."""
        self._loop.remove_reader(self._listener.fileno())
        self._drop()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if not self._trusted(connection):
            connection.close()
            return
        self._drop()
        connection.setblocking(False)
        self.connections += 1
        self._socket = connection
        self._loop.add_reader(connection.fileno(), self._readable)

    def _trusted(self, connection: socket.socket) -> bool:
        try:
            pid = peer_pid(connection)
        except OSError:
            pid = 0
        if self._allowed(pid):
            return True
        self.strangers += 1
        now_s = self._loop.time()
        if now_s - self._stranger_log_s >= STRANGER_LOG_S:
            self._stranger_log_s = now_s
            _log.warning("exchange: process %d is not control: turned away (%d so far)", pid, self.strangers)
        return False

    def _readable(self) -> None:
        for _ in range(_TAKE_AT_ONCE):
            if self._socket is None:
                return
            try:
                data = self._socket.recv(MESSAGE_LIMIT_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._drop()
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            message = decode_from_control(data)
        except ExchangeError as error:
            self.bad_messages += 1
            _log.warning("exchange: message from control ignored: %s", error)
            return
        if isinstance(message, Hello):
            self._greeted = True
            self._handler.hello(message)
        elif not self._greeted:
            self.bad_messages += 1
            _log.warning("exchange: %s before Hello ignored", type(message).__name__)
        elif isinstance(message, Envelope):
            self._handler.envelope(message)
        elif isinstance(message, WireFrames):
            self._handler.wires(message)
        else:
            self._handler.view(message)

    def _flush(self) -> None:
        while self._waiting and self._socket is not None:
            try:
                self._socket.send(self._waiting[0])
            except BlockingIOError:
                if not self._writing:
                    self._writing = True
                    self._loop.add_writer(self._socket.fileno(), self._flush)
                return
            except OSError:
                self._drop()
                return
            self._waiting.popleft()
        self._stop_writing()

    def _stop_writing(self) -> None:
        if self._writing and self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())
        self._writing = False

    def _drop(self) -> None:
        if self._socket is None:
            return
        self._stop_writing()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._socket = None
        self._waiting.clear()
        greeted, self._greeted = self._greeted, False
        if greeted:
            self._handler.disconnected()
