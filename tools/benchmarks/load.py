"""Load for the machine while a benchmark runs: ``python -m tools.benchmarks.load KIND``, started by the bench only.

``busy``   computes for ever at normal priority
``page``   asks the station's page, its state and its records over HTTP, so many times a second
``probe``  does nothing but wake every 2 ms on one core, above every FIFO priority of the station, and notes when it was late:
           what the machine itself (other virtual machines, interrupts) takes from everybody
``disk``   writes small pieces to a file and waits each time until they are on the disk

Every one of them ends by itself after ``--limit-s`` and with its parent.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from evse.control.priority import WORLD_PRIORITY, become_real_time, die_with_parent, name_process
from evse.control.process import monotonic_us

PAGES: Final = ("", "api/station", "api/records", "api/events")
PROBE_PRIORITY: Final = WORLD_PRIORITY + 10
PROBE_EVERY_US: Final = 2_000
PROBE_STALL_US: Final = 3_000
_ROOT: Final = Path(__file__).resolve().parents[2]


class Load:
    """The load's processes. A context manager that ends them."""

    def __init__(self, limit_s: float) -> None:
        """``limit_s``: they end by themselves after this time, whatever happens to the bench."""
        self._limit_s = limit_s
        self._processes: list[subprocess.Popen[bytes]] = []

    def add(self, kind: str, *arguments: str, count: int = 1) -> None:
        """Start ``count`` processes of one kind."""
        command = [sys.executable, "-m", "tools.benchmarks.load", kind, "--parent", str(os.getpid()),
                   "--limit-s", str(self._limit_s), *arguments]  # fmt: skip
        for _ in range(count):
            self._processes.append(subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL))

    def ended(self) -> int:
        """How many of them no longer run."""
        return sum(process.poll() is not None for process in self._processes)

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()


def busy(end: float) -> None:
    """Compute, with some memory traffic."""
    block = bytearray(1 << 20)
    while time.monotonic() < end:
        for index in range(0, len(block), 4096):
            block[index] = (block[index] + 1) & 0xFF
        block = bytearray(block)


def page(end: float, url: str, rate: float) -> None:
    """Ask one page after the other; a request that fails or takes long is not made up for."""
    number = 0
    next_at = time.monotonic()
    while (now := time.monotonic()) < end:
        if now < next_at:
            time.sleep(next_at - now)
        next_at = max(next_at + 1 / rate, time.monotonic() - 1)
        try:
            with urllib.request.urlopen(url + PAGES[number % len(PAGES)], timeout=2) as answer:  # noqa: S310
                answer.read()
        except (urllib.error.URLError, OSError):
            pass  # a page that does not come loads the machine no less
        number += 1


def disk(end: float, path: Path, rate: float) -> None:
    """Append and synchronise; the file stays below a megabyte."""
    with path.open("wb", buffering=0) as file:
        while time.monotonic() < end:
            if file.tell() > 1 << 20:
                file.seek(0)
            file.write(os.urandom(512))
            os.fsync(file.fileno())
            time.sleep(1 / rate)


def probe(end: float, path: Path, core: int) -> None:
    """Note each wake-up that was late by more than 3 ms: when it was due and when it came, in microseconds."""
    os.sched_setaffinity(0, {core})
    become_real_time(PROBE_PRIORITY)
    with path.open("w", buffering=1, encoding="ascii") as file:
        due_us = monotonic_us()
        while time.monotonic() < end:
            due_us = max(due_us + PROBE_EVERY_US, monotonic_us() - PROBE_EVERY_US)
            time.sleep(max(due_us - monotonic_us(), 0) / 1e6)
            now_us = monotonic_us()
            if now_us > due_us + PROBE_STALL_US:
                file.write(f"{due_us} {now_us}\n")


def read_probe(path: Path) -> list[tuple[int, int]]:
    """What a probe has noted so far."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    pairs = [line.split() for line in lines]
    return [(int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2]


def main(argv: list[str] | None = None) -> int:
    """Make load until the time is over; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.load", description=__doc__)
    parser.add_argument("kind", choices=["busy", "page", "disk", "probe"])
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--limit-s", type=float, required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--path", type=Path, default=Path("load"))
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--rate", type=float, default=20.0, help="times a second")
    arguments = parser.parse_args(argv)
    name_process(f"bench-{arguments.kind}")
    die_with_parent(arguments.parent)
    end = time.monotonic() + arguments.limit_s
    match arguments.kind:
        case "busy":
            busy(end)
        case "probe":
            probe(end, arguments.path, arguments.core)
        case "page":
            page(end, arguments.url, arguments.rate)
        case _:
            disk(end, arguments.path, arguments.rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
