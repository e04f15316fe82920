from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.units import NEVER, SECOND
from evse.exchange.snapshot import MeterView, OutletView
from evse.links.ocpp.meter_values import Context, Rhythm, next_boundary_us, register_value, sampled_values
from evse.links.ocpp.schemas import check
from evse.links.ocpp.standard_keys import MEASURANDS
from tests.fakes.web_fake import outlet_view

MIDNIGHT_US = 1_767_225_600 * SECOND
DAY_US = 86_400 * SECOND


def outlet(**changes: Any) -> OutletView:
    base: dict[str, Any] = {
        "currents_ma": (16_000, 15_500, 0), "voltages_mv": (230_000, 231_000, 229_000), "register_wh": 12_345,
        "offered_ma": 16_000, "temperature_dc": 215,
    }  # fmt: skip
    return replace(outlet_view(1), **{**base, **changes})


def values(*measurands: str, phases: int = 3, since_wh: int | None = None, **changes: Any) -> dict[str, str]:
    found = sampled_values(outlet(**changes), measurands, Context.PERIODIC, phases=phases, since_wh=since_wh)
    return {f"{each['measurand']} {each.get('phase', '')}".strip(): f"{each['value']} {each['unit']}" for each in found}


@pytest.mark.req("OCP-01")
@pytest.mark.parametrize(
    ("measurand", "expected"),
    [
        ("Energy.Active.Import.Register", {"Energy.Active.Import.Register": "12345 Wh"}),
        ("Energy.Active.Import.Interval", {"Energy.Active.Import.Interval": "45 Wh"}),
        (
            "Current.Import",
            {"Current.Import L1": "16.000 A", "Current.Import L2": "15.500 A", "Current.Import L3": "0.000 A"},
        ),
        ("Current.Import.L2", {"Current.Import L2": "15.500 A"}),
        ("Voltage", {"Voltage L1-N": "230.000 V", "Voltage L2-N": "231.000 V", "Voltage L3-N": "229.000 V"}),
        ("Voltage.L1", {"Voltage L1-N": "230.000 V"}),
        ("Power.Active.Import", {"Power.Active.Import": "7260 W"}),
        ("Power.Active.Import.L1", {"Power.Active.Import L1": "3680 W"}),
        ("Current.Offered", {"Current.Offered": "16.000 A"}),
        ("Power.Offered", {"Power.Offered": "11040 W"}),
        ("Temperature", {"Temperature": "21.5 Celsius"}),
    ],
)
def test_each_measurand_with_its_unit_and_phases(measurand: str, expected: dict[str, str]) -> None:
    assert values(measurand, since_wh=12_300) == expected


@pytest.mark.req("OCP-01")
@pytest.mark.parametrize(
    ("in_force", "power_mw", "told"), [(True, 6_900_500, 6_900), (False, 6_900_500, 7_260), (True, None, 7_260)]
)
def test_power_is_what_the_outlets_own_meter_says_while_it_counts(
    in_force: bool, power_mw: int | None, told: int
) -> None:
    meter = MeterView("iem3155", in_force, "", None, None, power_mw, None, 0, 0)
    assert values("Power.Active.Import", meter=meter) == {"Power.Active.Import": f"{told} W"}


def test_a_single_phase_outlet_tells_one_phase() -> None:
    assert values("Current.Import", "Current.Import.L2", phases=1) == {"Current.Import L1": "16.000 A"}


def test_what_is_not_measured_is_left_out() -> None:
    nothing = values(
        *("Current.Import", "Voltage", "Power.Active.Import", "Temperature", "Energy.Active.Import.Interval"),
        currents_ma=None,
        voltages_mv=None,
        temperature_dc=None,
    )
    assert nothing == {}


def test_everything_the_station_can_tell_fits_the_schema() -> None:
    for context in Context:
        found = sampled_values(outlet(), MEASURANDS, context, phases=3, since_wh=0)
        found.append(register_value(5, context))
        meter_value = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": found}
        check("MeterValues", {"connectorId": 1, "meterValue": [meter_value]})


@pytest.mark.req("OCP-02")
def test_periodic_values_count_from_the_start_of_the_transaction_and_missed_ones_are_left() -> None:
    rhythm, minute = Rhythm(), 60 * SECOND
    assert not rhythm.periodic_due(0, minute)
    rhythm.transaction(10 * SECOND)
    assert rhythm.wake_us(0, None, minute, 0) == 70 * SECOND
    assert [rhythm.periodic_due(at * SECOND, minute) for at in (69, 70, 71, 130)] == [False, True, False, True]
    assert rhythm.periodic_due(400 * SECOND, minute)
    assert rhythm.wake_us(0, None, minute, 0) == 430 * SECOND
    rhythm.transaction(None)
    assert not rhythm.periodic_due(1_000 * SECOND, minute)
    assert rhythm.wake_us(0, None, minute, 0) == NEVER


def test_an_interval_of_zero_means_none() -> None:
    rhythm = Rhythm()
    rhythm.transaction(0)
    assert not rhythm.periodic_due(10**12, 0)
    assert not rhythm.aligned_due(MIDNIGHT_US, 0)
    assert rhythm.wake_us(0, MIDNIGHT_US, 0, 0) == NEVER


def test_clock_aligned_values_come_at_multiples_from_midnight() -> None:
    rhythm, quarter = Rhythm(), 900 * SECOND
    at = [
        MIDNIGHT_US + 899 * SECOND,
        MIDNIGHT_US + 900 * SECOND,
        MIDNIGHT_US + 901 * SECOND,
        MIDNIGHT_US + 1_800 * SECOND,
    ]
    assert [rhythm.aligned_due(utc_us, quarter) for utc_us in at] == [False, True, False, True]
    assert rhythm.wake_us(5, at[0], 0, quarter) == 5 + SECOND


def test_a_clock_that_steps_makes_no_aligned_value_up() -> None:
    rhythm, quarter = Rhythm(), 900 * SECOND
    rhythm.aligned_due(MIDNIGHT_US, quarter)
    assert not rhythm.aligned_due(MIDNIGHT_US + 40 * DAY_US + 1, quarter), "far ahead"
    assert not rhythm.aligned_due(MIDNIGHT_US + 1, quarter), "back"
    assert not rhythm.aligned_due(None, quarter)


def test_an_interval_that_does_not_divide_the_day_begins_anew_at_midnight() -> None:
    late = MIDNIGHT_US + DAY_US - 5 * SECOND
    assert next_boundary_us(late, 7_000 * SECOND) == MIDNIGHT_US + DAY_US
