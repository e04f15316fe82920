"""What a station asks of the machine it runs on, and a machine that only remembers it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from evse.records import dataclass
from evse.services.disk import Disk
from evse.services.settings.addresses import Addresses
from evse.services.settings.model import Values


class HostError(Exception):
    """The machine did not do what was asked; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class TimePlan:
    """How the machine keeps time. ``server``: NTP server, empty for a clock that is set by hand."""

    zone: str
    server: str = ""


class Host(Protocol):
    """The machine. Every method may block for seconds, can be repeated, and raises ``HostError``."""

    def set_addresses(self, addresses: Addresses) -> None:
        """Use these addresses from now on and after the next start."""
        ...

    def set_time(self, plan: TimePlan) -> None:
        """Keep time like this from now on and after the next start."""
        ...

    def set_clock(self, utc_us: int) -> None:
        """Set the clock once. UTC in microseconds since 1970."""
        ...

    def set_name(self, name: str) -> None:
        """Be known by this name: letters, digits and hyphens."""
        ...

    def utc_ns(self) -> int:
        """What its clock shows, in nanoseconds since 1970. Does not block and raises nothing."""
        ...


class SimulatedHost:
    """A machine of the simulation: keeps what it was asked, and its clock runs beside the real one's.

    ``fails``: why it refuses everything at the moment. With ``disk`` and ``path`` it remembers all that over a restart, as a
    machine does.
    """

    def __init__(
        self, disk: Disk | None = None, path: Path | None = None, real_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.addresses: Addresses | None = None
        self.time: TimePlan | None = None
        self.name = ""
        self.shift_ns = 0
        self.fails = ""
        self._disk, self._path, self._real_ns = disk, path, real_ns
        if disk is not None and path is not None:
            self._recall(disk.read(path) or b"{}")

    def set_addresses(self, addresses: Addresses) -> None:
        self._check()
        self.addresses = addresses
        self._keep()

    def set_time(self, plan: TimePlan) -> None:
        self._check()
        self.time = plan
        if plan.server:
            # A time server has the right time; the simulated one has that of the real machine.
            self.shift_ns = 0
        self._keep()

    def set_clock(self, utc_us: int) -> None:
        self._check()
        self.shift_ns = utc_us * 1_000 - self._real_ns()
        self._keep()

    def set_name(self, name: str) -> None:
        self._check()
        self.name = name
        self._keep()

    def utc_ns(self) -> int:
        return self._real_ns() + self.shift_ns

    def _check(self) -> None:
        if self.fails:
            raise HostError(self.fails)

    def _keep(self) -> None:
        if self._disk is None or self._path is None:
            return
        kept: dict[str, Any] = {"name": self.name, "shift_ns": self.shift_ns}
        kept["addresses"] = None if self.addresses is None else asdict(self.addresses)
        kept["time"] = None if self.time is None else asdict(self.time)
        try:
            self._disk.make_directory(self._path.parent)
            self._disk.replace(self._path, json.dumps(kept, sort_keys=True).encode())
        except OSError as error:
            raise HostError(f"{self._path} cannot be written: {error.strerror or error}") from error

    def _recall(self, data: bytes) -> None:
        """A file that cannot be read is that of a machine on which nothing was set."""
        try:
            kept = json.loads(data)
            self.name, self.shift_ns = str(kept.get("name", "")), int(kept.get("shift_ns", 0))
            if kept.get("addresses"):
                self.addresses = Addresses(**{**kept["addresses"], "dns": tuple(kept["addresses"]["dns"])})
            if kept.get("time"):
                self.time = TimePlan(**kept["time"])
        except (ValueError, TypeError, KeyError, AttributeError):
            self.addresses, self.time, self.name, self.shift_ns = None, None, "", 0


def time_plan_of(values: Values) -> TimePlan:
    """The time keeping that every value of a board comes to."""
    server = str(values["time.ntp_server"]) if values["time.source"] == "ntp" else ""
    return TimePlan(str(values["time.zone"]), server)


def host_name_of(name: str) -> str:
    """A station's name as the name of a machine (RFC 1123): lower-case letters, digits, single hyphens, at most 63."""
    word = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower())
    joined = "-".join(part for part in word.split("-") if part)[:63].strip("-")
    return joined or "evse"
