"""The station in the network view of a PC: a web service under the station's name, announced by mDNS (RFC 6762, RFC 6763).

Announced is where the page listens; a page for this machine alone is announced to nobody. The library is loaded only then.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from evse.app.network.rounds import look_again
from evse.services.host.port import host_name_of

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERVICE: Final = "_http._tcp.local."
SERIAL: Final = "uid"
FAMILY: Final = "family"
ROLE: Final = "network"
"""Keys of what is told with it: serial number, product, and what the station is in a charging network."""
_log = logging.getLogger(__name__)
_INSTANCE_BYTES: Final = 63


class Discovery:
    """Announces ``name()`` with the page's ``port`` at the addresses that ``bound`` means.

    ``bound``: address that the page listens at; a wildcard means every address of the machine. ``about``: what is told
    with it (text records). ``loopback``: whether to announce on the loopback interface as well, where simulated stations
    find each other.
    """

    def __init__(
        self,
        name: Callable[[], str],
        bound: str,
        port: int,
        about: Callable[[], dict[str, str]],
        loopback: Callable[[], bool] = lambda: False,
    ) -> None:
        self.announced = ""
        """The name that others see, with a number behind it when it was taken; empty while nobody sees one."""
        self.problem = ""
        self.news = asyncio.Event()
        self._name = name
        self._bound = bound
        self._port = port
        self._about = about
        self._loopback = loopback
        self._told: tuple[str, tuple[str, ...], dict[str, str]] | None = None
        self._zeroconf: AsyncZeroconf | None = None
        self._info: AsyncServiceInfo | None = None

    async def run(self) -> None:
        """Keep the announcement true, for ever; takes it back when it is cancelled."""
        try:
            await look_again(self.look, self.news)
        finally:
            await self.close()

    async def look(self) -> None:
        """Announce what is true now, if that is something else than what was announced."""
        addresses = await asyncio.to_thread(page_addresses, self._bound, self._loopback())
        wanted = (self._name(), addresses, self._about())
        if wanted == self._told or (not addresses and self._told is None):
            return
        try:
            await self.close()
            if not addresses:
                return
            await self._announce(*wanted)
        except Exception as error:  # whatever the network says: the station works without being seen
            self._fail(str(error) or type(error).__name__)
            return
        self._told = wanted
        self.problem = ""

    async def close(self) -> None:
        """Take the announcement back."""
        zeroconf, self._zeroconf, self._info = self._zeroconf, None, None
        self.announced, self._told = "", None
        if zeroconf is not None:
            await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()

    async def _announce(self, name: str, addresses: tuple[str, ...], about: dict[str, str]) -> None:
        from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

        host = host_name_of(name)
        self._info = AsyncServiceInfo(
            SERVICE,
            f"{instance_of(name)}.{SERVICE}",
            parsed_addresses=list(addresses),
            port=self._port,
            properties={"path": "/", **about},
            server=f"{host}.local.",
        )
        self._zeroconf = AsyncZeroconf(interfaces=list(addresses))
        await (await self._zeroconf.async_register_service(self._info, allow_name_change=True))
        self.announced = self._info.name.removesuffix(f".{SERVICE}")

    def _fail(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("the station cannot be announced in the network: %s", problem)
        self.problem = problem


def page_addresses(bound: str, loopback: bool = False) -> tuple[str, ...]:
    """The IPv4 addresses by which others reach a page that listens at ``bound``, a wildcard included.

    None for one that only this machine reaches, unless ``loopback`` counts too.
    """
    found = [bound]
    if ipaddress.ip_address(bound).is_unspecified:
        import ifaddr

        found = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    shown = (ipaddress.ip_address(each) for each in found)
    return tuple(sorted(str(each) for each in shown if each.version == 4 and (loopback or not each.is_loopback)))


def instance_of(name: str) -> str:
    """A station's name as the name of a service instance: at most 63 bytes, without dots and control characters."""
    text = "".join(each if each.isprintable() and each != "." else " " for each in name).strip() or "evse"
    return text.encode("utf-8")[:_INSTANCE_BYTES].decode("utf-8", "ignore").strip()
