"""Plants known bugs in a copy of the project, one at a time, and shows that the scenarios and invariants find each.

The bugs are data (``tests/mutants/catalogue.py``). Each is applied to a temporary copy, never to the project itself; there
the shipped scenarios run in virtual time, first with front ends that correct nothing, then with the usual ones, until one
fails. Exit status 0: every bug was found; 1: one survived, or its old text is no longer in the code exactly once.
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import json
import os
import py_compile
import queue
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("evse", "hal", "boards", "profiles", "tools")
CPU_LIMIT_S = 900
"""Processor time of one run: time on the clock would make a busy machine "find" bugs that it only ran too slowly."""
STILL_S = 4 * 3_600
"""Time on the clock after which a run that uses no processor time is given up."""
PAGE = ROOT / "docs" / "mutants.md"
_HEADER = """# Planted bugs

Each is one small change of the product (`tests/mutants/catalogue.py`), planted in a copy. The shipped scenarios run there with
every invariant watching, first with front ends that correct nothing, then with the usual ones; what found it first is told.
Written by `tools/mutants --write`: {found} of {count} are found.

| bug | what it does | found by | in |
| --- | --- | --- | --- |"""


class Mutant(Protocol):
    """One planted bug, as ``tests/mutants/catalogue.py`` describes it."""

    @property
    def id(self) -> str: ...

    @property
    def what(self) -> str: ...

    @property
    def file(self) -> str: ...

    @property
    def old(self) -> str: ...

    @property
    def new(self) -> str: ...

    @property
    def first(self) -> tuple[str, ...]: ...

    @property
    def cheap(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one bug. ``by``: invariants, ``expectations`` or ``crash``; empty when it survived."""

    id: str
    what: str
    found: bool
    by: str
    scenario: str
    detail: str
    seconds: float


class StaleMutantError(Exception):
    """A bug whose old text is not in its file exactly once."""


def catalogue(root: Path = ROOT) -> tuple[Mutant, ...]:
    """The bugs of ``tests/mutants/catalogue.py`` below ``root``."""
    path = root / "tests" / "mutants" / "catalogue.py"
    spec = importlib.util.spec_from_file_location("mutant_catalogue", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return tuple(module.MUTANTS)


def planted(mutant: Mutant, root: Path) -> str:
    """The text of the mutant's file with the bug in it. Raises StaleMutantError."""
    text = (root / mutant.file).read_text(encoding="utf-8")
    count = text.count(mutant.old)
    if count != 1:
        raise StaleMutantError(f"{mutant.id}: its old text stands {count} times in {mutant.file}, not once")
    return text.replace(mutant.old, mutant.new)


def copy_tree(target: Path, root: Path = ROOT) -> None:
    """Copy what the product needs into ``target``."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        shutil.copytree(root / name, target / name, ignore=ignore)


def compile_tree(copy: Path) -> None:
    """Compile ``copy`` once for many runs; by content, for a bug may be as long as what it replaces, in the same second."""
    compileall.compile_dir(copy, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


def run_in(copy: Path, first: Sequence[str]) -> dict[str, str]:
    """Run the quick set in ``copy``; ``by``, ``scenario`` and ``detail`` of the first failure, empty when all passed."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "tools.mutants", "--quick-set", *first]
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=STILL_S
        )
    except subprocess.TimeoutExpired:
        return {"by": "crash", "scenario": "", "detail": f"stood still: no end within {STILL_S} s"}
    if done.returncode == -signal.SIGXCPU:
        return {"by": "crash", "scenario": "", "detail": f"no end within {CPU_LIMIT_S} s of processor time"}
    try:
        answer: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return {"by": "crash", "scenario": "", "detail": last}
    return answer


def try_mutant(mutant: Mutant, copy: Path, root: Path = ROOT) -> Finding:
    """Plant ``mutant`` in ``copy``, run, and take it out again. Raises StaleMutantError."""
    begin = time.monotonic()
    path = copy / mutant.file
    before = path.read_text(encoding="utf-8")
    path.write_text(planted(mutant, root), encoding="utf-8")
    try:
        answer = run_in(copy, mutant.first)
    finally:
        path.write_text(before, encoding="utf-8")
    seconds = round(time.monotonic() - begin, 1)
    return Finding(mutant.id, mutant.what, bool(answer["by"]), **answer, seconds=seconds)


