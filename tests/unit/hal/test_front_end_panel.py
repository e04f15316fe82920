"""Display, DIP switches and LED bar on the front end's line, and what version 1.2 means for those that do not know it."""

from __future__ import annotations

import pytest

from hal.drivers.front_end import FrontEndDriver
from hal.drivers.front_end_panel import OLDER_LIGHT
from hal.frames.crc import crc16_ccitt_false
from hal.frames.front_end import Decoder, Frame, encode
from hal.frames.front_end_messages import (
    FRONT_END_IDS,
    HOST_IDS,
    Capability,
    Control,
    DipSwitches,
    Display,
    Identity,
    Inquiry,
    MessageId,
    Occasion,
    ResetReason,
    State,
)
from hal.ports import LightCode, PilotDriveMode
from hal.twins.front_end import DEFAULT_FIRMWARE, FirmwareIdentity
from hal.units import MS, SECOND
from tests.fakes.front_end_bench import FrontEndBench

FITTED = FirmwareIdentity(capabilities=DEFAULT_FIRMWARE.capabilities | Capability.DISPLAY | Capability.DIP_SWITCHES)
OLD = 0x11


@pytest.fixture
def bench() -> FrontEndBench:
    bench = FrontEndBench(firmware=FITTED)
    bench.pins.dip = (0x05, 0x08)
    bench.run(100 * MS)
    return bench


def asked(bench: FrontEndBench) -> int:
    """How often the host has asked for the switches, repetitions included."""
    return sum(frame.message == Inquiry(MessageId.DIP_SWITCHES) for _, frame in bench.sent_of(Inquiry))


@pytest.mark.req("HW-01", "INP-02")
def test_the_switches_are_read_at_the_start_and_when_they_move(bench: FrontEndBench) -> None:
    assert bench.driver.dip_switches == (0x05, 0x08, 0, 0)
    assert asked(bench) == 1
    bench.run(10 * SECOND)
    assert asked(bench) == 1, "no news, no question"
    bench.pins.dip = (0x85, 0x08)
    bench.pins.changed(bench.now_us)
    bench.run(50 * MS)
    assert bench.driver.dip_switches == (0x85, 0x08, 0, 0)
    assert asked(bench) == 2
    assert bench.driver.reading is not None
    assert not bench.driver.reading.dip_moved


@pytest.mark.req("HW-01", "INP-02")
def test_a_lost_answer_is_asked_for_again(bench: FrontEndBench) -> None:
    bench.pins.dip = (0x80, 0)
    bench.pins.changed(bench.now_us)
    bench.run(3 * MS)
    bench.modem.cut()
    bench.run(20 * MS)
    bench.modem.restore()
    bench.run(SECOND)
    assert bench.driver.dip_switches == (0x80, 0, 0, 0)


def test_a_front_end_that_starts_anew_is_asked_anew(bench: FrontEndBench) -> None:
    bench.twin.set_power(False, bench.now_us)
    bench.pins.dip = (0x01, 0x00)
    bench.run(SECOND)
    bench.twin.set_power(True, bench.now_us)
    bench.run(SECOND)
    assert bench.driver.dip_switches == (0x01, 0, 0, 0)


def test_a_front_end_without_switches_is_never_asked() -> None:
    bench = FrontEndBench()
    bench.run(5 * SECOND)
    assert (asked(bench), bench.driver.dip_switches) == (0, None)


@pytest.mark.req("HW-01", "OUT-07")
def test_the_text_is_a_level(bench: FrontEndBench) -> None:
    bench.driver.show_text("Show card", bench.now_us)
    bench.driver.show_text("Show card", bench.now_us)
    bench.poke()
    bench.run(20 * MS)
    assert len(bench.pins.times_of("text", "Show card")) == 1
    bench.twin.reset(bench.now_us)
    bench.run(SECOND)
    assert len(bench.pins.times_of("text", "")) == 2, "blank after each start"
    assert len(bench.pins.times_of("text", "Show card")) == 2, "said again to a front end that has forgotten it"
    bench.driver.show_text("", bench.now_us)
    bench.poke()
    bench.run(20 * MS)
    assert len(bench.pins.times_of("text", "")) == 3


