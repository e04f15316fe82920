"""A web application with settings and accounts on a disk in memory, and clients that are logged in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import httpx

from evse.services.accounts.keeper import AccountKeeper
from evse.services.accounts.service import AccountService
from evse.services.host.service import AddressFile, HostService, HostView
from evse.services.host.simulated import SimulatedHost
from evse.services.security.events import SecurityKind, SecurityMemory
from evse.services.settings.model import OutletFacts, StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Actor, Settings
from evse.services.settings.store import SettingsStore
from evse.web.app import create_app
from evse.web.firmware_port import FirmwarePort
from evse.web.neighbour_port import MasterPort
from evse.web.ports import Extras, ReportPort
from evse.web.security_log_port import SecurityLogPort
from tests.fakes.crash_disk import CrashDisk
from tests.fakes.web_fake import FakeRecords, FakeStation, FakeWorld, station_view

HERE = Path("/d")
COST = 4
"""Of the hashes; a station's is 15."""
ADMIN, USER = "Admin-pass-1", "User-pass-22"
FACTS = StationFacts("parking", "P1", (OutletFacts(1, lines=("in_1",)), OutletFacts(2, lines=("in_1",))))


class FakeControl:
    """Notes what it is asked for. ``problem`` is raised by a reset."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.problem: OSError | None = None

    async def restart(self, account: str, source: str) -> None:
        self.done.append(f"restart by {account}")

    async def factory_reset(self, account: str, source: str, *, keep_badges: bool) -> None:
        if self.problem is not None:
            raise self.problem
        self.done.append(f"reset by {account}, badges {'kept' if keep_badges else 'gone'}")


class BenchHost:
    """A ``HostPort`` on a machine that remembers; the page listens at no address."""

    def __init__(
        self, settings: Settings, disk: CrashDisk, clock: Callable[[], int], machine: SimulatedHost | None = None
    ) -> None:
        at_start = settings.values
        self.machine = machine or SimulatedHost()
        self.service = HostService(self.machine, AddressFile(HERE, disk), settings, lambda: at_start, clock)

    def view(self) -> HostView:
        return self.service.view()

    def announced(self) -> str:
        return "Hall A"

    def description(self) -> str:
        return "<root/>"

    def names(self) -> tuple[str, ...]:
        return ("hall-a.local",)

    def reached(self, at: str) -> None:
        self.service.reached(at)

    async def set_clock(self, utc_us: int, who: Actor) -> None:
        await self.service.set_clock(utc_us, who)


class SettingsBench:
    """``on_hardware``: without a simulated world, so that everything needs a login."""

    def __init__(
        self,
        *,
        on_hardware: bool = False,
        firmware: FirmwarePort | None = None,
        master: MasterPort | None = None,
        security: Callable[[], SecurityLogPort] | None = None,
        facts: StationFacts = FACTS,
        report: ReportPort | None = None,
    ) -> None:
        self.disk = CrashDisk(Random(1))
        self.log = SecurityMemory()
        self.now_us = 0
        self.settings = Settings(Catalogue(facts), SettingsStore(HERE, self.disk), self.log)
        self.keeper = AccountKeeper(HERE, self.disk, "P1", COST, recovery=facts.family == "thor")
        self.accounts = AccountService(self.keeper, self.log, lambda: self.now_us, cost_log2=COST)
        self.control = FakeControl()
        self.host = BenchHost(self.settings, self.disk, lambda: self.now_us)
        self.station = FakeStation(station_view())
        self.app = create_app(
            self.station,
            None if on_hardware else FakeWorld(),
            FakeRecords(),
            interval_s=0,
            extras=Extras(
                accounts=self.accounts,
                settings=self.settings,
                control=self.control,
                firmware=firmware,
                master=master,
                host=self.host,
                security=None if security is None else security(),
                report=report,
            ),
        )

    @property
    def secret(self) -> str:
        """What is on the label."""
        assert self.keeper.label is not None
        return self.keeper.label.password

    def restart_host(self) -> None:
        """As after a restart: settings that need one are in force."""
        self.host.service = BenchHost(self.settings, self.disk, lambda: self.now_us, self.host.machine).service

    def fail_next(self) -> None:
        """Let the disk refuse its next operation."""
        self.disk.fail_at(self.disk.operations + 1)

    def kinds(self) -> list[SecurityKind]:
        """What the security log has."""
        return [event.kind for event in self.log.events]

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        """A browser on our own page, with cookies of its own."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://127.0.0.1:8080",
            headers={"X-EVSE-Request": "1", "Origin": "http://127.0.0.1:8080"} if headers is None else headers,
        )

    async def admin(self) -> httpx.AsyncClient:
        """A client logged in as admin, the first password changed."""
        async with self.client() as client:
            if not self.accounts.accounts.admin.must_change:
                await self.login(client, "admin", ADMIN)
            else:
                await self.login(client, "admin", self.secret)
                await self._change(client, self.secret, ADMIN)
            return self._again(client)

    async def user(self) -> httpx.AsyncClient:
        """A client logged in as user, the password its own."""
        first = "First-pass-3"
        async with self.client() as client:
            if self.accounts.accounts.user.enabled:
                await self.login(client, "user", USER)
                return self._again(client)
            async with await self.admin() as admin:
                given = await admin.post("/api/accounts/user", json={"new": first, "confirm": first})
                assert given.status_code == 200
            await self.login(client, "user", first)
            await self._change(client, first, USER)
            return self._again(client)

    def _again(self, client: httpx.AsyncClient) -> httpx.AsyncClient:
        again = self.client()
        again.cookies = client.cookies
        return again

    async def _change(self, client: httpx.AsyncClient, old: str, new: str) -> None:
        body = {"old": old, "new": new, "confirm": new}
        assert (await client.post("/api/accounts/password", json=body)).status_code == 200

    async def login(self, client: httpx.AsyncClient, name: str, password: str) -> dict[str, Any]:
        """Log in; what the station answers."""
        response = await client.post("/api/login", json={"name": name, "password": password})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer
