"""Lock, contactor, detector, supply, cable, temperature: each alone, with its failures."""

from __future__ import annotations

from typing import Any

import pytest

from hal.ports import (
    BeepCode,
    LightCode,
    LockPosition,
    LockPulse,
    PilotDriveMode,
    SelfTest,
    ShutterPosition,
    ShutterPulse,
)
from hal.units import MS, NEVER, SECOND
from hal.world.ambient import Temperature
from hal.world.cable import Cable
from hal.world.contactor import Contactor, MirrorFault
from hal.world.outlet import OutletSetup, OutletWorld
from hal.world.residual import ResidualDetector
from hal.world.shutter import TRAVEL_US
from hal.world.socket import Jam, LockFeedbackFault, SocketLock
from hal.world.supply import Feed, Grid

LOCKED, UNLOCKED, BETWEEN = LockPosition.LOCKED, LockPosition.UNLOCKED, LockPosition.BETWEEN


def settle(lock: SocketLock) -> SocketLock:
    """Let the bolt's movement end."""
    while lock.due_us < NEVER:
        lock.step(lock.due_us)
    return lock


def locked() -> SocketLock:
    lock = SocketLock()
    lock.drive(LockPulse.LOCK, 600 * MS, 0)
    return settle(lock)


# Cable.


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(("rating_a", "ohm"), [(13, 1_500), (20, 680), (32, 220), (63, 100)])
def test_cable_tells_its_rating_only_in_the_socket(rating_a: int, ohm: int) -> None:
    cable = Cable(rating_a=rating_a, at_vehicle=True)
    assert cable.proximity_ohm() is None
    cable.at_station = True
    assert cable.proximity_ohm() == ohm
    assert cable.connected


@pytest.mark.req("SIM-01")
def test_faulty_coding_and_attached_cable() -> None:
    assert Cable(at_station=True, faulty=True, fault_ohm=None).proximity_ohm() is None
    assert Cable(at_station=True, faulty=True, fault_ohm=0).proximity_ohm() == 0
    attached = Cable(attached=True)
    assert attached.at_station
    assert attached.proximity_ohm() is None


# Lock.


@pytest.mark.req("SIM-01")
def test_bolt_travels_in_250_ms() -> None:
    lock = SocketLock()
    assert lock.drive(LockPulse.LOCK, 600 * MS, 0)
    assert lock.due_us == 250 * MS
    assert lock.true_position() is BETWEEN
    assert lock.holds_plug
    lock.step(250 * MS)
    assert (lock.true_position(), lock.due_us) == (LOCKED, NEVER)
    lock.drive(LockPulse.UNLOCK, 600 * MS, SECOND)
    lock.step(lock.due_us)
    assert lock.true_position() is UNLOCKED
    assert not lock.holds_plug


def test_short_pulse_leaves_the_bolt_between_and_the_next_finishes() -> None:
    lock = SocketLock()
    lock.drive(LockPulse.LOCK, 100 * MS, 0)
    lock.step(lock.due_us)
    assert (lock.reported_position(), lock.holds_plug) == (BETWEEN, True)
    lock.drive(LockPulse.LOCK, 600 * MS, SECOND)
    assert lock.due_us == SECOND + 150 * MS


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize("part", ["lock", "shutter"])
def test_a_movement_that_begins_between_the_ends_is_ended_in_time(part: str) -> None:
    """At its beginning nothing can be seen, at its end something can: the world asks to be woken for that."""
    outlet = OutletWorld(OutletSetup(has_lock=True, has_shutter=True))
    wakes: list[int] = []
    outlet.call_for_steps(wakes.append)
    if part == "lock":
        outlet.drive_lock(LockPulse.LOCK, 100 * MS, 0)
        outlet.step(SECOND)
        outlet.drive_lock(LockPulse.LOCK, 600 * MS, SECOND)
        assert wakes[-1] == SECOND + 150 * MS
        outlet.step(wakes[-1])
        assert outlet.lock.true_position() is LOCKED
    else:
        outlet.drive_shutter(ShutterPulse.OPEN, 200 * MS, 0)
        outlet.step(SECOND)
        outlet.drive_shutter(ShutterPulse.OPEN, 2 * SECOND, SECOND)
        assert wakes[-1] == SECOND + TRAVEL_US - 200 * MS
        outlet.step(wakes[-1])
        assert outlet.truth().shutter is ShutterPosition.OPEN


def test_rest_stops_the_motor_and_a_reversal_starts_where_the_bolt_is() -> None:
    lock = SocketLock()
    lock.drive(LockPulse.LOCK, 600 * MS, 0)
    lock.drive(LockPulse.UNLOCK, 600 * MS, 50 * MS)
    assert lock.due_us == 100 * MS
    lock.drive(LockPulse.REST, 0, 60 * MS)
    assert (lock.due_us, lock.true_position()) == (NEVER, BETWEEN)


