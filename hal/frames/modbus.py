"""Modbus messages on a byte line: RTU with its check sum, or TCP with its header (MBAP).

pymodbus makes and takes apart frames and PDUs (its framers and PDU classes only, no client and no server: nothing here
waits). Only reading registers is spoken, functions 3 and 4 (MODBUS Application Protocol V1.1b3, 6.3, 6.4 and 7).

What is no frame is dropped and counted. Lengths are checked here before pymodbus looks at the content.
"""

from __future__ import annotations

import struct
from enum import Enum, IntEnum
from typing import Final, NamedTuple

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.framer.base import FramerBase
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadInputRegistersResponse,
)

from evse.records import dataclass

READ_HOLDING: Final = 3
READ_INPUT: Final = 4
READS: Final = (READ_HOLDING, READ_INPUT)
LARGEST_FRAME: Final = 260
_ERROR_BIT: Final = 0x80
_MBAP: Final = struct.Struct(">HHH")
_MBAP_LENGTHS: Final = range(2, 255)
"""Unit and PDU: at least the unit and a function code, at most 253 bytes of PDU and the unit."""


class Framing(Enum):
    """How messages stand on the line."""

    RTU = "rtu"
    TCP = "tcp"


class ModbusException(IntEnum):
    """Exception codes (clause 7)."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    BUSY = 6
    GATEWAY_PATH = 10
    GATEWAY_TARGET = 11


class ReadRequest(NamedTuple):
    """Read ``length`` registers from ``address`` on. ``length`` 0: the request was malformed."""

    unit: int
    function: int
    address: int
    length: int
    transaction: int = 0


class ReadAnswer(NamedTuple):
    """An answer: words, or the code of an exception. ``function`` without the error bit."""

    unit: int
    function: int
    words: tuple[int, ...] = ()
    exception: int = 0
    transaction: int = 0


def request_frame(request: ReadRequest, framing: Framing) -> bytes:
    """Return the frame of a request. Raises ValueError for a function, address or count that cannot be asked."""
    kinds = {READ_HOLDING: ReadHoldingRegistersRequest, READ_INPUT: ReadInputRegistersRequest}
    if request.function not in kinds:
        raise ValueError(f"function {request.function} does not read registers")
    pdu = kinds[request.function](
        address=request.address, count=request.length, dev_id=request.unit, transaction_id=request.transaction
    )
    return _framer(framing, server=False).buildFrame(pdu)


def answer_frame(answer: ReadAnswer, framing: Framing) -> bytes:
    """Return the frame of an answer."""
    pdu: ModbusPDU
    if answer.exception:
        pdu = ExceptionResponse(answer.function, answer.exception)
    elif answer.function == READ_HOLDING:
        pdu = ReadHoldingRegistersResponse(registers=list(answer.words))
    else:
        pdu = ReadInputRegistersResponse(registers=list(answer.words))
    pdu.dev_id, pdu.transaction_id = answer.unit, answer.transaction
    return _framer(framing, server=True).buildFrame(pdu)


def _framer(framing: Framing, *, server: bool) -> FramerBase:
    decoder = DecodePDU(is_server=server)
    return FramerRTU(decoder) if framing is Framing.RTU else FramerSocket(decoder)


@dataclass(slots=True)
class StreamCounters:
    """``dropped_bytes``: no part of any frame; ``malformed``: frames whose content makes no sense."""

    frames: int = 0
    dropped_bytes: int = 0
    malformed: int = 0


class _Stream:
    """Cuts what arrives on a line into PDUs."""

    def __init__(self, framing: Framing, *, server: bool) -> None:
        self.counters = StreamCounters()
        self._framing = framing
        self._decoder = DecodePDU(is_server=server)
        self._framer = FramerRTU(self._decoder) if framing is Framing.RTU else FramerSocket(self._decoder)
        self._buffer = bytearray()

    @property
    def pending(self) -> bool:
        """Whether a part of a frame has arrived."""
        return bool(self._buffer)

    def reset(self) -> None:
        """Forget what has arrived: the line was quiet, or somebody else's."""
        self.counters.dropped_bytes += len(self._buffer)
        self._buffer.clear()

    def _pdus(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Take in ``data``; return (unit, transaction, PDU) of each whole frame."""
        self._buffer += data
        found: list[tuple[int, int, bytes]] = []
        while self._buffer:
            if self._framing is Framing.TCP and not self._sound_header():
                self.reset()
                break
            used, unit, transaction, pdu = self._framer.decode(bytes(self._buffer))
            if used == 0:
                break
            del self._buffer[:used]
            if not pdu:
                self.counters.dropped_bytes += used
                continue
            self.counters.frames += 1
            found.append((unit, transaction, pdu))
        if len(self._buffer) > LARGEST_FRAME:
            self.reset()
        return found

    def _sound_header(self) -> bool:
        if len(self._buffer) < _MBAP.size:
            return True
        _, protocol, length = _MBAP.unpack_from(self._buffer)
        return protocol == 0 and length in _MBAP_LENGTHS


class AnswerStream(_Stream):
    """What a reader hears."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing, server=False)

    def feed(self, data: bytes) -> list[ReadAnswer]:
        """Take in what arrived; return the answers that are complete now."""
        found = []
        for unit, transaction, pdu in self._pdus(data):
            answer = self._answer(unit, transaction, pdu)
            if answer is None:
                self.counters.malformed += 1
            else:
                found.append(answer)
        return found

    def _answer(self, unit: int, transaction: int, pdu: bytes) -> ReadAnswer | None:
        function = pdu[0]
        if function & _ERROR_BIT:
            return None if len(pdu) != 2 else ReadAnswer(unit, function & ~_ERROR_BIT, (), pdu[1] or 255, transaction)
        if function not in READS or len(pdu) < 4 or pdu[1] != len(pdu) - 2 or pdu[1] % 2:
            return None
        message = self._decoder.decode(pdu)
        return None if message is None else ReadAnswer(unit, function, tuple(message.registers), 0, transaction)


class RequestStream(_Stream):
    """What a device hears."""

    def __init__(self, framing: Framing) -> None:
        super().__init__(framing, server=True)

    def feed(self, data: bytes) -> list[ReadRequest]:
        """Take in what arrived; return the requests that are complete now, malformed ones with ``length`` 0."""
        return [self._request(*each) for each in self._pdus(data)]

    def _request(self, unit: int, transaction: int, pdu: bytes) -> ReadRequest:
        function = pdu[0]
        if function in READS and len(pdu) == 5:
            address, count = struct.unpack(">HH", pdu[1:])
            if 1 <= count <= ReadHoldingRegistersRequest.MAX_COUNT:
                return ReadRequest(unit, function, address, count, transaction)
        self.counters.malformed += 1
        return ReadRequest(unit, function, 0, 0, transaction)
