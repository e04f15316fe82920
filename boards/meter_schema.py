"""Schema 1 of a meter's register map (``kind: meter``): what the meter is, what is public of it, and where its values stand."""

from __future__ import annotations

from typing import Literal

from boards.keys import OURS, Strict, key

METER_SCHEMA = 1
PUBLIC = "meter's public register map"

QuantityName = Literal[
    "current_l1", "current_l2", "current_l3", "voltage_l1", "voltage_l2", "voltage_l3", "power_l1", "power_l2", "power_l3",
    "power", "power_import", "power_export", "power_import_l1", "power_import_l2", "power_import_l3", "power_export_l1",
    "power_export_l2", "power_export_l3", "energy_import", "energy_export", "frequency", "serial",
]  # fmt: skip
UnitName = Literal["A", "mA", "V", "mV", "W", "kW", "mW", "Wh", "kWh", "Hz", "mHz", "none"]
Kind = Literal["u16", "i16", "u32", "i32", "u64", "i64", "float32", "float64"]
Confidence = Literal["A", "B", "C", "D"]


class MeterRegister(Strict):
    """One value of the meter."""

    quantity: QuantityName = key(..., "What the value is")
    address: int = key(..., "First register on the wire, from 0 (many manuals print one more)", ge=0, le=65535)
    type: Kind | None = key(None, "Form of the number; without a value the map's `type`")
    unit: UnitName = key(..., "Unit of the raw number before `multiply` and `divide`; `none` for a serial number")
    multiply: int = key(1, "Raw number times this is in `unit`", ge=1, le=1_000_000)
    divide: int = key(1, "Raw number by this is in `unit`", ge=1, le=1_000_000)
    exponent_at: int | None = key(None, "Register (i16) with a power of ten that multiplies the value", ge=0, le=65535)
    confidence: Confidence | None = key(None, "Grade of this line; without a value the map's")


class MeterFile(Strict):
    """A whole file of ``profiles/meters``."""

    schema_: Literal[1] = key(..., "Version of this format", alias="schema")
    kind: Literal["meter"] = key(..., "What the file describes")
    name: str = key(..., "Name of the map", min_length=1, max_length=40, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    manufacturer: str = key(..., "Who makes the meter", min_length=1, max_length=60)
    models: list[str] = key(..., "Models with this map", min_length=1, max_length=20)
    thor_list: Literal["direct", "data_logger", "no"] = key(
        "no",
        "Group in the list of external meters of the THØR manual: read directly over Modbus TCP, or behind a Janitza "
        "ProData 2 data logger",
        source="THØR manual 120501",
    )
    use: list[Literal["outlet", "house"]] = key(
        [], "Where a station may use it: as an outlet's meter, as the meter of the house connection", max_length=2
    )
    map: Literal["public", "none"] = key(
        ..., "`none`: no public source gives this meter's registers; it cannot be read"
    )
    confidence: Confidence | None = key(
        None,
        "How sure the map is. A: the manufacturer and an independent implementation agree; B: the manufacturer only; "
        "C: several independent implementations; D: one implementation",
    )
    source: str = key(..., "Where the map comes from, or what was looked for in vain", min_length=1, max_length=400)
    note: str = key("", "What an installer should know", max_length=600)
    links: list[Literal["rtu", "tcp"]] = key([], "What the meter speaks itself", max_length=2)
    unit_id: int = key(1, "Its factory address", ge=0, le=255)
    baud: Literal[2400, 4800, 9600, 19200, 38400, 57600, 115200] = key(
        9600, "Its factory speed on a serial line", unit="bit/s"
    )
    function: Literal[3, 4] = key(3, "Function code that reads it", source=PUBLIC)
    type: Kind = key("float32", "Form of numbers that say nothing else", source=PUBLIC)
    words: Literal["high_first", "low_first"] = key("high_first", "Order of the registers of a number", source=PUBLIC)
    missing: Literal["none", "largest"] = key(
        "none", "`largest`: the largest number (all ones where unsigned) means not available", source=PUBLIC
    )
    gap: int = key(0, "Unused registers that one request may reach over", source=OURS, ge=0, le=120)
    most_registers: int = key(125, "Most registers in one request", ge=2, le=125)
    registers: list[MeterRegister] = key([], "The values", max_length=64)
