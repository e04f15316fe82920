"""Output to a reader that reads, that stalls, that is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from evse.app.processes.console import Console, descriptor


@pytest.fixture
def pipe() -> Iterator[list[int]]:
    """Reading and writing end; a test that closes one takes it out."""
    ends = list(os.pipe2(os.O_CLOEXEC))
    yield ends
    for fd in ends:
        os.close(fd)


def fill(writer: int) -> int:
    """Fill the pipe, so that the next blocking write waits; returns the bytes in it."""
    os.set_blocking(writer, False)
    size = 0
    try:
        while True:
            size += os.write(writer, b"x")
    except BlockingIOError:
        os.set_blocking(writer, True)
        return size


def test_lines_come_out_at_once_and_in_order(pipe: list[int]) -> None:
    reader, writer = pipe
    console = Console(writer)
    console.say("first")
    assert os.read(reader, 100) == b"first\n"
    console.say("second \udcff")
    console.say("third")
    assert console.close(1.0)
    assert os.read(reader, 100) == b"second \\udcff\nthird\n"


def test_a_stalled_reader_holds_nobody_up_and_learns_what_it_missed(pipe: list[int]) -> None:
    reader, writer = pipe
    left = fill(writer)
    console = Console(writer, limit_lines=4)
    begin_s = time.monotonic()
    for number in range(1000):
        console.say(f"line {number}")
    assert not console.close(0.01)
    assert time.monotonic() - begin_s < 0.5
    # One line may be in the writer's hands, four wait.
    assert console.dropped in (995, 996)
    while left:
        left -= len(os.read(reader, left))
    text = b""
    while b"dropped" not in text:
        text += os.read(reader, 4096)
    assert text.startswith(b"line 0\n")
    assert f"evse: {console.dropped} lines were dropped here".encode() in text
    assert console.close(1.0)


def test_a_reader_that_is_gone_ends_the_output_only(pipe: list[int]) -> None:
    os.close(pipe.pop(0))
    console = Console(pipe[0], limit_lines=2)
    for _ in range(100):
        console.say("nobody hears this")
        time.sleep(0)
    assert not console.close(1.0)


def test_a_program_started_without_output_runs() -> None:
    console = Console(descriptor(None))
    console.say("nowhere")
    assert not console.close(1.0)
