from __future__ import annotations

import json
from pathlib import Path

import pytest

from boards.load import load_profile
from evse.app.station.station_facts import facts_from, facts_values, station_facts
from evse.services.settings.addresses import addresses_of
from evse.services.settings.registry import Catalogue


@pytest.mark.parametrize("profile", ["city", "smart-wallbox-key", "thor-c", "parking-t2-te"])
def test_facts_travel_as_json(profile: str) -> None:
    facts = station_facts(load_profile(profile), "S1")
    assert facts_from(json.loads(json.dumps(facts_values(facts)))) == facts


def test_facts_of_a_key_lock_station() -> None:
    facts = station_facts(load_profile("smart-wallbox-key"), "S1")
    assert (facts.family, facts.reader, facts.key_lock) == ("smart-wallbox", False, True)
    assert "key_lock" in facts.outlets[0].lines


@pytest.mark.req("NET-01")
@pytest.mark.parametrize(
    ("base", "addresses"),
    [("parking", ("192.168.0.102", "192.168.0.103")), ("smart-wallbox", ("192.168.0.102", ""))],
)
def test_a_unit_that_came_with_old_firmware_starts_fixed_and_visible(
    base: str, addresses: tuple[str, str], tmp_path: Path
) -> None:
    text = f"schema: 1\nkind: station\nname: old\ninherits: {base}\nquirks: [updated_from_3_1]\n"
    (tmp_path / "old.yaml").write_text(text, encoding="utf-8")
    catalogue = Catalogue(station_facts(load_profile(str(tmp_path / "old.yaml")), "S1"))
    old, new = (addresses_of(each.factory) for each in (catalogue, Catalogue(station_facts(load_profile(base), "S1"))))
    assert (old.dhcp, old.address, old.second) == (False, *addresses)
    assert (new.dhcp, new.address, new.second) == (True, "192.168.0.102", "")
    assert catalogue.ignored == Catalogue(station_facts(load_profile(base), "S1")).ignored
