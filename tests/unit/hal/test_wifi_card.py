"""The Wi-Fi card in the world: what it hears, when it is powered up, and its verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hal.units import SECOND
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld
from hal.world.verbs import VerbError, apply, loggable, verbs_of
from hal.world.wifi import AccessPoint, Join, WifiCard

KEY = "charge-at-home"
HOME = ("home", "wpa2", KEY)


def station(*, card: bool = True) -> StationWorld:
    world = StationWorld([OutletSetup()])
    world.wifi = WifiCard(0) if card else None
    return world


def card_of(world: StationWorld) -> WifiCard:
    assert world.wifi is not None
    return world.wifi


def heard(world: StationWorld, verb: str, params: Mapping[str, Any] | None = None) -> Join:
    """What a card with the settings ``HOME`` hears after the verb."""
    apply(world, verb, params or {}, 0)
    return card_of(world).join(*HOME)


@pytest.mark.req("NET-04")
def test_the_access_point_takes_who_has_name_security_and_key() -> None:
    world = station()
    assert card_of(world).join(*HOME) is Join.NO_ACCESS_POINT
    assert heard(world, "set_access_point") is Join.CONNECTED
    assert heard(world, "set_access_point", {"key": "another-key"}) is Join.WRONG_KEY
    assert heard(world, "set_access_point", {"security": "wpa3"}) is Join.OTHER_SECURITY
    assert heard(world, "set_access_point", {"security": "open"}) is Join.OTHER_SECURITY
    assert card_of(world).join("home", "open", "") is Join.CONNECTED
    assert heard(world, "set_access_point", {"network": "next door"}) is Join.NO_ACCESS_POINT
    assert heard(world, "set_access_point") is Join.CONNECTED
    assert heard(world, "refuse_wifi") is Join.REFUSED
    assert heard(world, "refuse_wifi", {"heal": True}) is Join.CONNECTED
    assert heard(world, "remove_access_point") is Join.NO_ACCESS_POINT
    with pytest.raises(VerbError, match="impossible now: there is no access point"):
        apply(world, "remove_access_point", {}, 0)
    with pytest.raises(VerbError, match=r"set_access_point\.key: a text of 3 characters; allowed: text of 8 to 63"):
        apply(world, "set_access_point", {"key": "abc"}, 0)


@pytest.mark.req("NET-04")
def test_the_card_is_powered_up_after_five_seconds_and_not_after_less() -> None:
    world = station()
    card = card_of(world)
    apply(world, "cut_power", {}, 10 * SECOND)
    apply(world, "restore_power", {}, 15 * SECOND - 1)
    assert (card.started_us, card.short_off_us) == (0, 5 * SECOND - 1)
    apply(world, "cut_power", {"duration": 5}, 20 * SECOND)
    world.step(25 * SECOND)
    assert (card.started_us, card.short_off_us) == (25 * SECOND, 0)
    apply(world, "brown_out", {"voltage": 80}, 30 * SECOND)
    apply(world, "brown_out", {"voltage": 60}, 32 * SECOND)
    apply(world, "brown_out", {"heal": True}, 35 * SECOND)
    assert card.started_us == 35 * SECOND, "below 85 V on L1 the station's supply gives nothing"
    apply(world, "brown_out", {"voltage": 100}, 40 * SECOND)
    apply(world, "brown_out", {"heal": True}, 50 * SECOND)
    assert (card.started_us, card.short_off_us) == (35 * SECOND, 0)


@pytest.mark.req("NET-04")
def test_only_a_station_with_a_card_has_its_verbs() -> None:
    names = {"set_access_point", "remove_access_point", "refuse_wifi", "unplug_wifi_card"}
    assert names <= {verb.name for verb in verbs_of(station())}
    without = station(card=False)
    assert not names & {verb.name for verb in verbs_of(without)}
    for name in names:
        with pytest.raises(VerbError, match="impossible now: the station has no Wi-Fi card"):
            apply(without, name, {}, 0)


def test_its_cable_can_be_pulled() -> None:
    world = station()
    apply(world, "unplug_wifi_card", {}, 0)
    assert card_of(world).silent == "its network cable is pulled"
    apply(world, "unplug_wifi_card", {"heal": True}, 0)
    assert card_of(world).silent == ""
    apply(world, "brown_out", {"voltage": 80}, 0)
    assert card_of(world).silent == "it has no supply"


@pytest.mark.req("NET-04")
def test_no_key_is_shown() -> None:
    assert KEY not in repr(AccessPoint(*HOME))
    shown = loggable("set_access_point", {"network": "home", "key": KEY})
    assert shown == {"network": "home", "key": "********"}
    assert loggable("plug_in", {"outlet": 1}) == {"outlet": 1}
    assert loggable("kill_control", {}) == {}
