"""The wire log inside services: asks control for frames while somebody watches, and hands them on in words.

Control's watch ends by itself after ``WATCH_MS``; it is asked for again every second while there is a watcher, so that
nothing goes on when the last page is closed or this process dies. Each watcher's queue is bounded: a slow one loses the
oldest frames and is told how many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from evse.core.units import NEVER, SECOND
from evse.exchange.envelope import FromServices
from evse.exchange.wires import WatchWires, WireFrames
from evse.services.news import arrives
from evse.web.wire_port import WireBatch, WireLine

WATCH_MS: Final = 3_000
RENEW_US: Final = 1 * SECOND
QUEUE: Final = 600
MAX_WATCHERS: Final = 4


class _Watcher:
    """One page that watches; a ``WireReader``."""

    def __init__(self, leave: Callable[[_Watcher], None]) -> None:
        self.lines: deque[WireLine] = deque()
        self.lost = 0
        self.news = asyncio.Event()
        self._leave = leave

    async def next(self, timeout_s: float) -> WireBatch:
        """What has come since the last call; waits for it, and gives an empty batch after ``timeout_s``."""
        if not await arrives(self.news, timeout_s):
            return WireBatch((), 0)
        self.news.clear()
        batch = WireBatch(tuple(self.lines), self.lost)
        self.lines.clear()
        self.lost = 0
        return batch

    def wake(self) -> None:
        """End the waiting of ``next`` now."""
        self.news.set()

    def close(self) -> None:
        """Watch no more."""
        self._leave(self)


class WireLog:
    """An ``evse.web.wire_port.WirePort``. ``send`` is the way to control."""

    def __init__(self, send: Callable[[Sequence[FromServices]], bool], clock: Callable[[], int]) -> None:
        self._send = send
        self._clock = clock
        self._watchers: list[_Watcher] = []
        self._asked_us = -NEVER
        self._lost: int | None = None

    def open(self) -> _Watcher | None:
        """Frames from now on for one more watcher; ``None`` when every place is taken."""
        if len(self._watchers) >= MAX_WATCHERS:
            return None
        watcher = _Watcher(self._leave)
        self._watchers.append(watcher)
        self._ask(self._clock())
        return watcher

    def _leave(self, watcher: _Watcher) -> None:
        if watcher not in self._watchers:
            return
        self._watchers.remove(watcher)
        if not self._watchers:
            self._lost = None
            self._send((WatchWires(0),))

    def _ask(self, now_us: int) -> None:
        self._asked_us = now_us
        self._send((WatchWires(WATCH_MS),))

    def renew(self, now_us: int) -> None:
        """Ask control to go on while somebody watches; to be called at least once a second."""
        if self._watchers and now_us >= self._asked_us + RENEW_US:
            self._ask(now_us)

    def take(self, frames: WireFrames) -> None:
        """What control saw. Decoded once for all watchers."""
        if not self._watchers:
            return
        # The layouts of frames are loaded only where somebody watches.
        from evse.app.page.wire_text import describe

        lost = frames.lost - self._lost if self._lost is not None and frames.lost >= self._lost else 0
        self._lost = frames.lost
        lines = []
        for frame in frames.frames:
            name, text = describe(frame.wire, bytes.fromhex(frame.data))
            lines.append(WireLine(frame.at_us, frame.wire, frame.direction, name, text, frame.data))
        for watcher in self._watchers:
            watcher.lines.extend(lines)
            watcher.lost += lost
            while len(watcher.lines) > QUEUE:
                watcher.lines.popleft()
                watcher.lost += 1
            watcher.news.set()
