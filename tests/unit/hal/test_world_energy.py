"""Energy is exact, and nothing depends on how often the world is stepped."""

from __future__ import annotations

import random

import pytest

from hal.ports import LockPulse, PilotDriveMode
from hal.units import MS, NEVER, SECOND
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld
from hal.world.truth import OutletTruth
from hal.world.verbs import apply

END_US = 300 * SECOND


def story(world: StationWorld, step_times: list[int]) -> tuple[OutletTruth, list[int]]:
    """A charge with a change of duty, a brown-out, a chattering contactor and a stop, stepped at extra times."""
    outlet = world.outlet(1)
    told: list[int] = []
    outlet.on_change(told.append)
    orders = {
        0: lambda now: outlet.drive_pilot(PilotDriveMode.X1, 0, now),
        SECOND: lambda now: apply(world, "plug_in", {"max_current": 20, "charge": 30}, now),
        1_500 * MS: lambda now: outlet.drive_lock(LockPulse.LOCK, 600 * MS, now),
        2 * SECOND: lambda now: apply(world, "chatter_contactor", {}, now),
        3 * SECOND: lambda now: outlet.drive_pilot(PilotDriveMode.PWM, 2_667, now),
        4 * SECOND: lambda now: outlet.drive_coil(True, now),
        60 * SECOND: lambda now: outlet.drive_pilot(PilotDriveMode.PWM, 1_500, now),
        120 * SECOND: lambda now: apply(world, "brown_out", {"voltage": "207.3 V"}, now),
        200 * SECOND: lambda now: outlet.drive_pilot(PilotDriveMode.X1, 0, now),
    }
    for now_us in sorted({*orders, *step_times, END_US}):
        world.step(now_us)
        if now_us in orders:
            orders[now_us](now_us)
    return outlet.truth(), told


@pytest.mark.req("SIM-01", "SIM-02")
@pytest.mark.parametrize("seed", range(8))
def test_partition_of_time_changes_nothing(seed: int) -> None:
    stream = random.Random(seed)
    extra = [stream.randrange(END_US) for _ in range(stream.choice((0, 3, 200)))]
    assert story(StationWorld([OutletSetup()]), extra) == story(StationWorld([OutletSetup()]), [])


@pytest.mark.req("SIM-01")
def test_energy_is_the_sum_of_current_voltage_and_time() -> None:
    world = StationWorld([OutletSetup()])
    outlet = world.outlet(1)
    outlet.drive_pilot(PilotDriveMode.PWM, 2_667, 0)
    apply(world, "plug_in", {"ramp_up": "1000 A/s"}, 0)
    outlet.drive_coil(True, SECOND)
    world.step(10 * SECOND)
    before = outlet.truth()
    world.step(10 * SECOND + 1_234_567)
    after = outlet.truth()
    assert after.energy_pj - before.energy_pj == 3 * 16_002 * 230_000 * 1_234_567
    assert after.energy_nj == after.energy_pj // 1_000


@pytest.mark.req("SIM-01")
def test_what_is_delivered_is_stored() -> None:
    world = StationWorld([OutletSetup()])
    truth, _ = story(world, [])
    battery = world.outlet(1).vehicle.battery
    assert truth.energy_pj > 0
    assert battery.stored_pj - 60_000 * 3_600 * 10**12 * 30 // 100 == truth.energy_pj


def test_late_steps_tell_of_events_at_their_own_time() -> None:
    world = StationWorld([OutletSetup()])
    told: list[int] = []
    world.on_change(told.append)
    world.outlet(1).drive_coil(True, SECOND)
    world.step(9 * SECOND)
    assert told == [SECOND, 1_020 * MS]
    assert world.outlet(1).now_us == 9 * SECOND


def test_stepping_twice_or_early_is_harmless() -> None:
    world = StationWorld([OutletSetup(), OutletSetup()])
    world.outlet(2).drive_coil(True, SECOND)
    assert world.step(SECOND) == 1_020 * MS
    assert world.step(SECOND) == 1_020 * MS
    assert world.step(0) == 1_020 * MS
    assert world.step(1_020 * MS) == NEVER
    assert [truth.contact_closed for truth in world.truths()] == [False, True]


def test_orders_outside_of_steps_ask_for_the_next_step() -> None:
    class Wakes:
        def __init__(self) -> None:
            self.calls: list[tuple[object, int]] = []

        def wake(self, component: object, at_us: int) -> None:
            self.calls.append((component, at_us))

    world, wakes = StationWorld([OutletSetup()]), Wakes()
    world.use_waker(wakes)
    world.outlet(1).drive_coil(True, SECOND)
    assert wakes.calls == [(world, 1_020 * MS)]


def test_listener_may_give_orders_from_inside_its_call() -> None:
    world = StationWorld([OutletSetup()])
    outlet = world.outlet(1)

    def open_at_once(now_us: int) -> None:
        if outlet.mirror_closed():
            outlet.drive_coil(False, now_us)

    outlet.on_change(open_at_once)
    outlet.drive_coil(True, 0)
    world.step(SECOND)
    assert (outlet.truth().contact_closed, outlet.truth().closings) == (False, 1)
    assert outlet.contactor.openings == 1


@pytest.mark.parametrize("number", [0, 3, -1])
def test_there_are_only_the_outlets_there_are(number: int) -> None:
    with pytest.raises(IndexError):
        StationWorld([OutletSetup(), OutletSetup()]).outlet(number)
