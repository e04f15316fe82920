"""The file of the configuration: durable before it counts, the one before it kept, readable after any power cut.

``settings.json`` is the configuration, ``settings.previous.json`` the one before. Both are replaced all or nothing, the
previous one first; so at any instant ``settings.json`` holds the old configuration or the new one. Only damage from
outside can make it unreadable; then the previous one is taken, then the factory values, and ``problem`` says so.

Not thread-safe: one owner. Calls wait for the disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evse.services.disk import Disk
from evse.services.settings.configuration import BadConfiguration, Configuration, decode, encode

NAME: Final = "settings.json"
PREVIOUS: Final = "settings.previous.json"


class SettingsStore:
    """The configuration in one directory. Opening it reads; raises OSError when the disk does not let it."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self.problem = ""
        self._disk = disk
        self._path = directory / NAME
        self._previous = directory / PREVIOUS
        disk.make_directory(directory)
        self.current = self._load()

    @property
    def previous(self) -> Configuration | None:
        """The configuration before the present one; ``None`` when none is kept or it cannot be read."""
        return self._read(self._previous)[0]

    def save(self, configuration: Configuration) -> None:
        """Keep ``configuration``. Durable when it returns; on ``OSError`` the old one counts on.

        Raises ValueError for a version that is not the next one: it was made from another configuration.
        """
        if configuration.version != self.current.version + 1:
            raise ValueError(f"version {configuration.version} does not follow {self.current.version}")
        self._disk.replace(self._previous, encode(self.current))
        self._disk.replace(self._path, encode(configuration))
        self.current = configuration
        self.problem = ""

    def forget_previous(self) -> None:
        """Remove the configuration before the present one: after a factory reset nothing of it may stay."""
        self._disk.remove(self._previous)

    def _load(self) -> Configuration:
        current, why = self._read(self._path)
        if current is not None:
            return current
        previous, _ = self._read(self._previous)
        if not why:
            # There is none: a new unit, unless a copy of an older one was left alone.
            return previous or Configuration()
        if previous is not None:
            self.problem = f"{NAME} cannot be read ({why}): the configuration before it is in force"
            # The unreadable one had the next version.
            return Configuration(previous.version + 2, previous.changed, previous.nonce)
        self.problem = f"{NAME} cannot be read ({why}): the factory values are in force"
        return Configuration()

    def _read(self, path: Path) -> tuple[Configuration | None, str]:
        data = self._disk.read(path)
        if data is None:
            return None, ""
        try:
            return decode(data), ""
        except BadConfiguration as error:
            return None, str(error)
