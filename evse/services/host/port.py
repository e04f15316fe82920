"""What a station asks of the machine it runs on."""

from __future__ import annotations

from typing import Protocol

from evse.records import dataclass
from evse.services.host.wifi import WifiCard, WifiReport
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

    def set_wifi(self, card: WifiCard) -> None:
        """Give the Wi-Fi card these settings: it works by them when it is next powered up, and at each start after that."""
        ...

    def wifi(self) -> WifiReport:
        """What the Wi-Fi card works by now, and whether it is connected. ``HostError`` when it does not answer."""
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


def time_plan_of(values: Values) -> TimePlan:
    """The time keeping that every value of a board comes to."""
    server = str(values["time.ntp_server"]) if values["time.source"] == "ntp" else ""
    return TimePlan(str(values["time.zone"]), server)


def host_name_of(name: str) -> str:
    """A station's name as the name of a machine (RFC 1123): lower-case letters, digits, single hyphens, at most 63."""
    word = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower())
    joined = "-".join(part for part in word.split("-") if part)[:63].strip("-")
    return joined or "evse"
