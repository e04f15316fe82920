"""Frames between a host and an NXP PN532 over its serial interface ("HSU"), both directions, without any input/output.

| frame    | bytes                                                                                    |
|----------|------------------------------------------------------------------------------------------|
| normal   | 00 00 FF LEN LCS TFI PD.. DCS 00 with LEN + LCS = 0 (mod 256), LEN counts TFI and data     |
| extended | 00 00 FF FF FF LENM LENL LCS TFI PD.. DCS 00 with LENM + LENL + LCS = 0 (mod 256)          |
| ACK      | 00 00 FF 00 FF 00                                                                        |
| NACK     | 00 00 FF FF 00 00                                                                        |
| error    | 00 00 FF 01 FF 7F 81 00 (from the chip: it did not understand the command)                 |

TFI is D4 to the chip and D5 from the chip; TFI + data + DCS = 0 (mod 256). An answer's code is its command's code + 1.
The first 00 and the last 00 carry nothing and may be missing or repeated: only 00 FF starts a frame here.

``Decoder`` is total: every byte string gives frames or counted errors. After an error it searches again from the byte
behind the false start, so that a truncated frame does not swallow the good one behind it.

Source: NXP PN532 User Manual (UM0701-02), section 6.2.1 "Communication with the host controller: frame structure".
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import Any, Final

from construct import Bytes, Const, ConstructError, Int8ub, Int16ub, Rebuild, Struct, this

from evse.records import dataclass
from hal.frames.construct_calls import build, parse

TO_CHIP: Final = 0xD4
FROM_CHIP: Final = 0xD5
MAX_BODY: Final = 265
"""Longest TFI + data that the chip handles."""
LONGEST_NORMAL_BODY: Final = 254
"""LEN = 255 would read as an extended frame's or a NACK's mark to a careless receiver: the chip uses extended frames."""

ACK_FRAME: Final = bytes.fromhex("0000ff00ff00")
NACK_FRAME: Final = bytes.fromhex("0000ffff0000")
ERROR_FRAME: Final = bytes.fromhex("0000ff01ff7f8100")
WAKE_UP: Final = b"\x55\x55" + bytes(14)
"""Long preamble that starts the chip's oscillator and lets it settle before the first frame."""

PN532_IC: Final = 0x32
TYPE_A_106: Final = 0x00
"""BrTy of ISO/IEC 14443 type A at 106 kbit/s."""
ACCEPTED_UID_LENGTHS: Final = (4, 7, 10)
"""Single, double and triple size UID, ISO/IEC 14443-3 clause 6.5.4."""

BYTE_GAP_US: Final = 100_000
"""A frame that has begun and then pauses this long is given up by either side (longest frame at 115200 baud: 24 ms)."""

_START: Final = b"\x00\xff"
_SYNTAX_ERROR_BODY: Final = b"\x7f"
_ISO_14443_4: Final = 0x20


class Command(IntEnum):
    """Command codes, UM0701-02 section 7."""

    DIAGNOSE = 0x00
    GET_FIRMWARE_VERSION = 0x02
    GET_GENERAL_STATUS = 0x04
    READ_REGISTER = 0x06
    WRITE_REGISTER = 0x08
    READ_GPIO = 0x0C
    WRITE_GPIO = 0x0E
    SET_SERIAL_BAUD_RATE = 0x10
    SET_PARAMETERS = 0x12
    SAM_CONFIGURATION = 0x14
    POWER_DOWN = 0x16
    RF_CONFIGURATION = 0x32
    IN_DATA_EXCHANGE = 0x40
    IN_COMMUNICATE_THRU = 0x42
    IN_DESELECT = 0x44
    IN_LIST_PASSIVE_TARGET = 0x4A
    IN_RELEASE = 0x52
    IN_AUTO_POLL = 0x60


