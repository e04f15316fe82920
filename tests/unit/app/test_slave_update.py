"""The master's task: whom it asks and sends to, what it makes of answers, what it leaves behind. Slaves are scripted servers."""

from __future__ import annotations

import asyncio
import json
import socket
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import ifaddr
import pytest

from boards.load import load_profile
from evse.app.network.browsing import Place, addresses_of_interface, is_near, networks_of
from evse.app.network.charging_network import ChargingNetwork, Communication
from evse.app.network.slave_client import SlaveClient
from evse.app.network.slave_desk import SWITCHED_OFF
from evse.app.network.slave_problem import SlaveProblem
from evse.app.network.slave_update import SlaveUpdate
from evse.app.station.station_facts import station_facts
from evse.app.station.station_firmware import StationFirmware
from evse.core.units import SECOND
from evse.exchange.snapshot import DipView, StationView
from evse.services.firmware.neighbours import Standing, Told
from evse.services.security.events import SecurityKind, SecurityMemory
from evse.services.settings.charging_network import MODE, SERIALS, SLAVES
from evse.services.settings.kinds import Value
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import STATION, Settings
from evse.services.settings.store import SettingsStore
from tests.fakes.firmware_bench import FirmwareBench, package_bytes
from tests.fakes.hostile_server import Play, drip, hostile_server, silence
from tests.fakes.web_fake import station_view

pytestmark = pytest.mark.req("MNT-03")
HERE = "127.0.0.1"
OLD = Told("S1", "thor", "1.0.0", 0, "", trial=False, returned="", plugged=False)


def saying(status: str, body: object, *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers, "", "")
    return "\r\n".join(lines).encode() + content


