from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.services.disk import RealDisk
from evse.services.settings.configuration import BadConfiguration, Configuration, decode, encode
from evse.services.settings.kinds import Value
from evse.services.settings.model import frozen
from evse.services.settings.store import NAME, PREVIOUS, SettingsStore
from tests.fakes.crash_disk import CrashDisk, PowerCut

HERE = Path("/data")
FIRST = Configuration(2, frozen({"a": 1, "b": True, "c": "é"}), "aa")
SECOND = Configuration(3, frozen({"a": 2}), "bb")
VALUES = st.dictionaries(st.text(max_size=20), st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30))


@given(VALUES, st.integers(1, 10**9))
def test_what_is_written_is_read(changed: dict[str, Value], version: int) -> None:
    configuration = Configuration(version, frozen(changed), "n")
    assert decode(encode(configuration)) == configuration


@settings(max_examples=400)
@given(st.data())
def test_no_changed_byte_is_taken(data: st.DataObject) -> None:
    whole = bytearray(encode(FIRST))
    double = bytes(whole) * 2
    match data.draw(st.sampled_from(["flip", "cut", "insert", "double"])):
        case "flip":
            at = data.draw(st.integers(0, len(whole) - 1))
            whole[at] ^= data.draw(st.integers(1, 255))
        case "cut":
            del whole[data.draw(st.integers(0, len(whole) - 1)) :]
        case "insert":
            at = data.draw(st.integers(0, len(whole)))
            whole[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        case _:
            whole = bytearray(double)
    with pytest.raises(BadConfiguration):
        decode(bytes(whole))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"format":NaN}',
        b"\xff\xfe",
        b"1" * 300_000,
        encode(FIRST).replace(b"1", b"1.0"),
    ],
)
def test_what_is_no_configuration_is_refused(data: bytes) -> None:
    with pytest.raises(BadConfiguration):
        decode(data)


def test_equal_content_of_two_units_has_two_digests() -> None:
    assert Configuration(2, FIRST.changed, "x").digest != Configuration(2, FIRST.changed, "y").digest


def test_a_new_unit_has_the_factory_configuration_and_keeps_what_it_is_given(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "data", RealDisk())
    assert (store.current, store.previous, store.problem) == (Configuration(), None, "")
    store.save(FIRST)
    store.save(SECOND)
    again = SettingsStore(tmp_path / "data", RealDisk())
    assert (again.current, again.previous) == (SECOND, FIRST)
    assert (tmp_path / "data" / NAME).stat().st_mode & 0o077 == 0
    again.forget_previous()
    assert again.previous is None


def test_a_configuration_made_from_another_is_not_kept() -> None:
    store = SettingsStore(HERE, CrashDisk(Random(0)))
    with pytest.raises(ValueError, match="does not follow"):
        store.save(SECOND)


@pytest.mark.req("CFG-01")
def test_after_a_power_cut_at_any_operation_the_old_or_the_new_configuration_is_there() -> None:
    cuts = 0
    for cut_at in range(1, 9):
        for seed in range(12):
            disk = CrashDisk(Random(seed), cut_at)
            acknowledged, tried = Configuration(), [Configuration()]
            try:
                store = SettingsStore(HERE, disk)
                for configuration in (FIRST, SECOND):
                    tried.append(configuration)
                    store.save(configuration)
                    acknowledged = configuration
            except PowerCut:
                cuts += 1
            restarted = SettingsStore(HERE, disk.after_the_cut())
            assert restarted.current in (acknowledged, tried[-1])
            assert restarted.problem == ""
            restarted.save(restarted.current.following({"after": True}, "cc"))
    assert cuts >= 50


def test_a_disk_that_fails_leaves_the_old_configuration_in_force() -> None:
    for fail_at in (2, 3):
        disk = CrashDisk(Random(fail_at), fail_at=[fail_at])
        store = SettingsStore(HERE, disk)
        with pytest.raises(OSError, match="Input/output"):
            store.save(FIRST)
        assert store.current == Configuration()
        store.save(FIRST)
        assert SettingsStore(HERE, disk.after_the_cut()).current == FIRST


def test_damage_from_outside_is_told_and_the_one_before_is_in_force() -> None:
    disk = CrashDisk(Random(0))
    store = SettingsStore(HERE, disk)
    store.save(FIRST)
    store.save(SECOND)
    disk.files[HERE / NAME] = disk.files[HERE / NAME][:-9]
    store = SettingsStore(HERE, disk)
    assert store.current.changed == FIRST.changed
    assert store.current.version > SECOND.version
    assert "before it is in force" in store.problem
    disk.files[HERE / PREVIOUS] = b"rubbish"
    store = SettingsStore(HERE, disk)
    assert store.current == Configuration()
    assert "factory values" in store.problem


def test_the_file_is_readable_json() -> None:
    assert json.loads(encode(FIRST))["changed"] == {"a": 1, "b": True, "c": "é"}
