"""The Wi-Fi card: told at once, works by it after 5 s without power; the station's addresses go with it, and come back with it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from random import Random

import pytest

from evse.core.units import SECOND
from evse.services.host.port import HostError
from evse.services.host.service import AddressFile, HostService, HostView
from evse.services.host.simulated import Heard, NoAir, SimulatedHost
from evse.services.host.trial import TRIAL_US
from evse.services.host.wifi import WifiCard, WifiReport, WifiState, card_of, told, trouble
from evse.services.security.events import SecurityKind, SecurityMemory
from evse.services.settings.addresses import Addresses
from evse.services.settings.kinds import Value
from evse.services.settings.model import OutletFacts, Role, StationFacts
from evse.services.settings.problems import Refused
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Actor, Settings
from evse.services.settings.store import SettingsStore
from tests.fakes.crash_disk import CrashDisk

pytestmark = pytest.mark.anyio
HERE = Path("/d")
ADMIN = Actor("admin", Role.ADMIN, "192.168.0.9")
FACTS = StationFacts("smart-wallbox", "W1", (OutletFacts(1),), wifi_card=True)
KEY = "charge-at-home"
HOME: dict[str, Value] = {"wifi.network": "home", "wifi.key": KEY}
FIXED: dict[str, Value] = {"network.dhcp": False, "network.gateway": "192.168.0.1"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class House:
    """An ``Air``: one access point, and the supply of the card."""

    def __init__(self) -> None:
        self.network, self.key = "home", KEY
        self.power_ups = 1
        self.silent = ""

    def hear(self, card: WifiCard) -> Heard:
        if self.silent:
            raise HostError(self.silent)
        if card.network != self.network:
            state = WifiState.NO_ACCESS_POINT
        else:
            state = WifiState.CONNECTED if card.key == self.key else WifiState.WRONG_KEY
        return Heard(str(self.power_ups), state)


class Bench:
    """A Smart Wallbox whose services start again and again on one disk."""

    def __init__(self) -> None:
        self.disk = CrashDisk(Random(1))
        self.house = House()
        self.now_us = 0
        self.log = SecurityMemory()

    async def start(self, *, power_cycle: bool = False) -> HostService:
        self.house.power_ups += power_cycle
        self.machine = SimulatedHost(self.disk, HERE / "simulated.json", air=self.house)
        self.settings = Settings(Catalogue(FACTS), SettingsStore(HERE, self.disk), self.log)
        at_start = self.settings.values
        self.host = HostService(
            self.machine, AddressFile(HERE, self.disk), self.settings, lambda: at_start, lambda: self.now_us
        )
        await self.host.begin()
        await self.host.look()
        return self.host

    async def save(self, changes: dict[str, Value]) -> HostView:
        await self.settings.change(changes, ADMIN)
        return await self.look()

    async def look(self, after_us: int = 0) -> HostView:
        self.now_us += after_us
        await self.host.look()
        return self.host.view()

    def address(self) -> str:
        assert self.machine.addresses is not None
        return self.machine.addresses.address

    def wifi(self) -> WifiReport:
        report = self.host.view().wifi
        assert report is not None
        return report


class InOrder(SimulatedHost):
    """Notes which address it was told first."""

    def __init__(self, air: House) -> None:
        super().__init__(air=air)
        self.order: list[str] = []

    def set_wifi(self, card: WifiCard) -> None:
        self.order.append(card.address)
        super().set_wifi(card)

    def set_addresses(self, addresses: Addresses) -> None:
        self.order.append(addresses.address)
        super().set_addresses(addresses)


async def moved() -> Bench:
    """The card's address was changed, then the station's; the station was restarted, and is not reached by anybody."""
    bench = Bench()
    await bench.start()
    await bench.save({**HOME, "wifi.address": "10.0.0.6"})
    await bench.save({"network.dhcp": False, "network.address": "10.0.0.7", "network.gateway": "10.0.0.1"})
    await bench.start()
    return bench


@pytest.mark.req("NET-04")
async def test_a_new_setting_is_pending_until_the_station_was_without_power() -> None:
    bench = Bench()
    await bench.start()
    assert bench.wifi() == WifiReport("", "wpa2", "192.168.0.101", False, WifiState.OFF)
    await bench.save(HOME)
    assert bench.wifi() == WifiReport("", "wpa2", "192.168.0.101", True, WifiState.OFF)
    await bench.start()
    assert bench.wifi().pending, "a restart of the station alone changes nothing"
    await bench.start(power_cycle=True)
    assert bench.wifi() == WifiReport("home", "wpa2", "192.168.0.101", False, WifiState.CONNECTED)
    await bench.save({"wifi.key": "not-the-key"})
    assert bench.wifi() == WifiReport("home", "wpa2", "192.168.0.101", True, WifiState.CONNECTED)
    await bench.save({"wifi.key": KEY})
    assert not bench.wifi().pending, "what it works by was entered again"
    await bench.save({"wifi.key": "not-the-key"})
    await bench.start(power_cycle=True)
    assert bench.wifi() == WifiReport("home", "wpa2", "192.168.0.101", False, WifiState.WRONG_KEY)


@pytest.mark.req("NET-04")
async def test_the_card_hears_of_its_address_before_the_machine_hears_of_the_stations() -> None:
    bench = Bench()
    machine = InOrder(air=bench.house)
    settings = Settings(Catalogue(FACTS), SettingsStore(HERE, bench.disk), bench.log)
    await settings.change({"wifi.address": "10.0.0.6"}, ADMIN)
    await settings.change({"network.dhcp": False, "network.address": "10.0.0.7"}, ADMIN)
    host = HostService(machine, AddressFile(HERE, bench.disk), settings, lambda: settings.values, lambda: 0)
    await host.begin()
    await host.look()
    assert machine.order == ["10.0.0.6", "10.0.0.7"]


@pytest.mark.req("NET-04")
async def test_new_addresses_wait_for_the_card_and_are_on_trial_when_it_has_taken_its_own() -> None:
    bench = await moved()
    view = bench.host.view()
    assert (bench.address(), view.trial_s) == ("192.168.0.102", None)
    assert view.waiting is not None
    assert view.waiting.address == "10.0.0.7"
    assert bench.wifi().address == "192.168.0.101"
    assert "10.0.0.7/255.255.255.0 with the Wi-Fi card: new settings count after 5 s" in bench.log.events[-1].detail
    await bench.look(2 * TRIAL_US)
    await bench.start()
    assert bench.settings.values["network.address"] == "10.0.0.7", "waiting is no trial that ends"
    await bench.start(power_cycle=True)
    view = bench.host.view()
    assert (bench.address(), view.trial_s, view.waiting) == ("10.0.0.7", TRIAL_US / SECOND, None)
    assert (bench.wifi().address, bench.wifi().pending) == ("10.0.0.6", False)
    bench.host.reached("10.0.0.7")
    await bench.look(2 * TRIAL_US)
    await bench.start(power_cycle=True)
    assert (bench.address(), bench.host.view().trial_s) == ("10.0.0.7", None)


@pytest.mark.req("NET-01", "NET-04")
@pytest.mark.parametrize("how", ["nobody comes", "switched off and on"])
async def test_wrong_addresses_come_back_from_station_and_card(how: str) -> None:
    bench = await moved()
    await bench.start(power_cycle=True)
    assert bench.address() == "10.0.0.7"
    if how == "nobody comes":
        await bench.look(TRIAL_US)
    else:
        await bench.start(power_cycle=True)
    assert bench.address() == "192.168.0.102"
    assert bench.log.events[-1].kind is SecurityKind.NETWORK_RETURNED
    assert (bench.settings.values["network.address"], bench.settings.values["wifi.address"]) == (
        "192.168.0.102",
        "192.168.0.101",
    )
    assert bench.settings.values["wifi.network"] == "home", "the station is in the network that it is in"
    await bench.look()
    assert (bench.wifi().address, bench.wifi().pending) == ("10.0.0.6", True)
    await bench.start(power_cycle=True)
    assert (bench.address(), bench.wifi().address, bench.wifi().pending) == ("192.168.0.102", "192.168.0.101", False)
    assert bench.host.view().trial_s is None


@pytest.mark.req("NET-01", "NET-04")
async def test_with_dhcp_the_cards_own_address_proves_nothing() -> None:
    bench = Bench()
    await bench.start()
    await bench.save({"network.dhcp": False})
    await bench.start()
    bench.host.reached("192.168.0.102")
    await bench.look()
    await bench.save({"network.dhcp": True})
    await bench.start()
    bench.host.reached("192.168.0.101")
    assert bench.host.view().trial_s is not None
    bench.host.reached("192.168.0.55")
    assert bench.host.view().trial_s is None


async def test_another_gateway_alone_that_fails_leaves_the_cards_address() -> None:
    bench = Bench()
    await bench.start()
    await bench.save(FIXED)
    await bench.start()
    assert bench.host.view().trial_s is not None
    await bench.save({"wifi.address": "192.168.0.50"})
    await bench.look(TRIAL_US)
    assert bench.settings.values["network.gateway"] == "0.0.0.0"
    assert bench.settings.values["wifi.address"] == "192.168.0.50"


@pytest.mark.req("NET-04")
async def test_a_card_that_does_not_answer_is_told_and_keeps_nobody_from_a_trial_by_wire() -> None:
    bench = Bench()
    await bench.start()
    bench.house.silent = "its network cable is pulled"
    view = await bench.save({**HOME, "wifi.address": "10.0.0.6"})
    assert (view.problem, view.wifi) == ("its network cable is pulled", None)
    await bench.save({"network.dhcp": False, "network.address": "10.0.0.7"})
    await bench.start()
    assert (bench.address(), bench.host.view().trial_s) == ("10.0.0.7", TRIAL_US / SECOND)
    bench.house.silent = ""
    view = await bench.look(5 * SECOND)
    assert view.problem == ""
    assert bench.wifi().pending


async def test_a_board_without_a_card_has_no_report() -> None:
    machine = SimulatedHost()
    settings = Settings(
        Catalogue(StationFacts("city", "C1")), SettingsStore(HERE, CrashDisk(Random(1))), SecurityMemory()
    )
    host = HostService(machine, AddressFile(HERE, CrashDisk(Random(1))), settings, lambda: settings.values, lambda: 0)
    await host.begin()
    await host.look()
    assert (host.view().wifi, host.problem, machine.card) == (None, "", None)
    assert card_of(settings.values) is None
    with pytest.raises(HostError, match="told nothing"):
        machine.wifi()


@pytest.mark.req("NET-04")
async def test_the_key_stands_nowhere_but_where_it_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench = Bench()
    await bench.start()
    await bench.save(HOME)
    bench.house.silent = "away"
    await bench.look()
    bench.house.silent = ""
    await bench.start(power_cycle=True)
    card = bench.machine.card
    assert card is not None
    assert card.key == KEY
    shown = [repr(card), repr(bench.host.view()), told(bench.wifi()), caplog.text, *map(repr, bench.log.events)]
    assert [each for each in shown if KEY in each] == []
    assert {name for name, data in bench.disk.files.items() if KEY.encode() in data} == {
        HERE / "settings.json",
        HERE / "simulated.json",
    }
    with pytest.raises(Refused) as refused:
        await bench.settings.change({"wifi.key": "geheim"}, ADMIN)
    assert "geheim" not in repr(refused.value.problems)


def test_a_machine_that_only_remembers_takes_settings_when_it_starts_and_knows_no_more() -> None:
    disk = CrashDisk(Random(1))
    first = SimulatedHost(disk, HERE / "h", air=NoAir())
    home, guest = WifiCard("home", "wpa2", KEY, "1.2.3.4"), WifiCard("guest", "open", "", "1.2.3.4")
    first.set_wifi(home)
    first.set_wifi(guest)
    assert first.wifi() == WifiReport("home", "wpa2", "1.2.3.4", True, WifiState.UNKNOWN)
    again = SimulatedHost(disk, HERE / "h", air=NoAir())
    assert again.wifi() == WifiReport("guest", "open", "1.2.3.4", False, WifiState.UNKNOWN)
    kept = json.loads(disk.files[HERE / "h"])
    disk.files[HERE / "h"] = json.dumps({**kept, "card_runs": {"network": "x"}}).encode()
    assert SimulatedHost(disk, HERE / "h").card is None
    again.fails = "read-only"
    with pytest.raises(HostError, match="read-only"):
        again.set_wifi(home)


@pytest.mark.req("NET-04")
def test_what_somebody_has_to_do_is_said_in_words() -> None:
    report = WifiReport("home", "wpa2", "1.2.3.4", False, WifiState.WRONG_KEY)
    assert told(report) == "home: not connected: wrong key"
    assert trouble(report) == "Wi-Fi card: home: not connected: wrong key"
    assert trouble(WifiReport("home", "wpa2", "1.2.3.4", False, WifiState.CONNECTED)) == ""
    assert trouble(None) == ""
    short = WifiReport("", "wpa2", "1.2.3.4", True, WifiState.OFF, 2_300_000)
    assert trouble(short) == (
        "Wi-Fi card: no network is set; new settings count after 5 s without power; the last cut was 2.3 s"
    )


def test_an_open_network_has_no_key_and_neither_has_none() -> None:
    catalogue = Catalogue(FACTS)
    values = catalogue.whole({**HOME, "wifi.security": "open"})
    assert card_of(values) == WifiCard("home", "open", "", "192.168.0.101")
    assert card_of(catalogue.whole({"wifi.key": KEY})) == WifiCard("", "wpa2", "", "192.168.0.101")
    assert card_of(catalogue.whole(HOME)) == WifiCard("home", "wpa2", KEY, "192.168.0.101")
