"""The PN532's twin as any host sees it, frame by frame."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.frames.pn532 import (
    ACK,
    ACK_FRAME,
    ERROR,
    FROM_CHIP,
    NACK_FRAME,
    WAKE_UP,
    Command,
    Decoder,
    Frame,
    FrameKind,
    command_frame,
    parse_targets,
)
from hal.scheduling import Stepped
from hal.twins.pn532 import ANSWER_TIME_US, FIRMWARE, Pn532Twin
from hal.units import MS, NEVER, SECOND
from hal.wires import LinkLostError

FOUR = bytes.fromhex("04A1B2C3")
SEVEN = bytes.fromhex("04112233445566")
TEN = bytes.fromhex("0102030405060708090A")
RETRIES_NONE = b"\x05\xff\x01\x00"


class Host:
    """The other end of the chip's line; also the clock."""

    def __init__(self) -> None:
        self.to_chip = b""
        self.decoder = Decoder()
        self.frames: list[Frame] = []
        self.now_us = 0
        self.lost = False
        self.wakes: list[int] = []
        self.twin = Pn532Twin(self, self)

    def wake(self, component: Stepped, at_us: int) -> None:
        self.wakes.append(at_us)

    def read(self, now_us: int) -> bytes:
        if self.lost:
            raise LinkLostError("gone")
        data, self.to_chip = self.to_chip, b""
        return data

    def write(self, data: bytes, now_us: int) -> None:
        if self.lost:
            raise LinkLostError("gone")
        self.frames += self.decoder.feed(data)

    def send(self, data: bytes, span_us: int = 10 * MS) -> list[Frame]:
        """Send ``data``, run the chip for ``span_us`` and return what it said."""
        self.to_chip += data
        end = self.now_us + span_us
        while True:
            wish = self.twin.step(self.now_us)
            if wish > end:
                break
            self.now_us = max(wish, self.now_us)
        self.now_us = end
        said, self.frames = self.frames, []
        return said

    def ask(self, code: int, parameters: bytes = b"", span_us: int = 10 * MS) -> bytes | None:
        """Give a command; return its answer's parameters, ``None`` when it is acknowledged only."""
        said = self.send(command_frame(code, parameters), span_us)
        assert said[0] == ACK
        if len(said) == 1:
            return None
        (answer,) = said[1:]
        assert (answer.kind, answer.tfi, answer.code) == (FrameKind.DATA, FROM_CHIP, code + 1)
        return answer.parameters


@pytest.fixture
def host() -> Host:
    host = Host()
    host.send(WAKE_UP)
    assert host.ask(Command.SAM_CONFIGURATION, b"\x01") == b""
    return host


def uids(parameters: bytes | None) -> list[bytes]:
    assert parameters is not None
    targets = parse_targets(parameters)
    assert targets is not None
    return [target.uid for target in targets]


def test_asleep_it_loses_the_first_bytes() -> None:
    host = Host()
    assert host.send(command_frame(Command.GET_FIRMWARE_VERSION)) == []
    assert host.ask(Command.GET_FIRMWARE_VERSION) == FIRMWARE
    host = Host()
    assert host.send(bytes(10) + command_frame(Command.GET_FIRMWARE_VERSION))[0] == ACK


def test_before_sam_configuration_the_radio_is_refused() -> None:
    host = Host()
    host.send(WAKE_UP)
    assert host.send(command_frame(Command.IN_LIST_PASSIVE_TARGET, b"\x01\x00")) == [ACK, ERROR]


def test_it_answers_after_two_milliseconds(host: Host) -> None:
    assert host.send(command_frame(Command.GET_FIRMWARE_VERSION), ANSWER_TIME_US - 1) == [ACK]
    assert len(host.send(b"", 1)) == 1


@pytest.mark.parametrize("size", [1, 8, 252, 253, 262])
def test_the_echo_test_in_normal_and_extended_frames(host: Host, size: int) -> None:
    pattern = b"\x00" + bytes(number & 0xFF for number in range(size - 1))
    assert host.ask(Command.DIAGNOSE, pattern) == pattern


@pytest.mark.parametrize(
    ("uid", "listed"),
    [
        (FOUR, "01 01 0004 08 04 04A1B2C3"),
        (SEVEN, "01 01 0044 00 07 04112233445566"),
        (TEN, "01 01 0084 00 0A 0102030405060708090A"),
    ],
    ids=["4", "7", "10"],
)
@pytest.mark.req("AUT-10")
def test_a_card_is_listed_with_its_kind(host: Host, uid: bytes, listed: str) -> None:
    host.twin.present(uid)
    assert host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x01\x00") == bytes.fromhex(listed)


