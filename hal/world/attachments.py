"""What the world may do to devices it does not own: hold a card, pull a line, cut a device's supply.

Small protocols, so that the world depends on no twin. Whoever puts the simulation together attaches what exists; a
verb that needs a missing one is refused.
"""

from __future__ import annotations

from typing import Protocol


class CardHolder(Protocol):
    """The field of a card reader."""

    def present(self, uid: bytes) -> None:
        """Bring a card with this identifier into the field; it stays until removed."""
        ...

    def remove(self) -> None:
        """Take every card out of the field."""
        ...


class FrontEndSwitch(Protocol):
    """The microcontroller of one outlet, from outside."""

    def reset(self, now_us: int) -> None:
        """Press its reset button."""
        ...

    def freeze(self, frozen: bool, now_us: int) -> None:
        """Stop its program (outputs stay as they are), or let it run again."""
        ...

    def set_power(self, on: bool, now_us: int) -> None:
        """Take or give its supply."""
        ...


class LineSwitch(Protocol):
    """A serial line between controller and device, from outside. ``hal.twins.null_modem.NullModem`` is one."""

    def cut(self) -> None:
        """Unplug the line."""
        ...

    def restore(self) -> None:
        """Plug the line in again."""
        ...
