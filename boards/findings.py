"""A broken rule between the keys of a profile."""

from __future__ import annotations

from boards.yaml_source import Key
from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule. ``path``: where it is reported; ``also``: what else it depends on."""

    path: Key
    what: str
    allowed: str = ""
    hint: str = ""
    also: tuple[Key, ...] = ()
