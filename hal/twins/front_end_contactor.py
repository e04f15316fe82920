"""Who may energise a coil: the lease given by the host and, above it, the front end's own interlock.

=================  ==================================================================  ============================
situation          what ends it                                                        ``reason``
=================  ==================================================================  ============================
uncommanded        the first CONTROL                                                   START_UP, HOST_SILENT
not permitted      an accepted HOLD                                                    NONE or the last reason
permitted          OPEN (NONE); the lease's end (LEASE_EXPIRED); host silent           NONE while the coil is on,
                   (HOST_SILENT); an opening by the interlock (its reason)             else why it is not
tripped            OPEN; or a HOLD that comes 250 ms or more after the one before it   the interlock's reason
=================  ==================================================================  ============================

The lease ends at the microsecond ``arrival + hold_ms``: at that instant the coil is released, also when another HOLD
arrives in it.

An outlet with a domestic socket has two of these keepers (``ContactorPair``). A local interlock never closes one contactor
while the coil of the other is on or its mirror contact says closed; the dumb variant obeys each lease by itself.
"""

from __future__ import annotations

from typing import Final

from hal.frames.front_end import Frame, Order
from hal.frames.front_end_messages import (
    MAX_HOLD_MS,
    MAX_READING_AGE_MS,
    FaultBit,
    Hold,
    HoldDomestic,
    SafeStateReason,
)
from hal.ports import OutletReading, PilotDriveMode
from hal.twins.front_end_interlock import DomesticInterlock, Interlock, LocalInterlock
from hal.units import MS, NEVER

TRIP_QUIET_US: Final = MAX_HOLD_MS * MS
_UNCOMMANDED: Final = (SafeStateReason.START_UP, SafeStateReason.HOST_SILENT)


class ContactorKeeper:
    """Lease, trip latch and coil decision. Pure: it drives nothing."""

    def __init__(self, interlock: Interlock | None) -> None:
        """``interlock``: ``None`` in a front end without one, where lease and OPEN alone decide."""
        self._interlock = interlock
        self.coil = False
        self.reason = SafeStateReason.START_UP
        self.lease_until_us = -1
        self._hold_seen_at_us = -NEVER
        self._tripped = False
        self._latched = FaultBit.NONE

    @property
    def faults(self) -> FaultBit:
        """Fault bits latched by a trip or the coil's driver; OPEN clears them."""
        return self._latched

    @property
    def permitted(self) -> bool:
        """Whether a lease runs."""
        return self.lease_until_us >= 0

    def command(self) -> None:
        """A CONTROL was accepted."""
        if self.reason in _UNCOMMANDED:
            self.reason = SafeStateReason.NONE

    def silence(self) -> None:
        """No valid host frame for too long."""
        self._end_lease(SafeStateReason.HOST_SILENT)

    def hold(self, frame: Frame, hold: Hold, now_us: int) -> bool:
        """Grant or renew the lease; return whether the HOLD is accepted."""
        if self._tripped and now_us - self._hold_seen_at_us >= TRIP_QUIET_US:
            self._tripped = False
        self._hold_seen_at_us = now_us
        refused = (
            self._tripped
            or self.reason in _UNCOMMANDED
            or frame.order is not Order.NEW
            or hold.reading_age_ms > MAX_READING_AGE_MS
            or hold.hold_ms == 0
        )
        if refused:
            return False
        self.lease_until_us = now_us + min(hold.hold_ms, MAX_HOLD_MS) * MS
        return True

    def open(self) -> None:
        """Withdraw the permission and forgive a trip."""
        self._tripped = False
        self._latched = FaultBit.NONE
        self._end_lease(self.reason if self.reason in _UNCOMMANDED else SafeStateReason.NONE)

    def latch(self, fault: FaultBit) -> None:
        """Remember a fault of the coil's driver until OPEN."""
        self._latched |= fault

    def expire(self, now_us: int) -> None:
        """End the lease when its time has come."""
        if 0 <= self.lease_until_us <= now_us:
            self._end_lease(SafeStateReason.LEASE_EXPIRED)

    def settle(self, sample: OutletReading, mode: PilotDriveMode, now_us: int, *, other_closed: bool = False) -> None:
        """Decide the coil on the newest sample; ``other_closed``: the outlet's other contactor is in use."""
        if not self.permitted:
            return
        if self._interlock is None:
            self.coil, self.reason = True, SafeStateReason.NONE
        elif self.coil:
            why = self._interlock.opens(sample, now_us)
            if why is not SafeStateReason.NONE:
                self._trip(why)
        else:
            refusal = self._interlock.refuses_closing(sample, mode)
            self.reason = SafeStateReason.OTHER_SOCKET if other_closed else refusal
            self.coil = self.reason is SafeStateReason.NONE

    def essential_wake_us(self) -> int:
        """When the interlock would open by the passing of time."""
        return self._interlock.opens_at_us() if self.coil and self._interlock is not None else NEVER

    def shift(self, delta_us: int) -> None:
        """Move the lease by ``delta_us`` of elided renewals."""
        if self.permitted:
            self.lease_until_us += delta_us
            self._hold_seen_at_us += delta_us

    def _trip(self, why: SafeStateReason) -> None:
        self._tripped = True
        if why is SafeStateReason.OVER_CURRENT:
            self._latched |= FaultBit.OVER_CURRENT
        self._end_lease(why)

    def _end_lease(self, reason: SafeStateReason) -> None:
        self.lease_until_us = -1
        self.coil = False
        self.reason = reason


