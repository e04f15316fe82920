"""The badge list's rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.services.badges.badge import BADGE_LIMIT, COMMENT_LIMIT, Badge, BadgeType
from evse.services.badges.badge_image import BadgeImage
from evse.services.badges.badge_list import BadgeList, BadgeRefused, BadgeUnknown, writes_between

ANNA, BERT, CHIEF = "04A1B2C3", "04A1B2C3D4E5F6", "04A1B2C3D4E5F6A7B8C9"
LIST = BadgeList((Badge(ANNA), Badge(BERT, BadgeType.VIP, "Bert"), Badge(CHIEF, BadgeType.ADMIN)))


@pytest.mark.req("AUT-02", "AUT-03")
def test_a_new_badge_is_a_user_with_the_next_number() -> None:
    assert [badge.number for badge in LIST] == [1, 2, 3]
    longer = LIST.removed((BERT,)).added(Badge("0badcafe", number=1))
    assert longer.badges[-1] == Badge("0BADCAFE", BadgeType.USER, "", 4)
    assert [badge.number for badge in longer] == [1, 3, 4]


def test_an_identifier_is_in_the_list_once() -> None:
    with pytest.raises(BadgeRefused, match=r"\*\*\*\*B2C3 is in the list already"):
        LIST.added(Badge("04:a1:b2:c3"))
    with pytest.raises(BadgeRefused, match="in the list twice"):
        BadgeList((Badge(ANNA), Badge(ANNA)))
    with pytest.raises(BadgeRefused, match="number 1 is in the list twice"):
        BadgeList((Badge(ANNA, number=1), Badge(BERT, number=1)))


@pytest.mark.req("AUT-04")
def test_the_list_is_bounded() -> None:
    full = BadgeList(tuple(Badge(f"{number:08X}") for number in range(BADGE_LIMIT)))
    with pytest.raises(BadgeRefused, match=f"at most {BADGE_LIMIT}"):
        full.added(Badge("0BADCAFE"))


@pytest.mark.req("AUT-03")
def test_type_and_comment_are_changed_and_bad_ones_refused_whole() -> None:
    assert LIST.changed("04-a1-b2-c3", BadgeType.VIP, "Anna").find(ANNA) == Badge(ANNA, BadgeType.VIP, "Anna", 1)
    assert LIST.changed(BERT, BadgeType.USER).find(BERT) == Badge(BERT, BadgeType.USER, "Bert", 2)
    many = LIST.changed_all((ANNA, BERT), BadgeType.ADMIN)
    assert [badge.type for badge in many] == [BadgeType.ADMIN] * 3
    for bad in ("x" * (COMMENT_LIMIT + 1), "two\nlines", "\x1b[31m"):
        with pytest.raises(BadgeRefused, match="comment"):
            LIST.changed(ANNA, comment=bad)
    with pytest.raises(BadgeUnknown, match=r"\*\*\*\*CAFE is not in the list"):
        LIST.changed_all((ANNA, "0BADCAFE"), BadgeType.VIP)
    with pytest.raises(BadgeUnknown, match="4, 7, 8 or 10 bytes"):
        LIST.removed(("'; --",))


@pytest.mark.req("AUT-02")
def test_the_last_admin_badge_stays_while_others_do() -> None:
    changes: tuple[Callable[[], BadgeList], ...] = (
        lambda: LIST.removed((CHIEF,)),
        lambda: LIST.removed((CHIEF, ANNA)),
        lambda: LIST.changed(CHIEF, BadgeType.USER),
        lambda: LIST.changed_all((ANNA, CHIEF), BadgeType.VIP),
    )
    for change in changes:
        with pytest.raises(BadgeRefused, match="the last Admin badge stays"):
            change()
    assert not LIST.may_go(CHIEF)
    second = LIST.changed(ANNA, BadgeType.ADMIN)
    assert second.may_go(CHIEF)
    assert [badge.uid for badge in second.removed((CHIEF,))] == [ANNA, BERT]
    assert LIST.removed((ANNA, BERT, CHIEF)).badges == ()
    assert [badge.uid for badge in BadgeList((Badge(ANNA), Badge(BERT))).removed((ANNA,))] == [BERT]


UIDS = st.integers(0, 5).map(lambda number: f"{number:08X}")
LISTS = st.lists(
    st.builds(Badge, UIDS, st.sampled_from(BadgeType), st.sampled_from(["", "a"])),
    max_size=5,
    unique_by=lambda b: b.uid,
).map(lambda badges: BadgeList(tuple(badges)))


@given(old=LISTS, new=LISTS)
def test_the_writes_between_two_lists_lead_from_one_to_the_other(old: BadgeList, new: BadgeList) -> None:
    image = BadgeImage({badge.uid: badge for badge in old})
    for write in writes_between(old, new):
        image.apply(write)
    assert image.in_order() == new.badges
    assert writes_between(new, BadgeList(tuple(map(replace, new)))) == []
