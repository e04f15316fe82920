"""Plans, their end, the arbiter, and the share of two outlets in one maximum."""

from __future__ import annotations

import pytest

from evse.core.limits import Limit, OnExpiry, PlanStep, arbitrate, constant
from evse.core.units import NEVER, SECOND, PhaseValues


def all_phases(current_ma: int) -> PhaseValues:
    return (current_ma, current_ma, current_ma)


PLAN = (PlanStep(10 * SECOND, all_phases(16_000)), PlanStep(20 * SECOND, all_phases(8_000)))


def test_a_plan_holds_step_by_step() -> None:
    limit = Limit("plan", PLAN)
    assert limit.at(10 * SECOND - 1) is None
    assert limit.at(10 * SECOND) == all_phases(16_000)
    assert limit.at(20 * SECOND) == all_phases(8_000)
    assert limit.next_change_us(0) == 10 * SECOND
    assert limit.next_change_us(10 * SECOND) == 20 * SECOND
    assert limit.next_change_us(20 * SECOND) == NEVER


@pytest.mark.parametrize(
    ("on_expiry", "afterwards", "change_us"),
    [
        (OnExpiry.HOLD, all_phases(8_000), NEVER),
        (OnExpiry.FALLBACK, all_phases(6_000), 30 * SECOND),
        (OnExpiry.RELEASE, None, 30 * SECOND),
    ],
)
def test_a_source_that_dies_leaves_something_defined(
    on_expiry: OnExpiry, afterwards: PhaseValues | None, change_us: int
) -> None:
    limit = Limit("plan", PLAN, 30 * SECOND, on_expiry, all_phases(6_000))
    assert limit.at(30 * SECOND - 1) == all_phases(8_000)
    assert limit.at(30 * SECOND) == afterwards
    assert limit.next_change_us(25 * SECOND) == change_us


def test_the_lowest_rules_and_the_stack_tells_all() -> None:
    limits = (constant("rated", 32_000), constant("cable", 20_000, "20 A"), constant("other", 20_000))
    result = arbitrate(0, limits, (1, 2, 3))
    assert (result.current_ma, result.ruling) == (20_000, "cable")
    assert [(each.source, each.current_ma, each.note) for each in result.stack] == [
        ("cable", 20_000, "20 A"),
        ("other", 20_000, ""),
        ("rated", 32_000, ""),
    ]


def test_only_the_phases_of_the_outlet_count() -> None:
    limit = Limit("grid", (PlanStep(-NEVER, (20_000, 10_000, 6_000)),))
    assert arbitrate(0, [limit], (1,)).current_ma == 20_000
    assert arbitrate(0, [limit], (1, 2, 3)).current_ma == 6_000


def test_the_next_change_of_any_source_is_told() -> None:
    assert arbitrate(0, [constant("rated", 32_000), Limit("plan", PLAN)], (1, 2, 3)).next_change_us == 10 * SECOND


def test_no_limit_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no limit in force"):
        arbitrate(0, [Limit("plan", PLAN)], (1, 2, 3))


@pytest.mark.req("MTR-03")
@pytest.mark.parametrize(
    ("conductors", "current_ma"),
    [((1, 2, 3), 10_000), ((1,), 20_000), ((2,), 10_000), ((3,), 30_000), ((3, 1, 2), 10_000), ((3, 1), 20_000)],
)
def test_a_limit_counts_on_the_conductors_that_the_outlet_is_connected_to(
    conductors: tuple[int, ...], current_ma: int
) -> None:
    limit = Limit("house meter", (PlanStep(0, (20_000, 10_000, 30_000)),))
    assert arbitrate(0, [limit], conductors).current_ma == current_ma
