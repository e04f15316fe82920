"""The front end's driver against its twin over a null modem, in virtual time."""

from __future__ import annotations

import itertools
import random

import pytest

from hal.drivers.front_end import FrontEndDriver
from hal.frames.front_end import Frame, encode
from hal.frames.front_end_messages import (
    Beep,
    Capability,
    Control,
    FaultBit,
    Hold,
    Identity,
    Inquiry,
    Lock,
    Occasion,
    Open,
    RcdTest,
    ResetReason,
)
from hal.ports import BeepCode, LightCode, LockPulse, PilotDriveMode
from hal.units import MS, NEVER, SECOND
from tests.fakes.front_end_bench import FrontEndBench


@pytest.fixture
def bench() -> FrontEndBench:
    return FrontEndBench()


@pytest.mark.req("HW-01")
def test_start_connects_reads_everything_and_orders_nothing(bench: FrontEndBench) -> None:
    assert bench.driver.reading is None
    assert bench.driver.problem
    bench.run(60 * MS)
    assert bench.driver.connected
    assert bench.driver.problem == ""
    reading = bench.driver.reading
    assert reading is not None
    assert (reading.positive_mv, reading.negative_mv) == (-12_000, -12_000)
    assert (reading.proximity_ohm, reading.temperature_dc, reading.supply_mv) == (220, 251, 12_000)
    assert reading.inputs == (True,) + (False,) * 7
    assert bench.sent_of(Control) == []
    identity = bench.driver.identity
    assert identity is not None
    assert Capability.LOCAL_INTERLOCK in identity.capabilities


def test_an_order_goes_out_at_once_and_only_when_it_differs(bench: FrontEndBench) -> None:
    bench.run(200 * MS)
    for _ in range(3):
        bench.offer(2_666)
        bench.driver.show_light(LightCode.BLUE, bench.now_us)
        bench.driver.ventilate(False, bench.now_us)
        bench.driver.limit_current(35_270, bench.now_us)
        bench.run(20 * MS)
    controls = [frame.message for _, frame in bench.sent_of(Control)]
    assert len(controls) == 3
    assert controls[-1] == Control(PilotDriveMode.PWM, 2_666, 352, False, LightCode.BLUE)
    assert (bench.pins.mode, bench.pins.duty_bp) == (PilotDriveMode.PWM, 2_666)


def test_a_change_of_the_pilot_reaches_the_driver_within_8_ms(bench: FrontEndBench) -> None:
    bench.run(200 * MS)
    bench.offer()
    bench.run(500 * MS)
    at = bench.now_us
    bench.load(9_000)
    bench.run(8 * MS)
    assert bench.driver.reading is not None
    assert bench.driver.reading.positive_mv == 9_000
    assert bench.driver.read_at_us - at <= 8 * MS


@pytest.mark.req("OUT-04")
def test_permission_is_renewed_every_50_ms_by_calls_only(bench: FrontEndBench) -> None:
    bench.charge()
    bench.run(SECOND)
    assert bench.pins.coil
    holds = [at for at, _ in bench.sent_of(Hold)]
    assert {b - a for a, b in itertools.pairwise(holds)} == {50 * MS}
    bench.hold(False)
    bench.run(50 * MS)
    last = bench.sent_of(Hold)[-1][0]
    bench.run(SECOND)
    assert bench.sent_of(Hold)[-1][0] == last, "nothing renews by itself"
    assert not bench.pins.coil
    (opened,) = bench.pins.times_of("coil", False)
    assert last + 250 * MS < opened < last + 252 * MS


def test_more_calls_do_not_mean_more_frames(bench: FrontEndBench) -> None:
    bench.charge()
    before = len(bench.sent_of(Hold))
    for _ in range(100):
        bench.driver.hold_until(bench.now_us + 250 * MS, 0, bench.now_us)
        bench.run(MS)
    assert len(bench.sent_of(Hold)) - before == 2


@pytest.mark.req("OUT-04", "PIL-04")
def test_a_reading_older_than_300_ms_is_no_ground_and_a_fresh_one_is_asked_for(bench: FrontEndBench) -> None:
    bench.run(200 * MS)
    bench.offer()
    bench.load(6_000)
    bench.run(500 * MS)
    driver = bench.driver
    assert bench.now_us - driver.read_at_us > 300 * MS
    driver.hold_until(bench.now_us + 250 * MS, 0, bench.now_us)
    assert bench.sent_of(Hold) == [], "the driver's own clock counts, whatever age the caller claims"
    assert driver.counters.holds_withheld == 1
    bench.run(10 * MS)
    driver.hold_until(bench.now_us + 250 * MS, 300 * MS + 1, bench.now_us)
    assert bench.sent_of(Hold) == []
    driver.hold_until(bench.now_us + 250 * MS, 0, bench.now_us)
    assert len(bench.sent_of(Hold)) == 1