class FrameKind(Enum):
    """The four kinds of frames; ``DATA`` is a normal or extended information frame."""

    DATA = "data"
    ACK = "ack"
    NACK = "nack"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Frame:
    """One valid frame. ``tfi``, ``code`` and ``parameters`` count for ``DATA`` only."""

    kind: FrameKind
    tfi: int = 0
    code: int = 0
    parameters: bytes = b""

    def __str__(self) -> str:
        if self.kind is not FrameKind.DATA:
            return self.kind.name
        return f"{self.tfi:02X} {self.code:02X} {self.parameters.hex()}".rstrip()


ACK: Final = Frame(FrameKind.ACK)
NACK: Final = Frame(FrameKind.NACK)
ERROR: Final = Frame(FrameKind.ERROR)


def _complement(data: bytes) -> int:
    """Return the byte that makes the sum of ``data`` and itself 0 (mod 256)."""
    return -sum(data) & 0xFF


def _body_check(context: Any) -> int:
    return _complement(context.body)


_NORMAL: Final = Struct(
    "start" / Const(_START),
    "length" / Rebuild(Int8ub, lambda context: len(context.body)),
    "length_check" / Rebuild(Int8ub, lambda context: -context.length & 0xFF),
    "body" / Bytes(this.length),
    "body_check" / Rebuild(Int8ub, _body_check),
)
_EXTENDED: Final = Struct(
    "start" / Const(_START),
    "mark" / Const(b"\xff\xff"),
    "length" / Rebuild(Int16ub, lambda context: len(context.body)),
    "length_check" / Rebuild(Int8ub, lambda context: _complement(context.length.to_bytes(2, "big"))),
    "body" / Bytes(this.length),
    "body_check" / Rebuild(Int8ub, _body_check),
)
_TARGET_A: Final = Struct(
    "number" / Int8ub,
    "sens_res" / Int16ub,
    "sel_res" / Int8ub,
    "uid_length" / Rebuild(Int8ub, lambda context: len(context.uid)),
    "uid" / Bytes(this.uid_length),
)


def information_frame(tfi: int, code: int, parameters: bytes = b"") -> bytes:
    """Return the bytes of an information frame, extended when it does not fit a normal one.

    Raises ValueError above 263 parameter bytes, which no chip accepts.
    """
    body = bytes((tfi, code)) + parameters
    if len(body) > MAX_BODY:
        raise ValueError(f"a PN532 frame carries at most {MAX_BODY} bytes, not {len(body)}")
    layout = _NORMAL if len(body) <= LONGEST_NORMAL_BODY else _EXTENDED
    return b"\x00" + build(layout, {"body": body}) + b"\x00"


def command_frame(code: int, parameters: bytes = b"") -> bytes:
    """Return a host's command."""
    return information_frame(TO_CHIP, code, parameters)


def answer_frame(command: int, parameters: bytes = b"") -> bytes:
    """Return the chip's answer to ``command``."""
    return information_frame(FROM_CHIP, command + 1, parameters)


def encode(frame: Frame) -> bytes:
    """Return the bytes of any frame."""
    if frame.kind is FrameKind.ACK:
        return ACK_FRAME
    if frame.kind is FrameKind.NACK:
        return NACK_FRAME
    if frame.kind is FrameKind.ERROR:
        return ERROR_FRAME
    return information_frame(frame.tfi, frame.code, frame.parameters)


@dataclass(slots=True)
class DecoderCounters:
    """What a decoder could not use. Zeros and the 55 of a wake-up are padding, not junk."""

    junk_bytes: int = 0
    bad_lengths: int = 0
    bad_checksums: int = 0
    foreign: int = 0
    abandoned: int = 0


