"""Where files may be fetched from and brought to: rules for URLs that a central system names.

The central system is not trusted: a URL must not make the station speak to itself, to its neighbours on the same link or to
the services of a hosting platform. A name is resolved once and the connection goes to that address, so that a name that
changes its mind cannot lead elsewhere; redirections are not followed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import field
from typing import Final
from urllib.parse import unquote, urlsplit

from evse.records import dataclass

URL_LIMIT: Final = 512
PORTS: Final = {"ftp": 21, "ftps": 990, "http": 80, "https": 443}
_METADATA: Final = tuple(
    map(ipaddress.ip_network, ("169.254.0.0/16", "100.100.100.200/32", "192.0.0.0/24", "fd00:ec2::/32"))
)


class UrlError(ValueError):
    """The URL is refused; the text says why, without passwords."""


@dataclass(frozen=True, slots=True)
class FileUrl:
    """A URL that may be used once its address is checked too. ``path`` begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str
    user: str = ""
    password: str = field(default="", repr=False)


def file_url(text: str, schemes: Iterable[str] = PORTS) -> FileUrl:
    """Return what ``text`` means. Raises UrlError."""
    if not text or len(text) > URL_LIMIT or not text.isascii() or not text.isprintable() or " " in text:
        raise UrlError(f"a URL has 1 to {URL_LIMIT} printable ASCII characters and no spaces")
    if "\\" in text:
        raise UrlError("a URL has no backslashes")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UrlError("the URL cannot be understood") from None
    scheme = parts.scheme.lower()
    if scheme not in set(schemes):
        raise UrlError(f"{scheme or 'a URL without a scheme'} is none of {', '.join(schemes)}")
    if not parts.hostname or "%" in parts.hostname:
        raise UrlError("the URL names no host")
    if port == 0:
        raise UrlError("the port must be 1 to 65535")
    path = parts.path or "/"
    if any(part in (".", "..") for part in unquote(path).split("/")):
        raise UrlError("the path must not climb")
    if any(ord(character) < 32 for character in unquote(path + (parts.username or "") + (parts.password or ""))):
        raise UrlError("the URL holds control characters")
    query = f"?{parts.query}" if parts.query else ""
    return FileUrl(
        scheme,
        parts.hostname,
        port or PORTS[scheme],
        f"{path}{query}",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def check_address(text: str, own: Iterable[str] = (), *, local_allowed: bool = False) -> None:
    """Check the address that a host's name stands for. Raises UrlError.

    ``own``: the station's addresses. ``local_allowed``: somebody at the station has allowed loopback, for a bench.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise UrlError(f"{text!r} is no address") from None
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if mapped is not None:
        address = mapped
    if local_allowed and address.is_loopback:
        return
    if address.is_loopback or address.is_unspecified or address.is_link_local or address.is_multicast:
        raise UrlError(f"{address} is not reachable from outside")
    if address.is_reserved or any(address in network for network in _METADATA if network.version == address.version):
        raise UrlError(f"{address} is reserved")
    if any(ipaddress.ip_address(each) == address for each in own):
        raise UrlError(f"{address} is the station itself")
