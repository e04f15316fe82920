"""What the supervisor reads of a station's memory: the settings in force and the first password, without opening anything.

It loads nothing of the services behind them: the pilot's first 12 V wait for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evse.core.config import StationConfig
from evse.services.accounts.accounts import BadAccounts, decode_accounts
from evse.services.accounts.keeper import LABEL
from evse.services.accounts.keeper import NAME as ACCOUNTS
from evse.services.accounts.label import BadLabel, UnitLabel, decode_label
from evse.services.disk import Disk, RealDisk
from evse.services.settings.model import StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.store import SettingsStore
from evse.services.settings.to_station import effective_config
from evse.services.settings.validate import sound

SETTINGS: Final = "settings"
"""Directory of settings and accounts in the station's data directory."""


def configured(base: StationConfig, facts: StationFacts, data: Path, disk: Disk | None = None) -> StationConfig:
    """``base``, what the profile gives, with the settings that the data directory holds. Raises OSError."""
    catalogue = Catalogue(facts)
    kept = SettingsStore(data / SETTINGS, disk or RealDisk()).current
    values = catalogue.whole(sound(catalogue, kept.changed)[0])
    return effective_config(base, facts, values, catalogue.factory, kept.version)


def first_login(data: Path) -> UnitLabel | None:
    """The label, while its password is the one that opens the account; ``None`` afterwards. Raises OSError."""
    accounts, label = (RealDisk().read(data / SETTINGS / name) for name in (ACCOUNTS, LABEL))
    try:
        if accounts is None or label is None or not decode_accounts(accounts).admin.must_change:
            return None
        return decode_label(label)
    except (BadAccounts, BadLabel):
        return None
