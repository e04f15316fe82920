"""The security log of a running station: takes events at once, writes them in a thread of its own.

What cannot be written waits, bounded; ``problem`` says why. What had to be left out is counted and told in the log by
one entry as soon as it can be written. Events that cost nothing to cause are written one by one up to ``BURST`` a minute,
then counted: a flood of failed logins or of exports must not wash the rest of the log away.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import field
from typing import Final

from evse.core.units import SECOND
from evse.records import dataclass
from evse.services.clock import Instant
from evse.services.security.events import BOUNDED, SecurityEvent, SecurityKind
from evse.services.security.log_file import SecurityFile
from evse.services.settings.model import Role

QUEUE: Final = 1_000
BURST: Final = 30
BURST_US: Final = 60 * SECOND
RETRY_S: Final = 1.0


class Throttle:
    """Which events are written one by one. Pure: time is an argument.

    Bounded are the kinds that cost nothing to cause, and for the account ``user`` every kind by itself: it must not be able to
    wash away what the administrator is to read, and its flood hides no event of anybody else.
    """

    def __init__(self) -> None:
        self._since_us: dict[tuple[SecurityKind, bool], int] = {}
        self._seen: dict[tuple[SecurityKind, bool], int] = {}

    def takes(self, kind: SecurityKind, now_us: int, actor: str = "") -> bool:
        """Whether an event of this kind is written now; one that is not is counted."""
        key = kind, actor == Role.USER.value
        if kind not in BOUNDED and not key[1]:
            return True
        if not 0 <= now_us - self._since_us.get(key, -BURST_US) < BURST_US:
            self._since_us[key], self._seen[key] = now_us, 0
        self._seen[key] += 1
        return self._seen[key] <= BURST


@dataclass(slots=True)
class _Clearing:
    """A wish to clear the log; ``done`` is set when it is carried out, or has failed."""

    actor: str
    source: str
    at: Instant
    done: threading.Event = field(default_factory=threading.Event)
    failure: OSError | None = None


class SecurityWriter:
    """A ``SecurityLog`` on files. ``open_file`` may raise ``OSError`` and is tried again; ``stamp`` tells the time.

    ``close`` writes what waits, as far as that is possible.
    """

    def __init__(
        self, open_file: Callable[[], SecurityFile], stamp: Callable[[], Instant], retry_s: float = RETRY_S
    ) -> None:
        self.problem = ""
        self._open_file = open_file
        self._stamp = stamp
        self._retry_s = retry_s
        self._throttle = Throttle()
        self._lock = threading.Condition()
        self._queue: deque[tuple[SecurityEvent, Instant]] = deque()
        self._clearings: list[_Clearing] = []
        self._lost: dict[SecurityKind, int] = {}
        self._told_us = -BURST_US
        self._closing = False
        self._listener: Callable[[SecurityEvent], None] | None = None
        self._thread = threading.Thread(target=self._run, name="security-log", daemon=True)
        self._thread.start()

    def listen(self, listener: Callable[[SecurityEvent], None]) -> None:
        """Be told of each event, written or not, in the thread of whoever records it. Must not wait and must not raise."""
        self._listener = listener

    def record(self, event: SecurityEvent) -> None:
        if self._listener is not None:
            self._listener(event)
        at = self._stamp()
        with self._lock:
            if len(self._queue) >= QUEUE or not self._throttle.takes(event.kind, at.mono_us, event.actor):
                self._lost[event.kind] = self._lost.get(event.kind, 0) + 1
            else:
                self._queue.append((event, at))
            self._lock.notify()

    def clear(self, actor: str, source: str) -> None:
        """Forget every entry but the one that says who cleared the log. Waits for the disk; raises ``OSError``."""
        wish = _Clearing(actor, source, self._stamp())
        with self._lock:
            if self._closing:
                raise OSError(errno.ESHUTDOWN, "the station is stopping")
            self._clearings.append(wish)
            self._lock.notify()
        wish.done.wait()
        if wish.failure is not None:
            raise wish.failure
        if self._listener is not None:
            self._listener(SecurityEvent(SecurityKind.LOG_CLEARED, actor, source))

    def close(self) -> None:
        """Write what waits and end; on a disk that fails one last try is made."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        self._thread.join()

    def _run(self) -> None:
        file: SecurityFile | None = None
        while True:
            with self._lock:
                while (
                    not self._clearings and not self._queue and not self._closing and (pause_s := self._pause_s()) != 0
                ):
                    self._lock.wait(pause_s)
                if not self._queue and not self._lost and not self._clearings:
                    return
                events, clearings = tuple(self._queue), tuple(self._clearings)
                self._clearings.clear()
                lost = dict(self._lost) if self._closing or self._pause_s() == 0 else {}
            try:
                file = file or self._open_file()
                file.append([*events, *self._told(lost)])
                for wish in clearings:
                    file.clear(wish.actor, wish.source, wish.at)
                    wish.done.set()
            except OSError as error:
                self.problem = f"the security log cannot be written: {error.strerror or error}"
                for wish in clearings:
                    # Whoever asked is told, and asks again.
                    wish.failure = None if wish.done.is_set() else error
                    wish.done.set()
                with self._lock:
                    if self._closing:
                        return
                    self._lock.wait(self._retry_s)
                continue
            self.problem = ""
            with self._lock:
                for _ in events:
                    self._queue.popleft()
                self._lost = {kind: rest for kind, n in self._lost.items() if (rest := n - lost.get(kind, 0))}

    def _pause_s(self) -> float | None:
        """How long until the next word about what was left out; ``None`` while there is nothing to say."""
        if not self._lost:
            return None
        return max(self._told_us + BURST_US - self._stamp().mono_us, 0) / SECOND

    def _told(self, lost: dict[SecurityKind, int]) -> list[tuple[SecurityEvent, Instant]]:
        if not lost:
            return []
        self._told_us = self._stamp().mono_us
        text = ", ".join(f"{count} x {kind.value}" for kind, count in sorted(lost.items()))
        return [(SecurityEvent(SecurityKind.EVENTS_LOST, detail=f"not written one by one: {text}"), self._stamp())]