def test_a_deadline_in_the_past_permits_nothing(bench: FrontEndBench) -> None:
    bench.charge()
    bench.hold(False)
    bench.driver.open(0, bench.now_us)
    bench.run(100 * MS)
    before = len(bench.sent_of(Hold))
    bench.driver.hold_until(bench.now_us, 0, bench.now_us)
    bench.driver.hold_until(bench.now_us - SECOND, 0, bench.now_us)
    bench.driver.hold_until(bench.now_us + 999, 0, bench.now_us)
    assert len(bench.sent_of(Hold)) == before


def test_open_is_sent_at_once_and_once_while_nothing_is_closed(bench: FrontEndBench) -> None:
    bench.charge()
    bench.hold(False)
    at = bench.now_us
    for _ in range(5):
        bench.driver.open(7, bench.now_us)
        bench.run(10 * MS)
    opens = bench.sent_of(Open)
    assert [time for time, _ in opens] == [at]
    assert opens[0][1].message == Open(7)
    (opened,) = bench.pins.times_of("coil", False)
    assert opened - at < 2 * MS


def test_open_is_said_again_every_20_ms_while_the_contactor_reads_closed_but_not_for_ever(
    bench: FrontEndBench,
) -> None:
    bench.charge()
    bench.hold(False)
    bench.pins.welded = True
    bench.driver.open(7, bench.now_us)
    bench.poke()
    bench.run(5_010 * MS)
    times = [time for time, _ in bench.sent_of(Open)]
    assert len(times) == 26
    assert {b - a for a, b in itertools.pairwise(times)} == {20 * MS}
    assert bench.driver.steady_period_us() > 0


@pytest.mark.parametrize("order", ["lock", "beep", "test"])
def test_an_action_lost_on_the_line_is_said_again_and_done_once(bench: FrontEndBench, order: str) -> None:
    bench.run(200 * MS)
    kind = {"lock": Lock, "beep": Beep, "test": RcdTest}[order]
    name = {"lock": "lock", "beep": "beep", "test": "self test"}[order]
    for direction in ("left", "right"):
        bench.modem.drop(1, sender=direction)
        before = len(bench.sent_of(kind))
        if order == "lock":
            bench.driver.pulse_lock(LockPulse.LOCK, 600 * MS, bench.now_us)
        elif order == "beep":
            bench.driver.beep(BeepCode.READ, bench.now_us)
        else:
            bench.driver.start_self_test(bench.now_us)
        bench.poke()
        bench.run(200 * MS)
        frames = bench.sent_of(kind)[before:]
        assert len(frames) == 2
        assert frames[0][1] == frames[1][1]
        assert frames[1][0] - frames[0][0] == 50 * MS
    assert [what for _, what, _ in bench.pins.log].count(name) == 2
    assert bench.driver.counters.retries == 2


def test_retries_are_bounded_and_actions_given_up(bench: FrontEndBench) -> None:
    bench.run(200 * MS)
    bench.modem.drop(1_000, sender="left")
    bench.driver.pulse_lock(LockPulse.LOCK, 600 * MS, bench.now_us)
    bench.driver.drive_pilot(PilotDriveMode.X1, 0, bench.now_us)
    bench.poke()
    bench.run(2 * SECOND)
    assert len(bench.sent_of(Lock)) == 11
    assert len(bench.sent_of(Control)) == 12, "ten times every 50 ms, then once a second"
    assert bench.driver.counters.given_up >= 1


def test_a_lost_line_is_counted_looked_for_and_begun_anew(bench: FrontEndBench) -> None:
    bench.charge()
    bench.modem.cut()
    bench.run(MS)
    assert not bench.driver.connected
    assert bench.driver.problem == "no serial line: line: line is cut"
    bench.run(SECOND)
    assert not bench.pins.coil
    assert bench.driver.counters.line_losses == 1
    bench.hold(False)
    bench.modem.restore()
    restored, heard = bench.now_us, len(bench.sent)
    bench.run(200 * MS)
    kinds = [type(frame.message) for _, frame in bench.sent[heard:]]
    assert kinds[:2] == [Inquiry, Control]
    assert bench.sent[heard][0] - restored <= 100 * MS
    assert bench.driver.connected
    assert not bench.pins.coil, "nothing is held after a reconnection"
    assert Hold not in kinds


