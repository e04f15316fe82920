"""The host of a running station: brings the machine to what the settings say, and keeps it there.

Name and time keeping follow the settings at once. Addresses follow them from the next start on and are then on trial
(``trial``): when nobody who is logged in reaches the station by them in time, the machine gets the old ones back, and so do
the settings. What the machine refuses is said in ``problem`` and asked for again every minute.

A station with a Wi-Fi card is reached through it. While the card has not taken its new settings, new addresses of the station
wait with it for the power cycle, so that both change together and the trial begins when somebody can reach them.

On one event loop; the machine and the disk are waited for elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from evse.core.units import SECOND
from evse.records import dataclass
from evse.services.disk import Disk
from evse.services.host.port import Host, HostError, TimePlan, host_name_of, time_plan_of
from evse.services.host.trial import AddressState, at_start, later, reached, state_bytes, state_of
from evse.services.host.wifi import POWER_CYCLE, WifiReport
from evse.services.host.wifi_desk import LOOK_S as WIFI_LOOK_S
from evse.services.host.wifi_desk import WifiDesk
from evse.services.news import heard
from evse.services.security.events import SecurityEvent, SecurityKind
from evse.services.settings.addresses import NO_ADDRESS, Addresses, addresses_of, neighbour
from evse.services.settings.kinds import Value
from evse.services.settings.model import Values
from evse.services.settings.problems import Refused
from evse.services.settings.service import STATION, Actor, Settings

NAME: Final = "host.json"
LOOK_S: Final = 60.0
STEP_US: Final = 2 * SECOND
"""A wall clock that moved so far against the monotonic one was set."""
EARLIEST_UTC_US: Final = 1_735_689_600 * SECOND
"""1 January 2025: no clock is set to before this program was written."""
LATEST_UTC_US: Final = 4_102_444_800 * SECOND
"""1 January 2100."""
_log = logging.getLogger(__name__)


class ClockRefused(Exception):
    """The clock is not set; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class HostView:
    """How the machine is set. ``addresses`` in force, ``None`` on boards without network settings; ``trial_s``: seconds until
    the addresses before come back, ``None`` without a trial; ``waiting``: addresses that wait for the Wi-Fi card's power
    cycle; ``wifi``: what the card says, ``None`` without one; ``utc_us``: what its clock shows; ``problem``: what it refuses.
    """

    name: str
    time: TimePlan
    addresses: Addresses | None
    confirmed: Addresses | None
    trial_s: float | None
    utc_us: int
    problem: str
    waiting: Addresses | None = None
    wifi: WifiReport | None = None


class AddressFile:
    """The addresses that are known to work, and those on trial, in one file. Calls wait for the disk and raise OSError."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._path = directory / NAME
        self._disk = disk

    def read(self) -> AddressState | None:
        """What is kept; ``None`` when there is nothing that can be used."""
        data = self._disk.read(self._path)
        if data is None:
            return None
        try:
            return state_of(data)
        except ValueError as error:
            _log.warning("%s: %s; the present ones count as known to work", self._path, error)
            return None

    def save(self, state: AddressState) -> None:
        """Keep the state."""
        self._disk.make_directory(self._path.parent)
        self._disk.replace(self._path, state_bytes(state))

    def forget(self) -> None:
        """After a factory reset the factory's addresses count as known to work."""
        self._disk.remove(self._path)


