"""The decision on one card, for every setting."""

from __future__ import annotations

import pytest

from evse.core.commands import Verdict
from evse.core.units import SECOND
from evse.services.authorisation import (
    Decision,
    Known,
    Location,
    LossStrategy,
    Policy,
    Strategy,
    decide,
    in_silence,
)
from evse.services.badges.badge import Badge, BadgeType, mask_uid, normal_uid

USER, VIP, ADMIN = (Badge("04A1B2C3", kind) for kind in BadgeType)
ACCEPTED = Decision(Verdict.ACCEPTED)
UNKNOWN = Decision(Verdict.REFUSED, "KO_BadgeUnknown")
NOT_CURRENT = Decision(Verdict.REFUSED, "KO_BadgeIsNotTheCurrentUser")
ASKED = Decision(Verdict.PROVISIONAL, ask=True)
UID = "04A1B2C3"

LOCAL = Policy()
STRICT = Policy(strategy=Strategy.REJECT_UNKNOWN)
FREE = Policy(Location.DISABLED)
REMOTE = Policy(Location.REMOTE)
SUPERVISED = Policy(Location.SUPERVISION, supervised=True)
CAREFUL = Policy(Location.SUPERVISION, supervised=True, on_loss=LossStrategy.REJECT_ALL)
OWN_LIST = Policy(Location.CHARGING_STATION, supervised=True)


@pytest.mark.req("AUT-01")
def test_the_factory_setting_allows_all() -> None:
    assert (LOCAL.location, LOCAL.strategy) == (Location.CHARGING_STATION, Strategy.ALLOW_ALL)
    assert (LOCAL.on_loss, LOCAL.timeout_us) == (LossStrategy.ALLOW_ALL, 10 * SECOND)
    assert decide(LOCAL, "01020304", "start", Known()) == ACCEPTED


