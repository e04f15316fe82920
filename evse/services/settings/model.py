"""What a setting is: typed data, from which pages, files, interfaces and documentation are made.

A setting is declared once (:mod:`evse.services.settings.registry` lists all). Its key is stable: it stands in files,
in the REST interface and in scripts. The key of a setting that exists once per outlet has ``outlet.`` in front and, for
one outlet, its number in between: ``outlet.derated_current_a`` is declared, ``outlet.2.derated_current_a`` is changed.

Values are plain: ``bool``, ``int`` or ``str``, never ``None``; a text that is not given is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from evse.records import dataclass
from evse.services.settings.kinds import NO_TEXT, Kind, Label, Value

Values: TypeAlias = Mapping[str, Value]
"""Settings by key, as somebody gives or gets them."""

OUTLET: Final = "outlet."


class Role(StrEnum):
    """Who is at the tool. The names are those of the two accounts."""

    ADMIN = "admin"
    USER = "user"


class Right(StrEnum):
    """What an account may do with a setting: not see it, read it, read and write it."""

    NONE = "N"
    READ = "R"
    WRITE = "R/W"


class Effect(StrEnum):
    """When a change counts."""

    SAVE = "save"
    """As soon as it is saved and control has acknowledged it."""
    REBOOT = "save and reboot"
    """Saved at once, in force after the next restart."""
    POWER_CYCLE = "save and power cycle"
    """Saved at once, in force after the station was without power for 5 s: what a device takes when it is powered up."""


class SubTab(NamedTuple):
    """A sub-tab of the commissioning tool, with who sees it."""

    key: str
    tab: str
    label: Label
    user: bool
    """Whether the User account sees it; Admin sees all."""


@dataclass(frozen=True, slots=True)
class OutletFacts:
    """What the registry must know of one outlet. ``lines``: the input lines it has, by the profile's names.

    ``wired``: of the lines whose function is a setting: name, number, debounce in microseconds.
    """

    number: int
    socket: str = "T2"
    rated_a: int = 32
    phases: int = 3
    position: str = ""
    lines: tuple[str, ...] = ()
    reader: bool = True
    wired: tuple[tuple[str, int, int], ...] = ()
    serial_meter: bool = False
    """Whether a serial line leads from it to a meter of its own (Modbus RTU)."""


@dataclass(frozen=True, slots=True)
class StationFacts:
    """What the registry must know of the board: it decides which settings exist and what they are from the factory.

    ``family``: ``city``, ``parking``, ``smart-wallbox``, ``thor`` or ``other``. ``factory``: values that the board's
    profile sets from the factory, by key; they go before those of the registry.
    """

    family: str
    serial: str
    outlets: tuple[OutletFacts, ...] = (OutletFacts(1),)
    reader: bool = True
    key_lock: bool = False
    wifi_card: bool = False
    ze_ready_balanced: bool = False
    """The operating-value rule holds while load balancing is on."""
    factory: Values = field(default_factory=dict)
    house_simulated: bool = False
    """Whether a simulated meter of the house connection is there, which needs no address."""
    charging_network: str = ""
    """What the board can be in a charging network: ``master``, ``slave``, or nothing."""


@dataclass(frozen=True, slots=True)
class Boards:
    """Which boards have a setting: every condition that is given must hold.

    ``families``: empty for every one. ``line``: input line that the outlet must have. ``outlets``: at least so many.
    ``charging_network``: what the board must be able to be in one.
    """

    families: tuple[str, ...] = ()
    reader: bool | None = None
    key_lock: bool | None = None
    wifi_card: bool | None = None
    outlets: int = 1
    line: str = ""
    charging_network: str = ""

    def have_it(self, facts: StationFacts, outlet: OutletFacts | None = None) -> bool:
        """Whether the board (and ``outlet``, for a setting of an outlet) has it."""
        wanted = ((self.reader, facts.reader), (self.key_lock, facts.key_lock), (self.wifi_card, facts.wifi_card))
        if self.families and facts.family not in self.families:
            return False
        if any(wish is not None and wish != fact for wish, fact in wanted):
            return False
        if len(facts.outlets) < self.outlets:
            return False
        if self.charging_network and self.charging_network != facts.charging_network:
            return False
        return not self.line or (outlet is not None and self.line in outlet.lines)


class ShownIf(NamedTuple):
    """A setting appears, and counts, only while another one has one of these values."""

    key: str
    values: tuple[Value, ...]


class FactoryWhere(NamedTuple):
    """A factory value that holds on some boards."""

    boards: Boards
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One parameter. ``admin`` and ``user``: the row's rights; the sub-tab's rights limit them (:meth:`right`).

    ``factory_where``: the first that fits goes before ``factory``. ``factory_note``: in words, where the factory value
    is a fact of the unit. ``guide``: whether the EVlink guide lists it; else it is ours and ``help`` says why. ``badge``: its value
    can be a badge's number, which reports and logs mask.
    """

    key: str
    label: Label
    place: SubTab
    admin: Right = Right.WRITE
    user: Right = Right.NONE
    kind: Kind
    factory: Value
    factory_where: tuple[FactoryWhere, ...] = ()
    factory_note: Label = NO_TEXT
    boards: Boards = Boards()
    effect: Effect = Effect.SAVE
    shown_if: tuple[ShownIf, ...] = ()
    help: Label = NO_TEXT
    guide: bool = True
    badge: bool = False

    @property
    def per_outlet(self) -> bool:
        """Whether every outlet has it for itself."""
        return self.key.startswith(OUTLET)

    @property
    def secret(self) -> bool:
        """Whether its value is never shown, exported in the clear, logged or reported."""
        return self.kind.secret

    @property
    def read_only(self) -> bool:
        """Whether nobody changes it at the tool."""
        return Right.WRITE not in (self.admin, self.user)

    def right(self, role: Role) -> Right:
        """What ``role`` may do with it, after the sub-tab's rights."""
        if role is Role.ADMIN:
            return self.admin
        return self.user if self.place.user else Right.NONE

    def key_at(self, outlet: int) -> str:
        """The key for one outlet; ``outlet`` 0 for a setting of the station."""
        return f"{OUTLET}{outlet}.{self.key.removeprefix(OUTLET)}" if outlet else self.key


def frozen(values: Values) -> Values:
    """A copy that cannot be changed, in the order of the keys."""
    return MappingProxyType(dict(sorted(values.items())))
