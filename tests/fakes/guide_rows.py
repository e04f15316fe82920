"""Rows of the guide's energy tables: settings as they are entered, and the configuration that follows.

EVlink commissioning guide DOCA0060, chapter 4: advanced settings, socket-outlets, meters.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from boards.load import Profile, load_profile
from boards.to_core import station_config
from evse.app.station.station_facts import station_facts
from evse.core.config import StationConfig
from evse.core.configure import refusal
from evse.services.settings.registry import Catalogue
from evse.services.settings.to_station import effective_config
from evse.services.settings.validate import check_change

BOTH = ("city", "parking")
ALL = (*BOTH, "smart-wallbox")
OPERATING = ((0, 1, 0), (0, 3, 0), (7, 1, 0), (8, 1, 8), (13, 3, 0), (14, 3, 14), (31, 1, 31), (31, 3, 31))
"""Set point in amperes, phases, what it operates as: both ends of the range, and both sides of the rule's edges."""


@cache
def profile(name: str) -> Profile:
    return load_profile(name)


@cache
def board(name: str) -> tuple[StationConfig, Catalogue]:
    loaded = profile(name)
    return station_config(loaded, "S1"), Catalogue(station_facts(loaded, "S1"))


def effective(name: str, wanted: dict[str, Any], version: int = 2) -> StationConfig:
    """What ``wanted`` makes of the factory settings. Raises Refused; fails when the station would not take it."""
    base, catalogue = board(name)
    values = check_change(catalogue, catalogue.factory, wanted, None).values
    config = effective_config(base, catalogue.facts, values, catalogue.factory, version)
    assert refusal(base, config) == "", "what the settings accept the station takes"
    return config
