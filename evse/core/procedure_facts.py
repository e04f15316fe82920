"""The facts of one instant on which the outlet procedure decides."""

from __future__ import annotations

from typing import NamedTuple

from evse.core.lock import LockGoal
from evse.core.shutter import ShutterGoal


class ProcedureFacts(NamedTuple):
    """What the procedure needs to know of the outlet at one instant."""

    restored: bool
    hardware_ready: bool
    """Front end fresh, contact reported open, lock feedback plausible."""
    plugged: bool
    vehicle: bool
    vehicle_gone: bool
    """State A, and no doubt about it."""
    charge_type: str
    """What kind of charge the socket in use gives."""
    link_ok: bool
    contact_closed: bool
    permitted: bool
    welded: bool
    drawing: bool
    locked: bool
    unlocked: bool
    lock_failed: LockGoal | None
    shutter_closed: bool
    """Confirmed; always false where there is no shutter."""
    shutter_failed: ShutterGoal | None
    self_test_passed: bool
    self_test_failed: bool
    blocked: bool
    """A fault that forbids to close is in force."""
    ending_fault: str
    """Name of a fault in force that ends sessions, or empty."""
    key_locked: bool
    """The key keeps everybody out."""
    register_wh: int
    domestic: bool = False
    """The domestic socket has the outlet: its plug stands for cable and vehicle, there is no bolt."""
    excluded: bool = False
    """The outlet's other socket is not free."""
