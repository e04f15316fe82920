"""What rules between settings get and give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple

from evse.records import dataclass
from evse.services.settings.kinds import NO_TEXT, Label, Value
from evse.services.settings.model import Values
from evse.services.settings.registry import Catalogue


class Finding(NamedTuple):
    """A broken rule, told at the setting ``key``."""

    key: str
    what: Label
    allowed: Label = NO_TEXT
    hint: Label = NO_TEXT


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is true of the station at the moment, as far as rules depend on it.

    ``second_port_cable``: the cable between the boards of two outlets is in the second Ethernet port from the left on
    both.
    """

    second_port_cable: bool = True


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration that somebody would like: every value of the board, and the keys that would change.

    ``before``: every value as it is now; ``given``: the keys that somebody has entered, also with the value of now. Both are
    empty when a kept configuration is judged.
    """

    catalogue: Catalogue
    values: Values
    keys: frozenset[str] = frozenset()
    circumstances: Circumstances = field(default_factory=Circumstances)
    before: Values = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    def has(self, key: str) -> bool:
        """Whether the board has this setting."""
        return key in self.values

    def text(self, key: str) -> str:
        """A text; empty for a setting that the board has not."""
        value = self.values.get(key, "")
        return value if isinstance(value, str) else ""

    def on(self, key: str) -> bool:
        """A switch; off for a setting that the board has not."""
        return self.values.get(key) is True

    def number(self, key: str) -> int:
        """A number; 0 for a setting that the board has not."""
        value: Value = self.values.get(key, 0)
        return value if isinstance(value, int) else 0


Findings = Iterator[Finding]
