"""What a station asks of the machine it runs on, and a machine that only remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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


class SimulatedHost:
    """A machine of the simulation: keeps what it was asked. ``fails``: why it refuses everything at the moment."""

    def __init__(self) -> None:
        self.addresses: Addresses | None = None
        self.time: TimePlan | None = None
        self.clock_us: int | None = None
        self.name = ""
        self.fails = ""

    def set_addresses(self, addresses: Addresses) -> None:
        self._check()
        self.addresses = addresses

    def set_time(self, plan: TimePlan) -> None:
        self._check()
        self.time = plan

    def set_clock(self, utc_us: int) -> None:
        self._check()
        self.clock_us = utc_us

    def set_name(self, name: str) -> None:
        self._check()
        self.name = name

    def _check(self) -> None:
        if self.fails:
            raise HostError(self.fails)


def time_plan_of(values: Values) -> TimePlan:
    """The time keeping that every value of a board comes to."""
    server = str(values["time.ntp_server"]) if values["time.source"] == "ntp" else ""
    return TimePlan(str(values["time.zone"]), server)


def host_name_of(name: str) -> str:
    """A station's name as the name of a machine (RFC 1123): lower-case letters, digits, single hyphens, at most 63."""
    word = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower())
    joined = "-".join(part for part in word.split("-") if part)[:63].strip("-")
    return joined or "evse"
