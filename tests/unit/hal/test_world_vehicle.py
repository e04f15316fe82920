"""The vehicle: Table A.8, and what it does in each sequence of Table A.6."""

from __future__ import annotations

import pytest

from hal.ports import PilotDriveMode
from hal.units import MS, NEVER, SECOND
from hal.world.duty import maximum_current_ma, offered_current_ma
from hal.world.outlet import OutletSetup, OutletWorld
from hal.world.pilot_circuit import PilotLine
from hal.world.vehicle import Sleep, Vehicle, VehicleSettings

ALL = (230_000, 230_000, 230_000)
DUTY_16A = 2_667
DUTY_32A = 5_334


def plugged(settings: VehicleSettings | None = None, setup: OutletSetup | None = None) -> OutletWorld:
    """An outlet at time 0 with X1 on the pilot and the vehicle plugged in."""
    world = OutletWorld(setup)
    world.drive_pilot(PilotDriveMode.X1, 0, 0)

    def plug(outlet: OutletWorld, now_us: int) -> None:
        outlet.vehicle = Vehicle(settings or VehicleSettings())
        outlet.cable.at_station = outlet.cable.at_vehicle = True
        outlet.vehicle.plug(now_us)

    world.act(plug, 0)
    return world


def charging(settings: VehicleSettings | None = None, duty_bp: int = DUTY_16A) -> OutletWorld:
    """A vehicle that has drawn its full current for a while at 20 s."""
    world = plugged(settings)
    world.drive_pilot(PilotDriveMode.PWM, duty_bp, SECOND)
    world.drive_coil(True, 2 * SECOND)
    world.step(20 * SECOND)
    return world


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(
    ("duty_bp", "current_ma"),
    [
        (0, 0),
        (299, 0),
        (500, 0),
        (799, 0),
        (800, 6_000),
        (950, 6_000),
        (999, 6_000),
        (1_000, 6_000),
        (1_667, 10_002),
        (5_333, 31_998),
        (8_500, 51_000),
        (8_600, 55_000),
        (8_920, 63_000),
        (9_600, 80_000),
        (9_601, 80_000),
        (9_700, 80_000),
        (9_701, 0),
        (10_000, 0),
    ],
)
def test_table_a8(duty_bp: int, current_ma: int) -> None:
    assert maximum_current_ma(duty_bp) == current_ma


@pytest.mark.parametrize(
    "line",
    [
        PilotLine(9_000, 9_000, 10_000, 0),
        PilotLine(870, -890, 5_000, 10_000),
        PilotLine(9_000, -12_000, 5_000, 9_000),
        PilotLine(9_000, -12_000, 5_000, 11_000),
    ],
)
def test_an_invalid_signal_offers_nothing(line: PilotLine) -> None:
    assert offered_current_ma(line) == 0


