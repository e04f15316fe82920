from __future__ import annotations

import pytest

from evse.services.clock import NO_CLOCK, ClockMapping, ClockQuality, Deadline, Instant, worst


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


def test_a_deadline_is_found_again_on_its_own_clock_or_by_utc() -> None:
    then = ClockMapping("boot", 1_000, 5_000_000, ClockQuality.SET, "machine-1")
    deadline = then.deadline(4_000)
    assert deadline == Deadline("machine-1", 4_000, 5_003_000)
    assert ClockMapping("other", 0, 9, ClockQuality.UNSET, "machine-1").mono_of(deadline) == 4_000
    assert ClockMapping("other", 200, 5_002_000, ClockQuality.SET, "machine-2").mono_of(deadline) == 1_200
    assert ClockMapping("other", 200, 5_002_000, ClockQuality.UNSET, "machine-2").mono_of(deadline) is None
    assert NO_CLOCK.deadline(7) == Deadline("", 7, None)
    assert NO_CLOCK.mono_of(NO_CLOCK.deadline(7)) is None