@pytest.mark.req("SIM-01")
def test_jams() -> None:
    stuck_open = SocketLock()
    stuck_open.set_jam(Jam.UNLOCKED, 0)
    assert not stuck_open.drive(LockPulse.LOCK, 600 * MS, 0)
    assert stuck_open.true_position() is UNLOCKED
    stuck_shut = locked()
    stuck_shut.set_jam(Jam.LOCKED, SECOND)
    assert not stuck_shut.drive(LockPulse.UNLOCK, 600 * MS, SECOND)
    assert stuck_shut.true_position() is LOCKED
    half = SocketLock()
    half.set_jam(Jam.HALF_WAY, 0)
    half.drive(LockPulse.LOCK, 600 * MS, 0)
    assert half.due_us == 125 * MS
    settle(half)
    assert half.true_position() is BETWEEN
    assert not half.drive(LockPulse.UNLOCK, 600 * MS, SECOND)
    half.set_jam(Jam.NONE, 2 * SECOND)
    half.drive(LockPulse.UNLOCK, 600 * MS, 2 * SECOND)
    assert settle(half).true_position() is UNLOCKED


def test_jam_on_the_way_stops_the_bolt() -> None:
    lock = SocketLock()
    lock.drive(LockPulse.LOCK, 600 * MS, 0)
    lock.set_jam(Jam.HALF_WAY, 100 * MS)
    assert (lock.due_us, lock.true_position()) == (NEVER, BETWEEN)


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(
    ("fault", "reported"),
    [
        (LockFeedbackFault.LOST, BETWEEN),
        (LockFeedbackFault.CONTRADICTORY, LockPosition.CONTRADICTORY),
        (LockFeedbackFault.STUCK_LOCKED, LOCKED),
        (LockFeedbackFault.STUCK_UNLOCKED, UNLOCKED),
    ],
)
def test_feedback_faults_change_only_the_report(fault: LockFeedbackFault, reported: LockPosition) -> None:
    lock = locked()
    lock.feedback_fault = fault
    assert lock.reported_position() is reported
    assert lock.true_position() is LOCKED


@pytest.mark.req("SIM-01")
def test_force_and_absence() -> None:
    lock = locked()
    lock.force_open(SECOND)
    assert lock.true_position() is UNLOCKED
    absent = SocketLock(fitted=False)
    assert not absent.drive(LockPulse.LOCK, 600 * MS, 0)
    assert not absent.holds_plug


# Contactor.


@pytest.mark.req("SIM-01")
def test_contacts_follow_the_coil_and_load_is_counted() -> None:
    contactor = Contactor()
    assert contactor.drive(True, 0)
    assert not contactor.drive(True, 5)
    assert contactor.due_us == 20 * MS
    contactor.step(20 * MS, 0)
    assert (contactor.closed, contactor.mirror_closed(), contactor.closings) == (True, True, 1)
    contactor.drive(False, SECOND)
    assert contactor.due_us == SECOND + 15 * MS
    contactor.step(contactor.due_us, 1_000)
    assert (contactor.closed, contactor.openings_under_load, contactor.last_break_ma) == (False, 1, 1_000)


def test_coil_released_in_time_never_closes_the_contacts() -> None:
    contactor = Contactor()
    contactor.drive(True, 0)
    contactor.drive(False, 19 * MS)
    assert (contactor.due_us, contactor.closed) == (NEVER, False)


@pytest.mark.req("SIM-01")
def test_welded_contacts_stay_closed_until_healed() -> None:
    contactor = Contactor(weld=True)
    contactor.drive(True, 0)
    contactor.step(contactor.due_us, 0)
    contactor.drive(False, SECOND)
    assert (contactor.due_us, contactor.mirror_closed()) == (NEVER, True)
    contactor.weld = False
    contactor.follow_coil(2 * SECOND)
    contactor.step(contactor.due_us, 0)
    assert not contactor.closed


@pytest.mark.req("SIM-01")
def test_contactor_that_fails_to_close() -> None:
    contactor = Contactor(fails_to_close=True)
    contactor.drive(True, 0)
    assert contactor.due_us == NEVER
    contactor.fails_to_close = False
    contactor.follow_coil(SECOND)
    assert contactor.due_us == SECOND + 20 * MS


