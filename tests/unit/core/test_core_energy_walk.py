"""Over a hundred simulated hours of random energy at a station with two outlets; and what the walks would find."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from evse.core import limit_stack, limits, station_limits
from evse.core.balancing import Balancer
from evse.core.limits import Limit
from evse.core.outlet_offer import OutletOffer
from evse.core.units import NEVER, SECOND
from evse.core.user_input import UserInput
from tests.fakes.energy_walk import WalkError, walked

WALKS, HOURS = int(os.environ.get("EVSE_WALKS", "15")), 7
"""A campaign walks further (``tools/campaign --energy``), and from another number on."""
FIRST = int(os.environ.get("EVSE_RANDOM", "0"))
HUNTED = (9, 15, 1, 2, 3, 5, 7)
"""Walks that are asked, one after the other, until one finds a planted bug; together they find each."""
QUICKEST = {
    "_only_the_present_offer_counts": 15,
    "_no_operating_value": 2,
    "_shedding_input_ignored": 1,
    "_expiry_ignored": 5,
    "_plans_are_not_woken_for": 2,
    "_station_orders_ignored": 1,
}
"""Who is asked first where the first of the row does not know; whoever finds it later, it is found."""


@pytest.mark.req("ENE-01", "ENE-02", "ENE-03", "ENE-04", "ENE-07", "INP-01", "STA-01", "PIL-05")
@pytest.mark.parametrize("number", range(FIRST, FIRST + WALKS))
def test_a_walk(number: int) -> None:
    walk = walked(number, HOURS)
    assert walk.now_us >= HOURS * 3_600 * SECOND
    # A campaign meets walks that are drawn nothing but shortage; those of the check are known to charge.
    assert FIRST or walk.looks_while_charging > 20, "something was charged"
    assert walk.mishaps > 5, "and something went wrong"


def test_the_walks_are_as_long_as_they_should_be() -> None:
    assert WALKS * HOURS >= 100


Plant = Callable[[pytest.MonkeyPatch], None]
_shares, _at, _update = Balancer.shares, Limit.at, station_limits.StationLimits.update
_own_limits, _arbitrate = limit_stack._own_limits, limits.arbitrate


def _others_do_not_count(patch: pytest.MonkeyPatch) -> None:
    def shares(self: Balancer, now_us: int, maximum_ma: int, claims: Any) -> tuple[int, ...]:
        return _shares(self, now_us, maximum_ma, [claim._replace(reserved_ma=0) for claim in claims])

    patch.setattr(Balancer, "shares", shares)


def _only_the_present_offer_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OutletOffer, "reserved_ma", lambda self, _: self.offered_ma)


def _nobody_is_shed(patch: pytest.MonkeyPatch) -> None:
    def shares(self: Balancer, now_us: int, maximum_ma: int, claims: Any) -> tuple[int, ...]:
        return tuple(max(each, 6_000) for each in _shares(self, now_us, maximum_ma, claims))

    patch.setattr(Balancer, "shares", shares)


def _shed_for_ever(patch: pytest.MonkeyPatch) -> None:
    def shares(self: Balancer, now_us: int, maximum_ma: int, claims: Any) -> tuple[int, ...]:
        found = _shares(self, now_us, maximum_ma, claims)
        gone = getattr(self, "test_gone", set()) | set(self.shed)
        self.test_gone = gone  # type: ignore[attr-defined]
        return tuple(0 if index in gone else share for index, share in enumerate(found))

    patch.setattr(Balancer, "shares", shares)


def _no_operating_value(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(limit_stack, "_operating", lambda limit, _phases: limit)


def _shedding_input_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UserInput, "shedding", property(lambda _: False))


def _expiry_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Limit, "at", lambda self, now_us: _at(self, min(now_us, self.expires_us - 1)))


def _highest_phase(patch: pytest.MonkeyPatch) -> None:
    def arbitrate(now_us: int, found: Any, conductors: Any) -> limits.Arbitration:
        del conductors
        return _arbitrate(now_us, found, (1, 2))

    patch.setattr(limit_stack, "arbitrate", arbitrate)


def _plans_are_not_woken_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Limit, "next_change_us", lambda _self, _now_us: NEVER)


def _station_orders_ignored(patch: pytest.MonkeyPatch) -> None:
    def update(self: station_limits.StationLimits, now_us: int) -> int:
        orders, self.orders = self.orders, {}
        try:
            return _update(self, now_us)
        finally:
            self.orders = orders

    patch.setattr(station_limits.StationLimits, "update", update)


def _heat_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        limit_stack,
        "_own_limits",
        lambda config, facts, phases: _own_limits(config, facts._replace(hot=False), phases),
    )


def _settings_stay_old(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(station_limits.StationLimits, "configure", lambda _self, _own_ma, *, balancing: None)


def _waits_far_too_long(patch: pytest.MonkeyPatch) -> None:
    def watch(self: Any, now_us: int) -> None:
        self.short = self.arbitration.current_ma < self.stack.least_ma or self.short

    patch.setattr(OutletOffer, "_watch_shortage", watch)


PLANTED = (
    _others_do_not_count,
    _only_the_present_offer_counts,
    _nobody_is_shed,
    _shed_for_ever,
    _no_operating_value,
    _shedding_input_ignored,
    _expiry_ignored,
    _highest_phase,
    _plans_are_not_woken_for,
    _station_orders_ignored,
    _heat_ignored,
    _settings_stay_old,
    _waits_far_too_long,
)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: str(plant.__name__).strip("_"))
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(WalkError):
        for number in (QUICKEST.get(plant.__name__, HUNTED[0]), *HUNTED):
            walked(number, 2)
