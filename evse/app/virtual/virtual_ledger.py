"""The journal as invariants and scenarios read it: open sessions and records, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evse.services.journal import Journal, JournalError
from evse.sim.station import ClosedSession, OpenSession

ALL_RECORDS = 1_000_000
POWER_LOSS = "PowerLoss"


class JournalLedger:
    """One station's journal as it is; each question is answered once, so make a new ledger after every commit."""

    def __init__(self, journal: Journal, waiting: Callable[[], int]) -> None:
        self._journal = journal
        self._open: Sequence[OpenSession] | None = None
        self._closed: Sequence[ClosedSession] | None = None
        self.waiting = waiting

    def open_sessions(self) -> Sequence[OpenSession]:
        """Sessions whose start is durable and whose end is not; empty while the disk cannot be read."""
        if self._open is None:
            self._open = self._read_open()
        return self._open

    def records(self) -> Sequence[ClosedSession]:
        """Every record, oldest first."""
        if self._closed is None:
            self._closed = tuple(
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
            )
        return self._closed

    def _read_open(self) -> Sequence[OpenSession]:
        try:
            found = self._journal.open_sessions()
        except JournalError:
            return ()
        return tuple(OpenSession(each.outlet, each.session_id, each.uid) for each in found)
