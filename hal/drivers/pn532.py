"""Card reader on an NXP PN532 over a serial line (ISO/IEC 14443 type A, 106 kbit/s).

The chip is asked once to look for a card "for ever" and answers when one arrives, so a quiet hour costs one keep-alive
every 5 s and nothing else.

| phase     | sent on entry                             | event                       | next phase                 |
|-----------|-------------------------------------------|-----------------------------|----------------------------|
| LOST      | nothing                                   | 500 ms passed               | STARTING                   |
| STARTING  | wake-up, ACK, SAMConfiguration;           | last answer                 | LISTENING, connected       |
|           | GetFirmwareVersion; RFConfiguration       | chip is no PN532            | LOST                       |
| LISTENING | InListPassiveTarget                       | card                        | RELEASING, card reported   |
|           |                                           | answer without usable card  | RELEASING                  |
|           |                                           | 5 s since the last check    | CHECKING                   |
| CHECKING  | ACK (aborts the search),                  | answer                      | LISTENING                  |
|           | GetFirmwareVersion                        | card (was on the way)       | RELEASING, card reported   |
| RELEASING | InRelease                                 | answer                      | PAUSING                    |
| PAUSING   | nothing                                   | 300 ms passed               | LISTENING                  |
| any       |                                           | no answer to 3 attempts     | LOST, not connected        |
| any       |                                           | line gone                   | LOST, not connected        |

An answer with a wrong checksum is asked for again with NACK, three times per command at most; then the command is
repeated like one that was not answered. A search for cards has no time limit once the chip has acknowledged it.

A card that stays in the field is found again every 300 ms and counts once: the same UID within 1 s of its last sighting
is the same presentation. UIDs have 4, 7 or 10 bytes (ISO/IEC 14443-3 clause 6.5.4); others are counted and ignored.

Source: NXP PN532 User Manual (UM0701-02), sections 6.2.1, 6.3.2.3 (wake-up), 7.2 and 7.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from enum import Enum
from typing import Final

from evse.records import dataclass
from hal.frames.pn532 import (
    ACCEPTED_UID_LENGTHS,
    ACK_FRAME,
    BYTE_GAP_US,
    FROM_CHIP,
    NACK_FRAME,
    PN532_IC,
    TYPE_A_106,
    WAKE_UP,
    Command,
    Decoder,
    DecoderCounters,
    Frame,
    FrameKind,
    command_frame,
    encode,
    parse_firmware_version,
    parse_targets,
)
from hal.ports import CardRead
from hal.units import MS, NEVER, SECOND
from hal.wires import ByteLink, LinkLostError

KEEP_ALIVE_US: Final = 5 * SECOND
RETRY_US: Final = 500 * MS
PAUSE_US: Final = 300 * MS
SAME_CARD_US: Final = 1 * SECOND
ACK_TIMEOUT_US: Final = 200 * MS
ANSWER_TIMEOUT_US: Final = 500 * MS
ATTEMPTS: Final = 3
NACKS: Final = 3
CARDS_KEPT: Final = 16
"""Cards that nobody takes are not piled up for ever; the oldest go first."""

_FRAMES_PER_KEEP_ALIVE: Final = 3

FrameHook = Callable[[int, str, bytes], None]
"""Called with (now_us, ``"tx"`` or ``"rx"``, whole frame) for every frame sent or received."""


class _Phase(Enum):
    LOST = "lost"
    STARTING = "starting"
    LISTENING = "listening"
    CHECKING = "checking"
    RELEASING = "releasing"
    PAUSING = "pausing"


_START_SEQUENCE: Final = (
    (Command.SAM_CONFIGURATION, b"\x01\x00\x00"),  # normal mode: the security module is not used
    (Command.GET_FIRMWARE_VERSION, b""),
    (Command.RF_CONFIGURATION, b"\x05\xff\x01\xff"),  # item 5: look for a card for ever
)
MOST_CARDS: Final = 1
"""Cards asked for at once; an answer with more is no answer to this driver's question."""
_LIST_ONE_CARD: Final = bytes((MOST_CARDS, TYPE_A_106))
_RELEASE_ALL: Final = b"\x00"


