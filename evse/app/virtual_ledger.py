"""The journal as invariants and scenarios read it: open sessions and records, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from evse.services.journal import Journal, JournalError
from evse.sim.station import ClosedSession, OpenSession

ALL_RECORDS = 1_000_000
POWER_LOSS = "PowerLoss"


class JournalLedger:
    """Reads one station's journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def open_sessions(self) -> Sequence[OpenSession]:
        """Sessions whose start is durable and whose end is not; empty while the disk cannot be read."""
        try:
            found = self._journal.open_sessions()
        except JournalError:
            return ()
        return [OpenSession(each.outlet, each.session_id, each.uid) for each in found]

    def records(self) -> Sequence[ClosedSession]:
        """Every record, oldest first."""
        return [
            ClosedSession(
                number=record.number,
                outlet=record.outlet,
                session_id=record.session_id,
                uid=record.uid,
                energy_wh=record.energy_wh,
                reason=record.reason,
                charge_type=record.charge_type,
                interrupted=record.reason == POWER_LOSS,
                socket=record.socket,
            )
            for record in sorted(self._journal.records(ALL_RECORDS), key=lambda each: each.number)
        ]
