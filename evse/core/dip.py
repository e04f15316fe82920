"""DIP switches: what each switch of a board means, and the settings that were read at the start.

Software never moves them and reads them once: the first reading after a start counts until the next start (THØR/KEBA P30
configuration manual 120501, section 3.2). A switch that is moved meanwhile is *pending*. Until that first reading the
board does not know its own limit and offers nothing.

The manual numbers one switch only, DSW2.5 for the communication of a charging network. Which switch limits the current and
which one makes X1 count is known from the manufacturer's other documents and from users; it stands in the profile, not here.

========= ========= ========= ==============================================
first     second    third     charging current (the three `current` switches)
========= ========= ========= ==============================================
off       off       off       10 A, as delivered
on        off       off       13 A
off       on        off       16 A
on        on        off       20 A
off       off       on        25 A
on        off       on        32 A
either    on        on        not defined; treated as 10 A and reported (ours)
========= ========= ========= ==============================================
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from evse.records import dataclass

SWITCHES: Final = 8
"""Switches of a bank at most. A bank is read as one byte: switch 1 is 0x80, switch 8 is 0x01."""
LEAST_MA: Final = 10_000
"""What an undefined position gives (ours): the delivered, lowest current."""
CURRENT_MA: Final[Mapping[tuple[bool, ...], int]] = MappingProxyType(
    {
        (False, False, False): 10_000,
        (True, False, False): 13_000,
        (False, True, False): 16_000,
        (True, True, False): 20_000,
        (False, False, True): 25_000,
        (True, False, True): 32_000,
    }
)
CURRENT_SWITCHES: Final = 3


class DipFunction(StrEnum):
    """What one switch means when it is on."""

    CURRENT = "current"
    """One of the three switches that limit the current."""
    X1_ENABLE = "x1_enable"
    """The enable input X1 has to release each charge besides the authorisation."""
    X2_DEFAULT = "x2_default"
    """The default function of the switching output X2."""
    SMART_HOME = "smart_home"
    """UDP and Modbus TCP interface."""
    ADDRESS = "address"
    """Address in a network; the weight of the single switches is not public."""
    COMMUNICATION = "communication"
    """Communication of a charging network, for the master and every slave."""
    STATIC_IP = "static_ip"
    COMMISSIONING = "commissioning"
    """Installation test."""
    UNKNOWN = "unknown"
    """Not documented: shown, never acted on."""


@dataclass(frozen=True, slots=True)
class DipBank:
    """One bank. ``functions``: what its switches mean, switch 1 first (1 to 8 of them)."""

    name: str
    functions: tuple[DipFunction, ...]


class DipSettings(NamedTuple):
    """What a set of positions means. ``current_ma``: 0 when no switch limits the current."""

    current_ma: int = 0
    current_defined: bool = True
    x1_enable: bool = False
    x2_default: bool = False
    smart_home: bool = False
    communication: bool = False
    static_ip: bool = False
    commissioning: bool = False
    address: str = ""
    """Positions of the address switches in order, ``1`` = on."""
    unknown_on: tuple[str, ...] = ()
    """Undocumented switches that are on, by their names, for example ``DSW1.4``."""


NO_DIP: Final = DipSettings()


def switch_positions(bank: DipBank, value: int) -> tuple[bool, ...]:
    """Return the positions of a bank's switches, switch 1 first; ``value`` is the byte as it was read."""
    return tuple(bool(value >> (SWITCHES - 1 - index) & 1) for index in range(len(bank.functions)))


def decode(banks: tuple[DipBank, ...], values: tuple[int, ...]) -> DipSettings:
    """Return what ``values`` (one byte per bank, in order) mean. Total: a bank without a value is all off."""
    on: dict[DipFunction, list[bool]] = {}
    unknown = []
    for index, bank in enumerate(banks):
        value = values[index] if index < len(values) else 0
        for number, (function, position) in enumerate(
            zip(bank.functions, switch_positions(bank, value), strict=True), start=1
        ):
            on.setdefault(function, []).append(position)
            if function is DipFunction.UNKNOWN and position:
                unknown.append(f"{bank.name}.{number}")
    current = tuple(on.get(DipFunction.CURRENT, ()))
    defined = not current or current in CURRENT_MA

    def is_on(function: DipFunction) -> bool:
        return any(on.get(function, ()))

    return DipSettings(
        current_ma=CURRENT_MA.get(current, LEAST_MA) if current else 0,
        current_defined=defined,
        x1_enable=is_on(DipFunction.X1_ENABLE),
        x2_default=is_on(DipFunction.X2_DEFAULT),
        smart_home=is_on(DipFunction.SMART_HOME),
        communication=is_on(DipFunction.COMMUNICATION),
        static_ip=is_on(DipFunction.STATIC_IP),
        commissioning=is_on(DipFunction.COMMISSIONING),
        address="".join("1" if position else "0" for position in on.get(DipFunction.ADDRESS, ())),
        unknown_on=tuple(unknown),
    )


class DipSwitches:
    """The switches of one board since its start."""

    def __init__(self, banks: tuple[DipBank, ...]) -> None:
        self.banks = banks
        self.at_start: tuple[int, ...] | None = None
        """What was read first; it rules until the next start."""
        self.now: tuple[int, ...] | None = None
        self.settings = NO_DIP

    def update(self, values: tuple[int, ...] | None) -> bool:
        """Take the latest reading (``None``: none yet); return whether the switches were read or moved."""
        if not self.banks or values is None or values == self.now:
            return False
        self.now = values
        if self.at_start is None:
            self.at_start = values
            self.settings = decode(self.banks, values)
        return True

    @property
    def known(self) -> bool:
        """Whether the board knows its own settings; always true where there are no switches."""
        return not self.banks or self.at_start is not None

    @property
    def pending(self) -> bool:
        """Whether a switch stands otherwise than at the start."""
        return self.now != self.at_start

    def text(self, values: tuple[int, ...] | None) -> str:
        """Return positions for people, ``DSW1 00100101, DSW2 00000010``; empty while nothing was read."""
        if values is None:
            return ""
        shown = (
            f"{bank.name} {''.join('1' if on else '0' for on in switch_positions(bank, value))}"
            for bank, value in zip(self.banks, values, strict=False)
        )
        return ", ".join(shown)
