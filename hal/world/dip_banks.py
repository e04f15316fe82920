"""The DIP switches behind a THØR's cover. They stay where they were put, with or without supply."""

from __future__ import annotations

from typing import Final

from evse.records import dataclass

SWITCHES: Final = 8


@dataclass(slots=True)
class DipBanks:
    """``positions``: one byte per bank, switch 1 = 0x80, on = 1; empty where there are none."""

    positions: tuple[int, ...] = ()

    def move(self, bank: int, switch: int, *, on: bool) -> None:
        """Move one switch; banks and switches count from 1."""
        mask = 1 << (SWITCHES - switch)
        banks = list(self.positions)
        banks[bank - 1] = banks[bank - 1] | mask if on else banks[bank - 1] & ~mask
        self.positions = tuple(banks)
