"""What a station says in UPnP discovery: pure, texts in and out.

UPnP Device Architecture 1.1, 1.2 (advertisement), 1.3 (search), 2.3 (device description). The station is a ``Basic`` device whose
presentation page is its own page: the network view of a PC shows it under its name and opens the page.
"""

from __future__ import annotations

import uuid
from html import escape
from typing import Final

from evse.records import dataclass

GROUP: Final = "239.255.255.250"
PORT: Final = 1900
MAX_AGE_S: Final = 1800
DESCRIPTION_PATH: Final = "/upnp/description.xml"
ROOT_DEVICE: Final = "upnp:rootdevice"
DEVICE_TYPE: Final = "urn:schemas-upnp-org:device:Basic:1"
SEARCH_LIMIT: Final = 2_048
"""Longer datagrams are no searches."""
_SERVER: Final = "Linux UPnP/1.1 evse/1"
_NAMESPACE: Final = uuid.UUID("6f1d5a52-2f0c-4c1e-9a52-0b7f3c9d7e11")


@dataclass(frozen=True, slots=True)
class Device:
    """The station: its ``name``, ``family`` and ``serial``; the page's ``port``."""

    name: str
    family: str
    serial: str
    port: int

    @property
    def udn(self) -> str:
        """Unique device name, always the same for one serial number."""
        return f"uuid:{uuid.uuid5(_NAMESPACE, self.serial)}"

    @property
    def targets(self) -> tuple[str, ...]:
        """What can be searched for and finds this device."""
        return (ROOT_DEVICE, self.udn, DEVICE_TYPE)

    def location(self, address: str) -> str:
        """Where the description is, seen from who reaches us at ``address``."""
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{self.port}{DESCRIPTION_PATH}"


def searched(datagram: bytes) -> str:
    """The target of a search; empty for everything else."""
    if len(datagram) > SEARCH_LIMIT:
        return ""
    lines = datagram.decode("latin-1").split("\r\n")
    if lines[0] != "M-SEARCH * HTTP/1.1":
        return ""
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().upper()] = value.strip()
    return headers.get("ST", "") if headers.get("MAN") == '"ssdp:discover"' else ""


def answers(device: Device, target: str, address: str) -> tuple[bytes, ...]:
    """What is sent to who searched for ``target`` and reaches us at ``address``; nothing when it was not for us."""
    found = device.targets if target == "ssdp:all" else tuple(each for each in device.targets if each == target)
    return tuple(
        _message(
            "HTTP/1.1 200 OK",
            ("CACHE-CONTROL", f"max-age={MAX_AGE_S}"),
            ("EXT", ""),
            ("LOCATION", device.location(address)),
            ("SERVER", _SERVER),
            ("ST", each),
            ("USN", _usn(device, each)),
        )
        for each in found
    )


def advertisements(device: Device, address: str, *, alive: bool) -> tuple[bytes, ...]:
    """What is sent to everybody: that the device is there (``alive``), or that it goes."""
    about = (
        ("CACHE-CONTROL", f"max-age={MAX_AGE_S}"),
        ("LOCATION", device.location(address)),
        ("SERVER", _SERVER),
    )
    return tuple(
        _message(
            "NOTIFY * HTTP/1.1",
            ("HOST", f"{GROUP}:{PORT}"),
            ("NT", each),
            ("NTS", "ssdp:alive" if alive else "ssdp:byebye"),
            ("USN", _usn(device, each)),
            *(about if alive else ()),
        )
        for each in device.targets
    )


def description(device: Device) -> str:
    """The device description."""
    fields = {
        "deviceType": DEVICE_TYPE,
        "friendlyName": device.name[:64],
        "manufacturer": "EVSE controller",
        "modelName": device.family,
        "serialNumber": device.serial,
        "UDN": device.udn,
        "presentationURL": "/",
    }
    body = "".join(f"<{name}>{escape(_plain(value), quote=False)}</{name}>" for name, value in fields.items())
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<root xmlns="urn:schemas-upnp-org:device-1-0">'
        f"<specVersion><major>1</major><minor>1</minor></specVersion><device>{body}</device></root>\n"
    )


def _usn(device: Device, target: str) -> str:
    return device.udn if target == device.udn else f"{device.udn}::{target}"


def _message(first: str, *headers: tuple[str, str]) -> bytes:
    return "\r\n".join((first, *(f"{name}: {value}" for name, value in headers), "", "")).encode("latin-1", "replace")


def _plain(text: str) -> str:
    """Without characters that XML does not know."""
    return "".join(each for each in text if each.isprintable())
