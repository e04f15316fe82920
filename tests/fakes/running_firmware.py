"""Firmware for running stations: the program of this tree under another version, and ``evse firmware``."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from tests.fakes.running_station import ROOT, RunningStation


def program(version: str) -> bytes:
    """The program of this tree as a package's file, under another version."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("boards", "evse", "hal", "profiles"):
            for path in sorted((ROOT / name).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, str(path.relative_to(ROOT)))
        metadata = f"Metadata-Version: 2.1\nName: evse-controller\nVersion: {version}\n"
        archive.writestr(f"evse_controller-{version}.dist-info/METADATA", metadata)
    return buffer.getvalue()


def firmware(station: RunningStation, *arguments: str, code: int = 0) -> dict[str, Any]:
    """``evse firmware`` as somebody types it."""
    return station.evse("firmware", *arguments, code=code, secrets={"EVSE_PASSWORD": "Running-station-1"})
