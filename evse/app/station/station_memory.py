"""What a station remembers about itself: settings, accounts, security log; opened once by the services process.

All lie in the station's data directory. A disk that cannot be read when services start ends them (the supervisor tries
again): without settings and accounts a station must not guess.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from evse.app.station.kept_settings import SETTINGS
from evse.app.station.security_log import StationSecurityLog
from evse.app.station.station_facts import facts_from
from evse.core.config import StationConfig
from evse.services.accounts.keeper import AccountKeeper
from evse.services.accounts.passwords import policy_of
from evse.services.accounts.service import AccountService
from evse.services.clock import Instant
from evse.services.disk import Disk, RealDisk
from evse.services.factory_reset import AT_THE_MACHINE, ResetFile, ResetOrder, reset_accounts, reset_settings
from evse.services.publication.service import STATE, StateFile
from evse.services.security.events import SecurityEvent, SecurityKind
from evse.services.security.log_file import SecurityFile
from evse.services.security.writer import SecurityWriter
from evse.services.settings.finding import Circumstances
from evse.services.settings.model import Effect, Values, frozen
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Settings
from evse.services.settings.store import SettingsStore
from evse.services.settings.to_station import effective_config

SECURITY: Final = "security"


class StationMemory:
    """Settings, accounts and security log of one station. ``stamp`` tells the time of an event; ``clock`` is monotonic;
    ``circumstances`` tells what rules of settings depend on.
    """

    def __init__(
        self,
        data: Path,
        facts: Mapping[str, Any],
        base: StationConfig,
        stamp: Callable[[], Instant],
        clock: Callable[[], int],
        disk: Disk | None = None,
        circumstances: Callable[[], Circumstances] = Circumstances,
    ) -> None:
        disk = disk or RealDisk()
        self.facts = facts_from(facts)
        self._base = base
        self.log = SecurityWriter(lambda: _security_file(data / SECURITY, disk), stamp)
        self.security = StationSecurityLog(data / SECURITY, disk, self.log)
        store = SettingsStore(data / SETTINGS, disk)
        thor, master = self.facts.family == "thor", self.facts.charging_network == "master"
        keeper = AccountKeeper(data / SETTINGS, disk, self.facts.serial, recovery=thor, access_point=thor and master)
        self.resets = ResetFile(data / SETTINGS, disk)
        self.reset = self._due_reset()
        """A factory reset that waits for its remaining steps: the journal's, then ``resets.done()``."""
        if self.reset is not None:
            reset_settings(store, secrets.token_hex(16))
            reset_accounts(keeper)
            StateFile(data / STATE, disk).forget()
        self.settings = Settings(Catalogue(self.facts), store, self.log, circumstances)
        self._at_start = self.settings.values
        self._config: StationConfig | None = None
        self.accounts = AccountService(keeper, self.log, clock, policy_of(self.facts.family))

    def _due_reset(self) -> ResetOrder | None:
        """The order that waits, with what its family does about badges; one of the page is in the security log already."""
        order = self.resets.read()
        if order is None:
            return None
        if order.keep_badges is None:
            order = replace(order, keep_badges=self.facts.family != "thor")
        if order.actor == AT_THE_MACHINE:
            badges = "badges kept" if order.keep_badges else "badges removed"
            self.log.record(SecurityEvent(SecurityKind.FACTORY_RESET, order.actor, order.source, badges))
        return order

    @property
    def in_force(self) -> Values:
        """Every value; of settings that need a restart the one from when services started."""
        values = {
            entry.key: (self.settings.values if entry.setting.effect is Effect.SAVE else self._at_start)[entry.key]
            for entry in self.settings.catalogue
        }
        return frozen(values)

    @property
    def restart_needed(self) -> bool:
        """Whether a changed setting waits for a restart of the station."""
        return self.in_force != self.settings.values

    def config(self) -> StationConfig:
        """What control should work by: the profile with the settings in force."""
        settings = self.settings
        version = settings.configuration.version
        if self._config is None or self._config.version != version:
            self._config = effective_config(self._base, self.facts, self.in_force, settings.catalogue.factory, version)
        return self._config

    def acknowledge(self, version: int, digest: str) -> None:
        """Control says what it works by: the settings are active when both are ours."""
        self.settings.acknowledge(version if digest == self.config().digest else 0)

    @property
    def problem(self) -> str:
        """What is wrong with what is remembered; empty when nothing is."""
        return "; ".join(filter(None, (self.settings.problem, self.accounts.problem, self.log.problem)))

    def close(self) -> None:
        """Write what waits."""
        self.log.close()


def _security_file(directory: Path, disk: Disk) -> SecurityFile:
    disk.make_directory(directory)
    return SecurityFile(directory, disk)
