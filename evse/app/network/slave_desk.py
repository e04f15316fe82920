"""A slave of a charging network for its master: says how its firmware stands, takes newer packages.

Only a station with DSW2.5 on takes part (*THØR/KEBA P30 configuration manual 120501*, 3.2). Why no login stands before it,
and what stands there instead: docs/firmware.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from evse.app.station.station_firmware import StationFirmware
from evse.core.units import SECOND
from evse.services.firmware.head import Incoming
from evse.services.firmware.manifest import Manifest
from evse.services.firmware.neighbours import Told, told
from evse.services.firmware.service import FirmwareState
from evse.services.firmware.turnstile import Outcome, Turnstile
from evse.services.settings.service import Actor
from evse.web.neighbour_port import Alone

HEAD_LIMIT_S: Final = 10.0
"""A package whose head has not arrived by then is given up: nobody keeps others out with nothing in his hands."""
TRANSFER_LIMIT_S: Final = 900.0
"""One whose rest takes longer than this too."""
NETWORK: Final = "charging network"
"""Who brings a package, in the security log; the address stands beside it."""
SWITCHED_OFF: Final = "communication is off: switch DSW2.5 on and restart the station"
UNREAD: Final = "the position of DSW2.5 is not known yet"
STATE_US: Final = SECOND
"""So long a look at the firmware's state serves everybody who asks: asking costs no login."""


class SlaveDesk:
    """A ``SlavePort``. ``switched_on``: whether DSW2.5 was on at the start, ``None`` before that is known; ``plugged``: whether a vehicle is plugged in."""

    def __init__(
        self,
        serial: str,
        product: str,
        firmware: StationFirmware,
        switched_on: Callable[[], bool | None],
        plugged: Callable[[], bool],
        clock: Callable[[], int],
    ) -> None:
        self._serial, self._product = serial, product
        self._firmware = firmware
        self._switched_on = switched_on
        self._plugged = plugged
        self._clock = clock
        self._turnstile = Turnstile()
        self._state: FirmwareState | None = None
        self._state_us = 0

    async def about(self) -> Told:
        self._check_on()
        if self._state is None or self._clock() - self._state_us >= STATE_US:
            self._state, self._state_us = await self._firmware.state(), self._clock()
        return told(self._serial, self._product, self._state, self._plugged())

    async def take(self, pieces: AsyncIterator[bytes], source: str) -> Manifest:
        self._check_on()
        self._turnstile.enter(source, self._clock())
        limit = asyncio.timeout(HEAD_LIMIT_S)
        clock = asyncio.get_running_loop().time
        incoming = Incoming(pieces, lambda: limit.reschedule(clock() + TRANSFER_LIMIT_S))
        taken = False
        try:
            async with limit:
                who = Actor(NETWORK, None, source)
                manifest = await self._firmware.bring(incoming, who)
                await self._firmware.install(who)
            taken = True
            return manifest
        finally:
            kept = Outcome.BROKEN if incoming.manifest is not None else Outcome.REFUSED
            self._state = None
            self._turnstile.leave(self._clock(), Outcome.TAKEN if taken else kept)

    def _check_on(self) -> None:
        switched_on = self._switched_on()
        if not switched_on:
            raise Alone(UNREAD if switched_on is None else SWITCHED_OFF)
