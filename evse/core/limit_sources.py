"""Names of limits: those that the station makes itself, and those of sources that ``SetLimit`` brings.

Any other name may bring a limit as well (a plant's controller, a test). Only the names here mean something to the core.
"""

from __future__ import annotations

from typing import Final

HOUSE_METER: Final = "house meter"
"""Domestic connection monitoring: what the house leaves (THØR/KEBA P30 configuration manual 120501, section 5.5)."""
MODBUS: Final = "modbus"
"""A building's control system over Modbus."""
UDP: Final = "udp"
"""The UDP interface of a THØR."""
OCPP: Final = "ocpp"
"""The composite schedule of the central system's charging profiles."""
MASTER: Final = "master"
"""The master of a charging network (Multi-Charger Manager guide 2026.1)."""
SCHEDULE: Final = "schedule"
"""The station's own timetable."""

EXTERNAL_SYSTEMS: Final = (MODBUS, OCPP)
"""Those that the setting `Controlled by external system` keeps out (EVlink guide DOCA0060)."""
PLUG_IN_SOURCES: Final = (HOUSE_METER, MODBUS, UDP, OCPP, MASTER, SCHEDULE)
