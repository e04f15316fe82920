"""Plans of limits from outside: taken whole, followed by time, over as they say, and shown whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evse.control.view import StationViews
from evse.core.commands import RestoreState, SetLimit
from evse.core.config import Access
from evse.core.events import CommandDone, OrdersChanged
from evse.core.limit_sources import HOUSE_METER, OCPP
from evse.core.limits import LimitStep, OnExpiry
from evse.core.orders import LIMIT_STEPS, OrderKind, StandingOrder
from evse.core.units import NEVER, SECOND
from evse.exchange.envelope import MESSAGE_LIMIT_BYTES, decode_command, encode_command
from evse.exchange.snapshot import LatencyView, LimitView
from tests.fakes.core_bench import CoreBench, station_config

FALLING = (
    LimitStep(0, (20_000, 20_000, 20_000)),
    LimitStep(60 * SECOND, (10_000, 16_000, 16_000)),
    LimitStep(120 * SECOND, None),
)


def charging() -> CoreBench:
    bench = CoreBench(station_config(access=Access.FREE)).run(12)
    bench.verb("plug_in").run(30)
    assert bench.outlet().offer.offered_ma == 32_000
    return bench


def offer_ma(bench: CoreBench) -> int:
    return bench.outlet().offer.offered_ma


def answer(bench: CoreBench) -> CommandDone:
    found: CommandDone = bench.events(CommandDone)[-1]
    return found


@pytest.mark.req("ENE-07", "OCP-04")
def test_a_plan_is_followed_step_by_step_with_the_lowest_of_the_phases() -> None:
    bench = charging()
    bench.post(SetLimit("", 1, source=OCPP, plan=FALLING))
    bench.run(1)
    assert offer_ma(bench) == 20_000
    bench.run(58)
    assert offer_ma(bench) == 20_000
    bench.run(2)
    assert offer_ma(bench) == 10_000, "at once, and by the lowest phase"
    bench.run(58)
    assert offer_ma(bench) == 10_000
    bench.run(7)
    assert offer_ma(bench) == 32_000, "the plan itself says that it no longer limits"
    assert len(bench.events(OrdersChanged)) == 1, "time alone changes no order"


def test_a_plan_may_have_begun_before_or_begin_later() -> None:
    bench = charging()
    bench.post(SetLimit("", 1, source=OCPP, plan=FALLING, starts_us=bench.now_us - 70 * SECOND))
    assert offer_ma(bench.run(1)) == 10_000
    bench.post(SetLimit("", 1, source=OCPP, plan=FALLING, starts_us=bench.now_us + 60 * SECOND))
    assert offer_ma(bench.run(30)) == 32_000
    assert offer_ma(bench.run(31)) == 20_000


@pytest.mark.req("ENE-07", "ENE-09")
@pytest.mark.parametrize(
    ("on_expiry", "after_ma"), [(OnExpiry.HOLD, 10_000), (OnExpiry.FALLBACK, 8_000), (OnExpiry.RELEASE, 32_000)]
)
def test_a_source_that_falls_silent_leaves_what_it_declared(on_expiry: OnExpiry, after_ma: int) -> None:
    bench = charging()
    until_us = bench.now_us + 30 * SECOND
    bench.post(
        SetLimit(
            "",
            1,
            source=HOUSE_METER,
            current_ma=10_000,
            valid_until_us=until_us,
            fallback_ma=8_000,
            on_expiry=on_expiry,
        )
    )
    assert offer_ma(bench.run(29)) == 10_000
    assert offer_ma(bench.run(10)) == after_ma
    # It speaks again, and its new word counts.
    bench.post(SetLimit("", 1, source=HOUSE_METER, current_ma=16_000))
    assert offer_ma(bench.run(10)) == 16_000


@pytest.mark.req("ENE-09")
def test_a_fallback_of_nothing_stops_the_charge() -> None:
    bench = charging()
    bench.post(SetLimit("", 1, source=HOUSE_METER, current_ma=10_000, valid_until_us=bench.now_us + 10 * SECOND))
    bench.run(30)
    assert (offer_ma(bench), bench.truth().contact_closed) == (0, False)
    assert "NotEnoughCurrent" in bench.outlet().no_offer


@pytest.mark.req("ENE-07")
def test_the_whole_stack_is_shown_with_what_each_source_says() -> None:
    bench = charging()
    end_us = bench.now_us + 90 * SECOND
    bench.post(
        SetLimit("", 1, source=OCPP, plan=FALLING, valid_until_us=end_us, fallback_ma=6_000, starts_us=bench.now_us)
    )
    begun_us = bench.now_us
    bench.run(1)
    view = StationViews(bench.core).at(bench.now_us, LatencyView()).outlets[0]
    assert view.limits[0] == LimitView(
        source="ocpp",
        current_ma=20_000,
        ruling=True,
        phases_ma=(20_000, 20_000, 20_000),
        changes_us=begun_us + 60 * SECOND,
        expires_us=end_us,
        on_expiry="fallback",
        fallback_ma=6_000,
    )
    others = {
        limit.source: (limit.current_ma, limit.ruling, limit.expires_us, limit.fallback_ma) for limit in view.limits[1:]
    }
    assert others["rated"] == (32_000, False, None, None)
    assert others["cable"] == (32_000, False, None, None)


@pytest.mark.req("ENE-07")
def test_a_plan_goes_on_after_a_restart_of_control() -> None:
    bench = charging()
    bench.post(SetLimit("", 1, source=OCPP, plan=FALLING))
    bench.run(30)
    (order,) = bench.events(OrdersChanged)[-1].orders
    bench.boot("boot2")
    bench.post(RestoreState("", 1, orders=(order,)))
    bench.run(29)
    assert offer_ma(bench) == 20_000
    bench.run(3)
    assert offer_ma(bench) == 10_000
    bench.run(70)
    assert offer_ma(bench) == 32_000


A_STEP = LimitStep(0, (6_000, 6_000, 6_000))
REFUSED = (
    (SetLimit("", 1, source="", current_ma=6_000), "a limit needs a source"),
    (SetLimit("", 1, source="x", current_ma=-1), "currents of 0 to 1000000 mA"),
    (SetLimit("", 1, source="x", current_ma=6_000, fallback_ma=1_000_001), "currents of 0 to 1000000 mA"),
    (SetLimit("", 1, source="x", plan=(replace(A_STEP, phases_ma=(6_000, -6_000, 6_000)),)), "currents of 0"),
    (SetLimit("", 1, source="x", plan=(A_STEP, A_STEP)), "in ascending order"),
    (SetLimit("", 1, source="x", plan=(replace(A_STEP, after_us=-1),)), "in ascending order"),
    (SetLimit("", 1, source="x", plan=(replace(A_STEP, after_us=NEVER),)), "in ascending order"),
    (
        SetLimit("", 1, source="x", plan=tuple(replace(A_STEP, after_us=i) for i in range(LIMIT_STEPS + 1))),
        f"at most {LIMIT_STEPS}",
    ),
)


@pytest.mark.parametrize(("command", "why"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_plan_is_refused_whole_and_the_old_one_stays(command: SetLimit, why: str) -> None:
    bench = charging()
    bench.post(SetLimit("", 1, source="x", current_ma=16_000))
    bench.run(1)
    bench.post(command)
    bench.run(10)
    assert answer(bench).outcome == "refused"
    assert why in answer(bench).reason
    assert offer_ma(bench) == 16_000


def test_as_many_plans_as_are_allowed_fit_into_the_message_that_restores_them() -> None:
    plan = tuple(LimitStep(10**11 + i, (1_000_000, 1_000_000, 1_000_000)) for i in range(LIMIT_STEPS))
    orders = tuple(
        StandingOrder(
            OrderKind.LIMIT, f"a source's name {i:02}", plan=plan, starts_us=10**15, until_us=10**15, current_ma=10**6
        )
        for i in range(16)
    )
    command = RestoreState("restore", 1, orders=orders, station_orders=orders)
    data = encode_command(command)
    assert len(data) < MESSAGE_LIMIT_BYTES
    assert decode_command(data) == command
