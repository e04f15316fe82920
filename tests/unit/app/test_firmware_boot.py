"""What a start runs: the machine's program, or the one of a slot, checked and unpacked anew."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evse.app.processes.firmware_boot import FIRMWARE, PROGRAM, Boot, Booted
from evse.services.disk import RealDisk
from evse.services.firmware.keys import KeyProblem, make_keys, maker_keys, private_key
from evse.services.firmware.package import write_package
from evse.services.firmware.service import FirmwareService
from evse.services.firmware.slots import Slots
from evse.services.security.events import SecurityMemory

pytestmark = pytest.mark.req("MNT-03")


class Machine:
    """A data directory, a maker with keys, and what starts find."""

    def __init__(self, directory: Path) -> None:
        self.data, self.runtime, self.keys = (directory / name for name in ("data", "run", "keys"))
        for each in (self.data, self.runtime, self.keys):
            each.mkdir()
        make_keys(directory / "maker.key", self.keys / "maker.pem")
        self.secret = private_key(directory / "maker.key")
        self.boot = Boot(self.data, self.runtime, "parking", str(self.keys))
        trusted = maker_keys(self.keys)
        self.service = FirmwareService(
            Slots(self.data / FIRMWARE, RealDisk(), "parking", trusted),
            trusted,
            SecurityMemory(),
            built_in="0.1.0",
            restart=lambda: None,
        )

    def install(self, version: str, files: dict[str, bytes]) -> None:
        path = self.data / "package.zip"
        write_package(path, "parking", version, 1, files, self.secret)
        self.service.stage(path)
        self.service.install()


def wheel(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("evse/__init__.py", text)
    return buffer.getvalue()


def test_without_a_package_the_machines_program_runs(tmp_path: Path) -> None:
    assert Machine(tmp_path).boot.next() == Booted()


def test_a_slots_program_is_unpacked_tried_and_kept_when_it_is_confirmed(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.install("2.0.0", {PROGRAM: wheel("two")})
    booted = machine.boot.next()
    assert booted.trial
    assert (Path(booted.program) / "evse" / "__init__.py").read_text() == "two"
    machine.service.confirm()
    kept = machine.boot.next()
    assert not kept.trial
    assert (Path(kept.program) / "evse" / "__init__.py").read_text() == "two"
    assert [each.name for each in machine.runtime.iterdir()] == [Path(kept.program).name]


def test_a_trial_ends_with_the_machines_program(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.install("2.0.0", {PROGRAM: wheel("two")})
    assert [machine.boot.next().trial for _ in range(3)] == [True] * 3
    assert machine.boot.next() == Booted(returned="2.0.0")


def test_a_package_without_a_program_changes_none(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.install("2.0.0", {"notes.txt": b"hello"})
    assert machine.boot.next() == Booted(trial=True)


@pytest.mark.parametrize("damage", [b"", b"evil"])
def test_a_confirmed_program_that_somebody_changed_is_not_run(tmp_path: Path, damage: bytes) -> None:
    machine = Machine(tmp_path)
    machine.install("2.0.0", {PROGRAM: wheel("two")})
    machine.boot.next()
    machine.service.confirm()
    (machine.data / FIRMWARE / "slot-b" / PROGRAM).write_bytes(damage)
    assert machine.boot.next() == Booted(returned="2.0.0")
    state = machine.service.state()
    assert (state.running, state.trial, state.returned) == ("0.1.0", False, "2.0.0")


def test_a_confirmed_program_that_is_lost_gives_way_to_the_one_confirmed_before(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for version in ("2.0.0", "3.0.0"):
        machine.install(version, {PROGRAM: wheel(version)})
        machine.boot.next()
        machine.service.confirm()
    (machine.data / FIRMWARE / "slot-a" / PROGRAM).write_bytes(b"evil")
    booted = machine.boot.next()
    assert (booted.trial, booted.returned) == (False, "3.0.0")
    assert (Path(booted.program) / "evse" / "__init__.py").read_text() == "2.0.0"
    assert machine.service.state().running == "2.0.0"


def test_a_program_that_is_no_archive_is_given_up_at_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.install("2.0.0", {PROGRAM: b"no archive"})
    assert machine.boot.next() == Booted(returned="2.0.0")
    assert machine.service.state().running == "0.1.0"


def test_keys_of_another_kind_or_none_trust_nobody(tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("hello")
    (tmp_path / "notes.txt").write_text("hello")
    assert maker_keys(tmp_path) == ()
    assert maker_keys(tmp_path / "nowhere") == ()
    make_keys(tmp_path / "a.key", tmp_path / "a.pem")
    assert len(maker_keys(tmp_path)) == 1
    assert isinstance(private_key(tmp_path / "a.key"), Ed25519PrivateKey)
    assert (tmp_path / "a.key").stat().st_mode & 0o077 == 0
    with pytest.raises(KeyProblem, match="holds no secret key"):
        private_key(tmp_path / "a.pem")
    with pytest.raises(FileExistsError):
        make_keys(tmp_path / "a.key", tmp_path / "b.pem")