def test_of_several_cards_as_many_are_listed_as_asked_for(host: Host) -> None:
    for uid in (FOUR, SEVEN, TEN, FOUR):
        host.twin.present(uid)
    assert uids(host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x01\x00")) == [FOUR]
    assert uids(host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x02\x00")) == [FOUR, SEVEN]
    assert host.ask(Command.GET_GENERAL_STATUS) == bytes.fromhex("00 01 02 01000010 02000010 00")
    host.twin.remove(FOUR)
    assert uids(host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x02\x00")) == [SEVEN, TEN]
    host.twin.remove()
    host.ask(Command.RF_CONFIGURATION, RETRIES_NONE)
    assert uids(host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x02\x00")) == []
    assert host.send(command_frame(Command.IN_LIST_PASSIVE_TARGET, b"\x03\x00")) == [ACK, ERROR]


def test_it_searches_for_ever_until_a_card_comes(host: Host) -> None:
    assert host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x01\x00", 3600 * SECOND) is None
    assert host.twin.searching
    host.twin.present(FOUR, host.now_us)
    assert host.wakes[-1] == host.now_us
    (answer,) = host.send(b"")
    assert uids(answer.parameters) == [FOUR]
    assert not host.twin.searching
    assert host.send(b"", 10 * SECOND) == []


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_other_kinds_of_cards_find_nothing(host: Host, kind: int) -> None:
    host.twin.present(FOUR)
    assert host.ask(Command.IN_LIST_PASSIVE_TARGET, bytes((1, kind)), 60 * SECOND) is None
    host.ask(Command.RF_CONFIGURATION, RETRIES_NONE)
    assert host.ask(Command.IN_LIST_PASSIVE_TARGET, bytes((1, kind)), 1 * SECOND) == b"\x00"


def test_the_hosts_ack_ends_the_command(host: Host) -> None:
    host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x01\x00", 1 * SECOND)
    assert host.send(ACK_FRAME) == []
    host.twin.present(FOUR)
    assert host.send(b"", 10 * SECOND) == []
    host.to_chip = command_frame(Command.GET_FIRMWARE_VERSION)
    host.twin.step(host.now_us)
    assert host.send(ACK_FRAME) == [ACK], "acknowledged, then ended before the answer"


def test_a_new_command_ends_the_one_under_way(host: Host) -> None:
    host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x01\x00", 1 * SECOND)
    assert host.ask(Command.GET_FIRMWARE_VERSION) == FIRMWARE
    assert not host.twin.searching


def test_a_nack_has_the_last_answer_sent_once_more(host: Host) -> None:
    host.twin.corrupt_next(2)
    assert host.send(command_frame(Command.GET_FIRMWARE_VERSION)) == [ACK]
    assert host.decoder.counters.bad_checksums == 1
    assert host.send(NACK_FRAME) == []
    (answer,) = host.send(NACK_FRAME)
    assert answer.parameters == FIRMWARE
    assert host.decoder.counters.bad_checksums == 2


def test_a_command_with_a_wrong_checksum_is_ignored(host: Host) -> None:
    raw = bytearray(command_frame(Command.GET_FIRMWARE_VERSION))
    raw[-2] ^= 1
    assert host.send(bytes(raw)) == []
    assert host.ask(Command.GET_FIRMWARE_VERSION) == FIRMWARE


def test_a_truncated_command_is_forgotten_after_a_pause(host: Host) -> None:
    assert host.send(command_frame(Command.DIAGNOSE, bytes(100))[:20], 1 * SECOND) == []
    assert host.ask(Command.GET_FIRMWARE_VERSION) == FIRMWARE


def test_a_damaged_length_cannot_deafen_it(host: Host) -> None:
    assert host.send(bytes.fromhex("0000ffffff0109f6") + bytes(30), 1 * SECOND) == []
    assert host.ask(Command.GET_FIRMWARE_VERSION) == FIRMWARE


@pytest.mark.parametrize(
    ("code", "parameters"), [(0x0A, b""), (0x99, b"\x01"), (0x4A, b""), (0x10, b"\x09"), (0x06, b"\x01")]
)
def test_what_it_does_not_understand_gets_the_error_frame(host: Host, code: int, parameters: bytes) -> None:
    assert host.send(command_frame(code, parameters)) == [ACK, ERROR]


def test_registers_and_ports_remember(host: Host) -> None:
    assert host.ask(Command.WRITE_REGISTER, bytes.fromhex("6302 80 6303 81")) == b""
    assert host.ask(Command.READ_REGISTER, bytes.fromhex("6303 6302 6305")) == bytes.fromhex("81 80 00")
    assert host.ask(Command.WRITE_GPIO, bytes.fromhex("8A 00")) == b""
    assert host.ask(Command.READ_GPIO) == bytes.fromhex("0A 00 00")


def test_the_new_line_rate_counts_from_the_hosts_ack_on(host: Host) -> None:
    assert host.ask(Command.SET_SERIAL_BAUD_RATE, b"\x08") == b""
    assert host.twin.baud_code == 4
    host.send(ACK_FRAME)
    assert host.twin.baud_code == 8
    host.twin.power(False)
    host.twin.power(True)
    assert host.twin.baud_code == 4


def test_power_down_puts_it_to_sleep_after_its_answer(host: Host) -> None:
    assert host.ask(Command.POWER_DOWN, b"\x10") == b"\x00"
    assert host.send(command_frame(Command.GET_FIRMWARE_VERSION)) == []
    assert host.send(WAKE_UP + command_frame(Command.SAM_CONFIGURATION, b"\x01"))[0] == ACK


def test_exchanges_end_in_an_error_because_cards_hold_no_data(host: Host) -> None:
    assert host.ask(Command.IN_DATA_EXCHANGE, bytes.fromhex("01 30 00")) == b"\x27"
    host.twin.present(FOUR)
    host.ask(Command.IN_LIST_PASSIVE_TARGET, b"\x01\x00")
    assert host.ask(Command.IN_DATA_EXCHANGE, bytes.fromhex("01 30 00")) == b"\x01"
    assert host.ask(Command.IN_COMMUNICATE_THRU, b"\x30\x00") == b"\x01"
    assert host.ask(Command.IN_DESELECT, b"\x00") == b"\x00"
    assert host.ask(Command.DIAGNOSE, b"\x06") == b"\x00"
    assert host.ask(Command.IN_RELEASE, b"\x01") == b"\x00"
    assert host.ask(Command.IN_RELEASE, b"\x01") == b"\x27"
    assert host.ask(Command.DIAGNOSE, b"\x06") == b"\x01"


def test_auto_poll_lists_cards_with_their_type(host: Host) -> None:
    assert host.ask(Command.IN_AUTO_POLL, bytes.fromhex("02 01 00"), 299 * MS) is None
    (answer,) = host.send(b"", 2 * MS)
    assert answer.parameters == b"\x00"
    assert host.ask(Command.IN_AUTO_POLL, bytes.fromhex("FF 01 00"), 60 * SECOND) is None
    host.twin.present(SEVEN)
    (answer,) = host.send(b"")
    assert answer.parameters == bytes.fromhex("01 10 0C 01 0044 00 07 04112233445566")


def test_without_power_or_frozen_it_is_silent(host: Host) -> None:
    host.twin.freeze()
    host.twin.present(FOUR)
    assert host.send(command_frame(Command.GET_FIRMWARE_VERSION), 1 * SECOND) == []
    host.twin.freeze(False)
    assert host.ask(Command.GET_FIRMWARE_VERSION) == FIRMWARE
    host.twin.power(False)
    assert host.send(WAKE_UP + command_frame(Command.GET_FIRMWARE_VERSION), 1 * SECOND) == []
    host.twin.power(True)
    assert host.send(command_frame(Command.GET_FIRMWARE_VERSION)) == [], "it sleeps"


def test_a_lost_line_is_looked_for_again(host: Host) -> None:
    host.lost = True
    assert host.now_us < host.twin.step(host.now_us) < NEVER
    host.lost = False
    assert host.ask(Command.GET_FIRMWARE_VERSION) == FIRMWARE


@pytest.mark.parametrize("uid", [b"", bytes(101)])
def test_impossible_cards_are_refused(host: Host, uid: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 100 bytes"):
        host.twin.present(uid)


SENT = st.one_of(
    st.binary(max_size=60),
    st.just(ACK_FRAME),
    st.just(NACK_FRAME),
    st.builds(
        command_frame,
        st.one_of(st.sampled_from(list(Command)), st.integers(0, 255)),
        st.one_of(st.binary(max_size=8), st.binary(min_size=240, max_size=263)),
    ),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(SENT, st.integers(0, 300)), max_size=25), st.booleans())
def test_whatever_a_host_sends_it_answers_soundly_and_stays_alive(sent: list[tuple[bytes, int]], card: bool) -> None:
    host = Host()
    if card:
        host.twin.present(SEVEN)
    for data, span_ms in sent:
        host.send(data, span_ms * MS)
    assert host.decoder.counters == Decoder().counters, "it never sends anything but whole frames"
    host.send(b"", 1 * SECOND)
    host.send(WAKE_UP + ACK_FRAME)
    host.frames.clear()
    assert host.ask(Command.GET_FIRMWARE_VERSION) == FIRMWARE
