"""The control cycle: ports, step, ports. The same object runs in virtual time and in the real control process.

Each run polls the drivers, looks whether anything is new, and only then steps the core: on a new reading, a card, a
command, a deadline of the core, or when a lease must be renewed. An exception anywhere in a step leaves the leases to
expire: it is not caught here.

A lease is renewed only while the result of a step that was completed in this same cycle is applied; no timer does it. The
step takes over the last result of an outlet of which nothing is new (equal inputs, no command, before its next deadline),
because computing it again would give the same. What bounds such a result is the age of the readings: ``hold_until`` gets
it, and the driver refuses above 300 ms. Hence the last renewal comes at most 300 ms after the front end's last STATE.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from boards.board import Board, OutletBoard
from evse.control.actuate import OutletActuator
from evse.control.translate import OutletSensor
from evse.control.view import StationViews
from evse.core.commands import Command
from evse.core.config import StationConfig
from evse.core.duty import STEADY_POSITIVE_BP
from evse.core.events import RestartRequested
from evse.core.station import StationCore
from evse.core.values import CardSeen
from evse.exchange.port import ControlEnd
from evse.exchange.snapshot import LatencyView, StationView
from hal.ports import PilotDriveMode
from hal.scheduling import RenewalPart
from hal.units import NEVER, SECOND

COUNT_EVERY_US: Final = 1 * SECOND
"""How often the lines' counters are brought up to date in the Snapshot."""

LEAVING: Final = 2
"""Code sent with OPEN: the control process ends."""


class ControlCycle:
    """Control of one station; a ``Stepped`` component."""

    def __init__(
        self,
        board: Board,
        config: StationConfig,
        boot_id: str,
        exchange: ControlEnd,
        start_us: int,
    ) -> None:
        self._board = board
        self._config = config
        self._exchange = exchange
        self.core = StationCore(config, boot_id, start_us)
        self._sensors = tuple(OutletSensor(outlet) for outlet in board.outlets)
        self._actuators = tuple(
            OutletActuator(outlet, config) for outlet, config in zip(board.outlets, config.outlets, strict=True)
        )
        self._core_wake_us = start_us
        self._now_us = start_us
        self.latency = LatencyView()
        self.core_steps = 0
        self._views = StationViews(self.core)
        self.restart_wanted = False
        """The station asks for a restart (service button): whoever runs this cycle leaves it and starts a new one."""
        self._view: StationView | None = None
        self._view_of = (0, 0)
        self._counted_us = -NEVER

    def step(self, now_us: int) -> int:
        """Run one cycle; return when the next one is due at the latest."""
        self._now_us = now_us
        poll_us = min([_poll(outlet, now_us) for outlet in self._board.outlets])
        changed = False
        for sensor in self._sensors:
            changed = sensor.read() or changed
        cards = self._take_cards()
        commands = self._exchange.take_commands(now_us)
        due = now_us >= self._core_wake_us or now_us >= self._renew_us()
        if changed or cards or commands or due:
            # Drivers that were given orders have new wishes.
            for outlet in self._step_core(now_us, cards, commands):
                poll_us = min(poll_us, _poll(outlet, now_us))
        return min(poll_us, self._core_wake_us, self._renew_us())

    def _step_core(self, now_us: int, cards: list[CardSeen], commands: Sequence[Command]) -> list[OutletBoard]:
        """Step the core and carry out what it says; return the outlets whose drivers were given orders."""
        inputs = [sensor.inputs for sensor in self._sensors]
        result = self.core.step(now_us, inputs, cards, commands)
        ordered = []
        if self.core.config is not self._config:
            self._follow_config(now_us)
        for outlet, actuator, outputs in zip(self._board.outlets, self._actuators, result.outputs, strict=True):
            if actuator.apply(now_us, outputs):
                ordered.append(outlet)
        self.core_steps += 1
        self._core_wake_us = result.wake_us
        if result.events:
            self.restart_wanted |= any(isinstance(event, RestartRequested) for event in result.events)
            self._exchange.report(result.events, now_us)
        self._exchange.offer_view(self.view, now_us)
        return ordered

    def _follow_config(self, now_us: int) -> None:
        """Another configuration is active: what of it drivers have to know."""
        self._config = self.core.config
        for outlet, config in zip(self._board.outlets, self._config.outlets, strict=True):
            if outlet.meter is not None:
                outlet.meter.ask(config.meter_unit, now_us)

    def _take_cards(self) -> list[CardSeen]:
        return [
            CardSeen(outlet.number, card.uid)
            for outlet in self._board.outlets
            if outlet.reader is not None
            for card in outlet.reader.take_cards()
        ]

    def _renew_us(self) -> int:
        return min([actuator.renew_us for actuator in self._actuators], default=NEVER)

    def leave(self, now_us: int) -> None:
        """The process ends: withdraw every permission, tell the vehicles by X1, report the end of every session."""
        for outlet in self._board.outlets:
            outlet.contactor.open(LEAVING, now_us)
            outlet.pilot.drive_pilot(PilotDriveMode.X1, STEADY_POSITIVE_BP, now_us)
            for driver in outlet.polled:
                driver.poll(now_us)
        events = self.core.conclude(now_us)
        if events:
            self._exchange.report(events, now_us)

    def view(self) -> StationView:
        """Return the Snapshot as of the last cycle."""
        return self.view_at(self._now_us)

    def view_at(self, now_us: int) -> StationView:
        """Return the Snapshot with the energy carried on to ``now_us``."""
        of = (now_us, self.core_steps)
        if self._view is None or self._view_of != of:
            if now_us >= self._counted_us + COUNT_EVERY_US:
                self._counted_us = now_us
                for sensor in self._sensors:
                    sensor.count()
            devices = [sensor.device for sensor in self._sensors]
            self._view, self._view_of = self._views.at(now_us, self.latency, devices), of
        return self._view

    def drivers_by_outlet(self) -> tuple[tuple[RenewalPart, ...], ...]:
        """The drivers of each outlet in the order of its wires (front end, reader), as parts of renewal loops."""
        return tuple(
            tuple(driver for driver in outlet.polled if isinstance(driver, RenewalPart))
            for outlet in self._board.outlets
        )

    def essential_wake_us(self) -> int:
        """Earliest wish of control's own: core's deadlines, permissions that were withheld below, drivers without renewals."""
        meters = [outlet.meter.wish_us() for outlet in self._board.outlets if outlet.meter is not None]
        return min(self._core_wake_us, *(actuator.essential_wake_us for actuator in self._actuators), *meters)


def _poll(outlet: OutletBoard, now_us: int) -> int:
    """Run the drivers of an outlet; return when they want to be run again at the latest."""
    return min([driver.poll(now_us) for driver in outlet.polled], default=NEVER)
