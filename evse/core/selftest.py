"""The residual-current detector's self test: once per session, with the contact open, one repetition allowed.

A result counts only if the test was seen to run after the request, so that an old "passed" proves nothing.
"""

from __future__ import annotations

from evse.core.units import NEVER, SECOND
from evse.core.values import RcdTest

TRIES = 2
REARM_INTERVAL_US = 5 * SECOND


class SelfTestSequence:
    """Asks for one self test and judges its result."""

    def __init__(self, timeout_us: int) -> None:
        self._timeout_us = timeout_us
        self.request_count = 0
        self.passed = False
        self.failed = False
        self._seen_running = False
        self._deadline_us = NEVER
        self._tries = 0
        self._rearm_us = -NEVER

    def configure(self, timeout_us: int) -> None:
        """Another longest test counts from the next one on."""
        self._timeout_us = timeout_us

    def reset(self) -> None:
        """Forget the last result: a new session begins or the vehicle has left."""
        self.passed = self.failed = self._seen_running = False
        self._deadline_us = NEVER
        self._tries = 0

    def update(self, now_us: int, result: RcdTest, *, wanted: bool, may_run: bool) -> int:
        """Run the sequence while ``wanted``; return when to look again."""
        if not wanted or self.passed or self.failed:
            return NEVER
        if self._deadline_us == NEVER:
            if not may_run:
                return NEVER
            self._start(now_us)
        if result is RcdTest.RUNNING:
            self._seen_running = True
        elif self._seen_running and result is RcdTest.PASSED:
            self.passed = True
            return NEVER
        elif self._seen_running and result is RcdTest.FAILED:
            self.failed = True
            return NEVER
        if now_us >= self._deadline_us:
            if self._tries >= TRIES:
                self.failed = True
                return NEVER
            self._start(now_us)
        return self._deadline_us

    def _start(self, now_us: int) -> None:
        self.request_count += 1
        self._tries += 1
        self._seen_running = False
        self._deadline_us = now_us + self._timeout_us

    def rearm(self, now_us: int) -> int:
        """Ask for a test outside a session to end a latched trip; at most every 5 s. Return when the next may come."""
        if now_us >= self._rearm_us:
            self.request_count += 1
            self._rearm_us = now_us + REARM_INTERVAL_US
        return self._rearm_us
