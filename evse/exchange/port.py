"""Control's end of the exchange. Real: a socket. Virtual: memory. Nothing here ever waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from evse.core.commands import Command
from evse.core.events import Event
from evse.exchange.snapshot import StationView


class ControlEnd(Protocol):
    """What control may do with the exchange."""

    def take_commands(self, now_us: int) -> Sequence[Command]:
        """Return the commands that have arrived since the last call, in order, each already validated."""
        ...

    def report(self, events: Sequence[Event], now_us: int) -> None:
        """Queue events for services; durable ones are kept until they are acknowledged."""
        ...

    def offer_view(self, make: Callable[[], StationView], now_us: int) -> None:
        """Something may have changed: the end calls ``make`` when it wants a Snapshot: now, between two later steps, or never."""
        ...
