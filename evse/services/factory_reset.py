"""Factory reset, safe at a power cut: what is to go is written down first, done at the next start, and then crossed out.

Asked for while the station runs, it is carried out when services start again, before anything is read: nothing works by
what is being removed, and a cut in the middle begins it anew. Every step may be done twice.

Never reset: latched faults, the energy register, record numbers, the security log, the program's version, the label.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from evse.records import dataclass
from evse.services.accounts.keeper import AccountKeeper
from evse.services.disk import Disk
from evse.services.settings.configuration import Configuration
from evse.services.settings.model import frozen
from evse.services.settings.store import SettingsStore

NAME: Final = "factory-reset.json"
AT_THE_MACHINE: Final = "at the machine"
"""Actor of an order that was given beside the commissioning tool, by whoever has the station's disk in his hands."""


@dataclass(frozen=True, slots=True)
class ResetOrder:
    """What was asked for. ``keep_badges``: ``None`` for as the family does; ``actor`` and ``source``: by whom, from where."""

    keep_badges: bool | None
    actor: str = ""
    source: str = ""


class ResetFile:
    """The written order in the station's data directory. Calls wait for the disk and raise OSError."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._path = directory / NAME
        self._disk = disk

    def write(self, order: ResetOrder) -> None:
        """Write the order down; from now on it will be carried out."""
        fields = {"keep_badges": order.keep_badges, "actor": order.actor, "source": order.source}
        self._disk.replace(self._path, json.dumps(fields, sort_keys=True).encode() + b"\n")

    def read(self) -> ResetOrder | None:
        """The order that waits; ``None`` when there is none. One that cannot be read keeps the badges."""
        data = self._disk.read(self._path)
        if data is None:
            return None
        try:
            fields = json.loads(data)
            keep = fields["keep_badges"]
            return ResetOrder(None if keep is None else keep is not False, str(fields["actor"]), str(fields["source"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return ResetOrder(keep_badges=True, actor="(unreadable)")

    def done(self) -> None:
        """The order is carried out."""
        self._disk.remove(self._path)


def reset_settings(store: SettingsStore, nonce: str) -> None:
    """Back to the factory values under a new version; nothing of before stays. May be done twice."""
    if store.current.changed or store.previous is not None:
        store.save(Configuration(store.current.version + 1, frozen({}), nonce))
    store.forget_previous()


def reset_accounts(keeper: AccountKeeper) -> None:
    """Back to the label of this unit. May be done twice."""
    keeper.reset()
