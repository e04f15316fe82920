"""How often somebody may try a password: per account, with time as an argument.

At most ``PER_WINDOW`` failures in a window of 15 minutes and ``PER_HOUR`` in an hour (OWASP ASVS 2.2.1: never above 100
an hour). Beyond that an attempt is refused unseen until the oldest failure has left the window: a delay, never a
permanent lock-out. A success clears the account's failures. Names that are no accounts share one count, so that
nobody fills the memory with names or learns which ones exist.
"""

from __future__ import annotations

from collections import deque
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

    def succeed(self, name: str) -> None:
        """It was the right password."""
        self._of(name).clear()

    def _of(self, name: str) -> deque[int]:
        return self._failures.get(name, self._failures[""])
