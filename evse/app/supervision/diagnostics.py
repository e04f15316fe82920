"""What a station offers to a central system that asks for diagnostics or logs: an allow-list, without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from evse.exchange.snapshot import StationView
from evse.links.ocpp.file_work import Job, Work
from evse.links.ocpp.stamps import stamp, utc_us_from
from evse.services.badges.badge import UID_NAMES, mask_uid
from evse.web.ports import EventRecord

EVENTS: Final = 500
"""In one file at most: the newest of those that are wanted."""
SECURITY: Final = "security"
SECURITY_FILES: Final = ("security.log.1", "security.log")


def diagnostics(
    view: StationView | None,
    events: Sequence[EventRecord],
    utc_us: Callable[[int], int | None] = lambda _at_us: None,
    since: str = "",
    until: str = "",
) -> bytes:
    """The newest Snapshot and the last events from ``since`` to ``until``; users' identifiers are masked.

    The Snapshot is of now, whatever was asked for: it is no logging information (OCPP 1.6, 5.9). ``utc_us``: what time it was at a
    time of control's clock, ``None`` while nobody knows; then all events go. Empty ``since`` or ``until`` (ISO 8601): no bound.
    """
    from_us, to_us = utc_us_from(since), utc_us_from(until)
    wanted = [each for each in events if _wanted(utc_us(each.at_us), from_us, to_us)][-EVENTS:]
    document = {
        "station": None if view is None else _masked(asdict(view)),
        "events": [
            {
                "sequence": each.sequence,
                "at_us": each.at_us,
                "utc": _text(utc_us(each.at_us)),
                "type": type(each.event).__name__,
                **_masked(asdict(each.event)),
            }
            for each in wanted
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, default=str).encode()


def _text(utc_us: int | None) -> str | None:
    return None if utc_us is None else stamp(utc_us)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: mask_uid(inner) if name in UID_NAMES and isinstance(inner, str) else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value


def security_log(folder: Path, since: str = "", until: str = "") -> bytes:
    """The security log of the data directory, oldest first; empty without one.

    ``since``, ``until``: times (ISO 8601) outside which nothing is wanted, empty for no bound. Entries from before anybody knew the
    time always go.
    """
    files = [folder / SECURITY / name for name in SECURITY_FILES]
    lines = b"".join(file.read_bytes() for file in files if file.exists()).splitlines(keepends=True)
    from_us, to_us = utc_us_from(since), utc_us_from(until)
    return b"".join(line for line in lines if _wanted(_utc_us(line), from_us, to_us))


def _utc_us(line: bytes) -> int | None:
    """When an entry was made; ``None`` for one without a time, or what is no entry."""
    try:
        return utc_us_from(str(json.loads(line)["utc"]))
    except (ValueError, TypeError, KeyError):
        return None


def _wanted(at_us: int | None, from_us: int | None, to_us: int | None) -> bool:
    if at_us is None:
        return True
    return (from_us is None or at_us >= from_us) and (to_us is None or at_us <= to_us)


def offered_by(
    folder: Path,
    view: Callable[[], StationView | None],
    events: Callable[[], Sequence[EventRecord]],
    utc_us: Callable[[int], int | None],
) -> Callable[[Job], bytes]:
    """What is uploaded for each kind of work, within the times that were asked for. ``utc_us`` as for ``diagnostics``."""

    def offered(job: Job) -> bytes:
        match job.work:
            case Work.DIAGNOSTICS:
                return diagnostics(view(), events(), utc_us, job.since, job.until)
            case Work.SECURITY_LOG:
                return security_log(folder, job.since, job.until)
        return b""

    return offered
