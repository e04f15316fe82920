"""The one file that control needs: a station's configuration and its wires, compiled from a profile.

Profiles are YAML for people and are checked by ``boards.load`` in the services process. Control gets this compiled
form, plain JSON, so that neither the YAML reader nor the schema is ever loaded there (memory) and nothing but
equal, already checked values crosses. The content carries two SHA-256 sums: ``StationConfig.digest`` over the
configuration alone, which identifies the active configuration everywhere, and ``sha256`` over the whole file, so that
a torn or edited file is refused instead of half believed.

Specification of the file: one JSON object with ``format`` (1), ``sha256`` (hexadecimal, of the UTF-8 text of the
object ``{"config": ..., "wires": ...}`` as written here), ``config`` and ``wires``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

import msgspec

from evse.core.config import StationConfig
from evse.core.configure import config_digest, with_digest
from evse.core.house_limit import HouseSettings
from evse.records import dataclass
from hal.meter_map import MeterMap

FORMAT = 1


class CompiledConfigError(ValueError):
    """The bytes are not a compiled configuration of this version, or they were damaged."""


class WireKind(StrEnum):
    """What a device hangs on."""

    SIMULATED = "simulated"
    """A twin on a simulated line; ``path`` is empty, or the pseudo-terminal that the world has opened."""
    SERIAL = "serial"
    GPIO = "gpio"


@dataclass(frozen=True, slots=True)
class WireSpec:
    """One wire. ``name`` is its identity inside the station, ``outlet-1/front-end``, ``outlet-1/reader`` or
    ``outlet-1/meter``.

    ``path``: device file; empty for a wire that is simulated inside one process. ``baud``: bits a second of a serial
    or simulated line, 0 for GPIO.
    """

    name: str
    kind: WireKind
    path: str = ""
    baud: int = 115_200


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway from a serial line to the network (Modbus TCP). ``host``: its IP address, empty when it is not given.

    ``last_number``: of its address in the station's network (EVlink guide DOCA0060: 130 to 162).
    """

    host: str = ""
    port: int = 502
    last_number: int = 130


@dataclass(frozen=True, slots=True)
class MeterWires:
    """An outlet's own meter: its wire, its register map, and the address that is asked.

    With a ``gateway`` services read it, without one control does. ``wire``: the serial line, or that of a simulated gateway;
    ``None`` behind a real one. ``simulated_unit``: the address of a simulated meter, which is its own and may be another.
    """

    wire: WireSpec | None
    map: MeterMap
    unit: int
    simulated_unit: int
    gateway: Gateway | None = None
    terminals: tuple[int, int, int] = (1, 2, 3)
    """Terminal of a simulated meter behind each terminal of the outlet: it is wired as the profile says."""


@dataclass(frozen=True, slots=True)
class OutletWires:
    """The wires of one outlet. ``lock``, ``shutter``: whether the outlet has such a motor behind its front end;
    ``domestic``: whether a domestic socket's contactor is there.

    ``dip``: how the DIP switches of a simulated board stand at first, one byte per bank; empty without switches.
    ``display``: whether there is a text display. ``x2``: whether there is the switching output X2; ``phase_switch``:
    whether a simulated board's X2 drives a contactor for L2 and L3.
    """

    number: int
    front_end: WireSpec
    reader: WireSpec | None = None
    lock: bool = True
    shutter: bool = False
    domestic: bool = False
    dip: tuple[int, ...] = ()
    display: bool = False
    x2: bool = False
    phase_switch: bool = False
    meter: MeterWires | None = None

    def wires(self) -> tuple[WireSpec, ...]:
        """Every wire of the outlet that control serves: front end, reader, meter."""
        meter = None if self.meter is None or self.meter.gateway is not None else self.meter.wire
        return tuple(wire for wire in (self.front_end, self.reader, meter) if wire is not None)

    def gateway_wire(self) -> WireSpec | None:
        """The wire of a simulated gateway, which services serve."""
        return None if self.meter is None or self.meter.gateway is None else self.meter.wire


