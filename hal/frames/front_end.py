"""Frames of the pilot front end's serial line: bytes in, values out. No clock, no line, no exception for bad bytes.

The specification is ``docs/hardware/front-end-protocol.md``; a test compares its tables with the layouts below.

====  =======  ==========================================================================
byte  field    value
====  =======  ==========================================================================
0     start    0xA5
1     version  major in the high nibble, minor in the low one
2     sequence one more than the sender's last new frame, modulo 256
3     id       ``MessageId``
4     payload  fixed length per id, big endian
4+n   CRC      CRC-16/CCITT-FALSE over version, sequence, id and payload, high byte first
6+n   end      0x03
====  =======  ==========================================================================

A repetition of a frame that was not acknowledged keeps its sequence number and every byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final

from hal.frames.construct_calls import build, parse
from hal.frames.crc import crc16_ccitt_false
from hal.frames.front_end_messages import (
    COIL_BIT,
    DIP_BANKS,
    DIP_MOVED_BIT,
    DOMESTIC_MIRROR_BIT,
    DOMESTIC_PLUG_BIT,
    FAULT_BITS_MASK,
    INPUT_COUNT,
    LAYOUTS,
    MAJOR,
    MIRROR_BIT,
    PROXIMITY_OPEN,
    RESIDUAL_AC_BIT,
    RESIDUAL_DC_BIT,
    SHUTTER_CLOSED_BIT,
    SHUTTER_OPEN_BIT,
    TEXT_LENGTH,
    VERSION,
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

START: Final = 0xA5
END: Final = 0x03
HEADER_LENGTH: Final = 4
TRAILER_LENGTH: Final = 3
OVERHEAD: Final = HEADER_LENGTH + TRAILER_LENGTH


class Order(IntEnum):
    """How a frame's sequence number relates to the frames before it."""

    NEW = 0
    REPEATED = 1
    """The same bytes as the frame before."""
    OLD = 2
    """A number that had its turn: a repetition sent after something else, or a stale frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One valid frame. ``order`` is the receiver's finding and not on the wire."""

    sequence: int
    message: Message
    version: int = VERSION
    order: Order = Order.NEW


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


def quantised(reading: OutletReading) -> OutletReading:
    """Return ``reading`` as it will look after the wire: steps of 10 mA and 0.1 V, ranges cut, eight inputs."""
    return _parse_reading(parse(_COMPILED[MessageId.STATE], _state_payload(State(reading, 0))))


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


def encode(frame: Frame) -> bytes:
    """Return the bytes of ``frame``."""
    body = bytes((frame.version, frame.sequence & 0xFF, message_id(frame.message))) + payload_of(frame.message)
    return bytes((START,)) + body + crc16_ccitt_false(body).to_bytes(2, "big") + bytes((END,))


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


@dataclass(frozen=True, slots=True)
class DecoderCounts:
    """What a decoder has seen since it was made.

    ``frames``: given out, repetitions included. ``skipped_bytes``: outside any frame. ``bad_crc``, ``wrong_end``: candidates thrown away.
    ``unknown_id``: start byte followed by an id this side does not receive. ``wrong_version``: sound frames of another
    major version. ``bad_value``: sound frames with a value that no version 1 sender may send. ``duplicates``: same
    bytes as the frame before. ``out_of_order``: an older sequence number (a repetition). ``lost``: sequence numbers
    that were jumped over. ``abandoned``: frames whose rest did not come in time.
    """

    frames: int = 0
    skipped_bytes: int = 0
    bad_crc: int = 0
    wrong_end: int = 0
    unknown_id: int = 0
    wrong_version: int = 0
    bad_value: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    lost: int = 0
    abandoned: int = 0


