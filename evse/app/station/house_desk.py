"""The house connection of a running station, whether somebody watches it or not: follows the settings.

Monitoring that is switched off takes its limit back. Control keeps a limit through restarts, and a word of a watcher that is
gone would rule for ever; so this is also done at the start, once control has told its limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from evse.core.commands import Command, SetLimit
from evse.core.limit_sources import HOUSE_METER
from evse.core.units import SECOND
from evse.exchange.snapshot import StationView
from evse.services.house_word import knows_house
from evse.web.ports import NotConnected, Outcome

if TYPE_CHECKING:
    from boards.compiled import HouseMeter
    from evse.app.station.house_watch import HouseWatch
    from evse.web.house_port import HouseView

Post = Callable[[Command], Coroutine[Any, Any, Outcome]]
LOOK_S: Final = 1.0
COMMAND_LIFE_US: Final = 10 * SECOND


class HouseDesk:
    """``view`` gives the latest Snapshot, ``post`` hands a command to control, ``clock`` is monotonic (microseconds).

    A ``HousePort``. To be used inside a running event loop.
    """

    def __init__(
        self, view: Callable[[], StationView | None], post: Post, clock: Callable[[], int], look_s: float = LOOK_S
    ) -> None:
        """``look_s``: how often a limit that is to be withdrawn is looked for."""
        self._view = view
        self._post = post
        self._clock = clock
        self._look_s = look_s
        self._house: HouseMeter | None = None
        self._watch: HouseWatch | None = None
        self._task: asyncio.Task[None] | None = None

    def use(self, house: HouseMeter | None) -> None:
        """Watch this house connection from now on, or none. What has not changed goes on."""
        if self._task is not None and house == self._house:
            return
        before = self._task
        self.close()
        self._house = house
        if house is None:
            self._task = asyncio.create_task(self._withdraw(), name="house limit")
            return
        # The Modbus library is loaded only where there is a house meter.
        from evse.app.station.house_watch import HouseWatch

        self._watch = HouseWatch(house, self._view, self._say, self._clock)
        self._task = asyncio.create_task(_run(self._watch, before), name="house meter")

    def house(self) -> HouseView | None:
        """How the house connection is; ``None`` while nobody watches it."""
        return None if self._watch is None else self._watch.house()

    def close(self) -> None:
        """Stop; what was said last holds as long as it said."""
        task, self._task, self._watch = self._task, None, None
        if task is not None:
            task.cancel()

    async def _say(self, command: Command) -> Outcome | None:
        try:
            return await self._post(command)
        except NotConnected:
            # It is said again as soon as control is back.
            return None

    async def _withdraw(self) -> None:
        sent, life = 0, self._clock()
        while True:
            view = self._view()
            if view is not None and view.restored:
                if not knows_house(view):
                    return
                sent += 1
                until_us = self._clock() + COMMAND_LIFE_US
                outcome = await self._say(
                    SetLimit(
                        f"house-off-{life}-{sent}", outlet=0, expires_us=until_us, source=HOUSE_METER, active=False
                    )
                )
                if outcome is not None and outcome.outcome == "done":
                    return
            await asyncio.sleep(self._look_s)


async def _run(watch: HouseWatch, before: asyncio.Task[None] | None) -> None:
    """Watch until cancelled, once whoever watched before has let the line go."""
    if before is not None:
        await asyncio.wait((before,))
    await watch.run()
