"""The settings of a running station: read, judge, change, keep, tell.

Whoever needs a setting reads ``values`` when it needs it, or asks to be told of changes with ``listen``. A change is
judged whole, made durable, logged and only then in force for services; control acknowledges its part by version and
digest (``acknowledge``). Until then ``active`` is false: saved is not active.

On one event loop; only the disk is waited for elsewhere. Changes are made one after the other, each judged against what
the one before has left.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import TypeAlias

from evse.records import dataclass
from evse.services.badges.badge import mask_uid
from evse.services.security.events import SecurityEvent, SecurityKind, SecurityLog
from evse.services.settings.configuration import Configuration
from evse.services.settings.finding import Circumstances
from evse.services.settings.model import Role, Values, frozen
from evse.services.settings.registry import Catalogue
from evse.services.settings.store import SettingsStore
from evse.services.settings.validate import Change, Difference, check_change, differences, sound

Listener: TypeAlias = Callable[[Values, frozenset[str]], None]
"""Called with every value after a change and the keys that are different. Must not wait and must not raise."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: account or party, with which rights, and from where (address)."""

    name: str
    role: Role | None = None
    source: str = ""


STATION = Actor("station")


class StaleVersion(Exception):
    """The change was made from a configuration that is no longer the present one."""


class Settings:
    """See the module. ``circumstances`` is asked at each change for what rules depend on."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: SettingsStore,
        log: SecurityLog,
        circumstances: Callable[[], Circumstances] = Circumstances,
    ) -> None:
        self.catalogue = catalogue
        self._store = store
        self.log = log
        self._circumstances = circumstances
        self._listeners: list[Listener] = []
        self._lock = asyncio.Lock()
        self._acknowledged = 0
        self.refusal = ""
        """Why control does not work by the present configuration; empty when it does, or has not said yet."""
        changed, self.left_out = sound(catalogue, store.current.changed)
        self.values: Values = catalogue.whole(changed)

    @property
    def configuration(self) -> Configuration:
        """The present configuration: the one that is kept."""
        return self._store.current

    @property
    def problem(self) -> str:
        """What is wrong with the kept configuration; empty when nothing is."""
        left = ", ".join(self.left_out)
        if self.refusal:
            return f"control refuses version {self.configuration.version}: {self.refusal}"
        return self._store.problem or (f"settings that do not fit this board are ignored: {left}" if left else "")

    @property
    def active(self) -> bool:
        """Whether control works by the present configuration."""
        return self._acknowledged == self.configuration.version

    def acknowledge(self, version: int) -> None:
        """Control says by which version it works; 0 when it is not the content that we mean."""
        self._acknowledged = version
        if self.active:
            self.refusal = ""

    def listen(self, listener: Listener) -> None:
        """Be told of each change from now on, after it is durable."""
        self._listeners.append(listener)

    def preview(self, wanted: Mapping[str, object], role: Role | None) -> Change:
        """What a change would be. Raises Refused. Nothing happens."""
        return check_change(self.catalogue, self.values, wanted, role, self._circumstances())

    async def change(
        self,
        wanted: Mapping[str, object],
        actor: Actor,
        *,
        based_on: int | None = None,
        kind: SecurityKind = SecurityKind.SETTINGS_CHANGED,
    ) -> Change:
        """Change settings, all or none. Returns when it is durable and everybody here has been told.

        ``based_on``: version that ``wanted`` was made from; another one than the present raises StaleVersion. Raises
        Refused, and OSError when the disk does not take it; then nothing has changed.
        """
        async with self._lock:
            if based_on is not None and based_on != self.configuration.version:
                raise StaleVersion(f"version {based_on} is not the present one, {self.configuration.version}")
            change = check_change(self.catalogue, self.values, wanted, actor.role, self._circumstances())
            if change.keys:
                await self._keep(change, actor, kind)
            return change

    async def reset(self, actor: Actor, keep: frozenset[str] = frozenset()) -> Change:
        """Back to the factory values; ``keep``: keys that stay as they are. The configuration before is forgotten."""
        async with self._lock:
            values = frozen({**self.catalogue.factory, **{key: self.values[key] for key in keep if key in self.values}})
            different = differences(self.catalogue, self.values, values)
            change = Change(values, frozenset(each.key for each in different), different)
            await self._keep(change, actor, SecurityKind.FACTORY_RESET)
            await asyncio.to_thread(self._store.forget_previous)
            return change

    async def _keep(self, change: Change, actor: Actor, kind: SecurityKind) -> None:
        factory = self.catalogue.factory
        changed = {key: value for key, value in change.values.items() if value != factory[key]}
        following = self.configuration.following(changed, secrets.token_hex(16))
        await asyncio.to_thread(self._store.save, following)
        self.values, self.left_out, self.refusal = change.values, (), ""
        told = ", ".join(self._told(each) for each in change.differences)
        self.log.record(
            SecurityEvent(kind, actor.name, actor.source, f"version {following.version}: {told or 'nothing different'}")
        )
        for listener in tuple(self._listeners):
            listener(self.values, change.keys)

    def _told(self, change: Difference) -> str:
        """One difference for the log."""
        entry = self.catalogue.get(change.key)
        shown = (change.old, change.new)
        if entry is not None and entry.setting.badge:
            shown = (mask_uid(change.old), mask_uid(change.new))
        return f"{change.key} {shown[0]} -> {shown[1]}"
