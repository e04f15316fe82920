"""What came of a scenario, for people and for machines (JSON).

Exit codes: 0 passed; 1 an expectation failed; 4 an invariant was broken, whatever the expectations say. As everywhere in
the command line, 2 means that the file, profile or command line was refused (nothing was run), and 3 (no station is running)
does not occur here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from evse.records import dataclass
from evse.sim.invariants_base import Violation
from evse.sim.quantities import time_text

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2
EXIT_VIOLATED: Final = 4


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that was not met. ``step`` counts from 1, ``at_us`` is when it was decided."""

    step: int
    line: int
    at_us: int
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A step that was judged, and whether it passed."""

    step: int
    line: int
    what: str
    at_us: int
    passed: bool


@dataclass(frozen=True, slots=True)
class RunCounters:
    """What the run cost: instants processed, steps of components, frames sent and frames moved instead of sent."""

    instants: int
    steps: int
    frames_sent: int
    frames_elided: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of one run. ``run_number`` with the file and the version of the program replays it exactly."""

    file: str
    name: str
    profile: str
    run_number: int
    elided: bool
    end_us: int
    decisions: tuple[Decision, ...]
    failures: tuple[Failure, ...]
    violations: tuple[Violation, ...]
    counters: RunCounters

    @property
    def passed(self) -> bool:
        """No failure and no violation."""
        return not self.failures and not self.violations

    @property
    def exit_code(self) -> int:
        """Exit code of a command that ran this scenario."""
        if self.violations:
            return EXIT_VIOLATED
        return EXIT_FAILED if self.failures else EXIT_PASSED

    def to_json(self) -> str:
        """The verdict as JSON, keys in a fixed order."""
        data = {"schema": 1, "kind": "verdict", "passed": self.passed, "exit_code": self.exit_code, **asdict(self)}
        return json.dumps(data, indent=2, ensure_ascii=True)

    def summary(self) -> str:
        """The verdict for people: one line, and one for each failure and violation."""
        judged = len(self.decisions)
        good = sum(decision.passed for decision in self.decisions)
        word = "passed" if self.passed else "FAILED"
        mode = "renewals elided" if self.elided else "in full"
        lines = [
            f"{word}: {self.name} (seed {self.run_number}, {mode}): {good} of {judged} expectations met, "
            f"{len(self.violations)} invariant violations in {time_text(self.end_us)}"
        ]
        for failure in self.failures:
            place = f"{self.file}:{failure.line}: step {failure.step}"
            at = time_text(failure.at_us)
            lines.append(f"  {place}: expected {failure.expected}; was {failure.actual} (at {at})")
        for violation in self.violations:
            where = f"outlet {violation.outlet}" if violation.outlet else "station"
            lines.append(f"  {violation.invariant}: {where}: {violation.what} (at {time_text(violation.at_us)})")
        return "\n".join(lines)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Exit code of a command that ran several scenarios: the worst one."""
    return max((verdict.exit_code for verdict in verdicts), default=EXIT_PASSED)
