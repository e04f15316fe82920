"""A small server for one JSON object per line over a Unix stream socket, for a loop that selects.

A line is at most 64 KiB, an answer at most what a client reads in time: a client that does not read is dropped when
1 MiB waits for it. At most 16 clients; one more replaces the oldest. Requests are answered in order, but an answer may come
later (``answer`` is a function that the handler may keep).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

LINE_LIMIT: Final = 64 * 1024
ANSWER_LIMIT: Final = 1024 * 1024
MAX_CLIENTS: Final = 16

Request = dict[str, Any]
Answer = Callable[[dict[str, Any]], None]
Handler = Callable[[Request, Answer], None]


class _Client:
    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.incoming = b""
        self.outgoing = b""
        self.closed = False

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.socket.close()


class JsonLineServer:
    """Listens at ``path`` (mode 0600). ``handler`` gets each request and a function to answer it with."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._handler = handler
        self._clients: list[_Client] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        path.unlink(missing_ok=True)
        self._listener.bind(os.fspath(path))
        path.chmod(0o600)
        self._listener.listen(8)

    def readers(self) -> list[int]:
        """Descriptors to wait on for reading."""
        return [self._listener.fileno(), *(client.socket.fileno() for client in self._clients)]

    def writers(self) -> list[int]:
        """Descriptors to wait on for writing."""
        return [client.socket.fileno() for client in self._clients if client.outgoing]

    def run(self) -> None:
        """Do whatever is possible now. To be called after each wait."""
        self._accept()
        for client in tuple(self._clients):
            self._read(client)
            self._write(client)
        self._clients = [client for client in self._clients if not client.closed]

    def close(self) -> None:
        """Close everything."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setblocking(False)
            self._clients.append(_Client(connection))
            if len(self._clients) > MAX_CLIENTS:
                self._clients.pop(0).close()

    def _read(self, client: _Client) -> None:
        if client.closed:
            return
        try:
            data = client.socket.recv(LINE_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            client.close()
            return
        client.incoming += data
        while b"\n" in client.incoming:
            line, _, client.incoming = client.incoming.partition(b"\n")
            self._handle(client, line)
        if len(client.incoming) > LINE_LIMIT:
            client.close()

    def _handle(self, client: _Client, line: bytes) -> None:
        def answer(message: dict[str, Any]) -> None:
            client.outgoing += json.dumps(message).encode() + b"\n"
            if len(client.outgoing) > ANSWER_LIMIT:
                client.close()
            self._write(client)

        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            answer({"ok": False, "kind": "bad", "reason": "expected one JSON object per line"})
            return
        self._handler(request, answer)

    def _write(self, client: _Client) -> None:
        while client.outgoing and not client.closed:
            try:
                sent = client.socket.send(client.outgoing)
            except BlockingIOError:
                return
            except OSError:
                client.close()
                return
            client.outgoing = client.outgoing[sent:]
