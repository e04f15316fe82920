"""What services know of the house connection, for the page and REST."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel

from evse.core.units import PhaseValues


class HouseView(BaseModel):
    """The house connection and its meter, now. Phase values are by conductor of the supply (L1, L2, L3)."""

    meter: str
    """Name of the meter's register map."""
    in_force: bool
    """Whether its readings rule; else the fallback does."""
    problem: str
    """Why they do not, in words; empty while they do."""
    house_ma: PhaseValues | None
    """What the house takes without the station, negative while it gives; absent while nobody knows."""
    allowed_ma: PhaseValues | None
    """What the station was last told that it may draw; absent before the first word."""
    maximum_ma: int
    """What the connection carries on each phase."""
    maximum_power_mw: int
    """What it carries in all; 0: the current alone counts."""
    fallback_ma: int
    """What the station may draw on each phase while the meter is lost; 0 ends the charge."""


class HousePort(Protocol):
    """Whoever watches the house connection."""

    def house(self) -> HouseView | None:
        """How it is at this moment; ``None`` while monitoring is off."""
        ...
