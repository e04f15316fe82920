"""Whether an outlet may be used: out of service, maintenance, booking, suspended, postponed.

Each is set by a command and shown as a flag of `EVSE Status` (EVlink commissioning guide DOCA0060).
"""

from __future__ import annotations

from evse.core.session import Booking
from evse.core.units import NEVER


class Availability:
    """Who keeps the outlet out of service, and what is booked, suspended or postponed."""

    def __init__(self) -> None:
        self.unavailable: dict[str, bool] = {}
        """Source to "only after the running session"."""
        self.maintenance = False
        self.suspended = False
        self.postponed = False
        self.booking: Booking | None = None

    def expire(self, now_us: int) -> int:
        """Drop an outdated booking; return when the present one ends."""
        if self.booking is not None and now_us >= self.booking.until_us:
            self.booking = None
        return NEVER if self.booking is None else self.booking.until_us

    @property
    def ordered(self) -> bool:
        """Whether anything at all is ordered."""
        flags = self.maintenance or self.suspended or self.postponed
        return flags or bool(self.unavailable) or self.booking is not None

    @property
    def out_of_service(self) -> bool:
        """Nobody may start."""
        return bool(self.unavailable) or self.maintenance

    @property
    def ends_session(self) -> bool:
        """A running session has to end now."""
        return self.maintenance or any(not after for after in self.unavailable.values())
