"""The null modem: transmission time, queueing, loss, damage."""

from __future__ import annotations

import random

import pytest

from hal.scheduling import ANY_PERIOD, Stepped
from hal.twins.null_modem import NullModem
from hal.units import MS
from hal.wires import LinkLostError


class Wakes:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def wake(self, component: Stepped, at_us: int) -> None:
        self.seen.append(at_us)


class Reader:
    def step(self, now_us: int) -> int:
        return now_us


def test_bytes_arrive_one_by_one_after_ten_bits_each() -> None:
    modem = NullModem(Wakes(), baud=10_000)
    modem.left.write(b"abc", 500)
    assert modem.right.read(500 + 1 * MS - 1) == b""
    assert modem.right.read(500 + 1 * MS) == b"a"
    assert modem.right.read(500 + 3 * MS - 1) == b"b"
    assert modem.right.read(500 + 3 * MS) == b"c"
    assert modem.right.read(500 + 9 * MS) == b""


def test_the_reader_is_woken_when_the_last_byte_is_there() -> None:
    wakes = Wakes()
    modem = NullModem(wakes, baud=115_200)
    modem.right.attach(Reader())
    modem.left.write(bytes(23), 1000)
    assert wakes.seen == [1000 + 1997]
    assert modem.right.read(wakes.seen[0]) == bytes(23)


def test_chunks_queue_behind_each_other_and_directions_do_not_touch() -> None:
    wakes = Wakes()
    modem = NullModem(wakes, baud=10_000)
    modem.left.attach(Reader())
    modem.right.attach(Reader())
    modem.left.write(b"ab", 0)
    modem.left.write(b"cd", 1 * MS)
    modem.right.write(b"x", 1 * MS)
    assert wakes.seen == [2 * MS, 4 * MS, 2 * MS]
    assert modem.left.read(2 * MS) == b"x"
    assert modem.right.read(3 * MS) == b"abc"
    assert modem.right.read(4 * MS) == b"d"


def test_a_cut_line_raises_at_both_ends_and_loses_what_is_on_the_way() -> None:
    wakes = Wakes()
    modem = NullModem(wakes, name="reader line")
    modem.right.attach(Reader())
    modem.left.write(b"lost", 0)
    modem.cut()
    assert wakes.seen[-1] == 0
    for end in (modem.left, modem.right):
        with pytest.raises(LinkLostError, match="reader line"):
            end.read(100 * MS)
        with pytest.raises(LinkLostError):
            end.write(b"x", 100 * MS)
    modem.restore()
    assert modem.right.read(200 * MS) == b""
    modem.left.write(b"new", 200 * MS)
    assert modem.right.read(300 * MS) == b"new"
    assert modem.right.counters.lost_bytes == 4


def test_corrupt_alters_one_byte_of_the_next_chunks_only() -> None:
    modem = NullModem(Wakes())
    modem.corrupt(2, random.Random(1), sender="left")
    received = []
    for index in range(3):
        modem.left.write(b"abcdef", index * 10 * MS)
        received.append(modem.right.read((index + 1) * 10 * MS))
    assert [sum(a != b for a, b in zip(chunk, b"abcdef", strict=True)) for chunk in received] == [1, 1, 0]
    assert modem.left.counters.damaged_chunks == 2


def test_drop_loses_a_whole_chunk_or_a_run_of_bytes() -> None:
    modem = NullModem(Wakes())
    modem.drop(1)
    modem.drop(1, random.Random(4))
    modem.right.write(b"first", 0)
    modem.right.write(b"second", 0)
    modem.right.write(b"third", 0)
    received = modem.left.read(100 * MS)
    assert received.endswith(b"third")
    assert b"first" not in received
    assert len(b"third") <= len(received) < len(b"secondthird")


def test_duplicate_sends_a_chunk_twice() -> None:
    modem = NullModem(Wakes())
    modem.duplicate(1)
    modem.right.write(b"ab", 0)
    modem.right.write(b"c", 0)
    assert modem.left.read(100 * MS) == b"ababc"


def test_equal_streams_damage_equally() -> None:
    def damaged(number: int) -> bytes:
        modem = NullModem(Wakes())
        modem.corrupt(5, random.Random(number))
        for _ in range(5):
            modem.right.write(b"0123456789", 0)
        return modem.left.read(1000 * MS)

    assert damaged(7) == damaged(7)
    assert damaged(7) != damaged(8)


def test_steady_only_while_nothing_is_on_the_way_and_nothing_waits() -> None:
    modem = NullModem(Wakes())
    assert modem.steady_period_us() == ANY_PERIOD
    modem.left.write(b"x", 0)
    assert modem.steady_period_us() == 0
    modem.right.read(1 * MS)
    assert modem.steady_period_us() == ANY_PERIOD
    modem.duplicate(1)
    assert modem.steady_period_us() == 0
    modem.right.write(b"y", 1 * MS)
    modem.left.read(10 * MS)
    assert modem.steady_period_us() == ANY_PERIOD
    modem.cut()
    assert modem.steady_period_us() == 0


def test_the_tap_sees_each_chunk_with_its_direction() -> None:
    seen: list[tuple[int, str, bytes]] = []
    modem = NullModem(Wakes(), baud=10_000)
    modem.tap(lambda at, direction, data: seen.append((at, direction, data)))
    modem.left.write(b"ab", 0)
    modem.right.write(b"c", 0)
    assert seen == [(2 * MS, "left>right", b"ab"), (1 * MS, "right>left", b"c")]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="baud 0"):
        NullModem(Wakes(), baud=0)
    with pytest.raises(ValueError, match="no end called middle"):
        NullModem(Wakes()).duplicate(1, sender="middle")
