"""The protocol document says what the code does: layouts, codes, limits and examples are compared."""

from __future__ import annotations

import re
from enum import IntEnum, IntFlag
from pathlib import Path

import pytest

from hal.drivers import front_end_connection as driver
from hal.drivers import front_end_lease, front_end_orders
from hal.drivers import front_end_patience as patience
from hal.frames import front_end as frames
from hal.frames import front_end_messages as messages
from hal.frames.crc import crc16_ccitt_false
from hal.frames.front_end import HEADER_LENGTH, OVERHEAD, Frame, encode
from hal.frames.front_end_messages import LAYOUTS, Hold, MessageId, State
from hal.ports import (
    BeepCode,
    LightCode,
    LockPosition,
    LockPulse,
    OutletReading,
    PilotDriveMode,
    SelfTest,
    ShutterPulse,
)
from hal.twins import front_end as twin
from hal.twins import front_end_interlock, front_end_memory

DOCUMENT = Path(__file__).parents[3] / "docs" / "hardware" / "front-end-protocol.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")

CODES: dict[str, type[IntEnum] | type[IntFlag]] = {
    kind.__name__: kind
    for kind in (
        PilotDriveMode,
        LightCode,
        LockPulse,
        ShutterPulse,
        BeepCode,
        LockPosition,
        SelfTest,
        messages.FaultBit,
        messages.SafeStateReason,
        messages.Capability,
        messages.ResetReason,
        messages.Occasion,
    )
}


def rows_after(marker: str) -> list[list[str]]:
    """Cells of the table that follows ``<!-- marker -->``, without its head."""
    _, found, rest = TEXT.partition(f"<!-- {marker} -->\n")
    assert found, f"the document has no table marked {marker}"
    rows: list[list[str]] = []
    for line in rest.splitlines():
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows[2:]


def example(name: str) -> bytes:
    match = re.search(rf"<!-- example: {name} -->\n```\n([0-9A-F ]+)\n```", TEXT)
    assert match, name
    return bytes.fromhex(match[1])


def test_every_message_is_listed_with_its_id_direction_and_length() -> None:
    told = [(int(number, 16), name, to, int(payload), int(whole)) for number, name, to, payload, whole in rows_after("table: messages")]  # fmt: skip
    assert told == [
        (
            int(identifier),
            identifier.name,
            "to front end" if identifier in messages.HOST_IDS else "to host",
            LAYOUTS[identifier].sizeof(),
            LAYOUTS[identifier].sizeof() + OVERHEAD,
        )
        for identifier in MessageId
    ]


@pytest.mark.parametrize("identifier", [i for i in MessageId if LAYOUTS[i].sizeof()], ids=lambda i: str(i.name))
def test_every_field_stands_where_the_document_says(identifier: MessageId) -> None:
    told = [(int(row[0]), int(row[1]), row[2]) for row in rows_after(f"layout: {identifier.name}")]
    offset = HEADER_LENGTH
    real = []
    for field in LAYOUTS[identifier].subcons:
        real.append((offset, field.sizeof(), field.name))
        offset += field.sizeof()
    assert told == real


def test_messages_without_payload_have_no_table() -> None:
    for identifier in MessageId:
        assert (f"<!-- layout: {identifier.name} -->" in TEXT) is (LAYOUTS[identifier].sizeof() > 0)


@pytest.mark.parametrize("name", CODES)
def test_every_code_is_listed(name: str) -> None:
    told = [(int(row[0], 0), row[1]) for row in rows_after(f"codes: {name}")]
    assert told == [(int(code), code.name) for code in CODES[name] if name not in ("FaultBit", "Capability") or code]


