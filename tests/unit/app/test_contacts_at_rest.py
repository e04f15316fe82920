"""The contacts that the installer has wired rest in a simulated station, whichever sense they have."""

from __future__ import annotations

import pytest

from boards.load import load_text
from boards.to_core import station_config, wire_plan
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.units import SECOND

BOARD = """schema: 1
kind: station
name: duo
family: other
outlets:
  - number: 1
    input_lines: {{in_1: {{line: 1}}, in_2: {{line: 2}}}}
    settings:
      in_1_function: {function}
      in_1_normally_open: {normally_open}
      in_2_function: conditional_outgoing_line
      in_2_normally_open: {normally_open}
"""


@pytest.mark.req("INP-01")
@pytest.mark.parametrize("function", ["load_shedding", "protection_devices_state"])
@pytest.mark.parametrize("normally_open", ["true", "false"])
def test_nothing_acts_before_somebody_moves_a_contact(function: str, normally_open: str) -> None:
    profile = load_text(BOARD.format(function=function, normally_open=normally_open), "duo.yaml")
    station = VirtualStation(station_config(profile, "SIM"), wire_plan(profile))
    station.scheduler.run_until(SECOND)
    view = station.view()
    assert view is not None
    assert view.outlets[0].active_inputs == ()
    acts = {"outlet": 1, "line": 2, "closed": normally_open == "true"}
    station.apply_verb("set_input", acts, station.scheduler.now_us)
    station.scheduler.run_until(2 * SECOND)
    view = station.view()
    assert view is not None
    assert view.outlets[0].active_inputs == ("ConditionalOutgoingLine",)
