"""The check stops at the first failure and its last line says how it ended."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Sequence

import pytest

from tools import check, debian, lanes
from tools.check import Stage


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def ticking() -> Callable[[], float]:
    counter = itertools.count()
    return lambda: float(next(counter))


def test_all_stages_run_in_order_with_their_times(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []

    def good(name: str) -> Stage:
        return Stage(name, lambda: ran.append(name) or 0)  # type: ignore[func-returns-value]

    assert check.check([good("one"), good("two")], ticking()) == 0
    assert ran == ["one", "two"]
    lines = lines_of(capsys)
    assert "--- one: 1.0 s" in lines
    assert lines[-2:] == ["tools/test: one 1.0 s, two 1.0 s", "tools/test: passed, 2 stages in 5.0 s"]


def test_the_first_failure_ends_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> int:
        raise AssertionError("a stage ran after a failure")

    assert check.check([Stage("good", lambda: 0), Stage("bad", lambda: 7), Stage("later", never)], ticking()) == 1
    assert lines_of(capsys)[-1] == "tools/test: FAILED in bad (status 7) after 5.0 s"


def test_an_interrupt_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert check.check([Stage("long", interrupted)], ticking()) == 130
    assert lines_of(capsys)[-1] == "tools/test: interrupted in long"


def test_arguments_go_to_pytest_and_nothing_else_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Sequence[str]] = []

    def run(command: Sequence[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        assert not check
        calls.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    assert check.main(["-k", "pilot", "tests/unit"]) == 3
    assert [command[1:] for command in calls] == [["-m", "pytest", "-k", "pilot", "tests/unit"]]


def test_every_stage_of_the_check_fails_when_its_command_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 9, stdout=b""))
    monkeypatch.setattr(lanes, "run", lambda lanes: 9)
    names = [stage.name for stage in check.stages()]
    assert names == [
        "format",
        "lint",
        "import contracts",
        "requirements table",
        "programs for tests",
        "types and tests",
        "timing tests",
    ]
    assert [stage.action() for stage in check.stages() if stage.name != "programs for tests"] == [9] * 6


def test_every_test_file_runs_in_one_lane_or_with_the_timing_tests() -> None:
    every = {str(path.relative_to(check.ROOT)) for path in (check.ROOT / "tests").rglob("test_*.py")}
    ran: list[str] = []
    for lane in check.test_lanes():
        ignored = [part.removeprefix("--ignore=") for part in lane.command if part.startswith("--ignore=")]
        asked = [part for part in lane.command if part == "tests" or part.startswith("tests/")]
        ran += [path for path in every if any(within(path, each) for each in asked) and not within_any(path, ignored)]
    assert sorted(ran) == sorted(path for path in every if not within(path, "tests/timing"))
    assert check.test_lanes()[0].command[1:] == ("-m", "mypy")


def within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def within_any(path: str, folders: Sequence[str]) -> bool:
    return any(within(path, folder) for folder in folders)


@pytest.mark.parametrize(("ci", "provided", "status"), [("", False, 0), ("true", False, 1), ("true", True, 0)])
def test_missing_programs_fail_in_ci_only(
    monkeypatch: pytest.MonkeyPatch, ci: str, provided: bool, status: int
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(debian, "provide", lambda run, tell: provided)
    (stage,) = [stage for stage in check.stages() if stage.name == "programs for tests"]
    assert stage.action() == status
