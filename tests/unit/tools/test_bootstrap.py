"""The environment is made anew whenever, and only when, what it must contain has changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import _bootstrap
from tools._bootstrap import Environment, SetupError, command_for

PROJECT = '[project]\nname = "x"\n[tool.setuptools]\nzip-safe = false\n[tool.ruff]\nline-length = 100\n'


class Calls:
    """Stands for venv and pip: notes what is called and makes the files that they would make."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[str] = []
        self.fail_at = ""
        monkeypatch.setattr(subprocess, "run", self.run)

    def run(self, command: Sequence[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        what = "venv" if "venv" in command else Path(command[-1]).stem if "-r" in command else "project"
        self.made.append(what)
        if what == self.fail_at:
            return subprocess.CompletedProcess(command, 2, stdout=b"no such package\n")
        if what == "venv":
            python = Path(command[-1]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        return subprocess.CompletedProcess(command, 0, stdout=b"")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    root = tmp_path / "a path"
    (root / "requirements").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PROJECT)
    for level in ("run", "dev"):
        (root / "requirements" / f"{level}.txt").write_text(f"{level}==1\n")
    return Environment(root, "3.11", "cpython-311")


def prepared(env: Environment, calls: Calls, level: str) -> list[str]:
    """Return what a preparation of ``level`` calls."""
    calls.made = []
    env.prepare(level, "tools/x")
    assert env.ready(level)
    return calls.made


def test_the_second_start_installs_nothing(env: Environment, calls: Calls) -> None:
    assert prepared(env, calls, "run") == ["venv", "run", "project"]
    assert prepared(env, calls, "run") == []


def test_dev_adds_to_run_and_contains_it(env: Environment, calls: Calls) -> None:
    prepared(env, calls, "run")
    assert prepared(env, calls, "dev") == ["dev", "project"]
    assert prepared(env, calls, "run") == []


def test_dev_alone_serves_run_too(env: Environment, calls: Calls) -> None:
    assert prepared(env, calls, "dev") == ["venv", "dev", "project"]
    assert prepared(env, calls, "run") == []


@pytest.mark.parametrize("changed", ["requirements/run.txt", "requirements/dev.txt"])
def test_a_changed_lock_makes_the_environment_anew(env: Environment, calls: Calls, changed: str) -> None:
    prepared(env, calls, "dev")
    with (env.root / changed).open("a") as lock:
        lock.write("more==2\n")
    assert prepared(env, calls, "dev") == ["venv", "dev", "project"]


def test_only_tables_that_matter_count(env: Environment, calls: Calls) -> None:
    prepared(env, calls, "run")
    pyproject = env.root / "pyproject.toml"
    pyproject.write_text(PROJECT.replace("line-length = 100", "line-length = 120"))
    assert prepared(env, calls, "run") == []
    pyproject.write_text(PROJECT.replace('"x"', '"y"'))
    assert prepared(env, calls, "run") == ["venv", "run", "project"]


@pytest.mark.parametrize("step", ["run", "project"])
def test_an_unfinished_installation_is_not_trusted(env: Environment, calls: Calls, step: str) -> None:
    calls.fail_at = step
    with pytest.raises(SetupError, match=r"failed \(status 2\)") as caught:
        env.prepare("run", "tools/x")
    assert caught.value.log == "no such package\n"
    assert not env.ready("run")
    calls.fail_at = ""
    assert prepared(env, calls, "run") == ["venv", "run", "project"]


def test_a_failed_addition_spoils_the_whole_environment(env: Environment, calls: Calls) -> None:
    prepared(env, calls, "run")
    calls.fail_at = "dev"
    with pytest.raises(SetupError):
        env.prepare("dev", "tools/x")
    assert not env.ready("run")
    calls.fail_at = ""
    assert prepared(env, calls, "dev") == ["venv", "dev", "project"]


def test_a_removed_interpreter_makes_it_anew(env: Environment, calls: Calls) -> None:
    prepared(env, calls, "run")
    env.python.unlink()
    env.python.symlink_to("/nowhere/python3.11")
    assert prepared(env, calls, "run") == ["venv", "run", "project"]


def test_a_moved_or_copied_tree_needs_its_own(env: Environment, calls: Calls, tmp_path: Path) -> None:
    prepared(env, calls, "run")
    moved = env.root.rename(tmp_path / "elsewhere")
    assert not Environment(moved, "3.11", "cpython-311").ready("run")


def test_two_versions_stand_side_by_side(env: Environment, calls: Calls) -> None:
    prepared(env, calls, "run")
    other = Environment(env.root, "3.13", "cpython-313")
    assert prepared(other, calls, "run") == ["venv", "run", "project"]
    assert env.ready("run")


@pytest.mark.parametrize(
    ("tool", "args", "command"),
    [
        ("run", [], ["/v/bin/evse", "run", "--profile", "parking"]),
        ("run", ["--profile", "my own.yaml"], ["/v/bin/evse", "run", "--profile", "my own.yaml"]),
        ("run", ["--help"], ["/v/bin/evse", "run", "--help"]),
        ("run", ["--port", "0"], ["/v/bin/evse", "run", "--profile", "parking", "--port", "0"]),
        ("run", ["--port", "0", "--profile=p"], ["/v/bin/evse", "run", "--port", "0", "--profile=p"]),
        ("run", ["--pr", "p"], ["/v/bin/evse", "run", "--pr", "p"]),
        ("run", ["--version"], ["/v/bin/evse", "--version"]),
        ("run", ["sim", "story.yaml"], ["/v/bin/evse", "sim", "story.yaml"]),
        ("test", ["-k", "a"], ["-m", "tools.check", "-k", "a"]),
        ("lock", ["--upgrade"], ["-m", "tools.lock", "--upgrade"]),
    ],
)
def test_arguments_reach_the_right_command(tool: str, args: list[str], command: list[str]) -> None:
    assert command_for(tool, args, Path("/v/bin/python")) == ["/v/bin/python", *command]


def test_a_setup_that_fails_ends_with_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Environment, level: str, tell: str) -> None:
        raise SetupError("installing the dependencies failed (status 1)", "no network\n")

    monkeypatch.setattr(Environment, "prepare", fail)
    assert _bootstrap.main(["run"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "no network",
        "tools/run: installing the dependencies failed (status 1); the output is above",
    ]


def test_what_a_tool_compiles_is_kept_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise every process of a station, and every one of a check, compiles the whole program again."""
    seen: list[str | None] = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(Environment, "prepare", lambda self, level, tell: None)
    monkeypatch.setattr("os.execv", lambda *command: seen.append(os.environ.get("PYTHONDONTWRITEBYTECODE")))
    _bootstrap.main(["run"])
    assert seen == [None]
