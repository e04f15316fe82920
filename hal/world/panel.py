"""What an installer finds behind a THØR's cover: DIP switches, service button, and the wires to the X1 contact.

Specification. DIP switches stay where they were put, with or without supply. The button closes its line for as long as it is
held. X1 is a contact somebody else owns (timer, photovoltaic system); it closes its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hal.units import NEVER

SWITCHES: Final = 8


@dataclass(slots=True)
class Panel:
    """Switches, button and X1 of one outlet. ``button_line``, ``x1_line``: their input lines, 0 = there is none."""

    dip: tuple[int, ...] = ()
    """One byte per bank, switch 1 = 0x80."""
    button_line: int = 0
    x1_line: int = 0
    x1_closed: bool = False
    held_until_us: int | None = None

    @property
    def due_us(self) -> int:
        """When the button is let go."""
        return NEVER if self.held_until_us is None else self.held_until_us

    @property
    def held(self) -> bool:
        """Whether somebody holds the button down."""
        return self.held_until_us is not None

    def step(self, now_us: int) -> None:
        """Let go of the button when it is time."""
        if now_us >= self.due_us:
            self.held_until_us = None

    def hold(self, duration_us: int, now_us: int) -> None:
        """Hold the button down for ``duration_us``."""
        self.held_until_us = now_us + duration_us

    def set_switch(self, bank: int, switch: int, *, on: bool) -> None:
        """Move one switch; banks and switches count from 1."""
        mask = 1 << (SWITCHES - switch)
        banks = list(self.dip)
        banks[bank - 1] = banks[bank - 1] | mask if on else banks[bank - 1] & ~mask
        self.dip = tuple(banks)

    def connect(self, lines: list[bool]) -> None:
        """Put button and X1 on their lines."""
        if self.button_line:
            lines[self.button_line - 1] = self.held
        if self.x1_line:
            lines[self.x1_line - 1] = self.x1_closed
