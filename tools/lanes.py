"""Commands that run beside each other: what each says is shown whole when it has ended, and the first failure ends the others.

The check's tests run so: each lane is one pytest that collects only its own files, so nothing is imported or collected
twice, and lanes that mostly wait for real processes leave the processors to those that compute.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Final

LOOK_S: Final = 0.2
END_S: Final = 60.0
"""What was interrupted may clear up for so long: a test ends the stations it has started."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One command and its name."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Running:
    lane: Lane
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    begin_s: float


def run(lanes: Sequence[Lane], clock: Callable[[], float] = time.monotonic) -> int:
    """Run all at once; return 0 when each ended with 0, else the status of the first that did not.

    An interrupt from the keyboard reaches the commands too: they are waited for and it is raised again. ``clock`` is in
    seconds.
    """
    running = [_start(lane, clock()) for lane in lanes]
    status = 0
    try:
        while running and not status:
            time.sleep(LOOK_S)
            for each in [each for each in running if each.process.poll() is not None]:
                running.remove(each)
                _show(each, clock())
                status = status or each.process.returncode
        for each in running:
            each.process.send_signal(signal.SIGINT)
    finally:
        for each in running:
            _wait(each)
            _show(each, clock())
    return status


def _start(lane: Lane, now_s: float) -> _Running:
    output = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the process runs
    # What a shell starts in the background ignores interrupts and so would our commands, which are ended by one.
    ours = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(lane.command, stdout=output, stderr=subprocess.STDOUT)
    finally:
        signal.signal(signal.SIGINT, ours)
    return _Running(lane, process, output, now_s)


def _wait(each: _Running) -> None:
    """Wait for a command that was told to end, and kill it when it does not."""
    try:
        each.process.wait(END_S)
    except subprocess.TimeoutExpired:
        each.process.kill()
        each.process.wait()


def _show(each: _Running, now_s: float) -> None:
    """Print what a lane has said, then how it ended."""
    each.output.seek(0)
    sys.stdout.write(each.output.read().decode("utf-8", "replace"))
    each.output.close()
    print(f"--- {each.lane.name}: status {each.process.returncode}, {now_s - each.begin_s:.1f} s", flush=True)
