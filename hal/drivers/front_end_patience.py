"""How long the front end's driver waits for a STATE before it takes the front end for silent, and when it asks for one.

=================================================  ===============  ======================================
while                                              lost after       a STATE is asked for
=================================================  ===============  ======================================
a permission runs                                  200 ms           100 ms after the last one
an OPEN waits for a STATE that shows the contact   200 ms           by the OPEN itself, every 20 ms
open (25 repetitions at most)
otherwise                                          3 s              0.9 s after the last frame sent
=================================================  ===============  ======================================

Times count from the last STATE, but from the beginning of the permission, or from the OPEN, when that was later. A front
end that hangs right after OPEN is so missed as soon as one that hangs while it holds: its last currents are energy that
nobody draws any more.
"""

from __future__ import annotations

from typing import Final

from hal.drivers.front_end_lease import HostLeases
from hal.units import MS, NEVER, SECOND

KEEP_ALIVE_US: Final = 900 * MS
"""Shorter than the front end's own keep-alive (1 s), so that the two never send at the same time."""
HOLDING_INQUIRY_US: Final = 100 * MS
"""While a permission runs, a STATE is asked for when none has come for this long (renewals bring one every 50 ms)."""
HOLDING_PATIENCE_US: Final = 200 * MS
OPENING_PATIENCE_US: Final = 200 * MS
IDLE_PATIENCE_US: Final = 3 * SECOND


class Patience:
    """Of one connection that is up."""

    def __init__(self) -> None:
        self._heard_at_us = -NEVER
        self.opened_at_us = -NEVER
        """When an OPEN was last said for the first time."""

    def heard(self, now_us: int) -> None:
        """A STATE arrived, or the connection begins."""
        self._heard_at_us = now_us

    def opened(self, now_us: int) -> None:
        """An OPEN was said for the first time."""
        self.opened_at_us = now_us

    def ends_us(self, lease: HostLeases, now_us: int, *, opening: bool) -> int:
        """When the front end is to be taken for silent; ``opening``: an OPEN waits for its effect."""
        if lease.running(now_us):
            return max(self._heard_at_us, lease.since_us) + HOLDING_PATIENCE_US
        if opening:
            return max(self._heard_at_us, self.opened_at_us) + OPENING_PATIENCE_US
        return self._heard_at_us + IDLE_PATIENCE_US

    def inquiry_due_us(self, lease: HostLeases, sent_at_us: int, now_us: int) -> int:
        """When to ask for a STATE; ``sent_at_us``: when the last frame was sent."""
        if lease.running(now_us):
            return max(self._heard_at_us, lease.since_us) + HOLDING_INQUIRY_US
        return sent_at_us + KEEP_ALIVE_US

    def shift(self, delta_us: int) -> None:
        """Behave as if the last STATE had come ``delta_us`` later."""
        self._heard_at_us += delta_us
