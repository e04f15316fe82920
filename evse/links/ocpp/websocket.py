"""The link to a central system over a WebSocket: the only part of the protocol that touches the network.

It decides nothing: it opens, closes and sends when it is told, and tells what came in. Redirections are not followed and no
proxy of the environment is used: the station connects where its settings say and nowhere else. Compression is off, texts
are bounded before they are read, binary messages end the connection.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from evse.links.ocpp.frame import TEXT_LIMIT
from evse.links.ocpp.target import Target, TargetError, Trust, tls_context

_log = logging.getLogger(__name__)
OPEN_S: Final = 30.0
CLOSE_S: Final = 3.0
PONG_S: Final = 30.0
SENDING_LIMIT: Final = 256
"""Texts that wait for the network at most; with more the connection is good for nothing."""


class LinkListener(Protocol):
    """Who is told. Times are microseconds of the monotonic clock."""

    def opened(self, now_us: int) -> None:
        """The connection is there."""
        ...

    def closed(self, now_us: int) -> None:
        """The connection is gone, or the attempt has failed."""
        ...

    def received(self, now_us: int, text: str) -> None:
        """A text has come."""
        ...

    def security_event(self, now_us: int, kind: str, info: str) -> None:
        """One side does not trust the other (`kind`: of the security whitepaper's list of events)."""
        ...


class _Connect(connect):
    """A connection that follows nobody elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Connection(ClientConnection):
    """A connection that ends in time although the other side, after breaking the rules, keeps its end open."""

    _ending = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._ending and self.protocol.close_expected():
            self._ending = True
            self.loop.call_later(self.close_timeout or CLOSE_S, self.transport.abort)


class WebSocketLink:
    """A ``TextLink``. To be used inside a running event loop.

    ``target`` is asked at each attempt and may raise TargetError. A ping that is not answered within ``pong_s`` ends the
    connection. Whoever should close his end has ``close_s``.
    """

    def __init__(
        self,
        target: Callable[[], tuple[Target, int, Trust]],
        clock: Callable[[], int],
        pong_s: float = PONG_S,
        close_s: float = CLOSE_S,
    ) -> None:
        self.listener: LinkListener | None = None
        self.problem = ""
        """Why there is no connection, in words; empty while there is one."""
        self._target = target
        self._ping_s = 0.0
        self._ping_changed = asyncio.Event()
        self._silent = False
        """Whether the last ping of this connection was not answered."""
        self._clock = clock
        self._pong_s, self._close_s = pong_s, close_s
        self._task: asyncio.Task[None] | None = None
        self._sending: asyncio.Queue[str] = asyncio.Queue(SENDING_LIMIT)

    # --- TextLink -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin to connect."""
        if self._task is None or self._task.done():
            self._sending = asyncio.Queue(SENDING_LIMIT)
            self._task = asyncio.create_task(self._run(), name="ocpp")

    def close(self) -> None:
        """Close the connection, or end the attempt."""
        if self._task is not None:
            self._task.cancel()

    def send(self, text: str) -> None:
        """Send a text in its turn."""
        try:
            self._sending.put_nowait(text)
        except asyncio.QueueFull:
            _log.warning("the central system takes nothing: the connection is given up")
            self.close()

    def ping_every(self, seconds: float) -> None:
        """Interval of pings from now on, 0 for none; also of the connection that is there."""
        self._ping_s = seconds
        self._ping_changed.set()

    async def end(self) -> None:
        """Close and wait for the end."""
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    # --- the connection -----------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            await self._connected()
        except (OSError, WebSocketException, TimeoutError, TargetError, EOFError) as error:
            self._distrust(error)
            self._fail("no answer to a ping" if self._silent else _reason(error))
        except asyncio.CancelledError:
            self.problem = "closed by the station"
        finally:
            if self.listener is not None:
                self.listener.closed(self._clock())

    async def _connected(self) -> None:
        target, profile, trust = self._target()
        tls = tls_context(profile, trust) if target.tls else None
        headers = {"Authorization": target.authorisation} if target.authorisation else {}
        self._silent = False
        async with _Connect(
            target.url,
            ssl=tls,
            subprotocols=[Subprotocol(target.subprotocol)],
            additional_headers=headers,
            compression=None,
            max_size=TEXT_LIMIT * 4,
            open_timeout=OPEN_S,
            close_timeout=self._close_s,
            ping_interval=None,
            create_connection=_Connection,
            proxy=None,
            user_agent_header=None,
        ) as connection:
            if connection.subprotocol != target.subprotocol:
                raise TargetError(f"the central system does not speak {target.subprotocol}")
            await self._carry(connection)

    async def _carry(self, connection: ClientConnection) -> None:
        listener = self.listener
        if listener is None:
            return
        self.problem = ""
        listener.opened(self._clock())
        helpers = [
            asyncio.create_task(self._send_all(connection), name="ocpp-send"),
            asyncio.create_task(self._ping_all(connection), name="ocpp-ping"),
        ]
        try:
            async for message in connection:
                if isinstance(message, bytes):
                    await connection.close(CloseCode.UNSUPPORTED_DATA, "texts only")
                    raise TargetError("the central system sent a binary message")
                listener.received(self._clock(), message)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.wait(helpers)
        self._fail("closed by the central system")

    async def _send_all(self, connection: ClientConnection) -> None:
        try:
            while True:
                await connection.send(await self._sending.get())
        except WebSocketException:
            return

    async def _ping_all(self, connection: ClientConnection) -> None:
        """Ping at the interval; the library's own pings would keep the interval that a connection began with."""
        try:
            while not self._silent:
                if await self._interval_over():
                    pong = await connection.ping()
                    self._silent = not await self._comes(pong)
            connection.transport.abort()
        except WebSocketException:
            return

    async def _comes(self, pong: Awaitable[float]) -> bool:
        try:
            async with asyncio.timeout(self._pong_s):
                await pong
        except TimeoutError:
            return False
        return True

    async def _interval_over(self) -> bool:
        """Wait for the next ping; false when the interval has changed meanwhile."""
        self._ping_changed.clear()
        try:
            async with asyncio.timeout(self._ping_s or None):
                await self._ping_changed.wait()
        except TimeoutError:
            return True
        return False

    def _distrust(self, error: BaseException) -> None:
        kind = distrust(error)
        if kind and self.listener is not None and _reason(error) != self.problem:
            self.listener.security_event(self._clock(), kind, _reason(error))

    def _fail(self, reason: str) -> None:
        if reason != self.problem:
            _log.warning("central system: %s", reason)
        self.problem = reason


_REFUSED: Final = (401, 403)
_TLS_REASONS: Final = {
    "UNSUPPORTED_PROTOCOL": "InvalidTLSVersion",
    "TLSV1_ALERT_PROTOCOL_VERSION": "InvalidTLSVersion",
    "WRONG_SSL_VERSION": "InvalidTLSVersion",
    "NO_CIPHERS_AVAILABLE": "InvalidTLSCipherSuite",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "InvalidTLSCipherSuite",
}


def distrust(error: BaseException) -> str:
    """The security event that a failed attempt to connect is; empty for one that concerns the network only."""
    if isinstance(error, InvalidStatus):
        return "FailedToAuthenticateAtCentralSystem" if error.response.status_code in _REFUSED else ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "InvalidCentralSystemCertificate"
    return _TLS_REASONS.get(error.reason or "", "") if isinstance(error, ssl.SSLError) else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
