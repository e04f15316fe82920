"""A master and its slave as two stations on the loopback interface: the slave gets what the master runs, when it can take it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evse.app.station.station_firmware import BROUGHT
from evse.services.firmware.keys import make_keys, private_key
from evse.services.firmware.package import write_package
from tests.fakes.running_firmware import firmware, program
from tests.fakes.running_station import RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(400), pytest.mark.req("MNT-03", "INP-02")]
PROFILE = """schema: 1
kind: station
name: {name}
description: THØR with DSW2.5 on, for tests
inherits: thor
station:
  charging_network: {place}
devices:
  dip_banks:
    - name: DSW1
      functions: [x1_enable, x2_default, smart_home, unknown, unknown, current, current, current]
      simulated: "00000101"
    - name: DSW2
      functions: [address, address, address, address, communication, static_ip, unknown, commissioning]
      simulated: "00001000"
"""
LARGE = 60_000_000


class Network:
    """The two stations; packages for both."""

    def __init__(self) -> None:
        self.master, self.slave = self._station("master"), self._station("slave")
        keys = self.master.home / "keys"
        keys.mkdir()
        make_keys(self.master.home / "maker.key", keys / "maker.pem")
        for station in (self.master, self.slave):
            station.arguments = ("--maker-keys", str(keys))

    def _station(self, place: str) -> RunningStation:
        # Others may run this test on the same machine.
        return RunningStation(profile=PROFILE.format(name=f"net-{place}-{os.getpid()}", place=place))

    def start(self) -> None:
        for station in (self.master, self.slave):
            station.start()
            station.login()
        self.master.evse(
            *("settings", "set", "charging_network.mode=master", "charging_network.slaves=1"),
            secrets={"EVSE_PASSWORD": "Running-station-1"},
        )

    def close(self) -> None:
        self.master.close()
        self.slave.close()

    def give_master(self, version: str, files: dict[str, bytes]) -> None:
        """Somebody brings the master a new version, and says that it works."""
        path = self.master.home / f"{version}.keb"
        write_package(path, "thor", version, 1, files, private_key(self.master.home / "maker.key"))
        firmware(self.master, "upload", str(path))
        firmware(self.master, "install")
        until("the master tries it", lambda: self.state(self.master)["trial"], 90)
        firmware(self.master, "confirm")

    def state(self, station: RunningStation) -> dict[str, Any]:
        """How firmware stands; a station that restarts does not say."""
        self.login(station)
        state: dict[str, Any] = station.get("api/firmware") or {}
        return state

    def pieces(self, station: RunningStation) -> list[Path]:
        """Packages on their way in or out."""
        return list((Path(station.started["data"]) / "firmware").glob("*.part"))

    def login(self, station: RunningStation) -> None:
        """Log in again after a restart."""
        if station.get("api/session") is None and station.page_status():
            station.login_again()

    def standing(self) -> str:
        """How the slave stands, as the master tells."""
        self.login(self.master)
        found = (self.master.get("api/firmware/slaves") or {"slaves": []})["slaves"]
        return str(found[0]["standing"]) if found else ""

    def slave_gets(self, version: str) -> None:
        """The slave tries a version, and somebody says that it works."""
        until("the slave tries it", lambda: self.state(self.slave)["trial"], 120)
        assert firmware(self.slave, "confirm")["version"] == version
        until("the master knows", lambda: self.standing() == "up to date", 60)


@pytest.fixture
def network() -> Iterator[Network]:
    both = Network()
    try:
        both.start()
        yield both
    finally:
        both.close()


def test_a_slave_gets_the_masters_version_when_no_vehicle_is_there_and_whole_or_not_at_all(network: Network) -> None:
    master, slave = network.master, network.slave
    until("the slave is found", lambda: network.standing().startswith("keeps its version"))
    slave.verb("plug_in", outlet=1)
    until("the slave knows", lambda: (slave.get("api/neighbour") or {})["plugged"])
    network.give_master("9.9.8", {"program.whl": program("9.9.8")})
    until("the master waits", lambda: network.standing() == "waits until no vehicle is plugged in", 60)
    assert network.state(slave)["running"] != "9.9.8"
    slave.verb("unplug", outlet=1)
    network.slave_gets("9.9.8")
    for station in (master, slave):
        assert network.state(station)["running"] == "9.9.8"
    (told,) = firmware(master, "slaves")["slaves"]
    assert (told["version"], told["standing"], told["note"]) == ("9.9.8", "up to date", "")
    assert "cannot be the master" in firmware(slave, "slaves", code=1)["reason"]

    arriving = Path(slave.started["data"]) / "firmware" / BROUGHT
    network.give_master("9.9.9", {"notes.bin": Random(1).randbytes(LARGE)})
    size = until_it_arrives(arriving)
    assert master.process is not None
    os.kill(master.pid("services"), signal.SIGKILL)
    master.process.kill()
    master.process.wait()
    assert size < LARGE
    until("the slave is rid of the piece", lambda: not arriving.exists())
    state = network.state(slave)
    assert (state["running"], state["staged"], state["trial"]) == ("9.9.8", "", False)
    master.start()
    network.slave_gets("9.9.9")
    assert network.state(slave)["running"] == "9.9.9"
    until("no package is left lying about", lambda: not network.pieces(master) + network.pieces(slave))


def until_it_arrives(path: Path) -> int:
    """Wait for the first bytes of a package, without a pause in which all of it could come; how many there are."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            if size := path.stat().st_size:
                return size
        except FileNotFoundError:
            time.sleep(0.001)
    raise AssertionError(f"nothing arrives at {path}")