@dataclass(slots=True)
class _Exchange:
    """One command under way. ``deadline_us`` is for the ACK first, then for the answer."""

    command: Command
    parameters: bytes
    deadline_us: int
    attempts_left: int = ATTEMPTS - 1
    nacks_left: int = NACKS
    acknowledged: bool = False


@dataclass(slots=True)
class Pn532Counters:
    """What the driver has done and met since it was made. ``line``: what its decoder could not use."""

    frames_sent: int = 0
    frames_received: int = 0
    keep_alives: int = 0
    starts: int = 0
    lines_lost: int = 0
    unanswered: int = 0
    repeated_commands: int = 0
    nacks_sent: int = 0
    syntax_errors: int = 0
    unexpected_frames: int = 0
    malformed_answers: int = 0
    cards: int = 0
    sightings: int = 0
    ignored_uids: int = 0
    cards_dropped: int = 0
    line: DecoderCounters = field(default_factory=DecoderCounters)


class Pn532Driver:
    """A ``CardReader`` that is ``Polled`` and a part of a renewal loop."""

    def __init__(self, link: ByteLink, on_frame: FrameHook | None = None) -> None:
        """``link``: the line, 115200 8N1. ``on_frame``: sees every frame, for traces."""
        self.on_frame = on_frame
        self._counts = Pn532Counters()
        self._link = link
        self._decoder = Decoder()
        self._phase = _Phase.LOST
        self._exchange: _Exchange | None = None
        self._start_step = 0
        self._due_us = 0
        self._keep_alive_us = NEVER
        self._polled_wish_us = -NEVER
        """What the last poll returned; until then nothing is due but what arrives."""
        self._renewed = False
        self._connected = False
        self._problem = "not asked yet"
        self._firmware = ""
        self._heard_at_us = 0
        self._bytes_at_us = 0
        self._cards: list[CardRead] = []
        self._seen: dict[str, int] = {}

    # ------------------------------------------------------------------ CardReader

    def take_cards(self) -> tuple[CardRead, ...]:
        cards = tuple(self._cards)
        self._cards.clear()
        return cards

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def problem(self) -> str:
        """Why ``connected`` is false, in words; empty while connected."""
        return "" if self._connected else self._problem

    @property
    def firmware(self) -> str:
        return self._firmware

    @property
    def heard_at_us(self) -> int:
        """When the last valid frame arrived."""
        return self._heard_at_us

    @property
    def counters(self) -> Pn532Counters:
        """Copy of the counters."""
        return replace(self._counts, line=replace(self._decoder.counters))

    # ------------------------------------------------------------------ Polled

    def poll(self, now_us: int) -> int:
        try:
            data = b"" if self._phase is _Phase.LOST else self._link.read(now_us)
            if not data and now_us < self._polled_wish_us:
                return self._polled_wish_us
            self._forget_old_sightings(now_us)
            if data:
                self._take_in(data, now_us)
            self._do_what_is_due(now_us)
        except LinkLostError as error:
            self._counts.lines_lost += self._connected
            self._give_up(f"no serial line: {error}", now_us)
        self._polled_wish_us = self.wish_us()
        return self._polled_wish_us

    # ------------------------------------------------------------------ RenewalPart

    def steady_period_us(self) -> int:
        if not self._listening or not self._renewed or self._seen or self._decoder.pending:
            return 0
        return KEEP_ALIVE_US

    def next_renewal_us(self) -> int:
        return self._keep_alive_us if self._listening else NEVER

    def essential_wake_us(self) -> int:
        forget = min(self._seen.values(), default=NEVER - SAME_CARD_US) + SAME_CARD_US + 1
        pending = self._exchange.deadline_us if self._exchange is not None else self._due_us
        return min(pending, forget)

    def wish_us(self) -> int:
        return min(self.essential_wake_us(), self.next_renewal_us())

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        frames = _FRAMES_PER_KEEP_ALIVE * periods
        self._polled_wish_us = -NEVER
        self._keep_alive_us += delta_us
        self._heard_at_us += delta_us
        self._bytes_at_us += delta_us
        self._counts.keep_alives += periods
        self._counts.frames_sent += frames
        self._counts.frames_received += frames
        return frames

    @property
    def _listening(self) -> bool:
        """Whether the chip searches and nothing is due before the next keep-alive."""
        exchange = self._exchange
        return self._phase is _Phase.LISTENING and exchange is not None and exchange.deadline_us == NEVER

    # ------------------------------------------------------------------ receiving

    def _take_in(self, data: bytes, now_us: int) -> None:
        if self._decoder.pending and now_us - self._bytes_at_us > BYTE_GAP_US:
            self._decoder.reset()
        self._bytes_at_us = now_us
        bad_before = self._decoder.counters.bad_checksums
        for frame in self._decoder.feed(data):
            self._counts.frames_received += 1
            self._heard_at_us = now_us
            if self.on_frame is not None:
                self.on_frame(now_us, "rx", encode(frame))
            self._handle(frame, now_us)
        if self._decoder.counters.bad_checksums > bad_before:
            self._ask_again(now_us)

    def _handle(self, frame: Frame, now_us: int) -> None:
        exchange = self._exchange
        if exchange is None:
            self._counts.unexpected_frames += 1
        elif frame.kind is FrameKind.ACK:
            if not exchange.acknowledged:
                exchange.acknowledged = True
                searching = exchange.command is Command.IN_LIST_PASSIVE_TARGET
                exchange.deadline_us = NEVER if searching else now_us + ANSWER_TIMEOUT_US
        elif frame.kind is FrameKind.ERROR:
            self._counts.syntax_errors += 1
            self._repeat(exchange, "the chip refuses a command", now_us)
        elif frame.kind is FrameKind.DATA and frame.tfi == FROM_CHIP:
            self._handle_answer(exchange, frame, now_us)
        else:
            self._counts.unexpected_frames += 1

    def _handle_answer(self, exchange: _Exchange, frame: Frame, now_us: int) -> None:
        if frame.code == Command.IN_LIST_PASSIVE_TARGET + 1 and self._phase in (_Phase.LISTENING, _Phase.CHECKING):
            # While checking: the card came just before the host's ACK, which did not abort anything any more.
            self._note_targets(frame.parameters, now_us)
            self._begin(_Phase.RELEASING, Command.IN_RELEASE, _RELEASE_ALL, now_us)
        elif frame.code != exchange.command + 1:
            self._counts.unexpected_frames += 1
        elif self._phase is _Phase.STARTING:
            self._continue_start(frame, now_us)
        elif self._phase is _Phase.CHECKING:
            if not self._is_pn532(frame.parameters):
                self._give_up("the chip answers, but it is no PN532", now_us)
                return
            self._renewed = True
            self._listen(now_us)
        elif self._phase is _Phase.RELEASING:
            self._exchange = None
            self._phase = _Phase.PAUSING
            self._due_us = now_us + PAUSE_US

    def _continue_start(self, frame: Frame, now_us: int) -> None:
        if frame.code == Command.GET_FIRMWARE_VERSION + 1 and not self._is_pn532(frame.parameters):
            self._give_up("the chip answers, but it is no PN532", now_us)
            return
        self._start_step += 1
        if self._start_step < len(_START_SEQUENCE):
            command, parameters = _START_SEQUENCE[self._start_step]
            self._begin(_Phase.STARTING, command, parameters, now_us)
        else:
            self._connected = True
            self._keep_alive_us = now_us + KEEP_ALIVE_US
            self._listen(now_us)

    def _is_pn532(self, parameters: bytes) -> bool:
        version = parse_firmware_version(parameters)
        if version is None:
            self._counts.malformed_answers += 1
        elif version.ic == PN532_IC:
            self._firmware = f"{version.version}.{version.revision}"
        return version is not None and version.ic == PN532_IC

    def _note_targets(self, parameters: bytes, now_us: int) -> None:
        targets = parse_targets(parameters)
        if targets is None or len(targets) > MOST_CARDS:
            self._counts.malformed_answers += 1
            return
        for target in targets:
            if len(target.uid) in ACCEPTED_UID_LENGTHS:
                self._note_card(target.uid.hex().upper(), now_us)
            else:
                self._counts.ignored_uids += 1

    def _note_card(self, uid: str, now_us: int) -> None:
        self._counts.sightings += 1
        known = uid in self._seen
        self._seen[uid] = now_us
        if known:
            return
        self._counts.cards += 1
        self._cards.append(CardRead(uid, now_us))
        if len(self._cards) > CARDS_KEPT:
            self._counts.cards_dropped += 1
            del self._cards[0]

    def _forget_old_sightings(self, now_us: int) -> None:
        if self._seen:
            self._seen = {uid: at for uid, at in self._seen.items() if now_us - at <= SAME_CARD_US}

    # ------------------------------------------------------------------ sending

    def _do_what_is_due(self, now_us: int) -> None:
        exchange = self._exchange
        if exchange is not None and now_us >= exchange.deadline_us:
            self._counts.unanswered += 1
            self._repeat(exchange, "the chip does not answer", now_us)
        elif self._phase is _Phase.LOST and now_us >= self._due_us:
            self._start(now_us)
        elif self._phase is _Phase.PAUSING and now_us >= self._due_us:
            self._keep_alive_us = now_us + KEEP_ALIVE_US
            self._listen(now_us)
        elif self._listening and now_us >= self._keep_alive_us:
            self._check(now_us)

    def _start(self, now_us: int) -> None:
        self._due_us = now_us + RETRY_US
        self._link.read(now_us)  # whatever waits there belongs to an earlier life of the chip
        self._decoder.reset()
        self._counts.starts += 1
        self._link.write(WAKE_UP, now_us)
        self._send(ACK_FRAME, now_us)  # a chip that still searches for an earlier host stops
        self._start_step = 0
        command, parameters = _START_SEQUENCE[0]
        self._begin(_Phase.STARTING, command, parameters, now_us)

    def _listen(self, now_us: int) -> None:
        self._begin(_Phase.LISTENING, Command.IN_LIST_PASSIVE_TARGET, _LIST_ONE_CARD, now_us)

    def _check(self, now_us: int) -> None:
        # On a fixed grid while polled in time, so that every period is the same; late polls do not pile up.
        self._keep_alive_us = max(self._keep_alive_us, now_us - KEEP_ALIVE_US + 1) + KEEP_ALIVE_US
        self._counts.keep_alives += 1
        self._send(ACK_FRAME, now_us)
        self._begin(_Phase.CHECKING, Command.GET_FIRMWARE_VERSION, b"", now_us)

    def _begin(self, phase: _Phase, command: Command, parameters: bytes, now_us: int) -> None:
        """Enter ``phase`` with a fresh command. Raises LinkLostError."""
        if phase not in (_Phase.LISTENING, _Phase.CHECKING):
            self._renewed = False
        self._phase = phase
        self._due_us = NEVER
        self._exchange = _Exchange(command, parameters, now_us + ACK_TIMEOUT_US)
        self._send(command_frame(command, parameters), now_us)

    def _repeat(self, exchange: _Exchange, reason: str, now_us: int) -> None:
        """Send the command once more, or give the chip up."""
        if exchange.attempts_left == 0:
            self._give_up(reason, now_us)
            return
        exchange.attempts_left -= 1
        exchange.acknowledged = False
        exchange.deadline_us = now_us + ACK_TIMEOUT_US
        self._counts.repeated_commands += 1
        self._decoder.reset()
        self._send(command_frame(exchange.command, exchange.parameters), now_us)

    def _ask_again(self, now_us: int) -> None:
        """Have the chip send its last answer once more, after one with a wrong checksum."""
        exchange = self._exchange
        if exchange is None or not exchange.acknowledged:
            return
        # Noise may have looked like an answer, and a NACK may stop a search: from now on there is a time limit.
        exchange.deadline_us = min(exchange.deadline_us, now_us + ANSWER_TIMEOUT_US)
        if exchange.nacks_left > 0:
            exchange.nacks_left -= 1
            self._counts.nacks_sent += 1
            self._send(NACK_FRAME, now_us)

    def _give_up(self, reason: str, now_us: int) -> None:
        self._connected = False
        self._problem = reason
        self._phase = _Phase.LOST
        self._exchange = None
        self._renewed = False
        self._keep_alive_us = NEVER
        self._due_us = now_us + RETRY_US
        self._decoder.reset()

    def _send(self, frame: bytes, now_us: int) -> None:
        self._link.write(frame, now_us)
        self._counts.frames_sent += 1
        if self.on_frame is not None:
            self.on_frame(now_us, "tx", frame)
