"""A new version at a running station: control and services run it; one that cannot run is given up by itself."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evse.services.firmware.keys import make_keys, private_key
from evse.services.firmware.package import write_package
from tests.fakes.running_firmware import firmware, program
from tests.fakes.running_station import ROOT, RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(240), pytest.mark.req("MNT-03")]


def broken() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("evse/__init__.py", "raise SystemExit(1)")
    return buffer.getvalue()


@pytest.fixture
def station() -> Iterator[RunningStation]:
    running = RunningStation()
    keys = running.home / "keys"
    keys.mkdir()
    make_keys(running.home / "maker.key", keys / "maker.pem")
    running.arguments = ("--maker-keys", str(keys))
    try:
        yield running.start()
    finally:
        running.close()


def install(station: RunningStation, version: str, content: bytes) -> None:
    path = station.home / f"{version}.zip"
    write_package(path, "parking", version, 1, {"program.whl": content}, private_key(station.home / "maker.key"))
    assert firmware(station, "upload", str(path))["version"] == version
    assert firmware(station, "install")["version"] == version


def program_of(station: RunningStation, name: str) -> str:
    """The directory that a process imports from first."""
    environment = Path(f"/proc/{station.pid(name)}/environ").read_bytes().split(b"\0")
    path = next(os.fsdecode(each) for each in environment if each.startswith(b"PYTHONPATH="))
    return path.removeprefix("PYTHONPATH=").split(os.pathsep)[0]


def runs(station: RunningStation, version: str) -> bool:
    """Whether the maintenance report of whoever answers names this version."""
    report = station.get("api/report")
    if not report or ["evse-controller", version] not in report["sections"][0]["rows"]:
        return False
    return bool(station.outlet().get("outlet_status") == "OK_InitDone")


def test_a_version_is_tried_and_kept_and_a_broken_one_returns_to_it(station: RunningStation) -> None:
    station.login()
    install(station, "9.9.9", program("9.9.9"))
    until("the new version answers", lambda: runs(station, "9.9.9"), 60)
    assert firmware(station, "show")["trial"]
    assert program_of(station, "control") == program_of(station, "services") != str(ROOT)
    assert firmware(station, "confirm")["version"] == "9.9.9"

    install(station, "9.9.10", broken())
    until("the broken version is given up", lambda: "9.9.10 has not proved" in station.errors.read_text(), 60)
    until("the version before answers", lambda: runs(station, "9.9.9"), 60)
    state = firmware(station, "show")
    assert (state["running"], state["trial"], state["returned"]) == ("9.9.9", False, "9.9.10")
    station.charge()
