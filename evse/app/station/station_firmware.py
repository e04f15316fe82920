"""Firmware of the running station for those who ask over the network: keeps the disk off the event loop, watches trials."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from evse.app.processes.firmware_boot import FIRMWARE
from evse.exchange.snapshot import StationView
from evse.services.disk import RealDisk
from evse.services.firmware.head import Head, Incoming
from evse.services.firmware.keys import maker_keys
from evse.services.firmware.manifest import Manifest, PackageError
from evse.services.firmware.package import PACKAGE_LIMIT
from evse.services.firmware.service import FirmwareService, FirmwareState, TrialWatch
from evse.services.firmware.slots import Slots
from evse.services.security.events import SecurityLog
from evse.services.settings.service import Actor

_log = logging.getLogger(__name__)
UPLOAD: Final = "upload.part"
PARTS: Final = "*.part"
"""Packages on their way, in or out."""
BROUGHT: Final = "brought.part"
"""Where a package of another station arrives: it keeps no administrator waiting."""
LOOK_S: Final = 1.0
_PLUGGED_STATES: Final = ("B", "C", "D")


def firmware_service(
    data: Path,
    family: str,
    keys: str,
    log: SecurityLog,
    restart: Callable[[], None],
    latest: Callable[[], StationView | None],
) -> FirmwareService:
    """The firmware service of a station in its data directory.

    ``family``: the product that packages are for; a THØR takes none while a vehicle is plugged in (MNT-03). ``keys``:
    directory of the maker's public keys. ``latest``: the newest Snapshot.
    """
    trusted = maker_keys(Path(keys))
    return FirmwareService(
        Slots(data / FIRMWARE, RealDisk(), family, trusted),
        trusted,
        log,
        built_in=program_version(),
        restart=restart,
        plugged=(lambda: vehicle_plugged(latest())) if family == "thor" else (lambda: False),
    )


def vehicle_plugged(view: StationView | None) -> bool:
    """Whether a vehicle is plugged in anywhere; where nobody can tell, yes."""
    if view is None:
        return True
    return any(outlet.ev_state[:1] in _PLUGGED_STATES or outlet.session is not None for outlet in view.outlets)


def program_version() -> str:
    """The version of this program."""
    try:
        return version("evse-controller")
    except PackageNotFoundError:
        return "unknown"


class StationFirmware:
    """A ``FirmwarePort``. ``healthy``: whether control and journal work at the moment; ``clock`` is monotonic."""

    def __init__(
        self, service: FirmwareService, data: Path, healthy: Callable[[], bool], clock: Callable[[], int]
    ) -> None:
        self.service = service
        self._directory = data / FIRMWARE
        self._healthy = healthy
        self._clock = clock
        self._busy = asyncio.Lock()
        self._version = ""

    async def run(self) -> None:
        """Tell what came of the last trial, then watch the present one; ends when there is none."""
        try:
            await asyncio.to_thread(self._tidy)
            await asyncio.to_thread(self.service.begin)
            if not (await self.state()).trial:
                return
        except OSError as error:
            _log.warning("the firmware slots cannot be read: %s", error)
            return
        watch = TrialWatch()
        # A look at the station, not a condition that somebody could announce.
        while (verdict := watch.verdict(self._clock(), well=self._healthy())) is None:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        try:
            if verdict:
                await asyncio.to_thread(self.service.confirm)
            else:
                await asyncio.to_thread(self.service.give_back, why="it did not work well for long enough")
        except PackageError:
            pass  # somebody was faster
        except OSError as error:
            _log.warning("the trial of the firmware cannot be ended: %s", error)

    def _tidy(self) -> None:
        """Remove what a power cut has left of packages on their way."""
        for path in self._directory.glob(PARTS):
            path.unlink(missing_ok=True)

    async def state(self) -> FirmwareState:
        state = await asyncio.to_thread(self.service.state)
        self._version = state.running
        return state

    def version(self) -> str:
        """The version that was at work when somebody last asked for the state, as it is at each start."""
        return self._version

    async def examine(self, path: Path) -> Manifest:
        """What a package says, without taking it. Raises ``PackageError`` and ``OSError``."""
        return await asyncio.to_thread(self.service.examine, path)

    async def upload(self, pieces: AsyncIterator[bytes], who: Actor) -> Manifest:
        async with self._busy:
            path = self._directory / UPLOAD
            try:
                await self._receive(pieces, path)
                return await asyncio.to_thread(self.service.stage, path, who)
            finally:
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def bring(self, incoming: Incoming, who: Actor) -> Manifest:
        """Take the package that another station sends; not two at once. Nothing is kept before its head is accepted.

        Raises ``PackageError`` and ``OSError``.
        """

        async def judge(head: Head) -> Manifest:
            return await asyncio.to_thread(self.service.judge, head)

        path = self._directory / BROUGHT
        try:
            try:
                await self._receive(incoming.accepted(judge), path)
            except PackageError as error:
                self.service.turned_away(str(error), who)
                raise
            return await asyncio.to_thread(self.service.stage, path, who, incoming.manifest)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def confirmed(self) -> Manifest | None:
        """What the confirmed version is, for those who get it from here. Raises ``OSError``."""
        return await asyncio.to_thread(self.service.confirmed)

    async def pack(self, path: Path) -> Manifest:
        """Write its package anew. Raises ``PackageError`` and ``OSError``."""
        return await asyncio.to_thread(self.service.pack, path)

    async def install(self, who: Actor) -> str:
        return await asyncio.to_thread(self.service.install, who)

    async def confirm(self, who: Actor) -> str:
        return await asyncio.to_thread(self.service.confirm, who)

    async def give_back(self, who: Actor) -> str:
        return await asyncio.to_thread(self.service.give_back, who)

    async def _receive(self, pieces: AsyncIterator[bytes], path: Path) -> None:
        await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        size = 0
        file = await asyncio.to_thread(path.open, "wb")
        try:
            async for piece in pieces:
                size += len(piece)
                if size > PACKAGE_LIMIT:
                    raise PackageError(f"the package has more than {PACKAGE_LIMIT} bytes")
                await asyncio.to_thread(file.write, piece)
        finally:
            await asyncio.to_thread(file.close)
