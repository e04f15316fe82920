"""The station's node of the limit tree: its rated maximum and the limits that sources have set for it."""

from __future__ import annotations

from evse.core.limits import arbitrate, constant
from evse.core.orders import StandingOrder, limit_of, limits_in_force
from evse.core.units import NEVER, SECOND

SETTLING_US = 6 * SECOND
"""A vehicle has 5 s to follow a lower offer (sequence 6), and so long the higher one counts; the rest is margin."""


class StationLimits:
    """Orders of kind ``LIMIT`` for the station by source, and what they leave of its maximum.

    ``maximum_ma`` rules all outlets together, ``note`` names the source that says so, empty for the rated maximum.
    ``settling`` while outlets may still draw what they were offered under a higher maximum.
    """

    def __init__(self, rated_ma: int) -> None:
        self.orders: dict[str, StandingOrder] = {}
        self.maximum_ma = rated_ma
        self.note = ""
        self.settling = False
        self._rated_ma = rated_ma
        self._rated = constant("station maximum", rated_ma)
        self._settled_us = -NEVER

    def configure(self, rated_ma: int) -> None:
        """The station has another maximum of its own."""
        self._rated_ma = rated_ma
        self._rated = constant("station maximum", rated_ma)

    def update(self, now_us: int) -> int:
        """Find what rules now; return when that may change by time alone."""
        if not self.orders and self.maximum_ma == self._rated_ma:
            self.settling = now_us < self._settled_us
            return self._settled_us if self.settling else NEVER
        limits = (self._rated, *(limit_of(order) for order in self.orders.values()))
        found = arbitrate(now_us, limits, phases=3)
        if found.current_ma < self.maximum_ma:
            self._settled_us = now_us + SETTLING_US
        self.maximum_ma = found.current_ma
        self.note = "" if found.ruling == self._rated.source else found.ruling
        self.settling = now_us < self._settled_us
        return min(found.next_change_us, self._settled_us if self.settling else NEVER)

    def in_force(self) -> tuple[StandingOrder, ...]:
        """The station's orders, sorted by source."""
        return limits_in_force(self.orders)
