"""Supervision of a station in virtual time: the real charge point, a central system, and a line between them that can break."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

from evse.app.virtual.supervision_verbs import request_of
from evse.core.units import MS
from evse.links.ocpp.central import Central
from evse.links.ocpp.charge_point import ChargePoint
from evse.links.ocpp.settings import StationIdentity, SupervisionSettings
from evse.links.ocpp.supervision import OcppSupervision
from evse.sim.scheduler import Scheduler
from hal.world.verb_spec import Checked

DELAY_US: Final = 40 * MS
"""A text takes this long each way."""


class VirtualSupervision:
    """A central system and the way to it; they outlive the station's power cuts. It is a ``TextLink``.

    ``restart`` is called when the central system has reset the station.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        settings: SupervisionSettings,
        identity: StationIdentity,
        utc_us: int,
        stream: random.Random,
        restart: Callable[[str], None],
    ) -> None:
        self.central = Central(utc_us)
        self.settings = settings
        self.reachable = True
        self._scheduler = scheduler
        self._identity = identity
        self._random = stream
        self._restart = restart
        self._back_end: OcppSupervision | None = None
        self._life = 0
        """Counts connections and lives of the services: what belongs to an earlier one is lost."""
        self._open = False

    def begin(self, now_us: int, wake: Callable[[], None]) -> OcppSupervision:
        """Services begin: a new charge point for them."""
        self.end()
        self._life += 1
        point = ChargePoint(self.settings, self._identity, f"v{self._life}", self._random.random)
        self._back_end = OcppSupervision(point, self, restart=self._restart, wake=wake)
        point.switch(now_us, on=True)
        return self._back_end

    def end(self) -> None:
        """Services have ended, and with them the connection."""
        self._life += 1
        self._back_end, self._open = None, False

    # --- TextLink -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect after a moment, when the network is there."""
        self._later(self._opened)

    def _opened(self, now_us: int) -> None:
        back_end = self._back_end
        if back_end is None:
            return
        self._open = self.reachable
        if self._open:
            back_end.opened(now_us)
        else:
            back_end.closed(now_us)

    def close(self) -> None:
        """Close the connection."""
        self._scheduler.at(self._scheduler.now_us, self._closed)

    def _closed(self, now_us: int) -> None:
        if self._back_end is not None and self._open:
            self._life += 1
            self._open = False
            self._back_end.closed(now_us)

    def send(self, text: str) -> None:
        """Carry a text to the central system, and its answer back."""

        def arrived(now_us: int) -> None:
            answer = self.central.receive(now_us, text)
            if answer is not None:
                self._carry(answer)

        if self._open:
            self._later(arrived)

    def ping_every(self, seconds: float) -> None:
        """Nothing to do: this line is never dead without saying so."""

    def _carry(self, text: str) -> None:
        def arrived(now_us: int) -> None:
            if self._back_end is not None:
                self._back_end.received(now_us, text)

        self._later(arrived)

    def _later(self, act: Callable[[int], None]) -> None:
        life = self._life
        self._scheduler.at(
            self._scheduler.now_us + DELAY_US, lambda now_us: act(now_us) if life == self._life else None
        )

    # --- verbs --------------------------------------------------------------------------------------------------

    def apply(self, name: str, params: Mapping[str, Checked]) -> None:
        """Do what a verb says. Raises ValueError when it is impossible now."""
        match name:
            case "network_down":
                self.reachable = False
                self.close()
            case "network_up":
                self.reachable = True
            case "csms_silent" | "csms_answers":
                self.central.silent = name == "csms_silent"
            case "csms_refuses":
                self.central.refused.add(str(params["uid"]))
            case "csms_accepts":
                self.central.refused.discard(str(params["uid"]))
            case _:
                request = request_of(self.central, name, params)
                if request is None or not self._open:
                    raise ValueError(f"{name}: the station is not connected to its central system")
                self._carry(self.central.call(*request))
