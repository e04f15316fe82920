"""Where the energy comes from: the grid, the outlet's breaker, the front end's 12 V rail.

Specification. The grid has three phase voltages and can be cut. The station's own supply unit hangs on L1 in front of
every breaker: below ``SUPPLY_UNIT_MINIMUM_MV`` it gives nothing, and front ends lose their rail. Each outlet has a
breaker in front of its contactor; voltages are measured between the two, so an open contactor still shows the feed. A
breaker trips only by a verb; a thermal model is not part of this world.
"""

from __future__ import annotations

from typing import Final

from evse.records import dataclass
from hal.units import NEVER

Phases = tuple[int, int, int]
"""One integer for each of L1, L2, L3."""

NO_PHASES: Final[Phases] = (0, 0, 0)
NOMINAL_MV: Final = 230_000
NOMINAL_RAIL_MV: Final = 12_000
SUPPLY_UNIT_MINIMUM_MV: Final = 85_000
RAIL_MINIMUM_MV: Final = 6_000
"""Below this rail a front end does not run and its contactor drops (ours)."""


@dataclass(slots=True)
class Grid:
    """The connection of the station."""

    phase_mv: Phases = (NOMINAL_MV, NOMINAL_MV, NOMINAL_MV)
    house_ma: Phases = NO_PHASES
    """What the house takes beside the station, by conductor of the station; negative while it gives."""
    on: bool = True
    restore_us: int = NEVER
    """When a cut grid comes back by itself."""

    def cut(self, restore_us: int = NEVER) -> None:
        """Lose the grid; it comes back at ``restore_us``, if ever."""
        self.on, self.restore_us = False, restore_us

    def restore(self) -> None:
        """The grid comes back."""
        self.on, self.restore_us = True, NEVER

    def voltages_mv(self) -> Phases:
        """Return the voltages at the station's terminals."""
        return self.phase_mv if self.on else NO_PHASES


@dataclass(slots=True)
class Feed:
    """The supply of one outlet. ``phases``: how many are wired (1 or 3). ``rail_mv``: the rail while it is supplied."""

    phases: int = 3
    grid_mv: Phases = (NOMINAL_MV, NOMINAL_MV, NOMINAL_MV)
    breaker_closed: bool = True
    rail_mv: int = NOMINAL_RAIL_MV
    rail_cut: bool = False
    others_off: bool = False
    """A phase switch takes L2 and L3 away."""

    @property
    def powered(self) -> bool:
        """Whether the front end's rail is good enough to run on."""
        return self.supply_mv() >= RAIL_MINIMUM_MV

    def supply_mv(self) -> int:
        """Return the voltage of the front end's rail."""
        return 0 if self.rail_cut or self.grid_mv[0] < SUPPLY_UNIT_MINIMUM_MV else self.rail_mv

    def voltages_mv(self) -> Phases:
        """Return the voltages between breaker and contactor; 0 on phases that are not wired."""
        if not self.breaker_closed:
            return NO_PHASES
        first, second, third = self.grid_mv
        return (first, second, third) if self.phases == 3 and not self.others_off else (first, 0, 0)
