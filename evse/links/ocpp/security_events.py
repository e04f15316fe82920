"""Security events on their way to the central system (OCPP 1.6 security whitepaper, A04): kept, told one by one, oldest first.

They outlive power cuts and are told when there is a connection. One that is answered is forgotten; one whose connection was
lost is told on the next. What strangers can cause has a share of the room, so that it cannot push the rest out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from evse.records import dataclass
from evse.services.clock import ClockQuality, Instant

LIMIT: Final = 50
"""Events that wait at most; the oldest goes."""
STRANGERS: Final = 10
"""Of them those that somebody without an account can cause; what comes beyond is left out while these wait."""
INFO_LIMIT: Final = 255
TYPE_LIMIT: Final = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event. ``stranger``: somebody without an account can cause it."""

    kind: str
    at: Instant
    info: str = ""
    stranger: bool = False


class SecurityEvents:
    """State: what waits, and whether the first of it is under way."""

    def __init__(self, text: str = "") -> None:
        """``text``: what ``text`` has returned in an earlier boot."""
        self._waiting = [_event(each) for each in json.loads(text)] if text else []
        self.changed = False
        """Whether ``text`` has something to be kept."""
        self._under_way: Waiting | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: Waiting) -> None:
        """An event has happened."""
        if event.stranger and sum(each.stranger for each in self._waiting) >= STRANGERS:
            return
        self._waiting.append(event)
        del self._waiting[:-LIMIT]
        self.changed = True

    def join(self, later: SecurityEvents) -> None:
        """What has happened before these were read goes behind them."""
        for event in later._waiting:
            self.add(event)

    def next(self) -> Waiting | None:
        """The event to tell now: ``None`` while one is under way."""
        if self._under_way is not None or not self._waiting:
            return None
        self._under_way = self._waiting[0]
        return self._under_way

    def told(self) -> None:
        """The event under way was answered."""
        event, self._under_way = self._under_way, None
        if event is not None and event in self._waiting:
            self._waiting.remove(event)
            self.changed = True

    def lost(self) -> None:
        """The event under way has got no answer: it is told again."""
        self._under_way = None

    def clear(self) -> None:
        """Nobody wants to know."""
        self.changed |= bool(self._waiting)
        self._waiting.clear()

    def text(self) -> str:
        """Everything that waits, to be kept; empty for nothing."""
        self.changed = False
        return json.dumps([_fields(each) for each in self._waiting], separators=(",", ":")) if self._waiting else ""


def _fields(event: Waiting) -> dict[str, Any]:
    at = event.at
    instant = [at.boot_id, at.mono_us, at.utc_us, at.quality.value]
    return {"kind": event.kind, "at": instant, "info": event.info, "stranger": event.stranger}


def _event(fields: Mapping[str, Any]) -> Waiting:
    boot_id, mono_us, utc_us, quality = fields["at"]
    return Waiting(
        fields["kind"], Instant(boot_id, mono_us, utc_us, ClockQuality(quality)), fields["info"], fields["stranger"]
    )
