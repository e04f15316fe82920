"""Supervision of the contactor: commanded and confirmed are two facts.

The permission decays below (the lease); here the mirror contact is compared with the permission. A contact that stays
closed without permission, or with a coil that the front end itself has released, is welded; one that does not close with
permission has failed to close. Between two closings at least ``between_closings_us`` pass, also after start-up, where the
last closing is unknown.
"""

from __future__ import annotations

from evse.core.config import ContactorTimings
from evse.core.units import MS, NEVER

EARLIER_LEASE_US = 300 * MS
"""After a start: the lease of an earlier boot (250 ms) and the contactor's drop-out."""


class ContactorMonitor:
    """Compares permission and mirror contact of one outlet."""

    def __init__(self, timings: ContactorTimings, start_us: int) -> None:
        self._timings = timings
        self.permitted = False
        self.closed = False
        self.last_closing_us = start_us
        self.settled_open_us = start_us
        """From then on the contact is open even if its mirror contact lies (unless it is welded)."""
        self.welded = False
        self.failed_to_close = False
        self.mirror_lies = False
        """Current has flowed although the mirror contact said open: until service it is no proof of an open contact."""
        self._differ_us = NEVER
        self._held_until_us = start_us + EARLIER_LEASE_US

    def permit(self, now_us: int, permitted: bool) -> None:
        """Note the permission given at this step."""
        if permitted and not self.permitted:
            self.last_closing_us = now_us
        if self.permitted and not permitted:
            self.settled_open_us = now_us + self._timings.confirm_us
        if permitted != self.permitted:
            self._differ_us = NEVER
            self.failed_to_close = False
        self.permitted = permitted

    def update(
        self, now_us: int, mirror_closed: bool, *, drawing: bool = False, coil_energised: bool | None = None
    ) -> int:
        """Take the mirror contact's report; return when a lasting difference would become a fault.

        ``drawing``: current flows, which proves a closed contact whatever its mirror says. ``coil_energised``: see
        ``OutletInputs``.
        """
        self.closed = closed = mirror_closed or drawing
        released = not self.permitted or coil_energised is False
        if not (released if closed else self.permitted):
            self._differ_us = NEVER
            self.welded = False
            self.failed_to_close = False
            return NEVER
        if self._differ_us == NEVER:
            # What the boot before had permitted ends with its lease; until then a closed contact is no weld.
            self._differ_us = max(now_us, self._held_until_us) if closed else now_us
        due_us = self._differ_us + self._timings.confirm_us
        if now_us < due_us:
            return due_us
        self.welded = closed
        self.mirror_lies |= closed and not mirror_closed
        self.failed_to_close = not closed
        return NEVER

    def feedback_lost(self) -> None:
        """Forget a pending comparison: without fresh feedback nothing can be concluded."""
        self._differ_us = NEVER

    def may_carry(self, now_us: int, mirror_closed: bool) -> bool:
        """Whether a current at the meter may flow through this contact: closed, permitted, or only just released."""
        return mirror_closed or self.permitted or now_us < self.settled_open_us

    def proven_open(self, now_us: int, mirror_closed: bool) -> bool:
        """Whether the contact is open beyond doubt: not permitted for long enough, and its mirror contact credible."""
        return not (self.may_carry(now_us, mirror_closed) or self.welded or self.mirror_lies)

    @property
    def next_closing_us(self) -> int:
        """Earliest time of the next closing."""
        return self.last_closing_us + self._timings.between_closings_us
