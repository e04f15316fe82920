"""The registry: every setting there is, in the order of the tool, and what a given board has of it.

``SETTINGS`` is the declaration. A :class:`Catalogue` is made for one board and knows each setting by the key under
which it is changed, once per outlet where it belongs to outlets, with the factory value and the choices of that board.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from evse.records import dataclass
from evse.services.settings.charging_network import CHARGING_NETWORK_SETTINGS
from evse.services.settings.energy import ENERGY_SETTINGS, OUTLET_SETTINGS
from evse.services.settings.general import GENERAL_SETTINGS, TIME_SETTINGS
from evse.services.settings.house import HOUSE_SETTINGS
from evse.services.settings.kinds import Choice, Kind, Value, Whole
from evse.services.settings.meters import METER_SETTINGS
from evse.services.settings.model import (
    OUTLET,
    OutletFacts,
    Right,
    Role,
    Setting,
    StationFacts,
    Values,
    frozen,
)
from evse.services.settings.network import NETWORK_SETTINGS, WIFI_SETTINGS
from evse.services.settings.publication import FTP_SETTINGS, HTTP_SETTINGS, PUBLICATION_SETTINGS, SMTP_SETTINGS
from evse.services.settings.supervision import SUPERVISION_SETTINGS
from evse.services.settings.usb import USB_SETTINGS

SETTINGS: Final[tuple[Setting, ...]] = (
    *GENERAL_SETTINGS,
    *USB_SETTINGS,
    *CHARGING_NETWORK_SETTINGS,
    *NETWORK_SETTINGS,
    *WIFI_SETTINGS,
    *SUPERVISION_SETTINGS,
    *TIME_SETTINGS,
    *HOUSE_SETTINGS,
    *ENERGY_SETTINGS,
    *OUTLET_SETTINGS,
    *METER_SETTINGS,
    *PUBLICATION_SETTINGS,
    *SMTP_SETTINGS,
    *FTP_SETTINGS,
    *HTTP_SETTINGS,
)
"""Every setting, in the order of the tool."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting of one board. ``outlet``: 0 for the station. ``kind``: with the choices that this board offers."""

    key: str
    setting: Setting
    outlet: int
    kind: Kind
    factory: Value

    def sibling(self, key: str) -> str:
        """The key of another setting, declared as ``key``, for the same outlet."""
        return f"{OUTLET}{self.outlet}.{key.removeprefix(OUTLET)}" if key.startswith(OUTLET) else key


class Catalogue:
    """The settings of one board, by key, in the order of the tool."""

    def __init__(self, facts: StationFacts) -> None:
        self.facts = facts
        self._entries = {entry.key: entry for setting in SETTINGS for entry in _entries(setting, facts)}
        unknown = sorted(set(facts.factory) - set(self._entries))
        self.factory: Values = frozen({entry.key: entry.factory for entry in self})
        self.ignored: tuple[str, ...] = tuple(unknown)
        """Factory values of the profile for settings that this board has not."""

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """The setting of this key; ``None`` when the board has none."""
        return self._entries.get(key)

    def whole(self, changed: Values) -> Values:
        """Every value: ``changed`` over those from the factory. Keys that the board has not are left out."""
        return frozen({**self.factory, **{key: value for key, value in changed.items() if key in self._entries}})

    def shown(self, entry: Entry, values: Values) -> bool:
        """Whether a setting appears and counts, by the others. ``values``: every value of the board.

        A condition on a setting that the board has not is taken as met by the factory value it would have elsewhere.
        """
        for condition in entry.setting.shown_if:
            key = entry.sibling(condition.key)
            other = self._entries.get(key)
            if other is None:
                continue
            if values[key] not in condition.values or not self.shown(other, values):
                return False
        return True

    def visible(self, role: Role, values: Values) -> tuple[Entry, ...]:
        """What an account sees, in the order of the tool."""
        return tuple(
            entry for entry in self if entry.setting.right(role) is not Right.NONE and self.shown(entry, values)
        )


def _entries(setting: Setting, facts: StationFacts) -> Iterator[Entry]:
    if not setting.per_outlet:
        if setting.boards.have_it(facts):
            yield _entry(setting, facts, 0)
        return
    for outlet in facts.outlets:
        if setting.boards.have_it(facts, outlet):
            yield _entry(setting, facts, outlet.number, outlet)


def _entry(setting: Setting, facts: StationFacts, number: int, outlet: OutletFacts | None = None) -> Entry:
    key = setting.key_at(number)
    factory = facts.factory.get(key)
    if factory is None:
        factory = next((each.value for each in setting.factory_where if each.boards.have_it(facts, outlet)), None)
    if factory is None:
        factory = _built(setting, facts, outlet)
    kind = setting.kind
    if isinstance(kind, Choice):
        options = tuple(each for each in kind.options if not each.families or facts.family in each.families)
        kind = replace(kind, options=options)
    elif isinstance(kind, Whole) and setting.key == "energy.station_maximum_a" and isinstance(factory, int):
        # A board rated higher than the guide's 64 A has its own supply as the limit.
        kind = replace(kind, maximum=max(kind.maximum, factory))
    return Entry(key, setting, number, kind, factory)


def _built(setting: Setting, facts: StationFacts, outlet: OutletFacts | None) -> Value:
    """The factory value; what is a fact of the unit comes from the unit."""
    if setting.key == "general.name":
        return facts.serial[:30]
    if outlet is not None:
        if setting.key == "outlet.position":
            return str(outlet.number)
        if setting.key == "outlet.socket":
            return outlet.socket.removeprefix("attached ")
        if setting.key == "outlet.rated_current_a":
            return outlet.rated_a
        if setting.key == "outlet.derated_current_a" and isinstance(setting.factory, int):
            return min(setting.factory, outlet.rated_a)
    return setting.factory