def test_a_fault_latched_while_the_line_was_cut_is_ended_by_an_open(bench: FrontEndBench) -> None:
    """The OPEN that withdrew the permission was lost with the line; without another the latch would outlast its cause."""
    bench.charge()
    bench.modem.cut()
    bench.hold(False)
    bench.twin.set_internal_fault(FaultBit.COIL_DRIVER, bench.now_us)
    bench.driver.open(7, bench.now_us)
    bench.run(SECOND)
    already = len(bench.sent_of(Open))
    bench.modem.restore()
    bench.run(3_500 * MS)
    opens = bench.sent_of(Open)[already:]
    assert len(opens) == 2, "at once with the connection, again with every other STATE as long as it stands"
    bench.twin.set_internal_fault(FaultBit.MEMORY, bench.now_us)
    bench.run(3 * SECOND)
    assert len(bench.sent_of(Open)[already:]) == len(opens), "what OPEN does not clear is no reason for one"


def test_a_restart_of_the_front_end_is_seen_and_everything_said_again(bench: FrontEndBench) -> None:
    bench.charge()
    bench.hold(False)
    bench.driver.show_light(LightCode.GREEN_BLINK, bench.now_us)
    bench.run(20 * MS)
    bench.twin.reset(bench.now_us)
    already = len(bench.sent_of(Control))
    bench.run(100 * MS)
    assert bench.driver.counters.restarts == 1
    assert bench.sent_of(Control)[already:][0][1].message == Control(
        PilotDriveMode.PWM, 5_333, 0xFFFF, False, LightCode.GREEN_BLINK
    )
    assert bench.pins.mode is PilotDriveMode.PWM
    assert False in [up for _, up in bench.control.connected_log[1:]], "control can see every restart"
    assert bench.driver.connected
    assert not bench.pins.coil


def test_a_restart_whose_identity_was_lost_is_noticed_from_its_state(bench: FrontEndBench) -> None:
    bench.charge()
    bench.hold(False)
    bench.twin.reset(bench.now_us)
    bench.modem.drop(1, sender="right")
    bench.run(SECOND)
    assert bench.driver.counters.restarts >= 1
    assert bench.pins.mode is PilotDriveMode.PWM


@pytest.mark.parametrize("holding", [True, False])
def test_silence_ends_the_connection(bench: FrontEndBench, holding: bool) -> None:
    bench.charge()
    if not holding:
        bench.hold(False)
        bench.driver.open(0, bench.now_us)
        bench.run(20 * MS)
    bench.modem.drop(100_000, sender="right")
    heard = bench.driver.read_at_us
    bench.run(5 * SECOND)
    down = next(at for at, up in bench.control.connected_log if not up and at > heard)
    assert down - heard == (200 * MS if holding else 3 * SECOND)
    assert bench.driver.counters.silences == 1
    assert "silent" in bench.driver.problem


def test_a_frozen_front_end_is_noticed_within_200_ms_while_holding(bench: FrontEndBench) -> None:
    bench.charge()
    bench.twin.freeze(True, bench.now_us)
    bench.run(200 * MS)
    assert not bench.driver.connected
    bench.hold(False)
    bench.twin.freeze(False, bench.now_us)
    bench.run(500 * MS)
    assert bench.driver.connected
    identity = bench.driver.identity
    assert identity is not None
    assert identity.reset_reason is ResetReason.WATCHDOG


def test_a_front_end_that_hangs_right_after_open_is_noticed_within_200_ms(bench: FrontEndBench) -> None:
    bench.charge()
    bench.hold(False)
    opened = bench.now_us
    bench.modem.drop(100_000, sender="right")
    bench.driver.open(1, bench.now_us)
    bench.run(SECOND)
    down = next(at for at, up in bench.control.connected_log if not up and at > opened)
    assert down - opened == 200 * MS
    assert bench.driver.counters.silences == 1


