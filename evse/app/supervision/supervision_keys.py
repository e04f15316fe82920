"""The settings of the station as configuration keys of its central system: made from the registry, changed through it.

Every setting of the board is one key under its own name, but for those that a standard key stands for. What the tool does not
let anybody change is read only here as well, and so is what the installer has set for the sake of the supply and of the
place: whoever gets hold of a central system can raise no limit by it. A secret can be set and is never told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from evse.core.units import SECOND
from evse.links.ocpp.keys import Access, Change, ChangeStatus, Key, KeyKind
from evse.links.ocpp.vendor_keys import Held
from evse.services.settings.kinds import Choice, Kind, Switch, Text, Value, Whole
from evse.services.settings.model import Effect
from evse.services.settings.problems import Refused
from evse.services.settings.registry import Entry
from evse.services.settings.service import Actor, Settings

SUPERVISION: Final = Actor("supervision")
STANDARD: Final = {
    "ocpp.sample_interval_s": "MeterValueSampleInterval",
    "ocpp.clock_aligned_interval_s": "ClockAlignedDataInterval",
    "ocpp.cache_enabled": "AuthorizationCacheEnabled",
    "ocpp.security_profile": "SecurityProfile",
    "ocpp.password": "AuthorizationKey",
}
"""Settings that are the defaults of standard keys: under those names they are changed."""
INSTALLERS_TAB: Final = "energy"
"""Its settings are about supply, meters and input lines."""
INSTALLERS: Final = ("general.location",)
"""Of the other tabs: without ventilation some vehicles must not charge."""


def key_of(entry: Entry) -> Key:
    """The key of a setting."""
    setting = entry.setting
    fixed = setting.read_only or setting.place.tab == INSTALLERS_TAB or setting.key in INSTALLERS
    access = Access.READ_ONLY if fixed else Access.WRITE_ONLY if setting.secret else Access.READ_WRITE
    kind, least, most, choices = _range(entry.kind)
    return Key(
        entry.key, kind, text_of(entry.factory), least, most, choices, access, reboot=setting.effect is not Effect.SAVE
    )


def _range(kind: Kind) -> tuple[KeyKind, int, int, tuple[str, ...]]:
    match kind:
        case Choice():
            return KeyKind.CHOICE, 0, 0, kind.values
        case Switch():
            return KeyKind.BOOLEAN, 0, 0, ()
        case Whole():
            return KeyKind.INTEGER, kind.minimum, kind.maximum, ()
        case Text():
            return KeyKind.TEXT, 0, kind.limit, ()
    raise TypeError(f"{type(kind).__name__}: this kind of setting has no kind of key")


def text_of(value: Value) -> str:
    """A setting's value as a key has it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def value_of(key: Key, text: str) -> Value:
    """The setting's value that a key's text means; the text fits the key."""
    match key.kind:
        case KeyKind.INTEGER:
            return int(text)
        case KeyKind.BOOLEAN:
            return text == "true"
    return text


BURST: Final = 200
"""Changes at once: more than there are settings."""
REFILL_US: Final = 30 * SECOND
"""Then one more after so long: each is a line of the security log, which must not be washed away, and wears the disk."""


class SettingKeys:
    """``VendorKeys`` on the settings of a running station. ``wake``: there is an answer to be sent; ``clock`` is monotonic."""

    def __init__(self, settings: Settings, wake: Callable[[], None], clock: Callable[[], int]) -> None:
        self._settings = settings
        self._wake = wake
        self._clock = clock
        self._left, self._filled_us = BURST, clock()
        self._keys = {entry.key: key_of(entry) for entry in settings.catalogue if entry.setting.key not in STANDARD}
        self._changing: set[asyncio.Task[None]] = set()

    def all(self) -> Sequence[Held]:
        values = self._settings.values
        return [
            Held(key, "" if key.access is Access.WRITE_ONLY else text_of(values[name]))
            for name, key in self._keys.items()
        ]

    def change(self, key: Key, value: str, then: Callable[[Change], None]) -> None:
        refilled = (self._clock() - self._filled_us) // REFILL_US
        self._left, self._filled_us = min(BURST, self._left + refilled), self._filled_us + refilled * REFILL_US
        if self._left <= 0:
            then(Change(ChangeStatus.REJECTED, f"{key.name}: too many changes of settings, one is taken every 30 s"))
            return
        self._left -= 1
        task = asyncio.create_task(self._change(key, value, then), name="setting by OCPP")
        self._changing.add(task)
        task.add_done_callback(self._changing.discard)

    async def _change(self, key: Key, value: str, then: Callable[[Change], None]) -> None:
        try:
            made = await self._settings.change({key.name: value_of(key, value)}, SUPERVISION)
        except Refused as error:
            then(Change(ChangeStatus.REJECTED, "; ".join(each.text() for each in error.problems)))
        except OSError as error:
            then(Change(ChangeStatus.REJECTED, f"{key.name} could not be kept: {error.strerror or error}"))
        else:
            then(
                Change(
                    ChangeStatus.REBOOT_REQUIRED
                    if made.needs_reboot or made.needs_power_cycle
                    else ChangeStatus.ACCEPTED
                )
            )
        self._wake()
