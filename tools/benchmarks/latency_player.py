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
from pathlib import Path
from typing import Any, Final

from evse.control.priority import WORLD_PRIORITY, become_real_time, die_with_parent, name_process
from evse.control.process import monotonic_us
from evse.sim.scheduler import Scheduler
from hal.linux.pty import PtyLink
from hal.twins.front_end import FirmwareIdentity, FrontEndTwin
from hal.units import MS, SECOND
from tools.benchmarks.scripted_outlet import ScriptedOutlet, StampedLink, Timing

LONGEST_WAIT_US: Final = SECOND
STALL_US: Final = 3 * MS
"""A wake-up of the bench's own that is later than this is noted with its time."""


class Player:
    """The outlets behind their pseudo-terminals, on one scheduler against the system's monotonic clock."""

    def __init__(self, paths: list[str], timing: Timing, run_number: int) -> None:
        start_us = monotonic_us()
        self._scheduler = Scheduler(start_us=start_us, elide=False)
        self._twins: dict[int, FrontEndTwin] = {}
        self._links: list[PtyLink] = []
        self.outlets: list[ScriptedOutlet] = []
        self.late_us: list[int] = []
        self.stalls_us: list[tuple[int, int]] = []
        for number, path in enumerate(paths, 1):
            link = PtyLink(path)
            stamped = StampedLink(link, monotonic_us)
            stream = random.Random(f"{run_number}/{number}")  # noqa: S311  # reproducible moments, no secret
            outlet = ScriptedOutlet(stamped, self._scheduler, stream, timing)
            firmware = FirmwareIdentity(unique_id=f"BENCH{number:03d}".encode())
            twin = FrontEndTwin(stamped, outlet, self._scheduler, False, firmware=firmware, on_frame=outlet.frame)
            self._scheduler.add(twin, f"outlet-{number}/front-end twin")
            outlet.begin(start_us)
            self._links.append(link)
            self._twins[link.fileno()] = twin
            self.outlets.append(outlet)

    def play(self, injections: int, limit_us: int) -> None:
        """Run until so many injections were answered, at most for ``limit_us``."""
        end_us = monotonic_us() + limit_us
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
        return {"outlets": tallies, "late_us": self.late_us, "stalls_us": self.stalls_us}


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
    arguments = parser.parse_args(argv)
    name_process("bench-player")
    die_with_parent(arguments.parent)
    player = Player(arguments.wire, Timing(arguments.leave_us, arguments.enter_us), arguments.run_number)
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
