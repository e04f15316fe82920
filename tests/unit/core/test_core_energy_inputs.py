"""In-1, In-2, the operating-value rule, external systems, heat and shedding at a City or Parking: the core in its world."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.control.view import StationViews
from evse.core.commands import Configure, RestoreState, SetLimit, StopSession, Suspend
from evse.core.config import Access, SheddingPriority, SheddingRule, StationConfig
from evse.core.configure import with_digest
from evse.core.events import CommandDone, OrdersChanged
from evse.core.limit_sources import MODBUS, OCPP
from evse.core.limits import LimitStep
from evse.core.lines import InputLine, LineFunction
from evse.core.units import MINUTE, SECOND
from evse.exchange.snapshot import LatencyView
from tests.fakes.core_bench import CoreBench, station_config

IN_1, IN_2 = 1, 2


def city(outlets: int = 1, **changes: Any) -> CoreBench:
    """Free access, the operating-value rule in force, no inputs used."""
    return CoreBench(station_config(outlets, **{"access": Access.FREE, "ze_ready": True, **changes})).run(12)


def charging(*, phases: int = 3, **changes: Any) -> CoreBench:
    bench = city(**changes)
    bench.verb("plug_in", phases=phases).run(40)
    assert bench.truth().contact_closed, bench.outlet().no_offer
    return bench


def offer_ma(bench: CoreBench, number: int = 1) -> int:
    return bench.outlet(number).offer.offered_ma


def stack(bench: CoreBench, number: int = 1) -> dict[str, int]:
    return {limit.source: limit.current_ma for limit in bench.outlet(number).arbitration.stack}


def shown(bench: CoreBench, number: int = 1) -> tuple[str, ...]:
    return StationViews(bench.core).at(bench.now_us, LatencyView()).outlets[number - 1].evse_status


# --- load shedding (In-1) ------------------------------------------------------------------------------------------


@pytest.mark.req("STA-04", "ENE-01", "INP-01")
@pytest.mark.parametrize("normally_open", [True, False])
@pytest.mark.parametrize(
    ("set_ma", "phases", "operating_ma"),
    [(0, 3, 0), (13_999, 3, 0), (14_000, 3, 14_000), (7_999, 1, 0), (8_000, 1, 8_000), (32_000, 3, 32_000)],
)
def test_load_shedding_at_every_end_of_its_range(
    normally_open: bool, set_ma: int, phases: int, operating_ma: int
) -> None:
    line = InputLine(IN_1, LineFunction.LOAD_SHEDDING, normally_open)
    bench = city(lines=(line,), shedding_ma=set_ma)
    bench.verb("set_input", line=IN_1, closed=not normally_open).verb("plug_in", phases=phases).run(40)
    assert offer_ma(bench) == 32_000
    begin_us = bench.now_us
    bench.verb("set_input", line=IN_1, closed=normally_open).run(1)
    assert stack(bench)["load shedding"] == operating_ma
    assert offer_ma(bench) == operating_ma
    bench.run(8)
    assert bench.truth().contact_closed is (operating_ma > 0)
    assert ("not_Enough_Energy_To_Start_Charge" in shown(bench)) is (operating_ma == 0)
    bench.verb("set_input", line=IN_1, closed=not normally_open).run(20)
    assert offer_ma(bench) == 32_000
    assert bench.truth().openings_under_load == 0
    assert bench.now_us - begin_us == 29 * SECOND


@pytest.mark.req("ENE-04")
@pytest.mark.parametrize("resume_s", [0, 5, 60, 3_600])
def test_a_shed_charge_resumes_in_the_configured_time_and_no_earlier(resume_s: int) -> None:
    line = InputLine(IN_1, LineFunction.LOAD_SHEDDING)
    bench = charging(lines=(line,), resume_us=resume_s * SECOND)
    bench.verb("set_input", line=IN_1).run(20)
    assert not bench.truth().contact_closed
    bench.verb("set_input", line=IN_1, closed=False)
    bench.run(resume_s)
    assert not bench.truth().contact_closed
    bench.run(5)
    assert bench.truth().contact_closed


def test_an_input_that_toggles_does_not_make_the_contact_flap() -> None:
    line = InputLine(IN_1, LineFunction.LOAD_SHEDDING)
    bench = charging(lines=(line,), resume_us=30 * SECOND)
    for number in range(60):
        bench.verb("set_input", line=IN_1, closed=number % 2 == 0).run(10)
    assert bench.truth().closings == 1, "never long enough free to go on"
    bench.run(40)
    assert bench.truth().closings == 2


# --- protection devices (In-1) and the start condition (In-2) ------------------------------------------------------


@pytest.mark.req("STA-04", "INP-01", "OUT-05")
@pytest.mark.parametrize("normally_open", [True, False])
def test_a_tripped_protection_device_opens_reports_and_recovers(normally_open: bool) -> None:
    line = InputLine(IN_1, LineFunction.BREAKER_TRIPPED, normally_open)
    bench = charging(lines=(line,))
    bench.verb("trip_breaker").run(0.1)
    assert not bench.truth().contact_closed
    assert "ProtectionDeviceTripped" in bench.faults()
    bench.run(60)
    assert not bench.truth().contact_closed
    bench.verb("reset_breaker").run(60)
    assert bench.faults() == ()
    assert bench.truth().contact_closed


@pytest.mark.req("STA-05", "INP-01", "ENE-06")
@pytest.mark.parametrize("interrupts", [False, True])
@pytest.mark.parametrize("normally_open", [True, False])
def test_in_2_holds_back_the_start_and_interrupts_only_where_the_board_says_so(
    normally_open: bool, interrupts: bool
) -> None:
    line = InputLine(IN_2, LineFunction.START_CONDITION, normally_open)
    bench = city(lines=(line,), condition_interrupts=interrupts)
    bench.verb("set_input", line=IN_2, closed=normally_open).verb("plug_in").run(40)
    assert not bench.truth().contact_closed
    assert bench.outlet().no_offer == ("ConditionalStart",)
    bench.verb("set_input", line=IN_2, closed=not normally_open).run(20)
    assert bench.truth().contact_closed
    bench.verb("set_input", line=IN_2, closed=normally_open).run(20)
    assert bench.truth().contact_closed is not interrupts
    assert bench.truth().openings_under_load == 0
    bench.verb("set_input", line=IN_2, closed=not normally_open).run(20)
    assert bench.truth().contact_closed


@pytest.mark.req("INP-01")
@pytest.mark.parametrize("function", [LineFunction.LOAD_SHEDDING, LineFunction.START_CONDITION])
def test_a_bouncing_contact_does_nothing(function: LineFunction) -> None:
    bench = charging(lines=(InputLine(IN_1, function),), condition_interrupts=True)
    bench.verb("bounce_input", line=IN_1, period=40, duration=5_000).run(20)
    assert bench.truth().closings == 1
    assert offer_ma(bench) == 32_000


# --- the operating-value rule --------------------------------------------------------------------------------------


@pytest.mark.req("ENE-02")
@pytest.mark.parametrize(("phases", "after_ma"), [(1, 10_000), (2, 0), (3, 0)])
def test_the_phases_that_were_detected_count_until_the_vehicle_leaves(phases: int, after_ma: int) -> None:
    bench = charging(phases=phases)
    bench.post(Configure("", config=_next(bench, derated_current_ma=10_000)))
    bench.run(10)
    assert offer_ma(bench) == after_ma
    bench.post(Suspend("", 1))
    bench.run(20)
    bench.post(Suspend("", 1, active=False))
    bench.run(20)
    assert offer_ma(bench) == after_ma, "remembered while it is plugged in"
    bench.post(StopSession("", 1))
    bench.run(10).verb("unplug").run(5)
    bench.verb("plug_in", phases=1).run(40)
    assert offer_ma(bench) == 0, "another vehicle counts by the wiring until it has drawn"
    assert "not_Enough_Energy_To_Start_Charge" in shown(bench)


@pytest.mark.req("ENE-02")
@pytest.mark.parametrize(("wired", "offered_ma"), [(1, 10_000), (3, 0)])
def test_before_detection_the_wiring_counts(wired: int, offered_ma: int) -> None:
    bench = city(derated_current_ma=10_000, phases=wired)
    bench.verb("plug_in", phases=1).run(40)
    assert offer_ma(bench) == offered_ma


@pytest.mark.req("ENE-02", "ENE-05")
@pytest.mark.parametrize(("source", "offered_ma"), [(MODBUS, 0), (OCPP, 10_000), ("plant", 10_000)])
def test_which_limits_from_outside_follow_the_rule(source: str, offered_ma: int) -> None:
    bench = charging()
    bench.post(SetLimit("", 1, source=source, plan=(LimitStep(0, (10_000, 10_000, 10_000)),)))
    bench.run(10)
    assert offer_ma(bench) == offered_ma
    bench.post(SetLimit("", 1, source=source, plan=(LimitStep(0, (15_900, 15_900, 15_900)),)))
    bench.run(20)
    assert offer_ma(bench) == (15_000 if source == MODBUS else 15_900), "whole amperes"


@pytest.mark.req("ENE-02", "ENE-03", "ENE-04")
@pytest.mark.parametrize(
    ("maximum_ma", "first", "second", "offers"),
    [
        (28_000, 3, 3, (14_000, 14_000)),
        (27_999, 3, 3, (0, 27_000)),
        (16_000, 1, 1, (8_000, 8_000)),
        (22_000, 3, 1, (14_000, 8_000)),
    ],
)
def test_what_balancing_makes_of_the_maximum_follows_the_rule(
    maximum_ma: int, first: int, second: int, offers: tuple[int, int]
) -> None:
    bench = city(2, station_maximum_ma=64_000)
    for number, phases in ((1, first), (2, second)):
        bench.verb("plug_in", outlet=number, phases=phases).run(40)
    bench.post(Configure("", config=_next(bench, station_maximum_ma=maximum_ma)))
    bench.run(40)
    assert (offer_ma(bench, 1), offer_ma(bench, 2)) == offers
    assert bench.truth(1).openings_under_load == bench.truth(2).openings_under_load == 0


# --- balancing and shedding ----------------------------------------------------------------------------------------


@pytest.mark.req("ENE-03")
def test_without_balancing_each_outlet_stands_alone_but_a_limit_from_outside_is_shared() -> None:
    bench = city(2, balancing=False, station_maximum_ma=20_000, ze_ready=False)
    for number in (1, 2):
        bench.verb("plug_in", outlet=number)
    bench.run(60)
    assert (offer_ma(bench, 1), offer_ma(bench, 2)) == (20_000, 20_000)
    assert "balancing share" not in stack(bench)
    bench.post(SetLimit("", 0, source="grid", current_ma=24_000))
    bench.run(30)
    assert (offer_ma(bench, 1), offer_ma(bench, 2)) == (12_000, 12_000)
    assert stack(bench)["grid"] == 24_000


@pytest.mark.req("ENE-03")
def test_an_outlet_that_has_opened_leaves_its_current_at_once() -> None:
    bench = city(2, station_maximum_ma=32_000, ze_ready=False)
    for number in (1, 2):
        bench.verb("plug_in", outlet=number)
    bench.run(60)
    assert (offer_ma(bench, 1), offer_ma(bench, 2)) == (16_000, 16_000)
    bench.post(StopSession("", 1))
    while bench.truth(1).contact_closed:
        bench.run(0.01)
    bench.run(0.2)
    assert stack(bench, 2)["balancing share"] == 32_000, "not only when its offer is 5 s old"


@pytest.mark.req("ENE-04")
def test_by_energy_the_one_that_has_had_most_is_shed_and_they_take_turns() -> None:
    rule = SheddingRule(SheddingPriority.ENERGY_DELIVERED, keep_us=10 * MINUTE, energy_step_wh=500)
    bench = city(2, station_maximum_ma=10_000, ze_ready=False, shedding=rule)
    bench.verb("plug_in", outlet=1).run(600)
    bench.verb("plug_in", outlet=2).run(60)
    assert [bench.truth(number).contact_closed for number in (1, 2)] == [False, True]
    assert bench.outlet(1).arbitration.stack[0].note == "shed by energy delivered"
    changes, before = 0, 2
    for _ in range(240):
        bench.run(60)
        serving = 1 if bench.truth(1).contact_closed else 2
        changes, before = changes + (serving != before), serving
        assert sum(bench.truth(number).contact_closed for number in (1, 2)) <= 1
    assert 6 <= changes <= 24, "they take turns, none shorter than ten minutes"


# --- heat and external systems -------------------------------------------------------------------------------------


@pytest.mark.req("ENE-07")
def test_a_hot_front_end_gives_half_until_it_is_cool() -> None:
    bench = charging()
    bench.verb("heat", temperature=69.9).run(10)
    assert offer_ma(bench) == 32_000
    bench.verb("heat", temperature=70).run(10)
    assert (offer_ma(bench), stack(bench)["temperature"]) == (16_000, 16_000)
    bench.verb("heat", temperature=65).run(10)
    assert offer_ma(bench) == 16_000
    bench.verb("heat", temperature=64.9).run(10)
    assert offer_ma(bench) == 32_000
    assert bench.truth().closings == 1


@pytest.mark.req("ENE-05", "OCP-04")
@pytest.mark.parametrize("outlet", [0, 1])
def test_an_external_system_is_refused_unless_the_station_listens_to_it(outlet: int) -> None:
    bench = charging(external_control=False)
    for source in (OCPP, MODBUS):
        bench.post(SetLimit("", outlet, source=source, current_ma=10_000))
        bench.run(5)
        done = bench.events(CommandDone)[-1]
        assert (done.outcome, offer_ma(bench)) == ("refused", 32_000)
        assert "not controlled by an external system" in done.reason
    bench.post(SetLimit("", outlet, source="house meter", current_ma=20_000))
    bench.run(5)
    assert offer_ma(bench) == 20_000, "what protects the supply is no external system"
    bench.post(Configure("", config=_next(bench, external_control=True)))
    bench.post(SetLimit("", outlet, source=OCPP, current_ma=10_000))
    bench.run(5)
    assert offer_ma(bench) == 10_000
    bench.post(Configure("", config=_next(bench, version=3, external_control=False)))
    bench.run(10)
    assert offer_ma(bench) == 20_000
    assert [order.source for order in bench.events(OrdersChanged)[-1].orders] == ["house meter"]


def test_a_limit_of_an_external_system_does_not_come_back_when_the_station_no_longer_listens() -> None:
    bench = charging()
    bench.post(SetLimit("", 1, source=OCPP, current_ma=10_000))
    bench.run(5)
    (order,) = bench.events(OrdersChanged)[-1].orders
    bench.config = with_digest(replace(bench.config, external_control=False))
    bench.boot("boot2")
    bench.post(RestoreState("", 1, orders=(order,), station_orders=(order,)))
    bench.run(40)
    assert offer_ma(bench) == 32_000


def _next(bench: CoreBench, version: int = 0, **changes: Any) -> StationConfig:
    active = bench.core.config
    of_outlet = {key: changes.pop(key) for key in tuple(changes) if key in active.outlets[0].__dataclass_fields__}
    outlets = tuple(replace(each, **of_outlet) for each in active.outlets)
    return with_digest(replace(active, outlets=outlets, version=version or active.version + 1, **changes))


# --- phase order ---------------------------------------------------------------------------------------------------


@pytest.mark.req("MTR-03")
@pytest.mark.parametrize(
    ("conductors", "offer"), [((1, 2, 3), 9_000), ((2, 3, 1), 9_000), ((1,), 20_000), ((3,), 9_000)]
)
def test_an_outlet_follows_the_limits_of_its_own_conductors(conductors: tuple[int, ...], offer: int) -> None:
    bench = charging(phases=1, ze_ready=False)
    wanted = replace(bench.core.config, version=2)
    wanted = with_digest(replace(wanted, outlets=(replace(wanted.outlets[0], conductors=conductors),)))
    bench.post(Configure("phases", config=wanted))
    bench.post(SetLimit("", 0, source="house meter", plan=(LimitStep(0, (20_000, 16_000, 9_000)),)))
    bench.run(2)
    assert [done.outcome for done in bench.events(CommandDone)][-2:] == ["done", "done"]
    assert offer_ma(bench) == offer


@pytest.mark.req("MTR-03", "ENE-02")
def test_an_outlet_at_one_conductor_is_single_phase_by_the_operating_value_rule() -> None:
    bench = city(derated_current_ma=8_000, conductors=(2,))
    assert stack(bench)["derated"] == 8_000
    assert stack(city(derated_current_ma=8_000))["derated"] == 0


@pytest.mark.req("MTR-03")
@pytest.mark.parametrize("conductors", [(), (4,), (1, 1, 2), (1, 2), (0, 1, 2)])
def test_an_order_of_conductors_that_cannot_be_is_refused_whole(conductors: tuple[int, ...]) -> None:
    bench = city()
    wanted = replace(bench.core.config, version=2)
    wanted = with_digest(replace(wanted, outlets=(replace(wanted.outlets[0], conductors=conductors),)))
    bench.post(Configure("phases", config=wanted))
    bench.run(1)
    assert "either 1, 2 and 3 once each, or one of them alone" in bench.events(CommandDone)[-1].reason
    assert bench.core.config.outlets[0].conductors == (1, 2, 3)
