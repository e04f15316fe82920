from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.links.ocpp.charging_profile import (
    ChargingProfile,
    Kind,
    Period,
    ProfileError,
    Purpose,
    RateUnit,
    Recurrency,
    Schedule,
    Segment,
)
from evse.links.ocpp.profile_stack import (
    BOUNDARIES,
    CompositePeriod,
    Electrics,
    ProfileLimits,
    ProfileStack,
    Running,
    current_ma,
    schedule_of,
)

T0 = 1_800_000_000
RUNNING = Running(transaction_id=42, began_utc_s=T0)
THREE_PHASES = Electrics()
MAX, DEFAULT, TX = Purpose.CHARGE_POINT_MAX, Purpose.TX_DEFAULT, Purpose.TX


def profile(
    purpose: Purpose, amperes: float, profile_id: int = 1, stack_level: int = 0, **fields: Any
) -> ChargingProfile:
    periods = fields.pop("periods", (Period(0, round(amperes * 10)),))
    schedule = Schedule(
        fields.pop("unit", RateUnit.AMPERE), periods, fields.pop("duration_s", None), fields.pop("start_utc_s", T0)
    )
    kind = Kind.RECURRING if "recurrency" in fields else Kind.ABSOLUTE
    return ChargingProfile(profile_id, stack_level, purpose, kind, schedule, **fields)


def stack_with(*entries: tuple[int, ChargingProfile]) -> ProfileStack:
    stack = ProfileStack()
    for connector, each in entries:
        stack.install(connector, each, RUNNING)
    return stack


def now_ma(stack: ProfileStack, connector: int = 1, at_s: int = T0, running: Running | None = RUNNING) -> int | None:
    return stack.composite(connector, at_s, 1, running, THREE_PHASES).periods[0].current_ma


def test_without_a_profile_nothing_limits() -> None:
    assert ProfileStack().composite(1, T0, 60, RUNNING, THREE_PHASES) == ((CompositePeriod(0, None),), 60)


@pytest.mark.req("OCP-04")
def test_a_tx_profile_goes_before_the_default_whatever_their_levels() -> None:
    stack = stack_with((1, profile(DEFAULT, 10, 1, stack_level=5)), (1, profile(TX, 20, 2)))
    assert now_ma(stack) == 20_000
    stack.transaction_ended(1)
    assert now_ma(stack) == 10_000


def test_a_tx_profile_that_has_ended_leaves_the_default() -> None:
    stack = stack_with((1, profile(DEFAULT, 10, 1)), (1, profile(TX, 20, 2, duration_s=60)))
    assert (now_ma(stack, at_s=T0 + 59), now_ma(stack, at_s=T0 + 60)) == (20_000, 10_000)


def test_without_a_transaction_a_tx_profile_says_nothing() -> None:
    stack = stack_with((1, profile(TX, 8, 2)))
    assert now_ma(stack, running=None) is None


def test_the_higher_level_rules_while_it_is_active() -> None:
    stack = stack_with(
        (1, profile(DEFAULT, 10, 1)), (1, profile(DEFAULT, 25, 2, stack_level=1, start_utc_s=T0 + 30, duration_s=30))
    )
    values = [now_ma(stack, at_s=T0 + offset_s) for offset_s in (0, 29, 30, 59, 60)]
    assert values == [10_000, 10_000, 25_000, 25_000, 10_000]


def test_the_connectors_own_default_goes_before_that_of_connector_0_with_the_same_level() -> None:
    stack = stack_with((0, profile(DEFAULT, 10, 1)), (1, profile(DEFAULT, 25, 2)))
    assert (now_ma(stack, 1), now_ma(stack, 2)) == (25_000, 10_000)
    stack.install(0, profile(DEFAULT, 8, 3, stack_level=1), None)
    assert now_ma(stack, 1) == 8_000


