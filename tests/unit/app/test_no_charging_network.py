"""A station that cannot be in a charging network leaves nothing running and says nothing."""

from __future__ import annotations

import asyncio
import gc
import warnings
from pathlib import Path

from boards.load import load_profile
from evse.app.network.charging_network import ChargingNetwork
from evse.app.station.station_facts import station_facts
from evse.app.station.station_firmware import StationFirmware
from evse.services.security.events import SecurityMemory
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Settings
from evse.services.settings.store import SettingsStore
from tests.fakes.firmware_bench import FirmwareBench


def test_it_ends_at_once_and_without_a_warning(tmp_path: Path) -> None:
    facts = station_facts(load_profile("parking"), "N1")
    settings = Settings(Catalogue(facts), SettingsStore(tmp_path, FirmwareBench().disk), SecurityMemory())
    firmware = StationFirmware(FirmwareBench().service, tmp_path, lambda: True, lambda: 0)
    made = ChargingNetwork(
        settings, firmware, tmp_path, lambda: None, lambda: 0, "127.0.0.1", 8061, simulated=True
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(asyncio.wait_for(made.run(), 5))
        gc.collect()
    assert [str(each.message) for each in told] == []
