"""Finds the slaves of a charging network by their announcements (mDNS, RFC 6763): serial number, address, port.

An announcement is a stranger's word: it counts only for an address of one of our own networks, and only so many are looked at.
The library is loaded only where somebody searches.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evse.app.network.discovery import FAMILY, ROLE, SERIAL, SERVICE
from evse.services.settings.charging_network import named_slave

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

KNOWN_LIMIT: Final = 200
"""Web services in the network of which we ask for more."""
_ASK_MS: Final = 3_000


class Place(NamedTuple):
    """Where a station is reached."""

    address: str
    port: int


class Browser:
    """Keeps ``found`` true while it is open: places of the slaves of ``family`` by their serial numbers. ``news``: set at each change."""

    def __init__(self, family: str, news: asyncio.Event) -> None:
        self._family = family
        self._news = news
        self._names: dict[str, tuple[str, Place] | None] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._addresses: tuple[str, ...] = ()
        self._networks: tuple[ipaddress.IPv4Network, ...] = ()

    @property
    def found(self) -> dict[str, Place]:
        """Whom others are heard of, now."""
        return dict(sorted(each for each in self._names.values() if each is not None))

    async def search(self, addresses: tuple[str, ...]) -> None:
        """Search from these own addresses; from none: no more. Raises ``OSError`` when the network does not let us."""
        if addresses == self._addresses:
            return
        await self.close()
        if not addresses:
            return
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

        self._networks = await asyncio.to_thread(networks_of, addresses)
        try:
            self._zeroconf = AsyncZeroconf(interfaces=list(addresses))
            self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, SERVICE, handlers=[self._changed])
        except Exception as error:  # whatever the library makes of a network that does not let us
            await self.close()
            raise OSError(f"the network cannot be searched: {error}") from error
        self._addresses = addresses

    async def close(self) -> None:
        """Search no more."""
        for task in self._asking.values():
            task.cancel()
        self._asking.clear()
        self._again.clear()
        zeroconf, self._zeroconf = self._zeroconf, None
        browser, self._browser = self._browser, None
        self._addresses = ()
        self._names.clear()
        if browser is not None:
            await browser.async_cancel()
        if zeroconf is not None:
            await zeroconf.async_close()

    def _changed(self, zeroconf: Any, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        """Called by the library on the event loop."""
        if state_change.name == "Removed":
            if self._names.pop(name, None) is not None:
                self._news.set()
            return
        if name not in self._names and len(self._names) >= KNOWN_LIMIT:
            return
        self._names.setdefault(name, None)
        # One question for each name at a time, however often its announcement changes meanwhile.
        self._again.add(name)
        if name not in self._asking:
            ask = self._ask(zeroconf, service_type, name)
            self._asking[name] = asyncio.get_running_loop().create_task(ask, name="who is in the network")

    async def _ask(self, zeroconf: Any, service_type: str, name: str) -> None:
        from zeroconf.asyncio import AsyncServiceInfo

        while name in self._again:
            self._again.discard(name)
            info = AsyncServiceInfo(service_type, name)
            if await info.async_request(zeroconf, _ASK_MS) and name in self._names:
                self._names[name] = self._slave(info)
                self._news.set()
        self._asking.pop(name, None)

    def _slave(self, info: AsyncServiceInfo) -> tuple[str, Place] | None:
        about = {key: value or "" for key, value in info.decoded_properties.items()}
        named = named_slave(about.get(SERIAL, ""))
        if named is None or named[1] or (about.get(FAMILY), about.get(ROLE)) != (self._family, "slave"):
            return None
        for address in info.parsed_addresses():
            if info.port and is_near(address, self._networks):
                return named[0], Place(address, info.port)
        return None


def is_near(address: str, networks: tuple[ipaddress.IPv4Network, ...]) -> bool:
    """Whether an address is one of a neighbour."""
    try:
        place = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return any(place in network for network in networks)


def addresses_of_interface(interface: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the addresses ``own`` that an interface of this machine has; all of them where none is named."""
    import ifaddr

    if not interface:
        return own
    has = {ip.ip for adapter in ifaddr.get_adapters() if adapter.name == interface for ip in adapter.ips}
    return tuple(each for each in own if each in has)


def networks_of(own: tuple[str, ...]) -> tuple[ipaddress.IPv4Network, ...]:
    """The networks in which this machine has these addresses."""
    import ifaddr

    return tuple(
        ipaddress.IPv4Network(f"{ip.ip}/{ip.network_prefix}", strict=False)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if ip.is_IPv4 and ip.ip in own
    )
