"""Standing orders between control and the journal: the same orders, with ends on two kinds of clock.

Control knows ends on its own monotonic clock, which a restart of the machine begins anew. The journal keeps each end
(and the start of a limit's plan) as a :class:`Deadline`, that is with the name of the monotonic clock and, if known, with UTC.

- Control restarts, the machine does not: the end is the same on the same clock, whatever the wall clock did.
- The machine restarts (power cut) and knows the time: the end is found by UTC.
- The machine restarts and does not know the time, or did not when the order was given: the order holds. A limit holds
  with the lowest of its currents; a booking holds for its user, because an outlet that is promised to somebody must
  not serve another. As soon as the time is known control is told the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from evse.core.orders import OrderKind, StandingOrder
from evse.core.units import NEVER, SECOND
from evse.services.clock import ClockMapping, Deadline
from evse.services.journal import Journal, KeepOrders, KeptOrder

STEP_US: Final = 1 * SECOND
"""A wall clock that has moved by more than this was set: kept ends are written anew with the better UTC."""


class StandingOrders:
    """The orders of one station as they are kept, by outlet (0: the station's)."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[KeptOrder, ...]] = {}

    def load(self, journal: Journal, outlets: tuple[int, ...]) -> None:
        """Begin with what the journal has. Raises ``JournalError``."""
        self._kept = {outlet: journal.orders(outlet) for outlet in outlets}

    def resumed(self, outlet: int, clock: ClockMapping) -> tuple[StandingOrder, ...]:
        """The orders of ``outlet`` for control, with ends on its clock as far as they are known."""
        return tuple(_resumed(kept, clock) for kept in self._kept.get(outlet, ()))

    def keep(self, outlet: int, orders: tuple[StandingOrder, ...], clock: ClockMapping) -> KeepOrders:
        """Control says that these are in force: what to store."""
        before = {kept.order.key: kept for kept in self._kept.get(outlet, ())}
        self._kept[outlet] = tuple(_kept(order, before, clock) for order in orders)
        return KeepOrders(outlet, self._kept[outlet])

    def undated(self, clock: ClockMapping) -> bool:
        """Whether any end cannot be told to control."""
        return any(
            time is not None and clock.mono_of(time) is None
            for orders in self._kept.values()
            for kept in orders
            for time in (kept.end, kept.start)
        )

    def redated(self, clock: ClockMapping) -> list[KeepOrders]:
        """What to store anew because the wall clock was set."""
        found = []
        for outlet, orders in self._kept.items():
            moved = tuple(_redated(kept, clock) for kept in orders)
            if moved != orders:
                self._kept[outlet] = moved
                found.append(KeepOrders(outlet, moved))
        return found


def _resumed(kept: KeptOrder, clock: ClockMapping) -> StandingOrder:
    order = kept.order
    if kept.end is not None:
        until_us = clock.mono_of(kept.end)
        if until_us is None:
            return replace(order, until_us=kept.end.mono_us).without_end()
        order = replace(order, until_us=until_us)
    if kept.start is not None:
        starts_us = clock.mono_of(kept.start)
        if starts_us is None:
            return order.without_end()
        order = replace(order, starts_us=starts_us)
    return order


def _kept(order: StandingOrder, before: dict[tuple[OrderKind, str], KeptOrder], clock: ClockMapping) -> KeptOrder:
    plain = replace(order, until_us=NEVER, end_unknown=False, starts_us=0)
    if order.end_unknown:
        # Control has only a stand-in: what the order really says is what was kept.
        return before.get(order.key, KeptOrder(plain))
    end = None if order.until_us == NEVER else clock.deadline(order.until_us)
    return KeptOrder(plain, end, clock.deadline(order.starts_us) if order.plan else None)


def _redated(kept: KeptOrder, clock: ClockMapping) -> KeptOrder:
    return replace(kept, end=_better(kept.end, clock), start=_better(kept.start, clock))


def _better(time: Deadline | None, clock: ClockMapping) -> Deadline | None:
    """``time`` with the UTC that ``clock`` gives it, if that is new."""
    if time is None or not time.clock_id or time.clock_id != clock.clock_id:
        return time
    better = clock.deadline(time.mono_us)
    if better.utc_us is None or (time.utc_us is not None and abs(better.utc_us - time.utc_us) <= STEP_US):
        return time
    return better
