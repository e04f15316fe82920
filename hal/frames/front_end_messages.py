"""Messages of the pilot front end's serial line: ids, codes, values and payload layouts.

The specification is ``docs/hardware/front-end-protocol.md``; a test compares its tables with the enumerations and the
layouts below. ``hal.frames.front_end`` turns these values into bytes and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import Final

from construct import Array, Bytes, Int8ub, Int16sb, Int16ub, Struct

from evse.records import dataclass
from hal.ports import BeepCode, LightCode, LockPulse, OutletReading, PilotDriveMode, ShutterPulse

VERSION: Final = 0x12
SHUTTER_VERSION: Final = 0x11
"""First version with SHUTTER and the shutter's bits."""
DOMESTIC_VERSION: Final = 0x12
"""First version with HOLD_DOMESTIC and the domestic socket's bits."""
PANEL_VERSION: Final = 0x12
"""First version with DISPLAY, DIP_SWITCHES and the light codes from 7 on."""
TEXT_LENGTH: Final = 20
DIP_BANKS: Final = 4
MAJOR: Final = VERSION >> 4
BAUD: Final = 115_200
MAX_HOLD_MS: Final = 250
MAX_READING_AGE_MS: Final = 300
MAX_LOCK_PULSE_MS: Final = 4_000
"""Longest motor pulse, of the lock and of the shutter."""
BYTE_GAP_US: Final = 20_000
"""A frame that has begun and then pauses this long between two bytes is given up by the receiver."""

PROXIMITY_OPEN: Final = 0xFFFF
NO_CURRENT_LIMIT: Final = 0xFFFF
INPUT_COUNT: Final = 8


class MessageId(IntEnum):
    """Wire values: below 0x80 from the host, from 0x80 on from the front end."""

    CONTROL = 0x01
    HOLD = 0x02
    OPEN = 0x03
    LOCK = 0x04
    RCD_TEST = 0x05
    BEEP = 0x06
    INQUIRY = 0x07
    RESET = 0x08
    SHUTTER = 0x09
    DISPLAY = 0x0A
    HOLD_DOMESTIC = 0x0B
    SWITCH_X2 = 0x0C
    STATE = 0x81
    IDENTITY = 0x82
    DIP_SWITCHES = 0x83


class SafeStateReason(IntEnum):
    """Why the front end does not hold the contactor by its own decision (0: no such decision is in force)."""

    NONE = 0
    START_UP = 1
    LEASE_EXPIRED = 2
    HOST_SILENT = 3
    PILOT_LEFT = 4
    DIODE = 5
    RESIDUAL_CURRENT = 6
    OVER_CURRENT = 7
    SUPPLY_LOW = 8
    INTERNAL = 9
    OTHER_SOCKET = 10
    PLUG_LEFT = 11


class FaultBit(IntFlag):
    """Faults that only the front end itself can know."""

    NONE = 0x0000
    SUPPLY_LOW = 0x0001
    OVER_CURRENT = 0x0002
    PILOT_GENERATOR = 0x0004
    TEMPERATURE_SENSOR = 0x0008
    LOCK_DRIVER = 0x0010
    COIL_DRIVER = 0x0020
    MEMORY = 0x0040
    SHUTTER_DRIVER = 0x0080


CLEARED_BY_OPEN: Final = FaultBit.OVER_CURRENT | FaultBit.COIL_DRIVER
"""What stays until the host withdraws the permission."""


class Capability(IntFlag):
    """What this front end has."""

    NONE = 0x0000
    LOCAL_INTERLOCK = 0x0001
    LOCK = 0x0002
    RESIDUAL_TEST = 0x0004
    VENTILATION = 0x0008
    CURRENTS = 0x0010
    VOLTAGES = 0x0020
    LIGHT = 0x0040
    BEEPER = 0x0080
    PROXIMITY = 0x0100
    SHUTTER = 0x0200
    DISPLAY = 0x0400
    DIP_SWITCHES = 0x0800
    DOMESTIC = 0x1000
    X2 = 0x2000


