"""Watches the wires for services: while nobody asks, no driver has a hook and a frame costs nothing.

==========  ==========================================  =============================================================
state       event                                       to
==========  ==========================================  =============================================================
off         ``watch`` with a duration                   on: every driver gets the hook
on          a frame                                     on: kept as it is, undecoded; the newest is dropped and counted
                                                        when ``KEPT`` wait
on          ``watch`` with a duration                   on, until the later moment
on          ``watch`` with 0, or the time is over       off: the hooks are taken away, what waits is forgotten
==========  ==========================================  =============================================================

The hook runs inside a driver's poll, on the way to an opening: it appends one tuple and does nothing else. Bytes are
made in ``take``, which the exchange calls after the step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from boards.assemble import FrameSeen
from boards.compiled import WireSpec
from evse.exchange.wires import MAX_BATCH, MAX_WATCH_MS, WireFrame, WireFrames
from hal.frames import front_end
from hal.units import MS, NEVER

KEPT: Final = 512
"""Frames that may wait; at the densest traffic of two outlets about two seconds."""


class WireWatch:
    """An ``evse.exchange.wires.WireSource``. ``listen`` gives the hook to every driver, or takes it away (``None``)."""

    def __init__(self, listen: Callable[[FrameSeen | None], None]) -> None:
        self._listen = listen
        self._until_us = -NEVER
        self._on = False
        self._waiting: deque[tuple[int, str, str, front_end.Frame | bytes]] = deque()
        self._lost = 0

    def watch(self, duration_us: int, now_us: int) -> None:
        """Watch until ``now_us + duration_us``, at most 60 s; 0 ends it."""
        if duration_us <= 0:
            self._end()
            return
        self._until_us = max(self._until_us, now_us + min(duration_us, MAX_WATCH_MS * MS))
        if not self._on:
            self._on = True
            self._listen(self._seen)

    def watching(self, now_us: int) -> bool:
        """Whether somebody watches; ends a watch whose time is over."""
        if self._on and now_us >= self._until_us:
            self._end()
        return self._on

    def take(self, now_us: int) -> WireFrames | None:
        """Frames since the last call, as bytes; at most ``MAX_BATCH``."""
        if not self.watching(now_us) or not self._waiting:
            return None
        frames: list[WireFrame] = []
        while self._waiting and len(frames) < MAX_BATCH:
            at_us, wire, direction, frame = self._waiting.popleft()
            data = frame if isinstance(frame, bytes) else front_end.encode(frame)
            frames.append(WireFrame(at_us, wire, direction, data.hex()))
        return WireFrames(tuple(frames), self._lost)

    def _seen(self, wire: WireSpec, now_us: int, direction: str, frame: front_end.Frame | bytes) -> None:
        if len(self._waiting) >= KEPT:
            self._lost += 1
            return
        self._waiting.append((now_us, wire.name, direction, frame))

    def _end(self) -> None:
        self._on = False
        self._until_us = -NEVER
        self._waiting.clear()
        self._listen(None)
