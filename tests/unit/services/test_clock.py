from __future__ import annotations

import pytest

from evse.services.clock import NO_CLOCK, ClockMapping, ClockQuality, Instant, worst


def test_a_mapping_tells_utc_of_its_own_boot_only() -> None:
    clock = ClockMapping("boot", 1_000, 5_000_000, ClockQuality.SET)
    assert clock.instant("boot", 1_500) == Instant("boot", 1_500, 5_000_500, ClockQuality.SET)
    assert clock.instant("boot", 500) == Instant("boot", 500, 4_999_500, ClockQuality.SET)
    assert clock.instant("other", 1_500) == Instant("other", 1_500, None, ClockQuality.UNSET)
    assert NO_CLOCK.instant("boot", 3) == Instant("boot", 3, None, ClockQuality.UNSET)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (ClockQuality.UNSET, ClockQuality.SYNCHRONISED, ClockQuality.UNSET),
        (ClockQuality.SYNCHRONISED, ClockQuality.SET, ClockQuality.SET),
        (ClockQuality.SYNCHRONISED, ClockQuality.SYNCHRONISED, ClockQuality.SYNCHRONISED),
    ],
)
def test_the_worse_quality_counts(first: ClockQuality, second: ClockQuality, expected: ClockQuality) -> None:
    assert worst(first, second) is expected