class ResetReason(IntEnum):
    """Why the front end started."""

    UNKNOWN = 0
    POWER_ON = 1
    WATCHDOG = 2
    COMMANDED = 3
    BROWN_OUT = 4
    INTERNAL = 5


class Occasion(IntEnum):
    """Why an IDENTITY was sent."""

    ANSWER = 0
    START = 1


@dataclass(frozen=True, slots=True)
class Control:
    """Everything that is a level, not an action. ``limit_da``: hard over-current limit in 0.1 A, 0xFFFF = none."""

    mode: PilotDriveMode
    duty_bp: int
    limit_da: int
    ventilation: bool
    light: LightCode


@dataclass(frozen=True, slots=True)
class Hold:
    """Permission to hold the contactor for ``hold_ms`` from arrival, granted on a reading ``reading_age_ms`` old."""

    hold_ms: int
    reading_age_ms: int


@dataclass(frozen=True, slots=True)
class HoldDomestic(Hold):
    """The same for the domestic socket's contactor. Never sent to a front end older than ``DOMESTIC_VERSION``."""


@dataclass(frozen=True, slots=True)
class Open:
    """The permission is withdrawn. ``reason`` is only for the front end's log."""

    reason: int


@dataclass(frozen=True, slots=True)
class Lock:
    """One pulse of the lock motor."""

    direction: LockPulse
    pulse_ms: int


@dataclass(frozen=True, slots=True)
class Shutter:
    """One pulse of the shutter's motor. Never sent to a front end older than ``SHUTTER_VERSION``."""

    direction: ShutterPulse
    pulse_ms: int


@dataclass(frozen=True, slots=True)
class RcdTest:
    """Start one self test of the residual-current detector."""


@dataclass(frozen=True, slots=True)
class Beep:
    """Sound once."""

    code: BeepCode


@dataclass(frozen=True, slots=True)
class Display:
    """Text of the display: printable ASCII, at most 20 characters. Never sent to a front end older than ``PANEL_VERSION``."""

    text: str


@dataclass(frozen=True, slots=True)
class SwitchX2:
    """Move the latching relay of X2. Never sent to a front end without capability X2."""

    closed: bool


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Ask for a STATE, an IDENTITY or, from ``PANEL_VERSION`` on, for DIP_SWITCHES."""

    wanted: MessageId


@dataclass(frozen=True, slots=True)
class Reset:
    """Restart the front end."""


@dataclass(frozen=True, slots=True)
class State:
    """All measurements, and the sequence number of the last accepted host frame."""

    reading: OutletReading
    accepted: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the front end is. ``firmware``: (major, minor, patch); ``unique_id``: 8 bytes."""

    protocol: int
    firmware: tuple[int, int, int]
    unique_id: bytes
    phases: int
    capabilities: Capability
    reset_reason: ResetReason
    occasion: Occasion


@dataclass(frozen=True, slots=True)
class DipSwitches:
    """Positions of the DIP switches, one byte per bank (switch 1 = 0x80), and the last accepted sequence number."""

    banks: tuple[int, ...]
    accepted: int


HostMessage = (
    Control | Hold | HoldDomestic | Open | Lock | RcdTest | Beep | Inquiry | Reset | Shutter | Display | SwitchX2
)
FrontEndMessage = State | Identity | DipSwitches
Message = HostMessage | FrontEndMessage


