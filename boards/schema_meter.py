"""Schema of an outlet's metering: its internal current transformers, and a meter of its own."""

from __future__ import annotations

from typing import Literal

from boards.keys import GUIDE, Strict, key
from boards.schema_wire import BaudRate, Wire


class MeterWire(Wire):
    """The serial line to a meter: 8 data bits, no parity, 1 stop bit, as the EVlink guide sets an iEM3155 up."""

    baud: BaudRate = key(19200, "Speed of the line", unit="bit/s", source=GUIDE)


class OutletMeter(Strict):
    """An outlet's own energy meter on a serial line (Modbus RTU)."""

    map: str = key("iem3155", "Its register map: a name of `evse meters list`", source=GUIDE, max_length=40)
    wire: MeterWire = key(MeterWire(), "How it is wired")
    address: int = key(30, "Address that the station asks", source=GUIDE, ge=1, le=255)
    terminals: list[Literal[1, 2, 3]] = key(
        [1, 2, 3],
        "Terminal of the meter behind each conductor of the outlet, in the order of its conductors",
        source=GUIDE,
        min_length=3,
        max_length=3,
    )
    simulated_address: int = key(
        2, "Address of a simulated meter, as the guide sets it up; the station finds it when `address` is the same",
        source=GUIDE, ge=1, le=255,
    )  # fmt: skip


InternalMetering = Literal["current_transformers", "full"]
