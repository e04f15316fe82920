"""The tests' central system on a real WebSocket at the loopback address, in a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.fakes.central_system import CentralSystem


class CentralServer:
    """Serves one station with ``system``. ``status``: HTTP status that refuses every handshake, 0 for none."""

    def __init__(self, *, port: int = 0, tls: ssl.SSLContext | None = None, subprotocols: bool = True) -> None:
        self.system = CentralSystem(utc_us=time.time_ns() // 1_000 - time.monotonic_ns() // 1_000)
        self.status = 0
        self.location = ""
        self.handshakes: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.port = port
        self._tls = tls
        self._subprotocols = subprotocols
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._connection: ServerConnection | None = None
        self.close_codes: list[int | None] = []
        """With which stations have closed their connections."""
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.run_forever()
        self._loop.close()

    async def _serve(self) -> None:
        self._server = await serve(
            self._handle, "127.0.0.1", self.port, ssl=self._tls, process_request=self._look, close_timeout=1,
            select_subprotocol=None if self._subprotocols else lambda _connection, _offered: None,
            subprotocols=["ocpp1.6"] if self._subprotocols else None,  # type: ignore[list-item]
        )  # fmt: skip
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._ready.set()

    def _look(self, _connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        self.handshakes.append(dict(request.headers.raw_items()))
        if not self.status:
            return None
        headers = Headers({"Location": self.location} if self.location else {})
        return Response(self.status, "no", headers, b"")

    async def _handle(self, connection: ServerConnection) -> None:
        self._connection = connection
        try:
            async for text in connection:
                assert isinstance(text, str)
                self.system.receive(time.monotonic_ns() // 1_000, text)
                await self._flush(connection)
        except ConnectionClosed:
            pass
        finally:
            self.close_codes.append(connection.close_code)
            if self._connection is connection:
                self._connection = None

    async def _flush(self, connection: ServerConnection) -> None:
        while self.system.outgoing:
            await connection.send(self.system.outgoing.popleft()[1])

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self.port}/ocpp"

    @property
    def connected(self) -> bool:
        """Whether a station is connected."""
        return self._connection is not None

    def call(self, action: str, payload: Mapping[str, Any] | None = None, timeout_s: float = 15) -> Any:
        """Send a request; return the answer's payload or its error's code."""
        unique_id = self.system.call(0, action, payload or {})
        connection = self._connection
        assert connection is not None
        asyncio.run_coroutine_threadsafe(self._flush(connection), self._loop).result(5)
        end = time.monotonic() + timeout_s
        while unique_id not in self.system.answers:
            assert time.monotonic() < end, f"no answer to {action}"
            time.sleep(0.01)
        return self.system.answers[unique_id]

    def send(self, message: str | bytes) -> None:
        """Send anything."""
        connection = self._connection
        assert connection is not None
        asyncio.run_coroutine_threadsafe(connection.send(message), self._loop).result(5)

    def flood(self, text: str, count: int) -> None:
        """Send a text very often, as fast as it goes."""
        connection = self._connection
        assert connection is not None

        async def send() -> None:
            for _ in range(count):
                await connection.send(text)

        asyncio.run_coroutine_threadsafe(send(), self._loop).result(30)

    def drop(self) -> None:
        """Cut the connection without a word."""
        connection = self._connection
        if connection is not None:
            self._loop.call_soon_threadsafe(connection.transport.abort)

    def close(self) -> None:
        """End it."""

        async def end() -> None:
            assert self._server is not None
            self._server.close()
            await self._server.wait_closed()
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
        self._thread.join(10)
