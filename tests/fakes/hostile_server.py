"""A server on loopback that plays a script: what it says at each step, or how it fails."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Play = Callable[[socket.socket], None]


@contextmanager
def hostile_server(play: Play) -> Iterator[int]:
    """Each connection is given to ``play`` in a thread; yields the port. Connections end with the block."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=_run, args=(play, connection), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()
        thread.join(5)


def _run(play: Play, connection: socket.socket) -> None:
    with suppress(OSError), connection:
        play(connection)


def silence(connection: socket.socket) -> None:
    """Take everything, say nothing."""
    while connection.recv(4096):
        pass


def drip(connection: socket.socket) -> None:
    """One byte at a time, for ever, never a line."""
    while True:
        connection.sendall(b"2")
        threading.Event().wait(0.05)


def chatter(line: bytes, size: int) -> Play:
    """The same line over and over, ``size`` bytes of it, then hang up."""

    def play(connection: socket.socket) -> None:
        connection.sendall(line * (size // len(line)))

    return play


def dialogue(*answers: bytes) -> Play:
    """Say the first answer at once and the others one per line received; hang up after the last."""

    def play(connection: socket.socket) -> None:
        connection.sendall(answers[0])
        for answer in answers[1:]:
            line = b""
            while not line.endswith(b"\n"):
                piece = connection.recv(1)
                if not piece:
                    return
                line += piece
            connection.sendall(answer)

    return play
