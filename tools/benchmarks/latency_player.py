"""The world of the latency bench: ``python -m tools.benchmarks.latency_player``, started by the bench only.

It owns the pseudo-terminals, runs one front-end twin on a scripted outlet behind each, and writes what it measured to a file
when it has enough. It runs above control's priority when that is permitted, so that it measures control and not itself;
how late its own timed wake-ups were is part of the result.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import select
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from evse.control.priority import WORLD_PRIORITY, become_real_time, die_with_parent, name_process
from evse.control.process import monotonic_us
from evse.sim.scheduler import Scheduler
from hal.frames.front_end import Frame
from hal.linux.pty import PtyLink
from hal.twins.front_end import FirmwareIdentity, FrontEndTwin
from hal.units import MS, SECOND
from tools.benchmarks.scripted_outlet import Cause, ScriptedOutlet, StampedLink, Timing

LONGEST_WAIT_US: Final = SECOND
STALL_US: Final = 3 * MS
"""A wake-up of the bench's own that is later than this is noted with its time."""
FRAMES_KEPT: Final = 400
"""Frames of both lines before a caught answer, some two seconds."""


class Catch:
    """Stops the kernel's trace at an answer later than ``limit_us`` and keeps the frames before it."""

    def __init__(self, limit_us: int, switch: int) -> None:
        self._limit_us, self._switch = limit_us, switch
        self._frames: deque[tuple[int, int, str, str]] = deque(maxlen=FRAMES_KEPT)
        self.caught: dict[str, Any] = {}

    def hook(self, number: int, outlet: ScriptedOutlet, link: StampedLink) -> Callable[[int, str, Frame], None]:
        """The hook of one outlet's twin, which goes on to the outlet."""

        def slow(cause: Cause, owed_us: int, opened_us: int) -> None:
            if opened_us < owed_us + self._limit_us or self.caught:
                return
            os.write(self._switch, b"0")
            self.caught = {"outlet": number, "cause": cause.value, "owed_us": owed_us, "opened_us": opened_us}

        def frame(now_us: int, direction: str, frame: Frame) -> None:
            at_us = link.written_us if direction == "tx" else link.read_us
            self._frames.append((at_us, number, direction, repr(frame)))
            outlet.frame(now_us, direction, frame)

        outlet.on_slow = slow
        return frame

    def result(self) -> dict[str, Any]:
        """What was caught, with the frames; empty when nothing was slow."""
        return {**self.caught, "frames": list(self._frames)} if self.caught else {}


class Player:
    """The outlets behind their pseudo-terminals, on one scheduler against the system's monotonic clock."""

    def __init__(self, paths: list[str], timing: Timing, run_number: int, catch: Catch | None = None) -> None:
        start_us = monotonic_us()
        self._scheduler = Scheduler(start_us=start_us, elide=False)
        self._twins: dict[int, FrontEndTwin] = {}
        self._links: list[PtyLink] = []
        self.outlets: list[ScriptedOutlet] = []
        self.late_us: list[int] = []
        self.stalls_us: list[tuple[int, int]] = []
        self._catch = catch
        for number, path in enumerate(paths, 1):
            link = PtyLink(path)
            stamped = StampedLink(link, monotonic_us)
            stream = random.Random(f"{run_number}/{number}")  # noqa: S311  # reproducible moments, no secret
            outlet = ScriptedOutlet(stamped, self._scheduler, stream, timing)
            firmware = FirmwareIdentity(unique_id=f"BENCH{number:03d}".encode())
            hook = outlet.frame if catch is None else catch.hook(number, outlet, stamped)
            twin = FrontEndTwin(stamped, outlet, self._scheduler, False, firmware=firmware, on_frame=hook)
            self._scheduler.add(twin, f"outlet-{number}/front-end twin")
            outlet.begin(start_us)
            self._links.append(link)
            self._twins[link.fileno()] = twin
            self.outlets.append(outlet)

    def play(self, injections: int, limit_us: int) -> None:
        """Run until so many injections were answered, at most for ``limit_us``."""
        end_us = monotonic_us() + limit_us
        # What was planned while this process was still starting is no lateness.
        self._scheduler.advance_full(monotonic_us())
        wanted = list(self._twins)
        while sum(outlet.tally.injected for outlet in self.outlets) < injections:
            due_us = self._scheduler.next_due_us()
            timeout_us = min(max(due_us - monotonic_us(), 0), LONGEST_WAIT_US)
            ready, _, _ = select.select(wanted, [], [], timeout_us / SECOND)
            now_us = monotonic_us()
            if now_us >= end_us:
                break
            if due_us <= now_us:
                self.late_us.append(now_us - due_us)
                if now_us > due_us + STALL_US:
                    self.stalls_us.append((due_us, now_us))
            for fd in ready:
                self._scheduler.wake(self._twins[fd], now_us)
            self._scheduler.advance_full(now_us)
            if self._catch is not None and self._catch.caught:
                break

    def close(self) -> None:
        """Give the pseudo-terminals back."""
        for link in self._links:
            link.close()

    def result(self) -> dict[str, Any]:
        """Everything measured, as plain values."""
        tallies = []
        for outlet in self.outlets:
            tally = outlet.tally
            tallies.append(
                {
                    "latencies_us": {cause.value: values for cause, values in tally.latencies_us.items()},
                    **{
                        name: getattr(tally, name)
                        for name in ("prevented_us", "reclosings_us", "slow_us", "stuck_in", "slots", "passed", "lost", "unexpected",
                                     "lease_ends", "stuck")
                    },
                }
            )  # fmt: skip
        caught = self._catch.result() if self._catch else {}
        return {"outlets": tallies, "late_us": self.late_us, "stalls_us": self.stalls_us, "caught": caught}


def main(argv: list[str] | None = None) -> int:
    """Play, write the result, end; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.latency_player", description=__doc__)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--wire", action="append", required=True, help="where to put a pseudo-terminal's link")
    parser.add_argument("--injections", type=int, required=True)
    parser.add_argument("--limit-s", type=float, required=True)
    parser.add_argument("--run-number", type=int, default=1)
    parser.add_argument("--leave-us", type=int, required=True)
    parser.add_argument("--enter-us", type=int, required=True)
    parser.add_argument("--catch-us", type=int, default=0, help="end at an answer as late as this; 0: never")
    parser.add_argument("--switch", type=Path, default=Path(os.devnull), help="gets a 0 in that moment")
    arguments = parser.parse_args(argv)
    name_process("bench-player")
    die_with_parent(arguments.parent)
    catch = None
    if arguments.catch_us:
        catch = Catch(arguments.catch_us, os.open(arguments.switch, os.O_WRONLY))
    player = Player(arguments.wire, Timing(arguments.leave_us, arguments.enter_us), arguments.run_number, catch)
    print("ready", flush=True)
    gc.collect()
    gc.freeze()
    gc.disable()
    rights = become_real_time(WORLD_PRIORITY)
    before = time.process_time()
    player.play(arguments.injections, int(arguments.limit_s * SECOND))
    used_s = time.process_time() - before
    if rights.fifo:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    result = {**player.result(), "fifo": rights.fifo, "problems": rights.problems, "cpu_s": used_s}
    draft = arguments.result.with_suffix(".new")
    draft.write_text(json.dumps(result), encoding="ascii")
    draft.replace(arguments.result)
    # The lines stay until the bench has taken everything down: their end would be one more fault.
    sys.stdin.read()
    player.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
