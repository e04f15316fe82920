"""``tools/bench lists``: import of 1 000 badges and export of 3 000 records by REST, beside a charge.

A station with a full history charges; meanwhile its whole badge list is replaced (the answer comes when it is durable) and all
records are exported, several times. Judged are the longest import and export and that control's cycles were not late.
"""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from evse.services.badges.badge import Badge
from evse.services.badges.badge_file import export_badges
from evse.services.badges.badge_list import BadgeList
from evse.services.clock import ClockQuality, Instant
from evse.services.journal import RECORDS_KEPT, SessionEnd, SessionStart, Write
from evse.services.sqlite_journal import SqliteStore
from tools.benchmarks.figures import Goal, Report
from tools.benchmarks.running import BenchStation, NotSeen, until

BADGES: Final = 1_000
GOAL_S: Final = 1.0
PATIENCE_S: Final = 60.0
_UTC_US: Final = 1_795_780_800_000_000
_HOUR_US: Final = 3_600_000_000


def measure(times: int) -> Report:
    """Import and export ``times`` times each. Raises NotSeen."""
    badges = export_badges(BadgeList(tuple(Badge(f"{number:014X}", comment="c" * 50) for number in range(BADGES))))
    with BenchStation("parking") as station:
        fill(station.home / "data", "SIM-parking")
        station.launch()
        until("the page", station.page_works, PATIENCE_S)
        station.charge()
        before = _latency(station)
        imports = [_timed(lambda: _import(station, badges)) for _ in range(times)]
        exports = [_timed(lambda: _export(station)) for _ in range(times)]
        after = _latency(station)
        if not station.truth()["contact_closed"]:
            raise NotSeen("a charge that goes on meanwhile")
    late = after["late_cycles"] - before["late_cycles"]
    made = Report("lists")
    made.lines += [
        f"beside a charge, {times} times each",
        f"  import of {BADGES} badges   {min(imports):.2f} to {max(imports):.2f} s",
        f"  export of {RECORDS_KEPT} records  {min(exports):.2f} to {max(exports):.2f} s",
        f"  control meanwhile: {after['cycles'] - before['cycles']} cycles, worst since its start {after['worst_us'] / 1e3:.1f} ms late",
    ]
    made.goals = [
        Goal(f"import of {BADGES} badges", "s", GOAL_S, max(imports)),
        Goal(f"export of {RECORDS_KEPT} records", "s", GOAL_S, max(exports)),
        Goal("control cycles more than 20 ms late meanwhile", "", 0, late),
    ]
    made.data = {"imports_s": imports, "exports_s": exports, "late_cycles": late}
    return made


def fill(data: Path, station: str) -> None:
    """A journal with as many records as are kept. Raises NotSeen."""
    data.mkdir(parents=True)
    done = threading.Event()
    store = SqliteStore(data / "journal.sqlite", done.set)
    writes = [write for number in range(RECORDS_KEPT) for write in _session(number)]
    store.journal(station).commit(writes, lambda: None)
    if not done.wait(PATIENCE_S):
        raise NotSeen("a filled journal")
    store.deliver()
    store.close()


def _session(number: int) -> list[Write]:
    at = Instant("boot", number * 1_000_000, _UTC_US + number * 1_000_000, ClockQuality.SYNCHRONISED)
    name = f"boot-1-{number}"
    return [
        SessionStart(1, name, "04A1B2C3D4E5F6", "badge", at, "T2", "a comment"),
        SessionEnd(1, name, at, "Local", number, number, "Normal_Mode_3", _HOUR_US),
    ]


def _timed(action: Callable[[], None]) -> float:
    begin_s = time.monotonic()
    action()
    return time.monotonic() - begin_s


def _import(station: BenchStation, file: bytes) -> None:
    headers = {"content-type": "text/csv", "x-evse-request": "1"}
    request = urllib.request.Request(station.url + "api/badges/import", file, headers)  # noqa: S310  # our own server
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310  # our own server
        answer.read()


def _export(station: BenchStation) -> None:
    with urllib.request.urlopen(station.url + "api/records.csv", timeout=PATIENCE_S) as answer:  # noqa: S310  # our own
        lines = answer.read().count(b"\r\n")
    if lines <= RECORDS_KEPT - 1:
        raise NotSeen(f"an export of every record; it had {lines} lines")


def _latency(station: BenchStation) -> dict[str, Any]:
    view = until("a Snapshot", lambda: station.ask("api/station"), PATIENCE_S)
    return dict(view["latency"])
