"""The outlet's table: every row, every trigger that is not possible, and who can be reached."""

from __future__ import annotations

import pytest

from evse.core.machine import InvalidTriggerError
from evse.core.outlet_status import ERROR_CLASS, OUTLET_TABLE, ErrorClass, OutletErrorName, OutletStatus

ROWS = [(row.trigger, source, row.target) for row in OUTLET_TABLE.rows for source in row.sources]
TRIGGERS = sorted({row.trigger for row in OUTLET_TABLE.rows})


@pytest.mark.req("OUT-01")
@pytest.mark.parametrize(("trigger", "source", "target"), ROWS)
def test_every_row(trigger: str, source: str, target: str) -> None:
    assert OUTLET_TABLE.next_state(source, trigger) == target


@pytest.mark.parametrize("state", OUTLET_TABLE.states)
def test_a_trigger_without_a_row_is_an_error(state: str) -> None:
    possible = {trigger for trigger, source, _ in ROWS if source == state}
    for trigger in TRIGGERS:
        if trigger not in possible:
            with pytest.raises(InvalidTriggerError, match="not possible"):
                OUTLET_TABLE.next_state(state, trigger)
    with pytest.raises(InvalidTriggerError, match="no trigger"):
        OUTLET_TABLE.next_state(state, "explode")


@pytest.mark.req("OUT-01")
def test_every_status_can_be_reached_and_left_again() -> None:
    def reach(start: str) -> set[str]:
        found, todo = {start}, [start]
        while todo:
            here = todo.pop()
            for _, source, target in ROWS:
                if source == here and target not in found:
                    found.add(target)
                    todo.append(target)
        return found

    assert reach(OUTLET_TABLE.initial) == {status.value for status in OutletStatus} == set(OUTLET_TABLE.states)
    for state in OUTLET_TABLE.states:
        assert OutletStatus.INIT_DONE.value in reach(state)


def test_every_row_says_where_it_comes_from() -> None:
    assert all(row.clause for row in OUTLET_TABLE.rows)


@pytest.mark.req("OUT-02")
def test_every_error_is_under_its_heading() -> None:
    assert {error: ERROR_CLASS[error].value for error in OutletErrorName} == {
        error: heading.value
        for heading, errors in {
            ErrorClass.AUTHORISATION: ("KO_BadgeUnknown", "KO_BadgeIsNotTheBooker"),
            ErrorClass.PLUG: (
                "KO_PlugOrShutterAbnormallyLocked",
                "KO_ShutterNotOpened",
                "KO_PlugNotDetected",
                "KO_EvNotDetected",
                "KO_PlugOrShutterAbnormallyNotLocked",
                "KO_PlugProcedureError",
            ),
            ErrorClass.CHARGE: (
                "KO_BadgeIsNotTheCurrentUser",
                "KO_UnlockPlugInCharge",
                "KO_OnStreetOpenShutterInCharge",
            ),
            ErrorClass.UNPLUG: (
                "KO_ShutterNotClosed",
                "KO_PlugStillDetected",
                "KO_EVStillDetected",
                "KO_UnplugProcedureError",
            ),
        }.items()
        for error in errors
    }
