"""Schema of an outlet's metering: its internal current transformers, and a meter of its own."""

from __future__ import annotations

from typing import Literal

from boards.keys import GUIDE, THOR, Strict, key
from boards.schema_wire import BaudRate, Wire


class MeterWire(Wire):
    """The serial line to a meter: 8 data bits, no parity, 1 stop bit, as the EVlink guide sets an iEM3155 up."""

    baud: BaudRate = key(19200, "Speed of the line", unit="bit/s", source=GUIDE)


class OutletMeter(Strict):
    """An outlet's own energy meter: on a serial line (Modbus RTU), or behind a gateway in the network (Modbus TCP)."""

    map: str = key("iem3155", "Its register map: a name of `evse meters list`", source=GUIDE, max_length=40)
    protocol: Literal["modbus_rtu", "modbus_tcp"] = key(
        "modbus_rtu", "Over the serial line `wire`, or through a gateway from serial line to network", source=GUIDE
    )
    wire: MeterWire = key(MeterWire(), "How it is wired; with `modbus_tcp` only a simulated gateway is wired")
    address: int = key(
        30, "Address that the station asks; with `modbus_tcp` the unit behind the gateway", source=GUIDE, ge=1, le=255
    )
    gateway_address: int = key(
        130, "Last number of the gateway's IP address in the station's network", source=GUIDE, ge=130, le=162
    )
    host: str = key(
        "", "IP address of the gateway; empty: a simulated one where `wire` is, else made of the station's network and "
        "`gateway_address`", max_length=45, pattern=r"^[0-9A-Fa-f.:]*$",
    )  # fmt: skip
    port: int = key(502, "TCP port of the gateway", ge=1, le=65535)
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


class HouseMeterKeys(Strict):
    """The meter of the house connection: the station keeps house and charge together within what it carries."""

    map: str = key(..., "Its register map: a name of `evse meters list`", source=THOR, max_length=40)
    host: str = key(
        "", "IP address of the meter; empty: a simulated one", source=THOR, max_length=45, pattern=r"^[0-9A-Fa-f.:]*$"
    )
    port: int = key(502, "Its TCP port", source=THOR, ge=1, le=65535)
    address: int = key(1, "Its Modbus address (unit)", source=THOR, ge=0, le=255)
    maximum_current_a: float = key(
        ..., "What the connection carries on each phase", unit="A", source=THOR, ge=6, le=400
    )
    maximum_power_kw: float = key(
        0, "What it carries in all; 0: the current alone counts", unit="kW", source=THOR, ge=0, le=300
    )
    fallback_current_a: float = key(
        0, "Charging current of the station while the meter is lost; 0 ends the charge", unit="A", source=THOR, ge=0, le=160
    )  # fmt: skip
    terminals: list[Literal[1, 2, 3]] = key(
        [1, 2, 3],
        "Terminal of the meter behind each conductor of the station; the manual asks for the same order",
        source=THOR,
        min_length=3,
        max_length=3,
    )


InternalMetering = Literal["current_transformers", "full"]
