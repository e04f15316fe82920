"""Payloads of the pilot front end's messages: values to bytes and back. The frame around them is ``hal.frames.front_end``.

The specification is ``docs/hardware/front-end-protocol.md``; a test compares its tables with the layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from hal.frames.construct_calls import build, parse
from hal.frames.front_end_messages import (
    COIL_BIT,
    DIP_BANKS,
    DIP_MOVED_BIT,
    DOMESTIC_MIRROR_BIT,
    DOMESTIC_PLUG_BIT,
    FAULT_BITS_MASK,
    INPUT_COUNT,
    LAYOUTS,
    MIRROR_BIT,
    PROXIMITY_OPEN,
    RESIDUAL_AC_BIT,
    RESIDUAL_DC_BIT,
    SHUTTER_CLOSED_BIT,
    SHUTTER_OPEN_BIT,
    TEXT_LENGTH,
    X2_BIT,
    Beep,
    Capability,
    Control,
    DipSwitches,
    Display,
    Hold,
    HoldDomestic,
    Identity,
    Inquiry,
    Lock,
    Message,
    MessageId,
    Occasion,
    Open,
    RcdTest,
    Reset,
    ResetReason,
    Shutter,
    State,
    SwitchX2,
    message_id,
)
from hal.ports import (
    BeepCode,
    LightCode,
    LockPosition,
    LockPulse,
    OutletReading,
    PilotDriveMode,
    SelfTest,
    ShutterPosition,
    ShutterPulse,
)

PAYLOAD_LENGTH: Final[Mapping[int, int]] = MappingProxyType({int(k): v.sizeof() for k, v in LAYOUTS.items()})


class _Compiled(dict[int, Any]):
    """Compiled layouts by id. Compiling one takes some milliseconds, so it is done for the first frame of its kind."""

    def __missing__(self, identifier: int) -> Any:
        compiled = self[identifier] = LAYOUTS[MessageId(identifier)].compile()
        return compiled


_COMPILED: Final = _Compiled()


def compile_ahead() -> bool:
    """Compile one layout that no frame has needed yet; return whether there was one. For processes that must not be late."""
    for identifier in LAYOUTS:
        if identifier not in _COMPILED:
            _COMPILED[identifier]
            return True
    return False


_SHUTTER: Final[Mapping[tuple[bool, bool], ShutterPosition]] = MappingProxyType(
    {
        (False, False): ShutterPosition.BETWEEN,
        (False, True): ShutterPosition.OPEN,
        (True, False): ShutterPosition.CLOSED,
        (True, True): ShutterPosition.CONTRADICTORY,
    }
)
"""Position by the end switches (closed, open)."""


def _clamp(value: int, low: int, high: int) -> int:
    return low if value < low else high if value > high else value


def _u16(value: int) -> int:
    return _clamp(value, 0, 0xFFFF)


def _i16(value: int) -> int:
    return _clamp(value, -0x8000, 0x7FFF)


def _state_payload(message: State) -> bytes:
    r = message.reading
    switches = (
        (MIRROR_BIT if r.mirror_closed else 0)
        | (COIL_BIT if r.coil_energised else 0)
        | (RESIDUAL_AC_BIT if r.residual_ac else 0)
        | (RESIDUAL_DC_BIT if r.residual_dc else 0)
        | (SHUTTER_OPEN_BIT if r.shutter & ShutterPosition.OPEN else 0)
        | (SHUTTER_CLOSED_BIT if r.shutter & ShutterPosition.CLOSED else 0)
        | (DIP_MOVED_BIT if r.dip_moved else 0)
        | (X2_BIT if r.x2_closed else 0)
    )
    fields = {
        "positive_mv": _i16(r.positive_mv),
        "negative_mv": _i16(r.negative_mv),
        "duty_bp": _u16(r.duty_bp),
        "frequency_dhz": _u16(r.frequency_dhz),
        "proximity_ohm": PROXIMITY_OPEN if r.proximity_ohm is None else _clamp(r.proximity_ohm, 0, PROXIMITY_OPEN - 1),
        "switches": switches,
        "lock": int(r.lock),
        "self_test": int(r.self_test),
        "currents_10ma": [_u16((i + 5) // 10) for i in r.currents_ma],
        "voltages_dv": [_u16((u + 50) // 100) for u in r.voltages_mv],
        "temperature_dc": _i16(r.temperature_dc),
        "supply_mv": _u16(r.supply_mv),
        "inputs": sum(1 << n for n, closed in enumerate(r.inputs[:INPUT_COUNT]) if closed),
        "fault_bits": (r.fault_bits & FAULT_BITS_MASK)
        | (DOMESTIC_MIRROR_BIT if r.domestic_mirror_closed else 0)
        | (DOMESTIC_PLUG_BIT if r.domestic_plugged else 0),
        "safe_state_reason": r.safe_state_reason & 0xFF,
        "accepted": message.accepted & 0xFF,
    }
    return build(_COMPILED[MessageId.STATE], fields)


def _identity_payload(message: Identity) -> bytes:
    return build(
        _COMPILED[MessageId.IDENTITY],
        {
            "protocol": message.protocol,
            "firmware": list(message.firmware),
            "unique_id": message.unique_id,
            "phases": message.phases,
            "capabilities": int(message.capabilities),
            "reset_reason": int(message.reset_reason),
            "occasion": int(message.occasion),
        },
    )


def _display_payload(message: Display) -> bytes:
    text = message.text.encode("ascii", "replace")
    if len(text) > TEXT_LENGTH or not printable(text):
        raise ValueError(f"not a text of at most {TEXT_LENGTH} printable characters: {message.text!r}")
    return text.ljust(TEXT_LENGTH)


def printable(text: bytes) -> bool:
    """Whether a display can show every byte: 0x20 to 0x7E."""
    return all(0x20 <= byte <= 0x7E for byte in text)


def payload_of(message: Message) -> bytes:
    """Return the payload bytes of ``message``. Host messages must be in range (ValueError); a STATE is cut to range."""
    if isinstance(message, State):
        return _state_payload(message)
    if isinstance(message, Identity):
        return _identity_payload(message)
    if isinstance(message, Display):
        return _display_payload(message)
    if isinstance(message, DipSwitches):
        banks = [*message.banks, *(0 for _ in range(DIP_BANKS))][:DIP_BANKS]
        return bytes((*banks, message.accepted & 0xFF))
    fields = {name: int(getattr(message, name)) for name in type(message).__dataclass_fields__}
    for field, value in fields.items():
        if not 0 <= value <= 0xFFFF:
            raise ValueError(f"{field} is out of range: {value}")
    return build(_COMPILED[message_id(message)], fields)


def _bool(value: int) -> bool:
    if value > 1:
        raise ValueError(f"not a switch position: {value}")
    return bool(value)


def _parse_reading(c: Any) -> OutletReading:
    switches: int = c.switches
    inputs: int = c.inputs
    i1, i2, i3 = c.currents_10ma
    u1, u2, u3 = c.voltages_dv
    return OutletReading(
        positive_mv=c.positive_mv,
        negative_mv=c.negative_mv,
        duty_bp=c.duty_bp,
        frequency_dhz=c.frequency_dhz,
        proximity_ohm=None if c.proximity_ohm == PROXIMITY_OPEN else c.proximity_ohm,
        mirror_closed=bool(switches & MIRROR_BIT),
        coil_energised=bool(switches & COIL_BIT),
        lock=LockPosition(c.lock),
        self_test=SelfTest(c.self_test),
        residual_ac=bool(switches & RESIDUAL_AC_BIT),
        residual_dc=bool(switches & RESIDUAL_DC_BIT),
        currents_ma=(i1 * 10, i2 * 10, i3 * 10),
        voltages_mv=(u1 * 100, u2 * 100, u3 * 100),
        temperature_dc=c.temperature_dc,
        supply_mv=c.supply_mv,
        inputs=tuple(bool(inputs >> n & 1) for n in range(INPUT_COUNT)),
        fault_bits=c.fault_bits & FAULT_BITS_MASK,
        safe_state_reason=c.safe_state_reason,
        shutter=_SHUTTER[bool(switches & SHUTTER_CLOSED_BIT), bool(switches & SHUTTER_OPEN_BIT)],
        domestic_mirror_closed=bool(c.fault_bits & DOMESTIC_MIRROR_BIT),
        domestic_plugged=bool(c.fault_bits & DOMESTIC_PLUG_BIT),
        dip_moved=bool(switches & DIP_MOVED_BIT),
        x2_closed=bool(switches & X2_BIT),
    )


def _parse_control(c: Any) -> Control:
    if c.duty_bp > 10_000:
        raise ValueError(f"duty above 100 %: {c.duty_bp}")
    return Control(PilotDriveMode(c.mode), c.duty_bp, c.limit_da, _bool(c.ventilation), LightCode(c.light))


def _parse_display(c: Any) -> Display:
    text = bytes(c.text)
    if not printable(text):
        raise ValueError("a text with characters that no display shows")
    return Display(text.decode("ascii").rstrip())


def _parse_identity(c: Any) -> Identity:
    major, minor, patch = c.firmware
    return Identity(
        protocol=c.protocol,
        firmware=(major, minor, patch),
        unique_id=bytes(c.unique_id),
        phases=c.phases,
        capabilities=Capability(c.capabilities),
        reset_reason=ResetReason(c.reset_reason),
        occasion=Occasion(c.occasion),
    )


_PARSERS: Final[Mapping[int, Callable[[Any], Message]]] = MappingProxyType(
    {
        MessageId.CONTROL: _parse_control,
        MessageId.HOLD: lambda c: Hold(c.hold_ms, c.reading_age_ms),
        MessageId.HOLD_DOMESTIC: lambda c: HoldDomestic(c.hold_ms, c.reading_age_ms),
        MessageId.OPEN: lambda c: Open(c.reason),
        MessageId.LOCK: lambda c: Lock(LockPulse(c.direction), c.pulse_ms),
        MessageId.RCD_TEST: lambda c: RcdTest(),
        MessageId.BEEP: lambda c: Beep(BeepCode(c.code)),
        MessageId.INQUIRY: lambda c: Inquiry(MessageId(c.wanted)),
        MessageId.RESET: lambda c: Reset(),
        MessageId.SHUTTER: lambda c: Shutter(ShutterPulse(c.direction), c.pulse_ms),
        MessageId.DISPLAY: _parse_display,
        MessageId.SWITCH_X2: lambda c: SwitchX2(_bool(c.closed)),
        MessageId.DIP_SWITCHES: lambda c: DipSwitches(tuple(c.banks), c.accepted),
        MessageId.STATE: lambda c: State(_parse_reading(c), c.accepted),
        MessageId.IDENTITY: _parse_identity,
    }
)


def parse_payload(identifier: int, payload: bytes) -> Message:
    """Return the message that ``payload`` says. Raises ValueError for a value that no version 1 sender may send."""
    return _PARSERS[identifier](parse(_COMPILED[identifier], payload))


def parse_reading(payload: bytes) -> OutletReading:
    """Return the reading of a STATE. Raises ValueError like ``parse_payload``."""
    return _parse_reading(parse(_COMPILED[MessageId.STATE], payload))
