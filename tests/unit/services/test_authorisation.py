from __future__ import annotations

import pytest

from evse.core.commands import Verdict
from evse.core.units import SECOND
from evse.services.authorisation import (
    AuthenticationLocation,
    Authoriser,
    Decision,
    Strategy,
)
from evse.services.badges.badge import Badge, BadgeType, mask_uid, normal_uid

BADGES = (
    Badge("04:a1:b2:c3", BadgeType.USER, "Anna"),
    Badge("04A1B2C3D4E5F6", BadgeType.VIP),
    Badge("DEADBEEF", BadgeType.ADMIN, "Service"),
)
ACCEPTED = Decision(Verdict.ACCEPTED)
UNKNOWN = Decision(Verdict.REFUSED, "KO_BadgeUnknown")
NOT_CURRENT = Decision(Verdict.REFUSED, "KO_BadgeIsNotTheCurrentUser")


def test_the_factory_setting_allows_all() -> None:
    factory = Authoriser()
    assert (factory.location, factory.strategy) == (AuthenticationLocation.CHARGING_STATION, Strategy.ALLOW_ALL)
    assert factory.timeout_us == 10 * SECOND
    assert factory.decide("01020304", "start") == ACCEPTED


@pytest.mark.parametrize(
    ("uid", "allow_all", "reject_unknown", "disabled"),
    [
        ("04A1B2C3", ACCEPTED, ACCEPTED, ACCEPTED),
        ("04a1b2c3", ACCEPTED, ACCEPTED, ACCEPTED),
        ("04A1B2C3D4E5F6", ACCEPTED, ACCEPTED, ACCEPTED),
        ("DEADBEEF", UNKNOWN, UNKNOWN, UNKNOWN),
        ("01020304", ACCEPTED, UNKNOWN, ACCEPTED),
        ("", UNKNOWN, UNKNOWN, ACCEPTED),
        ("not a card", UNKNOWN, UNKNOWN, ACCEPTED),
    ],
)
def test_who_may_start(uid: str, allow_all: Decision, reject_unknown: Decision, disabled: Decision) -> None:
    assert Authoriser(badges=BADGES).decide(uid, "start") == allow_all
    assert Authoriser(strategy=Strategy.REJECT_UNKNOWN, badges=BADGES).decide(uid, "start") == reject_unknown
    assert Authoriser(AuthenticationLocation.DISABLED, badges=BADGES).decide(uid, "start") == disabled


@pytest.mark.parametrize("strategy", Strategy)
def test_only_an_admin_stops_the_charge_of_another(strategy: Strategy) -> None:
    authoriser = Authoriser(strategy=strategy, badges=BADGES)
    assert authoriser.decide("DEADBEEF", "stop") == Decision(Verdict.ACCEPTED, may_stop_any=True)
    for uid in ("04A1B2C3", "04A1B2C3D4E5F6", "01020304", ""):
        assert authoriser.decide(uid, "stop") == NOT_CURRENT


def test_comments_belong_to_badges() -> None:
    authoriser = Authoriser(badges=BADGES)
    assert (authoriser.comment("04a1b2c3"), authoriser.comment("01020304")) == ("Anna", "")


@pytest.mark.parametrize("uid", ["", "04A1B2", "04A1B2C3D", "04A1B2C3D4", "GGGGGGGG", "04A1B2C3" * 3])
def test_what_is_no_uid_is_no_badge(uid: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        Badge(uid)


def test_settings_out_of_range_are_refused() -> None:
    assert len(Badge("04A1B2C3", comment="x" * 50).comment) == 50
    with pytest.raises(ValueError, match="at most 50"):
        Badge("04A1B2C3", comment="x" * 51)
    with pytest.raises(ValueError, match="printable"):
        Badge("04A1B2C3", comment="a\nb")
    with pytest.raises(ValueError, match=r"\*\*\*\*B2C3 is in the list twice"):
        Authoriser(badges=(Badge("04A1B2C3"), Badge("04-a1-b2-c3")))
    assert Authoriser(timeout_us=999 * SECOND).timeout_us == 999 * SECOND
    with pytest.raises(ValueError, match="999"):
        Authoriser(timeout_us=1000 * SECOND)


def test_uids_are_masked() -> None:
    assert normal_uid("04 a1:b2-c3") == "04A1B2C3"
    assert (mask_uid("04A1B2C3"), mask_uid("04A1B2C3D4E5F6")) == ("****B2C3", "**********E5F6")
    assert (mask_uid("0A1B"), mask_uid("")) == ("****", "")
