"""Results of scenarios as JUnit XML, as common test systems read it: one test case per scenario.

A case that passed is empty. One that did not has one ``failure`` whose text names every expectation that was not met and
every broken invariant, each with its place; ``type`` is ``invariant`` as soon as one was broken. A file that was refused is
a case with an ``error``. ``file`` and ``line`` point at the first place; ``time`` is real time.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from boards.problems import Problem, printable
from evse.records import dataclass
from evse.sim.quantities import time_text
from evse.sim.verdict import Verdict

SUITE = "evse sim"


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario: its verdict, or what was wrong with its file. ``seconds``: real time that it took."""

    file: str
    verdict: Verdict | None
    problems: Sequence[Problem] = ()
    seconds: float = 0.0


def junit_xml(cases: Sequence[Case]) -> str:
    """The whole report."""
    failures = sum(case.verdict is not None and not case.verdict.passed for case in cases)
    errors = sum(case.verdict is None and bool(case.problems) for case in cases)
    counts = {
        "tests": str(len(cases)),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": str(sum(case.verdict is None and not case.problems for case in cases)),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }
    root = ElementTree.Element("testsuites", {"name": SUITE, **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": SUITE, **counts})
    for case in cases:
        _add(suite, case)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(suite: ElementTree.Element, case: Case) -> None:
    verdict = case.verdict
    name = case.file if verdict is None else f"{verdict.name} ({verdict.profile}, seed {verdict.run_number})"
    attributes = {"classname": case.file, "name": name, "file": case.file, "time": f"{case.seconds:.3f}"}
    line = _line(case)
    if line:
        attributes["line"] = str(line)
    element = ElementTree.SubElement(suite, "testcase", {key: printable(text) for key, text in attributes.items()})
    if verdict is None:
        if case.problems:
            _tell(element, "error", "refused", [str(problem) for problem in case.problems])
        else:
            ElementTree.SubElement(element, "skipped", {"message": "another file was refused: nothing was run"})
    elif not verdict.passed:
        _tell(element, "failure", "invariant" if verdict.violations else "expectation", _wrong(verdict))


def _tell(element: ElementTree.Element, tag: str, kind: str, texts: Sequence[str]) -> None:
    message = texts[0] if len(texts) == 1 else f"{texts[0]} (and {len(texts) - 1} more)"
    child = ElementTree.SubElement(element, tag, {"type": kind, "message": printable(message)})
    child.text = "\n".join(map(printable, texts))


def _line(case: Case) -> int:
    if case.verdict is None:
        return case.problems[0].line if case.problems else 0
    return case.verdict.failures[0].line if case.verdict.failures else 0


def _wrong(verdict: Verdict) -> list[str]:
    """What a person wants to read first: broken invariants, then expectations."""
    texts = []
    for violation in verdict.violations:
        where = f"outlet {violation.outlet}" if violation.outlet else "station"
        texts.append(
            f"{verdict.file}: {violation.invariant}: {where} at {time_text(violation.at_us)}: {violation.what}"
        )
    for failure in verdict.failures:
        texts.append(
            f"{verdict.file}:{failure.line}: step {failure.step} at {time_text(failure.at_us)}: "
            f"expected {failure.expected}; was {failure.actual}"
        )
    return texts
