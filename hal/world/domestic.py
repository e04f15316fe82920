"""The domestic socket of an outlet (type E, "TE" in the EVlink guide): a plug switch, a contactor, an appliance.

Specification. There is no pilot and no lock: the plug goes in and out by hand at any time. The plug switch closes when the
plug is home. The contactor behaves like every other (``hal.world.contactor``) and carries one phase, L1. The appliance (a
charging cable with its own control box, or anything else with a plug) draws ``load_ma`` whenever it has voltage; nobody
can ask it for less. It hangs on the same breaker, meter and residual-current detector as the outlet's other socket.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from evse.records import dataclass
from hal.units import NEVER
from hal.world.contactor import Contactor


class PlugSwitchFault(StrEnum):
    """What is wrong with the plug switch."""

    NONE = "none"
    STUCK_OUT = "stuck_out"
    STUCK_IN = "stuck_in"


@dataclass(slots=True)
class DomesticSocket:
    """One domestic socket. ``load_ma``: what the plugged appliance draws; ``overdraw_ma``: on top of it, by a fault."""

    fitted: bool = False
    plugged: bool = False
    load_ma: int = 0
    overdraw_ma: int = 0
    switch_fault: PlugSwitchFault = PlugSwitchFault.NONE
    contactor: Contactor = field(default_factory=Contactor)

    @property
    def due_us(self) -> int:
        """When its contacts next move."""
        return self.contactor.due_us if self.fitted else NEVER

    @property
    def connected(self) -> bool:
        """Whether the appliance is joined to the feed."""
        return self.plugged and self.contactor.closed

    def current_ma(self, voltage_mv: int) -> int:
        """Return the current on L1 with this voltage in front of the contact."""
        return self.load_ma + self.overdraw_ma if self.connected and voltage_mv else 0

    def reports_plug(self) -> bool:
        """Return what the plug switch says."""
        if self.switch_fault is PlugSwitchFault.NONE:
            return self.fitted and self.plugged
        return self.switch_fault is PlugSwitchFault.STUCK_IN

    def drive(self, energised: bool, now_us: int) -> bool:
        """Energise or release the coil; return whether anything changed."""
        return self.fitted and self.contactor.drive(energised, now_us)
