"""Runtime and data directories."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evse.app.processes.paths import (
    Hold,
    PathError,
    check_uid,
    data_directory,
    is_held,
    make_runtime,
    running_stations,
    runtime_base,
    write_status,
)


@pytest.mark.parametrize("uid", ["A", "SIM-parking", "a.b_c-1", "9" * 64])
def test_uids_that_may_name_a_directory(uid: str) -> None:
    assert check_uid(uid) == uid


@pytest.mark.parametrize("uid", ["", ".", "..", "../x", "a/b", "-a", "a b", "ä", "9" * 65, "a\n"])
def test_uids_that_may_not(uid: str) -> None:
    with pytest.raises(PathError):
        check_uid(uid)


def test_a_held_directory_is_refused_until_released(tmp_path: Path) -> None:
    hold = Hold(tmp_path)
    assert is_held(tmp_path)
    with pytest.raises(PathError, match="in use"):
        Hold(tmp_path)
    hold.release()
    assert not is_held(tmp_path)
    Hold(tmp_path).release()


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory with a short path: pytest's own are too deep for sockets."""
    with tempfile.TemporaryDirectory(prefix="evse-t", dir="/tmp") as name:
        yield Path(name)


def test_a_runtime_directory_that_was_asked_for_is_used_or_refused(short: Path) -> None:
    wish = short / "base"
    assert runtime_base({"EVSE_RUNTIME_DIR": str(wish)}) == wish
    assert wish.stat().st_mode & 0o777 == 0o700
    wish.chmod(0o755)
    with pytest.raises(PathError, match=r"^EVSE_RUNTIME_DIR: .*base: must be a directory of yours with mode 0700$"):
        runtime_base({"EVSE_RUNTIME_DIR": str(wish)})
    too_long = short / ("x" * 100)
    with pytest.raises(PathError, match=r"path too long for sockets \(\d{3} bytes, at most 67\)"):
        runtime_base({"EVSE_RUNTIME_DIR": str(too_long)})
    assert not too_long.exists()


def test_without_a_wish_the_first_place_that_is_safe_and_short_is_taken(short: Path) -> None:
    assert runtime_base({"XDG_RUNTIME_DIR": str(short)}) == short / "evse"
    long = short / ("x" * 100)
    long.mkdir()
    assert runtime_base({"XDG_RUNTIME_DIR": str(long)}) == Path(f"/tmp/evse-{os.getuid()}")


def test_a_link_is_no_runtime_base(short: Path) -> None:
    (short / "d").mkdir(mode=0o700)
    (short / "l").symlink_to(short / "d")
    with pytest.raises(PathError, match="mode 0700"):
        runtime_base({"EVSE_RUNTIME_DIR": str(short / "l")})


def test_only_running_stations_are_found_and_dead_ones_are_cleared_away(tmp_path: Path) -> None:
    dead = tmp_path / "1"
    dead.mkdir()
    Hold(dead).release()
    write_status(dead, {"uid": "dead"})
    assert running_stations(tmp_path) == []
    hold = make_runtime(tmp_path)
    assert not dead.exists()
    assert running_stations(tmp_path) == []  # it has not said anything yet
    write_status(hold.directory, {"uid": "alive"})
    assert [station.status["uid"] for station in running_stations(tmp_path)] == ["alive"]
    hold.release()
    assert running_stations(tmp_path) == []


def test_data_directory_follows_wish_then_environment(tmp_path: Path) -> None:
    assert data_directory("U", str(tmp_path / "wish")) == tmp_path / "wish"
    assert data_directory("U", "", {"XDG_STATE_HOME": str(tmp_path / "s")}) == tmp_path / "s" / "evse" / "U"
    home = data_directory("U", "", {"HOME": str(tmp_path)})
    assert home == tmp_path / ".local" / "state" / "evse" / "U"
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_data_directory_that_cannot_be_made_is_a_readable_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PathError, match="file"):
        data_directory("U", str(tmp_path / "file"))
    assert os.listdir(tmp_path) == ["file"]
