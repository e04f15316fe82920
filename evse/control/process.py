"""The control process's loop: one thread that waits for wires, services and the clock, and runs the cycle.

Specification
- A round: cycle, exchange, heartbeat, waiting until the earliest wish or until a descriptor has something.
- Nothing in it touches a disk, a name service or anything else that can wait. Files are read before the loop begins.
- An exception in the cycle ends the process: leases expire, the supervisor starts a new one. Nothing is caught here.
- Garbage is collected by hand, at most every 30 s: a collection in the wrong moment would be a late cycle. While an outlet
  holds its contactor, only what has come into being since the last collection is looked at (a charge makes next to none:
  0.03 ms), and only when nothing is due for 20 ms, as right after a renewal; otherwise everything. What exists when the loop
  begins is never looked at again (``gc.freeze``).
- The layouts of frames are compiled one at a time, then the methods of records a few at a time, when nothing is due for 20 ms
  and a front end has been heard: at the start they would hold back the pilot's first 12 V.
- A cycle that asks for a restart (service button) ends the loop in the same orderly way; the supervisor starts the next.
- On the way out every contactor's permission is withdrawn at once, its pilot goes to X1, and open sessions are closed
  with their energy up to that moment and the reason ``Reboot``.
"""

from __future__ import annotations

import gc
import logging
import select
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from boards.board import Board
from evse.control.cycle import ControlCycle
from evse.control.latency import LatencyMonitor
from evse.control.status_pipe import StatusPipe
from evse.core.units import MS, SECOND
from evse.records import finish
from hal.frames.front_end_payloads import compile_ahead

_log = logging.getLogger(__name__)
COLLECT_EVERY_US: Final = 30 * SECOND
COLLECT_PAUSE_US: Final = 20 * MS
"""While a contactor is held, garbage is collected only when nothing is due for so long."""
RECORDS_A_PAUSE: Final = 10
"""Records whose methods are written in one pause; some 3 ms."""
YOUNG: Final = 1
"""Generations up to this one hold what was not there at the collection before."""


class Waitable(Protocol):
    """Something with a file descriptor, -1 while it has none."""

    def fileno(self) -> int: ...


class Exchange(Waitable, Protocol):
    """The exchange as the loop runs it."""

    def service(self, now_us: int) -> int:
        """Send what is due; return when to be called again."""
        ...


def monotonic_us() -> int:
    """Control's clock: the system's monotonic one, in microseconds."""
    return time.monotonic_ns() // 1_000


class ControlLoop:
    """Runs one cycle until ``stop`` is called (from a signal handler)."""

    def __init__(
        self,
        cycle: ControlCycle,
        board: Board,
        exchange: Exchange,
        wires: Sequence[Waitable],
        status: StatusPipe,
        latency: LatencyMonitor,
        wakers: Sequence[int] = (),
        clock: Callable[[], int] = monotonic_us,
    ) -> None:
        self._cycle = cycle
        self._board = board
        self._exchange = exchange
        self._waitables: tuple[Waitable, ...] = (*wires, exchange)
        self._status = status
        self._latency = latency
        self._wakers = tuple(wakers)
        self._clock = clock
        self._stopped = False
        self._collect_us = 0
        self._cold = True
        """Some layouts of frames, or methods of records, may not be compiled yet."""

    def stop(self) -> None:
        """End after the present round."""
        self._stopped = True

    def run(self) -> None:
        """Run until stopped; then leave everything safe."""
        # What the start has left behind is little, and looking for it would hold back the pilot's first 12 V.
        gc.freeze()
        gc.disable()
        self._collect_us = self._clock() + COLLECT_EVERY_US
        deadline_us = self._clock()
        while not self._stopped:
            deadline_us = self.round()
            self._wait(deadline_us)
        self.leave()

    def round(self) -> int:
        """One round without its waiting; return until when to wait at most."""
        begin_us = self._clock()
        self._cycle.latency = self._latency.view()
        wish_us = self._cycle.step(begin_us)
        stepped_us = self._clock()
        self._latency.ran("cycle", stepped_us - begin_us)
        wish_us = min(wish_us, self._exchange.service(stepped_us))
        self._stopped |= self._cycle.restart_wanted
        served_us = self._clock()
        self._latency.ran("exchange", served_us - stepped_us)
        if served_us >= self._collect_us:
            self._collect(served_us, wish_us)
        elif self._cold and wish_us >= served_us + COLLECT_PAUSE_US:
            self._warm()
        return min(wish_us, self._status.heartbeat(served_us))

    def leave(self) -> None:
        """Withdraw every permission, tell the vehicles by X1, send what can still be sent."""
        now_us = self._clock()
        self._cycle.leave(now_us)
        self._exchange.service(now_us)

    def _wait(self, deadline_us: int) -> None:
        wanted = [fd for fd in (each.fileno() for each in self._waitables) if fd >= 0]
        wanted += self._wakers
        timeout_us = deadline_us - self._clock()
        # Asked even when the deadline has passed: a busy moment must not hide what the wires say.
        select.select(wanted, [], [], max(timeout_us, 0) / SECOND)
        self._latency.woke(deadline_us, self._clock())

    def _warm(self) -> None:
        begin_us = self._clock()
        if any(outlet.inputs.link_ok for outlet in self._cycle.core.outlets):
            self._cold = compile_ahead() or finish(RECORDS_A_PAUSE)
            self._latency.ran("compiling a frame's layout or a record", self._clock() - begin_us)

    def _collect(self, now_us: int, due_us: int) -> None:
        holding = any(outlet.permission.granted for outlet in self._cycle.core.outlets)
        if holding and due_us < now_us + COLLECT_PAUSE_US:
            return
        self._collect_us = now_us + COLLECT_EVERY_US
        if holding:
            gc.collect(YOUNG)
        else:
            gc.collect()
        self._latency.ran("garbage collection", self._clock() - now_us)
