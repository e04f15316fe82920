"""What every child process of the supervisor does first.

A child learns by its arguments which file descriptors it has been given, and by one line of JSON on its standard input
what to run: the supervisor starts the processes before it has read the profile, so that both happen at the same time. An
end of standard input instead of that line means that there is nothing to do.

Interrupts from a terminal go to every process of the foreground group; children ignore them, the supervisor decides.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from boards.compiled import CompiledStation, decode_config
from evse.control.priority import die_with_parent, name_process
from evse.control.status_pipe import StatusPipe, log_to_supervisor
from evse.core.config import StationConfig
from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """What to run: the compiled ``config`` file, the ``data`` directory, the ``world``'s socket (empty on hardware) and
    the profile's badge ``strategy`` and ``badges`` (UID, type, comment), and its ``board`` as ``evse.app.page.board_view`` writes it. ``reference``: the profile as others can
    load it, a name or an absolute path. ``supervision``: the central system as ``evse.app.supervision.charge_point_task`` writes it, empty
    without. ``base``: compiled file of what the profile gives without any setting; ``facts``: of the board, as
    ``evse.app.station.station_facts`` writes them. ``maker_keys``: directory of the public keys whose firmware is taken.
    ``usb``: where the system mounts a USB stick. ``interface``: network interface of this machine that
    the settings configure, ``wifi_interface`` the wireless one; empty for none.
    """

    config: str
    data: str
    world: str
    strategy: str
    badges: list[tuple[str, str, str]] = field(default_factory=list)
    board: dict[str, Any] = field(default_factory=dict)
    reference: str = ""
    base: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    maker_keys: str = ""
    interface: str = ""
    wifi_interface: str = ""
    usb: str = ""
    supervision: dict[str, Any] = field(default_factory=dict)

    def line(self) -> bytes:
        """The line that tells a child."""
        return json.dumps(asdict(self)).encode() + b"\n"

    def profile_config(self) -> StationConfig:
        """What the profile gives without any setting. Raises OSError, CompiledConfigError."""
        return decode_config(Path(self.base).read_bytes()).config

    def station(self) -> CompiledStation:
        """Read the configuration. Raises OSError, CompiledConfigError."""
        return decode_config(Path(self.config).read_bytes())


@dataclass(frozen=True, slots=True)
class ChildArguments:
    """``status``: pipe to the supervisor; ``waker``: a descriptor that becomes readable when a signal arrives."""

    status: StatusPipe
    waker: int


def add_child_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that the supervisor gives to every child."""
    parser.add_argument("--parent", type=int, required=True, help="process id of the supervisor")
    parser.add_argument("--status-fd", type=int, default=-1, help="where to report readiness and heartbeats")


def begin_child(name: str, arguments: argparse.Namespace) -> ChildArguments:
    """Tie this process to its supervisor: name, end with the parent, log, signals."""
    name_process(name)
    die_with_parent(arguments.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log_to_supervisor()
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return ChildArguments(StatusPipe(arguments.status_fd), reader)


def wait_for_task() -> Task:
    """What to run. Ends the process when the supervisor has nothing to run."""
    line = sys.stdin.readline().strip()
    if not line:
        sys.exit(0)
    return Task(**json.loads(line))
