"""The world's phase switch, and X2 on the front end's line."""

from __future__ import annotations

import pytest

from hal.frames.crc import crc16_ccitt_false
from hal.frames.front_end import Decoder, Frame, encode
from hal.frames.front_end_messages import HOST_IDS, Capability, SwitchX2
from hal.ports import PilotDriveMode
from hal.twins.front_end import DEFAULT_FIRMWARE, FirmwareIdentity
from hal.units import MS, SECOND
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld
from hal.world.verb_spec import VerbError
from hal.world.verbs import apply, verbs_of
from tests.fakes.front_end_bench import FrontEndBench

FITTED = FirmwareIdentity(capabilities=DEFAULT_FIRMWARE.capabilities | Capability.X2)


def station(*, wired: bool = True) -> StationWorld:
    return StationWorld([OutletSetup(has_x2=True, phase_switch=wired)])


@pytest.mark.req("SIM-01")
def test_it_takes_l2_and_l3_away_and_keeps_its_position_without_supply() -> None:
    world = station()
    outlet = world.outlet(1)
    outlet.drive_x2(False, SECOND)
    assert (outlet.x2_closed(), outlet.voltages_mv()[1]) == (False, 230_000), "the contactor takes its time"
    world.step(SECOND + 30 * MS)
    assert outlet.voltages_mv() == (230_000, 0, 0)
    apply(world, "cut_power", {}, 2 * SECOND)
    outlet.drive_x2(True, 3 * SECOND)
    apply(world, "restore_power", {}, 4 * SECOND)
    world.step(5 * SECOND)
    assert (outlet.x2_closed(), outlet.voltages_mv()) == (False, (230_000, 0, 0))


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(("part", "x2"), [("contactor", False), ("relay", True)])
def test_a_stuck_part_stays_until_the_next_order_after_it_was_mended(part: str, x2: bool) -> None:
    world = station()
    outlet = world.outlet(1)
    apply(world, "phase_switch_sticks", {"part": part}, 0)
    outlet.drive_x2(False, SECOND)
    world.step(2 * SECOND)
    assert (outlet.x2_closed(), outlet.voltages_mv()[2]) == (x2, 230_000)
    apply(world, "phase_switch_sticks", {"heal": True}, 3 * SECOND)
    world.step(4 * SECOND)
    assert outlet.voltages_mv()[2] == 230_000
    outlet.drive_x2(False, 5 * SECOND)
    world.step(6 * SECOND)
    assert outlet.voltages_mv()[2] == 0


@pytest.mark.req("SIM-01")
def test_a_movement_with_closed_contacts_is_counted() -> None:
    world = station()
    outlet = world.outlet(1)
    outlet.drive_coil(True, 0)
    world.step(SECOND)
    outlet.drive_x2(False, SECOND)
    world.step(2 * SECOND)
    assert outlet.truth().as_dict()["phase_switch"] == {
        "x2_closed": False,
        "closed": False,
        "moves": 1,
        "moves_live": 1,
    }


def test_only_where_there_is_one() -> None:
    bare = station(wired=False)
    bare.outlet(1).drive_x2(False, 0)
    bare.step(SECOND)
    assert (bare.outlet(1).x2_closed(), bare.outlet(1).voltages_mv()[1]) == (False, 230_000)
    assert bare.outlet(1).truth().phase_switch is None
    with pytest.raises(VerbError, match="no phase switch"):
        apply(bare, "phase_switch_sticks", {}, 2 * SECOND)
    assert "phase_switch_sticks" not in [verb.name for verb in verbs_of(bare)]
    assert "phase_switch_sticks" in [verb.name for verb in verbs_of(station())]


@pytest.mark.req("HW-01")
def test_the_order_moves_the_relay_once_and_its_position_is_told() -> None:
    bench = FrontEndBench(firmware=FITTED)
    bench.run(100 * MS)
    for closed in (True, False):
        bench.driver.switch_x2(closed, bench.now_us)
        bench.poke()
        bench.pins.changed(bench.now_us)
        bench.run(200 * MS)
        assert len(bench.pins.times_of("x2", closed)) == 1
        assert bench.driver.reading is not None
        assert bench.driver.reading.x2_closed is closed


@pytest.mark.req("HW-01")
@pytest.mark.parametrize("interlock", [True, False])
def test_under_a_permission_only_a_dumb_front_end_obeys(interlock: bool) -> None:
    bench = FrontEndBench(firmware=FITTED, local_interlock=interlock)
    bench.run(100 * MS)
    bench.driver.drive_pilot(PilotDriveMode.PWM, 2_667, bench.now_us)
    bench.poke()
    bench.run(20 * MS)
    bench.driver.hold_until(bench.now_us + 250 * MS, 0, bench.now_us)
    bench.poke()
    bench.run(20 * MS)
    bench.driver.switch_x2(True, bench.now_us)
    bench.poke()
    bench.run(30 * MS)
    assert len(bench.pins.times_of("x2", True)) == (0 if interlock else 1)


def test_a_front_end_without_x2_is_never_asked() -> None:
    bench = FrontEndBench()
    bench.run(100 * MS)
    bench.driver.switch_x2(True, bench.now_us)
    bench.poke()
    bench.run(100 * MS)
    assert bench.pins.times_of("x2", True) == []
    assert bench.driver.link_counts.refused_orders == 1


def test_another_position_than_open_or_closed_is_ignored() -> None:
    frame = bytearray(encode(Frame(1, SwitchX2(True))))
    assert Decoder(HOST_IDS).feed(bytes(frame))[0].message == SwitchX2(True)
    frame[4] = 2
    frame[5:7] = crc16_ccitt_false(bytes(frame[1:5])).to_bytes(2, "big")
    assert Decoder(HOST_IDS).feed(bytes(frame)) == []
