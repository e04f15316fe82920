"""What the control process tells people when it starts."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from boards.compiled import CompiledStation, WireKind, decode_config, encode_config
from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.processes.control_process import tell_of_unopened
from hal.linux.serial_port import SerialPortLink


@pytest.fixture
def station(tmp_path: Path) -> CompiledStation:
    profile = load_profile("parking-1")
    plan = wire_plan(profile)
    plan = plan.with_paths({wire.name: str(tmp_path / wire.name.replace("/", "-")) for wire in plan.wires()})
    return decode_config(encode_config(station_config(profile, "S1"), plan))


def test_each_device_that_cannot_be_opened_has_one_line(
    station: CompiledStation, caplog: pytest.LogCaptureFixture
) -> None:
    links = [SerialPortLink(wire.path, wire.baud) for wire in station.wires.wires()]
    assert {wire.kind for wire in station.wires.wires()} == {WireKind.SIMULATED}
    with caplog.at_level(logging.WARNING):
        tell_of_unopened(station, links, 0)
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(":")[0] for line in lines] == ["outlet-1/front-end", "outlet-1/reader"]
    assert all("No such file or directory; plug the adapter in" in line for line in lines)
