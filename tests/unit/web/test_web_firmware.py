"""Firmware over REST: who may, what is refused, and that nothing large stands in the memory before somebody may send it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from evse.app.station.station_firmware import StationFirmware
from evse.services.firmware.package import PACKAGE_LIMIT
from tests.fakes.firmware_bench import FirmwareBench, package_bytes
from tests.fakes.settings_bench import SettingsBench

pytestmark = [pytest.mark.anyio, pytest.mark.req("MNT-03")]
ZIP = {"content-type": "application/zip"}


def left(directory: Path, pattern: str) -> list[str]:
    """What lies below a directory."""
    return [path.name for path in directory.rglob(pattern)]


class Web(SettingsBench):
    def __init__(self, directory: Path) -> None:
        self.firmware = FirmwareBench()
        self.directory = directory
        super().__init__(firmware=StationFirmware(self.firmware.service, directory, lambda: True, lambda: 0))


async def test_a_package_is_uploaded_installed_confirmed(tmp_path: Path) -> None:
    web = Web(tmp_path)
    async with await web.admin() as admin:
        answer = await admin.post("/api/firmware/package", content=package_bytes("2.0.0", 3), headers=ZIP)
        assert answer.json() == {"product": "thor", "version": "2.0.0", "rollback": 3, "files": ["app"]}
        assert (await admin.get("/api/firmware")).json() == {
            "running": "0.1.0",
            "trial": False,
            "staged": "2.0.0",
            "confirmed": "0.1.0",
            "returned": "",
            "floor": 0,
            "keys": 1,
        }
        answer = await admin.post("/api/firmware/install")
        assert (answer.status_code, answer.json()) == (202, {"version": "2.0.0", "restarting": True})
        assert web.firmware.restarts == 1
        web.firmware.slots().start()
        assert (await admin.get("/api/firmware")).json()["trial"]
        assert (await admin.post("/api/firmware/confirm")).json() == {"version": "2.0.0", "restarting": False}
        assert (await admin.get("/api/firmware")).json()["confirmed"] == "2.0.0"
    assert left(tmp_path, "upload*") == []
    assert [event.actor for event in web.firmware.log.events] == ["admin"] * 3


async def test_going_back_restarts_only_out_of_a_trial(tmp_path: Path) -> None:
    web = Web(tmp_path)
    async with await web.admin() as admin:
        for tried in (False, True):
            await admin.post("/api/firmware/package", content=package_bytes("2.0.0"), headers=ZIP)
            if tried:
                await admin.post("/api/firmware/install")
                web.firmware.slots().start()
            assert (await admin.post("/api/firmware/return")).json() == {"version": "2.0.0", "restarting": tried}


async def test_what_is_refused_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    web = Web(tmp_path)
    async with await web.admin() as admin:
        for path, why in (
            ("install", "no version is staged"),
            ("confirm", "on trial"),
            ("return", "staged or on trial"),
        ):
            answer = await admin.post(f"/api/firmware/{path}")
            assert (answer.status_code, why in answer.json()["error"]) == (409, True), path
        answer = await admin.post("/api/firmware/package", content=b"PK\x03\x04nonsense", headers=ZIP)
        assert (answer.status_code, "no firmware package" in answer.json()["error"]) == (409, True)
        web.firmware.plugged = True
        answer = await admin.post("/api/firmware/package", content=package_bytes("2.0.0"), headers=ZIP)
        assert (answer.status_code, "vehicle is plugged" in answer.json()["error"]) == (409, True)
    assert left(tmp_path, "upload*") == []


async def test_only_the_administrator(tmp_path: Path) -> None:
    web = Web(tmp_path)
    data = package_bytes("2.0.0")
    async with await web.user() as user, web.client() as nobody:
        for client, status in ((nobody, 401), (user, 403)):
            assert (await client.get("/api/firmware")).status_code == status
            assert (await client.post("/api/firmware/package", content=data, headers=ZIP)).status_code == status
            for action in ("install", "confirm", "return"):
                assert (await client.post(f"/api/firmware/{action}")).status_code == status
    assert web.firmware.service.state().staged == ""


async def test_a_body_that_is_too_large_or_of_another_kind_is_not_read(tmp_path: Path) -> None:
    web = Web(tmp_path)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024 * 1024
            yield bytes(1024 * 1024)

    async with await web.admin() as admin:
        declared = {**ZIP, "content-length": str(PACKAGE_LIMIT + 1)}
        assert (await admin.post("/api/firmware/package", content=b"x", headers=declared)).status_code == 413
        kind = {"content-type": "text/plain"}
        assert (await admin.post("/api/firmware/package", content=b"x", headers=kind)).status_code == 415
        answer = await admin.post("/api/firmware/package", content=endless(), headers=ZIP)
        assert (answer.status_code, "more than" in answer.json()["error"]) == (409, True)
    assert sent <= PACKAGE_LIMIT + 4 * 1024 * 1024
    assert left(tmp_path, "upload*") == []


async def test_a_stranger_sends_no_package_into_the_station(tmp_path: Path) -> None:
    web = Web(tmp_path)
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(20):
            sent += 1
            yield bytes(1024)

    async with web.client() as nobody:
        assert (await nobody.post("/api/firmware/package", content=pieces(), headers=ZIP)).status_code == 401
    assert sent <= 2
    assert left(tmp_path, "*") == []


async def test_a_package_that_stops_half_way_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = Web(tmp_path)
    monkeypatch.setattr("evse.web.security.PIECE_TIMEOUT_S", 0.01)

    async def half() -> AsyncIterator[bytes]:
        yield package_bytes("2.0.0")[:500]
        await asyncio.Event().wait()

    async with await web.admin() as admin:
        answer = await admin.post("/api/firmware/package", content=half(), headers=ZIP)
        assert (answer.status_code, answer.json()["error"]) == (408, "the package did not arrive whole")
        assert left(tmp_path, "upload*") == []
        assert (
            await admin.post("/api/firmware/package", content=package_bytes("2.0.0"), headers=ZIP)
        ).status_code == 200


async def test_what_a_power_cut_left_of_a_package_is_gone_after_the_start(tmp_path: Path) -> None:
    web = Web(tmp_path)
    directory = tmp_path / "firmware"
    directory.mkdir()
    for name in ("upload.part", "brought.part", "for-slaves.part"):
        (directory / name).write_bytes(b"half")
    await StationFirmware(web.firmware.service, tmp_path, lambda: True, lambda: 0).run()
    assert left(tmp_path, "*.part") == []
