"""Standing orders: what people and control systems have ordered of an outlet, or of the station, until further notice.

A standing order holds until it is withdrawn, its time is over or, for a booking, its user has come. Neither the end of
a session nor a restart nor a power cut withdraws it. Each is known by its kind and its source: a second order of the
same kind and source replaces the first.

All orders in force at one place are one value, a tuple sorted by kind and source. It is told whole whenever it changes,
so that whoever keeps it only ever replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache

from evse.core.availability import Availability
from evse.core.limits import Limit, LimitStep, OnExpiry, PlanStep
from evse.core.session import Booking
from evse.core.units import NEVER, PhaseValues
from evse.records import dataclass

LIMIT_SOURCES = 16
"""So many sources may limit one outlet, or the station, at the same time."""
LIMIT_STEPS = 24
"""So many steps a plan may have: all plans of an outlet and the station fit into one message."""


class OrderKind(StrEnum):
    """What is ordered; each shows as a flag of `EVSE Status` or as a limit."""

    BOOKED = "booked"
    LIMIT = "limit"
    MAINTENANCE = "maintenance"
    POSTPONED = "postponed"
    SUSPENDED = "suspended"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class StandingOrder:
    """One order in force. Fields that its kind does not use keep their defaults.

    ``source``: who made the outlet unavailable, or the name of the limit's source. ``uid``: the booker.
    ``after_session``: unavailable only once the running session has ended.

    A limit: ``current_ma`` on each phase, or ``plan`` counted from ``starts_us``, until ``until_us`` (both control's
    clock); then what ``on_expiry`` says, for ``FALLBACK`` it is ``fallback_ma``.

    ``end_unknown``: the order depends on the time, but since a power cut nobody knows what time it is; until somebody does
    it holds, a limit with the lowest of its currents on each phase.
    """

    kind: OrderKind
    source: str = ""
    uid: str = ""
    after_session: bool = False
    current_ma: int = 0
    fallback_ma: int = 0
    until_us: int = NEVER
    end_unknown: bool = False
    plan: tuple[LimitStep, ...] = ()
    starts_us: int = 0
    on_expiry: OnExpiry = OnExpiry.FALLBACK

    @property
    def key(self) -> tuple[OrderKind, str]:
        """What tells orders of one place apart."""
        return self.kind, self.source

    @property
    def name(self) -> str:
        """The kind, as lists of orders are searched for it."""
        return self.kind.value

    def __str__(self) -> str:
        """The order in words, for traces."""
        words = [self.kind.value, self.source or self.uid]
        if self.kind is OrderKind.LIMIT:
            words.append(f"plan of {len(self.plan)}" if self.plan else f"{self.current_ma} mA")
        if self.after_session:
            words.append("after the session")
        if self.end_unknown:
            words.append("until nobody knows when")
        elif self.until_us != NEVER:
            words.append(f"until {self.until_us} us")
            if self.kind is OrderKind.LIMIT:
                words.append(f"then {_THEN.get(self.on_expiry) or f'{self.fallback_ma} mA'}")
        return " ".join(word for word in words if word)

    def without_end(self) -> StandingOrder:
        """The same order while nobody knows what time it is."""
        least_ma = self._least_ma()
        if len(set(least_ma)) == 1:
            return replace(self, until_us=NEVER, end_unknown=True, current_ma=least_ma[0], plan=(), starts_us=0)
        plan = (LimitStep(0, least_ma),)
        return replace(self, until_us=NEVER, end_unknown=True, current_ma=0, plan=plan, starts_us=-NEVER)

    @property
    def timed(self) -> bool:
        """Whether what the order says depends on the time."""
        return self.until_us != NEVER or bool(self.plan)

    def _least_ma(self) -> PhaseValues:
        """The lowest current on each phase that this limit ever says."""
        said = [step.phases_ma for step in self.plan if step.phases_ma is not None]
        if not self.plan:
            said.append((self.current_ma,) * 3)
        if not said or (self.on_expiry is OnExpiry.FALLBACK and self.until_us != NEVER):
            said.append((self.fallback_ma,) * 3)
        first, second, third = (min(values) for values in zip(*said, strict=True))
        return first, second, third


_THEN = {OnExpiry.HOLD: "the same", OnExpiry.RELEASE: "nothing"}


@lru_cache(maxsize=256)
def limit_of(order: StandingOrder) -> Limit:
    """The limit that an order of kind ``LIMIT`` means."""
    steps = tuple(PlanStep(order.starts_us + step.after_us, step.phases_ma) for step in order.plan)
    return Limit(
        order.source,
        steps or (PlanStep(-NEVER, (order.current_ma,) * 3),),
        expires_us=order.until_us,
        on_expiry=order.on_expiry,
        fallback_ma=(order.fallback_ma,) * 3,
        note="end unknown" if order.end_unknown else "",
    )


def limits_in_force(limits: Mapping[str, StandingOrder]) -> tuple[StandingOrder, ...]:
    """Orders of kind ``LIMIT`` by source, sorted."""
    return tuple(limits[source] for source in sorted(limits))


def orders_in_force(availability: Availability, limits: Mapping[str, StandingOrder]) -> tuple[StandingOrder, ...]:
    """Everything ordered of one outlet, sorted by kind and source."""
    found: list[StandingOrder] = []
    booking = availability.booking
    if booking is not None:
        found.append(
            StandingOrder(OrderKind.BOOKED, uid=booking.uid, until_us=booking.until_us, end_unknown=booking.end_unknown)
        )
    found.extend(limits_in_force(limits))
    flags = (
        (OrderKind.MAINTENANCE, availability.maintenance),
        (OrderKind.POSTPONED, availability.postponed),
        (OrderKind.SUSPENDED, availability.suspended),
    )
    found.extend(StandingOrder(kind) for kind, active in flags if active)
    for source in sorted(availability.unavailable):
        found.append(StandingOrder(OrderKind.UNAVAILABLE, source, after_session=availability.unavailable[source]))
    return tuple(found)


def put_in_force(orders: Iterable[StandingOrder], availability: Availability, limits: dict[str, StandingOrder]) -> None:
    """Obey ``orders`` of an earlier boot, or with an end that has become known."""
    for order in orders:
        match order.kind:
            case OrderKind.BOOKED:
                availability.booking = Booking(order.uid, order.until_us, order.end_unknown)
            case OrderKind.LIMIT:
                limits[order.source] = order
            case OrderKind.MAINTENANCE:
                availability.maintenance = True
            case OrderKind.POSTPONED:
                availability.postponed = True
            case OrderKind.SUSPENDED:
                availability.suspended = True
            case OrderKind.UNAVAILABLE:
                availability.unavailable[order.source] = order.after_session


def newly_dated(known: Iterable[StandingOrder], orders: Iterable[StandingOrder]) -> tuple[StandingOrder, ...]:
    """Those of ``orders`` that give an end to an order among ``known`` whose end was unknown."""
    undated = {(order.key, order.uid) for order in known if order.end_unknown}
    return tuple(order for order in orders if not order.end_unknown and (order.key, order.uid) in undated)