@dataclass(frozen=True, slots=True)
class HouseMeter:
    """The meter of the house connection, read by services over Modbus TCP.

    ``wire``: of a simulated meter, else ``None``: then it is at ``host`` and ``port``.
    """

    map: MeterMap
    unit: int
    settings: HouseSettings
    host: str = ""
    port: int = 502
    wire: WireSpec | None = None


@dataclass(frozen=True, slots=True)
class WirePlan:
    """The wires of the whole station, in ascending order of outlet numbers, and the board's quirks by name.

    ``wifi_card``: whether a simulated station has the card.
    """

    outlets: tuple[OutletWires, ...]
    quirks: tuple[str, ...] = ()
    house: HouseMeter | None = None
    wifi_card: bool = False

    def wires(self) -> tuple[WireSpec, ...]:
        """Every wire, outlet by outlet, the front end first, then those of simulated gateways and of a simulated house meter."""
        gateways = [wire for wire in (outlet.gateway_wire() for outlet in self.outlets) if wire is not None]
        house = () if self.house is None or self.house.wire is None else (self.house.wire,)
        return (*(wire for outlet in self.outlets for wire in outlet.wires()), *gateways, *house)

    def with_paths(self, paths: Mapping[str, str]) -> WirePlan:
        """The same plan with ``paths`` (wire name to device file) filled in; KeyError for a name it does not have."""
        unknown = sorted(set(paths) - {wire.name for wire in self.wires()})
        if unknown:
            raise KeyError(unknown[0])

        def put(wire: WireSpec) -> WireSpec:
            return replace(wire, path=paths.get(wire.name, wire.path))

        def put_meter(meter: MeterWires | None) -> MeterWires | None:
            return meter if meter is None or meter.wire is None else replace(meter, wire=put(meter.wire))

        house = self.house
        if house is not None and house.wire is not None:
            house = replace(house, wire=put(house.wire))
        return replace(
            self,
            house=house,
            outlets=tuple(
                replace(
                    outlet,
                    front_end=put(outlet.front_end),
                    reader=None if outlet.reader is None else put(outlet.reader),
                    meter=put_meter(outlet.meter),
                )
                for outlet in self.outlets
            ),
        )


@dataclass(frozen=True, slots=True)
class CompiledStation:
    """What the file holds."""

    config: StationConfig
    wires: WirePlan


@dataclass(frozen=True, slots=True)
class _File:
    format: int
    sha256: str
    config: msgspec.Raw
    wires: msgspec.Raw


def encode_config(config: StationConfig, wires: WirePlan) -> bytes:
    """Compile to bytes. The configuration gets its digest, whatever it carried before."""
    stamped = with_digest(config)
    body_config, body_wires = msgspec.json.encode(stamped), msgspec.json.encode(wires)
    return msgspec.json.encode(
        _File(FORMAT, _sum(body_config, body_wires), msgspec.Raw(body_config), msgspec.Raw(body_wires))
    )


def decode_config(data: bytes) -> CompiledStation:
    """Read what ``encode_config`` wrote.

    Raises CompiledConfigError for anything else: other format, damaged or edited content, wrong types.
    """
    try:
        file = msgspec.json.decode(data, type=_File)
        if file.format != FORMAT:
            raise CompiledConfigError(f"format {file.format} is not known, this version reads {FORMAT}")
        if file.sha256 != _sum(bytes(file.config), bytes(file.wires)):
            raise CompiledConfigError("the content does not match its checksum: damaged or edited file")
        config = msgspec.json.decode(file.config, type=StationConfig)
        wires = msgspec.json.decode(file.wires, type=WirePlan)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CompiledConfigError(f"not a compiled configuration: {error}") from error
    if config.digest != config_digest(config):
        raise CompiledConfigError("the configuration does not match its digest")
    return CompiledStation(config, wires)


def _sum(config: bytes, wires: bytes) -> str:
    return hashlib.sha256(b'{"config":' + config + b',"wires":' + wires + b"}").hexdigest()
