"""Vehicles, cables and limits against the world's truth."""

from __future__ import annotations

import pytest

from evse.core.commands import SetLimit, Suspend
from evse.core.config import Location
from evse.core.duty import duty_for_current
from evse.core.events import FaultRaised, PhasesDetected, SessionClosed, WakeUpStarted
from tests.fakes.core_in_world import WorldBench

MS = 1_000
SECOND = 1_000_000


@pytest.mark.req("PIL-07", "PIL-10", "CDR-01")
def test_a_simplified_vehicle() -> None:
    b = WorldBench().charging(simplified=True)
    assert b.truth().duty_bp == duty_for_current(10_000)
    assert max(b.truth().currents_ma) <= 10_000
    assert {"Simplified_Mode_3", "Single-Phase"} <= set(b.view().evse_status)
    b.card().run(15)
    assert [record.charge_type for record in b.station.ledger().records()] == ["Simplified_Mode_3"]
    assert b.violations() == []


@pytest.mark.req("PIL-06")
@pytest.mark.parametrize("location", list(Location))
def test_ventilation(location: Location) -> None:
    b = WorldBench(location=location).run(12).verb("plug_in", ventilation=True).run(3).card().run(120)
    assert b.truth().contact_closed is (location is Location.OUTDOOR)
    assert b.truth().ventilation is (location is Location.OUTDOOR)
    raised = [event.fault for event in b.told(FaultRaised) if event.fault != "CardReaderLost"]
    assert raised == ([] if location is Location.OUTDOOR else ["VentilationNotAvailable"])
    assert "Ventilation required" in b.view().evse_status or location is Location.INDOOR
    b.card().run(10).verb("unplug").run(5)
    assert b.view().outlet_status == "OK_InitDone"
    assert b.violations() == []


def test_a_sleeper_is_woken_once() -> None:
    b = WorldBench().run(12).verb("plug_in", sleep="deep").run(3).card().run(120)
    assert b.truth().contact_closed
    assert len(b.told(WakeUpStarted)) == 1
    assert b.violations() == []


@pytest.mark.req("PIL-10")
@pytest.mark.parametrize(("phases", "flag"), [(1, "Single-Phase"), (3, "Three-Phase")])
def test_phases(phases: int, flag: str) -> None:
    b = WorldBench().charging(phases=phases)
    assert [event.phases for event in b.told(PhasesDetected)] == [phases]
    assert flag in b.view().evse_status


@pytest.mark.req("PIL-08")
@pytest.mark.parametrize(
    ("cable", "current_ma"), [("13 A", 13_000), ("20 A", 20_000), ("32 A", 32_000), ("63 A", 32_000)]
)
def test_cables(cable: str, current_ma: int) -> None:
    b = WorldBench().charging(cable=cable)
    assert b.truth().duty_bp == duty_for_current(current_ma)
    assert max(b.truth().currents_ma) <= current_ma
    assert b.view().cable_state == ("63 A_OR_70 A" if cable == "63 A" else cable)
    assert b.violations() == []


@pytest.mark.req("PIL-05")
def test_an_over_drawing_vehicle_is_cut_off() -> None:
    b = WorldBench().charging(cable="20 A").verb("overdraw", current=5)
    limit_ma = (20_000 + 500) * 110 // 100
    b.until(lambda: max(b.truth().currents_ma) > limit_ma, 10)
    assert 7 * SECOND - 20 * MS <= b.opened_after_us() <= 7 * SECOND + 200 * MS
    b.run(5)
    assert [event.reason for event in b.told(SessionClosed)] == ["Fault OverCurrentSoft"]
    assert b.violations() == []


@pytest.mark.req("PIL-05")
def test_a_vehicle_that_ignores_the_stop() -> None:
    b = WorldBench().charging(ignores_stop=True).card()
    b.until(lambda: not b.truth().pwm_on, 2)
    assert 6 * SECOND <= b.opened_after_us() <= 7 * SECOND
    b.run(5).verb("unplug").run(5)
    assert b.view().outlet_status == "OK_InitDone"
    assert b.violations() == []


@pytest.mark.req("PIL-05")
def test_limits_on_the_real_pilot() -> None:
    b = WorldBench().charging()
    b.station.post(SetLimit("low", 1, source="test", current_ma=10_000))
    assert b.until(lambda: b.truth().duty_bp == duty_for_current(10_000), 2) <= 1 * SECOND
    lowered_us = b.now_us
    b.station.post(SetLimit("high", 1, source="test", current_ma=16_000))
    b.until(lambda: b.truth().duty_bp == duty_for_current(16_000), 10)
    assert 5 * SECOND - 20 * MS <= b.now_us - lowered_us <= 6 * SECOND
    assert b.violations() == []


@pytest.mark.req("PIL-05")
def test_a_pause_never_opens_under_load_and_goes_on() -> None:
    b = WorldBench().charging()
    b.station.post(Suspend("off", 1))
    b.run(30)
    assert not b.truth().contact_closed
    assert b.truth().openings_under_load == 0
    b.station.post(Suspend("on", 1, active=False))
    b.run(30)
    assert b.truth().contact_closed
    assert b.violations() == []


@pytest.mark.req("PIL-04")
def test_s2_opens_and_closes() -> None:
    b = WorldBench().charging().verb("vehicle_stop")
    b.until(lambda: not b.truth().s2_closed, 10)
    assert b.opened_after_us() <= 100 * MS
    b.run(20).verb("vehicle_ready")
    b.until(lambda: b.truth().s2_closed, 10)
    assert b.until(lambda: b.truth().contact_closed, 5) <= 3 * SECOND
    assert b.violations() == []


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize("width_ms", [200, 300, 400])
def test_bcb_pulses_close_nothing(width_ms: int) -> None:
    b = WorldBench().run(12).verb("plug_in", wants_charge=False).run(3).card().run(20)
    b.verb("pulse_s2", count=3, width=width_ms).run(10)
    assert b.truth().closings == 0
