"""The master of a charging network keeps the firmware of its slaves at its own confirmed version.

What to do is decided by :class:`evse.services.firmware.neighbours.UpdatePlan`; here it is done: search, ask, send. Nothing is kept but the
package that is being sent, made anew from the slot that runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evse.app.network.browsing import Browser, Place
from evse.app.network.slave_desk import SWITCHED_OFF
from evse.app.network.slave_problem import SlaveProblem
from evse.app.processes.firmware_boot import FIRMWARE
from evse.app.station.station_firmware import StationFirmware
from evse.core.units import SECOND
from evse.services.firmware.manifest import Manifest, PackageError
from evse.services.firmware.neighbours import LOOK_US, Ask, Rest, Send, SlaveFinding, Standing, UpdatePlan, chosen
from evse.services.news import heard
from evse.services.security.events import SecurityEvent, SecurityKind
from evse.services.settings.charging_network import named_slave, slaves_named, slaves_wanted
from evse.services.settings.service import Settings

if TYPE_CHECKING:
    from evse.app.network.slave_client import SlaveClient

_log = logging.getLogger(__name__)
PACKAGE: Final = "for-slaves.part"
OFFER_US: Final = 5 * SECOND
"""So long the own version is taken for what it was."""
SEARCH_US: Final = 60 * SECOND
"""So long whoever is not found may only be restarting."""
LOOK_S: Final = 1.0
"""Between two looks whether this station is a master now."""


class SlaveUpdate:
    """A ``MasterPort``. ``switched_on``: whether DSW2.5 was on at the start, ``None`` before that is known; ``addresses``: by which the network reaches us.

    ``port``: of the own page, which a slave whose address is set without one has too. ``clock`` is monotonic.
    """

    def __init__(
        self,
        settings: Settings,
        firmware: StationFirmware,
        data: Path,
        switched_on: Callable[[], bool | None],
        addresses: Callable[[], tuple[str, ...]],
        port: int,
        clock: Callable[[], int],
    ) -> None:
        self.problem = ""
        self._settings, self._firmware = settings, firmware
        self._package = data / FIRMWARE / PACKAGE
        self._packed: Manifest | None = None
        self._switched_on, self._addresses, self._port = switched_on, addresses, port
        self._clock = clock
        self._news = asyncio.Event()
        self._browser = Browser(settings.catalogue.facts.family, self._news)
        self._client: SlaveClient | None = None
        self._plan = UpdatePlan()
        self._offer: Manifest | None = None
        self._offer_us = -OFFER_US
        self._before: tuple[str, ...] = ()
        self._found_us = clock()
        self._standings: dict[str, Standing] = {}
        settings.listen(lambda _values, _keys: self._news.set())

    def slaves(self) -> tuple[SlaveFinding, ...]:
        return self._plan.findings()

    async def run(self) -> None:
        """Keep the slaves up to date while this station is their master, for ever."""
        try:
            while True:
                # Whatever disk, network or library say today: the station goes on, and tomorrow the slaves are looked at again.
                try:
                    pause_s = await self.step()
                except Exception as error:
                    self._fail(f"the slaves cannot be updated: {str(error) or type(error).__name__}")
                    pause_s = LOOK_US / SECOND
                await heard(self._news, pause_s)
        finally:
            await self._end()

    async def step(self) -> float:
        """Do one thing; returns for how many seconds there is nothing more to do. Raises ``OSError``."""
        values = self._settings.values
        wanted = slaves_wanted(values)
        switched_on = self._switched_on()
        if not wanted or not switched_on:
            self._fail(SWITCHED_OFF if wanted and switched_on is False else "")
            self._plan.use(self._clock(), (), None)
            await self._end()
            return LOOK_S
        named = {each[0]: each for each in map(named_slave, slaves_named(values)) if each is not None}
        found, unseen = await self._search()
        self._before, problem = chosen(wanted, tuple(named), found, self._before)
        self._found_us = self._found_us if problem else self._clock()
        self._fail(unseen or (problem if self._clock() - self._found_us >= SEARCH_US else ""))
        await self._look_at_offer()
        self._plan.use(self._clock(), self._before, self._offer)
        step = self._plan.next(self._clock())
        if isinstance(step, Rest):
            if not self._plan.busy():
                await self._forget()
            return (min(step.until_us, self._clock() + LOOK_US) - self._clock()) / SECOND
        _, address, port = named.get(step.serial, ("", "", 0))
        place = Place(address, port or self._port) if address else found.get(step.serial)
        await self._do(step, place)
        self._tell()
        return 0.0

    async def _search(self) -> tuple[dict[str, Place], str]:
        """Whom the network shows, and why it shows nobody; a slave whose address is set is reached without."""
        try:
            await self._browser.search(await asyncio.to_thread(self._addresses))
        except OSError as error:
            return {}, str(error)
        return self._browser.found, ""

    async def _do(self, step: Ask | Send, place: Place | None) -> None:
        if place is None:
            self._plan.silent(self._clock(), step.serial, "not found in the network; its address can be set")
            return
        client = self._hands()
        try:
            if isinstance(step, Ask):
                said = await client.ask(place)
                self._plan.answered(self._clock(), step.serial, said)
                return
            await self._make()
            await client.send(place, self._package)
            self._plan.sent(self._clock(), step.serial)
            self._note(step.serial, place, "taken")
        except (SlaveProblem, PackageError) as error:
            if isinstance(step, Ask):
                self._plan.silent(self._clock(), step.serial, str(error))
                return
            wait_us = error.wait_us if isinstance(error, SlaveProblem) else 0
            self._plan.sent(self._clock(), step.serial, str(error), wait_us)
            self._note(step.serial, place, str(error))

    def _hands(self) -> SlaveClient:
        if self._client is None:
            # Loaded only where there are slaves.
            from evse.app.network.slave_client import SlaveClient

            self._client = SlaveClient()
        return self._client

    async def _look_at_offer(self) -> None:
        now_us = self._clock()
        if now_us - self._offer_us >= OFFER_US:
            self._offer, self._offer_us = await self._firmware.confirmed(), now_us

    async def _make(self) -> None:
        if self._packed is None or self._packed != self._offer:
            self._packed = await self._firmware.pack(self._package)

    async def _forget(self) -> None:
        if self._packed is not None:
            self._packed = None
            await asyncio.to_thread(self._package.unlink, missing_ok=True)

    async def _end(self) -> None:
        await self._browser.close()
        await self._forget()
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _note(self, serial: str, place: Place, outcome: str) -> None:
        version = "" if self._packed is None else self._packed.version
        detail = f"{version} to the slave {serial} at {place.address}:{place.port}: {outcome}"
        self._settings.log.record(SecurityEvent(SecurityKind.FIRMWARE_HANDED_ON, detail=detail))

    def _fail(self, problem: str) -> None:
        if problem and problem != self.problem:
            _log.warning("charging network: %s", problem)
        self.problem = problem

    def _tell(self) -> None:
        """Say in the log how slaves stand, when that is something else than before."""
        for each in self._plan.findings():
            if self._standings.get(each.serial) is not each.standing:
                _log.warning("slave %s %s: %s %s", each.serial, each.version, each.standing.value, each.note)
        self._standings = {each.serial: each.standing for each in self._plan.findings()}
