"""The charging cable: its coding resistor and which of its ends is plugged in.

Specification. A mode 3 cable tells its rating by a resistor between proximity and protective earth in the plug of the
station's end (IEC 61851-1 Annex B, Table B.2: 13 A 1500 Ohm, 20 A 680 Ohm, 32 A 220 Ohm, 63 A 100 Ohm). The station
measures it only while that end is plugged in. An attached cable (case C) has no proximity circuit and its station end
is always plugged in.
"""

from __future__ import annotations

from typing import Final

from evse.records import dataclass

CODING_OHM: Final = {13: 1_500, 20: 680, 32: 220, 63: 100}
"""Rating in ampere to coding resistor in ohm (IEC 61851-1 Table B.2)."""


@dataclass(slots=True)
class Cable:
    """One cable at one outlet. ``fault_ohm`` stands for the coding resistor while ``faulty``; ``None`` = open."""

    attached: bool = False
    rating_a: int = 32
    at_station: bool = False
    at_vehicle: bool = False
    faulty: bool = False
    fault_ohm: int | None = None

    def __post_init__(self) -> None:
        if self.attached:
            self.at_station = True

    @property
    def connected(self) -> bool:
        """Whether station and vehicle are joined."""
        return self.at_station and self.at_vehicle

    def proximity_ohm(self) -> int | None:
        """Return what the station measures between proximity and protective earth; ``None`` = open circuit."""
        if self.attached or not self.at_station:
            return None
        return self.fault_ohm if self.faulty else CODING_OHM[self.rating_a]
