"""``tools/bench latency``: from the STATE frame that reports a cause to the OPEN frame, with real processes.

One *round* is: a station under test (control and services), a player (two scripted outlets behind pseudo-terminals, see
``scripted_outlet``), load, a number of injections. Rounds with and without FIFO priority of control alternate, so that both
see the same machine. Only control's priority differs; the player always takes the highest it may have.

Goals are judged on all rounds with FIFO together, net of the debounce, prevented injections included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from evse.core.config import StationConfig
from evse.core.units import MS
from tools.benchmarks.figures import HEAD, Distribution, Goal, Report, distribution, tell
from tools.benchmarks.kernel_trace import KernelTrace
from tools.benchmarks.latency_station import StationFailed, StationUnderTest, bench_config
from tools.benchmarks.load import Load, read_probe
from tools.benchmarks.scripted_outlet import DEBOUNCED, Cause

GOAL_P999_MS: Final = 20.0
GOAL_MAX_MS: Final = 40.0
ROUND: Final = 2_500
"""Injections in one round with FIFO."""
SLOWEST_RATE: Final = 4
"""Injections a second that are always reached; what takes longer is ended."""
START_S: Final = 15
PAGES_A_SECOND: Final = 20
SLOWEST_TOLD: Final = 10
BEFORE_US: Final = 200 * MS
"""What is kept of the time before a caught answer."""
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class LatencyOptions:
    """``injections`` with FIFO (without it when ``fifo`` is false); ``share`` of them without FIFO, in percent."""

    injections: int = 20_000
    share: int = 15
    fifo: bool = True
    kernel_workers: bool = True
    """With FIFO, raise the kernel's workers that carry serial lines, as the product does."""
    busy: int = 2
    run_number: int = 1
    catch_us: int = 0
    """End at the first answer as late as this and keep the kernel's account of it; 0: never."""
    catch_to: Path = Path()
    """Directory for it."""


@dataclass(slots=True)
class Measured:
    """What was measured with one priority, over all its rounds."""

    latencies_us: dict[Cause, list[int]] = field(default_factory=lambda: {cause: [] for cause in Cause})
    """Net of the debounce."""
    prevented_us: list[int] = field(default_factory=list)
    reclosings_us: list[int] = field(default_factory=list)
    late_us: list[int] = field(default_factory=list)
    machine_us: list[int] = field(default_factory=list)
    """How late the probes were, where that was more than 3 ms."""
    slow: list[tuple[int, str]] = field(default_factory=list)
    """How late each slow answer was, and by what."""
    stuck_in: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    workers: set[str] = field(default_factory=set)
    """How the kernel's workers were, in words."""
    rounds: int = 0
    seconds: float = 0.0

    @property
    def all_us(self) -> list[int]:
        """Every injection, those that never could be made included."""
        return [value for values in self.latencies_us.values() for value in values] + self.prevented_us

    def add(self, result: dict[str, Any], debounce_us: int) -> None:
        """Add one round's result."""
        for outlet in result["outlets"]:
            for cause in Cause:
                less_us = debounce_us if cause in DEBOUNCED else 0
                self.latencies_us[cause] += [value - less_us for value in outlet["latencies_us"][cause.value]]
            self.prevented_us += outlet["prevented_us"]
            self.reclosings_us += outlet["reclosings_us"]
            self.stuck_in += outlet["stuck_in"]
            for name in ("slots", "passed", "lost", "unexpected", "lease_ends", "stuck"):
                self.counts[name] = self.counts.get(name, 0) + outlet[name]
        self.late_us += result["late_us"]
        self.machine_us += [end_us - begin_us for begin_us, end_us in result["probe_us"]]
        self._explain(result)
        for name in ("sessions", "player_fifo", "late_cycles"):
            self.counts[name] = self.counts.get(name, 0) + int(result[name])
        self.workers.add(result["workers"])
        self.rounds += 1
        self.seconds += result["seconds"]

    def _explain(self, result: dict[str, Any]) -> None:
        """Count slow answers by what stood still meanwhile: the machine, else the bench, else nothing that is known."""
        for outlet in result["outlets"]:
            for begin_us, end_us in outlet["slow_us"]:
                why = "slow"
                if _overlaps(begin_us, end_us, result["probe_us"]):
                    why = "slow_with_machine"
                elif _overlaps(begin_us, end_us, result["stalls_us"]):
                    why = "slow_with_bench"
                self.counts[why] = self.counts.get(why, 0) + 1
                self.slow.append((end_us - begin_us, why))


