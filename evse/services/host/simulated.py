"""A machine of the simulation: it remembers what it was asked, its clock runs beside the real one's, its card has an air."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from evse.records import dataclass
from evse.services.disk import Disk
from evse.services.host.port import HostError, TimePlan
from evse.services.host.wifi import WifiCard, WifiReport, WifiState
from evse.services.settings.addresses import Addresses


@dataclass(frozen=True, slots=True)
class Heard:
    """What a card hears. ``power_up``: names the card's present life, a new one after each gap that was long enough;
    ``short_off_us``: length of a gap since then that was not, else 0.
    """

    power_up: str
    state: WifiState
    short_off_us: int = 0


class Air(Protocol):
    """What is around the card: its supply, and the access point."""

    def hear(self, card: WifiCard) -> Heard:
        """A card that works by these settings tries to join. Raises ``HostError`` when the card does not answer."""
        ...


class NoAir:
    """Nobody knows what the card would hear; it is powered up with whoever made this."""

    def __init__(self) -> None:
        self._name = str(time.time_ns())

    def hear(self, card: WifiCard) -> Heard:
        return Heard(self._name, WifiState.UNKNOWN)


class SimulatedHost:
    """See the module. ``fails``: why it refuses everything at the moment. With ``disk`` and ``path`` it remembers over a
    restart, as a machine does; the file has the card's key and is its owner's only.
    """

    def __init__(
        self,
        disk: Disk | None = None,
        path: Path | None = None,
        real_ns: Callable[[], int] = time.time_ns,
        air: Air | None = None,
    ) -> None:
        self._forget()
        self.fails = ""
        self._disk, self._path, self._real_ns = disk, path, real_ns
        self.air = air or NoAir()
        if disk is not None and path is not None:
            self._recall(disk.read(path) or b"{}")

    def _forget(self) -> None:
        self.addresses: Addresses | None = None
        self.time: TimePlan | None = None
        self.name = ""
        self.shift_ns = 0
        self.card: WifiCard | None = None
        """What the card was given."""
        self.card_runs: WifiCard | None = None
        """What it works by."""
        self._power_up = ""

    def set_addresses(self, addresses: Addresses) -> None:
        self._check()
        self.addresses = addresses
        self._keep()

    def set_wifi(self, card: WifiCard) -> None:
        self._check()
        self._hear(card)
        self.card = card
        # A card that nobody has told anything is as delivered: the factory's settings are no change.
        self.card_runs = self.card_runs or card
        self._keep()

    def wifi(self) -> WifiReport:
        self._check()
        card, runs = self.card, self.card_runs
        if card is None or runs is None:
            raise HostError("the Wi-Fi card was told nothing yet")
        heard = self._hear(runs)
        runs = self.card_runs or runs
        state = heard.state if runs.network else WifiState.OFF
        return WifiReport(runs.network, runs.security, runs.address, runs != card, state, heard.short_off_us)

    def _hear(self, card: WifiCard) -> Heard:
        """What a card with these settings hears; a card that was powered up takes what it was given, and hears again."""
        heard = self.air.hear(card)
        if heard.power_up == self._power_up:
            return heard
        taken, self._power_up = self.card_runs != self.card, heard.power_up
        self.card_runs = self.card
        self._keep()
        return self.air.hear(self.card) if taken and self.card is not None else heard

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
        kept: dict[str, Any] = {"name": self.name, "shift_ns": self.shift_ns, "power_up": self._power_up}
        for name in ("addresses", "time", "card", "card_runs"):
            value = getattr(self, name)
            kept[name] = None if value is None else asdict(value)
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
            self._power_up = str(kept.get("power_up", ""))
            if kept.get("addresses"):
                self.addresses = Addresses(**{**kept["addresses"], "dns": tuple(kept["addresses"]["dns"])})
            if kept.get("time"):
                self.time = TimePlan(**kept["time"])
            self.card, self.card_runs = (
                WifiCard(**kept[name]) if kept.get(name) else None for name in ("card", "card_runs")
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            self._forget()
