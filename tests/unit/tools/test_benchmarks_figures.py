"""Figures and judgement of the benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools._bootstrap import command_for
from tools.benchmarks import figures
from tools.benchmarks.__main__ import parser
from tools.benchmarks.figures import MET, MISSED, NOT_JUDGED, Goal, Report, distribution, percentile
from tools.benchmarks.latency import LatencyOptions, Measured, plan, report
from tools.benchmarks.scripted_outlet import Cause


def test_percentiles_are_measured_values() -> None:
    values = list(range(1, 10_001))
    assert [percentile(values, each) for each in (1, 500, 990, 999, 1000)] == [10, 5_000, 9_900, 9_990, 10_000]
    assert percentile([7], 1) == percentile([7], 1000) == 7
    assert percentile([3, 1, 2], 999) == 3
    with pytest.raises(ValueError, match="no values"):
        percentile([], 500)
    with pytest.raises(ValueError, match="per mille"):
        percentile([1], 0)


def test_distribution_of_nothing_is_nothing() -> None:
    assert distribution([]) is None
    found = distribution([5, 1, 9])
    assert found is not None
    assert (found.count, found.p50_us, found.max_us) == (3, 5, 9)


@pytest.mark.parametrize(
    ("goals", "code"),
    [
        ([Goal("a", "ms", 20, 20)], MET),
        ([Goal("a", "ms", 20, 20.1)], MISSED),
        ([Goal("a", "ms", 20, None)], NOT_JUDGED),
        ([Goal("a", "ms", 20, None), Goal("b", "ms", 1, 2)], MISSED),
        ([], MET),
    ],
)
def test_a_missed_goal_is_the_exit_code(goals: list[Goal], code: int) -> None:
    assert Report("x", goals=goals).exit_code == code


def test_a_report_names_the_machine_and_is_complete_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    made = Report("x", ["a line"], [Goal("g", "s", 1, 2)], {"more": 1})
    made.show(as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["goals"] == [{"what": "g", "unit": "s", "limit": 1, "measured": 2, "met": False}]
    assert shown["machine"]["cores"] == figures.machine()["cores"]
    assert shown["more"] == 1
    made.show(as_json=False)
    text = capsys.readouterr().out
    assert "a line" in text
    assert "MISSED" in text


def result(late_us: int, prevented_us: tuple[int, ...] = ()) -> dict[str, Any]:
    """A player's result: 999 quick answers and one that is ``late_us`` late."""
    outlet = {
        "latencies_us": {"s2": [21_000] * 999, "pilot": [20_000 + late_us], "residual": []},
        "prevented_us": list(prevented_us),
        "reclosings_us": [],
        "stuck_in": [],
        "slow_us": [(100_000, 130_000), (200_000, 212_000), (300_000, 311_000)],
        **dict.fromkeys(("slots", "passed", "lost", "unexpected", "lease_ends", "stuck"), 0),
    }
    stood_still: dict[str, Any] = {"probe_us": [[90_000, 101_000]], "stalls_us": [[0, 101_000], [205_000, 206_000]]}
    return {
        "outlets": [outlet],
        "late_us": [1],
        **stood_still,
        "sessions": 0,
        "player_fifo": True,
        "workers": "raised",
        "late_cycles": 0,
        "seconds": 1.0,
    }


@pytest.mark.parametrize(
    ("late_us", "prevented_us", "met"),
    [(30_000, (), [True, True]), (41_000, (), [True, False]), (1_000, (25_000, 24_000), [False, True])],
)
def test_latency_is_judged_net_of_the_debounce_with_what_was_prevented(
    late_us: int, prevented_us: tuple[int, ...], met: list[bool]
) -> None:
    measured = Measured()
    measured.add(result(late_us, prevented_us), 20_000)
    assert measured.latencies_us[Cause.PILOT] == [late_us]
    made = report({True: measured}, 20_000, LatencyOptions(), "")
    assert [goal.met for goal in made.goals] == met


def test_slow_answers_are_told_apart_by_what_stood_still_meanwhile() -> None:
    measured = Measured()
    measured.add(result(0), 20_000)
    assert {name: measured.counts[name] for name in ("slow", "slow_with_machine", "slow_with_bench")} == {
        "slow": 1,
        "slow_with_machine": 1,
        "slow_with_bench": 1,
    }
    assert measured.machine_us == [11_000]


def test_without_fifo_nothing_is_judged() -> None:
    measured = Measured()
    measured.add(result(500_000), 20_000)
    made = report({False: measured}, 20_000, LatencyOptions(), "FIFO priority is not permitted here")
    assert made.exit_code == NOT_JUDGED
    assert "not permitted" in "\n".join(made.lines)


def test_a_report_says_how_the_kernels_workers_were() -> None:
    measured = Measured()
    measured.add(result(0), 20_000)
    measured.add(result(0) | {"workers": "at normal priority (not visible)"}, 20_000)
    made = report({True: measured}, 20_000, LatencyOptions(), "")
    assert "kernel's workers at normal priority (not visible), raised" in "\n".join(made.lines)


def test_rounds_with_and_without_fifo_alternate() -> None:
    rounds = plan(LatencyOptions(6_000, 50))
    assert rounds == [(True, 2_500), (False, 1_250), (True, 2_500), (False, 1_250), (True, 1_000), (False, 500)]
    assert plan(LatencyOptions(300, 0)) == [(True, 300)]
    assert plan(LatencyOptions(300, 50, fifo=False)) == [(False, 300)]


@pytest.mark.parametrize("line", ["latency --injections 0", "latency --share 101", "day --runs x", "", "nothing"])
def test_wrong_arguments_are_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parser().parse_args(line.split())
    assert refused.value.code == 2
    assert "usage: tools/bench" in capsys.readouterr().err


def test_tools_bench_runs_the_package() -> None:
    assert command_for("bench", ["day", "--full"], Path("p")) == ["p", "-m", "tools.benchmarks", "day", "--full"]