@pytest.mark.req("SIM-01")
def test_chatter_ends_closed() -> None:
    contactor = Contactor(chatter_count=2)
    contactor.drive(True, 0)
    states = []
    while contactor.due_us < NEVER:
        now_us = contactor.due_us
        contactor.step(now_us, 0)
        states.append((now_us // MS, contactor.closed))
    assert states == [(20, True), (25, False), (30, True), (35, False), (40, True)]


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(("fault", "reported"), [(MirrorFault.STUCK_OPEN, False), (MirrorFault.STUCK_CLOSED, True)])
@pytest.mark.parametrize("closed", [False, True])
def test_mirror_faults(fault: MirrorFault, reported: bool, closed: bool) -> None:
    assert Contactor(closed=closed, mirror_fault=fault).mirror_closed() is reported
    assert Contactor(closed=closed).mirror_closed() is closed


# Residual-current detector.


@pytest.mark.req("SIM-01")
def test_self_test_takes_800_ms_and_releases_a_trip() -> None:
    detector = ResidualDetector(tripped_ac=True, tripped_dc=True)
    assert detector.start_self_test(0)
    assert not detector.start_self_test(1)
    assert (detector.self_test, detector.due_us) == (SelfTest.RUNNING, 800 * MS)
    detector.step(800 * MS)
    assert (detector.self_test, detector.tripped_ac, detector.tripped_dc) == (SelfTest.PASSED, False, False)


@pytest.mark.req("SIM-01")
def test_failed_self_test_keeps_the_trip() -> None:
    detector = ResidualDetector(tripped_dc=True, self_test_fails=True)
    detector.start_self_test(0)
    detector.step(800 * MS)
    assert (detector.self_test, detector.tripped_dc) == (SelfTest.FAILED, True)


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(
    ("ac_ma", "dc_ma", "due_us"),
    [(30, 0, 40 * MS), (29, 0, NEVER), (0, 6, 200 * MS), (0, 5, NEVER)],
)
def test_leak_trips_only_while_live(ac_ma: int, dc_ma: int, due_us: int) -> None:
    detector = ResidualDetector(leak_ac_ma=ac_ma, leak_dc_ma=dc_ma)
    detector.observe(False, 0)
    assert detector.due_us == NEVER
    detector.observe(True, 0)
    assert detector.due_us == due_us
    detector.observe(True, 10 * MS)
    assert detector.due_us == due_us, "a trip time runs on"
    if due_us < NEVER:
        detector.step(due_us)
        assert (detector.tripped_ac, detector.tripped_dc) == (bool(ac_ma), bool(dc_ma))
    detector.observe(False, SECOND)
    assert detector.due_us == NEVER


# Supply.


@pytest.mark.req("SIM-01")
def test_feed_behind_breaker_and_grid() -> None:
    grid, feed = Grid(), Feed(phases=1)
    assert (feed.voltages_mv(), feed.supply_mv()) == ((230_000, 0, 0), 12_000)
    feed.breaker_closed = False
    assert (feed.voltages_mv(), feed.powered) == ((0, 0, 0), True)
    grid.on = False
    feed.grid_mv = grid.voltages_mv()
    assert (feed.powered, feed.supply_mv()) == (False, 0)


@pytest.mark.req("SIM-01")
def test_power_cut_drops_contactor_and_opens_lock_from_reserve() -> None:
    world = OutletWorld()
    world.drive_pilot(PilotDriveMode.X1, 0, 0)
    world.drive_lock(LockPulse.LOCK, 600 * MS, 0)
    world.drive_coil(True, SECOND)
    world.show_light(LightCode.GREEN, SECOND)
    world.ventilate(True, SECOND)
    world.beep(BeepCode.READ, SECOND)
    world.start_self_test(SECOND)
    world.step(2 * SECOND)
    assert (world.truth().contact_closed, world.self_test()) == (True, SelfTest.PASSED)
    world.residual.tripped_dc = True
    world.set_grid((0, 0, 0), 2 * SECOND)
    assert (world.self_test(), world.residual_trip()) == (SelfTest.NOT_RUN, (False, False))
    assert world.pilot_line() == (0, 0, 0, 0)
    assert (world.signs.light, world.signs.ventilation, world.signs.beep_count) == (LightCode.OFF, False, 1)
    world.step(2 * SECOND + 15 * MS)
    assert not world.truth().contact_closed
    world.step(3 * SECOND)
    assert world.truth().bolt is BETWEEN
    world.step(4 * SECOND)
    assert world.truth().bolt is UNLOCKED
    world.drive_coil(True, 4 * SECOND)
    world.drive_pilot(PilotDriveMode.X1, 0, 4 * SECOND)
    world.start_self_test(4 * SECOND)
    assert world.step(5 * SECOND) == NEVER
    assert not world.truth().coil_energised


@pytest.mark.parametrize("case", ["welded", "drained", "back in time"])
def test_reserve_leaves_the_lock_alone(case: str) -> None:
    world = OutletWorld(OutletSetup(lock_reserve=case != "drained"))
    world.contactor.weld = case == "welded"
    world.drive_lock(LockPulse.LOCK, 600 * MS, 0)
    world.drive_coil(True, 0)
    world.set_grid((0, 0, 0), SECOND)
    if case == "back in time":
        world.set_grid((230_000, 230_000, 230_000), SECOND + 900 * MS)
    world.step(10 * SECOND)
    assert world.truth().bolt is LOCKED


# Temperature.


@pytest.mark.req("SIM-01")
def test_temperature_goes_in_half_degrees() -> None:
    temperature = Temperature()
    temperature.go_to(264, 30 * SECOND, 0)
    seen = []
    while temperature.due_us < NEVER:
        now_us = temperature.due_us
        temperature.step(now_us)
        seen.append((now_us // SECOND, temperature.now_dc))
    assert seen == [(10, 255), (20, 260), (30, 264)]
    temperature.go_to(-100, 0, 40 * SECOND)
    assert (temperature.now_dc, temperature.due_us) == (-100, NEVER)


@pytest.mark.parametrize("setup", [{"phases": 2}, {"input_count": 65}, {"input_count": -1}])
def test_impossible_outlets_are_refused(setup: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="phases"):
        OutletSetup(**setup)
