"""The PN532 codec: every frame there and back, every byte string taken without an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.frames.pn532 import (
    ACK,
    ACK_FRAME,
    ERROR,
    ERROR_FRAME,
    FROM_CHIP,
    LONGEST_NORMAL_BODY,
    MAX_BODY,
    NACK,
    NACK_FRAME,
    TO_CHIP,
    WAKE_UP,
    Command,
    Decoder,
    Frame,
    FrameKind,
    TypeATarget,
    answer_frame,
    build_targets,
    command_frame,
    encode,
    information_frame,
    parse_firmware_version,
    parse_targets,
)

DATA_FRAMES = st.builds(
    Frame,
    st.just(FrameKind.DATA),
    st.sampled_from((TO_CHIP, FROM_CHIP)),
    st.integers(0, 255),
    st.one_of(st.binary(max_size=12), st.binary(min_size=250, max_size=MAX_BODY - 2)),
)
FRAMES = st.one_of(DATA_FRAMES, st.sampled_from((ACK, NACK, ERROR)))
TARGETS = st.builds(
    lambda number, sens, sel, uid, ats: TypeATarget(
        number, sens, sel, uid, bytes((len(ats) + 1,)) + ats if sel & 0x20 else b""
    ),
    st.integers(1, 2),
    st.integers(0, 0xFFFF),
    st.integers(0, 255),
    st.binary(min_size=4, max_size=10),
    st.binary(max_size=8),
)


def test_the_bytes_of_the_manuals_frames() -> None:
    assert command_frame(Command.GET_FIRMWARE_VERSION).hex() == "0000ff02fed4022a00"
    assert command_frame(Command.SAM_CONFIGURATION, b"\x01\x00\x00").hex() == "0000ff05fbd4140100001700"
    assert answer_frame(Command.GET_FIRMWARE_VERSION, bytes.fromhex("32010607")).hex() == "0000ff06fad50332010607e800"


def test_a_long_frame_is_extended() -> None:
    raw = command_frame(Command.DIAGNOSE, bytes(262))
    assert raw[:8].hex() == "0000ffffff0108f7"
    assert Decoder().feed(raw) == [Frame(FrameKind.DATA, TO_CHIP, 0x00, bytes(262))]
    assert command_frame(0, bytes(LONGEST_NORMAL_BODY - 2))[3] == LONGEST_NORMAL_BODY
    with pytest.raises(ValueError, match="at most 265"):
        command_frame(0, bytes(MAX_BODY - 1))


def test_a_normal_frame_with_length_255_is_understood() -> None:
    body = bytes((FROM_CHIP, 0x4B)) + bytes(253)
    raw = b"\x00\x00\xff\xff\x01" + body + bytes((-sum(body) & 0xFF, 0))
    assert Decoder().feed(raw) == [Frame(FrameKind.DATA, FROM_CHIP, 0x4B, bytes(253))]


@given(st.lists(FRAMES, max_size=6), st.lists(st.integers(1, 40), max_size=30))
def test_frames_cut_anywhere_come_out_whole(frames: list[Frame], cuts: list[int]) -> None:
    stream = WAKE_UP + b"".join(encode(frame) for frame in frames)
    decoder, found = Decoder(), []
    for size in cuts:
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    found += decoder.feed(stream)
    assert found == frames
    assert decoder.counters == Decoder().counters, "nothing was counted as unusable"
    assert not decoder.pending


@given(st.binary(max_size=600))
def test_any_bytes_are_taken_and_the_decoder_finds_its_way_again(noise: bytes) -> None:
    decoder = Decoder()
    decoder.feed(noise)
    decoder.reset()
    assert decoder.feed(ACK_FRAME + command_frame(0x02)) == [ACK, Frame(FrameKind.DATA, TO_CHIP, 0x02)]


@given(DATA_FRAMES, st.integers(0, 300), st.integers(1, 255))
def test_one_changed_byte_never_gives_another_information_frame(frame: Frame, at: int, change: int) -> None:
    raw = bytearray(encode(frame))
    raw[at % len(raw)] ^= change
    decoder = Decoder()
    found = [f for f in decoder.feed(bytes(raw)) if f.kind is FrameKind.DATA and len(f.parameters) >= 4]
    # A change in the padding leaves the frame as it was; a frame hidden in the data would be a different one.
    assert found in ([], [frame]) or encode(frame).count(b"\x00\xff") > 1


@given(FRAMES, st.integers(1, 300))
def test_a_truncated_frame_does_not_swallow_the_next_ones(frame: Frame, missing: int) -> None:
    whole = encode(frame)
    cut = whole[: max(0, len(whole) - 2 - missing)]
    decoder = Decoder()
    found = decoder.feed(cut + command_frame(0x02) * 60)
    assert Frame(FrameKind.DATA, TO_CHIP, 0x02) in found


def test_the_frame_right_behind_a_truncated_one_is_found() -> None:
    decoder = Decoder()
    good = Frame(FrameKind.DATA, TO_CHIP, 0x02)
    assert decoder.feed(answer_frame(0x02, b"\x32\x01\x06\x07")[:-5] + command_frame(0x02)) == [good]
    assert decoder.counters.bad_checksums == 1


@pytest.mark.parametrize(
    ("raw", "counter"),
    [
        ("0000ff02fdd4022a00", "bad_lengths"),
        ("0000ff02fed4022b00", "bad_checksums"),
        ("0000ffffffffff02", "bad_lengths"),
        ("0000ff02fe12347a00" + "0000ff02fe1234ba00", "foreign"),
        ("aabbcc", "junk_bytes"),
    ],
)
def test_what_cannot_be_used_is_counted(raw: str, counter: str) -> None:
    decoder = Decoder()
    assert not [f for f in decoder.feed(bytes.fromhex(raw)) if f.kind is FrameKind.DATA]
    assert getattr(decoder.counters, counter) >= 1


def test_a_frame_that_never_ends_is_abandoned() -> None:
    decoder = Decoder()
    assert decoder.feed(command_frame(0x02)[:-3]) == []
    assert decoder.pending
    decoder.reset()
    assert decoder.counters.abandoned == 1
    assert decoder.feed(ERROR_FRAME + NACK_FRAME) == [ERROR, NACK]


@given(st.lists(TARGETS, max_size=2))
def test_listed_cards_there_and_back(targets: list[TypeATarget]) -> None:
    assert parse_targets(build_targets(targets)) == tuple(targets)


@given(st.binary(max_size=80))
def test_any_listing_gives_cards_or_none(parameters: bytes) -> None:
    targets = parse_targets(parameters)
    assert targets is None or build_targets(targets) == parameters
    parse_firmware_version(parameters)


def test_a_card_with_iso_14443_4_is_followed_by_its_ats() -> None:
    listed = bytes.fromhex("0101 0344 20 07 0411223344556606 7577810280")
    targets = parse_targets(listed)
    assert targets is not None
    assert targets[0].uid.hex() == "04112233445566"
    assert targets[0].ats.hex() == "067577810280"


def test_strings_name_the_frame() -> None:
    assert str(ACK) == "ACK"
    assert str(Frame(FrameKind.DATA, TO_CHIP, 0x4A, b"\x01\x00")) == "D4 4A 0100"
    assert encode(Frame(FrameKind.DATA, TO_CHIP, 0x4A, b"\x01\x00")) == information_frame(TO_CHIP, 0x4A, b"\x01\x00")
