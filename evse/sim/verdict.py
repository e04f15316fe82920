"""What came of a scenario, for people, for machines (JSON) and for test systems (JUnit XML).

Exit codes: 0 passed; 1 an expectation failed; 2 the file, profile or command line was refused (nothing was run);
3 an invariant was broken, whatever the expectations say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final
from xml.etree import ElementTree

from evse.sim.invariants_base import Violation
from evse.sim.quantities import time_text

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2
EXIT_VIOLATED: Final = 3


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


def junit_xml(verdicts: Sequence[Verdict]) -> str:
    """JUnit XML: one suite per scenario, one case per judged step and one for the invariants."""
    root = ElementTree.Element("testsuites")
    for verdict in verdicts:
        failed = sum(not decision.passed for decision in verdict.decisions) + bool(verdict.violations)
        attributes = {
            "name": verdict.name,
            "tests": str(len(verdict.decisions) + 1),
            "failures": str(failed),
            "errors": "0",
            "time": _seconds(verdict.end_us),
        }
        suite = ElementTree.SubElement(root, "testsuite", attributes)
        failures = {failure.step: failure for failure in verdict.failures}
        for decision in verdict.decisions:
            name = f"step {decision.step}: {decision.what}"
            case = _case(suite, verdict, name, decision.at_us)
            failure = failures.get(decision.step)
            if failure is not None and not decision.passed:
                _fail(case, f"expected {failure.expected}; was {failure.actual}", f"{verdict.file}:{failure.line}")
        case = _case(suite, verdict, "invariants", verdict.end_us)
        if verdict.violations:
            text = "\n".join(f"{v.invariant} outlet {v.outlet} at {v.at_us} us: {v.what}" for v in verdict.violations)
            _fail(case, f"{len(verdict.violations)} violations", text)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ElementTree.Element, verdict: Verdict, name: str, at_us: int) -> ElementTree.Element:
    attributes = {"classname": verdict.file, "name": name, "time": _seconds(at_us)}
    return ElementTree.SubElement(suite, "testcase", attributes)


def _fail(case: ElementTree.Element, message: str, text: str) -> None:
    ElementTree.SubElement(case, "failure", {"message": message}).text = text


def _seconds(time_us: int) -> str:
    return f"{time_us // 1_000_000}.{time_us % 1_000_000 // 1000:03}"
