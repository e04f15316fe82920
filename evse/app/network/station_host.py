"""The machine below a running station: which one it is, what keeps it as it should be, and its name in the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from evse.app.network.charging_network import ChargingNetwork
from evse.app.network.discovery import FAMILY, SERIAL, Discovery, page_addresses
from evse.app.network.ssdp import Ssdp
from evse.app.network.ssdp_text import Device, description
from evse.app.station.station_memory import StationMemory
from evse.services.disk import RealDisk
from evse.services.host.port import Host, host_name_of
from evse.services.host.service import AddressFile, HostService, HostView
from evse.services.host.wifi import trouble
from evse.services.settings.model import Values
from evse.services.settings.service import Actor

DIRECTORY: Final = "host"
SYSTEMD: Final = Path("/etc/systemd")


def host_of(data: Path, interface: str, wifi_interface: str = "", world: str = "") -> Host:
    """The machine. ``interface``: the wired network interface of a device with systemd, ``wifi_interface`` its wireless one,
    empty for none. Without ``interface``: a machine that only remembers what it is asked, as in simulation and on a developer's
    computer; ``world``: the socket of the simulated world around it, empty without one.
    """
    if not interface:
        # Loaded only where it is used, as what talks to systemd is.
        from evse.app.network.wifi_air import WorldAir
        from evse.services.host.simulated import SimulatedHost

        air = WorldAir(world) if world else None
        return SimulatedHost(RealDisk(), data / DIRECTORY / "simulated.json", air=air)
    from evse.services.host.systemd import SystemdHost
    from evse.services.host.wpa_supplicant import WirelessInterface

    # What systemd's services have to read; what has the key only root reads.
    wireless = WirelessInterface(RealDisk(), wifi_interface) if wifi_interface else None
    return SystemdHost(RealDisk(0o644), SYSTEMD, interface, wireless=wireless)


class StationHost:
    """A ``HostPort``. ``network``: what the station is in a charging network. ``bound`` and ``port``: where the page listens."""

    def __init__(
        self,
        host: Host,
        memory: StationMemory,
        data: Path,
        clock: Callable[[], int],
        clock_set: Callable[[], None],
        network: ChargingNetwork,
        bound: str,
        port: int,
    ) -> None:
        file = AddressFile(data / DIRECTORY, RealDisk())
        if memory.reset is not None:
            file.forget()
        settings = memory.settings
        self._service = HostService(host, file, settings, lambda: memory.in_force, clock, clock_set)
        facts = memory.facts
        self._settings, self._serial = settings, facts.serial
        known = {SERIAL: facts.serial, FAMILY: facts.family}
        self._discovery = Discovery(
            *(self._name, bound, port, lambda: {**known, **network.about()}), loopback=network.on_loopback
        )
        self._network = network
        network.changed = self._discovery.news.set
        self._family, self._port = facts.family, port
        self._ssdp = Ssdp(self._device, lambda: page_addresses(bound))
        settings.listen(self._renamed)

    async def run(self) -> None:
        """Keep machine and announcement true, for ever."""
        await asyncio.gather(self._service.run(), self._discovery.run(), self._ssdp.run(), self._network.run())

    def view(self) -> HostView:
        return self._service.view()

    @property
    def problem(self) -> str:
        """What the machine refuses, and what is wrong with the Wi-Fi; empty when nothing."""
        return "; ".join(filter(None, (self._service.problem, trouble(self._service.view().wifi))))

    def announced(self) -> str:
        return self._discovery.announced

    def names(self) -> tuple[str, ...]:
        name = host_name_of(self._name())
        return (name, f"{name}.local")

    def description(self) -> str:
        return description(self._device())

    def _device(self) -> Device:
        return Device(self._name(), self._family, self._serial, self._port)

    def _renamed(self, _values: Values, keys: frozenset[str]) -> None:
        if "general.name" in keys:
            self._discovery.news.set()
            self._ssdp.news.set()

    def _name(self) -> str:
        return str(self._settings.values["general.name"]) or self._serial

    def reached(self, at: str) -> None:
        self._service.reached(at)

    async def set_clock(self, utc_us: int, who: Actor) -> None:
        await self._service.set_clock(utc_us, who)