class ContactorPair:
    """The keepers of an outlet's contactors: the pilot's, and the domestic socket's where ``with_domestic``.

    ``reason`` is the one of the contactor that the last HOLD was for.
    """

    def __init__(self, interlock: LocalInterlock, *, with_interlock: bool, with_domestic: bool) -> None:
        self._domestic_interlock = DomesticInterlock(interlock)
        self._pilot = ContactorKeeper(interlock if with_interlock else None)
        self._domestic = ContactorKeeper(self._domestic_interlock if with_interlock else None)
        self._both = (self._pilot, self._domestic)
        self._with_domestic = with_domestic
        self._asked = self._pilot

    @property
    def coil(self) -> bool:
        """Decision for the coil of the contactor behind the pilot."""
        return self._pilot.coil

    @property
    def domestic_coil(self) -> bool:
        """Decision for the domestic socket's coil."""
        return self._domestic.coil

    @property
    def reason(self) -> SafeStateReason:
        """Why the contactor that was asked for last is not held."""
        return self._asked.reason

    @property
    def faults(self) -> FaultBit:
        """Fault bits latched by a trip; OPEN clears them."""
        return self._pilot.faults | self._domestic.faults

    @property
    def permitted(self) -> bool:
        """Whether a lease runs."""
        return self._pilot.permitted or self._domestic.permitted

    @property
    def lease_until_us(self) -> int:
        """When the next lease ends, ``NEVER`` while none runs."""
        return min((keeper.lease_until_us for keeper in self._both if keeper.permitted), default=NEVER)

    def observe(self, sample: OutletReading, now_us: int) -> None:
        """Take in a new sample."""
        self._domestic_interlock.observe(sample, now_us)

    def hold(self, frame: Frame, hold: Hold, now_us: int) -> bool:
        """Grant or renew the lease that ``hold`` names; return whether it is accepted."""
        if not isinstance(hold, HoldDomestic):
            self._asked = self._pilot
        elif self._with_domestic:
            self._asked = self._domestic
        else:
            return False
        return self._asked.hold(frame, hold, now_us)

    def command(self) -> None:
        """A CONTROL was accepted."""
        for keeper in self._both:
            keeper.command()

    def silence(self) -> None:
        """No valid host frame for too long."""
        for keeper in self._both:
            keeper.silence()

    def open(self) -> None:
        """Withdraw every permission and forgive trips."""
        for keeper in self._both:
            keeper.open()

    def latch(self, fault: FaultBit) -> None:
        """Remember a fault of a coil's driver until OPEN."""
        self._pilot.latch(fault)

    def expire(self, now_us: int) -> None:
        """End the leases whose time has come."""
        for keeper in self._both:
            keeper.expire(now_us)

    def settle(self, sample: OutletReading, mode: PilotDriveMode, now_us: int) -> None:
        """Decide both coils on the newest sample."""
        pilot, domestic = self._pilot, self._domestic
        pilot.settle(sample, mode, now_us, other_closed=domestic.coil or sample.domestic_mirror_closed)
        domestic.settle(sample, mode, now_us, other_closed=pilot.coil or sample.mirror_closed)

    def essential_wake_us(self) -> int:
        """When an interlock would open by the passing of time."""
        return min(self._pilot.essential_wake_us(), self._domestic.essential_wake_us())

    def shift(self, delta_us: int) -> None:
        """Move the leases by ``delta_us`` of elided renewals."""
        for keeper in self._both:
            keeper.shift(delta_us)
