"""Where a fault is: the contact, what proves it, and the phases, as far as the feedback knows."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import StopSession
from evse.core.config import SocketType
from evse.core.events import FaultRaised
from evse.core.units import MS, SECOND
from evse.core.values import PilotMode
from tests.fakes.core_bench import CoreBench, station_config


def raised(bench: CoreBench, fault: str) -> list[tuple[str, ...]]:
    return [event.where for event in bench.events(FaultRaised) if event.fault == fault]


def charging(**vehicle: Any) -> CoreBench:
    return CoreBench(station_config()).charging(**vehicle)


@pytest.mark.req("OUT-05")
def test_a_weld_names_its_contact_and_what_says_so() -> None:
    b = charging()
    b.verb("weld_contactor")
    b.post(StopSession("", 1))
    b.run(20)
    assert raised(b, "ContactorWelded") == [("contactor", "mirror contact")]
    assert [fault.where for fault in b.outlet().faults.active] == [("contactor", "mirror contact")]


@pytest.mark.req("OUT-05")
def test_a_weld_that_only_the_current_shows_names_the_phases() -> None:
    b = charging(phases=1, ignores_stop=True)
    b.verb("weld_contactor").verb("mirror_fault", kind="stuck_open")
    b.post(StopSession("", 1))
    b.run(20)
    assert raised(b, "ContactorWelded") == [("contactor", "L1")]


@pytest.mark.req("OUT-05", "OUT-04")
def test_a_weld_of_the_domestic_contact_is_told_apart() -> None:
    b = CoreBench(station_config(socket=SocketType.T2_TE))
    b.run(12)
    b.verb("plug_in_domestic").run(3)
    b.card()
    b.run(60)
    domestic = b.truth().domestic
    assert domestic is not None
    assert domestic.contact_closed
    b.verb("weld_domestic")
    b.post(StopSession("", 1))
    b.run(20)
    assert raised(b, "ContactorWelded") == [("domestic contactor", "mirror contact", "L1")]


@pytest.mark.req("OUT-05")
def test_over_current_and_a_lost_phase_name_the_phases() -> None:
    b = charging(phases=2, ramp_up=1000)
    b.verb("overdraw", current=60).run(2)
    assert raised(b, "OverCurrentHard") == [("L1", "L2")]
    b = charging()
    b.verb("brown_out", phase="L2", voltage=100).run(1)
    assert raised(b, "SupplyLost") == [("L2",)]
    assert not b.truth().contact_closed


@pytest.mark.req("OUT-05", "PIL-03")
def test_a_bolt_pushed_back_in_a_charge_shows_f_at_once() -> None:
    b = charging()
    b.verb("force_lock_open")
    modes: list[PilotMode] = []
    for _ in range(200):
        b.run(0.001)
        if not modes or b.output().pilot_mode is not modes[-1]:
            modes.append(b.output().pilot_mode)
    assert modes[-1] is PilotMode.F
    assert PilotMode.X1 not in modes


@pytest.mark.req("OUT-05")
def test_a_permission_that_has_expired_is_not_authorised() -> None:
    b = charging()
    session = b.outlet().procedure.session
    assert session is not None
    assert b.outlet().procedure.authorised(b.now_us)
    session.permission_expires_us = b.now_us + 5 * SECOND
    assert b.outlet().procedure.authorised(b.now_us + 5 * SECOND - 1)
    assert not b.outlet().procedure.authorised(b.now_us + 5 * SECOND)
    b.post(StopSession("", 1))
    b.run(MS / SECOND)
    assert not b.outlet().procedure.authorised(b.now_us)
    b.run(20)
    assert b.outlet().procedure.session is None
    assert not b.outlet().procedure.authorised(b.now_us)
