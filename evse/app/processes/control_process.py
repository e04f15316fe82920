"""The control process: ``python -m evse.app.processes.control_process``, started by the supervisor only.

It reads one compiled configuration, opens the wires, connects to services and runs the loop. What it imports is what it
keeps in memory: no YAML, no schema, no web.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial

from boards.assemble import assemble, listen
from boards.compiled import CompiledStation, WireSpec
from evse.app.processes.child import ChildArguments, add_child_arguments, begin_child, wait_for_task
from evse.app.processes.trace_feed import TraceFeed
from evse.control.cycle import ControlCycle
from evse.control.latency import LatencyMonitor
from evse.control.priority import CONTROL_PRIORITY, Rights, become_real_time
from evse.control.process import ControlLoop, monotonic_us
from evse.control.recording import RecordedCycle, Recorder, recorded_wires
from evse.control.wire_watch import WireWatch
from evse.exchange.channel import ControlChannel, connect_to
from hal.linux.serial_port import SerialPortLink

_log = logging.getLogger(__name__)


def new_boot_id() -> str:
    """A name for this life of control that no other has."""
    return os.urandom(6).hex()


def build(
    station: CompiledStation,
    exchange_path: str,
    rights: Rights,
    child: ChildArguments,
    recorder: Recorder | None = None,
) -> ControlLoop:
    """Everything control consists of, on real serial lines. ``recorder``: notes all that goes in and comes out."""
    links: list[SerialPortLink] = []

    def open_wire(wire: WireSpec) -> SerialPortLink:
        link = SerialPortLink(wire.path, wire.baud)
        links.append(link)
        return link

    board = assemble(station.wires, open_wire if recorder is None else recorded_wires(open_wire, recorder))
    tell_of_unopened(station, links, monotonic_us())
    boot_id = new_boot_id()
    channel = ControlChannel(boot_id, connect_to(exchange_path), WireWatch(partial(listen, board, station.wires)))
    if recorder is None:
        cycle = ControlCycle(board, station.config, boot_id, channel, monotonic_us())
    else:
        cycle = RecordedCycle(board, station.wires, station.config, boot_id, channel, monotonic_us(), recorder)
    latency = LatencyMonitor(fifo=rights.fifo)
    return ControlLoop(cycle, board, channel, links, child.status, latency, (child.waker,))


def tell_of_unopened(station: CompiledStation, links: Sequence[SerialPortLink], now_us: int) -> None:
    """One line on the console for each device that cannot be opened; the drivers go on trying."""
    names = {wire.path: wire.name for wire in station.wires.wires()}
    for link in links:
        problem = link.open_now(now_us)
        if problem:
            _log.warning("%s: %s", names[link.path], problem)


def _recorder(fd: int) -> Recorder | None:
    if fd < 0:
        return None
    feed = TraceFeed(fd)
    return Recorder(feed.note, feed.flush, with_events=True)


def main(argv: list[str] | None = None) -> int:
    """Run control until SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="evse.app.processes.control_process", description=__doc__)
    add_child_arguments(parser)
    parser.add_argument("--exchange", required=True, help="socket of services")
    parser.add_argument("--fifo", action="store_true", help="take FIFO priority when permitted")
    parser.add_argument("--trace-fd", type=int, default=-1, help="socket of the trace's writer")
    arguments = parser.parse_args(argv)
    child = begin_child("evse-control", arguments)
    station = wait_for_task().station()
    rights = become_real_time(CONTROL_PRIORITY) if arguments.fifo else Rights(False, False, ("switched off",))
    loop = build(station, arguments.exchange, rights, child, _recorder(arguments.trace_fd))
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    child.status.send({"ready": True, "fifo": rights.fifo, "locked": rights.locked, "problems": rights.problems})
    loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