def _overlaps(begin_us: int, end_us: int, stalls: list[list[int]]) -> bool:
    return any(stall[0] < end_us and begin_us < stall[1] for stall in stalls)


def plan(options: LatencyOptions) -> list[tuple[bool, int]]:
    """The rounds: whether with FIFO, and how many injections."""
    rounds = []
    left, without = options.injections, 0
    while left > 0:
        count = min(ROUND, left)
        left -= count
        rounds.append((options.fifo, count))
        without += count * options.share
        if options.fifo and without >= 100:
            rounds.append((False, without // 100))
            without %= 100
    return rounds


def play_round(
    config: StationConfig, options: LatencyOptions, *, fifo: bool, count: int, number: int
) -> dict[str, Any]:
    """One round; returns the player's result with what the station says of itself. Raises StationFailed."""
    limit_s = count / SLOWEST_RATE + START_S
    begin = time.monotonic()
    tracing = KernelTrace() if options.catch_us else nullcontext()
    with (
        tracing as trace,
        StationUnderTest(config, fifo=fifo, kernel_workers=options.kernel_workers) as station,
        Load(limit_s + 60) as load,
    ):
        result_path = station.home / "result.json"
        pilot = config.outlets[0].pilot
        command = [sys.executable, "-m", "tools.benchmarks.latency_player", "--parent", str(os.getpid()),
                   "--result", str(result_path), "--injections", str(count), "--limit-s", str(limit_s),
                   "--run-number", str(number), "--leave-us", str(pilot.leave_energised_us),
                   "--enter-us", str(pilot.enter_energised_us)]  # fmt: skip
        for wire in station.wires:
            command += ["--wire", wire]
        if trace is not None:
            command += ["--catch-us", str(options.catch_us), "--switch", str(trace.switch)]
        with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as player:
            try:
                assert player.stdout is not None  # noqa: S101  # asked for a pipe
                player.stdout.readline()
                station.start()
                ready = station.control.ready or {}
                if fifo and not ready.get("fifo"):
                    raise NoFifoError("; ".join(ready.get("problems", ())))
                if trace is not None:
                    trace.follow((station.control.pid, player.pid))
                load.add("busy", count=options.busy * len(os.sched_getaffinity(0)))
                for core in os.sched_getaffinity(0):
                    load.add("probe", "--core", str(core), "--path", str(station.home / f"probe-{core}"))
                load.add("page", "--url", station.url, "--rate", str(PAGES_A_SECOND))
                load.add("disk", "--path", str(station.home / "disk"))
                while not result_path.exists():
                    station.listen(0.5)
                    if player.poll() is not None:
                        raise StationFailed(f"the player ended with {player.returncode}")
                    if time.monotonic() > begin + limit_s + 60:
                        raise StationFailed("the player does not come to an end")
                if load.ended():
                    raise StationFailed("some of the load ended too soon")
                result = _with_station(json.loads(result_path.read_text(encoding="ascii")), station, begin)
                if trace is not None:
                    keep_caught(result, trace, station, options.catch_to)
                return result
            finally:
                player.kill()


def _with_station(result: dict[str, Any], station: StationUnderTest, begin: float) -> dict[str, Any]:
    records = station.ask("api/records?limit=1") or [{"number": 0}]
    probes = [read_probe(path) for path in sorted(station.home.glob("probe-*"))]
    latency = (station.ask("api/station") or {}).get("latency") or {}
    return {
        **result,
        "sessions": records[0]["number"],
        "late_cycles": latency.get("late_cycles", latency.get("late", 0)),
        "player_fifo": result["fifo"],
        "workers": station.workers,
        "probe_us": [stall for stalls in probes for stall in stalls],
        "seconds": time.monotonic() - begin,
    }


def keep_caught(result: dict[str, Any], trace: KernelTrace, station: StationUnderTest, to: Path) -> None:
    """Write what is known of a caught slow answer to the directory ``to``; nothing when none was caught."""
    caught = result["caught"]
    if not caught:
        return
    to.mkdir(parents=True, exist_ok=True)
    begin_us = caught["owed_us"] - BEFORE_US
    name = f"slow-{caught['owed_us']}"
    lines = trace.save(to / f"{name}.trace", begin_us, caught["opened_us"] + MS)
    about = {
        **caught,
        "pids": {child.name: child.pid for child in station.children},
        "log": station.log,
        "probe_us": [each for each in result["probe_us"] if each[1] > begin_us],
        "stalls_us": [each for each in result["stalls_us"] if each[1] > begin_us],
    }
    (to / f"{name}.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    late_ms = (caught["opened_us"] - caught["owed_us"]) / MS
    tell(f"caught an answer of {late_ms:.1f} ms: {to / name}.trace ({lines} lines) and .json")


class NoFifoError(Exception):
    """FIFO priority is not permitted here; the text says why."""


def measure(options: LatencyOptions) -> Report:
    """Run all rounds and judge them. Raises StationFailed."""
    config = bench_config()
    debounce_us = config.outlets[0].pilot.leave_energised_us
    found: dict[bool, Measured] = {}
    problem = ""
    rounds = plan(options)
    for number, (fifo, count) in enumerate(rounds, options.run_number):
        if fifo and problem:
            continue
        try:
            result = play_round(config, options, fifo=fifo, count=count, number=number)
        except NoFifoError as error:
            problem = f"FIFO priority is not permitted here ({error})"
            tell(problem)
            continue
        found.setdefault(fifo, Measured()).add(result, debounce_us)
        what = "with" if fifo else "without"
        worst_ms = max(found[fifo].all_us, default=0) / MS
        tell(f"round {number} of {len(rounds)}, {what} FIFO: {result['seconds']:.0f} s, worst so far {worst_ms:.1f} ms")
        if result["caught"]:
            break
    return report(found, debounce_us, options, problem)


def report(found: dict[bool, Measured], debounce_us: int, options: LatencyOptions, problem: str) -> Report:
    """Figures, goals and data of what was measured."""
    made = Report("latency")
    made.lines.append(
        f"from the reporting STATE to OPEN, net of the debounce ({debounce_us / MS:g} ms for s2 and pilot, none for "
        f"residual); load: {options.busy} busy processes per core, {PAGES_A_SECOND} pages/s, sessions, disk"
    )
    if problem:
        made.lines.append(problem)
    for fifo, measured in sorted(found.items(), reverse=True):
        made.lines += _lines("with FIFO" if fifo else "without FIFO", measured)
        made.data["with_fifo" if fifo else "without_fifo"] = _data(measured)
    judged = found.get(True)
    total = None if judged is None else distribution(judged.all_us)
    made.goals = [
        Goal("p99.9 with FIFO", "ms", GOAL_P999_MS, None if total is None else total.p999_us / MS),
        Goal("max with FIFO", "ms", GOAL_MAX_MS, None if total is None else total.max_us / MS),
    ]
    made.data["debounce_us"] = debounce_us
    made.data["options"] = {**asdict(options), "catch_to": str(options.catch_to)}
    made.data["problem"] = problem
    return made


def _rows(measured: Measured) -> list[tuple[str, Distribution | None]]:
    return [
        *((cause.value, distribution(measured.latencies_us[cause])) for cause in Cause),
        ("prevented", distribution(measured.prevented_us)),
        ("together", distribution(measured.all_us)),
        ("reclosing", distribution(measured.reclosings_us)),
        ("bench itself", distribution(measured.late_us)),
        ("machine > 3 ms", distribution(measured.machine_us)),
    ]


def _lines(title: str, measured: Measured) -> list[str]:
    lines = [f"{title:<16} {HEAD}   kernel's workers {', '.join(sorted(measured.workers))}"]
    for name, figures in _rows(measured):
        lines.append(f"  {name:<14} {'0' if figures is None else f'{figures.count:>7} {figures.text()}':>7}")
    counts = measured.counts
    rate = (counts.get("slots", 0) - counts.get("passed", 0)) / max(measured.seconds, 0.001)
    lines.append(
        f"  {measured.rounds} rounds, {measured.seconds:.0f} s, {rate:.0f} injections/s, "
        + ", ".join(f"{name} {value}" for name, value in counts.items())
    )
    if measured.slow:
        slowest = sorted(measured.slow, reverse=True)[:SLOWEST_TOLD]
        lines.append("  slowest: " + ", ".join(f"{late_us / MS:.1f} ms {why}" for late_us, why in slowest))
    return lines


def _data(measured: Measured) -> dict[str, Any]:
    figures = {name: None if found is None else asdict(found) for name, found in _rows(measured)}
    return {
        "figures": figures,
        "counts": measured.counts,
        "slow": sorted(measured.slow, reverse=True),
        "stuck_in": measured.stuck_in,
        "workers": sorted(measured.workers),
        "rounds": measured.rounds,
        "seconds": measured.seconds,
    }
