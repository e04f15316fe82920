"""Bad bytes in both directions: nothing raises, nothing closes, everything is counted."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.sim.scheduler import Scheduler
from hal.drivers.front_end import FrontEndDriver
from hal.frames.front_end import Decoder, DecoderCounts, Frame, encode
from hal.frames.front_end_messages import (
    HOST_IDS,
    NO_CURRENT_LIMIT,
    Control,
    Hold,
    Inquiry,
    MessageId,
    Open,
    Reset,
)
from hal.ports import LightCode, PilotDriveMode
from hal.twins.front_end import BOOT_US, FrontEndTwin
from hal.units import MS, SECOND
from tests.fakes.front_end_bench import FrontEndBench, HandElectronics

PWM = Control(PilotDriveMode.PWM, 5_333, NO_CURRENT_LIMIT, False, LightCode.GREEN)
FIRST_NUMBER = 100

GOOD_HOLD = encode(Frame(FIRST_NUMBER + 50, Hold(250, 0)))


def _damage(data: bytes, place: int, by: int) -> bytes:
    damaged = bytearray(data)
    damaged[place % len(data)] ^= by
    return bytes(damaged)


HARMFUL = st.one_of(
    st.binary(max_size=40),
    st.builds(_damage, st.just(GOOD_HOLD), st.integers(0, 10), st.integers(1, 0xFF)),
    st.integers(0, len(GOOD_HOLD) - 1).map(lambda n: GOOD_HOLD[:n]),
    st.integers(1, len(GOOD_HOLD)).map(lambda n: GOOD_HOLD[n:]),
    st.integers(1, 40).map(lambda n: encode(Frame(FIRST_NUMBER - n, Hold(250, 0)))),
    st.integers(301, 0xFFFF).map(lambda age: encode(Frame(FIRST_NUMBER + 50, Hold(250, age)))),
    st.sampled_from([0x00, 0x20, 0xF0]).map(lambda v: encode(Frame(FIRST_NUMBER + 50, Hold(250, 0), version=v))),
    st.just(encode(Frame(FIRST_NUMBER + 50, Hold(0, 0)))),
)


class Wire:
    """A line without delay."""

    def __init__(self) -> None:
        self.incoming = b""
        self.outgoing = b""

    def read(self, now_us: int) -> bytes:
        data, self.incoming = self.incoming, b""
        return data

    def write(self, data: bytes, now_us: int) -> None:
        self.outgoing += data


def trouble(counts: DecoderCounts) -> int:
    """Everything a decoder counted but good frames."""
    return sum(int(getattr(counts, field.name)) for field in fields(counts)) - counts.frames


@pytest.mark.req("PIL-04", "HW-01")
@pytest.mark.parametrize("local_interlock", [True, False], ids=["interlock", "dumb"])
@given(pieces=st.lists(st.tuples(HARMFUL, st.integers(0, 40 * MS)), max_size=12))
def test_nothing_but_a_sound_fresh_hold_closes_the_contactor(
    local_interlock: bool, pieces: list[tuple[bytes, int]]
) -> None:
    wire, pins, scheduler = Wire(), HandElectronics(), Scheduler()
    twin = FrontEndTwin(wire, pins, scheduler, local_interlock)
    scheduler.add(twin, "twin")
    pins.load_mv = 6_000
    scheduler.run_until(BOOT_US)
    wire.incoming = encode(Frame(FIRST_NUMBER, PWM))
    scheduler.wake(twin, BOOT_US)
    scheduler.run_until(BOOT_US + 20 * MS)
    for piece, pause_us in pieces:
        # A gap ends what the piece left behind, so that two halves of a frame never meet.
        wire.incoming += piece
        scheduler.wake(twin, scheduler.now_us)
        scheduler.run_for(20 * MS + pause_us)
        assert not pins.coil
    fed = sum(len(piece) for piece, _ in pieces)
    assert not fed or trouble(twin.counters.line) + twin.counters.refused > 0
    last = FIRST_NUMBER + 51
    wire.incoming += encode(Frame(last, PWM)) + encode(Frame(last + 1, Hold(250, 0)))
    scheduler.wake(twin, scheduler.now_us)
    scheduler.run_for(4 * MS)
    assert pins.coil, "and afterwards it works as before"


@pytest.mark.req("HW-01")
@given(
    pieces=st.lists(
        st.tuples(
            st.one_of(
                st.binary(max_size=80),
                st.tuples(st.integers(0, 3), st.integers(0, 200), st.integers(0, 0xFF)),
            ),
            st.integers(0, 60 * MS),
        ),
        max_size=15,
    )
)
def test_the_driver_survives_any_line_and_sends_no_permission_of_its_own(
    pieces: list[tuple[bytes | tuple[int, int, int], int]],
) -> None:
    source = FrontEndBench()
    source.charge()
    good = [encode(frame) for _, frame in source.heard]
    wire, now, fed = Wire(), 0, 0
    driver = FrontEndDriver(wire)
    for piece, pause_us in pieces:
        if isinstance(piece, tuple):
            index, place, by = piece
            data = _damage(good[index % len(good)], place, by)
        else:
            data = piece
        wire.incoming += data
        fed += len(data)
        due = driver.poll(now)
        assert due >= now or not driver.connected
        now += pause_us
    driver.poll(now)
    driver.poll(now + SECOND)
    counters = driver.counters
    assert counters.holds == 0
    written = Decoder(HOST_IDS).feed(wire.outgoing)
    assert all(isinstance(frame.message, Inquiry | Control) for frame in written)
    assert not fed or trouble(counters.line) + counters.line.frames > 0


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=10))
def test_a_valid_frame_gets_through_any_noise_between_frames(noise: list[bytes]) -> None:
    bench = FrontEndBench()
    bench.run(200 * MS)
    for piece in noise:
        bench.modem.right.write(piece, bench.now_us)
        bench.modem.left.write(piece, bench.now_us)
        bench.run(30 * MS)
    bench.offer()
    bench.run(200 * MS)
    assert bench.pins.mode is PilotDriveMode.PWM


def test_the_messages_that_may_open_are_never_refused_for_their_number() -> None:
    wire, pins, scheduler = Wire(), HandElectronics(), Scheduler()
    twin = FrontEndTwin(wire, pins, scheduler, local_interlock=False)
    scheduler.add(twin, "twin")
    scheduler.run_until(BOOT_US)
    for opener in (Open(0), Reset()):
        wire.incoming = b"".join(
            encode(Frame(number, message))
            for number, message in (
                (10, Inquiry(MessageId.IDENTITY)),
                (11, PWM),
                (12, Hold(250, 0)),
            )
        )
        scheduler.wake(twin, scheduler.now_us)
        scheduler.run_for(10 * MS)
        assert pins.coil
        wire.incoming = encode(Frame(3, opener))
        scheduler.wake(twin, scheduler.now_us)
        scheduler.run_for(10 * MS)
        assert not pins.coil
