"""What a slave offers its master without a login: how it stands, and a place for a newer package of the maker's; nothing else."""

from __future__ import annotations

import asyncio
import io
import struct
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evse.app.network.slave_desk import NETWORK, SlaveDesk
from evse.app.station.station_firmware import StationFirmware
from evse.core.units import MINUTE, SECOND
from evse.services.firmware.neighbours import SlaveFinding, Standing, Told, told_of
from evse.services.firmware.package import PACKAGE_LIMIT
from evse.services.firmware.service import FirmwareState
from evse.services.firmware.turnstile import LONGEST_US
from evse.services.security.events import SecurityKind
from evse.web.app import create_app
from evse.web.ports import Extras
from tests.fakes.firmware_bench import KEY, FirmwareBench, package_bytes
from tests.fakes.settings_bench import SettingsBench
from tests.fakes.web_fake import FakeRecords, FakeStation, station_view

pytestmark = [pytest.mark.anyio, pytest.mark.req("MNT-03")]
ZIP = {"content-type": "application/zip", "x-evse-request": "1"}
PATH = "/api/neighbour/package"
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(9, 41)))


def handed_on(version: str, rollback: int = 1, product: str = "thor", key: Ed25519PrivateKey = KEY) -> bytes:
    """A package as a master sends it: manifest and signature first."""
    with zipfile.ZipFile(io.BytesIO(package_bytes(version, rollback, product, key))) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    return zipped(entries)


