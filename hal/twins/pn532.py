"""Twin of a PN532 card reader: the chip's side of the serial line, with cards that are held to it.

It behaves like the chip as far as a host can tell by the line:

- After power comes it is in its low-battery state: the first bytes only wake it and are lost (a host sends a long
  preamble), and the radio commands are refused until SAMConfiguration has been given. PowerDown brings it back there.
- A sound command is acknowledged at once and answered about 2 ms later; one with a wrong checksum is ignored; one that
  it does not know, or with too few parameters, gets the error frame.
- A host's ACK, or a new command, ends the command under way. A host's NACK has the last answer sent once more.
- InListPassiveTarget with unlimited retries (RFConfiguration item 5, the state after power-on) waits for a card for ever.

| code | command               | here                                                                       |
|------|-----------------------|----------------------------------------------------------------------------|
| 00   | Diagnose              | communication test (echo), ROM, RAM, poll, echo back, attention, antenna    |
| 02   | GetFirmwareVersion    | 32 01 06 07                                                                |
| 04   | GetGeneralStatus      | field, listed cards                                                        |
| 06/08| Read/WriteRegister    | registers remember what was written, 00 before                             |
| 0C/0E| Read/WriteGPIO        | ports remember what was written                                            |
| 10   | SetSerialBaudRate     | the new rate counts from the host's ACK to the answer on                   |
| 12   | SetParameters         | remembered                                                                 |
| 14   | SAMConfiguration      | leaves the low-battery state                                               |
| 16   | PowerDown             | answers, then sleeps                                                       |
| 32   | RFConfiguration       | items 1 (field) and 5 (retries)                                            |
| 40   | InDataExchange        | error 27 without a listed card, 01 (time-out) with one: cards hold no data |
| 42   | InCommunicateThru     | error 01 (time-out)                                                        |
| 44/52| InDeselect, InRelease | 00; the listed cards are forgotten by 52                                   |
| 4A   | InListPassiveTarget   | type A, one or two cards; other types find nothing                         |
| 60   | InAutoPoll            | type A                                                                     |

Source: NXP PN532 User Manual (UM0701-02), sections 6.2.1, 6.3.2.3 and 7; answers to a card's presence follow
ISO/IEC 14443-3 (SENS_RES 0004, 0044, 0084 for UIDs of 4, 7 and 10 bytes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evse.records import dataclass
from hal.frames.pn532 import (
    ACK_FRAME,
    BYTE_GAP_US,
    ERROR_FRAME,
    PN532_IC,
    TO_CHIP,
    TYPE_A_106,
    Command,
    Decoder,
    Frame,
    FrameKind,
    TypeATarget,
    answer_frame,
    build_targets,
)
from hal.scheduling import ANY_PERIOD, Waker
from hal.units import MS, NEVER
from hal.wires import ByteLink, LinkLostError

ANSWER_TIME_US: Final = 2 * MS
WAKING_BYTES: Final = 8
"""Bytes lost while the oscillator starts: 0.7 ms at 115200 baud."""
LINE_RETRY_US: Final = 500 * MS
FIRMWARE: Final = bytes((PN532_IC, 0x01, 0x06, 0x07))
LONGEST_UID: Final = 100

_STATUS_OK: Final = b"\x00"
_STATUS_TIMEOUT: Final = b"\x01"
_STATUS_WRONG_CONTEXT: Final = b"\x27"
_FOR_EVER: Final = 0xFF
_TRY_US: Final = 5 * MS
"""One look for a card: field, request, no answer."""
_POLL_UNIT_US: Final = 150 * MS
_AUTO_POLL_TYPES_A: Final = (0x00, 0x10, 0x20)
_SENS_AND_SEL: Final = {4: (0x0004, 0x08), 7: (0x0044, 0x00), 10: (0x0084, 0x00)}
_NEEDS_RADIO: Final = frozenset(
    (
        Command.IN_DATA_EXCHANGE,
        Command.IN_COMMUNICATE_THRU,
        Command.IN_DESELECT,
        Command.IN_LIST_PASSIVE_TARGET,
        Command.IN_RELEASE,
        Command.IN_AUTO_POLL,
    )
)


@dataclass(slots=True)
class Pn532TwinCounters:
    """What the chip has seen and sent. ``refused``: error frames. ``ignored``: bytes or frames without any effect."""

    frames_received: int = 0
    frames_sent: int = 0
    commands: int = 0
    refused: int = 0
    aborted: int = 0
    repeated_answers: int = 0
    bytes_while_asleep: int = 0


class _RefusedError(Exception):
    """The command's parameters are not understood."""


