"""The publication of records as the web interface sees it."""

from __future__ import annotations

from typing import Protocol

from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """How a delivery ended. ``text``: the server's own words, or why it failed; ``dropped``: it was the last try.

    ``at``: UTC in ISO 8601, empty while the clock is not set.
    """

    delivered: bool
    text: str
    dropped: bool
    at: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report that waits: records ``first`` to ``last``, failed ``tries`` so far, and when the next one is due."""

    first: int
    last: int
    created: str
    tries: int
    next_try: str
    problem: str


@dataclass(frozen=True, slots=True)
class PublicationView:
    """How publication stands. ``last``: the last delivery since services began."""

    frequency: str
    protocol: str
    waiting: tuple[ReportView, ...]
    last: DeliveryView | None


class PublicationPort(Protocol):
    """Publication of the charge records."""

    async def view(self) -> PublicationView:
        """How publication stands. Raises OSError while that cannot be read."""

    async def test(self) -> DeliveryView:
        """Try the oldest waiting report at once, or send a test file; returns when that has ended."""
