"""Serves one USB stick: decides, reads or writes, tells what came of it on the display, in the security log and on the stick.

The stick is foreign and may be gone at any moment: every file is read once, as a whole and bounded, before anything of it
counts; what is written is complete or not there (:class:`evse.services.disk.Disk`).
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from evse.core.commands import Notice
from evse.services.disk import Disk
from evse.services.firmware.manifest import Manifest, PackageError
from evse.services.firmware.service import FirmwareState
from evse.services.security.events import SecurityEvent, SecurityKind
from evse.services.settings.problems import Refused, shown_value
from evse.services.settings.service import Actor, Settings
from evse.services.usb.conf_file import FILE_LIMIT, BadConf, ConfFile, Fault, decode_conf, encode_conf
from evse.services.usb.stick import CONFIGURATIONS, UPDATES, Plan, Step, file_name, permissions, plan

STICK: Final = Actor("usb stick")
_PIECE: Final = 256 * 1024


class Firmware(Protocol):
    """Where packages go."""

    async def state(self) -> FirmwareState:
        """How firmware stands. Raises ``OSError``."""
        ...

    async def examine(self, path: Path) -> Manifest:
        """What a package says, without taking it. Raises ``PackageError`` and ``OSError``."""
        ...

    async def upload(self, pieces: AsyncIterator[bytes], who: Actor) -> Manifest:
        """Take a package. Raises ``PackageError`` and ``OSError``."""
        ...

    async def install(self, who: Actor) -> str:
        """Restart into it; returns its version. Raises ``PackageError`` and ``OSError``."""
        ...


class UsbStick:
    """See the module. ``show`` tells people at the station; ``disk`` writes to the stick."""

    def __init__(self, settings: Settings, firmware: Firmware, disk: Disk, show: Callable[[Notice], None]) -> None:
        self._settings, self._firmware = settings, firmware
        self._disk = disk
        self._show = show
        self.outcome = ""
        """What came of the last stick, for people."""

    async def serve(self, root: Path) -> Notice:
        """Do what the stick mounted at ``root`` is for; returns what the display says until it is taken out."""
        serial = self._settings.catalogue.facts.serial
        try:
            configurations, updates = await asyncio.to_thread(self._names, root)
            todo = plan(configurations, updates, serial, permissions(self._settings.values))
            if todo.step is Step.NOTHING:
                return await self._told(root, todo.why, refused=todo.refused)
            self._show(Notice.USB_BUSY)
            done = await self._do(root, todo)
            return await self._told(root, done)
        except (BadConf, Refused, PackageError) as error:
            return await self._told(root, str(error), refused=True)
        except OSError as error:
            return await self._told(
                root, f"the stick cannot be read or written: {error.strerror or error}", refused=True
            )

    def _names(self, root: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
        directories = (_of_the_stick(root, root / each) for each in (CONFIGURATIONS, UPDATES))
        configurations, updates = (self._disk.names(each) for each in directories)
        return configurations, updates

    async def _do(self, root: Path, todo: Plan) -> str:
        match todo.step:
            case Step.UPDATE:
                return await self._update(await asyncio.to_thread(_plain_file, root, root / UPDATES / todo.name))
            case Step.LOAD:
                return await self._load(await asyncio.to_thread(_plain_file, root, root / CONFIGURATIONS / todo.name))
            case _:
                return await self._read_out(root / CONFIGURATIONS)

    async def _read_out(self, directory: Path) -> str:
        settings = self._settings
        content = encode_conf(settings.catalogue, settings.values)
        name = file_name(settings.catalogue.facts.serial)
        await asyncio.to_thread(self._disk.make_directory, directory)
        await asyncio.to_thread(self._disk.replace, directory / name, content)
        settings.log.record(SecurityEvent(SecurityKind.SETTINGS_EXPORTED, STICK.name, "", name))
        return f"the settings are in {CONFIGURATIONS}/{name}"

    async def _load(self, path: Path) -> str:
        data = await asyncio.to_thread(_bounded, path)
        file = decode_conf(self._settings.catalogue, data)
        try:
            change = await self._settings.change(file.wanted, STICK, kind=SecurityKind.SETTINGS_IMPORTED)
        except Refused as error:
            raise BadConf(_with_lines(file, error)) from None
        if not change.keys:
            return f"{_named(path)}: the settings are as they were"
        told = "\n".join(f"{each.key} {each.old} -> {each.new}" for each in change.differences)
        after = "in force after a restart of the station" if change.needs_reboot else "in force"
        return f"{_named(path)}: {len(change.differences)} settings taken, {after}\n{told}"

    async def _update(self, path: Path) -> str:
        manifest, state = await self._firmware.examine(path), await self._firmware.state()
        if manifest.version == state.running:
            return f"{_named(path)}: version {manifest.version} runs already"
        if manifest.version == state.returned:
            raise PackageError(
                f"version {manifest.version} did not work here: use another one, or upload it as administrator"
            )
        await self._firmware.upload(_pieces(path), STICK)
        return (
            f"{_named(path)}: version {await self._firmware.install(STICK)} is tried after the restart that follows now"
        )

    async def _told(self, root: Path, what: str, *, refused: bool = False) -> Notice:
        self.outcome = what
        if refused:
            self._settings.log.record(SecurityEvent(SecurityKind.IMPORT_REFUSED, STICK.name, "", what[:500]))
        text = f"{'refused: ' if refused else ''}{what}\n".replace("\n", "\r\n")
        serial = self._settings.catalogue.facts.serial
        try:
            await asyncio.to_thread(self._disk.replace, root / f"station_{serial}.txt", text.encode())
        except OSError:
            pass  # a stick that cannot be written, or is gone: display and log have it
        return Notice.USB_REFUSED if refused else Notice.USB_DONE


def _named(path: Path) -> str:
    """A name on a stick for people and logs: it may hold line breaks, or be no text at all."""
    return shown_value(path.name, secret=False)


def _with_lines(file: ConfFile, error: Refused) -> tuple[Fault, ...]:
    """The problems of a change at the lines that caused them; one that several settings share stands at none."""
    return tuple(Fault(file.lines.get(problem.key, 0), problem.text()) for problem in error.problems)


def _of_the_stick(root: Path, path: Path) -> Path:
    """``path``, which no symbolic link leads out of the stick: a stick must not make the station read or tell its own files."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise OSError(f"{_named(path)} is a link that leads away from the stick")
    return path


def _plain_file(root: Path, path: Path) -> Path:
    if not stat.S_ISREG(_of_the_stick(root, path).stat().st_mode):
        raise OSError(f"{_named(path)} is no plain file")
    return path


def _bounded(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(FILE_LIMIT + 1)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    stream: BinaryIO = await asyncio.to_thread(path.open, "rb")
    try:
        while piece := await asyncio.to_thread(stream.read, _PIECE):
            yield piece
    finally:
        stream.close()
