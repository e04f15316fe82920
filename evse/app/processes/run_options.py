"""What ``evse run`` is asked for, and how it says that it cannot be done."""

from __future__ import annotations

from typing import Final

from evse.app.processes.trace_writer import DEFAULT_LIMIT_MB
from evse.records import dataclass

BAD_INPUT: Final = 2
"""Exit code for something wrong with what was asked for."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line said. ``port`` ``None``: the default one or the next that is free.

    ``kernel_workers``: with ``fifo``, raise the kernel's workers that carry serial lines too.
    ``supervision``: URL of a central system instead of the profile's. ``maker_keys``: directory of the public keys whose
    firmware is taken, empty for the device's. ``usb``: where a USB stick is mounted, empty for the usual place.
    ``interface``: network interface of this machine that the station's settings configure, ``wifi_interface`` the wireless one,
    empty for none. ``trace``: file to record into, empty for none, of at most ``trace_limit_mb`` megabytes.
    """

    profile: str
    uid: str = ""
    host: str = "127.0.0.1"
    port: int | None = None
    data: str = ""
    fifo: bool = True
    kernel_workers: bool = True
    dumb_front_end: bool = False
    json_output: bool = False
    verbose: bool = False
    supervision: str = ""
    maker_keys: str = ""
    usb: str = ""
    interface: str = ""
    wifi_interface: str = ""
    trace: str = ""
    trace_limit_mb: int = DEFAULT_LIMIT_MB


class RunError(Exception):
    """The station cannot be run; ``code`` is the exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code
