"""Standing orders: told whole, restored once, withdrawn or over, and the station's own limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.core.commands import (
    AvailabilitySource,
    Book,
    ClearFault,
    Command,
    Maintain,
    Postpone,
    RestoreState,
    SetLimit,
    SetUnavailable,
    Suspend,
)
from evse.core.config import Access
from evse.core.events import CommandDone, OrdersChanged, event_data
from evse.core.orders import LIMIT_SOURCES, OrderKind, StandingOrder
from evse.core.outlet_status import OutletStatus
from evse.core.station import NOT_RESTORED
from evse.core.units import NEVER, SECOND
from tests.fakes.core_bench import OTHER_UID, UID, CoreBench, station_config

PLANT = StandingOrder(OrderKind.LIMIT, "plant", current_ma=10_000, fallback_ma=6_000, until_us=90 * SECOND)
BOOKED = StandingOrder(OrderKind.BOOKED, uid=UID, until_us=90 * SECOND)
OUT = StandingOrder(OrderKind.UNAVAILABLE, "ocpp")


def bench(outlets: int = 1, **changes: Any) -> CoreBench:
    return CoreBench(station_config(outlets, **changes)).run(12)


def told(b: CoreBench, outlet: int = 0) -> list[tuple[StandingOrder, ...]]:
    return [event.orders for event in b.events(OrdersChanged) if event.outlet == outlet or not outlet]


def restart(b: CoreBench, orders: tuple[StandingOrder, ...] = (), station: tuple[StandingOrder, ...] = ()) -> CoreBench:
    """A new core that gets these orders for every outlet."""
    b.boot("boot2")
    for outlet in b.core.outlets:
        b.post(RestoreState("", outlet.config.number, orders=orders, station_orders=station))
    return b.run(12)


ORDERS = (
    (SetUnavailable("", 1), StandingOrder(OrderKind.UNAVAILABLE, "plc")),
    (
        SetUnavailable("", 1, source=AvailabilitySource.OCPP, after_session=True),
        StandingOrder(OrderKind.UNAVAILABLE, "ocpp", after_session=True),
    ),
    (Maintain("", 1), StandingOrder(OrderKind.MAINTENANCE)),
    (Book("", 1, uid=UID, until_us=90 * SECOND), BOOKED),
    (Suspend("", 1), StandingOrder(OrderKind.SUSPENDED)),
    (Postpone("", 1), StandingOrder(OrderKind.POSTPONED)),
    (SetLimit("", 1, source="plant", current_ma=10_000, valid_until_us=90 * SECOND, fallback_ma=6_000), PLANT),
)


@pytest.mark.parametrize(("command", "order"), ORDERS, ids=lambda value: type(value).__name__)
def test_an_order_is_told_before_it_is_answered_and_again_when_withdrawn(
    command: Command, order: StandingOrder
) -> None:
    b = bench()
    b.post(replace(command, command_id="c"))
    b.run(1)
    names = [type(each.event) for each in b.told]
    assert told(b) == [(order,)]
    assert names.index(OrdersChanged) < names.index(CommandDone, names.index(OrdersChanged))
    assert next(each.event for each in b.told[names.index(OrdersChanged) + 1 :]) == CommandDone(1, "c", "done", "")
    field = {"uid": ""} if isinstance(command, Book) else {"active": False}
    b.post(replace(command, command_id="", **field))
    b.run(1)
    assert told(b) == [(order,), ()]


@pytest.mark.parametrize(("command", "order"), ORDERS, ids=lambda value: type(value).__name__)
def test_a_restored_core_is_as_one_that_got_the_order_itself(command: Command, order: StandingOrder) -> None:
    b = bench()
    b.post(command)
    b.run(1)
    ordered = (b.outlet().status, b.outlet().procedure.availability.out_of_service, told(b)[-1])
    flags = b.outlet().procedure.availability.__dict__
    limits = b.outlet().limit_orders
    restart(b, (order,))
    assert (b.outlet().status, b.outlet().procedure.availability.out_of_service) == ordered[:2]
    assert b.outlet().procedure.availability.__dict__ == flags
    assert b.outlet().limit_orders == limits
    assert len(told(b)) == 1, "what was restored is told already"


def test_all_orders_are_one_value_in_a_fixed_order() -> None:
    b = bench()
    for command, _ in reversed(ORDERS):
        b.post(command)
    b.run(1)
    kinds = [(order.kind.value, order.source) for order in told(b)[-1]]
    assert kinds == sorted(kinds)
    assert len(kinds) == len(ORDERS)


def test_a_refused_command_changes_no_order() -> None:
    b = bench()
    b.post(SetLimit("x", 1, source="", current_ma=6_000))
    b.post(Suspend("y", 1, active=False))
    b.run(1)
    assert told(b) == []


@pytest.mark.req("OUT-06")
def test_an_outlet_out_of_service_stays_so_after_a_restart() -> None:
    b = restart(bench(access=Access.FREE), (OUT,))
    assert b.outlet().status is OutletStatus.UNAVAILABLE
    b.verb("plug_in").run(60)
    assert not b.truth().contact_closed
    b.post(SetUnavailable("", 1, active=False, source=AvailabilitySource.OCPP))
    b.run(60)
    assert b.truth().contact_closed


def test_a_booking_is_told_gone_when_its_user_comes_and_when_its_time_is_over() -> None:
    b = bench(2)
    for number in (1, 2):
        b.post(Book("", number, uid=UID, until_us=b.now_us + 60 * SECOND))
    b.run(1)
    b.card(UID, 1)
    b.run(1)
    assert told(b, 1)[-1] == ()
    assert len(told(b, 2)) == 1
    b.run(60)
    assert told(b, 2)[-1] == ()


def test_what_was_over_while_nobody_looked_is_dropped_at_once() -> None:
    b = restart(bench(), (replace(BOOKED, until_us=SECOND),))
    assert told(b) == [()]
    b.card(OTHER_UID)
    assert b.run(5).outlet().procedure.availability.booking is None


@pytest.mark.req("PIL-05")
def test_a_restored_limit_ends_as_it_would_have_ended() -> None:
    b = restart(bench(access=Access.FREE), (PLANT,))
    b.verb("plug_in").run(30)
    assert b.outlet().offer.offered_ma == 10_000
    b.run_until(91 * SECOND)
    assert b.outlet().offer.offered_ma == 6_000


def test_a_limit_taken_back_no_longer_limits() -> None:
    b = bench(access=Access.FREE)
    b.post(SetLimit("", 1, source="plant", current_ma=10_000))
    b.verb("plug_in").run(30)
    assert b.outlet().offer.offered_ma == 10_000
    b.post(SetLimit("", 1, source="plant", active=False))
    b.run(20)
    assert b.outlet().offer.offered_ma == 32_000
    assert told(b)[-1] == ()


def test_only_so_many_sources_may_limit() -> None:
    b = bench()
    for number in range(LIMIT_SOURCES + 1):
        b.post(SetLimit(f"c{number}", 1, source=f"s{number:02}", current_ma=6_000))
    b.post(SetLimit("again", 1, source="s00", current_ma=8_000))
    b.run(1)
    outcomes = {event.command_id: event.outcome for event in b.events(CommandDone)}
    assert outcomes[f"c{LIMIT_SOURCES}"] == "refused"
    assert {outcomes["c0"], outcomes["again"]} == {"done"}
    assert len(told(b)[-1]) == LIMIT_SOURCES


# --- restoring ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [command for command, _ in ORDERS], ids=lambda command: type(command).__name__)
def test_orders_before_the_state_is_restored_are_refused_and_may_come_again(command: Command) -> None:
    b = CoreBench(station_config(), start=False).run(1)
    b.post(replace(command, command_id="c"))
    b.run(1)
    assert b.events(CommandDone)[-1] == CommandDone(1, "c", "refused", NOT_RESTORED)
    assert told(b) == []
    b.restore()
    b.run(1)
    b.post(replace(command, command_id="c"))
    b.run(1)
    assert b.events(CommandDone)[-1].outcome == "done"


def test_a_second_restoring_neither_latches_nor_orders_again() -> None:
    b = bench()
    b.post(RestoreState("", 1, latched=("ContactorWelded",), orders=(OUT, PLANT, BOOKED), station_orders=(PLANT,)))
    b.run(5)
    assert b.faults() == ()
    assert b.outlet().status is OutletStatus.INIT_DONE
    assert (b.outlet().limit_orders, b.core._limits.orders) == ({}, {})
    assert b.outlet().procedure.availability.booking is None


def test_a_newer_order_wins_over_a_repeated_restoring() -> None:
    b = restart(bench(), (OUT, PLANT))
    b.post(SetUnavailable("", 1, active=False, source=AvailabilitySource.OCPP))
    b.post(SetLimit("", 1, source="plant", current_ma=20_000))
    b.post(RestoreState("late", 1, orders=(OUT, PLANT)))
    b.run(5)
    assert b.outlet().status is OutletStatus.INIT_DONE
    assert b.outlet().limit_orders["plant"].current_ma == 20_000


@pytest.mark.parametrize(("current_ma", "fallback_ma"), [(16_000, 10_000), (10_000, 16_000)])
def test_a_limit_whose_end_nobody_knows_holds_with_the_lower_current(current_ma: int, fallback_ma: int) -> None:
    limit = replace(PLANT, current_ma=current_ma, fallback_ma=fallback_ma)
    b = restart(bench(access=Access.FREE), (limit.without_end(),))
    b.verb("plug_in").run(3_600)
    assert b.outlet().offer.offered_ma == 10_000
    # Somebody knows the time again: the limit ends a minute from now.
    b.post(RestoreState("dated", 1, orders=(replace(limit, until_us=b.now_us + 60 * SECOND),)))
    b.run(30)
    assert b.outlet().offer.offered_ma == current_ma
    b.run(60)
    assert b.outlet().offer.offered_ma == fallback_ma


def test_a_booking_whose_end_nobody_knows_holds_for_its_user() -> None:
    b = restart(bench(), (BOOKED.without_end(),))
    b.run(3_600)
    assert b.outlet().procedure.availability.booking is not None
    b.post(RestoreState("other", 1, orders=(replace(BOOKED, uid=OTHER_UID),)))
    b.run(1)
    assert b.outlet().procedure.availability.booking is not None, "another user's booking says nothing about this one"
    b.post(RestoreState("dated", 1, orders=(BOOKED,)))
    b.run(1)
    assert b.outlet().procedure.availability.booking is None


# --- the station's limit ------------------------------------------------------------------------------------------


def both_charge(b: CoreBench) -> CoreBench:
    for number in (1, 2):
        b.verb("plug_in", outlet=number)
    b.run(90)
    assert [outlet.offer.offered_ma for outlet in b.core.outlets] == [32_000, 32_000]
    return b


@pytest.mark.req("PIL-05", "STA-01")
def test_a_limit_of_the_station_is_divided_at_once_and_opens_nothing() -> None:
    b = both_charge(bench(2, access=Access.FREE, station_maximum_ma=64_000))
    b.post(SetLimit("", 0, source="grid", current_ma=24_000))
    b.run(1)
    assert [outlet.offer.offered_ma for outlet in b.core.outlets] == [12_000, 12_000]
    ruling = b.outlet().arbitration.stack[0]
    assert (ruling.source, ruling.note) == ("balancing share", "grid")
    b.run(60)
    assert [b.truth(number).closings for number in (1, 2)] == [1, 1]
    b.post(SetLimit("", 0, source="grid", active=False))
    b.run(60)
    assert [outlet.offer.offered_ma for outlet in b.core.outlets] == [32_000, 32_000]
    assert [event.outlet for event in b.events(OrdersChanged)] == [0, 0]


def test_a_limit_of_the_station_ends_by_time_and_rules_a_single_outlet_too() -> None:
    b = bench(access=Access.FREE)
    until_us = b.now_us + 60 * SECOND
    b.post(SetLimit("", 0, source="grid", current_ma=10_000, valid_until_us=until_us, fallback_ma=16_000))
    b.verb("plug_in").run(50)
    assert b.outlet().offer.offered_ma == 10_000
    b.run(20)
    assert b.outlet().offer.offered_ma == 16_000


def test_a_stations_limit_is_in_force_with_the_first_outlet_that_is_restored() -> None:
    b = bench(2, access=Access.FREE, station_maximum_ma=64_000)
    b.boot("boot2")
    grid = StandingOrder(OrderKind.LIMIT, "grid", current_ma=10_000)
    b.post(RestoreState("", 1, station_orders=(grid,)))
    b.verb("plug_in", outlet=1).run(60)
    assert b.outlet().offer.offered_ma == 10_000
    assert told(b) == []


@settings(max_examples=25)
@given(
    deeds=st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from([None, 0, 5_999, 6_000, 12_000, 20_000, 40_000])), max_size=12
    )
)
def test_all_offers_together_follow_every_limit_of_the_station(deeds: list[tuple[int, int | None]]) -> None:
    b = both_charge(bench(2, access=Access.FREE, station_maximum_ma=64_000))
    for seconds, limit_ma in deeds:
        b.post(SetLimit("", 0, source="grid", current_ma=limit_ma or 0, active=limit_ma is not None))
        b.run(1)
        allowed_ma = 64_000 if limit_ma is None else limit_ma
        assert sum(outlet.offer.offered_ma for outlet in b.core.outlets) <= allowed_ma
        for _ in range(seconds):
            b.run(1)
            assert sum(outlet.offer.offered_ma for outlet in b.core.outlets) <= allowed_ma


# --- faults -------------------------------------------------------------------------------------------------------


def test_only_a_fault_that_waits_for_service_can_be_cleared() -> None:
    b = CoreBench().charging()
    b.verb("short_diode").run(2)
    assert "DiodeFault" in b.faults()
    b.post(ClearFault("c", 1, fault="DiodeFault"))
    b.run(1)
    answer = b.events(CommandDone)[-1]
    assert (answer.outcome, answer.reason) == (
        "refused",
        "fault 'DiodeFault' ends when its cause is gone and the vehicle is unplugged",
    )
    assert "DiodeFault" in b.faults()


# --- as values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (OUT, "unavailable ocpp"),
        (StandingOrder(OrderKind.UNAVAILABLE, "plc", after_session=True), "unavailable plc after the session"),
        (PLANT, "limit plant 10000 mA until 90000000 us then 6000 mA"),
        (PLANT.without_end(), "limit plant 6000 mA until nobody knows when"),
        (BOOKED, f"booked {UID} until 90000000 us"),
        (StandingOrder(OrderKind.SUSPENDED), "suspended"),
    ],
)
def test_an_order_in_words(order: StandingOrder, text: str) -> None:
    assert str(order) == text


def test_orders_in_an_event_become_plain_values() -> None:
    data = event_data(OrdersChanged(1, (OUT,)))
    assert data["orders"][0]["kind"] == "unavailable"
    assert data["orders"][0]["until_us"] == NEVER
