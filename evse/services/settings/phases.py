"""Phase orders as the installer enters them, `L2-L3-L1` or `L2`, and what they mean to the core.

Both settings say which conductor of the supply is at the terminals of a device, the first terminal first: of the outlet's
terminal block, and of its energy meter (EVlink commissioning guide DOCA0060, "Meters sub-tab"). A single conductor: the device is
connected to that one alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Final

ORDERS: Final = (
    *("-".join(f"L{number}" for number in order) for order in permutations((1, 2, 3))),
    *("L1", "L2", "L3"),
)


def conductors_of(order: str) -> tuple[int, ...]:
    """The conductors of one of ``ORDERS``."""
    return tuple(int(name[1:]) for name in order.split("-"))


def order_of(conductors: Sequence[int]) -> str:
    """How the installer would enter them."""
    return "-".join(f"L{number}" for number in conductors)


def unseen(outlet: Sequence[int], meter: Sequence[int]) -> tuple[int, ...]:
    """Conductors of the outlet that its meter is not connected to."""
    return tuple(each for each in outlet if each not in meter)


def meter_terminals(outlet: Sequence[int], meter: Sequence[int]) -> tuple[int, int, int]:
    """Terminal of the meter behind each terminal of the outlet; terminals that nothing is connected to come last."""
    found = [meter.index(conductor) + 1 for conductor in outlet if conductor in meter]
    found += [terminal for terminal in (1, 2, 3) if terminal not in found]
    return found[0], found[1], found[2]


def meter_conductors(outlet: Sequence[int], terminals: Sequence[int]) -> tuple[int, ...]:
    """The conductors at the meter's terminals, when these are behind the terminals of the outlet."""
    if len(outlet) == 1:
        return tuple(outlet)
    return tuple(outlet[terminals.index(terminal)] for terminal in (1, 2, 3))
