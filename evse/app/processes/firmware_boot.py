"""What a start of the station runs: the program that came with the machine, or the one in a firmware slot.

The supervisor is the boot loader: it asks ``Boot.next`` at each start and restart of the station. Control and services then
take their program from the slot's ``program.whl`` (any ZIP file of Python packages), which is unpacked anew each time,
after every file was checked against the signed manifest. Supervisor and simulated world stay what the machine came with.
"""

from __future__ import annotations

import logging
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evse.records import dataclass

if TYPE_CHECKING:
    from evse.services.firmware.slots import Slots

_log = logging.getLogger(__name__)
FIRMWARE: Final = "firmware"
"""Directory of the slots in the station's data directory."""
PROGRAM: Final = "program.whl"
"""The file of a package that holds the program; a package without it changes no program (notes, a reader's firmware)."""
MAKER_KEYS: Final = "/etc/evse/maker-keys"
"""Where a device has the public keys of those whose firmware it takes."""


_BAD: Final = (ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""What a program that cannot be unpacked raises."""


@dataclass(frozen=True, slots=True)
class Booted:
    """``program``: directory to import from, empty for the program that came with the machine. ``trial``: it has to prove
    itself. ``returned``: version that was given up at this start, empty without.
    """

    program: str = ""
    trial: bool = False
    returned: str = ""


class Boot:
    """Decides what the next start runs. ``data``: the station's data directory; ``runtime``: where programs are unpacked.

    Costs one look at the disk while no package was ever taken.
    """

    def __init__(self, data: Path, runtime: Path, product: str, keys: str) -> None:
        self._directory = data / FIRMWARE
        self._runtime = runtime
        self._product = product
        self._keys = Path(keys)
        self._count = 0

    def next(self) -> Booted:
        """To be called once at each start. Whatever is wrong with a slot, something is started."""
        if not (self._directory / "firmware.json").exists():
            return Booted()
        # Loaded only where it is used: the pilot's first 12 V wait for us.
        from evse.services.disk import RealDisk
        from evse.services.firmware.keys import maker_keys
        from evse.services.firmware.slots import Slots

        slots = Slots(self._directory, RealDisk(), self._product, maker_keys(self._keys))
        try:
            start = slots.start()
            try:
                return Booted(self._unpacked(slots, start.directory), start.trial, start.returned)
            except _BAD as error:
                _log.warning("%s cannot be run, the version before is started: %s", start.directory.name, error)
                returned = slots.drop(start.directory)
                start = slots.start()
                return Booted(self._unpacked(slots, start.directory), start.trial, returned)
        except (OSError, *_BAD) as error:
            _log.warning("the firmware slots cannot be used, the program of the machine is started: %s", error)
            return Booted()

    def _unpacked(self, slots: Slots, slot: Path) -> str:
        if not (slot / PROGRAM).exists():
            return ""
        if not slots.whole(slot):
            raise ValueError(f"{slot.name} is not what was signed")
        self._count += 1
        target = self._runtime / f"program-{self._count}"
        shutil.rmtree(self._runtime / f"program-{self._count - 1}", ignore_errors=True)
        with zipfile.ZipFile(slot / PROGRAM) as archive:
            archive.extractall(target)
        return str(target)
