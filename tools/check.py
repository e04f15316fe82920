"""The whole check, stage by stage; stops at the first failure and says in its last line how it ended.

``tools/test`` starts it inside the project's environment. With arguments only pytest runs, with these arguments.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import debian, lanes
from tools.lanes import Lane

PYTHON = sys.executable
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name and what it does; ``action`` returns an exit status, 0 is good."""

    name: str
    action: Callable[[], int]


def _command(*command: str) -> Callable[[], int]:
    return lambda: subprocess.run(command, check=False).returncode


def _module(*command: str) -> Callable[[], int]:
    return _command(PYTHON, "-m", *command)


def _programs() -> int:
    provided = debian.provide(debian.run_quietly, lambda line: print(line, flush=True))
    return 1 if debian.in_ci() and not provided else 0


def test_lanes() -> list[Lane]:
    """Return the type check and all tests but those that measure time; each test file belongs to one lane.

    Two lanes compute, two mostly wait for real processes.
    """
    virtual = [f"tests/{name}" for name in ("contract", "mutants", "profiles", "scenario")]
    dying = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "real").glob("test_processes_*.py"))
    return [
        Lane("types", (PYTHON, "-m", "mypy")),
        _pytest("real processes", "tests/real", *(f"--ignore={path}" for path in dying)),
        _pytest("real processes that are killed", *dying),
        _pytest("whole stations in virtual time", *virtual),
        _pytest("units", "tests", *(f"--ignore={path}" for path in (*virtual, "tests/real", "tests/timing"))),
    ]


def _pytest(name: str, *arguments: str) -> Lane:
    # Lanes that shared pytest's cache would overwrite what the others note there.
    return Lane(
        name, (PYTHON, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--durations=8", *arguments)
    )


def stages() -> list[Stage]:
    """Return all stages, cheap ones first."""
    return [
        Stage("format", _module("ruff", "format", "--check", ".")),
        Stage("lint", _module("ruff", "check", ".")),
        Stage(
            "import contracts", _command(PYTHON, "-c", "from importlinter.cli import lint_imports_command as c; c()")
        ),
        Stage("requirements table", _module("tools.requirements_table", "--check")),
        Stage("programs for tests", _programs),
        Stage("types and tests", lambda: lanes.run(test_lanes())),
        # Time is measured without neighbours: one after the other, when nothing else of the check runs.
        Stage("timing tests", _module("pytest", "-q", "-p", "no:xdist", "tests/timing")),
    ]


def check(todo: Sequence[Stage], clock: Callable[[], float] = time.monotonic) -> int:
    """Run the stages in order up to the first failure; returns 0 when all passed, else 1. ``clock`` is in seconds."""
    begin = clock()
    spent: list[str] = []
    for number, stage in enumerate(todo, start=1):
        print(f"--- {stage.name} ({number}/{len(todo)})", flush=True)
        stage_begin = clock()
        try:
            status = stage.action()
        except KeyboardInterrupt:
            print(f"\ntools/test: interrupted in {stage.name}", flush=True)
            return 130
        seconds = clock() - stage_begin
        spent.append(f"{stage.name} {seconds:.1f} s")
        print(f"--- {stage.name}: {seconds:.1f} s", flush=True)
        if status:
            print(f"tools/test: FAILED in {stage.name} (status {status}) after {clock() - begin:.1f} s", flush=True)
            return 1
    print(f"tools/test: {', '.join(spent)}")
    print(f"tools/test: passed, {len(todo)} stages in {clock() - begin:.1f} s", flush=True)
    return 0


def main(argv: Sequence[str]) -> int:
    """Run everything, or only pytest with ``argv`` when there are arguments; returns the exit status."""
    if argv:
        return subprocess.run([PYTHON, "-m", "pytest", *argv], check=False).returncode
    return check(stages())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
