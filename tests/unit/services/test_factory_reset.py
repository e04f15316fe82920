from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from evse.services.accounts.keeper import AccountKeeper
from evse.services.accounts.passwords import hash_password, verify_password
from evse.services.factory_reset import ResetFile, ResetOrder, reset_accounts, reset_settings
from evse.services.settings.configuration import Configuration
from evse.services.settings.model import Role, frozen
from evse.services.settings.store import SettingsStore
from tests.fakes.crash_disk import CrashDisk, PowerCut

HERE = Path("/d")
COST = 4
ORDER = ResetOrder(keep_badges=False, actor="admin", source="10.0.0.1")


def commissioned(disk: CrashDisk) -> str:
    """A station with settings and a password of its own; the label's secret."""
    store = SettingsStore(HERE, disk)
    store.save(Configuration(2, frozen({"smtp.password": "hunter2"}), "a"))
    store.save(Configuration(3, frozen({"smtp.password": "hunter3"}), "b"))
    keeper = AccountKeeper(HERE, disk, "S1", COST)
    keeper.save(keeper.current.with_password(Role.ADMIN, hash_password("Mine-1", COST), must_change=False))
    assert keeper.label is not None
    return keeper.label.password


def carry_out(disk: CrashDisk) -> None:
    """What a start does."""
    file = ResetFile(HERE, disk)
    if file.read() is not None:
        reset_settings(SettingsStore(HERE, disk), "n")
        reset_accounts(AccountKeeper(HERE, disk, "S1", COST))
        file.done()


@pytest.mark.req("CFG-03")
def test_nothing_of_before_stays_and_the_label_opens_the_unit_again() -> None:
    disk = CrashDisk(Random(1))
    secret = commissioned(disk)
    ResetFile(HERE, disk).write(ORDER)
    carry_out(disk)
    assert b"hunter" not in b"".join(disk.files.values())
    store = SettingsStore(HERE, disk)
    assert (dict(store.current.changed), store.current.version) == ({}, 4)
    admin = AccountKeeper(HERE, disk, "S1", COST).current.admin
    assert admin.must_change
    assert verify_password(secret, admin.password)
    assert ResetFile(HERE, disk).read() is None


@pytest.mark.req("CFG-03")
def test_a_power_cut_anywhere_leaves_the_old_station_or_ends_as_a_whole_reset() -> None:
    before = CrashDisk(Random(1))
    commissioned(before)
    outcomes = set()
    for cut_at in range(1, 12):
        for seed in range(6):
            disk = CrashDisk(Random(seed), cut_at, files=before.files)
            ordered = False
            try:
                ResetFile(HERE, disk).write(ORDER)
                ordered = True
                carry_out(disk)
            except PowerCut:
                pass
            disk = disk.after_the_cut()
            carry_out(disk)
            kept = dict(SettingsStore(HERE, disk).current.changed)
            own = not AccountKeeper(HERE, disk, "S1", COST).current.admin.must_change
            assert (bool(kept), own) in ((True, True), (False, False))
            assert not (ordered and kept)
            outcomes.add(own)
    assert outcomes == {True, False}


def test_an_order_is_read_as_written_and_a_damaged_one_keeps_the_badges() -> None:
    disk = CrashDisk(Random(1))
    file = ResetFile(HERE, disk)
    file.write(ORDER)
    assert file.read() == ORDER
    as_the_family_does = ResetOrder(None, "at the machine")
    file.write(as_the_family_does)
    assert file.read() == as_the_family_does
    for data in (b"", b"{}", b"[]", b'{"keep_badges": 0, "actor": 1}'):
        disk.files[HERE / "factory-reset.json"] = data
        order = file.read()
        assert order is not None
        assert order.keep_badges
