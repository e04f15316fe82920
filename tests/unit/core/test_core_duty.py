"""Duty cycle and current, both directions: every range, every edge, and the promise never to offer more than asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.duty import DutyKind, current_for_duty, duty_for_current

TABLE_A7 = [
    (6_000, 1_000),
    (8_000, 1_333),
    (10_000, 1_666),
    (13_000, 2_166),
    (16_000, 2_666),
    (20_000, 3_333),
    (25_000, 4_166),
    (32_000, 5_333),
    (50_999, 8_499),
    (51_000, 8_500),
    (52_000, 8_500),
    (52_499, 8_500),
    (52_500, 8_500),
    (55_000, 8_600),
    (63_000, 8_920),
    (80_000, 9_600),
    (80_001, 9_600),
    (1_000_000, 9_600),
]
TABLE_A8 = [
    (0, DutyKind.NOT_ALLOWED, 0),
    (299, DutyKind.NOT_ALLOWED, 0),
    (300, DutyKind.DIGITAL_ONLY, 0),
    (500, DutyKind.DIGITAL_ONLY, 0),
    (700, DutyKind.DIGITAL_ONLY, 0),
    (701, DutyKind.NOT_ALLOWED, 0),
    (799, DutyKind.NOT_ALLOWED, 0),
    (800, DutyKind.CURRENT, 6_000),
    (999, DutyKind.CURRENT, 6_000),
    (1_000, DutyKind.CURRENT, 6_000),
    (1_001, DutyKind.CURRENT, 6_006),
    (8_500, DutyKind.CURRENT, 51_000),
    (8_501, DutyKind.CURRENT, 52_525),
    (9_600, DutyKind.CURRENT, 80_000),
    (9_601, DutyKind.CURRENT, 80_000),
    (9_700, DutyKind.CURRENT, 80_000),
    (9_701, DutyKind.NOT_ALLOWED, 0),
    (9_999, DutyKind.NOT_ALLOWED, 0),
    (10_000, DutyKind.NOT_ALLOWED, 0),
]


@pytest.mark.req("PIL-02")
@pytest.mark.parametrize(("current_ma", "duty_bp"), TABLE_A7)
def test_current_to_duty(current_ma: int, duty_bp: int) -> None:
    assert duty_for_current(current_ma) == duty_bp


@pytest.mark.req("PIL-02")
@pytest.mark.parametrize("current_ma", [-1, 0, 1, 5_999])
def test_below_six_amperes_nothing_is_offered(current_ma: int) -> None:
    assert duty_for_current(current_ma) is None


@pytest.mark.req("PIL-02")
@pytest.mark.parametrize(("duty_bp", "kind", "current_ma"), TABLE_A8)
def test_duty_to_current(duty_bp: int, kind: DutyKind, current_ma: int) -> None:
    meaning = current_for_duty(duty_bp)
    assert (meaning.kind, meaning.current_ma) == (kind, current_ma)


@given(st.integers(min_value=6_000, max_value=200_000))
def test_offer_never_means_more_than_asked(current_ma: int) -> None:
    duty_bp = duty_for_current(current_ma)
    assert duty_bp is not None
    meaning = current_for_duty(duty_bp)
    assert meaning.kind is DutyKind.CURRENT
    assert 6_000 <= meaning.current_ma <= current_ma
    lost_ma = min(current_ma, 80_000) - meaning.current_ma
    assert lost_ma < (25 if current_ma >= 52_525 else 6) or 51_000 < current_ma < 52_525


@given(st.integers(min_value=6_000, max_value=100_000), st.integers(min_value=0, max_value=1_000))
def test_more_current_never_has_a_shorter_pulse(current_ma: int, more_ma: int) -> None:
    low, high = duty_for_current(current_ma), duty_for_current(current_ma + more_ma)
    assert low is not None
    assert high is not None
    assert low <= high
