"""`EVSE Status`: the flags of the EVlink commissioning guide DOCA0060, with the guide's own names."""

from __future__ import annotations

from evse.core.commands import AvailabilitySource
from evse.core.outlet import OutletCore
from evse.core.pilot import VEHICLE_LEVELS
from evse.core.session import NORMAL_MODE_3, SIMPLIFIED_MODE_3
from evse.core.values import PilotLevel


def evse_status(outlet: OutletCore) -> tuple[str, ...]:
    """Return the flags that are set, in the guide's order."""
    vehicle = outlet.pilot.level in VEHICLE_LEVELS
    availability = outlet.procedure.availability
    phases = outlet.phases.phases
    flags = {
        SIMPLIFIED_MODE_3: vehicle and outlet.pilot.arrived_simplified,
        NORMAL_MODE_3: vehicle and not outlet.pilot.arrived_simplified,
        "Ventilation required": outlet.pilot.level is PilotLevel.D,
        "Single-Phase": phases == 1,
        "Three-Phase": phases > 1,
        "Domestic cable detected": outlet.domestic.plugged,
        "VIP badge mode": outlet.procedure.session is not None and outlet.procedure.session.priority,
        "Unavailable_OCPP_Cmd_Received": AvailabilitySource.OCPP.value in availability.unavailable,
        "not_Enough_Energy_To_Start_Charge": "NotEnoughCurrent" in outlet.no_offer
        and outlet.procedure.session is not None,
        "Charge_Postpone": availability.postponed,
        "Maintenance_Plc_Cmd_Received": availability.maintenance,
        "Booked_Plc_Cmd_Received": availability.booking is not None,
        "Suspend_Plc_Cmd_Received": availability.suspended,
        "Unavailable_Plc_Cmd_Received": AvailabilitySource.PLC.value in availability.unavailable,
    }
    return tuple(name for name, is_set in flags.items() if is_set)
