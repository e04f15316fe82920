"""The sim bench: its sessions ship and are those of every family, and a session that fails is told."""

from __future__ import annotations

import pytest

from boards.load import load_profile
from evse.app.virtual.scenario_library import load, shipped_scenarios
from tools.benchmarks.__main__ import parser
from tools.benchmarks.sim import SESSIONS, session_s


def test_there_is_a_session_of_every_family() -> None:
    assert set(SESSIONS.values()) <= set(shipped_scenarios())
    families = {load_profile(load(name).profile).model.family for name in SESSIONS.values()}
    assert families == {"parking", "city", "smart-wallbox", "thor"}


def test_a_scenario_that_is_refused_is_told() -> None:
    with pytest.raises(RuntimeError, match="no-such-scenario"):
        session_s("no-such-scenario", 1)


def test_the_command_line_knows_it() -> None:
    assert parser().parse_args(["sim"]).runs == 3
