"""Figures of a benchmark: percentiles, goals, the machine, and how they are printed.

A percentile is the nearest rank: the smallest measured value that at least this share of all values does not exceed. So
every figure printed was really measured, and the p99.9 of fewer than a thousand values is their maximum.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

MET: Final = 0
MISSED: Final = 1
NOT_JUDGED: Final = 3
"""Exit codes: all goals met, one missed, something that was to be judged could not be measured here."""


def percentile(values: Sequence[int], per_mille: int) -> int:
    """The nearest-rank percentile of ``values``, ``per_mille`` from 1 to 1000. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values")
    if not 1 <= per_mille <= 1000:
        raise ValueError(f"{per_mille} per mille: from 1 to 1000")
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * per_mille / 1000) - 1]


@dataclass(frozen=True, slots=True)
class Distribution:
    """What was measured often, in microseconds."""

    count: int
    p50_us: int
    p99_us: int
    p999_us: int
    max_us: int

    def text(self) -> str:
        """The figures in milliseconds, in columns."""
        return f"{self.p50_us / 1e3:8.2f} {self.p99_us / 1e3:8.2f} {self.p999_us / 1e3:8.2f} {self.max_us / 1e3:8.2f}"


HEAD: Final = f"{'n':>7} {'p50':>8} {'p99':>8} {'p99.9':>8} {'max':>8}  ms"


def distribution(values: Sequence[int]) -> Distribution | None:
    """The distribution of ``values``, ``None`` when there are none."""
    if not values:
        return None
    p50, p99, p999 = (percentile(values, each) for each in (500, 990, 999))
    return Distribution(len(values), p50, p99, p999, max(values))


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: ``measured`` must not exceed ``limit``; ``measured`` ``None``: it could not be measured here."""

    what: str
    unit: str
    limit: float
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether it was met, ``None`` when it was not measured."""
        return None if self.measured is None else self.measured <= self.limit

    def text(self) -> str:
        """One line for people."""
        if self.measured is None:
            return f"  --   {self.what}: not measured (goal {self.limit:g} {self.unit})"
        word = "met" if self.met else "MISSED"
        return f"  {word:<6} {self.what}: {self.measured:.4g} {self.unit} (goal {self.limit:g} {self.unit})"


def exit_code(goals: Iterable[Goal]) -> int:
    """``MISSED`` when a goal was missed, else ``NOT_JUDGED`` when one was not measured, else ``MET``."""
    verdicts = [goal.met for goal in goals]
    if False in verdicts:
        return MISSED
    return NOT_JUDGED if None in verdicts else MET


@dataclass(slots=True)
class Report:
    """What a benchmark hands back. ``lines``: for people; ``data``: everything, for programs."""

    name: str
    lines: list[str] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return exit_code(self.goals)

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        where = machine()
        if as_json:
            goals = [{**asdict(goal), "met": goal.met} for goal in self.goals]
            print(json.dumps({"bench": self.name, "machine": where, "goals": goals, **self.data}, indent=2))
            return
        print(f"{self.name}: {', '.join(f'{key} {value}' for key, value in where.items())}")
        for line in self.lines:
            print(line)
        for goal in self.goals:
            print(goal.text())


def machine() -> dict[str, str]:
    """What the figures depend on: cores, processor, system, Python, and how busy the machine is with other things."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": ".".join(map(str, sys.version_info[:3])),
        "load": load,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.machine()


def tell(text: str) -> None:
    """Progress, for people, at once."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
