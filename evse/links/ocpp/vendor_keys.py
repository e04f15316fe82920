"""Configuration keys that are not the standard's: the settings of the station, seen through OCPP.

The charge point asks a :class:`VendorKeys` for what there is and hands it changes; whoever owns the settings judges them.
Names have a dot in them, which no standard key has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from evse.links.ocpp.keys import Change, ChangeStatus, Key


class Held(NamedTuple):
    """A key and its value; of one that is never told the value is empty."""

    key: Key
    value: str


class VendorKeys(Protocol):
    """Keeps the keys of one station."""

    def all(self) -> Sequence[Held]:
        """Every key, in the order in which people read them."""
        ...

    def change(self, key: Key, value: str, then: Callable[[Change], None]) -> None:
        """Change one; ``value`` fits the key. ``then`` is called once, when the change is durable or refused."""
        ...


class NoVendorKeys:
    """A station without settings."""

    def all(self) -> Sequence[Held]:
        return ()

    def change(self, key: Key, value: str, then: Callable[[Change], None]) -> None:
        """Refused: there is nothing that ``key`` could mean."""
        then(Change(ChangeStatus.NOT_SUPPORTED, f"no key {key.name!r}: it cannot become {value!r}"))