def test_a_text_that_is_not_acknowledged_is_never_given_up(bench: FrontEndBench) -> None:
    bench.twin.freeze(True, bench.now_us)
    bench.driver.show_text("Charging", bench.now_us)
    bench.poke()
    bench.run(SECOND)
    bench.twin.freeze(False, bench.now_us)
    bench.run(3 * SECOND)
    assert bench.pins.times_of("text", "Charging")


@pytest.mark.parametrize(
    ("text", "shown"), [("x" * 25, "x" * 20), ("é\x07ü", "???"), ("  ends in blanks   ", "  ends in blanks")]
)
def test_what_cannot_be_shown_is_cut_or_replaced(bench: FrontEndBench, text: str, shown: str) -> None:
    bench.driver.show_text(text, bench.now_us)
    bench.poke()
    bench.run(20 * MS)
    assert bench.pins.times_of("text", shown)


@pytest.mark.parametrize("text", ["x" * 21, "line\n", "\x7f"])
def test_the_line_refuses_to_send_what_no_display_shows(text: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        encode(Frame(0, Display(text)))


def test_a_text_with_other_bytes_is_ignored() -> None:
    good = encode(Frame(0, Display("Ready")))
    assert Decoder(HOST_IDS).feed(good)[0].message == Display("Ready")
    decoder = Decoder(HOST_IDS)
    for byte in (0x00, 0x1F, 0x7F, 0xE9):
        body = bytearray(good[1:-3])
        body[3] = byte
        assert decoder.feed(b"\xa5" + body + crc16_ccitt_false(bytes(body)).to_bytes(2, "big") + b"\x03") == []
    assert decoder.counts.bad_value == 4


def test_dip_switches_survive_the_wire_and_fill_four_banks() -> None:
    frame = Decoder(FRONT_END_IDS).feed(encode(Frame(3, DipSwitches((0x25, 0x02), 77))))[0]
    assert frame.message == DipSwitches((0x25, 0x02, 0, 0), 77)


@pytest.mark.req("HW-01")
def test_an_older_host_never_sees_the_new_bit(bench: FrontEndBench) -> None:
    bench.modem.left.write(encode(Frame(7, Inquiry(MessageId.IDENTITY), version=OLD)), bench.now_us)
    bench.run(10 * MS)
    bench.pins.dip = (0xFF, 0xFF)
    bench.pins.changed(bench.now_us)
    bench.modem.left.write(encode(Frame(8, Inquiry(MessageId.STATE), version=OLD)), bench.now_us)
    seen = len(bench.heard)
    bench.run(20 * MS)
    states = [frame.message for _, frame in bench.heard[seen:] if isinstance(frame.message, State)]
    assert states
    assert not any(state.reading.dip_moved for state in states)


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


@pytest.mark.req("HW-01", "OUT-07")
@pytest.mark.parametrize("wanted", list(LightCode))
def test_a_front_end_of_1_1_gets_only_what_it_knows(wanted: LightCode) -> None:
    link = Script()
    driver = FrontEndDriver(link)
    driver.drive_pilot(PilotDriveMode.X1, 0, 0)
    identity = Identity(OLD, (1, 0, 0), bytes(8), 3, FITTED.capabilities, ResetReason.POWER_ON, Occasion.ANSWER)
    link.incoming = encode(Frame(0, identity, version=OLD))
    driver.poll(0)
    driver.show_text("Ready", MS)
    driver.show_light(wanted, MS)
    for at_us in range(2 * MS, 2 * SECOND, 50 * MS):
        driver.poll(at_us)
    messages = [frame.message for frame in Decoder(HOST_IDS).feed(link.written)]
    lights = {message.light for message in messages if isinstance(message, Control)}
    assert lights <= set(LightCode) - set(OLDER_LIGHT)
    assert OLDER_LIGHT.get(wanted, wanted) in lights
    assert not any(isinstance(message, Display) for message in messages)
    assert Inquiry(MessageId.DIP_SWITCHES) not in messages
