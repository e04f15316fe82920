"""The station's node of the limit tree: its maximum and the limits that sources have set for all outlets together."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from evse.core.limits import Limit, arbitrate, constant
from evse.core.orders import StandingOrder, limit_of, limits_in_force
from evse.core.units import NEVER, SECOND

SETTLING_US = 6 * SECOND
"""A vehicle has 5 s to follow a lower offer (sequence 6), and so long the higher one counts; the rest is margin."""
UNLIMITED_MA = 1_000_000_000


class StationLimits:
    """Orders of kind ``LIMIT`` for the station by source, and what they leave of its maximum.

    ``limits``: the maximum and every order, for the stacks of the outlets. ``maximum_ma`` is what outlets share, ``note``
    names the source that says so, empty for the station's own maximum. ``settling`` while outlets may still draw what they
    were offered under a higher maximum. Without balancing the own maximum holds for each outlet alone and only the
    orders are shared: ``shared`` is false when there are none.
    """

    def __init__(self, own_ma: int, *, balancing: bool) -> None:
        self.orders: dict[str, StandingOrder] = {}
        self.note = ""
        self.settling = False
        self._settled_us = -NEVER
        self._configure(own_ma, balancing=balancing)
        self.maximum_ma = self._own_ma if balancing else UNLIMITED_MA

    def configure(self, own_ma: int, *, balancing: bool) -> None:
        """The station has another maximum of its own."""
        self._configure(own_ma, balancing=balancing)

    def _configure(self, own_ma: int, *, balancing: bool) -> None:
        self._own_ma, self._balancing = own_ma, balancing
        self._own = constant("station maximum", own_ma)
        self.limits: tuple[Limit, ...] = (self._own,)

    @property
    def shared(self) -> bool:
        """Whether outlets share ``maximum_ma``."""
        return self._balancing or bool(self.orders)

    def update(self, now_us: int) -> int:
        """Find what rules now; return when that may change by time alone."""
        shared_ma = self._own_ma if self._balancing else UNLIMITED_MA
        if not self.orders and self.maximum_ma == shared_ma:
            self.limits, self.note = (self._own,), ""
            self.settling = now_us < self._settled_us
            return self._settled_us if self.settling else NEVER
        of_orders = tuple(_for_all(order) for order in self.orders.values())
        self.limits = (self._own, *of_orders)
        found = arbitrate(now_us, (constant("station maximum", shared_ma), *of_orders), conductors=(1, 2, 3))
        if found.current_ma < self.maximum_ma:
            self._settled_us = now_us + SETTLING_US
        self.maximum_ma = found.current_ma
        self.note = "" if found.ruling == self._own.source else found.ruling
        self.settling = now_us < self._settled_us
        return min(found.next_change_us, self._settled_us if self.settling else NEVER)

    def in_force(self) -> tuple[StandingOrder, ...]:
        """The station's orders, sorted by source."""
        return limits_in_force(self.orders)


@lru_cache(maxsize=256)
def _for_all(order: StandingOrder) -> Limit:
    """The limit of all outlets together that an order means."""
    limit = limit_of(order)
    return replace(limit, note=f"station, {limit.note}" if limit.note else "station")
