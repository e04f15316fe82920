"""Where a station may connect to when somebody else names the place (rule against request forgery: CWE-918).

Servers for records, diagnostics, firmware and supervision are named by people and by central systems. A name is resolved
once, and the connection goes to the address that was judged: a name that means another address a moment later gains
nothing. The machine itself, its own addresses, its link and the addresses where clouds keep secrets are never reached
unless they were commissioned one by one.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from evse.records import dataclass

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Iterable[str]]

_METADATA: Final = (
    ipaddress.ip_network("169.254.169.254/32"),
    ipaddress.ip_network("100.100.100.200/32"),
    ipaddress.ip_network("192.0.0.192/32"),
    ipaddress.ip_network("fd00:ec2::254/128"),
)
_THIS_NETWORK: Final = ipaddress.ip_network("0.0.0.0/8")
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")


class DestinationError(ValueError):
    """The place may not be reached, or is not known; the text says why, for people."""


def system_addresses(host: str, port: int) -> Iterable[str]:
    """The addresses that the system knows for ``host``, in its order; none for an unknown name. Blocks."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


@dataclass(frozen=True, slots=True)
class Destinations:
    """The rule. ``own``: this machine's addresses; ``commissioned``: addresses that somebody with the right allowed."""

    own: frozenset[str] = frozenset()
    commissioned: frozenset[str] = frozenset()
    resolve: Resolve = system_addresses

    def address_of(self, host: str, port: int) -> str:
        """The address to connect to. Raises ``DestinationError`` when there is none that may be reached."""
        refused = ""
        for text in self.resolve(host.strip("[]"), port):
            reason = self.refusal(text)
            if not reason:
                return text
            refused = refused or f"{host} is {text}: {reason}"
        if refused:
            raise DestinationError(f"{refused}; a station connects to other machines only")
        raise DestinationError(f"{host} is unknown: no address was found for this name")

    def refusal(self, text: str) -> str:
        """Why an address may not be reached; empty when it may."""
        if text in self.commissioned:
            return ""
        try:
            address = _plain(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            return "no address"
        if str(address) in self.own:
            return "one of the station's own addresses"
        if any(address in network for network in _METADATA if network.version == address.version):
            return "an address where clouds keep secrets"
        kinds = (
            (address.is_loopback, "the station itself"),
            (address.is_unspecified, "no address of a machine"),
            (address.is_link_local, "an address of the link only"),
            (address.is_multicast, "a group address"),
            (address.is_reserved, "a reserved address"),
            (isinstance(address, ipaddress.IPv4Address) and address in _THIS_NETWORK, "no address of a machine"),
        )
        return next((words for is_so, words in kinds if is_so), "")


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address only wraps, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _TRANSLATED or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
