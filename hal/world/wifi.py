"""The Wi-Fi card of a station and the access point around it: what the air answers to a card that wants to join.

Specification. The card is an accessory that hangs on the station's supply and, by a network cable, on its board. It reads its
settings when it is powered up, and its supply keeps it alive through a gap of less than ``MINIMUM_OFF_US`` (EVlink
commissioning guide DOCA0060, chapter 3, `Hardware reboot`: wait five seconds). What the settings are is the business of the
machine that keeps them; the world knows only what is physical: when the card was powered up, and whether an access point
takes who knocks. There is one access point at most.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Final

from evse.records import dataclass

MINIMUM_OFF_US: Final = 5_000_000
OPEN: Final = "open"
SECURITIES: Final = ("wpa2", "wpa3", OPEN)


class Join(StrEnum):
    """What a card that wants to join a network learns."""

    CONNECTED = "connected"
    NO_ACCESS_POINT = "no_access_point"
    """No access point with this name is heard."""
    OTHER_SECURITY = "other_security"
    WRONG_KEY = "wrong_key"
    REFUSED = "refused"
    """The access point takes nobody, or not this one."""


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """An access point. ``security``: one of ``SECURITIES``; ``key``: empty with ``open``."""

    network: str
    security: str
    key: str = field(repr=False)


class WifiCard:
    """See the module. ``now_us``: when the station, and the card with it, was powered up."""

    def __init__(self, now_us: int) -> None:
        self.access_point: AccessPoint | None = None
        self.refuses = False
        """The access point refuses every device."""
        self.unplugged = False
        """The network cable between station and card is pulled."""
        self.started_us = now_us
        """When the card was powered up after a gap that was long enough, or for the first time."""
        self.short_off_us = 0
        """Length of the last gap that was too short for the card, since then; 0 without one."""
        self._off_us: int | None = None

    def supply(self, on: bool, now_us: int) -> None:
        """The station's supply is there, or is not."""
        if not on:
            self._off_us = now_us if self._off_us is None else self._off_us
            return
        if self._off_us is None:
            return
        gap_us, self._off_us = now_us - self._off_us, None
        if gap_us < MINIMUM_OFF_US:
            self.short_off_us = gap_us
        else:
            self.started_us, self.short_off_us = now_us, 0

    @property
    def silent(self) -> str:
        """Why the station hears nothing from the card; empty when it does."""
        if self._off_us is not None:
            return "it has no supply"
        return "its network cable is pulled" if self.unplugged else ""

    def join(self, network: str, security: str, key: str) -> Join:
        """What a card with these settings learns from the air now."""
        point = self.access_point
        if point is None or point.network != network:
            return Join.NO_ACCESS_POINT
        if point.security != security:
            return Join.OTHER_SECURITY
        if security != OPEN and point.key != key:
            return Join.WRONG_KEY
        return Join.REFUSED if self.refuses else Join.CONNECTED
