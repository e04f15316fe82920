"""Every shipped scenario is a test: it passes with all invariants watching, and where something must open for a reason that
a front end also sees, with both kinds of front end.

The table says which requirements a story proves. A file without an entry is a test too, so adding a file adds its test.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import pytest

from evse.app.virtual.scenario_library import load as load_anew
from evse.app.virtual.scenario_library import shipped_scenarios
from evse.app.virtual.station_factory import dumb_station_factory, station_factory
from evse.sim.runner import run_scenario
from evse.sim.scenario import Expect, Throughout, WaitUntil
from evse.sim.station import StationFactory
from evse.sim.story_menu import FAULTS

PLAIN_WITH_BOTH = (
    "badge-first",
    "city-session",
    "domestic-badge-first",
    "fault-restless-vehicle",
    "fault-short-pause",
    "thor-session",
    "two-outlets",
    "unplug-at-vehicle",
    "vehicle-ignores-stop",
    "vehicle-timeout",
    "ventilation-indoor",
    "wallbox-key-in-charge",
    "wallbox-session",
)
"""Without a fault: an ordinary session of every family of boards, and everything by which vehicle and user open a contact. All
others are run with dumb front ends by ``evse sim --dumb-front-end``; stories take the two kinds in turn."""

PROOFS = (
    pytest.param("admin-badge", marks=pytest.mark.req("AUT-02", "AUT-05", "OUT-02")),
    pytest.param("another-badge", marks=pytest.mark.req("AUT-05", "OUT-02")),
    pytest.param("badge-first", marks=pytest.mark.req("OUT-01", "OUT-03", "PIL-01", "PIL-04", "PIL-10", "CDR-01")),
    pytest.param("badge-unknown", marks=pytest.mark.req("OUT-02")),
    pytest.param("bolt-reported-locked", marks=pytest.mark.req("OUT-02", "OUT-04")),
    pytest.param("bolt-reported-locked-plug-first", marks=pytest.mark.req("OUT-04", "PIL-04")),
    pytest.param("booked", marks=pytest.mark.req("OUT-02", "OUT-06", "AUT-05")),
    pytest.param("breaker-trips", marks=pytest.mark.req("OUT-05")),
    pytest.param("cable-swap", marks=pytest.mark.req("PIL-04", "PIL-08", "CDR-01")),
    pytest.param("city-breaker-tripped", marks=pytest.mark.req("STA-04", "OUT-05", "INP-01")),
    pytest.param("city-free-access", marks=pytest.mark.req("STA-04", "OUT-03")),
    pytest.param("city-maintenance", marks=pytest.mark.req("STA-04", "OUT-01")),
    pytest.param("city-opened-in-charge", marks=pytest.mark.req("STA-04", "OUT-02", "OUT-04")),
    pytest.param("city-session", marks=pytest.mark.req("STA-04", "OUT-01", "OUT-03")),
    pytest.param("city-shutter-not-closed", marks=pytest.mark.req("STA-04", "OUT-02", "OUT-04")),
    pytest.param("city-shutter-not-opened", marks=pytest.mark.req("STA-04", "OUT-02", "OUT-04")),
    pytest.param("city-shutter-sensor", marks=pytest.mark.req("STA-04", "OUT-04")),
    pytest.param("city-shutter-lies", marks=pytest.mark.req("STA-04", "OUT-04")),
    pytest.param("contactor-fails-to-close", marks=pytest.mark.req("OUT-05")),
    pytest.param("control-killed", marks=pytest.mark.req("CDR-05")),
    pytest.param("diode-fault", marks=pytest.mark.req("PIL-03", "PIL-04")),
    pytest.param("fault-coil-breaks", marks=pytest.mark.req("OUT-05", "OUT-08")),
    pytest.param("fault-foreign-voltage", marks=pytest.mark.req("PIL-03", "PIL-04")),
    pytest.param("fault-generator-defective", marks=pytest.mark.req("PIL-03", "OUT-05", "OUT-08")),
    pytest.param("fault-generator-off-frequency", marks=pytest.mark.req("PIL-03")),
    pytest.param("fault-generator-sticks", marks=pytest.mark.req("PIL-03", "OUT-08")),
    pytest.param("fault-lock-sensor", marks=pytest.mark.req("OUT-02", "OUT-04")),
    pytest.param("fault-loose-pilot-contact", marks=pytest.mark.req("PIL-04")),
    pytest.param("fault-over-current-hard", marks=pytest.mark.req("OUT-05", "OUT-08")),
    pytest.param("fault-phase-lost", marks=pytest.mark.req("OUT-05")),
    pytest.param("fault-proximity-short", marks=pytest.mark.req("PIL-08", "OUT-08")),
    pytest.param("fault-rail-weak", marks=pytest.mark.req("OUT-08")),
    pytest.param("fault-reader-lost", marks=pytest.mark.req("OUT-08")),
    pytest.param("fault-restless-vehicle", marks=pytest.mark.req("PIL-04")),
    pytest.param("fault-short-pause", marks=pytest.mark.req("PIL-04", "OUT-06")),
    pytest.param("fault-temperature-hysteresis", marks=pytest.mark.req("OUT-05", "OUT-08")),
    pytest.param("free-access", marks=pytest.mark.req("OUT-03")),
    pytest.param("domestic-and-t2-plugged", marks=pytest.mark.req("STA-07", "OUT-02")),
    pytest.param("domestic-badge-first", marks=pytest.mark.req("STA-07", "OUT-01", "OUT-03", "OUT-06", "CDR-01")),
    pytest.param("domestic-faults", marks=pytest.mark.req("STA-07", "OUT-05", "OUT-06")),
    pytest.param("domestic-over-current", marks=pytest.mark.req("STA-07", "OUT-05")),
    pytest.param("domestic-plug-first", marks=pytest.mark.req("STA-07", "OUT-03", "CDR-01")),
    pytest.param("domestic-power-cut", marks=pytest.mark.req("STA-07", "CDR-05")),
    pytest.param("domestic-unplugged", marks=pytest.mark.req("STA-07")),
    pytest.param("domestic-waits-for-t2", marks=pytest.mark.req("STA-07")),
    pytest.param("domestic-weld", marks=pytest.mark.req("STA-07", "OUT-05")),
    pytest.param("front-end-hangs", marks=pytest.mark.req("PIL-04")),
    pytest.param("ko-shutter-left-open", marks=pytest.mark.req("OUT-02", "STA-04")),
    pytest.param("ko-vehicle-diode-open", marks=pytest.mark.req("OUT-02")),
    pytest.param("limits", marks=pytest.mark.req("PIL-05", "PIL-08", "OUT-06")),
    pytest.param("lock-will-not-lock", marks=pytest.mark.req("OUT-02", "OUT-04")),
    pytest.param("lock-will-not-unlock", marks=pytest.mark.req("OUT-02", "OUT-04")),
    pytest.param("maintenance", marks=pytest.mark.req("OUT-06")),
    pytest.param("no-second-wake-up", marks=pytest.mark.req("PIL-09")),
    pytest.param("orders-restart", marks=pytest.mark.req("OUT-06", "PIL-05")),
    pytest.param("outlet-fault-alone", marks=pytest.mark.req("STA-01")),
    pytest.param("over-current", marks=pytest.mark.req("OUT-05", "PIL-05")),
    pytest.param("over-temperature", marks=pytest.mark.req("OUT-05")),
    pytest.param("pilot-short", marks=pytest.mark.req("PIL-03", "PIL-04")),
    pytest.param("plug-first", marks=pytest.mark.req("OUT-03", "PIL-04", "PIL-08", "PIL-10")),
    pytest.param("plug-left-behind", marks=pytest.mark.req("OUT-02")),
    pytest.param("plug-timeout", marks=pytest.mark.req("OUT-02")),
    pytest.param("postpone", marks=pytest.mark.req("OUT-06")),
    pytest.param("power-cut", marks=pytest.mark.req("CDR-01", "CDR-05")),
    pytest.param("power-cut-at-each-step", marks=pytest.mark.req("CDR-01", "CDR-05", "PIL-04")),
    pytest.param("proximity-lost", marks=pytest.mark.req("PIL-08")),
    pytest.param("residual-trips", marks=pytest.mark.req("OUT-05")),
    pytest.param("self-test-failed", marks=pytest.mark.req("OUT-02", "OUT-05")),
    pytest.param("services-killed", marks=pytest.mark.req("CDR-05")),
    pytest.param("simplified-vehicle", marks=pytest.mark.req("PIL-07", "CDR-01")),
    pytest.param("slow-disk", marks=pytest.mark.req("CDR-05")),
    pytest.param("suspend-resume", marks=pytest.mark.req("OUT-06")),
    pytest.param("t2-waits-for-domestic", marks=pytest.mark.req("STA-07")),
    pytest.param("thor-c-session", marks=pytest.mark.req("STA-02", "OUT-07")),
    pytest.param("thor-dip-limit", marks=pytest.mark.req("INP-02", "STA-03")),
    pytest.param("thor-dip-undefined", marks=pytest.mark.req("INP-02")),
    pytest.param("thor-erased-while-plugged", marks=pytest.mark.req("INP-03", "AUT-07")),
    pytest.param("thor-phases", marks=pytest.mark.req("STA-03", "PIL-10")),
    pytest.param("thor-phase-switch-sticks", marks=pytest.mark.req("STA-03")),
    pytest.param("thor-free-x1", marks=pytest.mark.req("AUT-09", "OUT-07")),
    pytest.param("thor-master-card", marks=pytest.mark.req("INP-03")),
    pytest.param("thor-out-of-service", marks=pytest.mark.req("OUT-07")),
    pytest.param("meter-gateway", marks=pytest.mark.req("MTR-02", "MTR-05")),
    pytest.param("thor-power-return", marks=pytest.mark.req("ENE-11", "CDR-05")),
    pytest.param("thor-service-restart", marks=pytest.mark.req("INP-03")),
    pytest.param("thor-session", marks=pytest.mark.req("STA-02", "OUT-07", "OUT-03")),
    pytest.param("thor-x1-badge", marks=pytest.mark.req("AUT-09")),
    pytest.param("thor-x1-ignored", marks=pytest.mark.req("AUT-09", "INP-02")),
    pytest.param("two-outlets", marks=pytest.mark.req("STA-01", "ENE-03")),
    pytest.param("unavailable", marks=pytest.mark.req("OUT-01", "OUT-06")),
    pytest.param("unavailable-restart", marks=pytest.mark.req("OUT-01", "OUT-06")),
    pytest.param("unlocked-in-charge", marks=pytest.mark.req("OUT-02", "OUT-04")),
    pytest.param("unplug-at-vehicle", marks=pytest.mark.req("PIL-04")),
    pytest.param("vehicle-changes-phases", marks=pytest.mark.req("OUT-06", "CDR-01")),
    pytest.param("vehicle-full", marks=pytest.mark.req("PIL-04")),
    pytest.param("vehicle-ignores-stop", marks=pytest.mark.req("PIL-05")),
    pytest.param("vehicle-timeout", marks=pytest.mark.req("OUT-02")),
    pytest.param("ventilation-indoor", marks=pytest.mark.req("PIL-06", "OUT-06")),
    pytest.param("ventilation-outdoor", marks=pytest.mark.req("PIL-06", "OUT-06")),
    pytest.param("wake-up", marks=pytest.mark.req("PIL-09")),
    pytest.param("wallbox-button", marks=pytest.mark.req("STA-06", "INP-01")),
    pytest.param("wallbox-delayed-start", marks=pytest.mark.req("STA-06", "ENE-06", "INP-01")),
    pytest.param("wallbox-faulty-lines", marks=pytest.mark.req("STA-06", "INP-01")),
    pytest.param("wallbox-key-in-charge", marks=pytest.mark.req("STA-06", "OUT-07")),
    pytest.param("wallbox-key-session", marks=pytest.mark.req("STA-06", "OUT-03", "OUT-07")),
    pytest.param("wallbox-limit-zero", marks=pytest.mark.req("STA-06", "ENE-01", "OUT-06")),
    pytest.param("wallbox-power-cut", marks=pytest.mark.req("STA-06", "ENE-06", "CDR-05")),
    pytest.param("wallbox-session", marks=pytest.mark.req("STA-06", "ENE-01", "OUT-03", "OUT-07")),
    pytest.param("wallbox-t1-session", marks=pytest.mark.req("STA-06", "OUT-03")),
    pytest.param("wallbox-t2-session", marks=pytest.mark.req("STA-06", "OUT-03")),
    pytest.param("wallbox-temporary-limit", marks=pytest.mark.req("STA-06", "ENE-01", "INP-01")),
    pytest.param("weld", marks=pytest.mark.req("OUT-05")),
)
LISTED = {str(param.values[0]) for param in PROOFS}
CASES = (*PROOFS, *(name for name in shipped_scenarios() if name not in LISTED))


load = cache(load_anew)
"""A scenario is data that a run does not change: the tests of a file share what was read."""


def both_kinds() -> list[str]:
    """The shipped scenarios in which the world or a process is disturbed, and the plain ones of the list."""
    return [name for name in shipped_scenarios() if name in PLAIN_WITH_BOTH or disturbed(name)]


def disturbed(name: str) -> bool:
    """Whether a step of the scenario does what stories call a fault. By its text: reading all of them takes seconds."""
    text = (resources.files("evse.scenarios") / f"{name}.yaml").read_text(encoding="utf-8")
    return not FAULTS.keys().isdisjoint(re.findall(r"\bdo: *(\w+)", text))


def passes(name: str, factory: StationFactory) -> None:
    """Run a scenario and fail with its summary."""
    verdict = run_scenario(load(name), factory)
    assert verdict.passed, f"\n{verdict.summary()}"


@pytest.mark.req("SIM-03")
def test_the_table_names_only_scenarios_that_ship() -> None:
    assert set(shipped_scenarios()) >= LISTED
    assert len(shipped_scenarios()) >= 20
    assert set(both_kinds()) >= {"diode-fault", "power-cut", "weld", *PLAIN_WITH_BOTH}


@pytest.mark.parametrize("name", CASES)
def test_scenario(name: str) -> None:
    passes(name, station_factory)


@pytest.mark.parametrize("name", both_kinds())
def test_scenario_with_dumb_front_ends(name: str) -> None:
    """Nothing below control corrects it: what the invariants find here is the core's own."""
    passes(name, dumb_station_factory)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_scenario_tells_what_it_is_about_and_can_fail(name: str) -> None:
    scenario = load(name)
    judged = [step for step in scenario.steps if isinstance(step.action, Expect | Throughout | WaitUntil)]
    assert len(scenario.description) > 40
    assert len(judged) >= 3
