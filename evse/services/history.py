"""The last minutes of the station, for a page that has just been opened: Snapshots reduced to changes.

A row is kept when a state of the outlet changes, and at most once a second when only a measured current does (by 0.2 A
or more). Rows are bounded in number and age, so the ring's memory is fixed whatever the station lives through.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from evse.core.units import SECOND, PhaseValues
from evse.exchange.snapshot import OutletView, StationView

KEPT_US: Final = 60 * 60 * SECOND
ROWS: Final = 4_000
"""Rows per outlet; a charge whose current never rests fills a bit more than an hour."""
CURRENT_STEP_MA: Final = 200
CURRENT_EVERY_US: Final = 1 * SECOND


class HistoryRow(NamedTuple):
    """One outlet from ``at_us`` on, until the next row. Currents in mA, duty in 0.01 %.

    While the front end does not answer, what only it can tell is ``None``, the pilot's state and mode are empty.
    """

    at_us: int
    ev_state: str
    outlet_status: str
    pilot_mode: str
    duty_bp: int
    contactor_closed: bool | None
    """Of the socket that is in use."""
    offered_ma: int
    currents_ma: PhaseValues | None


class History:
    """Takes every Snapshot; a Snapshot of another boot begins anew, because its clock does."""

    def __init__(self) -> None:
        self._boot_id = ""
        self._since_us = 0
        self._rows: dict[int, deque[HistoryRow]] = {}

    @property
    def boot_id(self) -> str:
        """The boot whose clock the rows' times are on."""
        return self._boot_id

    @property
    def since_us(self) -> int:
        """From when on nothing can be missing."""
        return self._since_us

    def put(self, view: StationView) -> None:
        """Take the newest Snapshot."""
        if view.boot_id != self._boot_id:
            self._boot_id, self._since_us = view.boot_id, view.mono_us
            self._rows.clear()
        for outlet in view.outlets:
            rows = self._rows.setdefault(outlet.number, deque())
            row = _row(outlet, view.mono_us)
            if rows and not _worth_keeping(rows[-1], row):
                continue
            rows.append(row)
            while len(rows) > ROWS or (len(rows) > 1 and rows[1].at_us < view.mono_us - KEPT_US):
                rows.popleft()
                self._since_us = max(self._since_us, rows[0].at_us)

    def rows(self, outlet: int, from_us: int) -> list[HistoryRow]:
        """Rows of one outlet that say how it was from ``from_us`` on: the first may be older."""
        rows = list(self._rows.get(outlet, ()))
        first = max((index for index, row in enumerate(rows) if row.at_us <= from_us), default=0)
        return rows[first:]

    def outlets(self) -> list[int]:
        """Numbers of the outlets that were seen."""
        return sorted(self._rows)


def _row(outlet: OutletView, at_us: int) -> HistoryRow:
    pilot = outlet.pilot
    domestic = outlet.domestic if outlet.connector == "TE" else None
    closed = outlet.contactor_closed if domestic is None else domestic.contactor_closed
    return HistoryRow(
        at_us,
        outlet.ev_state if outlet.link_ok else "",
        outlet.outlet_status,
        pilot.driven_mode if pilot is not None else "",
        pilot.driven_duty_bp if pilot is not None else 0,
        closed if outlet.link_ok else None,
        outlet.offered_ma,
        outlet.currents_ma,
    )


def _worth_keeping(last: HistoryRow, row: HistoryRow) -> bool:
    if row[1:-1] != last[1:-1]:
        return True
    if row.currents_ma is None or last.currents_ma is None:
        return row.currents_ma != last.currents_ma
    moved = max(abs(new - old) for new, old in zip(row.currents_ma, last.currents_ma, strict=True))
    return moved >= CURRENT_STEP_MA and row.at_us >= last.at_us + CURRENT_EVERY_US
