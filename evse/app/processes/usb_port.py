"""The USB port of a simulated station: a directory is the stick, a link to it is the stick in the port."""

from __future__ import annotations

from pathlib import Path
from typing import Final

VERBS: Final = ("insert_usb_stick", "remove_usb_stick")
"""What :meth:`SimulatedUsbPort.obey` carries out."""
PORT: Final = "usb"
STICK: Final = "usb-stick"
HARDWARE_PORT: Final = "/media/evse-usb"
"""Where a station's system mounts a stick."""


class SimulatedUsbPort:
    """Port and stick in the data directory of a simulated station; the stick's content is whatever somebody puts there."""

    def __init__(self, data: Path) -> None:
        self._port, self._stick = data / PORT, data / STICK

    def obey(self, verb: str) -> str:
        """Carry out one of ``VERBS``; return why that is impossible now, or an empty text."""
        inserted = self._port.is_symlink()
        if inserted == (verb == VERBS[0]):
            return "a stick is in the port already" if inserted else "no stick is in the port"
        try:
            if inserted:
                self._port.unlink()
            else:
                self._stick.mkdir(exist_ok=True)
                self._port.symlink_to(STICK, target_is_directory=True)
        except OSError as error:
            return f"{error.strerror or error}"
        return ""
