"""The server on a real socket: its bounds on slow and many connections, and its stop."""

from __future__ import annotations

import asyncio
import socket

import pytest

from evse.web import server as web_server
from evse.web.app import create_app
from evse.web.server import MAX_CONNECTIONS, Server, make_server
from tests.fakes.web_fake import FakeRecords, FakeStation, station_view

pytestmark = [pytest.mark.real, pytest.mark.anyio]
REQUEST = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Served:
    """A server in this loop, for the length of a ``with``."""

    async def __aenter__(self) -> Served:
        app = create_app(FakeStation(station_view()), None, FakeRecords())
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.server: Server = make_server(app, "127.0.0.1", self.port)
        self.task = asyncio.create_task(self.server.serve([self.socket]))
        while not self.server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.should_exit = True
        await asyncio.wait_for(self.task, 10)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Everything until the other side closes, or resets."""
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionResetError:
        return b""


async def test_headers_that_dribble_in_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "HEADER_TIMEOUT_S", 0.3)
    async with Served() as served:
        silent, silent_writer = await served.connect()
        slow, slow_writer = await served.connect()
        slow_writer.write(REQUEST + b"GET / HTTP/1.1\r\nHost:")
        assert b"200 OK" in await slow.readuntil(b"\r\n\r\n")
        assert await ended(silent) == b""
        assert b"HTTP/1.1" not in await ended(slow)
        silent_writer.close()
        slow_writer.close()


async def test_an_open_stream_is_not_taken_for_a_slow_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "HEADER_TIMEOUT_S", 0.2)
    async with Served() as served:
        reader, writer = await served.connect()
        writer.write(b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.readuntil(b'"outlets"')
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readuntil(b"never"), 0.6)
        assert not reader.at_eof()
    assert reader.at_eof() or b"0\r\n\r\n" in await ended(reader)
    writer.close()


async def test_connections_are_bounded_and_room_comes_back() -> None:
    async with Served() as served:
        held = [await served.connect() for _ in range(MAX_CONNECTIONS)]
        one_more, extra = await served.connect()
        assert await ended(one_more) == b""
        extra.close()
        for _, writer in held:
            writer.close()
        while served.server.server_state.connections:  # noqa: ASYNC110 - nor for this
            await asyncio.sleep(0.01)
        reader, writer = await served.connect()
        writer.write(REQUEST)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        writer.close()
