"""Two slots: a power cut at any instant leaves a whole version to start; a version that does not prove itself goes."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evse.services.firmware.manifest import PackageError
from evse.services.firmware.package import Package, open_package, write_package
from evse.services.firmware.slots import TRIAL_STARTS, Slots
from tests.fakes.crash_disk import CrashDisk, PowerCut

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ROOT = Path("/firmware")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    made = {}
    for version, rollback, product in (("1.0.0", 1, "thor"), ("2.0.0", 2, "thor"), ("2.1.0", 2, "city")):
        path = tmp_path_factory.mktemp("package") / f"{version}.keb"
        write_package(path, product, version, rollback, {"app": version.encode() * 100, "notes": b"n"}, KEY)
        made[version] = path.read_bytes()
    return made


def package(data: bytes) -> Package:
    return open_package(io.BytesIO(data), len(data), [KEY.public_key()])


def slots(disk: CrashDisk) -> Slots:
    return Slots(ROOT, disk, "thor", [KEY.public_key()])


def put_on_trial(disk: CrashDisk, data: bytes) -> None:
    """Stage a version and ask for its trial at the next start."""
    slots(disk).stage(package(data))
    slots(disk).want()


def installed(packages: dict[str, bytes]) -> CrashDisk:
    """A station that runs 1.0.0, confirmed."""
    disk = CrashDisk(Random(1))
    put_on_trial(disk, packages["1.0.0"])
    slots(disk).start()
    slots(disk).confirm()
    return disk


def running_version(disk: CrashDisk) -> tuple[str, bool]:
    """The version that a start gives, checked file by file, and whether it is on trial."""
    start = slots(disk).start()
    app = disk.read(start.directory / "app") or b""
    version = "2.0.0" if app == b"2.0.0" * 100 else "1.0.0" if app == b"1.0.0" * 100 else f"torn: {app[:10]!r}"
    return version, start.trial


@pytest.mark.req("MNT-03")
def test_a_new_version_is_tried_then_confirmed(packages: dict[str, bytes]) -> None:
    disk = installed(packages)
    put_on_trial(disk, packages["2.0.0"])
    assert running_version(disk) == ("2.0.0", True)
    slots(disk).confirm()
    assert running_version(disk) == ("2.0.0", False)
    assert slots(disk).state().floor == 2


@pytest.mark.req("MNT-03")
def test_a_version_that_never_proves_itself_is_given_up(packages: dict[str, bytes]) -> None:
    disk = installed(packages)
    put_on_trial(disk, packages["2.0.0"])
    for _ in range(TRIAL_STARTS):
        assert running_version(disk) == ("2.0.0", True)
    start = slots(disk).start()
    assert (start.trial, start.returned) == (False, "2.0.0")
    assert running_version(disk) == ("1.0.0", False)
    assert slots(disk).state().returned == "2.0.0"


@pytest.mark.req("MNT-03")
def test_what_is_refused_leaves_everything_as_it_was(packages: dict[str, bytes]) -> None:
    disk = installed(packages)
    with pytest.raises(PackageError, match="is for city, this station is thor"):
        slots(disk).stage(package(packages["2.1.0"]))
    with pytest.raises(PackageError, match="a vehicle is plugged in"):
        slots(disk).stage(package(packages["2.0.0"]), vehicle_plugged=True)
    assert running_version(disk) == ("1.0.0", False)
    put_on_trial(disk, packages["2.0.0"])
    slots(disk).start()
    with pytest.raises(PackageError, match="on trial"):
        put_on_trial(disk, packages["2.0.0"])
    slots(disk).confirm()
    with pytest.raises(PackageError, match=r"version 1\.0\.0 is withdrawn \(rollback number 1, at least 2\)"):
        put_on_trial(disk, packages["1.0.0"])


@pytest.mark.req("MNT-03")
def test_a_power_cut_at_any_operation_leaves_the_old_or_the_new_version_whole(packages: dict[str, bytes]) -> None:
    before = installed(packages)
    seen = set()
    for seed in range(10):
        for cut_at in range(1, 18):
            disk = CrashDisk(Random(seed), cut_at, files=before.files)
            try:
                put_on_trial(disk, packages["2.0.0"])
                slots(disk).start()
                slots(disk).confirm()
            except PowerCut:
                pass
            disk = disk.after_the_cut()
            version, _ = running_version(disk)
            assert version in {"1.0.0", "2.0.0"}, (seed, cut_at, version)
            seen.add(version)
            # And whatever was left, the update can be made again.
            state = slots(disk).state()
            if version == "1.0.0" and not state.trial_starts:
                put_on_trial(disk, packages["2.0.0"])
                assert running_version(disk)[0] == "2.0.0"
    assert seen == {"1.0.0", "2.0.0"}


@pytest.mark.req("MNT-03")
def test_a_slot_that_somebody_changed_is_not_started(packages: dict[str, bytes]) -> None:
    disk = installed(packages)
    put_on_trial(disk, packages["2.0.0"])
    (name,) = [path for path, data in disk.files.items() if data == b"2.0.0" * 100]
    disk.files[name] = b"2.0.0" * 99 + b"evil!"
    start = slots(disk).start()
    assert (start.trial, start.returned) == (False, "2.0.0")


def test_damaged_notes_start_what_the_slots_prove_and_keep_the_floor(packages: dict[str, bytes]) -> None:
    disk = installed(packages)
    put_on_trial(disk, packages["2.0.0"])
    slots(disk).start()
    slots(disk).confirm()
    for damage in (b"", b"[]", b'{"running": 7}', b'{"floor": "0"}'):
        disk.files[ROOT / "firmware.json"] = damage
        assert slots(disk).state().floor == 2
        assert running_version(disk)[0] in {"1.0.0", "2.0.0"}


def test_a_disk_that_fails_refuses_the_update_and_keeps_the_old_version(packages: dict[str, bytes]) -> None:
    before = installed(packages)
    for fail_at in range(1, 16):
        disk = CrashDisk(Random(3), fail_at=[fail_at], files=before.files)
        try:
            put_on_trial(disk, packages["2.0.0"])
        except OSError:
            assert running_version(disk)[0] in {"1.0.0", "2.0.0"}


@pytest.mark.req("MNT-03")
def test_a_staged_version_waits_until_somebody_installs_it(packages: dict[str, bytes]) -> None:
    disk = installed(packages)
    with pytest.raises(PackageError, match="no version is staged"):
        slots(disk).want()
    slots(disk).stage(package(packages["2.0.0"]))
    assert running_version(disk) == ("1.0.0", False)
    with pytest.raises(PackageError, match="a vehicle is plugged in"):
        slots(disk).want(vehicle_plugged=True)
    assert running_version(disk) == ("1.0.0", False)
    assert slots(disk).want() == "2.0.0"
    assert running_version(disk) == ("2.0.0", True)


@pytest.mark.req("MNT-03")
@pytest.mark.parametrize("tried", [False, True])
def test_what_is_given_up_is_not_started_again(packages: dict[str, bytes], tried: bool) -> None:
    disk = installed(packages)
    put_on_trial(disk, packages["2.0.0"])
    if tried:
        assert running_version(disk) == ("2.0.0", True)
    assert slots(disk).give_up() == "2.0.0"
    assert running_version(disk) == ("1.0.0", False)
    assert slots(disk).state().returned == ("2.0.0" if tried else "")
    assert slots(disk).give_up() == ""
