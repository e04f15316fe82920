"""From views and events to JSON text, once per change.

Each piece of a view (the station's head, each outlet) is turned to JSON when it differs from the piece before and the
text is shared by everybody who wants it: ten readers cost one conversion.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from pydantic import TypeAdapter

from evse.core.events import event_data
from evse.exchange.snapshot import OutletView, StationView
from evse.web.ports import EventRecord

HEAD = "station"
"""Key of the piece that holds everything but the outlets."""

_OUTLET = TypeAdapter(OutletView)
_STATION = TypeAdapter(StationView)
_HEAD_FIELDS = {field.name for field in fields(StationView)} - {"outlets"}


def outlet_key(number: int) -> str:
    """Key of one outlet's piece."""
    return f"outlet/{number}"


def outlet_json(outlet: OutletView) -> str:
    """One outlet as JSON text with the field names of :class:`OutletView`."""
    return _OUTLET.dump_json(outlet).decode()


def head_json(view: StationView) -> str:
    """The station without its outlets as JSON text."""
    return _STATION.dump_json(view, include=_HEAD_FIELDS).decode()


def event_value(record: EventRecord) -> dict[str, Any]:
    """One event as plain values: sequence, time, type name, outlet, and its own fields under ``data``."""
    event = record.event
    return {
        "sequence": record.sequence,
        "at_us": record.at_us,
        "type": type(event).__name__,
        "outlet": event.outlet,
        "data": event_data(event),
    }


def event_json(record: EventRecord) -> str:
    """One event as JSON text."""
    return json.dumps(event_value(record), separators=(",", ":"), ensure_ascii=False)


class Pieces:
    """The current JSON pieces of the station; :meth:`update` returns those that changed.

    The head alone changes with every view because it carries the clock; it counts as changed when something else did,
    or when ``head_every_us`` of control's clock has passed since it was last given out.
    """

    def __init__(self, head_every_us: int = 1_000_000) -> None:
        self._head_every_us = head_every_us
        self._view: StationView | None = None
        self._head_view: StationView | None = None
        self.current: dict[str, str] = {}

    def update(self, view: StationView) -> dict[str, str]:
        """Take the newest view; the pieces that differ from those given out before, by key."""
        before = {outlet.number: outlet for outlet in self._view.outlets} if self._view is not None else {}
        changed = {
            outlet_key(outlet.number): outlet_json(outlet)
            for outlet in view.outlets
            if before.get(outlet.number) != outlet
        }
        if changed or self._head_is_due(view):
            changed[HEAD] = head_json(view)
            self._head_view = view
        self._view = view
        self.current.update(changed)
        return changed

    def clear(self) -> None:
        """Control is gone: nothing is current any more."""
        self._view = self._head_view = None
        self.current = {}

    def _head_is_due(self, view: StationView) -> bool:
        last = self._head_view
        if last is None:
            return True
        if not 0 <= view.mono_us - last.mono_us < self._head_every_us:
            return True
        return replace(view, mono_us=0, outlets=(), latency=last.latency) != replace(last, mono_us=0, outlets=())


def message_json(pieces: dict[str, str], events: list[str], connected: bool, lost: int) -> str:
    """One stream message out of ready-made pieces. ``lost``: events dropped because this reader was slow."""
    outlets = ",".join(text for key, text in pieces.items() if key != HEAD)
    return (
        f'{{"connected":{"true" if connected else "false"},"station":{pieces.get(HEAD, "null")},'
        f'"outlets":[{outlets}],"events":[{",".join(events)}],"lost_events":{lost}}}'
    )
