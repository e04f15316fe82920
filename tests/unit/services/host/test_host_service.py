"""The machine follows the settings; wrong addresses are undone in machine and settings alike."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from evse.core.units import SECOND
from evse.services.host.port import HostError, TimePlan
from evse.services.host.service import NAME, AddressFile, ClockRefused, HostService, values_of
from evse.services.host.simulated import SimulatedHost
from evse.services.host.trial import TRIAL_US
from evse.services.security.events import SecurityKind, SecurityMemory
from evse.services.settings.addresses import addresses_of
from evse.services.settings.kinds import Value
from evse.services.settings.model import OutletFacts, Role, StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Actor, Settings
from evse.services.settings.store import SettingsStore
from tests.fakes.crash_disk import CrashDisk

pytestmark = pytest.mark.anyio
HERE = Path("/d")
ADMIN = Actor("admin", Role.ADMIN, "192.168.0.9")
FACTS = StationFacts("parking", "P1", (OutletFacts(1), OutletFacts(2)))
FIXED: dict[str, Value] = {"network.dhcp": False, "network.address": "10.0.0.7", "network.mask": "255.255.255.0"}
NOON_US = 1_795_780_800 * SECOND


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Bench:
    """A station whose services start again and again on one disk."""

    def __init__(self) -> None:
        self.disk = CrashDisk(Random(1))
        self.now_us = 0
        self.wall_us = NOON_US
        self.log = SecurityMemory()
        self.clock_set = 0
        self.machine = SimulatedHost(real_ns=lambda: (self.wall_us + self.now_us) * 1_000)

    async def start(self) -> HostService:
        self.settings = Settings(Catalogue(FACTS), SettingsStore(HERE, self.disk), self.log)
        at_start = self.settings.values
        self.host = HostService(
            self.machine, AddressFile(HERE, self.disk), self.settings, lambda: at_start, lambda: self.now_us, self._set
        )
        await self.host.begin()
        await self.host.look()
        return self.host

    def _set(self) -> None:
        self.clock_set += 1

    async def later(self, us: int) -> None:
        self.now_us += us
        await self.host.look()

    def address(self) -> str:
        assert self.machine.addresses is not None
        return self.machine.addresses.address

    def kinds(self) -> list[SecurityKind]:
        return [each.kind for each in self.log.events]


async def on_trial() -> Bench:
    """New addresses have been saved, the station was restarted."""
    bench = Bench()
    await bench.start()
    assert bench.address() == "192.168.0.102"
    await bench.settings.change(FIXED, ADMIN)
    await bench.host.look()
    assert bench.address() == "192.168.0.102", "before the restart nothing changes"
    await bench.start()
    assert bench.address() == "10.0.0.7"
    return bench


@pytest.mark.req("NET-01")
async def test_addresses_that_somebody_reaches_stay() -> None:
    bench = await on_trial()
    view = bench.host.view()
    assert view.trial_s == TRIAL_US / SECOND
    assert view.confirmed is not None
    assert view.confirmed.address == "192.168.0.102"
    bench.host.reached("192.168.0.102")
    assert bench.host.view().trial_s is not None, "by the old address nothing is proved"
    bench.host.reached("10.0.0.7")
    await bench.later(2 * TRIAL_US)
    assert (bench.address(), bench.host.view().trial_s) == ("10.0.0.7", None)
    await bench.start()
    await bench.later(2 * TRIAL_US)
    assert bench.address() == "10.0.0.7"
    assert bench.kinds()[-2:] == [SecurityKind.NETWORK_CHANGED] * 2
    assert "10.0.0.7/255.255.255.0 confirmed" in bench.log.events[-1].detail


@pytest.mark.req("NET-01")
async def test_addresses_that_nobody_reaches_go_from_machine_and_settings() -> None:
    bench = await on_trial()
    await bench.later(TRIAL_US - 1)
    assert bench.address() == "10.0.0.7"
    await bench.later(1)
    assert bench.address() == "192.168.0.102"
    assert bench.settings.values["network.address"] == "192.168.0.102"
    assert bench.settings.values["network.dhcp"] is True
    assert bench.kinds()[-1] is SecurityKind.NETWORK_RETURNED
    await bench.start()
    assert (bench.address(), bench.host.view().trial_s) == ("192.168.0.102", None)


@pytest.mark.req("NET-01")
async def test_who_is_locked_out_switches_off_and_on() -> None:
    bench = await on_trial()
    await bench.start()
    assert bench.address() == "192.168.0.102"
    assert bench.settings.values["network.address"] == "192.168.0.102"
    assert bench.kinds()[-1] is SecurityKind.NETWORK_RETURNED
    assert "network.address 10.0.0.7 -> 192.168.0.102" in bench.log.events[-1].detail


@pytest.mark.req("NET-01")
async def test_what_somebody_has_saved_meanwhile_is_not_undone() -> None:
    bench = await on_trial()
    await bench.settings.change({"network.address": "10.0.0.9"}, ADMIN)
    await bench.later(TRIAL_US)
    assert bench.address() == "192.168.0.102"
    assert bench.settings.values["network.address"] == "10.0.0.9"
    await bench.start()
    assert (bench.address(), bench.host.view().trial_s) == ("10.0.0.9", TRIAL_US / SECOND)


async def test_after_a_factory_reset_the_factorys_addresses_need_no_proof() -> None:
    bench = await on_trial()
    bench.host.reached("10.0.0.7")
    await bench.host.look()
    await bench.settings.reset(ADMIN)
    AddressFile(HERE, bench.disk).forget()
    await bench.start()
    assert (bench.address(), bench.host.view().trial_s) == ("192.168.0.102", None)


@pytest.mark.req("NET-02")
async def test_name_and_time_follow_the_settings_at_once() -> None:
    bench = Bench()
    await bench.start()
    assert (bench.machine.name, bench.machine.time) == ("p1", TimePlan("UTC"))
    changes: dict[str, Value] = {"general.name": "Hall A", "time.source": "ntp", "time.zone": "Europe/Paris"}
    await bench.settings.change(changes, ADMIN)
    await bench.host.look()
    assert (bench.machine.name, bench.machine.time) == ("hall-a", TimePlan("Europe/Paris", "pool.ntp.org"))


async def test_what_the_machine_refuses_is_said_and_asked_for_again() -> None:
    bench = Bench()
    bench.machine.fails = "read-only"
    await bench.start()
    assert "read-only" in bench.host.problem
    assert bench.machine.addresses is None
    bench.machine.fails = ""
    await bench.later(60 * SECOND)
    assert bench.host.problem == ""
    assert bench.address() == "192.168.0.102"


async def test_a_disk_that_fails_keeps_the_trial_and_is_said() -> None:
    bench = await on_trial()
    bench.host.reached("10.0.0.7")
    bench.disk.fail_at(*range(bench.disk.operations + 1, bench.disk.operations + 9))
    await bench.host.look()
    assert "cannot be kept" in bench.host.problem
    bench.disk.fail_at()
    await bench.later(60 * SECOND)
    assert bench.host.problem == ""
    await bench.start()
    assert bench.address() == "10.0.0.7"


async def test_damaged_notes_count_as_the_first_start() -> None:
    bench = await on_trial()
    bench.disk.files[HERE / NAME] = b"{"
    await bench.start()
    assert (bench.address(), bench.host.view().trial_s) == ("10.0.0.7", None)


@pytest.mark.req("NET-02")
async def test_the_clock_is_set_by_hand_and_that_is_logged() -> None:
    bench = Bench()
    await bench.start()
    await bench.host.set_clock(NOON_US + 3_600 * SECOND, ADMIN)
    assert bench.host.view().utc_us == NOON_US + 3_600 * SECOND
    event = bench.log.events[-1]
    assert (event.kind, event.actor, event.source) == (SecurityKind.CLOCK_SET, "admin", "192.168.0.9")
    assert event.detail == "2026-11-27T12:00:00Z -> 2026-11-27T13:00:00Z"
    await bench.later(60 * SECOND)
    assert (bench.clock_set, bench.log.events[-1]) == (1, event)


@pytest.mark.req("NET-02")
async def test_the_clock_is_not_set_against_a_time_server_or_to_nonsense() -> None:
    bench = Bench()
    await bench.start()
    for utc_us in (0, -1, 2**62):
        with pytest.raises(ClockRefused, match="2025 to 2099"):
            await bench.host.set_clock(utc_us, ADMIN)
    await bench.settings.change({"time.source": "ntp"}, ADMIN)
    with pytest.raises(ClockRefused, match="time server"):
        await bench.host.set_clock(NOON_US, ADMIN)
    await bench.settings.change({"time.source": "manual"}, ADMIN)
    bench.machine.fails = "no right"
    with pytest.raises(HostError):
        await bench.host.set_clock(NOON_US, ADMIN)
    assert bench.clock_set == 0
    assert SecurityKind.CLOCK_SET not in bench.kinds()


async def test_a_clock_that_somebody_else_set_is_seen() -> None:
    bench = Bench()
    await bench.start()
    bench.wall_us += SECOND
    await bench.later(60 * SECOND)
    assert bench.clock_set == 0
    bench.wall_us -= 3_600 * SECOND
    await bench.later(60 * SECOND)
    assert bench.clock_set == 1
    assert bench.log.events[-1].detail == "2026-11-27T12:02:01Z -> 2026-11-27T11:02:01Z, by the system"


@pytest.mark.parametrize(
    "changed",
    [
        {},
        FIXED,
        {**FIXED, "network.second_outlet_visible": True, "network.address_2": "10.0.0.8"},
        {**FIXED, "network.gateway": "10.0.0.1", "network.dns_1": "9.9.9.9"},
    ],
)
def test_addresses_and_settings_mean_the_same(changed: dict[str, Value]) -> None:
    values = Catalogue(FACTS).whole(changed)
    addresses = addresses_of(values)
    again = Catalogue(FACTS).whole(values_of(addresses, values))
    assert addresses_of(again) == addresses