def test_a_welded_contact_that_answers_is_not_silent(bench: FrontEndBench) -> None:
    bench.charge()
    bench.pins.welded = True
    bench.hold(False)
    bench.driver.open(1, bench.now_us)
    bench.run(5 * SECOND)
    assert bench.driver.connected
    assert bench.driver.reading is not None
    assert bench.driver.reading.mirror_closed
    assert bench.driver.counters.silences == 0


def test_after_open_has_had_its_effect_the_patience_is_the_idle_one(bench: FrontEndBench) -> None:
    bench.charge()
    bench.hold(False)
    bench.driver.open(1, bench.now_us)
    bench.run(50 * MS)
    bench.modem.drop(100_000, sender="right")
    bench.run(2 * SECOND)
    assert bench.driver.connected


def test_while_the_permission_runs_out_the_front_end_is_asked_for_its_state(bench: FrontEndBench) -> None:
    bench.charge()
    bench.hold(False)
    bench.run(300 * MS)
    assert bench.driver.connected, "no renewals does not mean no answers"
    assert bench.driver.counters.silences == 0


def test_another_major_version_never_connects_and_says_why() -> None:
    link = Script()
    driver = FrontEndDriver(link)
    identity = Identity(0x20, (2, 0, 0), bytes(8), 3, Capability.NONE, ResetReason.POWER_ON, Occasion.ANSWER)
    for now in range(0, SECOND, 100 * MS):
        link.incoming = encode(Frame(now // (100 * MS), identity, version=0x20))
        driver.poll(now)
    assert not driver.connected
    assert driver.problem == "the front end speaks protocol version 2, this driver 1"
    assert driver.counters.line.wrong_version == 10


def test_a_version_that_only_the_payload_admits_never_connects_either() -> None:
    link = Script()
    driver = FrontEndDriver(link)
    identity = Identity(0x30, (3, 0, 0), bytes(8), 3, Capability.NONE, ResetReason.POWER_ON, Occasion.ANSWER)
    link.incoming = encode(Frame(0, identity))
    driver.poll(0)
    assert not driver.connected
    assert driver.problem == "the front end speaks protocol version 3, this driver 1"


def test_actions_without_a_connection_are_refused_and_levels_kept(bench: FrontEndBench) -> None:
    bench.modem.cut()
    bench.run(200 * MS)
    bench.driver.beep(BeepCode.READ, bench.now_us)
    bench.driver.pulse_lock(LockPulse.LOCK, 600 * MS, bench.now_us)
    bench.driver.drive_pilot(PilotDriveMode.X1, 0, bench.now_us)
    bench.driver.open(0, bench.now_us)
    bench.driver.hold_until(bench.now_us + 250 * MS, 0, bench.now_us)
    assert bench.driver.counters.refused_orders == 2
    bench.modem.restore()
    bench.run(500 * MS)
    assert bench.pins.mode is PilotDriveMode.X1
    assert bench.sent_of(Beep) + bench.sent_of(Lock) + bench.sent_of(Hold) == []


def test_damaged_bytes_are_counted_and_survived(bench: FrontEndBench) -> None:
    bench.charge()
    bench.modem.corrupt(20, random.Random(1), sender="right")
    bench.modem.corrupt(20, random.Random(2), sender="left")
    bench.run(6 * SECOND)
    assert bench.driver.counters.line.bad_crc > 0
    assert bench.twin.counters.line.bad_crc > 0
    assert bench.driver.connected


def test_idle_traffic_is_one_inquiry_and_its_answer_every_900_ms(bench: FrontEndBench) -> None:
    bench.run(SECOND)
    sent, heard = len(bench.sent), len(bench.heard)
    bench.run(9 * SECOND)
    assert len(bench.sent) - sent == 10
    assert len(bench.heard) - heard == 10


def test_before_the_first_poll_nothing_is_sent_and_nothing_is_known() -> None:
    link = Script()
    driver = FrontEndDriver(link)
    driver.drive_pilot(PilotDriveMode.PWM, 5_000, 0)
    driver.open(0, 0)
    driver.hold_until(250 * MS, 0, 0)
    assert link.written == [encode(Frame(0, Open(0)))]
    assert driver.read_at_us < -SECOND
    assert driver.next_renewal_us() == NEVER


class Script:
    """A line whose incoming bytes a test writes down."""

    def __init__(self) -> None:
        self.incoming = b""
        self.written: list[bytes] = []

    def read(self, now_us: int) -> bytes:
        data, self.incoming = self.incoming, b""
        return data

    def write(self, data: bytes, now_us: int) -> None:
        self.written.append(data)
