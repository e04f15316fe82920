"""The Wi-Fi card of a station: what it is told, what it works by, and whether it is connected.

EVlink commissioning guide DOCA0060, chapter 3: the card is a bridge for one station, it has the address below the station's,
and takes new settings when it is powered up after 5 s without power. So its settings are two things: those that it was
*given*, and those that it *works by*. While they differ they are *pending*.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Final

from evse.records import dataclass
from evse.services.settings.model import Values

OPEN: Final = "open"


@dataclass(frozen=True, slots=True)
class WifiCard:
    """What a card is told. ``network``: name of the wireless network, empty for none; ``security``: ``wpa2``, ``wpa3``,
    ``open``; ``key``: empty with ``open``, and never shown; ``address``: the card's own.
    """

    network: str
    security: str
    key: str = field(repr=False)
    address: str


class WifiState(StrEnum):
    """How the card stands to the network that it works by."""

    OFF = "off"
    """It works by no network."""
    CONNECTED = "connected"
    CONNECTING = "connecting"
    NO_ACCESS_POINT = "no_access_point"
    OTHER_SECURITY = "other_security"
    WRONG_KEY = "wrong_key"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """Nobody can say: the machine only remembers what the card is told."""


@dataclass(frozen=True, slots=True)
class WifiReport:
    """What a card says. ``network``, ``security``, ``address``: what it works by, empty when that is not known;
    ``pending``: whether it was given something else; ``short_off_us``: length of the last gap in its supply when that was too
    short for it, else 0.
    """

    network: str
    security: str
    address: str
    pending: bool
    state: WifiState
    short_off_us: int = 0


def card_of(values: Values) -> WifiCard | None:
    """What the settings tell the card; ``None`` for a board without one."""
    if "wifi.network" not in values:
        return None
    network, security = str(values["wifi.network"]), str(values["wifi.security"])
    # An open network has no key, whatever is still entered; nor has none at all.
    key = str(values["wifi.key"]) if network and security != OPEN else ""
    return WifiCard(network, security, key, str(values["wifi.address"]))


_WORDS: Final = {
    WifiState.OFF: "no network is set",
    WifiState.CONNECTED: "connected",
    WifiState.CONNECTING: "connecting",
    WifiState.NO_ACCESS_POINT: "not connected: no access point with this name",
    WifiState.OTHER_SECURITY: "not connected: the access point has another security",
    WifiState.WRONG_KEY: "not connected: wrong key",
    WifiState.REFUSED: "not connected: the access point refuses the card",
    WifiState.UNKNOWN: "not known: this machine only remembers what the card is told",
}
_FINE: Final = (WifiState.OFF, WifiState.CONNECTED, WifiState.CONNECTING, WifiState.UNKNOWN)
POWER_CYCLE: Final = "new settings count after 5 s without power"


def told(report: WifiReport) -> str:
    """The report in words, for people; without any secret."""
    words = f"{report.network}: {_WORDS[report.state]}" if report.network else _WORDS[report.state]
    if not report.pending:
        return words
    short = f"; the last cut was {report.short_off_us / 1_000_000:.1f} s" if report.short_off_us else ""
    return f"{words}; {POWER_CYCLE}{short}"


def trouble(report: WifiReport | None) -> str:
    """What somebody has to do something about; empty when nothing is."""
    if report is None or (report.state in _FINE and not report.pending):
        return ""
    return f"Wi-Fi card: {told(report)}"
