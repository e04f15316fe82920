"""The domestic socket in the core: closing conditions, openings within their time, mutual exclusion, faults, record."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import ClearFault, Maintain, SetLimit, StopSession, Suspend
from evse.core.config import Access, SocketType
from evse.core.events import (
    ContactorPermitted,
    DomesticContactorMoved,
    DomesticPermitted,
    DomesticPlugMoved,
    OutletError,
    SessionClosed,
)
from evse.core.evse_status import evse_status
from evse.core.units import MS, SECOND
from tests.fakes.core_bench import CoreBench, station_config


def bench(socket: SocketType = SocketType.T2_TE, **changes: Any) -> CoreBench:
    has_lock = socket is not SocketType.TE
    phases = 3 if has_lock else 1
    return CoreBench(station_config(socket=socket, has_lock=has_lock, phases=phases, **changes))


def charging(socket: SocketType = SocketType.T2_TE, **changes: Any) -> CoreBench:
    ready = bench(socket, **changes)
    ready.run(12).verb("plug_in_domestic").run(2).card()
    ready.run(5)
    assert live(ready), ready.outlet().domestic.permission.reasons
    return ready


def live(ready: CoreBench) -> bool:
    domestic = ready.truth().domestic
    assert domestic is not None
    return domestic.contact_closed


def opened_after_us(ready: CoreBench, limit_ms: int = 100) -> int:
    start_us = ready.now_us
    while live(ready):
        ready.run_until(ready.now_us + MS)
        assert ready.now_us - start_us <= limit_ms * MS, "it stays closed"
    return ready.now_us - start_us


@pytest.mark.req("STA-07", "OUT-03", "OUT-06")
@pytest.mark.parametrize("socket", [SocketType.T2_TE, SocketType.TE])
@pytest.mark.parametrize("badge_first", [True, False])
def test_both_orders_of_badge_and_plug(socket: SocketType, badge_first: bool) -> None:
    ready = bench(socket).run(12)
    if badge_first:
        ready.card()
        ready.run(3).verb("plug_in_domestic").run(3)
    else:
        ready.verb("plug_in_domestic").run(3)
        assert not live(ready)
        ready.card()
        ready.run(3)
    assert live(ready)
    assert not ready.truth().contact_closed
    assert "Domestic cable detected" in evse_status(ready.outlet())
    assert not ready.truth().pwm_on
    ready.run(60)
    ready.card()
    opened_after_us(ready)
    ready.run(1)
    (closed,) = ready.events(SessionClosed)
    assert (closed.charge_type, closed.reason, closed.energy_wh) == ("Domestic", "Local", 31)
    ready.verb("unplug_domestic").run(1)
    assert "Domestic cable detected" not in evse_status(ready.outlet())
    assert ready.outlet().status.value == "OK_InitDone"


@pytest.mark.req("OUT-03", "STA-07")
def test_free_access_starts_with_the_plug_and_once_for_each() -> None:
    ready = bench(access=Access.FREE).run(12).verb("plug_in_domestic").run(3)
    assert live(ready)
    ready.post(StopSession("", 1))
    ready.run(30)
    assert not live(ready)
    ready.verb("unplug_domestic").run(1).verb("plug_in_domestic").run(12)
    assert live(ready)


@pytest.mark.req("STA-07")
def test_events_tell_plug_permission_and_contact() -> None:
    ready = charging()
    assert [event.plugged for event in ready.events(DomesticPlugMoved)] == [True]
    assert [event.permitted for event in ready.events(DomesticPermitted)] == [True]
    assert [event.closed for event in ready.events(DomesticContactorMoved)] == [True]
    assert not ready.events(ContactorPermitted)


@pytest.mark.req("STA-07")
def test_unplugging_opens_within_the_emergency_time_and_ends_the_session() -> None:
    ready = charging().verb("unplug_domestic", pull_under_load=True)
    assert opened_after_us(ready) <= 40 * MS
    ready.run(5)
    assert [event.reason for event in ready.events(SessionClosed)] == ["EVDisconnected"]
    ready.verb("plug_in_domestic").run(20)
    assert not live(ready)


def test_a_plug_switch_that_bounces_ends_nothing() -> None:
    ready = charging().verb("plug_switch_fault", kind="stuck_out")
    ready.run(0.015).verb("plug_switch_fault", heal=True).run(5)
    assert live(ready)
    assert len(ready.events(DomesticPlugMoved)) == 1


@pytest.mark.req("STA-07", "OUT-05")
@pytest.mark.parametrize(
    ("verb", "params", "fault"),
    [
        ("trip_residual", {"kind": "ac"}, "ResidualCurrentAC"),
        ("trip_residual", {"kind": "dc"}, "ResidualCurrentDC"),
        ("overdraw_domestic", {"current": 20}, "OverCurrentHard"),
        ("trip_breaker", {}, "SupplyLost"),
        ("dim_supply", {"voltage": 9}, "BrownOut"),
        ("heat", {"temperature": 90}, "OverTemperature"),
    ],
)
def test_a_fault_opens_at_once(verb: str, params: dict[str, Any], fault: str) -> None:
    ready = charging().verb(verb, **params)
    assert opened_after_us(ready) <= 20 * MS
    assert fault in ready.faults()


@pytest.mark.req("STA-07", "OUT-05")
def test_over_current_is_judged_by_the_domestic_maximum() -> None:
    ready = charging().verb("set_domestic_load", current="11.5 A").run(30)
    assert live(ready), "below (10 A + 0.5 A) x 1.10"
    ready.verb("set_domestic_load", current="11.6 A").run(6.9)
    assert live(ready)
    ready.run(0.2)
    assert not live(ready)
    assert "OverCurrentSoft" in ready.faults()
    ready.verb("unplug_domestic").run(1)
    assert ready.faults() == ()


@pytest.mark.req("STA-07")
@pytest.mark.parametrize(
    "command",
    [Suspend("", 1), Maintain("", 1), SetLimit("", 1, source="bench", current_ma=9_999), StopSession("", 1)],
    ids=lambda command: type(command).__name__,
)
def test_whatever_takes_the_offer_away_opens_at_once(command: Any) -> None:
    ready = charging()
    ready.post(command)
    assert opened_after_us(ready) <= 20 * MS


@pytest.mark.req("STA-07", "CDR-05")
def test_nothing_closes_before_the_record_is_durable_and_the_self_test_has_passed() -> None:
    ready = CoreBench(station_config(socket=SocketType.T2_TE), record_after_us=5 * SECOND)
    ready.run(12).verb("plug_in_domestic").run(2).card()
    ready.run(4)
    assert not live(ready)
    assert "RecordNotDurable" in ready.outlet().domestic.permission.reasons
    ready.run(2)
    assert live(ready)
    ready = bench().run(12).verb("fail_self_test").verb("plug_in_domestic").run(2)
    ready.card()
    ready.run(20)
    assert not live(ready)
    assert "ResidualSelfTestFailed" in ready.faults()


@pytest.mark.req("STA-07")
def test_a_vehicles_charge_does_not_notice_an_appliance_and_that_gets_nothing() -> None:
    ready = bench().charging()
    permissions = len(ready.events(ContactorPermitted))
    ready.verb("plug_in_domestic").run(60)
    assert ready.truth().contact_closed
    assert not live(ready)
    assert len(ready.events(ContactorPermitted)) == permissions
    reasons = ready.outlet().domestic.permission.reasons
    assert {"OtherSocketInUse", "OtherContactNotOpen"} <= set(reasons)


@pytest.mark.req("STA-07")
def test_an_appliances_charge_does_not_notice_a_vehicle_and_that_gets_nothing() -> None:
    ready = charging().verb("plug_in").run(60)
    assert live(ready)
    assert not ready.truth().contact_closed
    assert not ready.truth().pwm_on
    assert "OtherSocketInUse" in ready.output().open_reasons
    ready.card()
    ready.run(3).verb("unplug_domestic").run(1)
    assert not ready.outlet().domestic.selected
    ready.card()
    ready.run(20)
    assert ready.truth().contact_closed
    assert not live(ready)


@pytest.mark.req("STA-07")
@pytest.mark.parametrize(
    "moves",
    [
        (("plug_in", {}), ("unplug", {})),
        (("plug_in", {"simplified": True, "ventilation": True}), ("unplug", {})),
        (("plug_in", {}), ("short_pilot", {}), ("short_pilot", {"heal": True}), ("unplug", {})),
        (("plug_in", {}), ("change_proximity", {"to": "short"}), ("unplug", {})),
    ],
    ids=["in and out", "ventilation", "pilot short", "proximity short"],
)
def test_whatever_happens_at_the_other_socket_an_appliance_charges_on(moves: Any) -> None:
    ready = charging()
    for verb, params in moves:
        ready.verb(verb, **params).run(3)
        assert live(ready)
        assert ready.faults() == ()


@pytest.mark.req("STA-07")
def test_who_comes_in_between_two_pauses_of_a_vehicle_keeps_it_waiting_and_gets_nothing() -> None:
    ready = bench().charging().verb("vehicle_stop").run(20)
    assert not ready.truth().contact_closed
    ready.verb("plug_in_domestic").run(10)
    assert not live(ready)
    assert not ready.truth().pwm_on
    ready.verb("vehicle_ready").run(10)
    assert not ready.truth().contact_closed
    ready.verb("unplug_domestic").run(20)
    assert ready.truth().contact_closed


@pytest.mark.req("STA-07", "OUT-02")
def test_with_both_plugged_nobody_charges_and_the_session_ends_with_an_error() -> None:
    ready = bench().run(12).verb("plug_in_domestic").verb("plug_in").run(2)
    ready.card()
    ready.run(70)
    assert not live(ready)
    assert not ready.truth().contact_closed
    assert [event.error for event in ready.events(OutletError)] == ["KO_PlugProcedureError"]
    assert [event.reason for event in ready.events(SessionClosed)] == ["OtherSocketInUse"]


@pytest.mark.req("STA-07", "OUT-05")
def test_a_weld_of_the_domestic_contact_puts_the_whole_outlet_out_of_order_until_service() -> None:
    ready = charging().verb("weld_domestic")
    ready.post(StopSession("", 1))
    ready.run(1)
    assert "ContactorWelded" in ready.faults()
    ready.verb("unplug_domestic", pull_under_load=True).verb("plug_in").run(1)
    ready.card()
    ready.run(40)
    assert not ready.truth().contact_closed
    assert {"ContactorWelded", "OtherContactNotOpen"} <= set(ready.output().open_reasons)
    ready.verb("weld_domestic", heal=True).run(1)
    assert "ContactorWelded" in ready.faults()
    ready.post(ClearFault("", 1, fault="ContactorWelded"))
    ready.run(40).card()
    ready.run(30)
    assert ready.truth().contact_closed


@pytest.mark.req("STA-07", "OUT-05")
def test_a_contact_that_does_not_close_is_a_fault() -> None:
    ready = bench().run(12).verb("domestic_fails_to_close").verb("plug_in_domestic").run(2)
    ready.card()
    ready.run(3)
    assert "ContactorFailedToClose" in ready.faults()


def test_current_with_a_mirror_that_says_open_is_a_weld_too() -> None:
    ready = charging().verb("weld_domestic").verb("domestic_mirror_fault", kind="stuck_open")
    ready.post(StopSession("", 1))
    ready.run(1)
    assert "ContactorWelded" in ready.faults()


@pytest.mark.req("STA-07")
def test_a_restart_while_the_plug_is_in_starts_nothing_by_itself() -> None:
    ready = charging()
    ready.world.outlet(1).drive_domestic_coil(False, ready.now_us)
    ready.boot("boot2")
    ready.restore()
    ready.run(60)
    assert not live(ready)
    ready.card()
    ready.run(5)
    assert live(ready)


@pytest.mark.req("STA-07")
def test_two_closings_are_ten_seconds_apart() -> None:
    ready = charging()
    ready.post(Suspend("", 1))
    ready.run(1)
    ready.post(Suspend("", 1, active=False))
    ready.run(2)
    assert not live(ready)
    assert "ContactorMustRest" in ready.outlet().domestic.permission.reasons
    ready.run(5)
    assert live(ready)


@pytest.mark.req("STA-07", "ENE-03")
def test_a_lower_limit_of_the_station_leaves_an_appliance_on_while_a_vehicle_follows() -> None:
    ready = CoreBench(station_config(2, socket=SocketType.T2_TE, access=Access.FREE, station_maximum_ma=64_000))
    ready.run(12).verb("plug_in_domestic", outlet=1).verb("plug_in", outlet=2).run(60)
    assert live(ready)
    assert ready.core.outlets[1].offered_ma == 32_000
    ready.post(SetLimit("", 0, source="grid", current_ma=24_000))
    ready.run(60)
    domestic = ready.truth(1).domestic
    assert domestic is not None
    assert (domestic.contact_closed, domestic.closings) == (True, 1)
    assert ready.core.outlets[1].offered_ma == 14_000, "what the appliance cannot take"