class Decoder:
    """Cuts a byte stream into frames and finds its way again after anything that is not one.

    A repetition is given out too, marked: its receiver acknowledges it once more without obeying it twice. IDENTITY
    and the INQUIRY for it open a connection, so the sequence is counted anew from them.
    """

    def __init__(self, receives: tuple[MessageId, ...]) -> None:
        """``receives``: the ids this side may receive (``HOST_IDS`` in the front end, ``FRONT_END_IDS`` in the host)."""
        self._lengths = {int(i): PAYLOAD_LENGTH[i] + OVERHEAD for i in receives}
        self.rest = bytearray()
        """Bytes of a frame that has begun and is not complete."""
        self._counts: dict[str, int] = {}
        self._last_body = b""
        self._last_sequence: int | None = None
        self._last_state = b""
        self._last_reading: OutletReading | None = None
        self.foreign_version: int | None = None
        """Version byte of the last sound frame, when it was of another major version."""

    @property
    def counts(self) -> DecoderCounts:
        """Frozen copy of the counters."""
        return DecoderCounts(**self._counts)

    def feed(self, data: bytes) -> list[Frame]:
        """Take in ``data`` and return the frames that it completes. Never raises for any byte string."""
        self.rest += data
        frames: list[Frame] = []
        while self._next(frames):
            pass
        return frames

    def abandon(self) -> None:
        """Give up a frame whose rest has not come within ``BYTE_GAP_US``; whole frames inside its bytes are lost."""
        if self.rest:
            self._count("abandoned")
            self._count("skipped_bytes", len(self.rest))
            self.rest.clear()

    def restart(self) -> None:
        """Forget the sequence and the rest of the line's bytes: this is another connection."""
        self.rest.clear()
        self._last_sequence = None
        self._last_body = b""

    def shift(self, frames: int) -> None:
        """Behave as if ``frames`` further frames had arrived in order."""
        if self._last_sequence is not None:
            self._last_sequence = (self._last_sequence + frames) & 0xFF
            self._last_body = b""
        self._count("frames", frames)

    def _count(self, name: str, by: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + by

    def _drop(self, length: int) -> None:
        del self.rest[:length]

    def _next(self, frames: list[Frame]) -> bool:
        """Take one step through the buffer; False when it needs more bytes."""
        buffer = self.rest
        start = buffer.find(START)
        if start != 0:
            skipped = len(buffer) if start < 0 else start
            if not skipped:
                return False
            self._count("skipped_bytes", skipped)
            self._drop(skipped)
        if len(buffer) < HEADER_LENGTH:
            return False
        length = self._lengths.get(buffer[3])
        if length is None:
            return self._reject("unknown_id")
        if len(buffer) < length:
            return False
        body = bytes(buffer[1 : length - TRAILER_LENGTH])
        if crc16_ccitt_false(body) != (buffer[length - 3] << 8 | buffer[length - 2]):
            return self._reject("bad_crc")
        if buffer[length - 1] != END:
            return self._reject("wrong_end")
        self._drop(length)
        self._accept(body, frames)
        return True

    def _reject(self, why: str) -> bool:
        """Not a frame: look for the next start byte right behind this one."""
        self._count(why)
        self._count("skipped_bytes")
        self._drop(1)
        return True

    def _accept(self, body: bytes, frames: list[Frame]) -> None:
        version, sequence = body[0], body[1]
        if version >> 4 != MAJOR:
            self.foreign_version = version
            self._count("wrong_version")
            return
        self.foreign_version = None
        try:
            message = self._parse(body)
        except ValueError:
            self._count("bad_value")
            self._order(body, sequence)
            return
        if isinstance(message, Identity) or (isinstance(message, Inquiry) and message.wanted is MessageId.IDENTITY):
            self._last_sequence = None
        frames.append(Frame(sequence, message, version, self._order(body, sequence)))
        self._count("frames")

    def _order(self, body: bytes, sequence: int) -> Order:
        repeated = body == self._last_body
        self._last_body = body
        step = 1 if self._last_sequence is None else (sequence - self._last_sequence) & 0xFF
        if step == 0 and repeated:
            self._count("duplicates")
            return Order.REPEATED
        if step == 0 or step > 0x80:
            self._count("out_of_order")
            return Order.OLD
        if step > 1:
            self._count("lost", step - 1)
        self._last_sequence = sequence
        return Order.NEW

    def _parse(self, body: bytes) -> Message:
        identifier, payload = body[2], body[3:]
        if identifier == MessageId.STATE:
            return self._parse_state(payload)
        return _PARSERS[identifier](parse(_COMPILED[identifier], payload))

    def _parse_state(self, payload: bytes) -> State:
        """Most STATE frames repeat the one before except for the acknowledgement: reuse its reading."""
        accepted, content = payload[-1], payload[:-1]
        if content != self._last_state or self._last_reading is None:
            self._last_reading = _parse_reading(parse(_COMPILED[MessageId.STATE], payload))
            self._last_state = content
        return State(self._last_reading, accepted)
