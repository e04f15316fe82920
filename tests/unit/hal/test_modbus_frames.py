"""Modbus frames against the examples of the specification, and garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.frames.modbus import (
    AnswerStream,
    Framing,
    ReadAnswer,
    ReadRequest,
    RequestStream,
    answer_frame,
    request_frame,
)

pytestmark = pytest.mark.req("MTR-02")

RTU, TCP = Framing.RTU, Framing.TCP
REQUEST = bytes.fromhex("11 03 00 6B 00 03 76 87")
"""Read holding registers 108 to 110 of unit 17: the example of MODBUS Application Protocol V1.1b3, 6.3, as RTU."""
ANSWER = bytes.fromhex("11 03 06 02 2B 00 00 00 64 C8 BA")
EXCEPTION = bytes.fromhex("0A 81 02 B0 53")


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS bit by bit, written down from MODBUS over Serial Line V1.02, 6.2.2."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def test_the_examples_of_the_specification() -> None:
    assert crc(REQUEST[:-2]) == REQUEST[-2:]
    assert request_frame(ReadRequest(17, 3, 0x6B, 3), RTU) == REQUEST
    assert RequestStream(RTU).feed(REQUEST) == [ReadRequest(17, 3, 0x6B, 3)]
    answer = ANSWER[:-2] + crc(ANSWER[:-2])
    assert answer_frame(ReadAnswer(17, 3, (0x22B, 0, 0x64)), RTU) == answer
    assert AnswerStream(RTU).feed(answer) == [ReadAnswer(17, 3, (0x22B, 0, 0x64))]
    assert AnswerStream(RTU).feed(EXCEPTION) == [ReadAnswer(10, 1, (), 2)]


def test_tcp_has_a_header_and_no_check_sum() -> None:
    frame = request_frame(ReadRequest(1, 4, 2, 6, transaction=0x1234), TCP)
    assert frame == bytes.fromhex("12 34 00 00 00 06 01 04 00 02 00 06")
    assert RequestStream(TCP).feed(frame) == [ReadRequest(1, 4, 2, 6, 0x1234)]
    answer = answer_frame(ReadAnswer(1, 4, (1, 2), 0, 0x1234), TCP)
    assert answer == bytes.fromhex("12 34 00 00 00 07 01 04 04 00 01 00 02")
    assert AnswerStream(TCP).feed(answer + answer) == [ReadAnswer(1, 4, (1, 2), 0, 0x1234)] * 2


@pytest.mark.parametrize("framing", [RTU, TCP])
def test_frames_come_in_pieces(framing: Framing) -> None:
    stream = AnswerStream(framing)
    frame = answer_frame(ReadAnswer(2, 3, tuple(range(50)), 0, 7 if framing is TCP else 0), framing)
    got = [answer for byte in frame for answer in stream.feed(bytes((byte,)))]
    assert [answer.words for answer in got] == [tuple(range(50))]
    assert not stream.pending


@pytest.mark.parametrize("position", range(len(ANSWER)))
def test_a_changed_bit_is_never_taken_for_an_answer(position: int) -> None:
    answer = bytearray(ANSWER[:-2] + crc(ANSWER[:-2]))
    for bit in range(8):
        damaged = bytearray(answer)
        damaged[position] ^= 1 << bit
        assert AnswerStream(RTU).feed(bytes(damaged)) == []


@pytest.mark.parametrize(
    "pdu",
    ["03", "03 04 00 01", "03 03 00 01 02", "03 00", "04 05 00 01 02 03 04", "06 00 01 00 01", "83", "83 02 02"],
)
def test_answers_that_make_no_sense_are_counted_and_not_used(pdu: str) -> None:
    body = bytes.fromhex(pdu)
    stream = AnswerStream(TCP)
    frame = b"\0\1\0\0" + (len(body) + 1).to_bytes(2, "big") + b"\1" + body
    assert stream.feed(frame) == []
    assert stream.counters.malformed + stream.counters.dropped_bytes + stream.pending > 0


@pytest.mark.parametrize("header", ["00 01 00 01 00 06", "00 01 00 00 00 00", "00 01 00 00 00 01", "00 01 00 00 01 00"])
def test_a_header_that_is_none_empties_the_stream(header: str) -> None:
    stream = AnswerStream(TCP)
    assert stream.feed(bytes.fromhex(header) + b"\1\3\2\0\0") == []
    assert not stream.pending
    assert stream.counters.dropped_bytes > 0


def test_requests_that_cannot_be_asked_are_refused_and_malformed_ones_told() -> None:
    for request in (
        ReadRequest(1, 6, 0, 1),
        ReadRequest(1, 3, 0, 126),
        ReadRequest(1, 3, 0, 0),
        ReadRequest(1, 3, -1, 1),
    ):
        with pytest.raises(ValueError):
            request_frame(request, RTU)
    for count in (0, 126, 0xFFFF):
        frame = bytes((1, 3, 0, 0)) + count.to_bytes(2, "big")
        assert RequestStream(RTU).feed(frame + crc(frame)) == [ReadRequest(1, 3, 0, 0)]


@given(st.lists(st.binary(max_size=80), max_size=8), st.sampled_from([RTU, TCP]))
def test_no_garbage_raises_or_piles_up(chunks: list[bytes], framing: Framing) -> None:
    answers, requests = AnswerStream(framing), RequestStream(framing)
    for chunk in chunks:
        answers.feed(chunk)
        requests.feed(chunk)
    assert len(answers._buffer) <= 340 and len(requests._buffer) <= 340
    for stream in (answers, requests):
        stream.reset()
    good = answer_frame(ReadAnswer(2, 3, (1, 2)), framing)
    assert [each.words for each in answers.feed(good)] == [(1, 2)]