def request_of(connection: socket.socket) -> tuple[str, bytes]:
    """The first line and the body of a request."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return "", b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length and (piece := connection.recv(65_536)):
        body += piece
    return head.split(b"\r\n")[0].decode(), body


class ScriptedSlave:
    """A slave that says ``told`` and answers packages with ``answer``; ``got``: those that came."""

    def __init__(self) -> None:
        self.told = OLD
        self.answer = saying("202 Accepted", {"version": "2.0.0"})
        self.got: list[bytes] = []

    def play(self, connection: socket.socket) -> None:
        line, body = request_of(connection)
        if line.startswith("POST"):
            self.got.append(body)
            connection.sendall(self.answer)
        else:
            connection.sendall(saying("200 OK", asdict(self.told)))


class Master:
    """A master with a confirmed version 2.0.0. ``time``: its clock in microseconds."""

    def __init__(self, data: Path, *, confirmed: bool = True) -> None:
        self.log = SecurityMemory()
        facts = station_facts(load_profile("thor"), "M1")
        self.settings = Settings(Catalogue(facts), SettingsStore(data / "settings", FirmwareBench().disk), self.log)
        self.firmware = FirmwareBench()
        if confirmed:
            self.firmware.service.stage(package_bytes("2.0.0", 3))
            self.firmware.service.install()
            self.firmware.restart()
            self.firmware.service.confirm()
        self.data = data
        (data / "firmware").mkdir()
        self.on: bool | None = True
        self.now_us = 0
        station = StationFirmware(self.firmware.service, data, lambda: True, lambda: 0)
        # Nobody is searched for: slaves are named with their addresses.
        self.update = SlaveUpdate(self.settings, station, data, lambda: self.on, lambda: (), 1, lambda: self.now_us)

    async def set(self, wanted: dict[str, Value]) -> None:
        await self.settings.change({MODE: "master", **wanted}, STATION)

    async def until_rest(self) -> float:
        """Do what there is to do; for how many seconds there is nothing more."""
        for _ in range(20):
            pause_s = await self.update.step()
            if pause_s:
                return pause_s
            self.now_us += 1
        raise AssertionError("it does not come to rest")

    def standing(self) -> tuple[Standing, str]:
        (finding,) = self.update.slaves()
        return finding.standing, finding.note

    def packages(self) -> list[str]:
        return [path.name for path in (self.data / "firmware").iterdir()]


def with_slave(master: Master, play: Play, story: Callable[[], object]) -> None:
    """Run ``story`` while one slave, ``S1``, is there."""
    with hostile_server(play) as port:

        async def run() -> None:
            await master.set({SLAVES: 1, SERIALS[0]: f"S1@{HERE}:{port}"})
            result = story()
            if asyncio.iscoroutine(result):
                await result

        asyncio.run(run())


def test_a_slave_that_is_behind_gets_the_package_once(tmp_path: Path) -> None:
    master, slave = Master(tmp_path), ScriptedSlave()

    async def story() -> None:
        await master.until_rest()
        (package,) = slave.got
        assert package.startswith(b"PK")
        assert b'"version":"2.0.0"' in package
        assert master.packages() == ["for-slaves.part"], "kept while a slave is behind"
        slave.told = replace(OLD, version="2.0.0", floor=3)
        master.now_us += 10 * SECOND
        await master.until_rest()
        assert master.standing() == (Standing.UP_TO_DATE, "")
        await master.until_rest()
        assert (len(slave.got), master.packages()) == (1, [])

    with_slave(master, slave.play, story)
    (event,) = [each for each in master.log.events if each.kind is SecurityKind.FIRMWARE_HANDED_ON]
    assert "2.0.0 to the slave S1 at 127.0.0.1" in event.detail
    assert event.detail.endswith("taken")


def test_a_refusal_is_told_with_its_reason_and_its_pause_is_kept(tmp_path: Path) -> None:
    master, slave = Master(tmp_path), ScriptedSlave()
    slave.answer = saying("429 Too Many Requests", {"error": "come\nlater"}, "Retry-After: 100")

    async def story() -> None:
        for _ in range(9):
            await master.until_rest()
            master.now_us += 10 * SECOND
        assert len(slave.got) == 1
        assert master.standing() == (Standing.BEHIND, "429 come?later")
        master.now_us += 20 * SECOND
        await master.until_rest()
        assert len(slave.got) == 2

    with_slave(master, slave.play, story)
    assert [event.kind for event in master.log.events].count(SecurityKind.FIRMWARE_HANDED_ON) == 2


@pytest.mark.parametrize(
    "told",
    [replace(OLD, plugged=True), replace(OLD, trial=True), replace(OLD, product="city"), replace(OLD, serial="S2")],
)
def test_who_cannot_take_it_gets_nothing(tmp_path: Path, told: Told) -> None:
    master, slave = Master(tmp_path), ScriptedSlave()
    slave.told = told
    with_slave(master, slave.play, master.until_rest)
    assert (slave.got, master.packages()) == ([], [])


def test_a_master_with_the_program_of_the_machine_or_on_trial_sends_nothing(tmp_path: Path) -> None:
    master, slave = Master(tmp_path, confirmed=False), ScriptedSlave()

    async def story() -> None:
        await master.until_rest()
        assert master.standing()[0] is Standing.NO_OFFER
        for version in ("2.0.0", "3.0.0"):
            master.firmware.service.stage(package_bytes(version))
            master.firmware.service.install()
            master.firmware.restart()
            assert master.firmware.service.state().trial
            master.now_us += 10 * SECOND
            await master.until_rest()
            assert (slave.got, master.standing()[0]) == ([], Standing.NO_OFFER), version
            master.firmware.service.confirm()
        master.now_us += 10 * SECOND
        await master.until_rest()
        assert b'"version":"3.0.0"' in slave.got[0]

    with_slave(master, slave.play, story)


@pytest.mark.req("INP-02")
def test_a_master_whose_switch_is_off_says_so_and_asks_nobody(tmp_path: Path) -> None:
    master, slave = Master(tmp_path), ScriptedSlave()

    async def story() -> None:
        for on, problem in ((None, ""), (False, SWITCHED_OFF)):
            master.on = on
            await master.update.step()
            assert (master.update.problem, master.update.slaves()) == (problem, ())
        master.on = True
        await master.until_rest()
        assert master.update.problem == ""
        assert len(slave.got) == 1

    with_slave(master, slave.play, story)


@pytest.mark.req("THN-02")
def test_a_station_that_stands_alone_asks_nobody(tmp_path: Path) -> None:
    master, slave = Master(tmp_path), ScriptedSlave()

    async def story() -> None:
        await master.settings.change({MODE: "standalone"}, STATION)
        await master.update.step()
        assert master.update.slaves() == ()

    with_slave(master, slave.play, story)
    assert slave.got == []


def test_a_slave_that_is_not_found_is_told_with_what_to_do(tmp_path: Path) -> None:
    master = Master(tmp_path)

    async def story() -> None:
        await master.set({SLAVES: 1, SERIALS[0]: "S9"})
        await master.until_rest()
        assert master.standing() == (Standing.AWAY, "not found in the network; its address can be set")
        await master.set({SLAVES: 2, SERIALS[0]: ""})
        await master.until_rest()
        assert master.update.problem == "", "it may only be restarting"
        master.now_us += 61 * SECOND
        await master.until_rest()
        assert master.update.problem == "0 of 2 slaves are found"

    asyncio.run(story())


def told_by(play: Play, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a master makes of a slave."""
    monkeypatch.setattr("evse.app.network.slave_client.ASK_S", 0.3)

    async def ask(port: int) -> str:
        client = SlaveClient()
        try:
            await client.ask(Place(HERE, port))
        except SlaveProblem as problem:
            return str(problem)
        finally:
            await client.close()
        return "a slave"

    with hostile_server(play) as port:
        return asyncio.run(ask(port))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (saying("200 OK", asdict(OLD)), "a slave"),
        (saying("200 OK", {**asdict(OLD), "floor": "x"}), "not what a slave says"),
        (saying("200 OK", b"[" * 4_000), "not what a slave says"),
        (saying("200 OK", b'{"serial": NaN}'), "not what a slave says"),
        (saying("200 OK", b"x" * 100_000), "an answer that no slave gives"),
        (saying("404 Not Found", {"error": "x" * 9_000}), "an answer that no slave gives"),
        (saying("403 Forbidden", {"error": ["x"]}), "403 Forbidden"),
        (saying("302 Found", b"", "Location: http://192.0.2.1/"), "302 Found"),
        (b"\x00" * 5_000, "no answer: "),
        (b"", "no answer: "),
    ],
)
def test_whatever_a_slave_says_is_its_word_or_a_problem(
    answer: bytes, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def play(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(answer)

    assert told in told_by(play, monkeypatch)


@pytest.mark.parametrize("play", [silence, drip])
def test_a_slave_that_never_ends_is_left(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no answer" in told_by(play, monkeypatch)


def view_with(dip: DipView | None) -> StationView:
    view = station_view(outlets=1)
    return replace(view, outlets=tuple(replace(each, dip=dip) for each in view.outlets))


@pytest.mark.req("INP-02")
def test_the_switch_counts_as_it_stood_at_the_start_whatever_control_does() -> None:
    unread = DipView("", "", pending=False, current_ma=0, on=(), address="")
    on = replace(unread, at_start="DSW2 00001000", now="DSW2 00000000", pending=True, on=("communication",))
    views: list[StationView | None] = [None]
    switched_on = Communication(lambda: views[0])
    for view, expected in (
        (None, None),
        (view_with(unread), None),
        (view_with(on), True),
        (None, True),
        (view_with(unread), True),
        (view_with(replace(on, on=("smart_home",))), False),
    ):
        views[0] = view
        assert switched_on() is expected


def network_of(profile: str, data: Path, bound: str = HERE) -> tuple[ChargingNetwork, Settings]:
    on = DipView("DSW2 00001000", "DSW2 00001000", pending=False, current_ma=0, on=("communication",), address="")
    facts = station_facts(load_profile(profile), "N1")
    settings = Settings(Catalogue(facts), SettingsStore(data, FirmwareBench().disk), SecurityMemory())
    firmware = StationFirmware(FirmwareBench().service, data, lambda: True, lambda: 0)
    view = view_with(on)
    return ChargingNetwork(settings, firmware, data, lambda: view, lambda: 0, bound, 8061, simulated=True), settings


@pytest.mark.req("THN-02", "STA-02")
def test_an_x_series_is_master_by_its_settings_and_a_c_series_a_slave(tmp_path: Path) -> None:
    async def story() -> None:
        thor, settings = network_of("thor", tmp_path / "x")
        assert (thor.role, thor.about(), thor.on_loopback(), thor.slave) == ("", {}, False, None)
        await settings.change({MODE: "master"}, STATION)
        assert (thor.role, thor.about()["network"], thor.on_loopback()) == ("master", "master", True)
        slave, _ = network_of("thor-c", tmp_path / "c")
        assert (slave.role, slave.about(), slave.master) == ("slave", {"network": "slave", "version": ""}, None)
        other, _ = network_of("parking", tmp_path / "p")
        assert (other.role, other.master, other.slave, other.on_loopback()) == ("", None, None, False)
        assert not network_of("thor-c", tmp_path / "w", "0.0.0.0")[0].on_loopback()

    asyncio.run(story())


def test_a_master_looks_for_its_slaves_through_its_wired_interface_only() -> None:
    name = next(each.name for each in ifaddr.get_adapters() if HERE in [ip.ip for ip in each.ips])
    assert addresses_of_interface("", (HERE, "192.0.2.1")) == (HERE, "192.0.2.1")
    assert addresses_of_interface(name, (HERE, "192.0.2.1")) == (HERE,)
    assert addresses_of_interface("wlan7", (HERE,)) == ()


def test_a_failure_of_whatever_kind_is_told_and_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    master = Master(tmp_path)

    async def story() -> None:
        await master.set({SLAVES: 1, SERIALS[0]: "S9"})
        monkeypatch.setattr(master.update, "step", fail)
        task = asyncio.create_task(master.update.run())
        for _ in range(10):
            await asyncio.sleep(0)
        assert (master.update.problem, task.done()) == ("the slaves cannot be updated: strange", False)
        task.cancel()
        await asyncio.wait((task,))

    async def fail() -> float:
        raise RuntimeError("strange")

    asyncio.run(story())


def test_where_there_is_no_network_nothing_is_begun(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(network_of("parking", tmp_path)[0].run())
    assert told == []


def test_only_neighbours_are_asked() -> None:
    networks = networks_of((HERE,))
    assert is_near("127.0.0.1", networks)
    for address in ("192.0.2.1", "169.254.169.254", "::1", "hall", ""):
        assert not is_near(address, networks)
    assert networks_of(()) == ()
