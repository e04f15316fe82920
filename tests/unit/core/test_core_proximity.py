"""Cable coding: bands, gaps and edges of the proximity resistor, and the debounce."""

from __future__ import annotations

import pytest

from evse.core.proximity import ProximityMonitor, cable_rating_ma, decode_proximity
from evse.core.units import MS, NEVER
from evse.core.values import CableState

BANDS = [
    (0, CableState.SHORT),
    (79, CableState.SHORT),
    (80, CableState.A63),
    (100, CableState.A63),
    (140, CableState.A63),
    (141, CableState.A32),
    (164, CableState.A32),
    (220, CableState.A32),
    (308, CableState.A32),
    (309, CableState.A20),
    (400, CableState.A20),
    (680, CableState.A20),
    (936, CableState.A20),
    (937, CableState.A13),
    (1_100, CableState.A13),
    (1_500, CableState.A13),
    (2_460, CableState.A13),
    (2_461, CableState.INVALID),
    (4_500, CableState.INVALID),
    (4_501, CableState.NOT_PLUGGED),
    (None, CableState.NOT_PLUGGED),
]


@pytest.mark.req("PIL-08")
@pytest.mark.parametrize(("ohm", "state"), BANDS)
def test_bands_and_the_gaps_between_them(ohm: int | None, state: CableState) -> None:
    """A value in a gap takes the lower current."""
    assert decode_proximity(ohm) is state


def test_only_usable_cables_carry_current() -> None:
    carried = {state: cable_rating_ma(state) for state in CableState}
    assert carried == {
        CableState.NOT_PLUGGED: 0,
        CableState.A13: 13_000,
        CableState.A20: 20_000,
        CableState.A32: 32_000,
        CableState.A63: 63_000,
        CableState.SHORT: 0,
        CableState.INVALID: 0,
    }


def test_a_cable_counts_after_the_hold_time_and_not_before() -> None:
    monitor = ProximityMonitor(50 * MS)
    assert monitor.update(0, 220) == 50 * MS
    seen = []
    for at_us in (50 * MS - 1, 50 * MS):
        wake_us = monitor.update(at_us, 220)
        seen.append((monitor.state, wake_us))
    assert seen == [(CableState.NOT_PLUGGED, 50 * MS), (CableState.A32, NEVER)]


def test_another_reading_begins_the_hold_time_anew() -> None:
    monitor = ProximityMonitor(50 * MS)
    monitor.update(0, 220)
    assert monitor.update(40 * MS, 680) == 90 * MS
    assert monitor.update(60 * MS, None) == NEVER
    monitor.update(61 * MS, 680)
    assert monitor.update(110 * MS, 680) == 111 * MS
    assert monitor.state is CableState.NOT_PLUGGED


def test_a_lost_link_begins_the_hold_time_anew() -> None:
    monitor = ProximityMonitor(50 * MS)
    monitor.update(0, 220)
    monitor.lost()
    assert monitor.update(900 * MS, 220) == 950 * MS
    assert monitor.state is CableState.NOT_PLUGGED
