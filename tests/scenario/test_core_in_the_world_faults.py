"""Every fault of the catalogue, provoked by its cause in the world: reaction time, status, recovery, record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from evse.core.commands import ClearFault
from evse.core.events import FaultRaised, OutletError, SessionClosed
from tests.fakes.core_in_world import WorldBench

MS = 1_000


@dataclass(frozen=True)
class Cause:
    """A verb, the fault it leads to, how fast the contact opens, and how all ends."""

    verb: str
    params: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    open_ms: int = 100
    resumes: bool = False
    heal: tuple[str, dict[str, Any]] | None = None

    def __str__(self) -> str:
        return f"{self.fault or 'no fault'} by {self.verb}"


HEAL: dict[str, Any] = {"heal": True}
CAUSES = [
    Cause("short_pilot", fault="PilotShort", resumes=True, heal=("short_pilot", HEAL)),
    Cause("short_diode", fault="DiodeFault", heal=("short_diode", HEAL)),
    Cause("change_proximity", {"to": "open"}, "ProximityFault", heal=("change_proximity", HEAL)),
    Cause("change_proximity", {"to": "short"}, "ProximityFault", heal=("change_proximity", HEAL)),
    Cause("trip_residual", {"kind": "ac"}, "ResidualCurrentAC"),
    Cause("trip_residual", {"kind": "dc"}, "ResidualCurrentDC"),
    Cause("leak", {"kind": "ac"}, "ResidualCurrentAC", open_ms=200, heal=("leak", HEAL)),
    Cause("leak", {"kind": "dc"}, "ResidualCurrentDC", open_ms=300, heal=("leak", HEAL)),
    Cause("force_lock_open", fault="LockOpenedInCharge"),
    Cause("trip_breaker", fault="SupplyLost", resumes=True, heal=("reset_breaker", {})),
    Cause("dim_supply", fault="BrownOut", resumes=True, heal=("dim_supply", HEAL)),
    Cause("detune_pilot", {"frequency": 900}, "PilotGeneratorStuck", 100, resumes=True, heal=("detune_pilot", HEAL)),
    Cause("heat", {"temperature": 85}, "OverTemperature", 7_000, resumes=True, heal=("heat", {"temperature": 25})),
    Cause("cut_line", {}, "FrontEndLost", 300, resumes=True, heal=("cut_line", HEAL)),
    Cause("lock_feedback_fault", {"kind": "lost"}, "LockOpenedInCharge", heal=("lock_feedback_fault", HEAL)),
]


@pytest.mark.req("PIL-03", "PIL-04", "OUT-05", "CDR-01")
@pytest.mark.parametrize("cause", CAUSES, ids=str)
def test_a_fault_in_charge(cause: Cause) -> None:
    """With a front end that opens nothing by itself; exact times with both kinds are ``test_every_fault.py``'s business."""
    b = WorldBench(local_interlock=False).charging()
    cause_us = b.now_us
    b.verb(cause.verb, **cause.params)
    assert b.opened_after_us() <= cause.open_ms * MS
    b.run(10.0173)
    assert [event.fault for event in b.told(FaultRaised, cause_us)][:1] == [cause.fault]
    if cause.heal is not None:
        b.verb(cause.heal[0], **cause.heal[1])
    b.run(60.0191)
    assert b.truth().contact_closed is cause.resumes
    if cause.resumes:
        assert b.faults() == ()
        b.card()
        b.run(10)
    records = b.station.ledger().records()
    assert [record.reason for record in records] == ["Local" if cause.resumes else f"Fault {cause.fault}"]
    b.verb("unplug").run(10)
    assert b.faults() == ()
    assert b.view().outlet_status == "OK_InitDone"
    delivered_wh = b.truth().energy_pj / 3.6e15
    # Without a line nothing is measured until the lease ends.
    assert abs(records[0].energy_wh - delivered_wh) <= (3 if cause.verb == "cut_line" else 1)
    b.verb("plug_in").run(3).card().run(45)
    assert b.truth().contact_closed
    assert b.violations() == []


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize("verb", ["open_pilot", "open_earth"])
def test_pilot_loss_looks_like_a_vehicle_that_has_left(verb: str) -> None:
    b = WorldBench().charging().verb(verb)
    assert b.opened_after_us() <= 100 * MS
    b.run(5)
    assert [event.reason for event in b.told(SessionClosed)] == ["EVDisconnected"]
    b.verb(verb, heal=True).run(5)
    b.verb("unplug").run(5)
    assert b.view().outlet_status == "OK_InitDone"
    assert b.violations() == []


@pytest.mark.req("OUT-05")
def test_a_weld_survives_power_cuts_until_service_clears_it() -> None:
    b = WorldBench().charging()
    b.verb("weld_contactor").run(1).card().run(20)
    assert "ContactorWelded" in b.faults()
    assert b.truth().bolt.name == "LOCKED"
    b.verb("cut_power").run(5).verb("restore_power").run(20)
    assert "ContactorWelded" in b.faults()
    b.verb("weld_contactor", heal=True).run(30)
    assert b.faults() == ("ContactorWelded",)
    b.station.post(ClearFault("service", 1, fault="ContactorWelded"))
    b.run(5)
    assert b.faults() == ()
    b.verb("unplug").run(5)
    assert b.view().outlet_status == "OK_InitDone"
    b.verb("cut_power").run(5).verb("restore_power").run(20)
    assert b.faults() == ()


@pytest.mark.req("OUT-05")
@pytest.mark.parametrize(
    ("verb", "fault", "error"),
    [
        ("contactor_fails_to_close", "ContactorFailedToClose", "KO_UnplugProcedureError"),
        ("fail_self_test", "ResidualSelfTestFailed", "KO_PlugProcedureError"),
        ("jam_lock", "LockFailedToLock", "KO_PlugOrShutterAbnormallyNotLocked"),
    ],
)
def test_a_fault_before_the_charge(verb: str, fault: str, error: str) -> None:
    b = WorldBench().run(12).verb(verb).verb("plug_in").run(3).card().run(60)
    assert fault in [event.fault for event in b.told(FaultRaised)]
    assert [event.error for event in b.told(OutletError)] == [error]
    assert [record.reason for record in b.station.ledger().records()] == [f"Fault {fault}"]
    assert not b.truth().contact_closed
    b.verb(verb, heal=True).verb("unplug").run(15)
    assert b.faults() == ()
    assert b.view().outlet_status == "OK_InitDone"
    b.charging()
    assert b.violations() == []


@pytest.mark.req("PIL-03")
def test_a_generator_that_sticks_and_comes_back() -> None:
    b = WorldBench().charging().verb("stick_generator").run(5).card().run(15)
    assert not b.truth().contact_closed
    assert b.faults() == ("PilotGeneratorStuck",)
    b.verb("stick_generator", heal=True).run(40)
    assert b.faults() == ()
    b.verb("unplug").run(5)
    b.charging()


@pytest.mark.req("STA-01")
@pytest.mark.parametrize("cause", CAUSES[::3], ids=str)
def test_the_other_outlet_charges_on(cause: Cause) -> None:
    b = WorldBench().charging(1).charging(2)
    closings = b.truth(2).closings
    b.verb(cause.verb, outlet=1, **cause.params).run(20)
    assert not b.truth(1).contact_closed
    assert b.truth(2).contact_closed
    assert b.truth(2).closings == closings
    assert b.faults(2) == ()
    assert b.violations() == []