class Decoder:
    """Cuts a byte stream into frames. Holds at most one frame's bytes between calls."""

    def __init__(self) -> None:
        self.counters = DecoderCounters()
        self._buffer = bytearray()

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and is not complete."""
        return len(self._buffer) > 1

    def reset(self) -> None:
        """Forget a frame that has begun: its rest will not come."""
        self.counters.abandoned += self.pending
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Frame]:
        """Take in ``data`` and return the frames that it completes. Never raises."""
        self._buffer += data
        frames: list[Frame] = []
        while self._find_start():
            if not self._cut(frames):
                break
        return frames

    def _find_start(self) -> bool:
        """Drop everything before the next start code; return whether there is one."""
        buffer = self._buffer
        at = buffer.find(_START)
        if at < 0:
            at = len(buffer) - 1 if buffer.endswith(b"\x00") else len(buffer)
        padding = buffer.count(0, 0, at) + buffer.count(0x55, 0, at)
        self.counters.junk_bytes += at - padding
        del buffer[:at]
        return len(buffer) > 1

    def _cut(self, frames: list[Frame]) -> bool:
        """Work on the frame at the buffer's start; return whether there is more to do."""
        buffer = self._buffer
        if len(buffer) < 4:
            return False
        mark = (buffer[2], buffer[3])
        if mark in ((0x00, 0xFF), (0xFF, 0x00)):
            frames.append(ACK if mark[0] == 0 else NACK)
            del buffer[:4]
            return True
        extended = mark == (0xFF, 0xFF)
        header_size = 7 if extended else 4
        if len(buffer) < header_size:
            return False
        length = buffer[4] << 8 | buffer[5] if extended else buffer[2]
        if sum(buffer[4:7] if extended else buffer[2:4]) & 0xFF or not 0 < length <= MAX_BODY:
            self.counters.bad_lengths += 1
            del buffer[:1]
            return True
        size = header_size + length + 1
        if len(buffer) < size:
            return False
        self._take(bytes(buffer[:size]), extended, frames)
        return True

    def _take(self, raw: bytes, extended: bool, frames: list[Frame]) -> None:
        """Check one complete information frame and remove it, or only its start code when it is wrong."""
        fields = parse(_EXTENDED if extended else _NORMAL, raw)
        body = bytes(fields.body)
        if _complement(body) != fields.body_check:
            self.counters.bad_checksums += 1
            del self._buffer[:2]
            return
        del self._buffer[: len(raw)]
        if body == _SYNTAX_ERROR_BODY:
            frames.append(ERROR)
        elif len(body) >= 2 and body[0] in (TO_CHIP, FROM_CHIP):
            frames.append(Frame(FrameKind.DATA, body[0], body[1], body[2:]))
        else:
            self.counters.foreign += 1


@dataclass(frozen=True, slots=True)
class TypeATarget:
    """A type A card as InListPassiveTarget reports it. ``ats`` includes its own length byte."""

    number: int
    sens_res: int
    sel_res: int
    uid: bytes
    ats: bytes = b""


def build_targets(targets: Sequence[TypeATarget]) -> bytes:
    """Return the parameters of an InListPassiveTarget answer."""
    listed = bytes((len(targets),))
    for target in targets:
        fields = {"number": target.number, "sens_res": target.sens_res, "sel_res": target.sel_res, "uid": target.uid}
        listed += build(_TARGET_A, fields) + target.ats
    return listed


def parse_targets(parameters: bytes) -> tuple[TypeATarget, ...] | None:
    """Return the type A targets of an InListPassiveTarget answer, ``None`` when it is malformed.

    A card that speaks ISO/IEC 14443-4 (SEL_RES bit 6) is followed by its ATS.
    """
    if not parameters:
        return None
    targets: list[TypeATarget] = []
    rest = parameters[1:]
    for _ in range(parameters[0]):
        try:
            fields = parse(_TARGET_A, rest)
        except ConstructError:
            return None
        rest = rest[5 + fields.uid_length :]
        ats = b""
        if fields.sel_res & _ISO_14443_4 and rest:
            ats, rest = rest[: rest[0]], rest[rest[0] :]
            if not ats or len(ats) != ats[0]:
                return None
        targets.append(TypeATarget(fields.number, fields.sens_res, fields.sel_res, bytes(fields.uid), ats))
    return None if rest else tuple(targets)


@dataclass(frozen=True, slots=True)
class FirmwareVersion:
    """Answer to GetFirmwareVersion. ``ic`` is 0x32 for a PN532."""

    ic: int
    version: int
    revision: int
    support: int


def parse_firmware_version(parameters: bytes) -> FirmwareVersion | None:
    """Return the version, ``None`` when the answer has not exactly four bytes."""
    return FirmwareVersion(*parameters) if len(parameters) == 4 else None
