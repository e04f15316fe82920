"""What the world may do to devices it does not own: hold a card, pull a line, cut a device's supply.

Small protocols, so that the world depends on no twin. Whoever puts the simulation together attaches what exists; a
verb that needs a missing one is refused.
"""

from __future__ import annotations

from typing import Protocol

from evse.records import dataclass
from hal.world.metered import MeterFaults, MeterLie


class CardHolder(Protocol):
    """The field of a card reader."""

    def present(self, uid: bytes, now_us: int = 0) -> None:
        """Bring a card with this identifier into the field; it stays until removed."""
        ...

    def remove(self, uid: bytes | None = None, now_us: int = 0) -> None:
        """Take the card ``uid``, or every card, out of the field."""
        ...


class ReaderSwitch(Protocol):
    """A card reader's own program and supply, from outside. Repeating the same is harmless."""

    def freeze(self, on: bool, now_us: int, /) -> None:
        """Hang it, or let it run again."""
        ...

    def power(self, on: bool, now_us: int, /) -> None:
        """Take or give its supply."""
        ...


class FrontEndSwitch(Protocol):
    """The microcontroller of one outlet, from outside. Repeating the same is harmless."""

    def reset(self, now_us: int, /) -> None:
        """Press its reset button."""
        ...

    def freeze(self, frozen: bool, now_us: int, /) -> None:
        """Stop its program (outputs stay as they are), or let it run again."""
        ...

    def set_power(self, on: bool, now_us: int, /) -> None:
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


class MeterSwitch(Protocol):
    """An energy meter, from outside. ``hal.twins.modbus_meter.ModbusMeterTwin`` is one."""

    unit: int
    """Its own address."""
    faults: MeterFaults

    def set_lie(self, lie: MeterLie, now_us: int) -> None:
        """Let it lie from now on, or not any more."""
        ...

    def replace(self, register_mwh: int, back_us: int) -> None:
        """Put another meter in its place, with this register, that answers from ``back_us`` on."""
        ...

    @property
    def wraps(self) -> bool:
        """Whether its register begins anew at some number."""
        ...

    def near_wrap(self, left_mwh: int, now_us: int) -> None:
        """Set its register to ``left_mwh`` before that number."""
        ...


@dataclass(slots=True)
class Attachments:
    """The devices of one outlet. A reader that serves two outlets is attached to both."""

    reader: CardHolder | None = None
    reader_switch: ReaderSwitch | None = None
    reader_line: LineSwitch | None = None
    front_end: FrontEndSwitch | None = None
    front_end_line: LineSwitch | None = None
    meter: MeterSwitch | None = None
    meter_line: LineSwitch | None = None

    def power(self, on: bool, now_us: int) -> None:
        """Take or give the supply of every device."""
        if self.front_end is not None:
            self.front_end.set_power(on, now_us)
        if self.reader_switch is not None:
            self.reader_switch.power(on, now_us)
