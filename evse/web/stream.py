"""Server-sent events: one subscription to the station, shared by every reader.

The hub subscribes to the station while it has readers. Each reader has a mailbox: the latest text of each piece and a
bounded queue of events, so a reader that stalls holds a fixed amount of memory and, when it comes back, gets the
latest state at once. A reader is served at most every ``interval_s``; what happens in between is merged.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from evse.services.news import arrives
from evse.web.ports import StationSource
from evse.web.serial import Pieces, event_json, message_json

MAX_READERS = 16
MAX_QUEUED_EVENTS = 200
INTERVAL_S = 0.1
KEEP_ALIVE_S = 5.0


class TooManyReaders(Exception):
    """Every place at the stream is taken."""


class EventStream(StreamingResponse):
    """An answer of server-sent events. However it ends, also in the middle of sending, ``pieces`` is closed: the place is free.

    The framework leaves that to the garbage collector, which comes when it likes.
    """

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        super().__init__(pieces, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one side has enough."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._pieces.aclose()


class Mailbox:
    """What one reader has not been given yet. Bounded: the latest piece per key, the newest events."""

    def __init__(self, pieces: dict[str, str], connected: bool) -> None:
        self._pieces = dict(pieces)
        self._events: deque[str] = deque(maxlen=MAX_QUEUED_EVENTS)
        self._lost = 0
        self._connected = connected
        self.ready = asyncio.Event()
        self.ready.set()
        self.closed = False

    def put(self, pieces: dict[str, str], events: list[str], connected: bool) -> None:
        """Merge news in; wakes the reader when there is any."""
        if not (pieces or events) and connected == self._connected:
            return
        self._pieces.update(pieces)
        self._lost += max(0, len(self._events) + len(events) - MAX_QUEUED_EVENTS)
        self._events.extend(events)
        self._connected = connected
        if not connected:
            self._pieces.clear()
        self.ready.set()

    def close(self) -> None:
        """End the reader's stream."""
        self.closed = True
        self.ready.set()

    def take(self) -> str:
        """One message with everything that waited."""
        text = message_json(self._pieces, list(self._events), self._connected, self._lost)
        self._pieces = {}
        self._events.clear()
        self._lost = 0
        self.ready.clear()
        return text

    @property
    def waiting_events(self) -> int:
        """How many events wait (never more than :data:`MAX_QUEUED_EVENTS`)."""
        return len(self._events)


class Hub:
    """Turns the station's updates into messages for all readers."""

    def __init__(
        self, source: StationSource, interval_s: float = INTERVAL_S, keep_alive_s: float = KEEP_ALIVE_S
    ) -> None:
        self._source = source
        self._interval_s = interval_s
        self._keep_alive_s = keep_alive_s
        self._pieces = Pieces()
        self._mailboxes: list[Mailbox] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def readers(self) -> int:
        """How many readers are connected."""
        return len(self._mailboxes)

    def open(self) -> Mailbox:
        """A place for one more reader. Raises :class:`TooManyReaders` when none is left."""
        if self._closed or len(self._mailboxes) >= MAX_READERS:
            raise TooManyReaders
        view = self._source.latest()
        if view is None:
            self._pieces.clear()
        else:
            self._deliver(self._pieces.update(view), [], True)
        mailbox = Mailbox(self._pieces.current, view is not None)
        self._mailboxes.append(mailbox)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="web-stream")
        return mailbox

    def leave(self, mailbox: Mailbox) -> None:
        """The reader is gone; with the last one the subscription ends."""
        if mailbox in self._mailboxes:
            self._mailboxes.remove(mailbox)
        if not self._mailboxes and self._task is not None:
            self._task.cancel()
            self._task = None

    def close(self) -> None:
        """End every stream: the server is stopping."""
        self._closed = True
        for mailbox in self._mailboxes:
            mailbox.close()

    async def messages(self, mailbox: Mailbox) -> AsyncGenerator[bytes, None]:
        """The reader's stream in the format of the HTML standard's server-sent events."""
        try:
            yield b"retry: 1000\n\n"
            while True:
                if not await arrives(mailbox.ready, self._keep_alive_s):
                    yield b"event: alive\ndata: {}\n\n"
                    continue
                if mailbox.closed:
                    return
                yield b"data: " + mailbox.take().encode() + b"\n\n"
                await asyncio.sleep(self._interval_s)
        finally:
            self.leave(mailbox)

    def _deliver(self, pieces: dict[str, str], events: list[str], connected: bool) -> None:
        for mailbox in self._mailboxes:
            mailbox.put(pieces, events, connected)

    async def _run(self) -> None:
        updates = self._source.subscribe()
        try:
            async for update in updates:
                events = [event_json(record) for record in update.events]
                if update.view is None:
                    self._pieces.clear()
                    self._deliver({}, events, False)
                else:
                    self._deliver(self._pieces.update(update.view), events, True)
        finally:
            # A subscription that ends by itself must not leave readers waiting for ever: they reconnect. A cancelled
            # one may already have a successor, whose readers are not ours.
            if self._task is asyncio.current_task():
                for mailbox in self._mailboxes:
                    mailbox.close()
            with contextlib.suppress(AttributeError):
                await updates.aclose()  # type: ignore[attr-defined]
