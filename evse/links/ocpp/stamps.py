"""Time stamps of what happened, also of what happened before anybody knew what time it was.

Everything is kept as an :class:`~evse.services.clock.Instant`: boot, monotonic time, and UTC where it was known. When a
message is sent, more may be known than when it was kept. The distance between the monotonic clock and UTC is taken per
boot, from the first of these that there is:

1. what the clock says now, for the boot that runs;
2. the best instant of that boot among those that wait: a synchronised one before a set one, a later before an earlier;
3. nobody ever knew: the boot's last instant is put where the next boot begins. That is the latest it can have been, so
   durations and order are exact and nothing lies in the future.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from evse.core.units import SECOND
from evse.services.clock import ClockMapping, ClockQuality, Instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_UTC_US: Final = 946_684_800 * SECOND
"""1 January 2000: nothing that this software did happened before."""
LATEST_UTC_US: Final = 4_102_444_800 * SECOND
"""1 January 2100: a time beyond it breaks more central systems than it tells anything."""
_WORTH: Final = {ClockQuality.UNSET: 0, ClockQuality.SET: 1, ClockQuality.SYNCHRONISED: 2}

Offsets = Mapping[str, int]
"""By boot: UTC in microseconds since 1970 minus the boot's monotonic microseconds."""


def offsets(instants: Iterable[Instant], mapping: ClockMapping, began_utc_us: int) -> dict[str, int]:
    """Return the offsets of all boots in ``instants`` (oldest first); ``began_utc_us``: when the running boot began."""
    boots: dict[str, list[Instant]] = {}
    for instant in instants:
        boots.setdefault(instant.boot_id, []).append(instant)
    found: dict[str, int] = {}
    if mapping.quality is not ClockQuality.UNSET:
        found[mapping.boot_id] = mapping.utc_us - mapping.mono_us
    bound_us = began_utc_us
    for boot_id in reversed(boots):
        known = boots[boot_id]
        if boot_id not in found:
            best = max(known, key=lambda each: (_worth(each), each.mono_us))
            if best.utc_us is not None:
                found[boot_id] = best.utc_us - best.mono_us
            else:
                found[boot_id] = bound_us - max(each.mono_us for each in known)
        bound_us = min(bound_us, found[boot_id] + min(each.mono_us for each in known))
    return found


def _worth(instant: Instant) -> int:
    return -1 if instant.utc_us is None else _WORTH[instant.quality]


def utc_us_of(instant: Instant, known: Offsets) -> int:
    """Return the UTC of an instant, kept within the years that make sense. Its boot must be among the offsets, or it has UTC."""
    offset_us = known.get(instant.boot_id)
    utc_us = instant.utc_us if offset_us is None else instant.mono_us + offset_us
    return min(max(utc_us or 0, EARLIEST_UTC_US), LATEST_UTC_US)


def stamp(utc_us: int) -> str:
    """Return UTC as a `dateTime` with milliseconds, rounded down."""
    moment = _EPOCH + timedelta(milliseconds=utc_us // 1_000)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1_000:03d}Z"


def utc_us_from(text: str) -> int | None:
    """Return the microseconds of UTC of a `dateTime` (one without a zone is UTC); ``None`` for what makes no sense."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        utc_us = (moment - _EPOCH) // timedelta(microseconds=1)
    except OverflowError:
        return None
    return utc_us if EARLIEST_UTC_US <= utc_us <= LATEST_UTC_US else None


def filled(value: Any, known: Offsets) -> Any:
    """Return a payload with each :class:`Instant` in it replaced by its text."""
    if isinstance(value, Instant):
        return stamp(utc_us_of(value, known))
    if isinstance(value, Mapping):
        return {name: filled(inner, known) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [filled(inner, known) for inner in value]
    return value


def instants_in(value: Any) -> Iterable[Instant]:
    """Every instant in a payload."""
    if isinstance(value, Instant):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from instants_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from instants_in(inner)
