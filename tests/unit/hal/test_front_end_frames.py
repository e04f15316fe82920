"""Frames of the pilot front end: every message there and back, and no byte string that the decoder minds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.frames import front_end_payloads
from hal.frames.crc import crc16_ccitt_false
from hal.frames.front_end import OVERHEAD, Decoder, Frame, Order, encode
from hal.frames.front_end_messages import (
    FAULT_BITS_MASK,
    FRONT_END_IDS,
    HOST_IDS,
    LAYOUTS,
    PROXIMITY_OPEN,
    Beep,
    Capability,
    Control,
    Hold,
    HoldDomestic,
    Identity,
    Inquiry,
    Lock,
    Message,
    MessageId,
    Occasion,
    Open,
    RcdTest,
    Reset,
    ResetReason,
    State,
)
from hal.frames.front_end_payloads import compile_ahead
from hal.ports import BeepCode, LightCode, LockPosition, LockPulse, OutletReading, PilotDriveMode, SelfTest

U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)
I16 = st.integers(-0x8000, 0x7FFF)
TENS = st.integers(0, 0xFFFF).map(lambda n: n * 10)
HUNDREDS = st.integers(0, 0xFFFF).map(lambda n: n * 100)

READINGS = st.builds(
    OutletReading,
    positive_mv=I16,
    negative_mv=I16,
    duty_bp=U16,
    frequency_dhz=U16,
    proximity_ohm=st.none() | st.integers(0, PROXIMITY_OPEN - 1),
    mirror_closed=st.booleans(),
    coil_energised=st.booleans(),
    lock=st.sampled_from(LockPosition),
    self_test=st.sampled_from(SelfTest),
    residual_ac=st.booleans(),
    residual_dc=st.booleans(),
    currents_ma=st.tuples(TENS, TENS, TENS),
    voltages_mv=st.tuples(HUNDREDS, HUNDREDS, HUNDREDS),
    temperature_dc=I16,
    supply_mv=U16,
    inputs=st.tuples(*[st.booleans()] * 8),
    fault_bits=st.integers(0, FAULT_BITS_MASK),
    safe_state_reason=U8,
    domestic_mirror_closed=st.booleans(),
    domestic_plugged=st.booleans(),
)
HOST_MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        Control, st.sampled_from(PilotDriveMode), st.integers(0, 10_000), U16, st.booleans(), st.sampled_from(LightCode)
    ),
    st.builds(Hold, U16, U16),
    st.builds(HoldDomestic, U16, U16),
    st.builds(Open, U8),
    st.builds(Lock, st.sampled_from(LockPulse), U16),
    st.builds(RcdTest),
    st.builds(Beep, st.sampled_from(BeepCode)),
    st.builds(Inquiry, st.sampled_from(MessageId)),
    st.builds(Reset),
)
FRONT_END_MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(State, READINGS, U8),
    st.builds(
        Identity,
        protocol=U8,
        firmware=st.tuples(U8, U8, U8),
        unique_id=st.binary(min_size=8, max_size=8),
        phases=U8,
        capabilities=st.integers(0, 0x1FF).map(Capability),
        reset_reason=st.sampled_from(ResetReason),
        occasion=st.sampled_from(Occasion),
    ),
)
HOLD = Hold(250, 12)


def decoders() -> tuple[Decoder, Decoder]:
    return Decoder(HOST_IDS), Decoder(FRONT_END_IDS)


def test_crc_has_the_published_check_value() -> None:
    assert crc16_ccitt_false(b"123456789") == 0x29B1


@given(U8, HOST_MESSAGES)
def test_every_host_message_survives_the_wire(sequence: int, message: Message) -> None:
    frame = Frame(sequence, message)
    assert Decoder(HOST_IDS).feed(encode(frame)) == [frame]


@given(U8, FRONT_END_MESSAGES)
def test_every_front_end_message_survives_the_wire(sequence: int, message: Message) -> None:
    frame = Frame(sequence, message)
    assert Decoder(FRONT_END_IDS).feed(encode(frame)) == [frame]


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_no_byte_string_raises_and_every_byte_is_accounted_for(chunks: list[bytes]) -> None:
    for decoder in decoders():
        for chunk in chunks:
            decoder.feed(chunk)
        decoder.abandon()
        counts = decoder.counts
        lost_in_bad_values = counts.bad_value + counts.wrong_version + counts.frames
        assert lost_in_bad_values > 0 or counts.skipped_bytes == sum(map(len, chunks))


@given(st.lists(HOST_MESSAGES, min_size=1, max_size=6), st.data())
def test_frames_are_found_whatever_the_pieces_they_arrive_in(messages: list[Message], data: st.DataObject) -> None:
    frames = [Frame(n, message) for n, message in enumerate(messages)]
    stream = b"".join(map(encode, frames))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder = Decoder(HOST_IDS)
    found: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[start:end])
    assert found == frames
    assert decoder.counts.skipped_bytes == 0


@given(st.binary(max_size=60), HOST_MESSAGES)
def test_a_frame_after_garbage_is_found_once_the_garbage_is_given_up(garbage: bytes, message: Message) -> None:
    decoder = Decoder(HOST_IDS)
    decoder.feed(garbage)
    decoder.abandon()
    assert decoder.feed(encode(Frame(7, message)))[-1].message == message


@given(HOST_MESSAGES, st.data())
def test_a_damaged_frame_is_counted_and_never_given_out(message: Message, data: st.DataObject) -> None:
    good = encode(Frame(9, message))
    place = data.draw(st.integers(0, len(good) - 1))
    damaged = bytearray(good)
    damaged[place] ^= data.draw(st.integers(1, 0xFF))
    decoder = Decoder(HOST_IDS)
    assert decoder.feed(bytes(damaged)) == []
    decoder.abandon()
    counts = decoder.counts
    assert counts.skipped_bytes + counts.wrong_version + counts.bad_value > 0


@given(HOST_MESSAGES, HOST_MESSAGES, st.data())
def test_a_truncated_frame_does_not_take_the_next_one_with_it(
    first: Message, second: Message, data: st.DataObject
) -> None:
    cut = encode(Frame(1, first))
    cut = cut[: data.draw(st.integers(0, len(cut) - 1))]
    decoder = Decoder(HOST_IDS)
    found = decoder.feed(cut + encode(Frame(2, second)))
    found += decoder.feed(bytes(64))
    assert [frame.message for frame in found] == [second]


def test_wrong_crc_wrong_end_and_unknown_id_are_told_apart() -> None:
    decoder = Decoder(HOST_IDS)
    good = encode(Frame(1, HOLD))
    decoder.feed(good[:-3] + bytes((good[-3] ^ 1,)) + good[-2:])
    decoder.feed(good[:-1] + b"\x04")
    decoder.feed(good[:3] + b"\x7f" + good[4:])
    counts = decoder.counts
    assert (counts.bad_crc, counts.wrong_end, counts.unknown_id, counts.frames) == (1, 1, 1, 0)


def test_a_front_end_frame_is_no_host_frame() -> None:
    own_echo = encode(Frame(1, HOLD))
    decoder = Decoder(FRONT_END_IDS)
    assert decoder.feed(own_echo) == []
    assert decoder.counts.unknown_id == 1


def test_another_major_version_is_counted_and_remembered_until_our_own_is_heard() -> None:
    decoder = Decoder(HOST_IDS)
    assert decoder.feed(encode(Frame(1, HOLD, version=0x20))) == []
    assert decoder.counts.wrong_version == 1
    assert decoder.foreign_version == 0x20
    assert len(decoder.feed(encode(Frame(2, HOLD, version=0x17)))) == 1, "another minor version is understood"
    assert decoder.foreign_version is None


@pytest.mark.parametrize(
    "payload",
    [b"\x01\x04\x00\x00\xff\xff\x00\x00", b"\x01\x02\x27\x11\xff\xff\x00\x00", b"\x01\x02\x00\x00\xff\xff\x02\x00"],
    ids=["mode", "duty above 100 %", "ventilation"],
)
def test_a_value_that_nobody_may_send_is_counted(payload: bytes) -> None:
    body = b"\x10\x05" + payload
    decoder = Decoder(HOST_IDS)
    assert decoder.feed(b"\xa5" + body + crc16_ccitt_false(body).to_bytes(2, "big") + b"\x03") == []
    assert decoder.counts.bad_value == 1


def test_repetition_old_number_and_gap_are_told_apart() -> None:
    decoder = Decoder(HOST_IDS)
    orders = [decoder.feed(encode(Frame(n, HOLD)))[0].order for n in (254, 255, 0, 0, 254, 3)]
    assert orders == [Order.NEW, Order.NEW, Order.NEW, Order.REPEATED, Order.OLD, Order.NEW]
    counts = decoder.counts
    assert (counts.duplicates, counts.out_of_order, counts.lost) == (1, 1, 2)


def test_the_same_number_with_other_content_is_not_new() -> None:
    decoder = Decoder(HOST_IDS)
    decoder.feed(encode(Frame(5, HOLD)))
    assert decoder.feed(encode(Frame(5, replace(HOLD, hold_ms=1))))[0].order is Order.OLD


def test_an_inquiry_for_the_identity_opens_a_new_numbering() -> None:
    decoder = Decoder(HOST_IDS)
    decoder.feed(encode(Frame(200, HOLD)))
    decoder.feed(encode(Frame(0, Inquiry(MessageId.IDENTITY))))
    assert decoder.feed(encode(Frame(1, HOLD)))[0].order is Order.NEW
    assert decoder.counts.lost == 0


def test_readings_outside_the_wires_ranges_are_cut() -> None:
    reading = OutletReading(
        positive_mv=99_000,
        negative_mv=-99_000,
        duty_bp=-1,
        frequency_dhz=70_000,
        proximity_ohm=1_000_000,
        mirror_closed=False,
        coil_energised=False,
        lock=LockPosition.BETWEEN,
        self_test=SelfTest.NOT_RUN,
        residual_ac=False,
        residual_dc=False,
        currents_ma=(-5, 16_004, 10_000_000),
        voltages_mv=(230_049, 0, 10_000_000),
        temperature_dc=0,
        supply_mv=12_000,
        inputs=(True,),
        fault_bits=0,
        safe_state_reason=0,
    )
    message = Decoder(FRONT_END_IDS).feed(encode(Frame(0, State(reading, 0))))[0].message
    assert isinstance(message, State)
    seen = message.reading
    assert (seen.positive_mv, seen.negative_mv, seen.duty_bp, seen.frequency_dhz) == (32_767, -32_768, 0, 65_535)
    assert seen.proximity_ohm == PROXIMITY_OPEN - 1, "a large resistance is not an open circuit"
    assert seen.currents_ma == (0, 16_000, 655_350)
    assert seen.voltages_mv == (230_000, 0, 6_553_500)
    assert seen.inputs == (True, False, False, False, False, False, False, False)


def test_a_host_message_out_of_range_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="hold_ms"):
        encode(Frame(0, Hold(70_000, 0)))


def test_an_unchanged_state_gives_the_same_reading_object() -> None:
    decoder = Decoder(FRONT_END_IDS)
    states = []
    for n in range(2):
        message = decoder.feed(encode(Frame(n, State(_reading(), n))))[0].message
        assert isinstance(message, State)
        states.append(message)
    assert states[0].reading is states[1].reading
    assert [state.accepted for state in states] == [0, 1]


def test_the_shortest_frame_has_seven_bytes() -> None:
    assert len(encode(Frame(0, Reset()))) == OVERHEAD == 7


def _reading() -> OutletReading:
    return OutletReading(
        9_000, -12_000, 2_666, 10_000, 220, False, False, LockPosition.LOCKED, SelfTest.PASSED, False, False,
        (0, 0, 0), (230_000, 230_000, 230_000), 215, 12_010, (False,) * 8, 0, 0,
    )  # fmt: skip


def test_layouts_can_be_compiled_before_their_first_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each call, until there is none left; a frame of any kind finds its own ready then."""
    monkeypatch.setattr(front_end_payloads, "_COMPILED", front_end_payloads._Compiled())
    calls = 1
    while compile_ahead():
        calls += 1
    assert calls == len(LAYOUTS) + 1
    assert set(front_end_payloads._COMPILED) == {int(identifier) for identifier in LAYOUTS}