@pytest.mark.req("SIM-01")
def test_vehicle_waits_for_pwm_then_closes_s2_and_draws_when_live() -> None:
    world = plugged()
    assert world.step(SECOND) == NEVER
    assert world.truth().pilot_level == "B"
    world.drive_pilot(PilotDriveMode.PWM, DUTY_16A, SECOND)
    world.step(1_499 * MS)
    assert world.truth().pilot_level == "B"
    world.step(1_500 * MS)
    assert world.truth().pilot_level == "C"
    world.step(10 * SECOND)
    assert world.currents_ma() == (0, 0, 0)
    world.drive_coil(True, 10 * SECOND)
    world.step(10_519 * MS)
    assert world.currents_ma() == (0, 0, 0)
    world.step(10_520 * MS)
    assert world.currents_ma() == (2_000, 2_000, 2_000)
    world.step(20 * SECOND)
    assert world.currents_ma() == (16_002, 16_002, 16_002)


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(("phases", "currents"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1))])
def test_phases(phases: int, currents: tuple[int, int, int]) -> None:
    world = charging(VehicleSettings(phases=phases))
    assert tuple(current // 16_002 for current in world.currents_ma()) == currents


def test_single_phase_outlet_feeds_one_phase_of_a_three_phase_vehicle() -> None:
    world = plugged(setup=OutletSetup(phases=1))
    world.drive_pilot(PilotDriveMode.PWM, DUTY_16A, SECOND)
    world.drive_coil(True, 2 * SECOND)
    world.step(20 * SECOND)
    assert world.currents_ma() == (16_002, 0, 0)
    assert world.voltages_mv() == (230_000, 0, 0)


@pytest.mark.req("SIM-01")
def test_changed_duty_is_followed_after_the_delay() -> None:
    world = charging(VehicleSettings(follow_delay_us=4 * SECOND, ramp_down_ma_s=1_000_000))
    world.drive_pilot(PilotDriveMode.PWM, 1_000, 20 * SECOND)
    world.step(24 * SECOND - 1)
    assert max(world.currents_ma()) == 16_002
    world.step(25 * SECOND)
    assert max(world.currents_ma()) == 6_000


def test_many_changes_do_not_put_off_following() -> None:
    world = charging(VehicleSettings(ramp_down_ma_s=1_000_000, ramp_up_ma_s=1_000_000))
    for tenth in range(30):
        world.drive_pilot(PilotDriveMode.PWM, 2_600 - tenth * 10, 20 * SECOND + tenth * 100 * MS)
    world.step(23 * SECOND)
    assert max(world.currents_ma()) < 15_600


@pytest.mark.req("SIM-01")
def test_pwm_off_ramps_down_and_opens_s2_within_3_s() -> None:
    world = charging(duty_bp=DUTY_32A)
    world.drive_pilot(PilotDriveMode.X1, 0, 20 * SECOND)
    world.step(21 * SECOND)
    assert 0 < max(world.currents_ma()) < 32_000
    assert world.truth().pilot_level == "C"
    world.step(23 * SECOND)
    assert world.currents_ma() == (0, 0, 0)
    assert world.truth().pilot_level == "B"
    world.drive_coil(False, 24 * SECOND)
    world.step(25 * SECOND)
    assert world.truth().openings_under_load == 0


def test_slow_ramp_still_ends_in_time() -> None:
    world = charging(VehicleSettings(ramp_down_ma_s=1_000))
    world.drive_pilot(PilotDriveMode.X1, 0, 20 * SECOND)
    world.step(23 * SECOND - 1)
    assert max(world.currents_ma()) > 10_000
    world.step(23 * SECOND)
    assert world.truth().pilot_level == "B"
    assert world.currents_ma() == (0, 0, 0)


@pytest.mark.req("SIM-01")
def test_driver_stops_with_pwm_on_and_begins_again() -> None:
    world = charging()
    world.act(lambda outlet, now_us: outlet.vehicle.want(False, now_us), 20 * SECOND)
    world.step(24 * SECOND)
    assert (world.truth().pilot_level, world.truth().pwm_on) == ("B", True)
    world.act(lambda outlet, now_us: outlet.vehicle.want(True, now_us), 25 * SECOND)
    world.step(40 * SECOND)
    assert max(world.currents_ma()) == 16_002


@pytest.mark.req("SIM-01")
def test_ignoring_vehicle_never_opens_s2_and_is_opened_under_load() -> None:
    world = charging(VehicleSettings(ignores_stop=True))
    world.drive_pilot(PilotDriveMode.X1, 0, 20 * SECOND)
    world.step(60 * SECOND)
    assert world.truth().pilot_level == "C"
    assert max(world.currents_ma()) == 16_002
    world.drive_coil(False, 60 * SECOND)
    world.step(61 * SECOND)
    assert world.truth().openings_under_load == 1
    assert world.truth().last_break_ma == 16_002


@pytest.mark.req("SIM-01")
def test_ventilation_gives_state_d() -> None:
    world = plugged(VehicleSettings(ventilation=True))
    world.drive_pilot(PilotDriveMode.PWM, DUTY_16A, SECOND)
    world.step(2 * SECOND)
    assert world.truth().pilot_level == "D"


@pytest.mark.req("SIM-01")
def test_simplified_vehicle_is_in_c_at_once_and_draws_ten_ampere_on_one_phase() -> None:
    world = plugged(VehicleSettings(simplified=True))
    assert world.truth().pilot_level == "C"
    world.drive_coil(True, SECOND)
    world.step(20 * SECOND)
    assert world.currents_ma() == (10_000, 0, 0)


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(
    ("sleep", "mode", "pulse_us", "wakes"),
    [
        (Sleep.LIGHT, PilotDriveMode.X1, 1 * SECOND, True),
        (Sleep.LIGHT, PilotDriveMode.F, 4 * SECOND, True),
        (Sleep.DEEP, PilotDriveMode.X1, 4 * SECOND, False),
        (Sleep.DEEP, PilotDriveMode.F, 4 * SECOND, True),
        (Sleep.DEEP, PilotDriveMode.E, 4 * SECOND, True),
        (Sleep.DEEP, PilotDriveMode.F, 2_999 * MS, False),
    ],
)
def test_sleeping_vehicle(sleep: Sleep, mode: PilotDriveMode, pulse_us: int, wakes: bool) -> None:
    world = plugged(VehicleSettings(sleep=sleep))
    world.drive_pilot(PilotDriveMode.PWM, DUTY_16A, SECOND)
    world.step(31 * SECOND)
    assert world.truth().pilot_level == "B"
    world.drive_pilot(mode, 0, 31 * SECOND)
    world.drive_pilot(PilotDriveMode.PWM, DUTY_16A, 31 * SECOND + pulse_us)
    world.step(60 * SECOND)
    assert (world.truth().pilot_level == "C") is wakes


@pytest.mark.req("SIM-01")
def test_overdraw_comes_on_top_of_the_offer() -> None:
    assert charging(VehicleSettings(overdraw_ma=5_000)).currents_ma() == (21_002, 21_002, 21_002)


def test_vehicle_that_ignores_the_duty_cycle_draws_its_maximum() -> None:
    world = charging(VehicleSettings(ignores_duty=True, maximum_ma=20_000), duty_bp=1_000)
    assert max(world.currents_ma()) == 20_000


def test_offer_below_its_minimum_is_declined() -> None:
    world = plugged(VehicleSettings(minimum_ma=8_000))
    world.drive_pilot(PilotDriveMode.PWM, 1_000, SECOND)
    assert world.step(60 * SECOND) == NEVER
    assert world.truth().pilot_level == "B"


@pytest.mark.req("SIM-01")
def test_full_battery_ends_the_charge_with_few_events() -> None:
    world = plugged(VehicleSettings(capacity_wh=80_000, charge_bp=1_000))
    world.drive_pilot(PilotDriveMode.PWM, DUTY_16A, SECOND)
    world.drive_coil(True, 2 * SECOND)
    changes: list[int] = []
    world.on_change(changes.append)
    next_us = world.step(3 * SECOND)
    while next_us < NEVER:
        next_us = world.step(next_us)
    truth = world.truth()
    assert (truth.vehicle_charge_bp, truth.pilot_level, truth.currents_ma) == (10_000, "B", (0, 0, 0))
    assert world.now_us > 6 * 3_600 * SECOND
    assert len(changes) < 100
    assert truth.energy_pj == pytest.approx(72_000 * 3_600 * 10**12, rel=1e-3)


def test_battery_takes_less_near_full() -> None:
    world = charging(VehicleSettings(charge_bp=9_750, maximum_ma=16_000))
    assert max(world.currents_ma()) == 8_000


@pytest.mark.req("SIM-01")
def test_lost_supply_stops_the_current_at_once_and_its_return_starts_it_again() -> None:
    world = charging()

    def set_breaker(closed: bool, now_us: int) -> None:
        def act(outlet: OutletWorld, _now_us: int) -> None:
            outlet.feed.breaker_closed = closed

        world.act(act, now_us)

    set_breaker(False, 21 * SECOND)
    assert world.currents_ma() == (0, 0, 0)
    set_breaker(True, 30 * SECOND)
    assert world.currents_ma() == (0, 0, 0)
    world.step(40 * SECOND)
    assert max(world.currents_ma()) == 16_002


def test_s2_pulses_show_short_c_and_no_current() -> None:
    world = plugged()
    levels: list[tuple[int, str]] = []
    world.on_change(lambda now_us: levels.append((now_us // MS, world.truth().pilot_level)))
    world.act(lambda outlet, now_us: outlet.vehicle.pulse_s2(2, 250 * MS, now_us), SECOND)
    world.step(5 * SECOND)
    assert levels == [(1_000, "C"), (1_250, "B"), (1_500, "C"), (1_750, "B")]


def test_pilot_short_ends_the_vehicles_charge() -> None:
    world = charging()

    def short(outlet: OutletWorld, _now_us: int) -> None:
        outlet.circuit.short_ohm = 80

    world.act(short, 20 * SECOND)
    assert world.truth().pilot_level == "E"
    world.step(23 * SECOND)
    assert world.currents_ma() == (0, 0, 0)


def test_changing_a_setting_while_charging_acts_at_once_and_keeps_the_battery() -> None:
    world = charging()
    stored = world.vehicle.battery.stored_pj
    settings = VehicleSettings(maximum_ma=10_000)
    world.act(lambda outlet, now_us: outlet.vehicle.change(settings, now_us), 20 * SECOND)
    world.step(25 * SECOND)
    assert max(world.currents_ma()) == 10_000
    assert world.vehicle.battery.stored_pj > stored
