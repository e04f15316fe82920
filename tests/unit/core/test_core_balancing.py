"""Balancing as a pure rule: equal shares within least and ceiling, who is shed, and no flapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.core.balancing import Balancer, Claim
from evse.core.config import SheddingPriority, SheddingRule
from evse.core.units import MINUTE, NEVER

FREE = Claim(wants=False, reserved_ma=0, least_ma=6_000, ceiling_ma=32_000)
WANTS = FREE._replace(wants=True)
BY_ENERGY = SheddingRule(SheddingPriority.ENERGY_DELIVERED)


def shares(maximum_ma: int, *claims: Claim, rule: SheddingRule | None = None) -> tuple[int, ...]:
    return Balancer(rule or SheddingRule()).shares(0, maximum_ma, claims)


@pytest.mark.req("ENE-03")
def test_one_gets_all_and_two_the_half_but_only_as_the_other_comes_down() -> None:
    assert shares(30_000, WANTS, FREE)[0] == 30_000
    assert shares(40_000, WANTS, WANTS) == (20_000, 20_000)
    assert shares(40_000, WANTS._replace(reserved_ma=32_000), WANTS) == (20_000, 8_000)
    assert shares(40_000, WANTS._replace(reserved_ma=20_000), WANTS) == (20_000, 20_000)


@pytest.mark.req("ENE-03")
def test_what_one_cannot_take_the_other_gets() -> None:
    assert shares(40_000, WANTS._replace(ceiling_ma=10_000), WANTS) == (10_000, 30_000)
    assert shares(22_000, WANTS._replace(least_ma=14_000), WANTS._replace(least_ma=8_000)) == (14_000, 8_000)


@pytest.mark.req("ENE-03")
def test_after_the_maximum_has_fallen_everybody_keeps_its_new_share() -> None:
    settling = [WANTS._replace(reserved_ma=32_000, kept_ma=32_000)] * 2
    assert shares(24_000, *settling) == (12_000, 12_000)


@pytest.mark.req("ENE-04")
def test_by_duration_who_has_begun_first_is_shed() -> None:
    first, second = WANTS._replace(begun_us=1, reserved_ma=10_000), WANTS._replace(begun_us=2)
    balancer = Balancer(SheddingRule())
    assert balancer.shares(0, 10_000, (first, second)) == (0, 0), "not before the first has come down"
    assert balancer.shed == (0,)
    assert balancer.shares(0, 10_000, (first._replace(reserved_ma=0), second)) == (0, 10_000)
    assert balancer.shares(0, 10_000, (second, first._replace(reserved_ma=0))) == (10_000, 0)


@pytest.mark.req("ENE-04")
def test_by_energy_who_has_had_most_is_shed_but_not_before_its_turn_is_over() -> None:
    balancer = Balancer(BY_ENERGY)
    much, little = WANTS._replace(energy_steps=5), WANTS._replace(energy_steps=4)
    assert balancer.shares(0, 10_000, (much, little)) == (0, 10_000)
    # The other has caught up and is now ahead: it keeps its turn for a while, then they change.
    ahead = little._replace(energy_steps=6, reserved_ma=10_000)
    assert balancer.shares(MINUTE, 10_000, (much, ahead)) == (0, 10_000)
    assert balancer.wake_us == 15 * MINUTE
    assert balancer.shares(15 * MINUTE, 10_000, (much, ahead)) == (0, 0)
    assert balancer.shed == (1,)


@pytest.mark.req("ENE-04")
def test_room_for_both_counts_with_a_margin_while_somebody_is_shed() -> None:
    balancer = Balancer(SheddingRule(margin_ma=1_000))
    pair = (WANTS._replace(begun_us=1), WANTS._replace(begun_us=2))
    assert balancer.shares(0, 12_000, pair) == (6_000, 6_000)
    assert balancer.shares(0, 11_999, pair) == (0, 11_999)
    assert balancer.shares(0, 12_000, pair) == (0, 12_000)
    assert balancer.shares(0, 12_999, pair) == (0, 12_999)
    assert balancer.shares(0, 13_000, pair) == (6_500, 6_500)


def test_who_cannot_charge_anyway_is_no_reason_to_shed() -> None:
    assert shares(10_000, WANTS, FREE)[0] == 10_000
    assert Balancer(SheddingRule()).wake_us == NEVER


CLAIMS = st.builds(
    Claim,
    wants=st.booleans(),
    reserved_ma=st.just(0),
    kept_ma=st.just(0),
    least_ma=st.sampled_from([6_000, 8_000, 10_000, 14_000]),
    ceiling_ma=st.integers(0, 80_000),
    begun_us=st.integers(0, 5),
    energy_steps=st.integers(0, 5),
)
RULES = st.builds(SheddingRule, st.sampled_from(SheddingPriority), keep_us=st.sampled_from([0, 10, MINUTE]))


@pytest.mark.req("ENE-03")
@settings(max_examples=60)
@given(
    rule=RULES,
    maximum_ma=st.integers(0, 100_000),
    steps=st.lists(st.tuples(st.integers(0, 3), CLAIMS, st.integers(0, 80_000)), max_size=20),
    count=st.integers(1, 4),
)
def test_the_sum_never_exceeds_the_maximum(
    rule: SheddingRule, maximum_ma: int, steps: Sequence[tuple[int, Claim, int]], count: int
) -> None:
    """Any order of outlets, each taking whatever it likes up to what it is allowed, and coming down when told."""
    balancer, claims = Balancer(rule), [FREE] * count
    for now_us, (number, claim, wished_ma) in enumerate(steps):
        at = number % count
        claims[at] = claim._replace(reserved_ma=claims[at].reserved_ma)
        allowed_ma = balancer.shares(now_us, maximum_ma, claims)[at]
        assert 0 <= allowed_ma <= maximum_ma
        claims[at] = claims[at]._replace(reserved_ma=min(wished_ma, allowed_ma) if claim.wants else 0)
        assert sum(each.reserved_ma for each in claims) <= maximum_ma


@pytest.mark.req("ENE-03", "ENE-04")
@given(rule=RULES, maximum_ma=st.integers(14_000, 100_000), claims=st.lists(CLAIMS, min_size=1, max_size=4))
def test_somebody_is_always_served_and_nobody_is_shed_without_need(
    rule: SheddingRule, maximum_ma: int, claims: list[Claim]
) -> None:
    balancer = Balancer(rule)
    found = balancer.shares(0, maximum_ma, claims)
    wanting = [index for index, claim in enumerate(claims) if claim.wants]
    served = [index for index in wanting if found[index] >= claims[index].least_ma]
    assert bool(served) is bool(wanting)
    assert sorted([*served, *balancer.shed]) == wanting
    if balancer.shed:
        assert sum(claims[index].least_ma for index in wanting) > maximum_ma


def test_another_rule_counts_at_once() -> None:
    balancer = Balancer(SheddingRule())
    pair = (WANTS._replace(begun_us=1), WANTS._replace(begun_us=2, energy_steps=1))
    assert balancer.shares(0, 10_000, pair) == (0, 10_000)
    balancer.rule = replace(BY_ENERGY, keep_us=0)
    assert balancer.shares(1, 10_000, pair) == (10_000, 0)
