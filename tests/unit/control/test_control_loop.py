"""The control loop around a cycle: heartbeats, lateness, the way out, and what happens when a step hangs or fails."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from boards.board import Board
from evse.control.cycle import ControlCycle
from evse.control.latency import LATE_US, LatencyMonitor
from evse.control.process import COLLECT_EVERY_US, ControlLoop
from evse.control.status_pipe import HEARTBEAT_US, PipeLogHandler, StatusPipe
from evse.core.units import MS, SECOND
from evse.exchange.snapshot import LatencyView


class _Permission:
    granted = False


class _Inputs:
    link_ok = False


class _Outlet:
    permission = _Permission()
    inputs = _Inputs()


class _Core:
    outlets = (_Outlet(),)


class FakeCycle:
    """Steps that take as long as told."""

    def __init__(self) -> None:
        self.core = _Core()
        self.latency = LatencyView()
        self.steps: list[int] = []
        self.left: list[int] = []
        self.restart_wanted = False
        self.then: Callable[[], None] = lambda: None
        self.pause_us = 50 * MS

    def leave(self, now_us: int) -> None:
        self.left.append(now_us)

    def step(self, now_us: int) -> int:
        self.steps.append(now_us)
        self.then()
        return now_us + self.pause_us


class FakeExchange:
    served = 0

    def fileno(self) -> int:
        return -1

    def service(self, now_us: int) -> int:
        self.served += 1
        return now_us + 70 * MS


class Clock:
    now_us = 0

    def __call__(self) -> int:
        return self.now_us


class Bench:
    def __init__(self, status_fd: int) -> None:
        self.clock = Clock()
        self.cycle = FakeCycle()
        self.exchange = FakeExchange()
        self.latency = LatencyMonitor(fifo=False)
        self.loop = ControlLoop(
            cast(ControlCycle, self.cycle),
            Board(()),
            self.exchange,
            (),
            StatusPipe(status_fd),
            self.latency,
            clock=self.clock,
        )


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe2(os.O_NONBLOCK)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_a_round_steps_serves_and_returns_the_earliest_wish(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    assert bench.loop.round() == 50 * MS
    assert bench.cycle.steps == [0]
    assert bench.exchange.served == 1


@pytest.mark.req("INP-03")
def test_a_cycle_that_wants_a_restart_ends_the_loop_in_order(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    bench.cycle.then = lambda: setattr(bench.cycle, "restart_wanted", True)
    bench.loop.run()
    assert bench.cycle.steps == [0]
    assert bench.cycle.left == [0]


def test_heartbeats_come_from_completed_rounds_only(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])
    for now_us in range(0, SECOND, 10 * MS):
        bench.clock.now_us = now_us
        bench.loop.round()
    assert os.read(pipe[0], 1000) == b".\n" * (SECOND // HEARTBEAT_US)

    def hang() -> None:
        # What a supervisor sees of a wedged step: time passes, nothing is said.
        bench.clock.now_us += 10 * SECOND
        with pytest.raises(BlockingIOError):
            os.read(pipe[0], 1000)

    bench.cycle.then = hang
    bench.loop.round()


def test_layouts_and_then_records_are_compiled_one_a_round_when_a_front_end_was_heard_and_nothing_is_due(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [True, True, False, False]
    records = [True, False]
    monkeypatch.setattr("evse.control.process.compile_ahead", lambda: left.pop(0))
    monkeypatch.setattr("evse.control.process.finish", lambda _most: records.pop(0))
    bench = Bench(pipe[1])
    bench.loop._collect_us = SECOND
    bench.loop.round()
    assert len(left) == 4, "no front end was heard"
    monkeypatch.setattr(_Inputs, "link_ok", True)
    bench.cycle.pause_us = 19 * MS
    bench.loop.round()
    assert len(left) == 4, "something is due soon"
    bench.cycle.pause_us = 20 * MS
    for _ in range(5):
        bench.loop.round()
    assert (left, records) == ([], [])


def test_an_exception_of_a_step_ends_the_loop(pipe: tuple[int, int]) -> None:
    bench = Bench(pipe[1])

    def fail() -> None:
        raise RuntimeError("planted")

    bench.cycle.then = fail
    with pytest.raises(RuntimeError, match="planted"):
        bench.loop.round()
    assert bench.exchange.served == 0


def test_a_full_or_closed_status_pipe_never_stops_control(pipe: tuple[int, int]) -> None:
    status = StatusPipe(pipe[1])
    for number in range(50_000):
        status.heartbeat(number * HEARTBEAT_US)
    os.close(pipe[0])
    status.send({"ready": True})
    os.dup2(os.open("/dev/null", os.O_RDONLY), pipe[0])


def test_garbage_is_collected_not_often_and_while_a_contactor_is_held_only_the_new_in_a_pause(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[int] = []
    bench = Bench(pipe[1])
    monkeypatch.setattr(gc, "collect", lambda generation=2: collected.append(generation))
    bench.loop.round()
    collected.clear()
    bench.clock.now_us += COLLECT_EVERY_US - 1
    bench.loop.round()
    assert collected == []
    bench.clock.now_us += 1
    bench.loop.round()
    assert collected == [2]
    monkeypatch.setattr(_Permission, "granted", True)
    bench.clock.now_us += COLLECT_EVERY_US
    bench.cycle.pause_us = 20 * MS - 1
    bench.loop.round()
    assert collected == [2], "something is due soon"
    bench.cycle.pause_us = 20 * MS
    bench.loop.round()
    assert collected == [2, 1]
    bench.loop.round()
    assert collected == [2, 1]


def test_lateness_counts_against_the_deadline_and_names_what_ran(caplog: pytest.LogCaptureFixture) -> None:
    monitor = LatencyMonitor(fifo=True)
    monitor.woke(100, 100 + LATE_US)
    assert monitor.view() == LatencyView(1, 0, LATE_US, True)
    monitor.woke(2 * SECOND, SECOND)  # woken early by a wire
    assert monitor.view().worst_us == LATE_US
    with caplog.at_level(logging.WARNING):
        monitor.ran("cycle", 300)
        monitor.ran("garbage collection", 31 * MS)
        monitor.woke(3 * SECOND, 3 * SECOND + 31 * MS)
        monitor.woke(3 * SECOND + 40 * MS, 3 * SECOND + 80 * MS)
    assert monitor.view() == LatencyView(4, 2, 40 * MS, True)
    assert [record.message for record in caplog.records] == ["late by 31.0 ms; before it: garbage collection 31.0 ms"]


def test_a_log_that_nobody_reads_is_dropped_and_counted(pipe: tuple[int, int]) -> None:
    handler = PipeLogHandler(pipe[1])
    record = logging.LogRecord("x", logging.INFO, "f", 1, "y" * 1000, None, None)
    for _ in range(200):
        handler.emit(record)
    assert handler.dropped > 100
