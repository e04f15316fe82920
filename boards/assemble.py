"""From a plan of wires to a board: opens each wire, hangs its driver on it, bundles the drivers' ports.

Who opens the wires (serial ports, pseudo-terminals, simulated lines) is the caller's business, so that the very same
drivers run in every process and every simulation. Nothing is sent before the first poll.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from boards.board import Board, OutletBoard
from boards.compiled import MeterWires, OutletWires, WireKind, WirePlan, WireSpec
from hal.drivers.front_end import FrontEndDriver
from hal.drivers.front_end_domestic import DomesticContactor
from hal.drivers.pn532 import Pn532Driver
from hal.frames.front_end import Frame
from hal.ports import Polled
from hal.wires import ByteLink

if TYPE_CHECKING:
    from hal.drivers.modbus_meter import ModbusMeterDriver

OpenWire = Callable[[WireSpec], ByteLink]

FrameSeen = Callable[[WireSpec, int, str, Frame | bytes], None]
"""Recorder of frames: (wire, now_us, "sent" or "received", frame); a front end's frame comes decoded, a reader's and a
meter's raw."""


@runtime_checkable
class _Hooked(Protocol):
    """A driver that shows its frames."""

    on_frame: Callable[[int, str, Any], None] | None


_DIRECTIONS = MappingProxyType({"tx": "sent", "rx": "received"})
"""The drivers' own words, where they differ."""


def assemble(plan: WirePlan, open_wire: OpenWire, on_frame: FrameSeen | None = None) -> Board:
    """Build the board of a station.

    ``open_wire`` is called once for each wire, outlet by outlet, the front end first. ``on_frame`` sees every frame
    on every wire. Raises ValueError for a wire that is not a serial or simulated line, for a name or a serial path
    that is used twice, and for outlets that are not numbered upwards; ``open_wire``'s own errors pass through.
    """
    _check(plan)
    return Board(tuple(_outlet(wires, open_wire, on_frame) for wires in plan.outlets))


def listen(board: Board, plan: WirePlan, on_frame: FrameSeen | None) -> None:
    """Show every frame on every wire of ``board`` to ``on_frame`` from now on; ``None`` ends it and costs nothing.

    ``plan`` is the one that the board was made from.
    """
    for outlet, wires in zip(board.outlets, plan.outlets, strict=True):
        for driver, wire in zip(outlet.polled, wires.wires(), strict=True):
            if isinstance(driver, _Hooked):
                driver.on_frame = None if on_frame is None else _recorder(wire, on_frame)


def _check(plan: WirePlan) -> None:
    """The plan may come from a file that was not compiled by this version's loader."""
    names: set[str] = set()
    paths: set[str] = set()
    for wire in plan.wires():
        if wire.kind is WireKind.GPIO:
            raise ValueError(f"{wire.name}: a front end, reader or meter on GPIO is not supported")
        if wire.name in names:
            raise ValueError(f"{wire.name}: the name is used twice")
        if wire.path and wire.path in paths:
            raise ValueError(f"{wire.name}: {wire.path} is used twice")
        names.add(wire.name)
        paths.add(wire.path)
    numbers = [outlet.number for outlet in plan.outlets]
    if numbers != sorted(set(numbers)):
        raise ValueError(f"outlets must be numbered upwards, not {numbers}")


def _outlet(wires: OutletWires, open_wire: OpenWire, on_frame: FrameSeen | None) -> OutletBoard:
    front_hook = None if on_frame is None else _recorder(wires.front_end, on_frame)
    front_end = FrontEndDriver(open_wire(wires.front_end), front_hook)
    polled: list[Polled] = [front_end]
    reader = None
    if wires.reader is not None:
        reader = Pn532Driver(open_wire(wires.reader))
        polled.append(reader)
        if on_frame is not None:
            reader.on_frame = _recorder(wires.reader, on_frame)
    meter = None
    if wires.meter is not None and wires.meter.wire is not None and wires.meter.gateway is None:
        meter = _meter(wires.meter, wires.meter.wire, open_wire)
        polled.append(meter)
        if on_frame is not None:
            meter.on_frame = _recorder(wires.meter.wire, on_frame)
    return OutletBoard(
        number=wires.number,
        sense=front_end,
        pilot=front_end,
        contactor=front_end,
        lock=front_end if wires.lock else None,
        residual=front_end,
        signals=front_end,
        reader=reader,
        polled=tuple(polled),
        shutter=front_end if wires.shutter else None,
        domestic=DomesticContactor(front_end) if wires.domestic else None,
        dip=front_end if wires.dip else None,
        display=front_end if wires.display else None,
        x2=front_end if wires.x2 else None,
        meter=meter,
    )


def _meter(wires: MeterWires, wire: WireSpec, open_wire: OpenWire) -> ModbusMeterDriver:
    # 3 MB of Modbus library only where there is a meter.
    from hal.drivers.modbus_meter import ModbusMeterDriver

    return ModbusMeterDriver(open_wire(wire), wires.map, wires.unit)


def _recorder(wire: WireSpec, on_frame: FrameSeen) -> Callable[[int, str, Frame | bytes], None]:
    def record(now_us: int, direction: str, frame: Frame | bytes) -> None:
        on_frame(wire, now_us, _DIRECTIONS.get(direction, direction), frame)

    return record
