from __future__ import annotations

import pytest

from evse.services.accounts.label import BadLabel, UnitLabel, decode_label, encode_label, new_secret
from evse.services.accounts.passwords import (
    COST_LOG2,
    EVLINK,
    THOR,
    Policy,
    hash_password,
    is_shared,
    needs_rehash,
    policy_of,
    verify_password,
)

COST = 4


@pytest.mark.req("MNT-02")
@pytest.mark.parametrize(
    ("policy", "good", "bad"),
    [
        (
            EVLINK,
            ["Abcdef1!", "Ünïcode-9"],
            ["Abcde1!", "abcdefg1!", "ABCDEFG1!", "Abcdefgh!", "Abcdefg12", "A1!a" * 33, "Abcdef1!\n", ""],
        ),
        (THOR, ["Abcdefghi1", "abcdefgh1!", "AABB-ccdd1"], ["Abcdefgh1", "abcdefghij1", "Abcdefggg1", "a1!" * 50]),
    ],
)
def test_what_a_good_password_is(policy: Policy, good: list[str], bad: list[str]) -> None:
    assert [password for password in good if policy.refuses(password)] == []
    assert [password for password in bad if not policy.refuses(password)] == []


def test_each_family_has_its_rules_and_the_guides_passwords_are_known() -> None:
    assert (policy_of("thor"), policy_of("parking"), policy_of("other")) == (THOR, EVLINK, EVLINK)
    assert is_shared("ADMIN")
    assert is_shared("user")


def test_a_hash_is_salted_and_verifies_the_password_it_was_made_of() -> None:
    one, two = hash_password("Pass-1", COST), hash_password("Pass-1", COST)
    assert one != two
    assert verify_password("Pass-1", one)
    assert verify_password("Pass-1", two)
    assert not verify_password("Pass-2", one)
    assert "Pass-1" not in one


def test_a_stations_cost_is_never_below_32_megabytes() -> None:
    assert COST_LOG2 >= 15
    assert needs_rehash(hash_password("a", COST))
    assert not needs_rehash(hash_password("a", COST), COST)
    assert hash_password("a").split("$")[1] == str(COST_LOG2)


@pytest.mark.parametrize(
    "kept",
    ["", "x", "scrypt$4$8$1$00$", "scrypt$40$8$1$00$00", "scrypt$4$8$1$zz$00", "scrypt$4$9$1$00$00", "md5$4$8$1$0$0"],
)
def test_what_is_no_hash_verifies_nothing(kept: str) -> None:
    assert not verify_password("", kept)


@pytest.mark.parametrize("password", ["x" * 129, "\ud800"])
def test_no_password_is_too_strange_to_be_refused(password: str) -> None:
    assert not verify_password(password, hash_password("x", COST))


@pytest.mark.req("MNT-04")
def test_no_two_labels_are_alike_and_their_secrets_are_strong_enough_for_both_families() -> None:
    secrets = {new_secret() for _ in range(500)}
    assert len(secrets) == 500
    assert not any(EVLINK.refuses(secret) or THOR.refuses(secret) for secret in secrets)
    assert not set("".join(secrets)) & set("0O1Il")


def test_a_label_is_read_as_it_was_written() -> None:
    label = UnitLabel("S1", "admin", "Abcd-efgh")
    assert decode_label(encode_label(label)) == label
    assert "Abcd-efgh" in label.text()
    for data in (b"", b"{}", b"[]", b'{"serial":1,"account":"a","password":"b"}', b"\xff"):
        with pytest.raises(BadLabel):
            decode_label(data)
