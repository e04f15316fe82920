"""Reading the kernel's trace."""

from __future__ import annotations

import pytest

from tools.benchmarks.kernel_trace import line_us


@pytest.mark.parametrize(
    ("line", "at_us"),
    [
        ("    kworker/u8:3-9611    [001] d..2.   724.815034: sched_switch: prev_comm=x ==> next_comm=y", 724_815_034),
        (" a b: [c] 1.000001: -42 [000] ..... 12.000007: sys_exit: NR 270 = 2", 12_000_007),
        ("          <idle>-0       [000] dNh3. 86400.100000: sched_waking: comm=evse-control pid=7", 86_400_100_000),
        ("CPU:1 [LOST 3 EVENTS]", None),
        ("", None),
    ],
)
def test_the_time_of_a_line(line: str, at_us: int | None) -> None:
    assert line_us(line) == at_us
