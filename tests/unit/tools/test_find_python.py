"""The scripts find an interpreter by running candidates; what cannot work gets one clear line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "_python.sh"
USUAL_PLACES = " /usr/local/bin /usr/bin /bin"
GOOD, SHIM, TOO_OLD, NO_VENV = 0, 127, 3, 4


class Machine:
    """A machine whose only interpreters are those put on its PATH; they end with the status that is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        script = SCRIPT.read_text(encoding="utf-8")
        assert USUAL_PLACES in script
        self.script = folder / "_python.sh"
        self.script.write_text(script.replace(USUAL_PLACES, ""), encoding="utf-8")

    def add(self, directory: str, name: str, status: int) -> str:
        path = self.folder / directory / name
        path.parent.mkdir(exist_ok=True)
        # "-IS -c TEXT": the text of the probe imports ensurepip, the other one prints a version.
        path.write_text(f"#!/bin/sh\ncase $3 in *ensurepip*) exit {status} ;; *) echo 3.11 ;; esac\n", encoding="ascii")
        path.chmod(0o755)
        return str(path)

    def find(self, *directories: str, **env: str) -> tuple[int, str, list[str]]:
        """Return exit status, the interpreter found, and the lines for the user."""
        path = ":".join(str(self.folder / directory) if directory else "" for directory in directories)
        done = subprocess.run(
            ["/bin/sh", "-uc", f'tool=tools/run; . "{self.script}"; echo "$python"'],
            env={"PATH": path, **env},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr.splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "with a space").mkdir()
    return Machine(tmp_path / "with a space")


def test_the_newest_that_works_is_taken(machine: Machine) -> None:
    machine.add("bin", "python3", GOOD)
    machine.add("bin", "python3.11", GOOD)
    newest = machine.add("bin", "python3.12", GOOD)
    assert machine.find("bin") == (0, newest, [])


def test_a_failing_shim_does_not_hide_what_is_behind_it(machine: Machine) -> None:
    machine.add("shims", "python3.13", SHIM)
    machine.add("shims", "python3.12", SHIM)
    behind = machine.add("bin", "python3.12", GOOD)
    assert machine.find("shims", "bin") == (0, behind, [])


def test_old_ones_and_ones_without_venv_are_passed_over(machine: Machine) -> None:
    machine.add("bin", "python3.12", NO_VENV)
    machine.add("bin", "python3", TOO_OLD)
    last = machine.add("bin", "python", GOOD)
    assert machine.find("bin") == (0, last, [])


def test_empty_and_relative_entries_are_not_searched(machine: Machine) -> None:
    machine.add(".", "python3.13", GOOD)
    good = machine.add("bin", "python3.11", GOOD)
    assert machine.find("", "bin", "") == (0, good, [])
    (machine.folder / "python3.12").mkdir()  # nor is a directory an interpreter
    assert machine.find("", "bin") == (0, good, [])


def test_no_python_gets_one_line(machine: Machine) -> None:
    machine.add("bin", "python3", TOO_OLD)
    status, found, lines = machine.find("bin")
    assert (status, found) == (1, "")
    assert lines == [
        "tools/run: no Python 3.11 or newer found; install one (Debian: apt-get install python3 python3-venv) "
        "or set EVSE_PYTHON to it"
    ]


def test_no_venv_module_gets_one_line_that_names_the_package(machine: Machine) -> None:
    python = machine.add("bin", "python3", NO_VENV)
    status, found, lines = machine.find("bin")
    assert (status, found) == (1, "")
    assert lines == [
        f"tools/run: {python} has no venv/ensurepip module; install it (Debian: apt-get install python3.11-venv) "
        "or set EVSE_PYTHON to another Python 3.11 or newer"
    ]


@pytest.mark.parametrize(
    ("status", "text"), [(TOO_OLD, "older than Python 3.11"), (NO_VENV, "ensurepip"), (SHIM, "does not run")]
)
def test_evse_python_is_never_replaced_by_another(machine: Machine, status: int, text: str) -> None:
    machine.add("bin", "python3", GOOD)
    chosen = machine.add("other", "mine", status)
    code, found, lines = machine.find("bin", EVSE_PYTHON=chosen)
    assert (code, found) == (1, "")
    assert len(lines) == 1
    assert text in lines[0]


def test_evse_python_wins_over_the_search(machine: Machine) -> None:
    machine.add("bin", "python3", GOOD)
    chosen = machine.add("other", "mine", GOOD)
    assert machine.find("bin", EVSE_PYTHON=chosen) == (0, chosen, [])


def test_this_interpreter_passes_the_real_probe(machine: Machine) -> None:
    environ = {"EVSE_PYTHON": os.path.realpath(sys.executable)}
    assert machine.find("bin", **environ) == (0, environ["EVSE_PYTHON"], [])