class HostService:
    """See the module. ``in_force``: every value, of settings that need a restart the one from the start; ``clock`` is
    monotonic; ``clock_set`` is called when the wall clock was set.
    """

    def __init__(
        self,
        host: Host,
        file: AddressFile,
        settings: Settings,
        in_force: Callable[[], Values],
        clock: Callable[[], int],
        clock_set: Callable[[], None] = lambda: None,
    ) -> None:
        self.host = host
        self.problem = ""
        self._file = file
        self._settings = settings
        self._in_force = in_force
        self._clock = clock
        self._clock_set = clock_set
        self._state: AddressState | None = None
        self._saved: AddressState | None = None
        self._waiting: Addresses | None = None
        self._wifi = WifiDesk(host, settings)
        self._done: dict[str, object] = {}
        self._news = asyncio.Event()
        self._difference_us = host.utc_ns() // 1_000 - clock()
        settings.listen(lambda _values, _keys: self._news.set())

    async def run(self) -> None:
        """Keep the machine as it should be, for ever."""
        await self.begin()
        while True:
            await self.look()
            now_us, state = self._clock(), self._state
            wait_s = WIFI_LOOK_S if self._wifi.fitted else LOOK_S
            if state is not None and state.tried is not None:
                wait_s = min(wait_s, max(state.until_us - now_us, 0) / SECOND)
            await heard(self._news, max(wait_s, 0.01))

    async def begin(self) -> None:
        """Find out at a start which addresses count."""
        if "network.address" not in self._settings.values:
            return
        try:
            kept = await asyncio.to_thread(self._file.read)
        except OSError as error:
            self._tell_problem(f"the kept addresses cannot be read: {error.strerror or error}")
            kept = None
        wanted = addresses_of(self._in_force())
        # What the card works by is known only when it was asked.
        await self._wifi.look()
        self._state = at_start(kept, wanted, self._clock())
        if kept is not None and self._state.in_force != wanted:
            await self._returned(wanted, "a start in the middle of their trial")
        elif self._state.tried is not None and self._wifi.report is not None and self._wifi.report.pending:
            self._waiting, self._state = wanted, AddressState(self._state.confirmed)
            self._note(SecurityKind.NETWORK_CHANGED, f"{_told(wanted)} with the Wi-Fi card: {POWER_CYCLE}")
        elif self._state.tried is not None:
            self._note(SecurityKind.NETWORK_CHANGED, f"{_told(self._state.in_force)} on trial")

    async def look(self) -> None:
        """Do what is due: end a trial, bring the machine up to date, see whether its clock was set."""
        self._look_at_the_clock()
        state = self._state
        if state is not None:
            self._state = later(state, self._clock())
            if state.tried is not None and self._state.tried is None:
                await self._returned(state.tried, "nobody reached the station by them")
        # The card's address is changed before the station's.
        wifi = await self._wifi.look()
        problems = [wifi, await self._save(), await self._addresses(), *await self._name_and_time()]
        self._tell_problem("; ".join(filter(None, problems)))

    def reached(self, at: str) -> None:
        """Somebody who is logged in has reached the station's own address ``at``."""
        before = self._state
        if before is None or before.tried is None or at == self._settings.values.get("wifi.address"):
            # The card's own address says nothing of the station's.
            return
        self._state = reached(before, at)
        if self._state.tried is None:
            self._note(SecurityKind.NETWORK_CHANGED, f"{_told(self._state.confirmed)} confirmed")
            self._news.set()

    async def set_clock(self, utc_us: int, who: Actor) -> None:
        """Set the wall clock. Raises ``ClockRefused``, and ``HostError`` when the machine refuses."""
        if self._settings.values.get("time.source") == "ntp":
            raise ClockRefused("a time server keeps the clock: set the time settings to manual first")
        if not EARLIEST_UTC_US <= utc_us < LATEST_UTC_US:
            raise ClockRefused("the clock is set to 2025 to 2099")
        before_us = self.host.utc_ns() // 1_000
        await asyncio.to_thread(self.host.set_clock, utc_us)
        self._difference_us = self.host.utc_ns() // 1_000 - self._clock()
        self._note(SecurityKind.CLOCK_SET, f"{_utc(before_us)} -> {_utc(utc_us)}", who)
        self._clock_set()

    def view(self) -> HostView:
        """How the machine is set."""
        values, state = self._settings.values, self._state
        trial_s = None
        if state is not None and state.tried is not None:
            trial_s = max(state.until_us - self._clock(), 0) / SECOND
        return HostView(
            name=host_name_of(self._name()),
            time=time_plan_of(values),
            addresses=None if state is None else state.in_force,
            confirmed=None if state is None else state.confirmed,
            trial_s=trial_s,
            utc_us=self.host.utc_ns() // 1_000,
            problem=self.problem,
            waiting=self._waiting,
            wifi=self._wifi.report,
        )

    def _name(self) -> str:
        return str(self._settings.values["general.name"]) or self._settings.catalogue.facts.serial

    async def _save(self) -> str:
        state = self._state
        if state is None or state == self._saved:
            return ""
        try:
            await asyncio.to_thread(self._file.save, state)
        except OSError as error:
            return f"the addresses cannot be kept: {error.strerror or error}"
        self._saved = state
        return ""

    async def _addresses(self) -> str:
        if self._state is None:
            return ""
        addresses = self._state.in_force
        return await self._ask("addresses", addresses, lambda: self.host.set_addresses(addresses))

    async def _name_and_time(self) -> tuple[str, str]:
        name, plan = host_name_of(self._name()), time_plan_of(self._settings.values)
        return (
            await self._ask("name", name, lambda: self.host.set_name(name)),
            await self._ask("time", plan, lambda: self.host.set_time(plan)),
        )

    async def _ask(self, what: str, value: object, action: Callable[[], None]) -> str:
        """Ask the machine for something that it has not been brought to yet; what it says against it."""
        if self._done.get(what) == value:
            return ""
        try:
            await asyncio.to_thread(action)
        except HostError as error:
            return str(error)
        self._done[what] = value
        return ""

    async def _returned(self, failed: Addresses, why: str) -> None:
        """The addresses before are in force again; the settings say so too, unless somebody has changed them since."""
        assert self._state is not None  # noqa: S101  # called only with a state
        back = self._state.confirmed
        if addresses_of(self._settings.values) != failed:
            self._note(SecurityKind.NETWORK_RETURNED, f"{_told(failed)} -> {_told(back)}: {why}")
            return
        wanted = values_of(back, self._settings.values)
        if back.address != failed.address and "wifi.address" in self._settings.values:
            # The card's address went before the station's and comes back with it.
            wanted["wifi.address"] = neighbour(back.address, -1)
        try:
            await self._settings.change(wanted, STATION, kind=SecurityKind.NETWORK_RETURNED)
        except (Refused, OSError) as error:
            self._note(
                SecurityKind.NETWORK_RETURNED, f"{_told(failed)} -> {_told(back)}: {why}; settings kept: {error}"
            )

    def _look_at_the_clock(self) -> None:
        difference_us = self.host.utc_ns() // 1_000 - self._clock()
        moved_us, self._difference_us = difference_us - self._difference_us, difference_us
        if abs(moved_us) >= STEP_US:
            now_us = self.host.utc_ns() // 1_000
            self._note(SecurityKind.CLOCK_SET, f"{_utc(now_us - moved_us)} -> {_utc(now_us)}, by the system")
            self._clock_set()

    def _note(self, kind: SecurityKind, detail: str, who: Actor = STATION) -> None:
        self._settings.log.record(SecurityEvent(kind, who.name, who.source, detail))

    def _tell_problem(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            _log.warning("host: %s", problem or "everything is set again")


def values_of(addresses: Addresses, present: Values) -> dict[str, Value]:
    """The settings that come to ``addresses``; only those that the board has (``present``)."""
    dns = (*addresses.dns, NO_ADDRESS, NO_ADDRESS)
    values: dict[str, Value] = {
        "network.dhcp": addresses.dhcp,
        "network.second_outlet_visible": bool(addresses.second),
        "network.address": addresses.address,
        "network.mask": addresses.mask,
        "network.gateway": addresses.gateway or NO_ADDRESS,
        "network.dns_1": dns[0],
        "network.dns_2": dns[1],
    }
    if addresses.second:
        values["network.address_2"] = addresses.second
    return {key: value for key, value in values.items() if key in present}


def _told(addresses: Addresses) -> str:
    parts = ["DHCP"] if addresses.dhcp else []
    parts += [f"{addresses.address}/{addresses.mask}", *([addresses.second] if addresses.second else [])]
    return " ".join(parts)


def _utc(utc_us: int) -> str:
    try:
        return datetime.fromtimestamp(utc_us // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "?"
