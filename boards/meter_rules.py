"""Rules of meters: each has a map that can be read and is meant for its place."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from boards.findings import Finding
from boards.meter_load import load_meter, shipped_meters
from boards.schema import Outlet, StationProfile
from boards.yaml_source import Key


def outlet_meter(outlet: Outlet, path: Key) -> Iterator[Finding]:
    """What is wrong with an outlet's meter and with the order of its phases."""
    if sorted(outlet.conductors) not in ([1, 2, 3], [1], [2], [3]):
        allowed = "1, 2, 3 in any order, or one of them alone"
        yield Finding((*path, "conductors"), "no outlet can be connected like this", allowed)
    if outlet.meter is None:
        return
    path = (*path, "meter")
    usable = usable_meters("outlet")
    if outlet.meter.map not in usable:
        known = outlet.meter.map in shipped_meters()
        what = "cannot be an outlet's meter" if known else "there is no such register map"
        yield Finding((*path, "map"), f"{outlet.meter.map!r}: {what}", ", ".join(usable))
    if outlet.meter.protocol == "modbus_tcp" and outlet.meter.wire.kind != "simulated":
        yield Finding((*path, "wire"), "a meter behind a gateway has no line of its own", "kind: simulated, or no wire")
    yield from _host(outlet.meter.host, path)
    if sorted(outlet.meter.terminals) != [1, 2, 3]:
        yield Finding((*path, "terminals"), "each terminal of the meter stands here once", "1, 2, 3 in any order")


def house_meter(model: StationProfile) -> Iterator[Finding]:
    """What is wrong with the house's meter."""
    meter, path = model.house_meter, ("house_meter",)
    if meter is None:
        return
    usable = usable_meters("house")
    if meter.map not in usable:
        known = meter.map in shipped_meters()
        what = "cannot be read as a house meter" if known else "there is no such register map"
        yield Finding((*path, "map"), f"{meter.map!r}: {what}", ", ".join(usable))
    if sorted(meter.terminals) != [1, 2, 3]:
        yield Finding((*path, "terminals"), "each terminal of the meter stands here once", "1, 2, 3 in any order")
    yield from _host(meter.host, path)


def _host(host: str, path: Key) -> Iterator[Finding]:
    if host:
        try:
            ip_address(host)
        except ValueError:
            yield Finding((*path, "host"), f"{host!r} is no IP address", "as 192.168.1.20 or fd00::20")


def usable_meters(use: str) -> tuple[str, ...]:
    """Names of the shipped maps that can be read and are meant for ``use`` (``outlet``, ``house``)."""
    return tuple(name for name in shipped_meters() if use in load_meter(name).model.use)
