"""The station's world: the grid and every outlet, stepped together.

Specification. ``StationWorld`` is one stepped component: ``step(now_us)`` runs all outlets and returns the earliest next
change. Give it the scheduler's waker, so that orders from twins and verbs between two steps bring the next step forward.
Outlets are numbered from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hal.scheduling import Waker
from hal.units import NEVER
from hal.world.attachments import MeterSwitch
from hal.world.outlet import OutletSetup, OutletWorld
from hal.world.supply import SUPPLY_UNIT_MINIMUM_MV, Grid
from hal.world.truth import OutletTruth
from hal.world.wifi import WifiCard


class StationWorld:
    """The physical truth of one station."""

    def __init__(self, outlets: Sequence[OutletSetup], now_us: int = 0) -> None:
        if not outlets:
            raise ValueError("a station has at least one outlet")
        self.grid = Grid()
        self.house_meter: MeterSwitch | None = None
        """The meter of the house connection, where there is one."""
        self.board_cable_in_second_port = True
        """Where the cable between the boards of two outlets is: in the second Ethernet port from the left on both, or not."""
        self.wifi: WifiCard | None = None
        """The station's Wi-Fi card, where there is one."""
        self._request_wake: Callable[[int], None] = lambda at_us: None
        self.outlets = tuple(OutletWorld(setup, now_us=now_us) for setup in outlets)

    def outlet(self, number: int) -> OutletWorld:
        """Return outlet ``number`` (from 1). Raises IndexError when there is none."""
        if not 1 <= number <= len(self.outlets):
            raise IndexError(f"no outlet {number}, only 1 to {len(self.outlets)}")
        return self.outlets[number - 1]

    def use_waker(self, waker: Waker) -> None:
        """Have ``waker`` step this world whenever something becomes due outside of a step."""

        def request(at_us: int) -> None:
            waker.wake(self, at_us)

        self._request_wake = request
        for outlet in self.outlets:
            outlet.call_for_steps(request)

    def on_change(self, listener: Callable[[int], None]) -> None:
        """Call ``listener(now_us)`` whenever anything in the world changes, at any outlet."""
        for outlet in self.outlets:
            outlet.on_change(listener)

    def step(self, now_us: int) -> int:
        """Run every outlet up to ``now_us``; return when the next change comes."""
        self.advance(now_us)
        # Asked afterwards: a listener at one outlet may have given orders to another.
        return min(self.grid.restore_us, *(outlet.due_us() for outlet in self.outlets))

    def advance(self, now_us: int) -> None:
        """Run every outlet up to ``now_us``."""
        if now_us >= self.grid.restore_us:
            self.grid.restore()
            self.set_grid(now_us)
        for outlet in self.outlets:
            outlet.advance(now_us)

    def set_grid(self, now_us: int) -> None:
        """Bring the grid's present voltages to every outlet."""
        for outlet in self.outlets:
            outlet.set_grid(self.grid.voltages_mv(), now_us)
        if self.wifi is not None:
            self.wifi.supply(self.grid.voltages_mv()[0] >= SUPPLY_UNIT_MINIMUM_MV, now_us)
        if self.grid.restore_us < NEVER:
            self._request_wake(self.grid.restore_us)

    def truths(self) -> tuple[OutletTruth, ...]:
        """Return what is true at each outlet, in order of their numbers."""
        return tuple(outlet.truth() for outlet in self.outlets)