@pytest.mark.req("AUT-01", "AUT-02")
@pytest.mark.parametrize(
    ("policy", "user", "vip", "admin", "unknown", "no_card"),
    [
        (LOCAL, ACCEPTED, ACCEPTED, UNKNOWN, ACCEPTED, UNKNOWN),
        (STRICT, ACCEPTED, ACCEPTED, UNKNOWN, UNKNOWN, UNKNOWN),
        (FREE, ACCEPTED, ACCEPTED, UNKNOWN, ACCEPTED, ACCEPTED),
        (REMOTE, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
        (OWN_LIST, ACCEPTED, ACCEPTED, UNKNOWN, UNKNOWN, UNKNOWN),
        (SUPERVISED, ASKED, ASKED, UNKNOWN, ASKED, UNKNOWN),
        (CAREFUL, ASKED, ASKED, UNKNOWN, ASKED, UNKNOWN),
    ],
)
def test_who_may_start(
    policy: Policy, user: Decision, vip: Decision, admin: Decision, unknown: Decision, no_card: Decision
) -> None:
    for badge, expected in ((USER, user), (VIP, vip), (ADMIN, admin), (None, unknown)):
        assert decide(policy, UID, "start", Known(badge, reachable=True)) == expected
    for text in ("", "not a card", "04A1B2"):
        assert decide(policy, text, "start", Known(reachable=True)) == no_card


@pytest.mark.req("AUT-01", "AUT-06")
@pytest.mark.parametrize(
    ("policy", "cached", "uncached"),
    [(SUPERVISED, ACCEPTED, ACCEPTED), (CAREFUL, ACCEPTED, UNKNOWN)],
)
def test_without_the_supervision_the_loss_strategy_decides(
    policy: Policy, cached: Decision, uncached: Decision
) -> None:
    for known, expected in ((Known(cached=True), cached), (Known(), uncached)):
        assert decide(policy, UID, "start", known) == expected
        assert in_silence(policy, UID, "start", known) == expected
    assert in_silence(policy, "not a card", "start", Known()) == UNKNOWN
    hasty = Policy(Location.SUPERVISION, supervised=True, on_loss=policy.on_loss, timeout_us=0)
    assert decide(hasty, UID, "start", Known(reachable=True)) == uncached


@pytest.mark.req("AUT-02")
def test_vip_is_priority_in_a_cluster_and_else_nothing() -> None:
    cluster = Policy(cluster=True)
    assert decide(cluster, UID, "start", Known(VIP)) == Decision(Verdict.ACCEPTED, priority=True)
    assert decide(cluster, UID, "start", Known(USER)) == ACCEPTED
    assert decide(LOCAL, UID, "start", Known(VIP)) == ACCEPTED


@pytest.mark.req("AUT-05")
@pytest.mark.parametrize("policy", [LOCAL, STRICT, FREE, SUPERVISED, OWN_LIST])
def test_an_outlet_kept_for_somebody_refuses_everybody_else_and_asks_nobody(policy: Policy) -> None:
    kept = Known(USER, reachable=True, booked_for="0BADCAFE")
    assert decide(policy, UID, "start", kept) == Decision(Verdict.REFUSED, "KO_BadgeIsNotTheBooker")
    assert decide(policy, "0BADCAFE", "start", Known(USER, reachable=True, booked_for="0BADCAFE")).reason == ""


@pytest.mark.req("AUT-02", "AUT-05")
@pytest.mark.parametrize("policy", [LOCAL, STRICT, FREE, REMOTE, SUPERVISED, OWN_LIST])
def test_only_an_admin_stops_the_charge_of_another(policy: Policy) -> None:
    assert decide(policy, UID, "stop", Known(ADMIN)) == Decision(Verdict.ACCEPTED, may_stop_any=True)
    for badge in (USER, VIP, None):
        assert decide(policy, UID, "stop", Known(badge, reachable=True, cached=True)) == NOT_CURRENT
        assert in_silence(policy, UID, "stop", Known(badge, cached=True)) == NOT_CURRENT


def test_the_supervision_is_asked_about_a_stop_only_when_the_charge_belongs_to_a_group() -> None:
    grouped = Known(reachable=True, group_known=True)
    asked = Decision(Verdict.REFUSED, "KO_BadgeIsNotTheCurrentUser", ask=True)
    assert decide(SUPERVISED, UID, "stop", grouped) == asked
    assert decide(LOCAL, UID, "stop", grouped) == NOT_CURRENT
    assert decide(SUPERVISED, UID, "stop", Known(group_known=True)) == NOT_CURRENT


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
    assert Policy(timeout_us=999 * SECOND).timeout_us == 999 * SECOND
    with pytest.raises(ValueError, match="999"):
        Policy(timeout_us=1000 * SECOND)
    with pytest.raises(ValueError, match="needs a supervised station"):
        Policy(Location.SUPERVISION)
    with pytest.raises(ValueError, match="without supervision"):
        Policy(Location.REMOTE, supervised=True)


def test_uids_are_masked() -> None:
    assert normal_uid("04 a1:b2-c3") == "04A1B2C3"
    assert (mask_uid("04A1B2C3"), mask_uid("04A1B2C3D4E5F6")) == ("****B2C3", "**********E5F6")
    assert (mask_uid("0A1B"), mask_uid("")) == ("****", "")


@pytest.mark.req("AUT-07", "INP-03")
def test_after_all_cards_were_erased_only_taught_ones_charge() -> None:
    assert decide(LOCAL, UID, "start", Known(erased=True)) == UNKNOWN, "whatever the strategy says of unknown cards"
    assert decide(LOCAL, UID, "start", Known(USER, erased=True)) == ACCEPTED
    assert decide(FREE, UID, "start", Known(erased=True)) == ACCEPTED, "nobody is asked there"
    assert decide(SUPERVISED, UID, "start", Known(reachable=True, erased=True)) == ASKED, "its cards are not kept here"