def quick_set(first: Sequence[str]) -> dict[str, str]:
    """Run the scenario library of the tree this module stands in up to the first failure (``first`` before the rest)."""
    from evse.app.virtual.scenario_library import load, shipped_scenarios
    from evse.app.virtual.station_factory import dumb_station_factory, station_factory
    from evse.sim.runner import run_scenario

    names = [*first, *(name for name in shipped_scenarios() if name not in first)]
    for kind, factory in (("dumb front ends", dumb_station_factory), ("usual front ends", station_factory)):
        for name in names:
            where = f"{name} ({kind})"
            try:
                verdict = run_scenario(load(name), factory)
            except Exception as error:  # a bug may end in anything
                return {"by": "crash", "scenario": where, "detail": f"{type(error).__name__}: {error}"}
            if verdict.violations:
                found = dict.fromkeys(violation.invariant for violation in verdict.violations)
                detail = verdict.violations[0].what
                return {"by": "invariant " + ", ".join(found), "scenario": where, "detail": detail}
            if verdict.failures:
                failure = verdict.failures[0]
                detail = f"line {failure.line}: expected {failure.expected}; was {failure.actual}"
                return {"by": "expectation", "scenario": where, "detail": detail}
    return {"by": "", "scenario": "", "detail": ""}


def report(finding: Finding) -> str:
    """Lines for people."""
    if not finding.found:
        return f"SURVIVED  {finding.id}: {finding.what} ({finding.seconds} s)"
    detail = finding.detail if len(finding.detail) <= 150 else finding.detail[:147] + "..."
    return (
        f"found     {finding.id}: {finding.what}\n"
        f"          by {finding.by} in {finding.scenario} ({finding.seconds} s): {detail}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools/mutants", description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--only", action="append", metavar="ID", help="only this bug (may be given several times)")
    parser.add_argument("--list", action="store_true", help="name the bugs and end")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--write", action="store_true", help="run all and write docs/mutants.md")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default %(default)s)")
    parser.add_argument("--quick-set", nargs="*", metavar="SCENARIO", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.quick_set is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S + 5))
        print(json.dumps(quick_set(options.quick_set)))
        return 0
    mutants = catalogue()
    known = {mutant.id for mutant in mutants}
    unknown = [name for name in options.only or () if name not in known]
    if unknown:
        parser.error(f"no bug is called {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    if options.write and options.only:
        parser.error("--write lists all bugs: leave --only out")
    chosen = [mutant for mutant in mutants if not options.only or mutant.id in options.only]
    if options.list:
        for mutant in chosen:
            print(f"{mutant.id:<28} {mutant.what}")
        return 0
    if options.jobs < 1:
        parser.error("--jobs: at least 1")
    return _run(chosen, options.jobs, json_output=options.json, write=options.write)


def page(findings: Sequence[Finding]) -> str:
    """The list of the bugs and what found each, as ``docs/mutants.md``."""
    found = sum(finding.found for finding in findings)
    rows = [
        f"| `{each.id}` | {each.what} | {each.by or 'nothing'} | {each.scenario} |"
        for each in sorted(findings, key=lambda each: each.id)
    ]
    return "\n".join((_HEADER.format(count=len(findings), found=found), *rows, ""))


def try_all(chosen: Sequence[Mutant], folder: Path, jobs: int) -> Iterator[Finding | StaleMutantError]:
    """Try every bug, ``jobs`` at a time in a copy of their own below ``folder``; what became of each, as they end.

    Raises RuntimeError when the project fails without any bug: then nothing can be told from a failure.
    """
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for number in range(jobs):
        copy = folder / str(number)
        copy.mkdir()
        copy_tree(copy)
        compile_tree(copy)
        copies.put(copy)
    sound = run_in(folder / "0", ())
    if sound["by"]:
        raise RuntimeError(f"without any bug {sound['scenario'] or 'the run'} fails: {sound['detail']}")

    def one(mutant: Mutant) -> Finding | StaleMutantError:
        copy = copies.get()
        try:
            return try_mutant(mutant, copy)
        except StaleMutantError as error:
            return error
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(one, mutant) for mutant in chosen]):
            yield done.result()


def _run(chosen: Sequence[Mutant], jobs: int, *, json_output: bool, write: bool = False) -> int:
    findings: list[Finding] = []
    stale: list[str] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        try:
            for result in try_all(chosen, Path(folder), jobs):
                if isinstance(result, StaleMutantError):
                    stale.append(str(result))
                    continue
                findings.append(result)
                if not json_output:
                    print(report(result), flush=True)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
    if write and not stale:
        PAGE.write_text(page(findings), encoding="utf-8")
    for text in stale:
        print(text, file=sys.stderr)
    survived = [finding.id for finding in findings if not finding.found]
    if json_output:
        print(
            json.dumps(
                {"findings": [asdict(each) for each in findings], "survived": survived, "stale": stale}, indent=2
            )
        )
    else:
        print(f"{len(findings) - len(survived)} of {len(chosen)} planted bugs found")
    return 1 if survived or stale else 0


if __name__ == "__main__":
    sys.exit(main())