def test_the_station_maximum_lowers_and_never_raises() -> None:
    stack = stack_with((1, profile(DEFAULT, 16, 1)), (0, profile(MAX, 12, 2)))
    assert now_ma(stack) == 12_000
    assert now_ma(stack, connector=0) == 12_000
    stack.install(0, profile(MAX, 60, 2), None)
    assert now_ma(stack) == 16_000


@pytest.mark.parametrize(
    ("connector", "purpose", "running", "says"),
    [
        (1, MAX, RUNNING, "connector 0"),
        (0, TX, RUNNING, "not 0"),
        (1, TX, None, "no transaction"),
        (1, TX, Running(43, T0), "transaction 42"),
    ],
)
def test_a_profile_at_the_wrong_place_is_refused(
    connector: int, purpose: Purpose, running: Running | None, says: str
) -> None:
    stack = stack_with((1, profile(DEFAULT, 16, 9)))
    wrong = profile(purpose, 10, 9, transaction_id=42 if purpose is TX else None)
    with pytest.raises(ProfileError, match=says):
        stack.install(connector, wrong, running)
    assert now_ma(stack) == 16_000, "a refused profile leaves the one with its id in force"


def test_the_same_id_and_the_same_place_replace() -> None:
    stack = stack_with((1, profile(DEFAULT, 10, 1)), (2, profile(DEFAULT, 11, 1)), (2, profile(DEFAULT, 12, 2)))
    assert [(each.connector, each.profile.profile_id) for each in stack.installed] == [(2, 2)]


def test_more_than_the_station_holds_is_refused_but_replacing_is_not() -> None:
    stack = ProfileStack(ProfileLimits(max_installed=2))
    for number in (1, 2):
        stack.install(1, profile(DEFAULT, 10, number, stack_level=number), None)
    with pytest.raises(ProfileError, match="2 profiles"):
        stack.install(1, profile(DEFAULT, 10, 3, stack_level=3), None)
    stack.install(1, profile(DEFAULT, 11, 2, stack_level=3), None)


@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        ({}, []),
        ({"profile_id": 1}, [2, 3, 4]),
        ({"connector": 1}, [1, 2]),
        ({"purpose": DEFAULT}, [1]),
        ({"stack_level": 1}, [1, 2, 3]),
        ({"connector": 1, "purpose": DEFAULT, "stack_level": 0}, [1, 2, 4]),
        ({"profile_id": 99}, [1, 2, 3, 4]),
    ],
)
def test_clear_takes_what_fits_all_criteria(criteria: dict[str, Any], left: list[int]) -> None:
    stack = stack_with(
        (0, profile(MAX, 10, 1)),
        (0, profile(DEFAULT, 10, 2)),
        (1, profile(DEFAULT, 10, 3)),
        (1, profile(DEFAULT, 10, 4, stack_level=1)),
    )
    assert stack.clear(**criteria) == 4 - len(left)
    assert [each.profile.profile_id for each in stack.installed] == left


@pytest.mark.parametrize(
    ("watts", "phases", "expected_ma"), [(3_680, 1, 16_000), (11_040, 3, 16_000), (11_000, 3, 15_942), (0, 3, 0)]
)
def test_watts_become_amperes_of_the_phases_that_carry_the_charge(watts: int, phases: int, expected_ma: int) -> None:
    assert current_ma(RateUnit.WATT, watts * 10, Electrics(230_000, phases)) == expected_ma


@pytest.mark.req("OCP-04")
def test_the_composite_schedule_is_exact_to_the_second_and_joins_equal_neighbours() -> None:
    periods = (Period(0, 160), Period(100, 100), Period(200, 100), Period(300, 320))
    stack = stack_with(
        (1, profile(TX, 0, 1, periods=periods)), (0, profile(MAX, 20, 2, start_utc_s=T0 + 250, duration_s=100))
    )
    assert stack.composite(1, T0, 600, RUNNING, THREE_PHASES).periods == (
        CompositePeriod(0, 16_000),
        CompositePeriod(100, 10_000),
        CompositePeriod(300, 20_000),
        CompositePeriod(350, 32_000),
    )


