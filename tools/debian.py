"""Programs of the system that tests need, beyond Python: which, from which Debian package, how to get them.

``tools/test`` installs what is missing where it may; tests ask ``find`` through a fixture and are skipped without
the program, except in continuous integration, where a missing program is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Run = Callable[[Sequence[str]], int]
"""Runs a command and returns its exit status."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program: the names it may have, its Debian package and the tests that need it."""

    commands: tuple[str, ...]
    package: str
    needed_by: str


PROGRAMS = {
    "chromium": Program(("chromium", "chromium-browser"), "chromium", "browser tests"),
    "nfc-list": Program(("nfc-list",), "libnfc-bin", "the card reader test against libnfc"),
    "mbpoll": Program(("mbpoll",), "mbpoll", "the meter tests against mbpoll"),
}


def find(name: str) -> str | None:
    """Return the path of the program called ``name`` in PROGRAMS, None when it is not installed."""
    for command in PROGRAMS[name].commands:
        path = shutil.which(command)
        if path is not None:
            return path
    return None


def missing() -> list[Program]:
    """Return the programs that are not installed."""
    return [program for name, program in PROGRAMS.items() if find(name) is None]


def in_ci(environ: Mapping[str, str] | None = None) -> bool:
    """Tell whether this is continuous integration, where nothing may be skipped (variable CI)."""
    return (os.environ if environ is None else environ).get("CI", "").lower() in {"1", "true", "yes"}


def install_prefix(run: Run) -> list[str] | None:
    """Return what to put before apt-get to be allowed to install, None when it is not possible here."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is not None and run(["sudo", "-n", "true"]) == 0:
        return ["sudo", "-n"]
    return None


def provide(run: Run, tell: Callable[[str], None]) -> bool:
    """Install what is missing if allowed; False when something stays missing, after one line that says what.

    ``run`` executes a command and returns its status, ``tell`` shows a line to the user.
    """
    lacking = missing()
    if not lacking:
        return True
    prefix = install_prefix(run)
    if prefix is not None:
        packages = [program.package for program in lacking]
        tell(f"installing {' '.join(packages)} with apt-get")
        apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
        # A fresh machine or container has no package lists at all; old lists name versions that are gone.
        if run([*apt, "update"]) == 0:
            run([*apt, "install", "--yes", "--no-install-recommends", *packages])
        lacking = missing()
    if lacking:
        tests = " and ".join(program.needed_by for program in lacking)
        packages_line = " ".join(program.package for program in lacking)
        verdict = "cannot run" if in_ci() else "will be skipped"
        tell(f"{tests} {verdict}; to install what they need: apt-get update && apt-get install {packages_line}")
    return not lacking


def run_quietly(command: Sequence[str]) -> int:
    """Run ``command``, showing its output only when it fails; returns its exit status."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        print(done.stdout.decode(errors="replace"), end="", flush=True)
    return done.returncode
