"""The shutter on the front end's line, and what minor version 1.1 means for those that do not know it."""

from __future__ import annotations

import pytest

from hal.drivers.front_end import FrontEndDriver
from hal.frames.front_end import Decoder, Frame, encode
from hal.frames.front_end_messages import (
    FRONT_END_IDS,
    HOST_IDS,
    Capability,
    Control,
    Identity,
    Inquiry,
    Lock,
    MessageId,
    Occasion,
    ResetReason,
    Shutter,
    State,
)
from hal.ports import LightCode, LockPulse, PilotDriveMode, ShutterPosition, ShutterPulse
from hal.units import MS, SECOND
from tests.fakes.front_end_bench import FrontEndBench

OLD = 0x10


@pytest.fixture
def bench() -> FrontEndBench:
    bench = FrontEndBench()
    bench.run(100 * MS)
    return bench


def position(bench: FrontEndBench) -> ShutterPosition:
    reading = bench.driver.reading
    assert reading is not None
    return reading.shutter


@pytest.mark.req("HW-01", "OUT-04")
@pytest.mark.parametrize("where", list(ShutterPosition))
def test_every_position_reaches_the_host(bench: FrontEndBench, where: ShutterPosition) -> None:
    bench.pins.shutter = where
    bench.pins.changed(bench.now_us)
    bench.run(20 * MS)
    assert position(bench) is where


@pytest.mark.req("HW-01", "OUT-04")
def test_lock_and_shutter_do_not_displace_each_other(bench: FrontEndBench) -> None:
    bench.driver.pulse_shutter(ShutterPulse.OPEN, 1_500 * MS, bench.now_us)
    bench.driver.pulse_lock(LockPulse.LOCK, 600 * MS, bench.now_us)
    bench.driver.pulse_shutter(ShutterPulse.CLOSE, 99 * SECOND, bench.now_us)
    bench.poke()
    bench.run(200 * MS)
    assert bench.pins.times_of("lock", (LockPulse.LOCK, 600 * MS))
    assert len(bench.pins.times_of("shutter", (ShutterPulse.OPEN, 1_500 * MS))) == 1
    assert len(bench.pins.times_of("shutter", (ShutterPulse.CLOSE, 4_000 * MS))) == 1, "cut to 4 s"


def test_a_lost_order_is_repeated_and_obeyed_once(bench: FrontEndBench) -> None:
    frame = encode(Frame(200, Shutter(ShutterPulse.OPEN, 1_500)))
    for _ in range(3):
        bench.modem.left.write(frame, bench.now_us)
        bench.run(60 * MS)
    assert len(bench.pins.times_of("shutter", (ShutterPulse.OPEN, 1_500 * MS))) == 1


@pytest.mark.req("HW-01")
def test_an_older_host_never_sees_the_new_bits(bench: FrontEndBench) -> None:
    bench.pins.shutter = ShutterPosition.CLOSED
    bench.pins.changed(bench.now_us)
    bench.run(20 * MS)
    bench.modem.left.write(encode(Frame(7, Inquiry(MessageId.IDENTITY), version=OLD)), bench.now_us)
    bench.modem.left.write(encode(Frame(8, Inquiry(MessageId.STATE), version=OLD)), bench.now_us)
    bench.run(20 * MS)
    assert position(bench) is ShutterPosition.BETWEEN
    bench.driver.show_light(LightCode.BLUE, bench.now_us)
    bench.poke()
    bench.run(20 * MS)
    assert position(bench) is ShutterPosition.CLOSED, "a host of 1.1 speaks: the bits are back"


class Script:
    """A line that gives what is put into it and keeps what is written."""

    def __init__(self) -> None:
        self.incoming = b""
        self.written = b""

    def read(self, now_us: int) -> bytes:
        data, self.incoming = self.incoming, b""
        return data

    def write(self, data: bytes, now_us: int) -> None:
        self.written += data


@pytest.mark.req("HW-01")
@pytest.mark.parametrize(("protocol", "sent"), [(0x10, 0), (0x11, 1), (0x12, 1)])
def test_a_front_end_of_1_0_is_never_sent_a_shutter_order(protocol: int, sent: int) -> None:
    link = Script()
    driver = FrontEndDriver(link)
    identity = Identity(protocol, (1, 0, 0), bytes(8), 3, Capability.LOCK, ResetReason.POWER_ON, Occasion.ANSWER)
    link.incoming = encode(Frame(0, identity, version=protocol))
    driver.poll(0)
    driver.pulse_shutter(ShutterPulse.OPEN, 1_500 * MS, MS)
    driver.pulse_lock(LockPulse.LOCK, 600 * MS, MS)
    messages = [frame.message for frame in Decoder(HOST_IDS).feed(link.written)]
    assert sum(isinstance(message, Shutter) for message in messages) == sent
    assert sum(isinstance(message, Lock) for message in messages) == 1
    assert driver.counters.refused_orders == 1 - sent


def test_the_frame_of_a_state_has_its_old_length() -> None:
    """Lengths never change within a major version."""
    bench = FrontEndBench()
    bench.run(100 * MS)
    state = next(frame for _, frame in bench.heard if isinstance(frame.message, State))
    assert len(encode(state)) == 41
    assert Decoder(FRONT_END_IDS).feed(encode(state))
    assert len(encode(Frame(0, Control(PilotDriveMode.X1, 0, 0, False, LightCode.OFF)))) == 14
