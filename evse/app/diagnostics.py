"""What a station offers to a central system that asks for diagnostics or logs: an allow-list, without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from evse.exchange.snapshot import StationView
from evse.links.ocpp.file_work import Work
from evse.services.badges.badge import mask_uid
from evse.web.ports import EventRecord

EVENTS: Final = 500
SECURITY: Final = "security"
SECURITY_FILES: Final = ("security.log.1", "security.log")


def diagnostics(view: StationView | None, events: Sequence[EventRecord]) -> bytes:
    """The newest Snapshot and the last events; users' identifiers are masked."""
    document = {
        "station": None if view is None else _masked(asdict(view)),
        "events": [
            {
                "sequence": each.sequence,
                "at_us": each.at_us,
                "type": type(each.event).__name__,
                **_masked(asdict(each.event)),
            }
            for each in events[-EVENTS:]
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, default=str).encode()


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: mask_uid(inner) if name == "uid" and isinstance(inner, str) else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value


def security_log(folder: Path) -> bytes:
    """The security log as it is in the data directory, oldest first; empty without one."""
    files = [folder / SECURITY / name for name in SECURITY_FILES]
    return b"".join(file.read_bytes() for file in files if file.exists())


def offered_by(
    folder: Path, view: Callable[[], StationView | None], events: Callable[[], Sequence[EventRecord]]
) -> Callable[[Work], bytes]:
    """What is uploaded for each kind of work. Times of the request are not looked at: everything there is goes."""

    def offered(work: Work) -> bytes:
        match work:
            case Work.DIAGNOSTICS:
                return diagnostics(view(), events())
            case Work.SECURITY_LOG:
                return security_log(folder)
        return b""

    return offered