LAYOUTS: Final[Mapping[MessageId, Struct]] = MappingProxyType(
    {
        MessageId.CONTROL: Struct(
            "mode" / Int8ub, "duty_bp" / Int16ub, "limit_da" / Int16ub, "ventilation" / Int8ub, "light" / Int8ub
        ),
        MessageId.HOLD: Struct("hold_ms" / Int16ub, "reading_age_ms" / Int16ub),
        MessageId.OPEN: Struct("reason" / Int8ub),
        MessageId.LOCK: Struct("direction" / Int8ub, "pulse_ms" / Int16ub),
        MessageId.RCD_TEST: Struct(),
        MessageId.BEEP: Struct("code" / Int8ub),
        MessageId.INQUIRY: Struct("wanted" / Int8ub),
        MessageId.RESET: Struct(),
        MessageId.SHUTTER: Struct("direction" / Int8ub, "pulse_ms" / Int16ub),
        MessageId.DISPLAY: Struct("text" / Bytes(TEXT_LENGTH)),
        MessageId.HOLD_DOMESTIC: Struct("hold_ms" / Int16ub, "reading_age_ms" / Int16ub),
        MessageId.SWITCH_X2: Struct("closed" / Int8ub),
        MessageId.STATE: Struct(
            "positive_mv" / Int16sb,
            "negative_mv" / Int16sb,
            "duty_bp" / Int16ub,
            "frequency_dhz" / Int16ub,
            "proximity_ohm" / Int16ub,
            "switches" / Int8ub,
            "lock" / Int8ub,
            "self_test" / Int8ub,
            "currents_10ma" / Array(3, Int16ub),
            "voltages_dv" / Array(3, Int16ub),
            "temperature_dc" / Int16sb,
            "supply_mv" / Int16ub,
            "inputs" / Int8ub,
            "fault_bits" / Int16ub,
            "safe_state_reason" / Int8ub,
            "accepted" / Int8ub,
        ),
        MessageId.IDENTITY: Struct(
            "protocol" / Int8ub,
            "firmware" / Array(3, Int8ub),
            "unique_id" / Bytes(8),
            "phases" / Int8ub,
            "capabilities" / Int16ub,
            "reset_reason" / Int8ub,
            "occasion" / Int8ub,
        ),
        MessageId.DIP_SWITCHES: Struct("banks" / Array(DIP_BANKS, Int8ub), "accepted" / Int8ub),
    }
)
"""Payload of every message. Read by the test that compares them with the protocol document."""

HOST_IDS: Final = tuple(i for i in MessageId if i < 0x80)
FRONT_END_IDS: Final = tuple(i for i in MessageId if i >= 0x80)

MIRROR_BIT: Final = 0x01
COIL_BIT: Final = 0x02
RESIDUAL_AC_BIT: Final = 0x04
RESIDUAL_DC_BIT: Final = 0x08
SHUTTER_OPEN_BIT: Final = 0x10
SHUTTER_CLOSED_BIT: Final = 0x20
DIP_MOVED_BIT: Final = 0x40
X2_BIT: Final = 0x80
"""Bits of the field ``switches`` of STATE."""

DOMESTIC_MIRROR_BIT: Final = 0x4000
DOMESTIC_PLUG_BIT: Final = 0x8000
"""No faults, but switches that found no room in ``switches``: the upper bits of the field ``fault_bits`` of STATE."""
FAULT_BITS_MASK: Final = 0x3FFF

_ID_OF: Final[Mapping[type, MessageId]] = MappingProxyType(
    {
        Control: MessageId.CONTROL,
        Hold: MessageId.HOLD,
        HoldDomestic: MessageId.HOLD_DOMESTIC,
        Open: MessageId.OPEN,
        Lock: MessageId.LOCK,
        RcdTest: MessageId.RCD_TEST,
        Beep: MessageId.BEEP,
        Inquiry: MessageId.INQUIRY,
        Reset: MessageId.RESET,
        Shutter: MessageId.SHUTTER,
        Display: MessageId.DISPLAY,
        SwitchX2: MessageId.SWITCH_X2,
        State: MessageId.STATE,
        Identity: MessageId.IDENTITY,
        DipSwitches: MessageId.DIP_SWITCHES,
    }
)


def message_id(message: Message) -> MessageId:
    """Return the id that ``message`` has on the wire."""
    return _ID_OF[type(message)]
