"""What control knows of the house meter's word: its limit of the station, which outlives whoever gave it."""

from __future__ import annotations

from evse.core.limit_sources import HOUSE_METER
from evse.exchange.snapshot import StationView


def knows_house(view: StationView) -> bool:
    """Whether a limit of the house meter for the whole station is known to control, in force or expired."""
    limits = (limit for outlet in view.outlets for limit in outlet.limits)
    return any(limit.source == HOUSE_METER and limit.note.startswith("station") for limit in limits)
