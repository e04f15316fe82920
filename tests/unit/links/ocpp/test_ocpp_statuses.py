"""`StatusNotification` of a whole charge point in virtual time (OCPP 1.6, 4.9)."""

from __future__ import annotations

import pytest

from evse.core.commands import StopSession
from evse.core.outlet_status import OutletStatus
from evse.exchange.snapshot import FaultView
from tests.fakes.ocpp_bench import CHARGING, FREE, connected

pytestmark = pytest.mark.req("OCP-01")


def test_changes_are_told_at_once_with_error_code_and_vendor_code() -> None:
    bench = connected()
    bench.change(1, faults=(FaultView("ContactorWelded", "emergency", "service", 0),))
    bench.run(1)
    (told,) = bench.central.payloads("StatusNotification")
    assert (told["connectorId"], told["status"], told["errorCode"], told["vendorErrorCode"]) == (
        *(1, "Faulted", "PowerSwitchFailure"),
        "ContactorWelded",
    )
    bench.change(2, outlet_status=OutletStatus.UNAVAILABLE.value)
    bench.run(1)
    assert bench.central.statuses == {0: "Available", 1: "Faulted", 2: "Unavailable"}


def test_connector_zero_is_faulted_when_every_connector_is() -> None:
    bench = connected()
    for number in (1, 2):
        bench.change(number, faults=(FaultView("FrontEndLost", "emergency", "self", 0),))
    bench.run(1)
    assert bench.central.statuses[0] == "Faulted"


def test_a_status_shorter_than_its_minimum_duration_is_not_told() -> None:
    bench = connected()
    assert bench.ask("ChangeConfiguration", {"key": "MinimumStatusDuration", "value": "10"})["status"] == "Accepted"
    bench.change(1, cable_state="32 A")
    bench.run(5)
    bench.change(1, **FREE)
    bench.run(60)
    assert "StatusNotification" not in bench.central.actions()
    bench.change(1, cable_state="32 A")
    bench.run(11)
    assert bench.central.statuses[1] == "Preparing"


def test_the_way_through_a_charge() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(1)
    bench.change(1, contactor_closed=False, ev_state="B_Present_9V")
    bench.run(1)
    bench.change(1, no_offer_reasons=("Suspended",))
    bench.run(1)
    bench.change(1, **CHARGING)
    bench.run(1)
    bench.change(1, outlet_status=OutletStatus.UNPLUG_STARTED.value, contactor_closed=False)
    bench.run(1)
    bench.stop_session(1)
    bench.run(1)
    told = [each["status"] for each in bench.central.payloads("StatusNotification")]
    assert told == ["Charging", "SuspendedEV", "SuspendedEVSE", "Charging", "Finishing", "Available"]


@pytest.mark.parametrize("how", ["power cut in the charge", "power cut after it", "hard reset"])
def test_a_cable_that_stays_in_over_a_start_is_a_charge_that_has_finished(how: str) -> None:
    bench = connected()
    bench.start_session(1, "04A1B2C3")
    bench.run(3)
    match how:
        case "hard reset":
            bench.obeys[StopSession] = "it takes a moment"
            bench.ask("Reset", {"type": "Hard"}, seconds=0.5)
            bench.stop_session(1, "HardReset")
            bench.change(1, cable_state="32 A")
        case "power cut after it":
            bench.stop_session(1)
            bench.change(1, cable_state="32 A")
    bench.run(5)
    bench.central.requests.clear()
    bench.power_cut()
    bench.run(0.5)
    bench.change(1, cable_state="32 A")
    bench.run(5)
    told = [each["status"] for each in bench.central.payloads("StatusNotification") if each["connectorId"] == 1]
    assert told == ["Finishing"]
    bench.change(1, cable_state="Not_Plugged")
    bench.run(3)
    assert bench.central.statuses[1] == "Available"
    bench.power_cut()
    bench.change(1, cable_state="32 A")
    bench.run(5)
    assert bench.central.statuses[1] == "Preparing", "that is another cable"


def test_while_control_starts_again_the_last_status_counts() -> None:
    bench = connected()
    bench.point.view(bench.now_us, None)
    bench.run(1)
    assert "StatusNotification" not in bench.central.actions()


def test_a_plug_that_control_has_not_felt_yet_after_its_start_is_no_news() -> None:
    bench = connected()
    bench.change(1, cable_state="32 A")
    bench.run(1)
    bench.boot_id, bench.started_us = "boot-after", bench.now_us
    bench.change(1, cable_state="Not_Plugged")
    bench.run(0.5)
    bench.change(1, cable_state="32 A")
    bench.run(3)
    assert [each["status"] for each in bench.central.payloads("StatusNotification")] == ["Preparing"]


def test_a_control_that_starts_anew_is_no_news_until_it_has_begun() -> None:
    bench = connected()
    bench.change(1, outlet_status=OutletStatus.NOT_INITIALIZED.value)
    bench.run(1)
    assert "StatusNotification" not in bench.central.actions()
    bench.change(1, outlet_status=OutletStatus.INIT_DONE.value)
    bench.run(1)
    assert "StatusNotification" not in bench.central.actions()
    bench.change(1, outlet_status=OutletStatus.NOT_INITIALIZED.value)
    bench.run(6)
    bench.change(1)
    bench.run(1)
    assert bench.central.statuses[1] == "Unavailable", "it does not get over it"
