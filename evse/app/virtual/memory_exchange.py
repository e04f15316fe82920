"""The exchange inside one process: control's end and services' end joined in memory, with a delay each way.

The same Outbox, the same acknowledgements and the same order as over the socket; only the bytes are missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from evse.core.commands import Command
from evse.core.events import Event
from evse.exchange.envelope import Acknowledge, Envelope
from evse.exchange.outbox import Outbox
from evse.exchange.snapshot import StationView


class MemoryExchange:
    """A ``ControlEnd`` for one boot of control. ``seen`` is told every event at once (for traces and tests)."""

    def __init__(
        self,
        boot_id: str,
        wake_services: Callable[[], None],
        wake_control: Callable[[], None],
        seen: Callable[[int, Event], None],
    ) -> None:
        self.outbox = Outbox(boot_id)
        self._wake_services = wake_services
        self._wake_control = wake_control
        self._seen = seen
        self._commands: deque[Command] = deque()

    # control's side

    def take_commands(self, now_us: int) -> Sequence[Command]:
        """Commands that have arrived."""
        if not self._commands:
            return ()
        commands = tuple(self._commands)
        self._commands.clear()
        return commands

    def report(self, events: Sequence[Event], now_us: int) -> None:
        """Queue events for services and wake them."""
        for event in events:
            self._seen(now_us, event)
            self.outbox.put(event, now_us)
        self._wake_services()

    def offer_view(self, make: Callable[[], StationView], now_us: int) -> None:
        """Nobody keeps Snapshots here: whoever wants one asks control directly."""

    # services' side

    def envelopes(self) -> Iterator[Envelope]:
        """Take every waiting envelope, in order."""
        for envelope in self.outbox.unsent():
            self.outbox.mark_sent(envelope)
            yield envelope

    def deliver(self, commands: Sequence[Command]) -> None:
        """Hand commands to control."""
        if commands:
            self._commands.extend(commands)
            self._wake_control()

    def acknowledge(self, acknowledge: Acknowledge) -> None:
        """Services have made durable what they were told."""
        self.outbox.acknowledge(acknowledge)
