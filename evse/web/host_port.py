"""What the web interface needs from whoever keeps the machine below the station as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from evse.services.host.service import HostView
    from evse.services.settings.service import Actor


class HostPort(Protocol):
    """The machine: its addresses, its time, its name."""

    def view(self) -> HostView:
        """How it is set."""

    def announced(self) -> str:
        """The name under which others see the station in their network view; empty while nobody does."""

    def names(self) -> tuple[str, ...]:
        """Names, beside addresses, by which a request may call the station."""

    def description(self) -> str:
        """The station's description for UPnP, in XML."""

    def reached(self, at: str) -> None:
        """Somebody who is logged in has reached the station's own address ``at``."""

    async def set_clock(self, utc_us: int, who: Actor) -> None:
        """Set the wall clock, UTC in microseconds since 1970. Raises ``ClockRefused``, ``HostError``."""