def zipped(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


class Slave:
    """A slave on hardware, without anybody logged in."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.firmware = FirmwareBench()
        self.on: bool | None = True
        self.now_us = 0
        firmware = StationFirmware(self.firmware.service, directory, lambda: True, lambda: 0)
        self.desk = SlaveDesk(
            "S1", "thor", firmware, lambda: self.on, lambda: self.firmware.plugged, lambda: self.now_us
        )
        extras = Extras(slave=self.desk, accounts=SettingsBench().accounts)
        app = create_app(FakeStation(station_view()), None, FakeRecords(), extras=extras)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://192.168.0.9:8061")

    async def post(self, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
        self.now_us += 2 * LONGEST_US
        return await self.client.post(PATH, content=content, headers={**ZIP, **headers})

    async def told(self) -> Told:
        self.now_us += SECOND
        answer = await self.client.get("/api/neighbour")
        assert answer.status_code == 200
        return told_of(answer.json())

    def as_before(self) -> bool:
        """Whether nothing has come of what was tried."""
        state = self.firmware.service.state()
        left = [path.name for path in self.directory.rglob("*.part")]
        return (state.staged, state.confirmed, left, self.firmware.restarts) == ("", "0.1.0", [], 0)


@pytest.fixture
def slave(tmp_path: Path) -> Slave:
    return Slave(tmp_path)


async def test_a_newer_package_of_the_maker_is_taken_and_tried_at_once(slave: Slave) -> None:
    assert await slave.told() == Told("S1", "thor", "0.1.0", 0, "", trial=False, returned="", plugged=False)
    answer = await slave.post(handed_on("2.0.0", 3))
    assert (answer.status_code, answer.json()) == (202, {"version": "2.0.0"})
    assert slave.firmware.restarts == 1
    slave.firmware.restart()
    assert (await slave.told()).trial
    slave.firmware.service.confirm()
    assert await slave.told() == Told("S1", "thor", "2.0.0", 3, "", trial=False, returned="", plugged=False)
    staged, tried = slave.firmware.log.events[:2]
    assert (staged.kind, tried.kind) == (SecurityKind.FIRMWARE_STAGED, SecurityKind.FIRMWARE_TRIED)
    assert (staged.actor, bool(staged.source)) == (NETWORK, True)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (handed_on("2.0.0", key=STRANGER), "not from a maker this station trusts"),
        (handed_on("2.0.0", product="parking"), "this station is thor"),
        (handed_on("0.1.0"), "not newer than 0.1.0"),
        (handed_on("0.0.9"), "not newer than 0.1.0"),
        (package_bytes("2.0.0"), "does not begin with its manifest"),
        (b"", "ends before its signature"),
        (b"{}", "does not begin with its manifest"),
        (handed_on("2.0.0")[:-200], "no firmware package"),
        (handed_on("2.0.0").replace(b"program", b"progrbm"), "cannot be unpacked"),
        (handed_on("2.0.0") + bytes(100_000), "more than the"),
    ],
)
async def test_whatever_else_comes_is_refused_with_the_reason_and_in_the_log(
    slave: Slave, data: bytes, why: str
) -> None:
    answer = await slave.post(data)
    assert (answer.status_code, why in answer.json()["error"]) == (409, True), answer.text
    assert slave.as_before()
    (event,) = slave.firmware.log.events
    assert (event.kind, event.actor, why in event.detail) == (SecurityKind.FIRMWARE_REFUSED, NETWORK, True)


async def test_a_newer_head_brings_no_older_package_in(slave: Slave) -> None:
    """A body that begins with a newer manifest and is, for who reads it from its end, the maker's older package."""
    newer, older = handed_on("2.0.0"), handed_on("0.0.9", 0)
    start = newer.index(b"PK\x01\x02")
    directory = bytearray(older[older.index(b"PK\x01\x02") :])
    at = 0
    while directory[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack_from("<3H", directory, at + 28)
        (offset,) = struct.unpack_from("<L", directory, at + 42)
        struct.pack_into("<L", directory, at + 42, offset + start)
        at += 46 + name + extra + comment
    (offset,) = struct.unpack_from("<L", directory, at + 16)
    struct.pack_into("<L", directory, at + 16, offset + start)
    body = newer[:start] + older[: older.index(b"PK\x01\x02")] + bytes(directory)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert b"0.0.9" in archive.read("manifest.json")
    answer = await slave.post(body)
    assert (answer.status_code, "another one than its beginning" in answer.json()["error"]) == (409, True), answer.text
    assert slave.as_before()


async def test_a_thousand_mutated_packages_and_none_is_taken_but_the_makers(slave: Slave) -> None:
    whole, random, taken = handed_on("2.0.0"), Random(23), 0
    for _ in range(1_000):
        data = bytearray(whole)
        match random.randrange(3):
            case 0:
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            case 1:
                del data[random.randrange(len(data)) :]
            case _:
                at = random.randrange(len(data))
                data[at : at + random.randrange(1, 60)] = random.randbytes(random.randrange(60))
        answer = await slave.post(bytes(data))
        assert answer.status_code in (202, 409), answer.text
        if answer.status_code == 202:
            # Bytes that no reader looks at (times, attributes) may differ.
            taken += 1
            assert slave.firmware.disk.read(Path("/firmware/slot-b/app")) == b"program"
            slave.firmware.service.give_back()
    assert taken < 250


@pytest.mark.req("INP-02")
@pytest.mark.parametrize("on", [False, None])
async def test_without_its_switch_a_slave_says_and_takes_nothing(slave: Slave, on: bool | None) -> None:
    slave.on = on
    for answer in (await slave.client.get("/api/neighbour"), await slave.post(handed_on("2.0.0"))):
        assert (answer.status_code, "DSW2.5" in answer.json()["error"]) == (403, True)
    assert slave.as_before()


async def test_many_questions_cost_one_look_at_the_disk_a_second(slave: Slave, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    state = slave.firmware.service.state

    def looked() -> FirmwareState:
        nonlocal looks
        looks += 1
        return state()

    monkeypatch.setattr(slave.firmware.service, "state", looked)
    for _ in range(20):
        assert (await slave.client.get("/api/neighbour")).status_code == 200
    assert looks == 1
    await slave.told()
    assert looks == 2


async def test_nothing_is_taken_while_a_vehicle_is_plugged_in_or_a_version_on_trial(slave: Slave) -> None:
    data, read = handed_on("2.0.0"), 0

    async def in_pieces() -> AsyncIterator[bytes]:
        nonlocal read
        for start in range(0, len(data), 50):
            read = start
            yield data[start : start + 50]

    slave.firmware.plugged = True
    assert (await slave.told()).plugged
    answer = await slave.post(in_pieces())
    assert read < data.index(b"program"), "nothing is read beyond the head"
    assert (answer.status_code, "vehicle is plugged" in answer.json()["error"]) == (409, True)
    assert slave.as_before()
    slave.firmware.plugged = False
    await slave.post(handed_on("2.0.0"))
    slave.firmware.restart()
    answer = await slave.post(handed_on("3.0.0"))
    assert (answer.status_code, "on trial" in answer.json()["error"]) == (409, True)


async def test_a_version_that_did_not_work_here_is_not_taken_again(slave: Slave) -> None:
    await slave.post(handed_on("2.0.0"))
    slave.firmware.restart()
    slave.firmware.service.give_back()
    slave.firmware.restart()
    assert (await slave.told()).returned == "2.0.0"
    answer = await slave.post(handed_on("2.0.0"))
    assert (answer.status_code, "did not work here" in answer.json()["error"]) == (409, True)
    assert (await slave.post(handed_on("2.0.1"))).status_code == 202


async def test_one_at_a_time_and_a_pause_after_what_came_to_nothing(slave: Slave) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()
    data = handed_on("2.0.0")

    async def slowly() -> AsyncIterator[bytes]:
        yield data[:-100]
        arrived.set()
        await go_on.wait()
        yield bytes(100)

    first = asyncio.create_task(slave.post(slowly()))
    await arrived.wait()
    busy = await slave.client.post(PATH, content=data, headers=ZIP)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "5")
    go_on.set()
    assert (await first).status_code == 409
    paused = await slave.client.post(PATH, content=data, headers=ZIP)
    assert (paused.status_code, paused.headers["retry-after"]) == (429, "10")
    slave.now_us += MINUTE
    assert (await slave.client.post(PATH, content=data, headers=ZIP)).status_code == 202


@pytest.mark.parametrize(("arrives", "head_s", "rest_s"), [(20, 0.0, 1_000.0), (-100, 1_000.0, 0.0)])
async def test_a_package_that_does_not_arrive_is_given_up(
    slave: Slave, monkeypatch: pytest.MonkeyPatch, arrives: int, head_s: float, rest_s: float
) -> None:
    monkeypatch.setattr("evse.app.network.slave_desk.HEAD_LIMIT_S", head_s)
    monkeypatch.setattr("evse.app.network.slave_desk.TRANSFER_LIMIT_S", rest_s)

    async def never() -> AsyncIterator[bytes]:
        yield handed_on("2.0.0")[:arrives]
        while True:
            await asyncio.sleep(0)
            yield b""

    assert (await slave.post(never())).status_code == 408
    assert slave.as_before()
    again = await slave.client.post(PATH, content=b"", headers=ZIP)
    assert again.status_code == 429, "whoever kept the place waits like everybody whose package came to nothing"


async def test_a_body_that_is_too_large_of_another_kind_or_from_a_foreign_page_is_not_read(slave: Slave) -> None:
    data = handed_on("2.0.0")
    for headers, status in (
        ({"content-length": str(PACKAGE_LIMIT + 1)}, 413),
        ({"content-type": "text/plain"}, 415),
        ({"origin": "http://evil.example"}, 403),
        ({"x-evse-request": "0"}, 403),
        ({"host": "evil.example"}, 421),
    ):
        assert (await slave.post(data, **headers)).status_code == status
    assert slave.as_before()


async def test_everything_else_of_a_slave_still_needs_its_account(slave: Slave) -> None:
    for path in ("/api/firmware", "/api/station", "/api/neighbour/", "/api/neighbour/packages", "/api/settings"):
        assert (await slave.client.get(path)).status_code == 401
    assert (await slave.client.get(PATH)).status_code == 405


class Master:
    problem = "1 of 2 slaves are found"

    def slaves(self) -> tuple[SlaveFinding, ...]:
        return (SlaveFinding("S1", "0.1.0", Standing.PLUGGED, "409 a vehicle is plugged in"),)


async def test_a_master_tells_its_administrator_how_the_slaves_stand() -> None:
    bench = SettingsBench(master=Master())
    async with await bench.admin() as admin, await bench.user() as user, bench.client() as nobody:
        answer: dict[str, Any] = (await admin.get("/api/firmware/slaves")).json()
        assert (await user.get("/api/firmware/slaves")).status_code == 403
        assert (await nobody.get("/api/firmware/slaves")).status_code == 401
    assert answer["problem"] == "1 of 2 slaves are found"
    assert [each["standing"] for each in answer["slaves"]] == ["waits until no vehicle is plugged in"]
