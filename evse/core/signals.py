"""The outlet's status light.

EVlink guide DOCA0060: off while restarting, green when ready (the vendor's firmware needs about 30 s for it, this one
is green as soon as it is ready), off while key-locked. The other patterns are ours.
"""

from __future__ import annotations

from evse.core.outlet_status import OutletStatus
from evse.core.values import Light

_WAITING = (
    OutletStatus.AUTHORISATION_STARTED,
    OutletStatus.AUTHORISATION_DONE,
    OutletStatus.CONTRACT_STARTED,
    OutletStatus.CONTRACT_DONE,
    OutletStatus.PLUG_STARTED,
    OutletStatus.PLUG_DONE,
    OutletStatus.UNPLUG_STARTED,
)


def light_for(status: OutletStatus, *, fault: bool, charging: bool, key_locked: bool = False) -> Light:
    """Return the pattern for an outlet: the key rules, then a blocking fault, then the procedure."""
    if key_locked or status is OutletStatus.NOT_INITIALIZED:
        return Light.OFF
    if fault:
        return Light.RED
    if status in (OutletStatus.UNAVAILABLE, OutletStatus.MAINTENANCE_CITY):
        return Light.RED_BLINK
    if status is OutletStatus.CHARGE_LOOP_STARTED:
        return Light.BLUE if charging else Light.BLUE_BLINK
    return Light.GREEN_BLINK if status in _WAITING else Light.GREEN
