"""Cable coding by the proximity resistor, case B socket (IEC 61851-1 Table B.2).

A value between two bands takes the lower current. Below 80 ohm the circuit counts as shorted; between the widest 13 A
reading (2460 ohm) and an open circuit (4500 ohm) it is invalid.
"""

from __future__ import annotations

from typing import Final

from evse.core.units import NEVER
from evse.core.values import CableState

SHORT_BELOW_OHM: Final = 80
OPEN_ABOVE_OHM: Final = 4_500
_UPPER_BOUNDS_OHM: Final = (
    (140, CableState.A63),
    (308, CableState.A32),
    (936, CableState.A20),
    (2_460, CableState.A13),
)
_RATING_MA: Final = {
    CableState.A13: 13_000,
    CableState.A20: 20_000,
    CableState.A32: 32_000,
    CableState.A63: 63_000,
}


def decode_proximity(resistance_ohm: int | None) -> CableState:
    """Return the cable state for a resistance between PP and PE; ``None`` is an open circuit."""
    if resistance_ohm is None or resistance_ohm > OPEN_ABOVE_OHM:
        return CableState.NOT_PLUGGED
    if resistance_ohm < SHORT_BELOW_OHM:
        return CableState.SHORT
    for bound_ohm, state in _UPPER_BOUNDS_OHM:
        if resistance_ohm <= bound_ohm:
            return state
    return CableState.INVALID


def cable_rating_ma(state: CableState) -> int:
    """Return the current the cable may carry, 0 when there is no usable cable."""
    return _RATING_MA.get(state, 0)


class ProximityMonitor:
    """Debounces the cable state: a new decision counts when it has held for ``hold_us``."""

    def __init__(self, hold_us: int) -> None:
        self._hold_us = hold_us
        self._candidate = CableState.NOT_PLUGGED
        self._since_us = 0
        self.state = CableState.NOT_PLUGGED

    def lost(self) -> None:
        """No fresh readings: a pending decision begins anew."""
        self._candidate = self.state

    def update(self, now_us: int, resistance_ohm: int | None) -> int:
        """Take one reading; return when the pending decision would be due (``NEVER``: none pending)."""
        decided = decode_proximity(resistance_ohm)
        if decided == self.state:
            self._candidate = decided
            return NEVER
        if decided != self._candidate:
            self._candidate = decided
            self._since_us = now_us
        if now_us - self._since_us >= self._hold_us:
            self.state = decided
            return NEVER
        return self._since_us + self._hold_us
