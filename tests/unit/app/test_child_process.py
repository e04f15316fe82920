"""Restart pauses, status lines."""

from __future__ import annotations

import os

import pytest

from evse.app.processes.child_process import HEALTHY_US, ChildProcess, Program, restart_pause_us
from evse.app.processes.status_lines import LINE_LIMIT, StatusLines
from evse.core.units import SECOND


def test_first_short_lives_are_answered_at_once_and_then_the_pause_doubles() -> None:
    pauses = [restart_pause_us(lives) for lives in range(1, 14)]
    assert max(pauses[:3]) <= SECOND // 10
    assert pauses[3:6] == [SECOND // 4, SECOND // 2, SECOND]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30 * SECOND


def test_deaths_of_long_ago_do_not_count() -> None:
    child = ChildProcess(Program("x", "x", (), (), SECOND))
    for number in range(10):
        assert child.died(number * 61 * SECOND) == 1
    assert child.died(9 * 61 * SECOND + 1) == 2


def test_only_short_lives_slow_the_restart_down() -> None:
    child = ChildProcess(Program("x", "x", (), (), SECOND))
    now_us = 0
    for _ in range(4):
        now_us += SECOND
        child.died(now_us)
    assert child.restart_us - now_us == restart_pause_us(4) > restart_pause_us(0)
    child._ready_us = now_us
    now_us += HEALTHY_US
    child.died(now_us)
    assert child.restart_us - now_us == restart_pause_us(0)


def test_a_start_that_takes_long_is_not_silence_yet() -> None:
    child = ChildProcess(Program("x", "x", (), (), 2 * SECOND))
    assert child.silent_since(3 * SECOND) < 0
    child.ready = {"ready": True}
    assert child.silent_since(3 * SECOND) > 0
    child.forgive(3 * SECOND)
    assert child.silent_since(3 * SECOND) < 0


def test_a_start_that_was_too_slow_gets_more_time_the_next_time() -> None:
    child = ChildProcess(Program("x", "x", (), (), 2 * SECOND))
    first_us = -child.silent_since(0)
    allowed = []
    for _ in range(6):
        child.died(0)
        allowed.append(-child.silent_since(0))
    assert allowed[:3] == [2 * first_us, 4 * first_us, 8 * first_us]
    assert allowed[-1] == allowed[-2] == 160 * SECOND
    child._ready_us = 0
    child.died(HEALTHY_US)
    assert -child.silent_since(0) == first_us


def test_lines_arrive_whole_and_bounded() -> None:
    reader, writer = os.pipe()
    lines = StatusLines(reader)
    os.write(writer, b'.\n{"ready": tr')
    assert lines.read() == ["."]
    os.write(writer, b"ue}\n\xff\n")
    assert lines.read() == ['{"ready": true}', "\ufffd"]
    os.write(writer, b"x" * (LINE_LIMIT + 1))
    assert lines.read() == ["x" * (LINE_LIMIT + 1)]
    os.write(writer, b"the end")
    os.close(writer)
    assert lines.read() == ["the end"]
    assert lines.fd == -1
    assert lines.read() == []


@pytest.mark.parametrize(("line", "message"), [('{"a": 1}', {"a": 1}), ("[1]", None), ("{", None), ("", None)])
def test_only_objects_are_messages(line: str, message: object) -> None:
    assert StatusLines.message(line) == message
