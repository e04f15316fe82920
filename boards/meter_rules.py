"""Rules of an outlet's meter: it has a map that can be read and is meant for an outlet."""

from __future__ import annotations

from collections.abc import Iterator

from boards.findings import Finding
from boards.meter_load import load_meter, shipped_meters
from boards.schema import Outlet
from boards.yaml_source import Key


def outlet_meter(outlet: Outlet, path: Key) -> Iterator[Finding]:
    """What is wrong with an outlet's meter."""
    if outlet.meter is None:
        return
    path = (*path, "meter")
    usable = usable_meters("outlet")
    if outlet.meter.map not in usable:
        known = outlet.meter.map in shipped_meters()
        what = "cannot be an outlet's meter" if known else "there is no such register map"
        yield Finding((*path, "map"), f"{outlet.meter.map!r}: {what}", ", ".join(usable))
    if sorted(outlet.meter.terminals) != [1, 2, 3]:
        yield Finding((*path, "terminals"), "each terminal of the meter stands here once", "1, 2, 3 in any order")


def usable_meters(use: str) -> tuple[str, ...]:
    """Names of the shipped maps that can be read and are meant for ``use`` (``outlet``, ``house``)."""
    return tuple(name for name in shipped_meters() if use in load_meter(name).model.use)
