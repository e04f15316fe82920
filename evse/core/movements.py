"""What moved between two readings, as events: contact, bolt, shutter, input functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evse.core.config import OutletConfig
from evse.core.events import ContactorMoved, Event, InputChanged, LockMoved, ShutterMoved
from evse.core.lines import LineChange
from evse.core.values import OutletInputs


def movements(
    config: OutletConfig, previous: OutletInputs, present: OutletInputs, changes: Iterable[LineChange]
) -> Iterator[Event]:
    """Yield an event for everything that differs, and for the debounced ``changes`` of the input functions."""
    number = config.number
    if present.contactor_closed != previous.contactor_closed:
        yield ContactorMoved(number, present.contactor_closed)
    if present.lock != previous.lock:
        yield LockMoved(number, present.lock.value)
    if config.has_shutter and present.shutter != previous.shutter:
        yield ShutterMoved(number, present.shutter.value)
    for change in changes:
        yield InputChanged(number, change.function.value, change.active)
