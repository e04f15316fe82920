"""Who is in a charging network: settings of its master (THØR/KEBA P30 configuration manual 120501, 3.4.3, 4.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.load import load_profile
from evse.app.station.station_facts import station_facts
from evse.services.settings.charging_network import (
    MODE,
    SERIALS,
    SLAVES,
    is_master,
    named_slave,
    slaves_named,
    slaves_wanted,
)
from evse.services.settings.kinds import Value
from evse.services.settings.model import Role, Values
from evse.services.settings.problems import Refused
from evse.services.settings.registry import Catalogue
from evse.services.settings.validate import check_change

CATALOGUE = Catalogue(station_facts(load_profile("thor"), "M1"))


def changed(wanted: dict[str, Value]) -> Values:
    return check_change(CATALOGUE, CATALOGUE.factory, wanted, Role.ADMIN).values


@pytest.mark.req("THN-02")
def test_a_master_names_its_slaves_or_counts_them() -> None:
    factory = CATALOGUE.factory
    assert (is_master(factory), slaves_wanted(factory), slaves_named(factory)) == (False, 0, ())
    counted = changed({MODE: "master", SLAVES: 15})
    assert (is_master(counted), slaves_wanted(counted), slaves_named(counted)) == (True, 15, ())
    named = changed({MODE: "master", SLAVES: 2, SERIALS[0]: "S1", SERIALS[1]: "S2@192.168.0.9:8061"})
    assert slaves_named(named) == ("S1", "S2@192.168.0.9:8061")


@pytest.mark.req("THN-02")
@pytest.mark.parametrize(
    ("wanted", "key", "why"),
    [
        ({SLAVES: 16}, SLAVES, "0…15"),
        ({SLAVES: -1}, SLAVES, "0…15"),
        ({SLAVES: 1, SERIALS[1]: "S2"}, SERIALS[1], "there are 1 slaves only"),
        ({SLAVES: 2, SERIALS[0]: "S1", SERIALS[1]: "S1@10.0.0.1"}, SERIALS[1], f"the same as {SERIALS[0]}"),
        ({SLAVES: 1, SERIALS[0]: "M1"}, SERIALS[0], "this station itself"),
        ({SLAVES: 1, SERIALS[0]: "S 1"}, SERIALS[0], "a serial number"),
        ({SLAVES: 1, SERIALS[0]: "S1@hall"}, SERIALS[0], "SERIAL@a.b.c.d:port"),
        ({SLAVES: 1, SERIALS[0]: "S1@10.0.0.1:0"}, SERIALS[0], "SERIAL@a.b.c.d:port"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_what_would(wanted: dict[str, Value], key: str, why: str) -> None:
    with pytest.raises(Refused) as caught:
        changed({MODE: "master", **wanted})
    (problem,) = caught.value.problems
    assert problem.key == key
    assert why in problem.text()


def test_a_station_that_stands_alone_may_keep_what_it_had() -> None:
    assert slaves_named(changed({SLAVES: 0, SERIALS[0]: "S1", SERIALS[1]: "S1"})) == ()


@pytest.mark.req("THN-02")
@pytest.mark.parametrize("profile", ["thor-c", "parking", "city", "smart-wallbox"])
def test_a_board_that_cannot_be_a_master_has_none_of_it(profile: str) -> None:
    keys = [entry.key for entry in Catalogue(station_facts(load_profile(profile), "S1"))]
    assert not [key for key in keys if key.startswith("charging_network.")]


@given(st.text(max_size=40) | st.from_regex(r"[A-Z0-9]{1,6}@[0-9.]{1,15}(:[0-9]{1,6})?", fullmatch=True))
def test_a_named_slave_is_always_usable(text: str) -> None:
    named = named_slave(text)
    if named is not None:
        serial, address, port = named
        assert serial
        assert 0 <= port <= 65_535
        assert text == serial + f"@{address}" * bool(address) + text[len(serial) + bool(address) + len(address) :]
        assert address or not port
