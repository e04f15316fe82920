"""A short latency bench in the check: real processes, pseudo-terminals, load. The exact goals are judged by tools/bench.

The limits are wide because other things may run on the machine; what they must catch is a safety path that waits for a timer,
a disk, a page or a normal process's turn, which shows as tens of milliseconds in most injections.
"""

from __future__ import annotations

import pytest

from tools.benchmarks.figures import distribution
from tools.benchmarks.latency import LatencyOptions, Measured, NoFifoError, play_round
from tools.benchmarks.latency_station import bench_config

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]

INJECTIONS = 250
WITHOUT = 150
P99_LIMIT_US = 40_000
MEDIAN_LIMIT_US = 10_000
MEDIAN_WITHOUT_LIMIT_US = 40_000


def measured(*, fifo: bool, count: int) -> Measured:
    """One round, net of the debounce."""
    config = bench_config()
    found = Measured()
    found.add(
        play_round(config, LatencyOptions(), fifo=fifo, count=count, number=1),
        config.outlets[0].pilot.leave_energised_us,
    )
    return found


@pytest.mark.req("PIL-04")
def test_the_contactor_is_told_to_open_soon_after_the_cause_was_reported_although_the_machine_is_busy() -> None:
    try:
        found, median_limit_us, judged = measured(fifo=True, count=INJECTIONS), MEDIAN_LIMIT_US, True
    except NoFifoError:
        found, median_limit_us, judged = measured(fifo=False, count=WITHOUT), MEDIAN_WITHOUT_LIMIT_US, False
    figures = distribution(found.all_us)
    assert figures is not None
    assert all(found.latencies_us.values())
    assert found.counts["lost"] == 0
    said = f"net of the debounce, ms: {figures.text()}; {found.counts}"
    assert figures.p50_us <= median_limit_us, said
    if judged:
        assert figures.count >= INJECTIONS
        assert figures.p99_us <= P99_LIMIT_US, said
