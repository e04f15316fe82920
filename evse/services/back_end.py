"""The port between a station's services and a back-end that supervises the station from afar.

Services own the journal and the way to control; the back-end has to be told of transactions and gives orders. (Whether it
is asked about cards is the policy's affair: :mod:`evse.services.supervision`.) It never waits: it is stepped, and says what is to be committed and posted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from evse.core.commands import Command
from evse.core.events import Event
from evse.core.units import NEVER
from evse.exchange.snapshot import StationView
from evse.services.clock import ClockMapping, Instant
from evse.services.journal import QueueMessage, Write
from evse.services.supervision import SupervisionAnswer


class BackEndWishes(NamedTuple):
    """What a back-end wants after a step: commands in order, then answers about cards by their question's id, writes as one
    commit, and when to be stepped again.
    """

    commands: tuple[Command, ...] = ()
    answers: tuple[tuple[str, SupervisionAnswer], ...] = ()
    writes: tuple[Write, ...] = ()
    wake_us: int = NEVER


class BackEnd(Protocol):
    """Implemented by a protocol's adapter; called by :class:`evse.services.station_services.StationServices` only."""

    @property
    def last_number(self) -> int:
        """Number of the last message that was taken from the journal."""
        ...

    @property
    def problem(self) -> str:
        """What the other side does not know and will not be told any more, in words; empty when there is nothing."""
        ...

    def load(
        self,
        documents: Mapping[str, str],
        messages: Iterable[tuple[int, QueueMessage]],
        transaction_ids: Mapping[str, int],
    ) -> None:
        """What the journal holds. Called before anything else, and again at each boot of control: then it changes nothing."""
        ...

    def booted(self, now_us: int, boot_id: str, open_sessions: Mapping[str, str]) -> None:
        """Control began; ``open_sessions``: users by session, interrupted ones are closed already."""
        ...

    def take_messages(self, messages: Iterable[tuple[int, QueueMessage]]) -> None:
        """These messages have become durable."""
        ...

    def written(self, now_us: int) -> None:
        """The oldest of the commits that ``step`` has wanted is durable."""
        ...

    def writes(self, event: Event, at: Instant) -> list[Write]:
        """What has to be in the same commit as what ``event`` makes durable."""
        ...

    def event(self, now_us: int, event: Event) -> None:
        """Control has answered a command."""
        ...

    def view(self, now_us: int, view: StationView | None) -> None:
        """The newest Snapshot, ``None`` while control does not answer."""
        ...

    def step(self, now_us: int, clock: ClockMapping) -> BackEndWishes:
        """Do what is due; ``clock`` tells what time it is."""
        ...
