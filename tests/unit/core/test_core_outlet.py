"""One outlet in a perfect world: reaction times, protections, what the vehicle is offered."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import ClearFault, SetLimit, StopSession
from evse.core.config import Access, Location, SocketType
from evse.core.duty import duty_for_current
from evse.core.events import (
    ContactorMoved,
    FaultCleared,
    FaultRaised,
    OutletError,
    PhasesDetected,
    PilotDriven,
    SessionClosed,
    WakeUpStarted,
)
from evse.core.evse_status import evse_status
from evse.core.outlet_status import OutletStatus
from evse.core.units import MS, NEVER, SECOND
from evse.core.values import Light, PilotMode
from tests.fakes.core_bench import UID, CoreBench, station_config

OPENING_US = 15 * MS
"""From coil off to contacts open in the world."""


def free(**changes: Any) -> CoreBench:
    return CoreBench(station_config(access=Access.FREE, **changes)).run(12)


def charging(**changes: Any) -> CoreBench:
    b = free(**changes)
    b.verb("plug_in").run(60)
    assert b.truth().contact_closed
    return b


def opened_after_us(b: CoreBench, cause_us: int, within_s: float = 12) -> int:
    """From ``cause_us`` until the main contacts are open."""
    while b.truth().contact_closed:
        assert b.now_us - cause_us < within_s * SECOND, (b.faults(), b.output().open_reasons)
        b.run(0.001)
    return b.now_us - cause_us


# --- opening and closing ------------------------------------------------------------------------------------------------

EMERGENCIES: list[tuple[str, dict[str, Any], str, int]] = [
    ("short_pilot", {}, "PilotShort", 100),
    ("open_pilot", {}, "", 100),
    ("open_earth", {}, "", 100),
    ("short_diode", {}, "DiodeFault", 100),
    ("drift_pilot", {"positive": 20}, "", 100),
    ("drift_pilot", {"positive": 0}, "PilotShort", 100),
    ("change_proximity", {"to": "open"}, "ProximityFault", 100),
    ("change_proximity", {"to": "short"}, "ProximityFault", 100),
    ("trip_residual", {"kind": "ac"}, "ResidualCurrentAC", 100),
    ("trip_residual", {"kind": "dc"}, "ResidualCurrentDC", 100),
    ("force_lock_open", {}, "LockOpenedInCharge", 100),
    ("trip_breaker", {}, "SupplyLost", 100),
    ("dim_supply", {}, "BrownOut", 100),
    ("detune_pilot", {"frequency": 900}, "PilotGeneratorStuck", 300),
]


@pytest.mark.req("PIL-03", "PIL-04", "OUT-05")
@pytest.mark.parametrize(("verb", "params", "fault", "limit_ms"), EMERGENCIES)
def test_emergencies_open_the_contact_in_time(verb: str, params: dict[str, Any], fault: str, limit_ms: int) -> None:
    b = charging()
    cause_us = b.now_us
    b.verb(verb, **params)
    assert opened_after_us(b, cause_us) <= limit_ms * MS
    b.run(0.5)
    raised = [event.fault for event in b.events(FaultRaised)]
    assert fault in raised if fault else "PilotShort" not in raised


@pytest.mark.req("PIL-03")
def test_a_stuck_generator_is_told_apart_and_opens() -> None:
    b = charging()
    b.verb("stick_generator").run(5)
    assert b.truth().contact_closed, "it still does what it was told"
    b.post(StopSession("", 1))
    b.run(12)
    assert [event.fault for event in b.events(FaultRaised)] == ["PilotGeneratorStuck"]
    assert not b.truth().contact_closed
    b.verb("stick_generator", heal=True).run(5)
    assert b.faults() == ()


@pytest.mark.req("PIL-03")
def test_a_generator_that_drifts_out_of_every_window_is_told_apart() -> None:
    b = free()
    b.verb("drift_pilot", positive=14).run(1)
    assert b.faults() == ("PilotInvalid",)
    b.verb("drift_pilot", heal=True).run(1)
    assert b.faults() == ()


@pytest.mark.req("OUT-05")
def test_a_current_above_the_boards_limit_opens_at_once() -> None:
    b = free()
    b.verb("plug_in", ramp_up=1000).run(60)
    b.verb("overdraw", current=60)
    while max(b.truth().currents_ma) <= 80_000:
        b.run(0.001)
    assert opened_after_us(b, b.now_us) <= 100 * MS
    assert "OverCurrentHard" in b.faults()


@pytest.mark.req("PIL-04")
def test_s2_opening_opens_the_contact_within_100_ms() -> None:
    b = charging()
    b.verb("vehicle_stop")
    while b.truth().s2_closed:
        b.run(0.001)
    assert opened_after_us(b, b.now_us) <= 100 * MS
    assert b.events(FaultRaised) == []


@pytest.mark.req("PIL-04")
def test_the_contact_closes_within_three_seconds_of_the_vehicles_wish() -> None:
    b = free()
    b.verb("plug_in", close_delay="20 s")
    while not b.truth().s2_closed:
        b.run(0.001)
    wish_us = b.now_us
    while not b.truth().contact_closed:
        b.run(0.001)
    assert b.now_us - wish_us <= 3 * SECOND


@pytest.mark.req("PIL-04")
def test_bcb_pulses_close_nothing() -> None:
    b = free()
    b.verb("plug_in", wants_charge=False).run(20)
    for width_ms in (200, 250, 400):
        b.verb("pulse_s2", count=3, width=width_ms).run(5)
    assert b.events(ContactorMoved) == []


@pytest.mark.req("PIL-05")
def test_a_vehicle_that_ignores_the_stop_is_opened_at_six_seconds() -> None:
    b = free()
    b.verb("plug_in", ignores_stop=True).run(60)
    stop_us = b.now_us
    b.post(StopSession("", 1))
    b.run(0.001)
    assert b.output().pilot_mode is PilotMode.X1
    opened_us = opened_after_us(b, stop_us)
    assert 6 * SECOND <= opened_us <= 7 * SECOND
    assert b.truth().openings_under_load == 1


@pytest.mark.req("PIL-05")
def test_a_controlled_fault_lets_the_vehicle_reduce_first() -> None:
    b = charging()
    b.verb("heat", temperature=85)
    b.run(0.001)
    assert b.output().pilot_mode is PilotMode.X1
    assert b.output().hold_contactor
    b.run(6)
    assert not b.truth().contact_closed
    assert b.truth().openings_under_load == 0
    assert b.faults() == ("OverTemperature",)
    b.verb("heat", temperature=70).run(60)
    assert b.faults() == ("OverTemperature",), "not before it has cooled down to the lower threshold"
    b.verb("heat", temperature=60)
    cool_us = b.now_us
    b.run(60)
    assert b.truth().contact_closed
    assert b.times(PilotDriven, mode="PWM")[-1] >= cool_us + 30 * SECOND


def test_ten_seconds_between_two_closings_are_spent_in_x1() -> None:
    b = free()
    b.verb("plug_in")
    while not b.truth().contact_closed:
        b.run(0.01)
    b.verb("vehicle_stop").run(1)
    b.verb("vehicle_ready").run(30)
    first, second = [at_us for at_us in b.times(ContactorMoved, closed=True)]
    assert second - first >= 10 * SECOND
    assert b.truth().contact_closed


def test_after_the_start_the_contactor_rests_too() -> None:
    b = CoreBench(station_config(access=Access.FREE))
    b.verb("plug_in").run(9.9)
    assert b.times(PilotDriven, mode="PWM") == []
    b.run(20)
    assert b.times(ContactorMoved, closed=True)[0] >= 10 * SECOND


# --- over-current ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("PIL-05", "OUT-05")
def test_an_over_drawing_vehicle_is_cut_off_seven_seconds_after_it_exceeds() -> None:
    b = free()
    b.verb("plug_in", cable="20 A").run(60)
    b.verb("overdraw", current=5)
    limit_ma = (20_000 + 500) * 110 // 100
    while max(b.truth().currents_ma) <= limit_ma:
        b.run(0.001)
    above_us = b.now_us
    opened_us = opened_after_us(b, above_us)
    assert 7 * SECOND - MS <= opened_us <= 7 * SECOND + 100 * MS
    assert b.faults() == ("OverCurrentSoft",)
    b.run(1)
    assert [event.reason for event in b.events(SessionClosed)] == ["Fault OverCurrentSoft"]
    told = [(event.error, event.error_class) for event in b.events(OutletError)]
    assert told == [("KO_UnplugProcedureError", "Unplug error")], "the guide has no charge error for it"


@pytest.mark.req("PIL-05")
def test_a_vehicle_that_does_not_follow_a_lower_limit_is_cut_off_after_12_s() -> None:
    b = free()
    b.verb("plug_in", ignores_duty=True).run(60)
    b.post(SetLimit("", 1, source="test", current_ma=10_000))
    lowered_us = b.now_us
    assert 12 * SECOND <= opened_after_us(b, lowered_us, 20) <= 12 * SECOND + 100 * MS


# --- limits on the pilot ---------------------------------------------------------------------------------------------------


@pytest.mark.req("PIL-08")
@pytest.mark.parametrize(
    ("cable", "current_ma"), [("13 A", 13_000), ("20 A", 20_000), ("32 A", 32_000), ("63 A", 32_000)]
)
def test_the_cable_limits_the_offer(cable: str, current_ma: int) -> None:
    b = free()
    b.verb("plug_in", cable=cable).run(60)
    assert b.output().duty_bp == duty_for_current(current_ma)
    assert b.outlet().arbitration.ruling == ("rated" if cable in ("32 A", "63 A") else "cable")
    assert max(b.truth().currents_ma) <= current_ma


@pytest.mark.req("PIL-05")
def test_a_lower_limit_is_on_the_pilot_at_once_and_a_higher_one_after_five_seconds() -> None:
    b = charging()
    b.post(SetLimit("", 1, source="test", current_ma=10_000))
    b.run(0)
    assert b.output().duty_bp == duty_for_current(10_000)
    lowered_us = b.now_us
    b.run(1)
    b.post(SetLimit("", 1, source="test", current_ma=16_000))
    b.run(20)
    changes = b.times(PilotDriven, offered_ma=16_000)
    assert changes == [lowered_us + 5 * SECOND]


def test_a_limit_that_expires_falls_back() -> None:
    b = charging()
    b.post(SetLimit("", 1, source="t", current_ma=20_000, valid_until_us=b.now_us + 30 * SECOND, fallback_ma=8_000))
    b.run(29)
    assert b.output().duty_bp == duty_for_current(20_000)
    b.run(1)
    assert b.output().duty_bp == duty_for_current(8_000)


@pytest.mark.req("OUT-06")
def test_too_little_current_pauses_and_says_so() -> None:
    b = charging()
    b.post(SetLimit("", 1, source="test", current_ma=5_999))
    b.run(30)
    assert not b.truth().contact_closed
    assert "not_Enough_Energy_To_Start_Charge" in evse_status(b.outlet())
    b.post(SetLimit("", 1, source="test", current_ma=6_000))
    b.run(30)
    assert b.truth().contact_closed
    assert "not_Enough_Energy_To_Start_Charge" not in evse_status(b.outlet())


# --- vehicles of all kinds ---------------------------------------------------------------------------------------------------


@pytest.mark.req("PIL-07")
def test_a_simplified_vehicle_gets_ten_amperes_and_its_name() -> None:
    b = free()
    b.verb("plug_in", simplified=True).run(60)
    assert b.truth().contact_closed
    assert b.output().duty_bp == duty_for_current(10_000)
    assert "Simplified_Mode_3" in evse_status(b.outlet())
    assert "Single-Phase" in evse_status(b.outlet())
    b.post(StopSession("", 1))
    b.run(20)
    assert b.events(SessionClosed)[0].charge_type == "Simplified_Mode_3"


@pytest.mark.req("PIL-10", "OUT-06")
@pytest.mark.parametrize(("phases", "flag"), [(1, "Single-Phase"), (3, "Three-Phase")])
def test_phases_the_vehicle_uses(phases: int, flag: str) -> None:
    b = free()
    b.verb("plug_in", phases=phases).run(60)
    assert [event.phases for event in b.events(PhasesDetected)] == [phases]
    assert flag in evse_status(b.outlet())
    assert "Normal_Mode_3" in evse_status(b.outlet())


@pytest.mark.req("PIL-06")
def test_ventilation_indoors_ends_the_charge_once_and_outdoors_charges() -> None:
    inside, outside = free(location=Location.INDOOR), free(location=Location.OUTDOOR)
    for b in (inside, outside):
        b.verb("plug_in", ventilation=True).run(600)
    assert outside.truth().contact_closed
    assert outside.truth().ventilation
    assert "Ventilation required" in evse_status(outside.outlet())
    assert inside.events(ContactorMoved) == []
    assert [event.fault for event in inside.events(FaultRaised)] == ["VentilationNotAvailable"]
    assert inside.outlet().status is OutletStatus.UNPLUG_STARTED
    inside.verb("unplug").run(5)
    assert inside.faults() == ()
    assert inside.outlet().status is OutletStatus.INIT_DONE


def test_a_sleeper_is_woken_once_per_plug_in() -> None:
    b = free()
    b.verb("plug_in", sleep="deep").run(120)
    assert b.truth().contact_closed
    assert len(b.events(WakeUpStarted)) == 1
    assert len(b.times(PilotDriven, mode="F")) == 1


def test_a_vehicle_that_does_not_want_is_woken_once_and_left_alone() -> None:
    b = free()
    b.verb("plug_in", wants_charge=False).run(3_600)
    assert len(b.events(WakeUpStarted)) == 1
    b.post(StopSession("", 1))
    b.run(5)
    b.verb("unplug").run(5)
    b.verb("plug_in", wants_charge=False).run(600)
    assert len(b.events(WakeUpStarted)) == 2


@pytest.mark.parametrize("after_ms", [100, 900, 2_000, 3_700, 3_990, 4_100])
def test_the_vehicle_leaves_during_its_wake_up(after_ms: int) -> None:
    """While the station drives F nobody can be seen to leave: that is no fault of the cable."""
    b = free()
    b.verb("plug_in", sleep="deep")
    while not b.events(WakeUpStarted):
        b.run(0.01)
    b.run(after_ms / 1_000)
    b.verb("force_lock_open") if after_ms == 900 else None
    b.verb("unplug", end="vehicle").run(20)
    reasons = [event.reason for event in b.events(SessionClosed)]
    assert reasons == ["Fault LockOpenedInCharge" if after_ms == 900 else "EVDisconnected"]
    assert "ProximityFault" not in [event.fault for event in b.events(FaultRaised)]
    b.verb("unplug", end="station").run(5)
    assert b.outlet().status is OutletStatus.INIT_DONE


# --- faults: F, latches, recovery ------------------------------------------------------------------------------------------------


def test_a_fault_that_stops_a_charge_shows_f_for_300_ms() -> None:
    b = charging()
    b.verb("trip_residual").run(30)
    shown, over = b.times(PilotDriven, mode="F")[0], b.times(PilotDriven, mode="X1")[-1]
    assert 300 * MS <= over - shown <= 400 * MS


def test_a_short_is_answered_by_x1_so_that_its_end_is_seen() -> None:
    b = charging()
    b.verb("short_pilot").run(30)
    assert b.times(PilotDriven, mode="F") == []
    assert b.output().pilot_mode is PilotMode.X1
    assert b.output().light is Light.RED
    b.verb("short_pilot", heal=True)
    healed_us = b.now_us
    b.run(60)
    assert b.truth().contact_closed
    assert b.times(PilotDriven, mode="PWM")[-1] >= healed_us + 30 * SECOND
    assert len(b.events(SessionClosed)) == 0


def test_an_old_short_does_not_show_f_at_a_later_fault_without_charge() -> None:
    b = charging()
    b.verb("short_pilot").run(5)
    b.verb("short_pilot", heal=True).run(5)
    b.verb("trip_residual").run(5)
    assert b.times(PilotDriven, mode="F") == []


@pytest.mark.req("OUT-05")
def test_a_weld_is_found_latched_over_restarts_and_only_cleared_by_service() -> None:
    b = charging()
    b.verb("weld_contactor").run(1)
    b.post(StopSession("", 1))
    b.run(20)
    assert b.faults() == ("ContactorWelded",)
    assert b.events(FaultRaised)[-1].latched
    assert b.output().pilot_mode is PilotMode.F
    assert b.truth().bolt.name == "LOCKED", "never unlocked while the contact may be live"
    b.boot("boot2")
    b.restore(("ContactorWelded",))
    b.run(30)
    assert b.faults() == ("ContactorWelded",)
    assert b.outlet().status is OutletStatus.NOT_INITIALIZED
    b.verb("weld_contactor", heal=True).run(30)
    assert b.faults() == ("ContactorWelded",)
    b.post(ClearFault("", 1, fault="ContactorWelded"))
    b.run(5)
    assert b.faults() == ()
    b.run(60)
    assert b.truth().contact_closed


@pytest.mark.req("OUT-02", "OUT-05")
def test_a_weld_found_at_the_end_keeps_the_cable_and_is_an_unplug_error() -> None:
    b = charging()
    b.verb("weld_contactor").run(1)
    b.verb("vehicle_stop").run(20)
    assert b.outlet().status is OutletStatus.UNPLUG_STARTED
    last = b.outlet().procedure.last_error
    assert last is not None
    assert (last.value, b.outlet().procedure.last_error_class.value) == ("KO_UnplugProcedureError", "Unplug error")


@pytest.mark.req("OUT-05")
def test_a_contactor_that_does_not_close() -> None:
    b = free()
    b.verb("contactor_fails_to_close").verb("plug_in").run(60)
    assert [event.fault for event in b.events(FaultRaised)] == ["ContactorFailedToClose"]
    b.verb("contactor_fails_to_close", heal=True).verb("unplug").run(5)
    assert b.faults() == ()
    b.verb("plug_in").run(60)
    assert b.truth().contact_closed


@pytest.mark.req("OUT-04")
def test_a_mirror_contact_that_lies_open_does_not_release_the_bolt_before_the_contact_is_open() -> None:
    b = free()
    b.verb("mirror_fault", kind="stuck_open")
    seen: list[bool] = []
    b.world.on_change(lambda now_us: seen.append(b.world.outlet(1).truth().contact_closed) if unlocked(b) else None)
    b.verb("plug_in").run(60)
    assert [event.fault for event in b.events(FaultRaised)] == ["ContactorFailedToClose"]
    assert seen
    assert not any(seen)


def unlocked(b: CoreBench) -> bool:
    truth = b.world.outlet(1).truth()
    return (
        truth.plug_at_station
        and truth.bolt.name != "LOCKED"
        and b.outlet().contactor.last_closing_us > 0
        and (b.outlet().status is OutletStatus.UNPLUG_STARTED)
    )


@pytest.mark.req("OUT-05")
def test_residual_trips_end_with_the_vehicle_and_a_new_test() -> None:
    b = charging()
    b.verb("trip_residual", kind="dc").run(60)
    assert b.faults() == ("ResidualCurrentDC",)
    b.verb("unplug").run(10)
    assert b.faults() == ()
    b.verb("plug_in").run(60)
    assert b.truth().contact_closed


@pytest.mark.req("OUT-05")
def test_an_unknown_fault_of_the_front_end_opens_and_waits_for_service() -> None:
    b = charging()
    b.fault_codes[0] = ("FrontEndBit3",)
    cause_us = b.now_us
    assert opened_after_us(b, cause_us) <= 100 * MS
    b.fault_codes[0] = ()
    b.run(2)
    b.verb("unplug").run(60)
    assert b.faults() == ("FrontEndBit3",)
    b.post(ClearFault("", 1, fault="FrontEndBit3"))
    b.run(5)
    assert b.faults() == ()
    assert b.outlet().status is OutletStatus.INIT_DONE


def test_a_front_end_that_never_speaks_is_a_fault_and_not_silence() -> None:
    b = CoreBench(start=True)
    b.link_ok[0] = False
    b.boot("boot2")
    b.restore()
    b.run(4.9)
    assert b.faults() == ()
    b.run(0.2)
    assert b.faults() == ("FrontEndLost",)
    b.link_ok[0] = True
    b.run(2)
    assert b.faults() == ()
    assert b.outlet().status is OutletStatus.INIT_DONE


@pytest.mark.req("PIL-04")
def test_a_lost_front_end_takes_the_permission_and_the_charge_goes_on_afterwards() -> None:
    b = charging()
    b.link_ok[0] = False
    b.run(0)
    assert not b.output().hold_contactor
    assert "FrontEndNotFresh" in b.output().open_reasons
    b.verb("weld_contactor", heal=True)
    b.world.outlet(1).drive_coil(False, b.now_us)
    b.run(30)
    b.link_ok[0] = True
    b.run(60)
    assert b.truth().contact_closed
    assert b.events(SessionClosed) == []


def test_the_supply_comes_back_and_the_charge_goes_on() -> None:
    b = charging()
    b.verb("trip_breaker").run(60)
    assert b.faults() == ("SupplyLost",)
    b.verb("reset_breaker").run(60)
    assert b.truth().contact_closed
    assert [event.fault for event in b.events(FaultCleared)] == ["SupplyLost"]


# --- other builds ----------------------------------------------------------------------------------------------------------------


def test_an_outlet_with_an_attached_cable_has_neither_lock_nor_coding() -> None:
    b = free(socket=SocketType.ATTACHED_T2, has_lock=False)
    b.verb("plug_in").run(60)
    assert b.truth().contact_closed
    assert b.output().lock_pulse == 0
    b.post(StopSession("", 1))
    b.run(10)
    b.verb("unplug", end="vehicle").run(5)
    assert b.outlet().status is OutletStatus.INIT_DONE
    b.verb("plug_in", end="vehicle").run(60)
    assert b.truth().contact_closed


def test_an_outlet_with_one_phase_looks_at_one_voltage() -> None:
    b = free(phases=1)
    b.verb("plug_in").run(60)
    assert b.truth().contact_closed


def test_lights() -> None:
    b = CoreBench(station_config(access=Access.BADGE), start=False).run(1)
    assert b.output().light is Light.OFF
    b.restore()
    b.run(12)
    assert b.output().light is Light.GREEN
    b.card(UID)
    b.run(2)
    assert b.output().light is Light.GREEN_BLINK
    b.verb("plug_in").run(60)
    assert b.output().light is Light.BLUE
    assert b.outlet().arbitration.next_change_us == NEVER
