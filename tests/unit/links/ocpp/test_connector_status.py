from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.faults import CATALOGUE
from evse.core.outlet_status import OutletStatus
from evse.core.units import SECOND
from evse.exchange.snapshot import DomesticView, FaultView, OutletView, SessionView
from evse.links.ocpp.connector_status import (
    ERROR_CODES,
    ConnectorStatus,
    ConnectorWatch,
    StatusReport,
    StatusTeller,
    station_report,
)
from evse.links.ocpp.schemas import check
from tests.fakes.web_fake import outlet_view

SESSION = SessionView("b-1-1", "04A1", 0, 0, "Normal_Mode_3", record_durable=True)
LOOP = OutletStatus.CHARGE_LOOP_STARTED.value
IDLE: dict[str, Any] = {
    "outlet_status": OutletStatus.INIT_DONE.value, "ev_state": "A_Not_Present_12V", "cable_state": "Not_Plugged",
    "session": None, "faults": (), "evse_status": (), "contactor_closed": False, "no_offer_reasons": ("NotAuthorised",),
}  # fmt: skip


def outlet(**changes: Any) -> OutletView:
    return replace(outlet_view(1), **{**IDLE, **changes})


def fault(name: str, reaction: str = "emergency") -> FaultView:
    return FaultView(name, reaction, "self", 0)


S = ConnectorStatus
PLUGGED = {"cable_state": "32 A", "ev_state": "B_Present_9V"}


@pytest.mark.req("OCP-01")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, S.AVAILABLE),
        ({"evse_status": ("Booked_Plc_Cmd_Received",)}, S.RESERVED),
        ({"evse_status": ("Booked_Plc_Cmd_Received",), **PLUGGED}, S.RESERVED),
        ({"evse_status": ("Booked_Plc_Cmd_Received",), "session": SESSION, **PLUGGED}, S.PREPARING),
        (PLUGGED, S.PREPARING),
        ({"cable_state": "13 A"}, S.PREPARING),
        ({"session": SESSION, "outlet_status": "OK_ChargeContractDone"}, S.PREPARING),
        ({"session": SESSION, "outlet_status": LOOP, **PLUGGED, "no_offer_reasons": ("Suspended",)}, S.SUSPENDED_EVSE),
        ({"session": SESSION, "outlet_status": LOOP, **PLUGGED, "no_offer_reasons": ()}, S.SUSPENDED_EV),
        (
            {"session": SESSION, "outlet_status": LOOP, "ev_state": "C_Ready_6V_M12V", "contactor_closed": True},
            S.CHARGING,
        ),
        (
            {"session": SESSION, "outlet_status": LOOP, "domestic": DomesticView(True, True, True, ())},
            S.CHARGING,
        ),
        ({"session": SESSION, "outlet_status": "OK_ChargeLoopEnded"}, S.FINISHING),
        ({"session": SESSION, "outlet_status": "OK_UnplugProcedureStarted"}, S.FINISHING),
        ({"outlet_status": "OK_Unavailable"}, S.UNAVAILABLE),
        ({"outlet_status": "Not_Initialized"}, S.UNAVAILABLE),
        ({"evse_status": ("Maintenance_Plc_Cmd_Received",)}, S.UNAVAILABLE),
        ({"faults": (fault("OverTemperature", "controlled"),), **PLUGGED, "session": SESSION}, S.FAULTED),
        ({"faults": (fault("CardReaderLost", "notice"),)}, S.AVAILABLE),
    ],
)
def test_each_row_of_the_table(changes: dict[str, Any], status: ConnectorStatus) -> None:
    assert ConnectorWatch().report(outlet(**changes)).status is status


def test_without_control_a_connector_is_unavailable() -> None:
    assert ConnectorWatch().report(None) == StatusReport(S.UNAVAILABLE)


def test_after_a_session_the_connector_finishes_until_the_cable_is_out() -> None:
    watch = ConnectorWatch()
    watch.report(outlet(session=SESSION, outlet_status=LOOP, **PLUGGED))
    assert watch.report(outlet(**PLUGGED)).status is S.FINISHING
    assert watch.report(outlet()).status is S.AVAILABLE
    assert watch.report(outlet(**PLUGGED)).status is S.PREPARING


def test_a_new_session_with_the_old_cable_prepares() -> None:
    watch = ConnectorWatch()
    watch.report(outlet(session=SESSION, outlet_status=LOOP, **PLUGGED))
    watch.report(outlet(**PLUGGED))
    again = outlet(session=replace(SESSION, session_id="b-1-2"), outlet_status="OK_ChargeContractDone", **PLUGGED)
    assert watch.report(again).status is S.PREPARING


def test_the_fault_that_stops_is_told_before_one_that_does_not() -> None:
    report = ConnectorWatch().report(outlet(faults=(fault("CardReaderLost", "notice"), fault("ContactorWelded"))))
    assert report == StatusReport(S.FAULTED, "PowerSwitchFailure", "ContactorWelded")


@pytest.mark.parametrize("name", [*(kind.name for kind in CATALOGUE), "SomethingNew"])
def test_every_fault_gives_a_notification_that_the_schema_takes(name: str) -> None:
    report = ConnectorWatch().report(outlet(faults=(fault(name),)))
    check(
        "StatusNotification",
        {
            "connectorId": 1,
            "status": report.status.value,
            "errorCode": report.error_code,
            "vendorErrorCode": report.vendor_error_code,
        },
    )
    assert report.error_code == ERROR_CODES.get(name, "OtherError")
    assert report.vendor_error_code == name


def test_the_table_of_error_codes_knows_only_faults_of_the_catalogue() -> None:
    assert set(ERROR_CODES) <= {kind.name for kind in CATALOGUE}


@pytest.mark.parametrize(
    ("connectors", "expected"),
    [
        ([S.CHARGING, S.FAULTED], S.AVAILABLE),
        ([S.FAULTED, S.FAULTED], S.FAULTED),
        ([S.UNAVAILABLE, S.UNAVAILABLE], S.UNAVAILABLE),
        ([S.UNAVAILABLE, S.AVAILABLE], S.AVAILABLE),
    ],
)
def test_connector_0_says_how_the_station_is(connectors: list[ConnectorStatus], expected: ConnectorStatus) -> None:
    assert station_report([StatusReport(status) for status in connectors]).status is expected


AVAILABLE, PREPARING = StatusReport(S.AVAILABLE), StatusReport(S.PREPARING)


def test_a_status_is_told_once() -> None:
    teller = StatusTeller()
    assert teller.update(0, AVAILABLE, 0) == (True, None)
    assert teller.update(1, AVAILABLE, 0) == (False, None)
    assert teller.update(2, PREPARING, 0) == (True, None)
    teller.forget()
    assert teller.update(3, PREPARING, 0) == (True, None)


def test_a_status_shorter_than_the_minimum_is_not_told() -> None:
    teller = StatusTeller()
    teller.update(0, AVAILABLE, 5 * SECOND)
    assert teller.update(SECOND, PREPARING, 5 * SECOND) == (False, 6 * SECOND)
    assert teller.update(5 * SECOND, AVAILABLE, 5 * SECOND) == (False, None)
    assert teller.update(7 * SECOND, PREPARING, 5 * SECOND) == (False, 12 * SECOND)
    assert teller.update(12 * SECOND, PREPARING, 5 * SECOND) == (True, None)
