"""The compiled file: round trip, damage, and that control's imports stay small."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from boards.assemble import assemble
from boards.compiled import (
    CompiledConfigError,
    OutletWires,
    WireKind,
    WirePlan,
    WireSpec,
    decode_config,
    encode_config,
)
from evse.core.config import Access, LockTimings, OutletConfig, SocketType, StationConfig
from evse.core.configure import config_digest, with_digest
from hal.frames.front_end import Frame

FRONT_1, READER_1 = WireSpec("outlet-1/front-end", WireKind.SIMULATED), WireSpec("outlet-1/reader", WireKind.SIMULATED)
FRONT_2 = WireSpec("outlet-2/front-end", WireKind.SERIAL, "/dev/ttyS1", 57_600)
PLAN = WirePlan(
    (OutletWires(1, FRONT_1, READER_1), OutletWires(2, FRONT_2, None, False)), ("lock_opens_on_power_loss",)
)
CONFIG = StationConfig(
    "station-1",
    "parking",
    (
        OutletConfig(1, lock=LockTimings(tries=7)),
        OutletConfig(2, socket=SocketType.ATTACHED_T1, has_lock=False, access=Access.REMOTE),
    ),
    version=9,
)


def test_what_was_encoded_comes_back() -> None:
    station = decode_config(encode_config(CONFIG, PLAN))
    assert station.config == with_digest(CONFIG)
    assert station.wires == PLAN
    assert hash(station.wires) == hash(PLAN)


def test_encoding_is_the_same_each_time_and_plain_json() -> None:
    data = encode_config(CONFIG, PLAN)
    assert data == encode_config(with_digest(CONFIG), PLAN)
    assert json.loads(data)["config"]["outlets"][1]["socket"] == "attached T1"


def test_the_digest_ignores_version_and_old_digest_only() -> None:
    assert config_digest(CONFIG) == config_digest(replace(CONFIG, version=10, digest="x"))
    assert config_digest(CONFIG) != config_digest(replace(CONFIG, checkpoint_us=1))


@pytest.mark.parametrize("size", range(0, 400, 7))
def test_a_torn_file_is_refused(size: int) -> None:
    with pytest.raises(CompiledConfigError):
        decode_config(encode_config(CONFIG, PLAN)[:size])


def test_an_edited_file_is_refused() -> None:
    data = encode_config(CONFIG, PLAN)
    with pytest.raises(CompiledConfigError, match="checksum"):
        decode_config(data.replace(b"32000", b"63000"))
    with pytest.raises(CompiledConfigError, match="format 2"):
        decode_config(data.replace(b'"format":1', b'"format":2'))


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"format":1}'])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(CompiledConfigError):
        decode_config(data)


def test_paths_can_be_filled_in() -> None:
    plan = PLAN.with_paths({"outlet-1/reader": "/dev/pts/7"})
    assert [wire.path for wire in plan.wires()] == ["", "/dev/pts/7", "/dev/ttyS1"]
    assert plan.quirks == PLAN.quirks
    with pytest.raises(KeyError, match="outlet-3/reader"):
        PLAN.with_paths({"outlet-3/reader": "/dev/pts/7"})


class Echo:
    """A wire that records what is written."""

    def __init__(self) -> None:
        self.sent = b""

    def read(self, now_us: int) -> bytes:
        return b""

    def write(self, data: bytes, now_us: int) -> None:
        self.sent += data


def test_assembly_shows_every_frame_with_its_wire() -> None:
    seen: list[tuple[str, int, str]] = []

    def on_frame(wire: WireSpec, now_us: int, direction: str, frame: Frame | bytes) -> None:
        seen.append((wire.name, now_us, direction))

    board = assemble(PLAN, lambda wire: Echo(), on_frame)
    for outlet in board.outlets:
        for driver in outlet.polled:
            driver.poll(1_000)
    assert {name for name, _, _ in seen} == {"outlet-1/front-end", "outlet-1/reader", "outlet-2/front-end"}
    assert {(at, direction) for _, at, direction in seen} == {(1_000, "sent")}
    assert [outlet.lock is None for outlet in board.outlets] == [False, True]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (WirePlan((OutletWires(1, replace(FRONT_1, kind=WireKind.GPIO)),)), "GPIO"),
        (WirePlan((OutletWires(1, FRONT_1, FRONT_1),)), "name is used twice"),
        (WirePlan((OutletWires(1, FRONT_2, replace(FRONT_2, name="other")),)), "/dev/ttyS1 is used twice"),
        (WirePlan((OutletWires(2, FRONT_2), OutletWires(1, FRONT_1))), "numbered upwards"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(plan: WirePlan, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        assemble(plan, lambda wire: Echo())


def test_control_loads_neither_yaml_nor_schema() -> None:
    code = "import sys, boards.assemble, boards.board, boards.compiled; print(*sorted({'yaml', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
