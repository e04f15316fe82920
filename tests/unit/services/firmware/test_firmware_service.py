"""A package's way into force: who may, what is told and logged, what comes of a version that does not work."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evse.core.units import MINUTE, SECOND
from evse.services.firmware.manifest import PackageError
from evse.services.firmware.service import PROOF_US, TRIAL_LIMIT_US, FirmwareState, TrialWatch
from evse.services.security.events import SecurityKind
from evse.services.settings.model import Role
from evse.services.settings.service import Actor
from tests.fakes.firmware_bench import FirmwareBench, package_bytes

pytestmark = pytest.mark.req("MNT-03")
ADMIN = Actor("admin", Role.ADMIN, "192.168.0.9")


def test_a_package_is_staged_installed_and_confirmed_and_all_of_it_is_logged() -> None:
    bench = FirmwareBench()
    assert bench.service.state() == FirmwareState("0.1.0", False, "", "0.1.0", "", 0, 1)
    assert bench.service.stage(package_bytes("2.0.0", 4), ADMIN).version == "2.0.0"
    assert bench.service.state() == FirmwareState("0.1.0", False, "2.0.0", "0.1.0", "", 0, 1)
    assert (bench.service.install(ADMIN), bench.restarts) == ("2.0.0", 1)
    service = bench.restart()
    assert service.state() == FirmwareState("2.0.0", True, "", "0.1.0", "", 0, 1)
    assert service.confirm(ADMIN) == "2.0.0"
    assert service.state() == FirmwareState("2.0.0", False, "", "2.0.0", "", 4, 1)
    assert bench.told() == [("staged", "2.0.0"), ("installing", "2.0.0"), ("installed", "2.0.0")]
    assert [(each.kind, each.actor, each.source) for each in bench.log.events] == [
        (kind, "admin", "192.168.0.9")
        for kind in (SecurityKind.FIRMWARE_STAGED, SecurityKind.FIRMWARE_TRIED, SecurityKind.FIRMWARE_CONFIRMED)
    ]


def test_a_file_is_taken_like_its_content(tmp_path: Path) -> None:
    bench = FirmwareBench()
    path = tmp_path / "package.keb"
    path.write_bytes(package_bytes("2.0.0"))
    assert bench.service.stage(path).version == "2.0.0"


def test_a_version_that_never_proves_itself_is_told_once_after_the_return() -> None:
    bench = FirmwareBench()
    bench.service.stage(package_bytes("2.0.0"))
    bench.service.install()
    for _ in range(3):
        assert bench.restart().state().trial
    bench.events.clear()
    state = bench.restart().state()
    assert (state.running, state.trial, state.returned) == ("0.1.0", False, "2.0.0")
    assert bench.told() == [("returned", "2.0.0")]
    assert bench.log.events[-1].kind is SecurityKind.FIRMWARE_RETURNED
    bench.restart()
    assert bench.told() == [("returned", "2.0.0")]


def test_a_trial_that_is_given_back_restarts_into_the_version_before() -> None:
    bench = FirmwareBench()
    bench.service.stage(package_bytes("2.0.0"))
    bench.service.install()
    assert bench.restart().give_back(ADMIN) == "2.0.0"
    assert bench.restarts == 2
    assert bench.restart().state().running == "0.1.0"
    assert bench.told()[-1] == ("returned", "2.0.0")


def test_what_is_only_staged_is_forgotten_without_a_restart() -> None:
    bench = FirmwareBench()
    bench.service.stage(package_bytes("2.0.0"))
    assert (bench.service.give_back(), bench.restarts) == ("2.0.0", 0)
    with pytest.raises(PackageError, match="no version is staged or on trial"):
        bench.service.give_back()
    with pytest.raises(PackageError, match="no version is staged: upload"):
        bench.service.install()
    with pytest.raises(PackageError, match="no version is on trial"):
        bench.service.confirm()


def test_a_plugged_vehicle_forbids_both_the_package_and_its_installation() -> None:
    bench = FirmwareBench()
    bench.plugged = True
    with pytest.raises(PackageError, match="a vehicle is plugged in"):
        bench.service.stage(package_bytes("2.0.0"))
    bench.plugged = False
    bench.service.stage(package_bytes("2.0.0"))
    bench.plugged = True
    with pytest.raises(PackageError, match="a vehicle is plugged in"):
        bench.service.install()
    assert bench.restarts == 0
    assert bench.restart().state().running == "0.1.0"


def test_what_is_refused_is_told_and_logged_with_the_reason() -> None:
    bench = FirmwareBench()
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
    for data, why in (
        (package_bytes("2.0.0", key=stranger), "not from a maker this station trusts"),
        (package_bytes("2.0.0", product="city"), "for city"),
        (b"PK", "no firmware package"),
    ):
        with pytest.raises(PackageError, match=why):
            bench.service.stage(data, ADMIN)
        assert why in bench.events[-1].reason
        assert (bench.log.events[-1].kind, bench.log.events[-1].actor) == (SecurityKind.FIRMWARE_REFUSED, "admin")
        assert why in bench.log.events[-1].detail
    assert bench.service.state().staged == ""


def test_older_firmware_than_was_ever_confirmed_is_refused() -> None:
    bench = FirmwareBench()
    bench.service.stage(package_bytes("2.0.0", 5))
    bench.service.install()
    bench.restart().confirm()
    with pytest.raises(PackageError, match=r"withdrawn \(rollback number 4, at least 5\)"):
        bench.service.stage(package_bytes("1.9.0", 4))


def test_a_station_without_keys_takes_nothing() -> None:
    bench = FirmwareBench(trusted=False)
    with pytest.raises(PackageError, match="has no maker's key"):
        bench.service.stage(package_bytes("2.0.0"))


def test_two_threads_at_once_leave_one_whole_version() -> None:
    bench = FirmwareBench()
    packages = [package_bytes(f"2.{minor}.0", content=bytes([minor]) * 5_000) for minor in range(4)]
    threads = [threading.Thread(target=bench.service.stage, args=(data,)) for data in packages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    version = bench.service.state().staged
    bench.service.install()
    start = bench.slots().start()
    assert start.trial
    assert bench.disk.files[start.directory / "app"] == bytes([int(version.split(".")[1])]) * 5_000


def test_a_trial_is_confirmed_after_a_minute_without_a_break_and_given_back_after_ten() -> None:
    watch = TrialWatch()
    assert watch.verdict(0, well=True) is None
    assert watch.verdict(PROOF_US - 1, well=True) is None
    assert watch.verdict(PROOF_US - 1, well=False) is None
    assert watch.verdict(2 * PROOF_US - 2, well=True) is None
    assert watch.verdict(3 * PROOF_US - 3, well=True) is None
    assert watch.verdict(3 * PROOF_US - 2, well=True) is True

    watch = TrialWatch()
    assert watch.verdict(5 * MINUTE, well=False) is None
    assert watch.verdict(5 * MINUTE + TRIAL_LIMIT_US - SECOND, well=True) is None
    assert watch.verdict(5 * MINUTE + TRIAL_LIMIT_US, well=True) is False
