"""What services do for a back-end: hand it what is durable, step it, commit and post what it wants."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from evse.core.commands import Command
from evse.core.events import CommandDone, Event
from evse.core.units import NEVER, SECOND
from evse.exchange.snapshot import StationView
from evse.services.back_end import BackEnd
from evse.services.clock import ClockMapping, Instant
from evse.services.journal import Journal, JournalError, Write
from evse.services.supervision import SupervisionAnswer

_log = logging.getLogger(__name__)
RETRY_US: Final = 1 * SECOND
"""How long to wait before a journal that could not be read is asked again."""


class BackEndDesk:
    """The way between one station's journal and its back-end, ``None`` for a station without: then nothing happens.

    ``send`` takes commands for control, in order; ``answer_card`` answers to questions about cards; ``wake`` is called when there is something to do.
    """

    def __init__(
        self,
        journal: Journal,
        back_end: BackEnd | None,
        send: Callable[[Command], None],
        answer_card: Callable[[str, SupervisionAnswer], None],
        wake: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._back_end = back_end
        self._send = send
        self._answer_card = answer_card
        self._wake = wake
        self._answers: deque[tuple[int, CommandDone]] = deque()
        self._unread = False
        self._now_us = 0

    @property
    def present(self) -> bool:
        """Whether the station is supervised."""
        return self._back_end is not None

    @property
    def problem(self) -> str:
        """What supervision will never be told, in words; empty when there is nothing."""
        return "" if self._back_end is None else self._back_end.problem

    def start(self) -> None:
        """Another boot of control: nobody answers the commands of the one before."""
        self._answers.clear()

    def load(self, now_us: int, boot_id: str, open_sessions: Mapping[str, str]) -> None:
        """The interrupted sessions are closed: tell what the journal holds. Raises JournalError."""
        if self._back_end is None:
            return
        journal = self._journal
        self._back_end.load(journal.documents(), journal.messages(), journal.transaction_ids())
        self._back_end.take_messages(journal.messages(self._back_end.last_number))
        self._back_end.booted(now_us, boot_id, open_sessions)

    def writes(self, event: Event, at: Instant) -> list[Write]:
        """What has to be in the same commit as the event."""
        return [] if self._back_end is None else self._back_end.writes(event, at)

    def durable(self) -> None:
        """Something is durable that the back-end may have to be told."""
        if self._back_end is None:
            return
        try:
            self._back_end.take_messages(self._journal.messages(self._back_end.last_number))
            self._unread = False
        except JournalError as error:
            self._unread = True
            _log.warning("the messages for the back-end cannot be read now: %s", error)
        self._wake()

    def _written(self) -> None:
        if self._back_end is not None:
            self._back_end.written(self._now_us)
        self.durable()

    def answer(self, seq: int, event: CommandDone) -> None:
        """Control has answered a command by the event ``seq``."""
        if self._back_end is not None:
            self._answers.append((seq, event))

    def view(self, now_us: int, view: StationView | None) -> None:
        """The newest Snapshot, ``None`` while control does not answer."""
        if self._back_end is not None:
            self._back_end.view(now_us, view)
            self._wake()

    def step(self, now_us: int, clock: ClockMapping, orders_durable: Callable[[int], bool]) -> int:
        """Step the back-end; return when to do so again. It hears of an obeyed order when that is durable."""
        if self._back_end is None:
            return NEVER
        self._now_us = now_us
        if self._unread:
            self.durable()
        while self._answers and orders_durable(self._answers[0][0]):
            self._back_end.event(now_us, self._answers.popleft()[1])
        wishes = self._back_end.step(now_us, clock)
        for command in wishes.commands:
            self._send(command)
        for ask_id, answer in wishes.answers:
            self._answer_card(ask_id, answer)
        if wishes.writes:
            self._journal.commit(wishes.writes, self._written)
        return min(wishes.wake_us, now_us + RETRY_US) if self._unread else wishes.wake_us
