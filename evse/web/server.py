"""The HTTP server, ready to be run on the application's own event loop.

Bounds: 64 connections (politely refused from 48 requests on), 10 s for a request's headers, 5 s for an idle
connection, 16 KiB of headers. No access log: it would write a line per request to a board's flash.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 64
LIMIT_CONCURRENCY = 48
HEADER_TIMEOUT_S = 10.0
IDLE_TIMEOUT_S = 5
STOP_TIMEOUT_S = 2
MAX_HEADER_BYTES = 16 * 1024


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 with a limit on connections and on the time until a request's headers are complete."""

    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the time from a request's first byte to the end of its headers."""
        if self._header_timer is None and self._waits_for_headers():
            self._arm()
        super().data_received(data)
        if not self._waits_for_headers():
            self._disarm()

    def _waits_for_headers(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _arm(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT_S, self._too_slow)

    def _disarm(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        self._header_timer = None
        if self._waits_for_headers():
            self.transport.abort()


class Server(uvicorn.Server):
    """Ends the open streams before it waits for connections to finish."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._streams = app.state.streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop taking requests, end the streams, wait a moment for the rest."""
        for streams in self._streams:
            streams.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to the application: the server does not touch them."""
        yield


def make_server(app: FastAPI, host: str, port: int) -> Server:
    """A server for :func:`evse.web.app.create_app`'s application, not yet started: ``await server.serve()``.

    ``port`` 0 takes a free one. Stop it by setting ``should_exit``.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        loop="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        limit_concurrency=LIMIT_CONCURRENCY,
        timeout_keep_alive=IDLE_TIMEOUT_S,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        backlog=64,
    )
    return Server(config, app)
