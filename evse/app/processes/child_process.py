"""A child process seen from the supervisor: start, log, heartbeats, death, and when to start it again.

Restart rule: a process that had been ready for 2 s is started again at once (50 ms). One that dies sooner is, too, for three
times in a row; from the fourth short life on the pause doubles, from 250 ms to 30 s. It never gives up: a station that
could come back must. For the same reason a process gets more time for its start after each short life: one that a busy or slow machine
would always start too late must not be killed for ever. From the fifth death within a minute on, however long the lives, a warning says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any, Final

import evse
from evse.app.processes.status_lines import StatusLines
from evse.core.units import MS, NEVER, SECOND
from evse.records import dataclass

QUICK_US: Final = 50 * MS
SLOW_US: Final = 250 * MS
SLOWEST_US: Final = 30 * SECOND
WINDOW_US: Final = 60 * SECOND
QUICK_DEATHS: Final = 3
HEALTHY_US: Final = 2 * SECOND
WORTH_TELLING: Final = 5
START_PATIENCE_US: Final = 20 * SECOND
"""From a process's start to its readiness; doubled for each short life before it, up to ``LONGEST_START_US``."""
LONGEST_START_US: Final = 160 * SECOND
_ROOT: Final = str(Path(evse.__file__).resolve().parent.parent)


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: ``module`` with ``arguments``, keeping the descriptors ``fds`` open.

    ``patience_us``: longest silence between two heartbeats of a process that is ready.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    fds: tuple[int, ...]
    patience_us: int


class ChildProcess:
    """One child and its successors."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ready: dict[str, Any] | None = None
        self.deaths: deque[int] = deque(maxlen=32)
        self.short_lives = 0
        self.restart_us = NEVER
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._task = b""
        self._status: StatusLines | None = None
        self._log: StatusLines | None = None
        self._heard_us = 0
        self._ready_us = NEVER
        self.wants_restart = False
        """It has asked that the whole station be started again."""
        self.program_path = ""
        """Directory that its next start takes the program from; empty for the one of this process."""

    @property
    def name(self) -> str:
        """Name for people."""
        return self.program.name

    @property
    def pid(self) -> int:
        """Process id, 0 while it does not run."""
        return 0 if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether a process exists that has not been found dead."""
        return self._process is not None

    def start(self, now_us: int) -> None:
        """Start the process; it waits for its task, which it is told at once when it is known. Raises OSError."""
        status_read, status_write = os.pipe2(os.O_CLOEXEC)
        command = [
            sys.executable, "-P", "-m", "evse.app.processes.child_start", self.program.module,
            "--parent", str(os.getpid()), "--status-fd", str(status_write), *self.program.arguments,
        ]  # fmt: skip
        path = os.pathsep.join(filter(None, (self.program_path, _ROOT, os.environ.get("PYTHONPATH", ""))))
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(status_write, *self.program.fds),
                env={**os.environ, "PYTHONPATH": path},
                cwd="/",
            )
        finally:
            os.close(status_write)
        self.starts += 1
        self.ready = None
        self.wants_restart = False
        self.restart_us = self._ready_us = NEVER
        self._heard_us = now_us
        self._status = StatusLines(status_read)
        assert self._process.stderr is not None  # noqa: S101  # asked for a pipe
        self._log = StatusLines(os.dup(self._process.stderr.fileno()))
        self._process.stderr.close()
        self._tell()

    def give_task(self, line: bytes) -> None:
        """Tell this process and all its successors what to run."""
        self._task = line
        self._tell()

    def _tell(self) -> None:
        if self._process is None or self._process.stdin is None or not self._task:
            return
        try:
            self._process.stdin.write(self._task)
            self._process.stdin.flush()
        except OSError:
            pass  # it died; that is noticed elsewhere

    def fds(self) -> list[int]:
        """Descriptors to wait on."""
        return [lines.fd for lines in (self._status, self._log) if lines is not None and lines.fd >= 0]

    def read_log(self) -> list[str]:
        """New lines of its log."""
        return [] if self._log is None else self._log.read()

    def read_status(self, now_us: int) -> bool:
        """Take in heartbeats and messages; return whether it has just become ready."""
        became_ready = False
        for line in [] if self._status is None else self._status.read():
            self._heard_us = now_us
            message = None if line == "." else StatusLines.message(line)
            if message is not None and message.get("ready"):
                became_ready = self.ready is None
                self._ready_us = now_us
                self.ready = message
            elif message is not None and message.get("restart"):
                self.wants_restart = True
        return became_ready

    def forgive(self, now_us: int) -> None:
        """The supervisor itself was away: silence until now says nothing."""
        self._heard_us = max(self._heard_us, now_us)

    def silent_since(self, now_us: int) -> int:
        """How many microseconds too long it has been silent; negative while all is well."""
        patience_us = self.program.patience_us if self.ready is not None else start_patience_us(self.short_lives)
        return now_us - self._heard_us - patience_us

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; false when it does not run."""
        if self._process is None:
            return False
        self._process.send_signal(number)
        return True

    def kill(self) -> None:
        """Kill it and wait for its end (the kernel's part, a few milliseconds)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; false when it did not come in time."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def reap(self) -> str | None:
        """How it ended, ``None`` while it runs (or never did)."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError:
                pass  # what could not be told any more
        self._process = None
        self.ready = None
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def end(self) -> None:
        """Kill it if it runs, and give everything back."""
        if self._process is not None:
            self.kill()
            self.reap()
        self.forget_pipes()

    def forget_pipes(self) -> None:
        """Close the pipes of a dead process."""
        for lines in (self._status, self._log):
            if lines is not None:
                lines.close()
        self._status = self._log = None

    def died(self, now_us: int) -> int:
        """Note a death; return how many there were within the last minute. ``restart_us`` says when to try again."""
        self.deaths.append(now_us)
        recent = sum(1 for at_us in self.deaths if at_us > now_us - WINDOW_US)
        self.short_lives = 0 if now_us - self._ready_us >= HEALTHY_US else self.short_lives + 1
        self.restart_us = now_us + restart_pause_us(self.short_lives)
        return recent


def start_patience_us(short_lives: int) -> int:
    """How long a start may take after so many short lives in a row."""
    return min(START_PATIENCE_US << min(short_lives, 20), LONGEST_START_US)


def restart_pause_us(short_lives: int) -> int:
    """Pause before a new start after so many short lives in a row."""
    if short_lives <= QUICK_DEATHS:
        return QUICK_US
    return int(min(SLOW_US << min(short_lives - QUICK_DEATHS - 1, 20), SLOWEST_US))
