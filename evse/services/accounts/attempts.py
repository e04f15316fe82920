"""How often somebody may try a password: per account, with time as an argument.

At most ``PER_WINDOW`` failures in a window of 15 minutes and ``PER_HOUR`` in an hour (OWASP ASVS 2.2.1: never above 100
an hour). Beyond that an attempt is refused unseen until the oldest failure has left the window: a delay, never a
permanent lock-out. A success clears the account's failures. Names that are no accounts share one count, so that
nobody fills the memory with names or learns which ones exist. The counts can be kept over a restart (``failures``,
``begin_with``): who may restart the station must not be able to try for ever.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from evse.core.units import MINUTE, SECOND

WINDOW_US: Final = 15 * MINUTE
HOUR_US: Final = 60 * MINUTE
PER_WINDOW: Final = 10
PER_HOUR: Final = 40


class Attempts:
    """Failures by account name. ``accounts``: the names that exist."""

    def __init__(self, accounts: tuple[str, ...]) -> None:
        self._failures: dict[str, deque[int]] = {name: deque(maxlen=PER_HOUR) for name in (*accounts, "")}

    def wait_s(self, name: str, now_us: int) -> int:
        """Seconds until an attempt is looked at again; 0 for now."""
        failures = self._of(name)
        while failures and failures[0] <= now_us - HOUR_US:
            failures.popleft()
        waits = [0]
        if len(failures) >= PER_WINDOW:
            waits.append(failures[-PER_WINDOW] + WINDOW_US - now_us)
        if len(failures) >= PER_HOUR:
            waits.append(failures[-PER_HOUR] + HOUR_US - now_us)
        return -(-max(waits) // SECOND)

    def begin(self, name: str, now_us: int) -> None:
        """An attempt is looked at: it counts as a failure until ``succeed``, so that many at once count too."""
        self._of(name).append(now_us)

    def succeed(self, name: str) -> bool:
        """It was the right password; says whether there were failures before it."""
        failures = self._of(name)
        had_failures = len(failures) > 1
        failures.clear()
        return had_failures

    def failures(self) -> dict[str, list[int]]:
        """The instants of the failures that are counted, by account, oldest first."""
        return {name: list(times) for name, times in self._failures.items() if times}

    def begin_with(self, failures: Mapping[str, Sequence[int]], now_us: int) -> None:
        """Go on counting from what ``failures`` has told before a restart.

        A clock that is behind them has started anew with the machine: then the newest is taken for one of now.
        """
        newest_us = max((at_us for times in failures.values() for at_us in times), default=now_us)
        back_us = max(newest_us - now_us, 0)
        for name in self._failures.keys() & failures.keys():
            self._failures[name].extend(sorted(at_us - back_us for at_us in failures[name]))

    def _of(self, name: str) -> deque[int]:
        return self._failures.get(name, self._failures[""])
