"""What a THØR is in a charging network: nothing, a slave, or the master (THØR/KEBA P30 configuration manual 120501, 2.2).

The board says what it can be, DSW2.5 whether it takes part, and the settings whether one that can be the master is it. The
update of the slaves is the part of the network that is here.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evse.app.network.browsing import addresses_of_interface
from evse.app.network.discovery import ROLE, page_addresses
from evse.app.station.station_firmware import StationFirmware, vehicle_plugged
from evse.core.dip import DipFunction
from evse.exchange.snapshot import StationView
from evse.services.firmware.neighbours import SlaveFinding
from evse.services.settings.charging_network import is_master
from evse.services.settings.service import Settings

if TYPE_CHECKING:
    # Loaded only where there is one.
    from evse.app.network.slave_desk import SlaveDesk
    from evse.app.network.slave_update import SlaveUpdate

LOOK_S: Final = 1.0
VERSION: Final = "version"


class Communication:
    """Whether DSW2.5 was on at the start, ``None`` before control has read it. Control that restarts is no reason to think otherwise."""

    def __init__(self, latest: Callable[[], StationView | None]) -> None:
        self._latest = latest
        self._on: bool | None = None

    def __call__(self) -> bool | None:
        view = self._latest()
        if view is not None:
            banks = [outlet.dip for outlet in view.outlets if outlet.dip is not None and outlet.dip.at_start]
            self._on = any(DipFunction.COMMUNICATION in dip.on for dip in banks) if banks else self._on
        return self._on


class ChargingNetwork:
    """See the module. ``slave``: what the station offers its master; ``master``: what it does for its slaves.

    ``latest``: the newest Snapshot. ``bound`` and ``port``: where the page listens. ``simulated``: the loopback interface counts as a
    network, where simulated stations find each other. ``interface``: the wired one, through which alone a master looks for its slaves
    (section 2.1.1), empty for whichever there are. ``clock`` is monotonic, in microseconds.
    """

    def __init__(
        self,
        settings: Settings,
        firmware: StationFirmware,
        data: Path,
        latest: Callable[[], StationView | None],
        clock: Callable[[], int],
        bound: str,
        port: int,
        interface: str = "",
        *,
        simulated: bool,
    ) -> None:
        facts = settings.catalogue.facts
        self.changed: Callable[[], None] = lambda: None
        """Called when others have to be told something else."""
        self._settings, self._firmware = settings, firmware
        self._on = Communication(latest)
        self._can_be = facts.charging_network
        self._local = simulated and ipaddress.ip_address(bound).is_loopback
        self.slave: SlaveDesk | None = None
        self.master: SlaveUpdate | None = None
        if self._can_be == "slave":
            from evse.app.network.slave_desk import SlaveDesk

            self.slave = SlaveDesk(
                *(facts.serial, facts.family, firmware, self._on, lambda: vehicle_plugged(latest()), clock)
            )
        elif self._can_be == "master":
            from evse.app.network.slave_update import SlaveUpdate

            self.master = SlaveUpdate(
                *(settings, firmware, data, self._on),
                lambda: addresses_of_interface(interface, page_addresses(bound, self._local)),
                *(port, clock),
            )

    @property
    def role(self) -> str:
        """What the station is in a charging network now: ``slave``, ``master``, or nothing."""
        takes_part = self.slave is not None or (self.master is not None and is_master(self._settings.values))
        return self._can_be if takes_part and self._on() else ""

    def about(self) -> dict[str, str]:
        """What the announcement tells of it."""
        role = self.role
        return {ROLE: role, VERSION: self._firmware.version()} if role else {}

    def on_loopback(self) -> bool:
        """Whether neighbours may be on this machine itself."""
        return self._local and bool(self.role)

    def findings(self) -> tuple[SlaveFinding, ...]:
        """How the firmware of the slaves stands; none where the station has none."""
        return () if self.master is None else self.master.slaves()

    @property
    def problem(self) -> str:
        """What keeps a master from its slaves; empty when nothing does."""
        return "" if self.master is None else self.master.problem

    async def run(self) -> None:
        """Take part, for ever; ends where there is no network."""
        if not self._can_be:
            return
        tasks = [self._watch()]
        if self.master is not None:
            tasks.append(self.master.run())
        await asyncio.gather(*tasks)

    async def _watch(self) -> None:
        told = self.about()
        # A look at switches, settings and version, not a condition that somebody could announce.
        while True:
            if self.about() != told:
                told = self.about()
                self.changed()
            await asyncio.sleep(LOOK_S)