def test_a_composite_as_schedule_never_says_more_than_the_station_gives() -> None:
    periods = (CompositePeriod(0, None), CompositePeriod(60, 10_000), CompositePeriod(120, 63_000))
    made = schedule_of(periods, RateUnit.AMPERE, THREE_PHASES, 32_000)
    assert [(period.start_s, period.limit) for period in made.periods] == [(0, 320), (60, 100), (120, 320)]
    watts = schedule_of(periods, RateUnit.WATT, THREE_PHASES, 32_000)
    assert watts.periods[1].limit == 69_000


LEVELS = st.integers(0, 3)
ENTRIES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(list(Purpose)),
        LEVELS,
        st.integers(0, 63),
        st.integers(0, 50),
        st.integers(1, 50),
    ),
    max_size=8,
)


def by_the_rule(stack: ProfileStack, connector: int, at_s: int) -> int | None:
    """What the table at the top of the module says, looked up for one second alone."""

    def ruling(purpose: Purpose) -> int | None:
        mine = (0, connector) if purpose is DEFAULT else (0,) if purpose is MAX else (connector,)
        found = [each for each in stack.installed if each.profile.purpose is purpose and each.connector in mine]
        found.sort(key=lambda each: (-each.profile.stack_level, each.connector == 0))
        periods = [each.profile.segment(at_s, RUNNING.began_utc_s).period for each in found]
        return next((period.limit * 100 for period in periods if period is not None), None)

    own = ruling(TX)
    own = ruling(DEFAULT) if own is None else own
    return min((each for each in (own, ruling(MAX)) if each is not None), default=None)


@given(ENTRIES)
def test_the_composite_says_at_every_second_what_is_allowed_then(
    entries: list[tuple[int, Purpose, int, int, int, int]],
) -> None:
    stack = ProfileStack()
    for number, (connector, purpose, level, amperes, start_s, duration_s) in enumerate(entries):
        steps = (Period(0, amperes * 10), Period(duration_s // 2 + 1, 50))
        each = profile(purpose, 0, number, level, start_utc_s=T0 + start_s, duration_s=duration_s, periods=steps)
        try:
            stack.install(connector, each, RUNNING)
        except ProfileError:
            continue
    composite = stack.composite(1, T0, 110, RUNNING, THREE_PHASES)
    assert composite.reach_s == 110
    for second in range(110):
        ruling = max((each for each in composite.periods if each.start_s <= second), key=lambda each: each.start_s)
        assert ruling.current_ma == by_the_rule(stack, 1, T0 + second)


@pytest.mark.req("OCP-04")
def test_hostile_profiles_bound_the_work_and_the_composite_says_how_far_it_reaches() -> None:
    stack = ProfileStack()
    steps = tuple(Period(second, 160 + second % 2) for second in range(48))
    for number in range(32):
        purpose, connector = ((MAX, 0), (DEFAULT, 0), (DEFAULT, 1), (TX, 1))[number // 8]
        daily = profile(
            purpose, 0, number, number % 8, start_utc_s=T0 - 101 * number, duration_s=48, periods=steps,
            recurrency=Recurrency.DAILY,
        )  # fmt: skip
        stack.install(connector, daily, RUNNING)
    looks = 0
    plain = ChargingProfile.segment

    def counted(self: ChargingProfile, utc_s: int, began_utc_s: int | None) -> Segment:
        nonlocal looks
        looks += 1
        return plain(self, utc_s, began_utc_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChargingProfile, "segment", counted)
        composite = stack.composite(1, T0, 7 * 86_400, RUNNING, THREE_PHASES)
    assert looks <= BOUNDARIES + 32
    assert 0 < composite.reach_s < 7 * 86_400
    assert composite.periods[-1].start_s < composite.reach_s
    short = stack.composite(1, T0, 7 * 86_400, RUNNING, THREE_PHASES, most=24)
    assert short.periods == composite.periods[:24]
    assert short.reach_s == composite.periods[24].start_s