def test_the_switch_bits_are_listed() -> None:
    assert [(int(row[0], 0), row[1]) for row in rows_after("codes: switches")] == [
        (messages.MIRROR_BIT, "MIRROR"),
        (messages.COIL_BIT, "COIL"),
        (messages.RESIDUAL_AC_BIT, "RESIDUAL_AC"),
        (messages.RESIDUAL_DC_BIT, "RESIDUAL_DC"),
        (messages.SHUTTER_OPEN_BIT, "SHUTTER_OPEN"),
        (messages.SHUTTER_CLOSED_BIT, "SHUTTER_CLOSED"),
        (messages.DIP_MOVED_BIT, "DIP_MOVED"),
        (messages.X2_BIT, "X2"),
    ]
    domestic = [(int(row[0], 0), row[1]) for row in rows_after("codes: domestic switches")]
    assert domestic == [
        (messages.DOMESTIC_MIRROR_BIT, "DOMESTIC_MIRROR"),
        (messages.DOMESTIC_PLUG_BIT, "DOMESTIC_PLUG"),
    ]
    faults = sum(int(bit) for bit in messages.FaultBit)
    assert faults & ~messages.FAULT_BITS_MASK == 0
    assert sum(bit for bit, _ in domestic) & messages.FAULT_BITS_MASK == 0


def test_every_time_and_limit_is_the_codes() -> None:
    ms = 1_000
    assert {row[0]: int(row[1]) for row in rows_after("limits")} == {
        "longest lease": messages.MAX_HOLD_MS,
        "oldest reading for a HOLD": messages.MAX_READING_AGE_MS,
        "longest pulse of lock or shutter": messages.MAX_LOCK_PULSE_MS,
        "pause that gives up a frame": messages.BYTE_GAP_US // ms,
        "sampling": twin.SAMPLING_US // ms,
        "between two STATEs on change": twin.STATE_GAP_US // ms,
        "keep-alive": twin.KEEP_ALIVE_US // ms,
        "host silent": twin.HOST_PATIENCE_US // ms,
        "filter for leaving C or D": front_end_interlock.PILOT_FILTER_US // ms,
        "start of the firmware": twin.BOOT_US // ms,
        "watchdog": twin.WATCHDOG_US // ms,
        "memory of the last order of each id": front_end_memory.MEMORY_US // ms,
        "host: between two HOLDs": front_end_lease.RENEWAL_US // ms,
        "host: idle INQUIRY": patience.KEEP_ALIVE_US // ms,
        "host: INQUIRY while holding without STATE": patience.HOLDING_INQUIRY_US // ms,
        "host: lost while holding": patience.HOLDING_PATIENCE_US // ms,
        "host: lost while opening": patience.OPENING_PATIENCE_US // ms,
        "host: lost otherwise": patience.IDLE_PATIENCE_US // ms,
        "host: repetition": front_end_orders.RETRY_US // ms,
        "host: repetitions": front_end_orders.RETRIES,
        "host: repetition of OPEN": front_end_orders.OPEN_RETRY_US // ms,
        "host: repetitions of OPEN": front_end_orders.OPEN_RETRIES,
        "host: looking for line or identity": driver.LOOK_FOR_LINE_US // ms,
    }


def test_the_worked_examples_are_right() -> None:
    assert example("hold") == encode(Frame(0x2A, Hold(250, 12)))
    reading = OutletReading(
        positive_mv=6_002,
        negative_mv=-11_985,
        duty_bp=5_333,
        frequency_dhz=10_000,
        proximity_ohm=220,
        mirror_closed=True,
        coil_energised=True,
        lock=LockPosition.LOCKED,
        self_test=SelfTest.PASSED,
        residual_ac=False,
        residual_dc=False,
        currents_ma=(15_980, 16_010, 15_990),
        voltages_mv=(230_100, 231_400, 229_800),
        temperature_dc=312,
        supply_mv=11_950,
        inputs=(True,) + (False,) * 7,
        fault_bits=0,
        safe_state_reason=0,
    )
    assert example("state") == encode(Frame(0x91, State(reading, 0x2A)))


def test_frame_and_check_value_are_the_documents() -> None:
    assert f"0x{crc16_ccitt_false(b'123456789'):04X}" in TEXT
    assert f"| 0 | 1 | start | 0x{frames.START:02X} |" in TEXT
    assert f"| 6+n | 1 | end | 0x{frames.END:02X} |" in TEXT
    assert f"in the low: 0x{messages.VERSION:02X} |" in TEXT


def test_every_link_inside_the_document_leads_somewhere() -> None:
    heads = [line.lstrip("#").strip() for line in TEXT.splitlines() if line.startswith("#")]
    anchors = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
    wanted = set(re.findall(r"\]\(#([^)]+)\)", TEXT))
    assert sorted(wanted - anchors) == []
