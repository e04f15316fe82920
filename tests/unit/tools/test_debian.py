"""Programs that tests need are installed where allowed; otherwise one line says what is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

import pytest

from tools import debian


class Machine:
    """A machine with some programs; apt-get adds the programs of its packages unless it is broken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *programs: str, uid: int = 0, apt_works: bool = True) -> None:
        self.programs = set(programs)
        self.apt_works = apt_works
        self.ran: list[list[str]] = []
        self.told: list[str] = []
        monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name in self.programs else None)
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        monkeypatch.delenv("CI", raising=False)

    def run(self, command: Sequence[str]) -> int:
        self.ran.append(list(command))
        if "apt-get" in command and not self.apt_works:
            return 100
        if "install" in command:
            packages = {program.package: name for name, program in debian.PROGRAMS.items()}
            self.programs |= {packages[word] for word in command if word in packages}
        return 0

    def provide(self) -> bool:
        return debian.provide(self.run, self.told.append)


def test_nothing_happens_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, "apt-get", "chromium", "mbpoll", "nfc-list")
    assert machine.provide()
    assert machine.ran == []
    assert machine.told == []


def test_root_installs_after_refreshing_the_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, "apt-get", "mbpoll", "nfc-list")
    assert machine.provide()
    update, install = machine.ran
    assert update[0] == "env"
    assert update[-1] == "update"
    assert install[-1] == "chromium"
    assert "libnfc-bin" not in install


def test_a_user_needs_sudo_without_password(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, "apt-get", "sudo", uid=1000)
    assert machine.provide()
    assert machine.ran[0] == ["sudo", "-n", "true"]
    assert machine.ran[1][:3] == ["sudo", "-n", "env"]


@pytest.mark.parametrize(
    "machine_with",
    [((), 0, True), (("apt-get",), 1000, True), (("apt-get",), 0, False)],
    ids=["other system", "no rights", "apt-get fails"],
)
def test_what_stays_missing_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, machine_with: tuple[tuple[str, ...], int, bool]
) -> None:
    programs, uid, apt_works = machine_with
    machine = Machine(monkeypatch, *programs, uid=uid, apt_works=apt_works)
    assert not machine.provide()
    assert machine.told[-1] == (
        "browser tests and the card reader test against libnfc and the meter tests against mbpoll will be skipped; "
        "to install what they need: apt-get update && apt-get install chromium libnfc-bin mbpoll"
    )


def test_in_ci_the_line_does_not_promise_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    monkeypatch.setenv("CI", "true")
    assert not machine.provide()
    assert "cannot run" in machine.told[-1]


def test_another_name_of_a_program_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(monkeypatch, "chromium-browser")
    assert debian.find("chromium") == "/usr/bin/chromium-browser"
    assert debian.find("nfc-list") is None
