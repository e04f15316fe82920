"""What control tells that belongs into the security log: hands at the lock, the shutter, the switches, the cards."""

from __future__ import annotations

from typing import Final

from evse.core.events import CardsErased, DipSwitchesRead, Event, FaultRaised, MasterCardTaught
from evse.services.security.events import SecurityEvent, SecurityKind, SecurityLog

FORCED: Final = {
    "LockOpenedInCharge": "the lock was opened in a charge",
    "ShutterOpenedInCharge": "the shutter was opened in a charge",
}
"""Faults that look like somebody's hand."""


class Tampering:
    """Sees every event of control once and notes those that matter."""

    def __init__(self, log: SecurityLog) -> None:
        self._log = log

    def see(self, event: Event) -> None:
        """Note ``event`` if it is one of them."""
        match event:
            case FaultRaised(outlet=outlet, fault=fault) if fault in FORCED:
                self._note(SecurityKind.TAMPER, f"outlet {outlet}: {FORCED[fault]}")
            case DipSwitchesRead(positions=positions, pending=True):
                self._note(SecurityKind.TAMPER, f"DIP switches moved to {positions}, they count from the next start")
            case CardsErased():
                self._note(SecurityKind.BADGES_CHANGED, "every badge removed by the service button")
            case MasterCardTaught(uid=uid):
                self._note(SecurityKind.BADGES_CHANGED, "taught as master card at the reader", uid)
            case _:
                pass

    def taught(self, uid: str, mode: str) -> None:
        """A badge was added or removed at the reader."""
        self._note(SecurityKind.BADGES_CHANGED, f"taught at the reader: {mode}", uid)

    def _note(self, kind: SecurityKind, detail: str, uid: str = "") -> None:
        self._log.record(SecurityEvent(kind, "at the station", "", detail, uid))
