"""Frames of the wires in words: message name and fields with units, for people and filters.

The frames of a front end, a card reader and a meter are told apart by the wire's name (``outlet-1/front-end``,
``outlet-1/reader``, ``outlet-1/meter``). Bytes that are no frame stay bytes: nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from hal.frames import front_end, pn532
from hal.frames.front_end_messages import LAYOUTS, State, message_id

READER_SUFFIX: Final = "/reader"
METER_SUFFIX: Final = "/meter"
_REQUEST_BYTES: Final = 8


def _scaled(divisor: int, unit: str, digits: int) -> Callable[[int], str]:
    return lambda value: f"{value / divisor:.{digits}f} {unit}"


_UNITS: Final[Mapping[str, Callable[[int], str]]] = MappingProxyType(
    {
        "_mv": _scaled(1000, "V", 1),
        "_bp": _scaled(100, "%", 2),
        "_dhz": _scaled(10, "Hz", 1),
        "_ma": _scaled(1000, "A", 2),
        "_da": _scaled(10, "A", 1),
        "_dc": _scaled(10, "°C", 1),
        "_ms": _scaled(1, "ms", 0),
        "_ohm": _scaled(1, "Ω", 0),
    }
)
"""How a field is written, by the unit at the end of its name."""


def describe(wire: str, data: bytes) -> tuple[str, str]:
    """Message name and its fields in words; ``("?", "")`` for bytes that are no frame."""
    if wire.endswith(METER_SUFFIX):
        return _meter_text(data)
    return _reader_text(data) if wire.endswith(READER_SUFFIX) else _front_end_text(data)


def _meter_text(data: bytes) -> tuple[str, str]:
    # The Modbus library is loaded only where somebody watches a meter.
    from hal.frames.modbus import AnswerStream, Framing, RequestStream

    # A request has 8 bytes; the shortest answer with words has 7, and none has 8.
    requests = RequestStream(Framing.RTU).feed(data) if len(data) == _REQUEST_BYTES else []
    if requests and requests[0].length:
        request = requests[0]
        last = request.address + request.length - 1
        return "READ", f"unit {request.unit}, function {request.function}, registers {request.address} to {last}"
    answers = AnswerStream(Framing.RTU).feed(data)
    if not answers:
        return "?", ""
    answer = answers[0]
    if answer.exception:
        return "EXCEPTION", f"unit {answer.unit}, function {answer.function}, code {answer.exception}"
    return (
        "ANSWER",
        f"unit {answer.unit}, {len(answer.words)} registers: {' '.join(f'{word:04x}' for word in answer.words)}",
    )


def _front_end_text(data: bytes) -> tuple[str, str]:
    frames = front_end.Decoder(tuple(LAYOUTS)).feed(data)
    if not frames:
        return "?", ""
    message = frames[0].message
    parts = [f"#{frames[0].sequence}"]
    if isinstance(message, State):
        parts += [*_fields(message.reading), f"accepted #{message.accepted}"]
    else:
        parts += _fields(message)
    return message_id(message).name, ", ".join(parts)


def _fields(value: Any) -> list[str]:
    if not is_dataclass(value):
        return []
    return [_field(field.name, getattr(value, field.name)) for field in fields(value)]


def _field(name: str, value: Any) -> str:
    suffix = "" if isinstance(value, bool) else next((unit for unit in _UNITS if name.endswith(unit)), "")
    words = name.removesuffix(suffix).replace("_", " ")
    return f"{words} {_value(value, _UNITS.get(suffix))}"


def _value(value: Any, scale: Callable[[int], str] | None) -> str:
    if value is None:
        return "open"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return (value.name or "none").lower().replace("_", " ")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        if value and all(isinstance(each, bool) for each in value):
            return "".join("1" if each else "0" for each in value)
        return " / ".join(_value(each, scale) for each in value)
    return scale(value) if scale is not None and isinstance(value, int) else str(value)


def _reader_text(data: bytes) -> tuple[str, str]:
    frames = pn532.Decoder().feed(data)
    if not frames:
        return "?", ""
    frame = frames[0]
    if frame.kind is not pn532.FrameKind.DATA:
        return frame.kind.name, ""
    answer = frame.tfi == pn532.FROM_CHIP
    code = frame.code - 1 if answer else frame.code
    try:
        name = pn532.Command(code).name
    except ValueError:
        name = f"0x{code:02X}"
    return f"{name} answer" if answer else name, _parameters(name, answer, frame.parameters)


def _parameters(name: str, answer: bool, parameters: bytes) -> str:
    if answer and name == pn532.Command.IN_LIST_PASSIVE_TARGET.name:
        targets = pn532.parse_targets(parameters)
        if targets is not None:
            return ", ".join(f"card {target.uid.hex().upper()}" for target in targets) or "no card"
    if answer and name == pn532.Command.GET_FIRMWARE_VERSION.name:
        found = pn532.parse_firmware_version(parameters)
        if found is not None:
            return f"chip {found.ic:02X}, firmware {found.version}.{found.revision}"
    return f"parameters {parameters.hex()}" if parameters else ""
