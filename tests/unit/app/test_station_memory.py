from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from boards.load import load_profile
from boards.to_core import station_config
from evse.app.station_facts import facts_values, station_facts
from evse.app.station_memory import SECURITY, StationMemory, configured
from evse.core.config import Location
from evse.services.clock import Instant
from evse.services.settings.model import Role
from evse.services.settings.service import Actor

PROFILE = load_profile("parking")
FACTS = station_facts(PROFILE, "S1")
BASE = station_config(PROFILE, "S1")


def memory(data: Path) -> StationMemory:
    return StationMemory(data, facts_values(FACTS), BASE, lambda: Instant("b", 0), lambda: 0)


@pytest.mark.req("CFG-01")
def test_what_is_saved_is_what_the_station_starts_with(tmp_path: Path) -> None:
    assert configured(BASE, FACTS, tmp_path) == BASE
    station = memory(tmp_path)
    assert station.config() == BASE
    asyncio.run(station.settings.change({"general.location": "Outdoor"}, Actor("admin", Role.ADMIN)))
    station.close()
    again = configured(BASE, FACTS, tmp_path)
    assert again == station.config()
    assert (again.location, again.version) == (Location.OUTDOOR, 2)
    assert again.digest != BASE.digest
    assert b"settings-changed" in (tmp_path / SECURITY / "security.log").read_bytes()


def test_a_damaged_configuration_is_told(tmp_path: Path) -> None:
    memory(tmp_path).close()
    (tmp_path / "settings" / "settings.json").write_bytes(b"rubbish")
    station = memory(tmp_path)
    assert "factory values" in station.problem
    station.close()
