"""The host's side of the permission to hold the contactor: what was granted, when, and whether it was acknowledged."""

from __future__ import annotations

from typing import Final

from hal.units import MS, NEVER

RENEWAL_US: Final = 50 * MS


class HostLease:
    """The permission as the host knows it. It grants nothing by itself and has no timer."""

    def __init__(self) -> None:
        self._until_us = -NEVER
        self._sent_at_us = -NEVER
        self._unacknowledged: int | None = None
        self.since_us = -NEVER
        """When the present unbroken permission began."""
        self.holds = 0
        """HOLD frames sent."""

    @property
    def renewing(self) -> bool:
        """Whether a permission was granted and has neither been withdrawn nor noticed to have ended."""
        return self._until_us > 0

    @property
    def settled(self) -> bool:
        """Whether the last HOLD was acknowledged (or there is none to acknowledge)."""
        return self._unacknowledged is None

    @property
    def ends_us(self) -> int:
        """When the permission ends unless renewed; ``NEVER`` when none runs."""
        return self._until_us if self.renewing else NEVER

    @property
    def next_renewal_us(self) -> int:
        """From when on a further grant is worth a frame."""
        return self._sent_at_us + RENEWAL_US

    def running(self, now_us: int) -> bool:
        """Whether the permission lasts beyond ``now_us``."""
        return now_us < self._until_us

    def due(self, now_us: int) -> bool:
        """Whether a grant at ``now_us`` must be sent: none is running, or the last HOLD is 50 ms old."""
        return not self.running(now_us) or now_us >= self.next_renewal_us

    def grant(self, sequence: int, hold_ms: int, now_us: int) -> None:
        """Note that a HOLD was sent."""
        if not self.running(now_us):
            self.since_us = now_us
        self.holds += 1
        self._unacknowledged = sequence
        self._sent_at_us = now_us
        self._until_us = now_us + hold_ms * MS

    def acknowledge(self, sequence: int) -> None:
        """The front end has accepted the frame with this number."""
        if sequence == self._unacknowledged:
            self._unacknowledged = None

    def end(self) -> None:
        """The permission is withdrawn or void."""
        self._until_us = -NEVER
        self._unacknowledged = None

    def lapse(self, now_us: int) -> None:
        """Notice that nobody has renewed it."""
        if self.renewing and not self.running(now_us):
            self.end()

    def shift(self, periods: int, delta_us: int) -> None:
        """Behave as if it had been renewed ``periods`` times."""
        if self.renewing:
            self.holds += periods
            self._until_us += delta_us
            self._sent_at_us += delta_us
