"""``tools/bench``: measures the product against its goals (``docs/performance.md``).

Exit codes: 0 all goals met, 1 a goal missed (or, for ``day --full``, traces that differ), 2 wrong arguments or a station that
does not run, 3 something that was to be judged could not be measured on this machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evse.core.units import MS
from tools.benchmarks.figures import Report, tell
from tools.benchmarks.kernel_trace import TraceRefusedError
from tools.benchmarks.latency_station import StationFailed
from tools.benchmarks.running import NotSeen

FAILED = 2
INTERRUPTED = 130


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def _share(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError("from 0 to 100")
    return value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    every = argparse.ArgumentParser(add_help=False)
    every.add_argument("--json", action="store_true", help="everything as JSON")
    top = argparse.ArgumentParser(prog="tools/bench", description="Measures the product against its goals.")
    benches = top.add_subparsers(dest="bench", required=True)
    text = "from the frame that reports a cause to the OPEN frame, under load"
    latency = benches.add_parser("latency", parents=[every], help=text, description=text)
    latency.add_argument("--injections", type=_count, default=20_000, help="with FIFO priority (default 20000)")
    latency.add_argument("--share", type=_share, default=15, help="percent of them also without FIFO (default 15)")
    latency.add_argument("--no-fifo", action="store_true", help="only without FIFO priority")
    latency.add_argument(
        "--no-kernel-workers",
        action="store_true",
        help="leave the kernel's workers for serial lines at normal priority, to see what raising them does",
    )
    latency.add_argument("--busy", type=_count, default=2, help="busy processes per core (default 2)")
    latency.add_argument(
        "--catch-ms",
        type=_count,
        help="trace the kernel (root only) and end at the first answer as late as this, net of the debounce",
    )
    latency.add_argument(
        "--catch-to", type=Path, default=Path("slow-answers"), help="directory for its trace and frames"
    )
    text = "processor time of a virtual station-day with four sessions"
    day = benches.add_parser("day", parents=[every], help=text, description=text)
    day.add_argument("--runs", type=_count, default=7, help="runs of which the median counts (default 7)")
    day.add_argument("--full", action="store_true", help="also without elision; the traces must be equal")
    text = "times and memory of a start"
    start = benches.add_parser("start", parents=[every], help=text, description=text)
    start.add_argument("--runs", type=_count, default=5, help="cold starts (default 5)")
    text = "control and services killed: when the contact opens, whether a record is lost"
    kill = benches.add_parser("kill", parents=[every], help=text, description=text)
    kill.add_argument("--times", type=_count, default=10, help="each way so often (default 10)")
    text = "`evse sim` of a session of each board, and the speed of random stories"
    sim = benches.add_parser("sim", parents=[every], help=text, description=text)
    sim.add_argument("--runs", type=_count, default=3, help="calls of each scenario (default 3)")
    text = "what supervision costs: per message, per idle hour, connected and idle"
    ocpp = benches.add_parser("ocpp", parents=[every], help=text, description=text)
    ocpp.add_argument("--messages", type=_count, default=6_000, help="messages measured (default 6000)")
    text = "import of 1000 badges and export of 3000 records beside a charge"
    lists = benches.add_parser("lists", parents=[every], help=text, description=text)
    lists.add_argument("--times", type=_count, default=5, help="each so often (default 5)")
    return top


def run(arguments: argparse.Namespace) -> Report:
    """Run the wanted benchmark. Raises StationFailed, NotSeen."""
    # Each imports what it measures, which is a lot.
    match arguments.bench:
        case "latency":
            from tools.benchmarks import latency

            options = latency.LatencyOptions(
                arguments.injections,
                arguments.share,
                not arguments.no_fifo,
                not arguments.no_kernel_workers,
                arguments.busy,
                catch_us=(arguments.catch_ms or 0) * MS,
                catch_to=arguments.catch_to,
            )
            return latency.measure(options)
        case "day":
            from tools.benchmarks import day

            return day.measure(runs=arguments.runs, full=arguments.full)
        case "start":
            from tools.benchmarks import start

            return start.measure(arguments.runs)
        case "sim":
            from tools.benchmarks import sim

            return sim.measure(arguments.runs)
        case "ocpp":
            from tools.benchmarks import supervision

            return supervision.measure(arguments.messages)
        case "lists":
            from tools.benchmarks import lists

            return lists.measure(arguments.times)
        case _:
            from tools.benchmarks import kill

            return kill.measure(arguments.times)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark; returns the exit code."""
    arguments = parser().parse_args(argv)
    try:
        report = run(arguments)
    except (StationFailed, NotSeen, TraceRefusedError) as error:
        tell(str(error))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    report.show(as_json=arguments.json)
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
