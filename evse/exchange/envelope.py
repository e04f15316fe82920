"""Messages between control and services, and their JSON form.

From control to services: ``Hello`` (first on every connection), ``Envelope`` (one event with its sequence number) and
``StationView``; while somebody watches the wires also ``WireFrames``. From services to control: every ``Command``,
``Acknowledge`` and ``WatchWires``.

Each message is one datagram ``{"type": NAME, "data": {...}}``. Decoding is in two stages, because the type decides
what ``data`` must look like: JSON to plain values, then plain values to the frozen dataclass, strictly. Whatever the
bytes are, decoding gives a valid value or raises ``ExchangeError``: an unknown type or field, a missing field, a
wrong type, a floating-point number (the contract has none, so NaN and infinity have no door either), an integer
beyond 64 bits, bytes beyond 64 KiB. Events and commands are checked before encoding too: a durable event that the
other side must refuse would be sent again for ever.

The channel is one datagram-preserving stream socket: in order and without loss as long as the connection lives.
What was not acknowledged when it broke is sent again on the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from evse.core.commands import COMMAND_TYPES, Command
from evse.core.events import EVENT_TYPES, Event
from evse.exchange.snapshot import StationView
from evse.exchange.wires import WatchWires, WireFrames
from evse.records import dataclass

MESSAGE_LIMIT_BYTES: Final = 64 * 1024
INTEGER_LIMIT: Final = 2**63 - 1

T = TypeVar("T")


class ExchangeError(Exception):
    """A message that cannot be understood or must not be sent; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Control's first message on a connection: which boot this is and what its clock shows.

    The same ``boot_id`` as before means that control has lived on: its sessions run and must not be closed.
    """

    boot_id: str
    mono_us: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event on its way to services. ``seq`` rises by at least one with each envelope of one boot, from 1."""

    boot_id: str
    seq: int
    mono_us: int
    event: Event


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Everything up to and including ``up_to_seq`` of this boot has had its effect; what had to be durable is."""

    boot_id: str
    up_to_seq: int


@dataclass(frozen=True, slots=True)
class _RawEnvelope:
    """The first stage of an envelope: the event is not yet looked at."""

    boot_id: str
    seq: int
    mono_us: int
    event: dict[str, Any]


FromControl = Hello | Envelope | StationView | WireFrames
FromServices = Command | Acknowledge | WatchWires

_EVENTS: Final[Mapping[str, type[Event]]] = {kind.__name__: kind for kind in EVENT_TYPES}
_COMMANDS: Final[Mapping[str, type[Command]]] = {kind.__name__: kind for kind in COMMAND_TYPES}


def encode_event(event: Event) -> bytes:
    """JSON of an event. Raises ``ExchangeError`` when the other side would have to refuse it."""
    return _dump(_typed(event, _EVENTS))


def decode_event(data: bytes) -> Event:
    """The event in ``data``. Raises ``ExchangeError``."""
    return _convert_typed(_load(data), _EVENTS, "event")


def encode_command(command: Command) -> bytes:
    """JSON of a command. Raises ``ExchangeError`` when the other side would have to refuse it."""
    return _dump(_typed(command, _COMMANDS))


def decode_command(data: bytes) -> Command:
    """The command in ``data``. Raises ``ExchangeError``."""
    return _convert_typed(_load(data), _COMMANDS, "command")


def encode_view(view: StationView) -> bytes:
    """JSON of a snapshot, not checked beforehand: it is sent often and the next one replaces it."""
    return _dump({"type": "StationView", "data": view})


def decode_view(data: bytes) -> StationView:
    """The snapshot in ``data``. Raises ``ExchangeError``."""
    return _convert_typed(_load(data), {"StationView": StationView}, "snapshot")


def encode_from_control(message: FromControl) -> bytes:
    """JSON of any message that control sends. Raises ``ExchangeError``."""
    if isinstance(message, StationView):
        return encode_view(message)
    if isinstance(message, WireFrames):
        return _dump({"type": "WireFrames", "data": message})
    if isinstance(message, Hello):
        return _dump(_typed(message, {"Hello": Hello}))
    raw = _RawEnvelope(message.boot_id, message.seq, message.mono_us, _typed(message.event, _EVENTS))
    _strict(msgspec.to_builtins(raw), _RawEnvelope, "Envelope")
    return _dump({"type": "Envelope", "data": raw})


def decode_from_control(data: bytes) -> FromControl:
    """Any message that control sends. Raises ``ExchangeError``."""
    value = _load(data)
    match value.get("type"):
        case "Envelope":
            raw = _convert_typed(value, {"Envelope": _RawEnvelope}, "message")
            return Envelope(raw.boot_id, raw.seq, raw.mono_us, _convert_typed(raw.event, _EVENTS, "event"))
        case "Hello":
            return _convert_typed(value, {"Hello": Hello}, "message")
        case "WireFrames":
            return _convert_typed(value, {"WireFrames": WireFrames}, "message")
        case _:
            return _convert_typed(value, {"StationView": StationView}, "message from control")


def encode_from_services(message: FromServices) -> bytes:
    """JSON of any message that services send. Raises ``ExchangeError``."""
    if isinstance(message, Acknowledge):
        return _dump(_typed(message, {"Acknowledge": Acknowledge}))
    if isinstance(message, WatchWires):
        return _dump(_typed(message, {"WatchWires": WatchWires}))
    return encode_command(message)


def decode_from_services(data: bytes) -> FromServices:
    """Any message that services send. Raises ``ExchangeError``."""
    value = _load(data)
    if value.get("type") == "Acknowledge":
        return _convert_typed(value, {"Acknowledge": Acknowledge}, "message")
    if value.get("type") == "WatchWires":
        return _convert_typed(value, {"WatchWires": WatchWires}, "message")
    return _convert_typed(value, _COMMANDS, "command")


def _typed(message: object, kinds: Mapping[str, type[Any]]) -> dict[str, Any]:
    """``{"type", "data"}`` as plain values, checked as the receiver will check them."""
    name = type(message).__name__
    if kinds.get(name) is not type(message):
        raise ExchangeError(f"{name} is no message of this channel")
    try:
        data = msgspec.to_builtins(message)
    except (TypeError, ValueError, OverflowError) as error:
        raise ExchangeError(f"{name} cannot be written as JSON: {error}") from error
    _strict(data, kinds[name], name)
    return {"type": name, "data": data}


def _dump(value: object) -> bytes:
    try:
        data = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ExchangeError(f"cannot be written as JSON: {error}") from error
    if len(data) > MESSAGE_LIMIT_BYTES:
        raise ExchangeError(f"message of {len(data)} bytes, at most {MESSAGE_LIMIT_BYTES} are allowed")
    return data


def _load(data: bytes) -> dict[str, Any]:
    """First stage: bytes to a JSON object."""
    if len(data) > MESSAGE_LIMIT_BYTES:
        raise ExchangeError(f"message of {len(data)} bytes, at most {MESSAGE_LIMIT_BYTES} are allowed")
    try:
        value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ExchangeError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ExchangeError(f"expected a JSON object, got {type(value).__name__}")
    return value


def _convert_typed(value: Mapping[str, Any], kinds: Mapping[str, type[T]], what: str) -> T:
    """Second stage: ``{"type", "data"}`` to the dataclass that the type names."""
    if value.keys() != {"type", "data"}:
        raise ExchangeError(f"{what}: expected exactly the fields type and data")
    name = value["type"]
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ExchangeError(f"unknown {what} type {str(name)[:40]!r}")
    return _strict(value["data"], kind, str(name))


def _strict(data: object, kind: type[T], name: str) -> T:
    """``data`` as ``kind``, with nothing left over."""
    try:
        result = msgspec.convert(data, kind, strict=True)
        _compare(data, msgspec.to_builtins(result), name)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ExchangeError(f"{name}: {error}") from error
    return result


def _compare(data: object, again: object, path: str) -> None:
    """Refuse what conversion lets pass: fields it does not know, floating-point numbers, integers beyond 64 bits."""
    if isinstance(data, float):
        raise ExchangeError(f"{path}: floating-point numbers are not part of the exchange")
    if isinstance(data, int) and not -INTEGER_LIMIT <= data <= INTEGER_LIMIT:
        raise ExchangeError(f"{path}: integer beyond 64 bits")
    if isinstance(data, str):
        try:
            data.encode()
        except UnicodeEncodeError as error:
            raise ExchangeError(f"{path}: text that is not Unicode") from error
    if isinstance(data, dict) and isinstance(again, dict):
        for key, value in data.items():
            if key not in again:
                raise ExchangeError(f"{path}: unknown field {key[:40]!r}")
            if not _plain(value):
                _compare(value, again[key], f"{path}.{key}")
    elif isinstance(data, list | tuple) and isinstance(again, list | tuple):
        for index, (value, other) in enumerate(zip(data, again, strict=True)):
            if not _plain(value):
                _compare(value, other, f"{path}[{index}]")


def _plain(value: object) -> bool:
    """Whether there is nothing to find in it, as in nearly everything: no place has to be put into words then."""
    if type(value) is int:
        return -INTEGER_LIMIT <= value <= INTEGER_LIMIT
    return value is None or type(value) is bool or (type(value) is str and value.isascii())
