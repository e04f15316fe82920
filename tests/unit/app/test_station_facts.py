from __future__ import annotations

import json

import pytest

from boards.load import load_profile
from evse.app.station.station_facts import facts_from, facts_values, station_facts


@pytest.mark.parametrize("profile", ["city", "smart-wallbox-key", "thor-c", "parking-t2-te"])
def test_facts_travel_as_json(profile: str) -> None:
    facts = station_facts(load_profile(profile), "S1")
    assert facts_from(json.loads(json.dumps(facts_values(facts)))) == facts


def test_facts_of_a_key_lock_station() -> None:
    facts = station_facts(load_profile("smart-wallbox-key"), "S1")
    assert (facts.family, facts.reader, facts.key_lock) == ("smart-wallbox", False, True)
    assert "key_lock" in facts.outlets[0].lines
