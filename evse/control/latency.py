"""How late control is: the lateness of each timed wake against its deadline, and who was to blame.

A cycle is late when it was woken more than 20 ms after the time it had asked for (the design's bound is 40 ms for a whole
reaction). A wake by a wire or by services before that time is on time; the reaction to it is measured from outside by the
bench. For a late cycle one line names what ran since the wake before; when nothing of ours ran long, the
system gave the processor to somebody else. Log lines are limited to one a second, the counters are not.
"""

from __future__ import annotations

import logging
from typing import Final

from evse.core.units import MS, SECOND
from evse.exchange.snapshot import LatencyView

_log = logging.getLogger(__name__)
LATE_US: Final = 20 * MS
_WORTH_NAMING_US: Final = 1 * MS
_LINE_EVERY_US: Final = 1 * SECOND


class LatencyMonitor:
    """Counts wakes; ``view`` is what the Snapshot carries."""

    def __init__(self, *, fifo: bool) -> None:
        self._fifo = fifo
        self._cycles = 0
        self._late = 0
        self._worst_us = 0
        self._ran: dict[str, int] = {}
        self._line_after_us = -SECOND

    def ran(self, what: str, duration_us: int) -> None:
        """``what`` took ``duration_us`` since the last wake."""
        if duration_us > 0:
            self._ran[what] = self._ran.get(what, 0) + duration_us

    def woke(self, deadline_us: int, now_us: int) -> None:
        """The loop woke at ``now_us``; ``deadline_us`` is when it wanted to at the latest."""
        self._cycles += 1
        lateness_us = max(0, now_us - deadline_us)
        self._worst_us = max(self._worst_us, lateness_us)
        if lateness_us > LATE_US:
            self._late += 1
            if now_us >= self._line_after_us:
                self._line_after_us = now_us + _LINE_EVERY_US
                _log.warning("late by %.1f ms; before it: %s", lateness_us / MS, self._blame())
        self._ran.clear()

    def view(self) -> LatencyView:
        """The counters."""
        return LatencyView(self._cycles, self._late, self._worst_us, self._fifo)

    def _blame(self) -> str:
        named = [f"{what} {us / MS:.1f} ms" for what, us in self._ran.items() if us >= _WORTH_NAMING_US]
        return ", ".join(named) or "nothing of ours ran long: other processes had the processor"