class Pn532Twin:
    """The chip, ``Stepped`` and a part of a renewal loop. To be woken when bytes arrive on ``link``."""

    def __init__(self, link: ByteLink, waker: Waker) -> None:
        self.counters = Pn532TwinCounters()
        self._link = link
        self._waker = waker
        self._decoder = Decoder()
        self._cards: list[bytes] = []
        self._powered = True
        self._frozen = False
        self._corrupt = 0
        self._bytes_at_us = 0
        self._handlers: dict[int, Callable[[bytes, int], bytes | None]] = {
            Command.DIAGNOSE: self._diagnose,
            Command.GET_FIRMWARE_VERSION: lambda _p, _n: FIRMWARE,
            Command.GET_GENERAL_STATUS: self._general_status,
            Command.READ_REGISTER: self._read_registers,
            Command.WRITE_REGISTER: self._write_registers,
            Command.READ_GPIO: lambda _p, _n: bytes(self._gpio),
            Command.WRITE_GPIO: self._write_gpio,
            Command.SET_SERIAL_BAUD_RATE: self._set_baud_rate,
            Command.SET_PARAMETERS: self._set_parameters,
            Command.SAM_CONFIGURATION: self._configure_sam,
            Command.POWER_DOWN: self._power_down,
            Command.RF_CONFIGURATION: self._configure_rf,
            Command.IN_DATA_EXCHANGE: self._exchange_data,
            Command.IN_COMMUNICATE_THRU: lambda _p, _n: _STATUS_TIMEOUT,
            Command.IN_DESELECT: lambda _p, _n: _STATUS_OK,
            Command.IN_LIST_PASSIVE_TARGET: self._list_targets,
            Command.IN_RELEASE: self._release,
            Command.IN_AUTO_POLL: self._auto_poll,
        }
        self._reset()

    def _reset(self) -> None:
        """Take the state after power-on."""
        self._decoder.reset()
        self._waking = WAKING_BYTES
        self._sam_configured = False
        self._sleep_after_answer = False
        self._field = False
        self._passive_retries = _FOR_EVER
        self._registers: dict[int, int] = {}
        self._gpio = bytearray(3)
        self._parameters = 0x14
        self._baud_code = 4
        self._next_baud_code: int | None = None
        self._listed: list[bytes] = []
        self._last_answer = b""
        self._stop()

    def _stop(self) -> None:
        """End the command under way."""
        self._answer = b""
        self._answer_at_us = NEVER
        self._wanted: tuple[Command, int] | None = None
        """Command that waits for a card, and how many cards it wants."""

    # ------------------------------------------------------------------ the world's verbs

    def present(self, uid: bytes, now_us: int = 0) -> None:
        """Hold a card with ``uid`` (1 to 100 bytes; real ones have 4, 7 or 10) to the reader. Raises ValueError."""
        if not 1 <= len(uid) <= LONGEST_UID:
            raise ValueError(f"a UID has 1 to {LONGEST_UID} bytes, not {len(uid)}")
        if uid not in self._cards:
            self._cards.append(uid)
        self._waker.wake(self, now_us)

    def remove(self, uid: bytes | None = None, now_us: int = 0) -> None:
        """Take the card with ``uid`` away, or every card."""
        self._cards = [] if uid is None else [card for card in self._cards if card != uid]
        self._waker.wake(self, now_us)

    def power(self, on: bool, now_us: int = 0) -> None:
        """Switch the chip's supply; it starts from its low-battery state."""
        if on != self._powered:
            self._powered = on
            self._reset()
        self._waker.wake(self, now_us)

    def freeze(self, on: bool = True, now_us: int = 0) -> None:
        """Let the chip hang: it takes in bytes and answers nothing, until it is thawed or its power is switched."""
        self._frozen = on
        self._waker.wake(self, now_us)

    def corrupt_next(self, count: int) -> None:
        """Send the next ``count`` answers with a wrong checksum (repetitions asked for by NACK are answers too)."""
        self._corrupt = count

    @property
    def baud_code(self) -> int:
        """Line rate in force: 0 to 8 for 9600 to 1288000; 4 is 115200."""
        return self._baud_code

    @property
    def searching(self) -> bool:
        """Whether a command waits for a card."""
        return self._wanted is not None

    # ------------------------------------------------------------------ Stepped, RenewalPart

    def step(self, now_us: int) -> int:
        try:
            data = self._link.read(now_us)
            if data and self._powered and not self._frozen:
                self._take_in(data, now_us)
            self._look_for_card(now_us)
            if now_us >= self._answer_at_us and not self._frozen:
                self._send_answer(now_us)
        except LinkLostError:
            return now_us + LINE_RETRY_US
        return self.essential_wake_us()

    def steady_period_us(self) -> int:
        """Quiet only while it searches: in any other state the host's next check does not go as the last one did."""
        quiet = self._wanted is not None and not self._frozen and not self._decoder.pending and not self._corrupt
        return ANY_PERIOD if quiet else 0

    def next_renewal_us(self) -> int:
        return NEVER

    def essential_wake_us(self) -> int:
        return NEVER if self._frozen else self._answer_at_us

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        """Behave as if the host had ended the search, asked for the version and started the search ``periods`` times."""
        frames = 3 * periods
        self._bytes_at_us += delta_us
        self.counters.frames_received += frames
        self.counters.frames_sent += frames
        self.counters.commands += 2 * periods
        self.counters.aborted += periods
        return frames

    # ------------------------------------------------------------------ the line

    def _take_in(self, data: bytes, now_us: int) -> None:
        if self._waking:
            lost = min(self._waking, len(data))
            self._waking -= lost
            self.counters.bytes_while_asleep += lost
            data = data[lost:]
        if self._decoder.pending and now_us - self._bytes_at_us > BYTE_GAP_US:
            self._decoder.reset()
        self._bytes_at_us = now_us
        for frame in self._decoder.feed(data):
            self.counters.frames_received += 1
            self._handle(frame, now_us)

    def _handle(self, frame: Frame, now_us: int) -> None:
        if frame.kind is FrameKind.ACK:
            self.counters.aborted += self._wanted is not None or self._answer_at_us != NEVER
            self._stop()
            if self._next_baud_code is not None:
                self._baud_code, self._next_baud_code = self._next_baud_code, None
        elif frame.kind is FrameKind.NACK:
            if self._wanted is None and self._answer_at_us == NEVER and self._last_answer:
                self.counters.repeated_answers += 1
                self._send_information(self._last_answer, now_us)
        elif frame.kind is FrameKind.DATA and frame.tfi == TO_CHIP:
            self._stop()
            self.counters.commands += 1
            self._send(ACK_FRAME, now_us)
            self._run(frame, now_us)

    def _run(self, frame: Frame, now_us: int) -> None:
        handler = self._handlers.get(frame.code)
        answer: bytes | None
        try:
            if handler is None or (frame.code in _NEEDS_RADIO and not self._sam_configured):
                raise _RefusedError
            answer = handler(frame.parameters, now_us)
        except (_RefusedError, IndexError):
            self.counters.refused += 1
            self._answer = ERROR_FRAME
            self._answer_at_us = now_us + ANSWER_TIME_US
            return
        if answer is not None:
            self._answer = answer_frame(frame.code, answer)
            if self._answer_at_us == NEVER:
                self._answer_at_us = now_us + ANSWER_TIME_US

    def _look_for_card(self, now_us: int) -> None:
        """Answer the command that waits for a card, when there is one."""
        if self._wanted is None or not self._cards or not self._powered or self._frozen:
            return
        command, count = self._wanted
        self._stop()
        self._answer = answer_frame(command, self._listing(command, count))
        self._answer_at_us = now_us + ANSWER_TIME_US

    def _send_answer(self, now_us: int) -> None:
        answer = self._answer
        self._stop()
        self._last_answer = answer
        self._send_information(answer, now_us)
        if self._sleep_after_answer:
            self._sleep_after_answer = False
            self._waking = WAKING_BYTES
            self._sam_configured = False

    def _send_information(self, answer: bytes, now_us: int) -> None:
        if self._corrupt and answer != ERROR_FRAME:
            self._corrupt -= 1
            answer = answer[:-2] + bytes((answer[-2] ^ 0x01,)) + answer[-1:]
        self._send(answer, now_us)

    def _send(self, frame: bytes, now_us: int) -> None:
        self._link.write(frame, now_us)
        self.counters.frames_sent += 1

    # ------------------------------------------------------------------ commands: parameters, now -> answer, None = later

    def _diagnose(self, parameters: bytes, _now_us: int) -> bytes | None:
        test = parameters[0]
        if test == 0x00:
            return parameters
        if test in (0x01, 0x02, 0x04, 0x07):
            return _STATUS_OK
        if test == 0x05:
            return None
        if test == 0x06:
            return _STATUS_OK if self._listed and self._listed[0] in self._cards else _STATUS_TIMEOUT
        raise _RefusedError

    def _general_status(self, _parameters: bytes, _now_us: int) -> bytes:
        cards = b"".join(bytes((number, 0, 0, 0x10)) for number in range(1, len(self._listed) + 1))
        return bytes((0, self._field, len(self._listed))) + cards + b"\x00"

    def _read_registers(self, parameters: bytes, _now_us: int) -> bytes:
        if not parameters or len(parameters) % 2:
            raise _RefusedError
        addresses = (int.from_bytes(parameters[i : i + 2], "big") for i in range(0, len(parameters), 2))
        return bytes(self._registers.get(address, 0) for address in addresses)

    def _write_registers(self, parameters: bytes, _now_us: int) -> bytes:
        if not parameters or len(parameters) % 3:
            raise _RefusedError
        for i in range(0, len(parameters), 3):
            self._registers[int.from_bytes(parameters[i : i + 2], "big")] = parameters[i + 2]
        return b""

    def _write_gpio(self, parameters: bytes, _now_us: int) -> bytes:
        for port in (0, 1):
            if parameters[port] & 0x80:
                self._gpio[port] = parameters[port] & 0x7F
        return b""

    def _set_baud_rate(self, parameters: bytes, _now_us: int) -> bytes:
        if parameters[0] > 8:
            raise _RefusedError
        self._next_baud_code = parameters[0]
        return b""

    def _set_parameters(self, parameters: bytes, _now_us: int) -> bytes:
        self._parameters = parameters[0]
        return b""

    def _configure_sam(self, parameters: bytes, _now_us: int) -> bytes:
        if not 1 <= parameters[0] <= 4:
            raise _RefusedError
        self._sam_configured = True
        return b""

    def _power_down(self, parameters: bytes, _now_us: int) -> bytes:
        if not parameters:
            raise _RefusedError
        self._sleep_after_answer = True
        return _STATUS_OK

    def _configure_rf(self, parameters: bytes, _now_us: int) -> bytes:
        if parameters[0] == 0x01:
            self._field = bool(parameters[1] & 0x01)
        elif parameters[0] == 0x05:
            self._passive_retries = parameters[3]
        return b""

    def _exchange_data(self, parameters: bytes, _now_us: int) -> bytes:
        listed = 1 <= parameters[0] & 0x3F <= len(self._listed)
        return _STATUS_TIMEOUT if listed else _STATUS_WRONG_CONTEXT

    def _release(self, parameters: bytes, _now_us: int) -> bytes:
        number = parameters[0]
        if number == 0:
            self._listed = []
        elif number <= len(self._listed):
            del self._listed[number - 1]
        else:
            return _STATUS_WRONG_CONTEXT
        return _STATUS_OK

    def _list_targets(self, parameters: bytes, now_us: int) -> bytes | None:
        count, kind = parameters[0], parameters[1]
        if not 1 <= count <= 2:
            raise _RefusedError
        self._field = True
        if kind == TYPE_A_106 and self._cards:
            return self._listing(Command.IN_LIST_PASSIVE_TARGET, count)
        if self._passive_retries == _FOR_EVER:
            self._wanted = (Command.IN_LIST_PASSIVE_TARGET, count) if kind == TYPE_A_106 else None
            return None
        self._answer_at_us = now_us + (self._passive_retries + 1) * _TRY_US
        return self._listing(Command.IN_LIST_PASSIVE_TARGET, 0)

    def _auto_poll(self, parameters: bytes, now_us: int) -> bytes | None:
        polls, period, kinds = parameters[0], parameters[1], parameters[2:]
        if not polls or not 1 <= period <= 0x0F or not kinds:
            raise _RefusedError
        self._field = True
        type_a = any(kind in _AUTO_POLL_TYPES_A for kind in kinds)
        if type_a and self._cards:
            return self._listing(Command.IN_AUTO_POLL, 2)
        self._wanted = (Command.IN_AUTO_POLL, 2) if type_a else None
        if polls == _FOR_EVER:
            return None
        self._answer_at_us = now_us + polls * period * len(kinds) * _POLL_UNIT_US
        return self._listing(Command.IN_AUTO_POLL, 0)

    def _listing(self, command: Command, count: int) -> bytes:
        """Select up to ``count`` cards and return the answer's parameters."""
        self._listed = self._cards[:count]
        targets = [
            TypeATarget(number, *_SENS_AND_SEL.get(len(uid), (0x0004, 0x08)), uid)
            for number, uid in enumerate(self._listed, start=1)
        ]
        if command is Command.IN_LIST_PASSIVE_TARGET:
            return build_targets(targets)
        listed = bytes((len(targets),))
        for target in targets:
            data = build_targets((target,))[1:]
            listed += bytes((0x10, len(data))) + data
        return listed
