"""Requests of the feature profile Core, and registration, at a whole charge point in virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import (
    Authorise,
    PlugWithin,
    ReleaseCable,
    SetUnavailable,
    StartSession,
    StopSession,
    Suspend,
    Verdict,
    WhenVehicleLeaves,
)
from evse.core.outlet_status import OutletStatus
from evse.core.units import SECOND
from evse.exchange.snapshot import FaultView
from evse.links.ocpp.link import LinkState
from evse.links.ocpp.settings import LossStrategy, OutletFacts
from evse.links.ocpp.standard_keys import StationFacts, standard_keys
from tests.fakes.ocpp_bench import CHARGING, DEFAULTS, FREE, Bench, connected

pytestmark = pytest.mark.req("OCP-01")


# --- registration ----------------------------------------------------------------------------------------------------


def test_boot_notification_comes_first_and_then_the_status_of_every_connector() -> None:
    bench = Bench()
    bench.run(2)
    assert bench.central.actions() == ["BootNotification", *["StatusNotification"] * 3]
    assert bench.central.statuses == {0: "Available", 1: "Available", 2: "Available"}


def test_while_pending_only_what_is_asked_for_is_sent_and_requests_are_answered() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, registration="Pending", interval_s=60)
    bench.run(30)
    assert bench.central.actions() == ["BootNotification"]
    assert bench.ask("GetConfiguration", {"key": ["HeartbeatInterval"]})["configurationKey"]
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "A"}) == {"status": "Rejected"}
    assert bench.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}) == {
        "status": "Accepted"
    }
    assert bench.central.actions()[1:] == ["StatusNotification"]
    bench.run(40)
    assert bench.central.actions().count("BootNotification") == 2, "asked again after the interval"


def test_while_rejected_nothing_is_answered_and_the_station_asks_again_after_the_interval() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, registration="Rejected", interval_s=100)
    bench.run(50)
    assert bench.ask("GetConfiguration") is None
    bench.central.behaviour = replace(bench.central.behaviour, registration="Accepted")
    bench.run(60)
    assert bench.context.link.state is LinkState.ACCEPTED


def test_a_boot_notification_that_fails_is_repeated() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, errors={"BootNotification": 1})
    bench.run(10)
    assert not bench.context.link.may_ask
    bench.run(300)
    assert bench.context.link.may_ask


def test_heartbeats_come_at_the_interval_when_nothing_else_is_said() -> None:
    bench = connected()
    bench.run(1_000)
    assert bench.central.actions() == ["Heartbeat"] * 3
    assert bench.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "10"}) == {"status": "Accepted"}
    bench.central.requests.clear()
    bench.run(101)
    assert bench.central.actions() == ["Heartbeat"] * 10


def test_the_central_system_tells_the_time_to_a_station_that_does_not_know_it() -> None:
    bench = Bench()
    bench.clock_set = False
    bench.run(2)
    bench.card(1, "04A1B2C3")
    bench.run(2)
    (start,) = bench.central.payloads("StartTransaction")
    assert start["timestamp"].startswith("2026-01-01T00:16:4")


@pytest.mark.parametrize("text", ["2200-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_makes_no_sense_is_not_taken(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr(bench.central, "time_text", lambda _now_us: text)
    bench.run(2)
    status = bench.central.payloads("StatusNotification")[0]
    assert status["timestamp"].startswith("2026-01-01")


# --- status ----------------------------------------------------------------------------------------------------------


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


def test_while_control_starts_again_the_last_status_counts() -> None:
    bench = connected()
    bench.point.view(bench.now_us, None)
    bench.run(1)
    assert "StatusNotification" not in bench.central.actions()


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


# --- cards -----------------------------------------------------------------------------------------------------------


def verdicts(bench: Bench) -> list[Verdict]:
    return [each.verdict for each in bench.of(Authorise)]


@pytest.mark.req("AUT-01")
@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "ConcurrentTx"])
def test_a_card_is_refused_for_each_status_but_accepted(status: str) -> None:
    bench = connected()
    bench.central.behaviour.id_status["04A1B2C3"] = status
    bench.card(1, "04A1B2C3")
    bench.run(1)
    assert verdicts(bench) == [Verdict.REFUSED]
    assert "StartTransaction" not in bench.central.actions()


@pytest.mark.req("AUT-01")
def test_while_the_answer_is_late_the_user_may_begin_and_a_refusal_ends_the_charge() -> None:
    bench = connected()
    bench.central.behaviour.late_us["Authorize"] = 5 * SECOND
    bench.central.behaviour.id_status["04A1B2C3"] = "Blocked"
    bench.card(1, "04A1B2C3")
    bench.run(3)
    assert verdicts(bench) == [Verdict.PROVISIONAL]
    assert bench.outlet(1).session is not None
    bench.run(5)
    assert verdicts(bench)[1:] == [Verdict.REFUSED]
    assert bench.central.payloads("StopTransaction")[0]["reason"] == "DeAuthorized"


@pytest.mark.req("AUT-01")
@pytest.mark.parametrize(
    ("loss", "final"), [(LossStrategy.ALLOW_ALL, Verdict.ACCEPTED), (LossStrategy.CACHED_ONLY, Verdict.REFUSED)]
)
def test_without_an_answer_in_time_the_loss_strategy_decides(loss: LossStrategy, final: Verdict) -> None:
    bench = connected(replace(DEFAULTS, loss=loss, authentication_timeout_s=4))
    bench.central.behaviour.silent.add("Authorize")
    bench.card(1, "04A1B2C3")
    bench.run(5)
    assert verdicts(bench) == [Verdict.PROVISIONAL, final]


@pytest.mark.req("AUT-06")
@pytest.mark.parametrize("loss", LossStrategy)
def test_offline_who_was_accepted_before_may_charge_and_who_was_blocked_may_not(loss: LossStrategy) -> None:
    bench = connected(replace(DEFAULTS, loss=loss))
    bench.central.behaviour.id_status["0BADBADB"] = "Blocked"
    for uid in ("04A1B2C3", "0BADBADB"):
        bench.card(1, uid)
        bench.run(2)
        if bench.outlet(1).session is not None:
            bench.stop_session(1)
    bench.network(up=False)
    bench.run(1)
    bench.posted.clear()
    bench.card(1, "04A1B2C3")
    bench.card(2, "0BADBADB")
    bench.run(1)
    assert verdicts(bench) == [Verdict.ACCEPTED, Verdict.REFUSED]
    bench.stop_session(1)
    bench.card(1, "0ABCDEF0")
    bench.run(1)
    assert verdicts(bench)[2] is (Verdict.ACCEPTED if loss is LossStrategy.ALLOW_ALL else Verdict.REFUSED)


def test_with_local_pre_authorize_a_known_card_does_not_wait() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "LocalPreAuthorize", "value": "true"})
    bench.card(1, "04A1B2C3")
    bench.run(1)
    bench.stop_session(1)
    bench.run(1)
    bench.central.requests.clear()
    bench.central.behaviour.silent.add("Authorize")
    bench.card(1, "04A1B2C3")
    bench.run(1)
    assert verdicts(bench)[-1] is Verdict.ACCEPTED
    assert "Authorize" not in bench.central.actions()


def test_without_local_authorize_offline_nobody_is_known() -> None:
    bench = connected(replace(DEFAULTS, loss=LossStrategy.CACHED_ONLY))
    bench.card(1, "04A1B2C3")
    bench.run(1)
    bench.stop_session(1)
    assert bench.ask("ChangeConfiguration", {"key": "LocalAuthorizeOffline", "value": "false"})["status"] == "Accepted"
    bench.network(up=False)
    bench.run(1)
    bench.card(1, "04A1B2C3")
    bench.run(1)
    assert verdicts(bench)[-1] is Verdict.REFUSED


@pytest.mark.req("AUT-05")
@pytest.mark.parametrize(("parent", "ends"), [("FAMILY", True), ("OTHERS", False)])
def test_a_card_of_the_same_group_ends_the_charge_and_others_do_not(parent: str, ends: bool) -> None:
    bench = connected()
    bench.central.behaviour.parents.update({"04A1B2C3": "FAMILY", "04D4E5F6": parent})
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.card(1, "04D4E5F6", "stop")
    bench.run(2)
    assert (bench.outlet(1).session is None) is ends


def test_the_stop_tells_the_card_that_ended_the_charge() -> None:
    bench = connected()
    bench.central.behaviour.parents.update({"04A1B2C3": "FAMILY", "04D4E5F6": "FAMILY"})
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.card(1, "04D4E5F6", "stop")
    bench.run(2)
    (start,), (stop,) = (bench.central.payloads(f"{what}Transaction") for what in ("Start", "Stop"))
    assert (start["idTag"], stop["idTag"], stop["reason"]) == ("04A1B2C3", "04D4E5F6", "Local")


@pytest.mark.parametrize("reason", ["EVDisconnected", "Remote", "Fault ContactorWelded"])
def test_the_stop_tells_who_started_when_no_card_ended_the_charge(reason: str) -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.stop_session(1, reason)
    bench.run(2)
    assert [each["idTag"] for each in bench.central.payloads("StopTransaction")] == ["04A1B2C3"]


def test_the_card_that_ended_a_charge_offline_outlives_a_restart() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.network(up=False)
    bench.stop_session(1, "Local", "04D4E5F6")
    bench.run(2)
    bench.restart_services()
    bench.network(up=True)
    bench.run(120)
    assert [each["idTag"] for each in bench.central.payloads("StopTransaction")] == ["04D4E5F6"]


@pytest.mark.parametrize(("stops", "command"), [("true", StopSession), ("false", Suspend)])
def test_an_id_that_turns_out_invalid_is_stopped_or_held(stops: str, command: type[Any]) -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "StopTransactionOnInvalidId", "value": stops})
    bench.network(up=False)
    bench.run(1)
    bench.card(1, "04A1B2C3")
    bench.run(1)
    bench.central.behaviour.id_status["04A1B2C3"] = "Invalid"
    bench.network(up=True)
    bench.run(60)
    assert bench.of(command)
    if stops == "true":
        assert bench.central.payloads("StopTransaction")[0]["reason"] == "DeAuthorized"
    else:
        bench.stop_session(1)
        bench.run(1)
        assert [each.active for each in bench.of(Suspend)] == [True, False], "the next user is not held"


def test_an_invalid_id_may_draw_so_much_energy() -> None:
    bench = connected()
    for key, value in (("StopTransactionOnInvalidId", "false"), ("MaxEnergyOnInvalidId", "500")):
        bench.ask("ChangeConfiguration", {"key": key, "value": value})
    bench.ask("ChangeConfiguration", {"key": "LocalPreAuthorize", "value": "true"})
    bench.central.behaviour.id_status["04A1B2C3"] = "ConcurrentTx"
    bench.start_session(1, "04A1B2C3", by="remote")
    bench.run(2)
    bench.draw(1, 499)
    bench.run(2)
    assert not bench.of(Suspend)
    bench.draw(1, 1)
    bench.run(2)
    assert bench.of(Suspend)


@pytest.mark.req("OCP-07")
@pytest.mark.parametrize(("tag", "sent"), [("FREE", "FREE"), ("UNDEFINED", "SN-1")])
def test_free_access_has_the_default_id_tag(tag: str, sent: str) -> None:
    bench = connected(replace(DEFAULTS, default_id_tag=tag))
    bench.start_session(1, "", by="free access")
    bench.run(2)
    assert bench.central.payloads("StartTransaction")[0]["idTag"] == sent
    bench.stop_session(1)
    bench.run(1)
    assert bench.central.payloads("StopTransaction")[0]["idTag"] == sent


def test_who_does_not_plug_in_within_the_connection_timeout_loses_the_permission() -> None:
    """Control does it; here: that it is told, shorter or longer, after each of its starts, and no more than needed."""
    bench = connected()
    for seconds, told_s in (("20", 20), ("600", 600), ("60", 0)):
        bench.posted.clear()
        bench.ask("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": seconds})
        assert [(each.outlet, each.timeout_s) for each in bench.of(PlugWithin)] == [(1, told_s), (2, told_s)]
    bench.ask("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "90"})
    bench.power_cut()
    bench.posted.clear()
    bench.run(3)
    assert [each.timeout_s for each in bench.of(PlugWithin)] == [90, 90]
    assert not bench.of(WhenVehicleLeaves)


# --- remote start and stop -------------------------------------------------------------------------------------------


@pytest.mark.req("OCP-07")
def test_remote_start_and_stop() -> None:
    bench = connected()
    assert bench.ask("RemoteStartTransaction", {"connectorId": 2, "idTag": "REMOTE1"}) == {"status": "Accepted"}
    assert "Authorize" not in bench.central.actions()
    (start,) = bench.central.payloads("StartTransaction")
    assert (start["connectorId"], start["idTag"]) == (2, "REMOTE1")
    assert bench.ask("RemoteStopTransaction", {"transactionId": 99}) == {"status": "Rejected"}
    assert bench.ask("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}
    assert bench.central.payloads("StopTransaction")[0]["reason"] == "Remote"
    assert bench.ask("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Rejected"}


@pytest.mark.req("OCP-07")
@pytest.mark.parametrize(("status", "starts"), [("Accepted", True), ("Invalid", False)])
def test_a_remote_start_that_is_to_be_authorised(status: str, starts: bool) -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "AuthorizeRemoteTxRequests", "value": "true"})
    bench.central.behaviour.id_status["REMOTE1"] = status
    assert bench.ask("RemoteStartTransaction", {"idTag": "REMOTE1"}) == {"status": "Accepted"}
    assert "Authorize" in bench.central.actions()
    assert bool(bench.of(StartSession)) is starts


@pytest.mark.req("OCP-07")
def test_remote_start_without_a_connector_takes_the_first_free_one() -> None:
    bench = connected()
    for expected in (1, 2):
        assert bench.ask("RemoteStartTransaction", {"idTag": f"R{expected}"}) == {"status": "Accepted"}
        assert bench.outlet(expected).session is not None
    assert bench.ask("RemoteStartTransaction", {"idTag": "R3"}) == {"status": "Rejected"}


@pytest.mark.parametrize(
    "changes",
    [
        {"outlet_status": OutletStatus.UNAVAILABLE.value},
        {"faults": (FaultView("FrontEndLost", "emergency", "self", 0),)},
    ],
)
def test_remote_start_is_rejected_where_nobody_can_charge(changes: dict[str, Any]) -> None:
    bench = connected()
    bench.change(1, **changes)
    bench.run(1)
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "A"}) == {"status": "Rejected"}
    assert bench.ask("RemoteStartTransaction", {"connectorId": 7, "idTag": "A"}) == {"status": "Rejected"}
    bench.obeys[StartSession] = "the outlet is not free to start a session"
    assert bench.ask("RemoteStartTransaction", {"connectorId": 2, "idTag": "A"}) == {"status": "Rejected"}


# --- availability, reset, unlock -------------------------------------------------------------------------------------


def test_change_availability_of_one_connector_of_all_and_of_none() -> None:
    bench = connected()
    assert bench.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == {"status": "Accepted"}
    assert bench.central.statuses == {0: "Available", 1: "Unavailable", 2: "Available"}
    assert bench.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}) == {"status": "Accepted"}
    assert bench.central.statuses == dict.fromkeys((0, 1, 2), "Unavailable")
    assert bench.ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"}) == {"status": "Accepted"}
    assert bench.central.statuses == dict.fromkeys((0, 1, 2), "Available")
    assert bench.ask("ChangeAvailability", {"connectorId": 3, "type": "Operative"}) == {"status": "Rejected"}


def test_a_change_while_charging_is_scheduled_and_does_not_interrupt() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}) == {"status": "Scheduled"}
    assert bench.outlet(1).session is not None
    assert all(each.after_session for each in bench.of(SetUnavailable))


def test_a_change_that_the_station_refuses_is_rejected() -> None:
    bench = connected()
    bench.obeys[SetUnavailable] = "no"
    assert bench.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}) == {"status": "Rejected"}


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_reset_ends_sessions_with_its_reason_and_restarts(kind: str) -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.ask("Reset", {"type": kind}, seconds=0.5) == {"status": "Accepted"}
    assert bench.ask("Reset", {"type": kind}, seconds=0.2) == {"status": "Rejected"}
    bench.run(5)
    assert bench.central.payloads("StopTransaction")[0]["reason"] == f"{kind}Reset"
    assert bench.restarts == [kind]
    assert "BootNotification" in bench.central.actions(), "it registers anew at once"
    bench.services.start(bench.now_us, "boot-after-reset")
    bench.run(30)
    assert bench.central.actions().count("BootNotification") == 1, "and only once"


@pytest.mark.parametrize("retries", [0, 2])
def test_a_reset_that_control_does_not_obey_is_made_again_and_at_last_told_as_failed(retries: int) -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "ResetRetries", "value": str(retries)})
    bench.ask("Reset", {"type": "Hard"})
    bench.run(50)
    assert bench.restarts == ["Hard"], "control has its time"
    bench.run(62 * (retries + 1))
    assert bench.restarts == ["Hard"] * (retries + 1)
    told = bench.central.payloads("StatusNotification")
    assert [each["connectorId"] for each in told if each["errorCode"] == "ResetFailure"] == [0]
    bench.run(600)
    assert len(bench.restarts) == retries + 1, "given up"
    bench.services.start(bench.now_us, "boot-at-last")
    bench.run(30)
    assert [each["errorCode"] for each in bench.central.payloads("StatusNotification")][-3:] == ["NoError"] * 3


def test_a_retried_reset_ends_who_charges_meanwhile_and_stops_when_control_begins_again() -> None:
    bench = connected()
    bench.ask("Reset", {"type": "Soft"})
    bench.run(20)
    bench.card(1, "04A1B2C3")
    bench.run(50)
    assert bench.central.payloads("StopTransaction")[0]["reason"] == "SoftReset"
    assert bench.restarts == ["Soft"] * 2
    bench.services.start(bench.now_us, "boot-at-last")
    bench.run(300)
    assert bench.restarts == ["Soft"] * 2


def test_a_soft_reset_waits_for_its_messages_and_no_longer_than_it_may() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    bench.central.behaviour.silent.add("StopTransaction")
    bench.ask("Reset", {"type": "Soft"})
    bench.run(10)
    assert bench.restarts == []
    bench.run(5)
    assert bench.restarts == ["Soft"]


def test_unlock_while_idle_in_a_transaction_stuck_and_without_a_lock() -> None:
    bench = connected()
    assert bench.ask("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.ask("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
    assert bench.central.payloads("StopTransaction")[0]["reason"] == "UnlockCommand"
    bench.change(2, lock="locked")
    assert bench.ask("UnlockConnector", {"connectorId": 2}, seconds=11) == {"status": "UnlockFailed"}
    assert bench.ask("UnlockConnector", {"connectorId": 9}) == {"status": "NotSupported"}


def test_a_cable_that_is_fixed_has_no_lock_to_open() -> None:
    bench = Bench(outlets=1)
    bench.context.identity = replace(bench.identity, outlets={1: OutletFacts(has_lock=False)})
    bench.run(2)
    assert bench.ask("UnlockConnector", {"connectorId": 1}) == {"status": "NotSupported"}


# --- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [key.name for key in standard_keys(StationFacts(2))])
def test_each_configuration_key_is_told_by_name(name: str) -> None:
    bench = connected()
    answer = bench.ask("GetConfiguration", {"key": [name]})
    (entry,) = answer["configurationKey"]
    assert entry["key"] == name
    assert answer["unknownKey"] == []
    changed = bench.ask("ChangeConfiguration", {"key": name, "value": entry.get("value", "0123456789abcdef")})
    assert changed["status"] == ("Rejected" if entry["readonly"] else "Accepted")


def test_a_changed_key_outlives_a_power_cut_and_a_secret_is_never_told() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "15"})
    bench.ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": "correct-horse-battery"})
    bench.power_cut()
    bench.run(3)
    assert bench.context.keys.integer("MeterValueSampleInterval") == 15
    assert bench.context.keys.text("AuthorizationKey") == "correct-horse-battery"
    assert "correct-horse" not in str(bench.ask("GetConfiguration"))


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("NoSuchKey", "1", "NotSupported"),
        ("NumberOfConnectors", "5", "Rejected"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("HeartbeatInterval", "abc", "Rejected"),
        ("SecurityProfile", "1", "Rejected"),
        ("AuthorizationKey", "short", "Rejected"),
        ("heartbeatinterval", "30", "Accepted"),
    ],
)
def test_answers_to_change_configuration(key: str, value: str, status: str) -> None:
    assert connected().ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}


@pytest.mark.req("OCP-05")
def test_the_security_profile_is_only_raised_and_the_connection_is_made_anew() -> None:
    bench = connected(
        replace(DEFAULTS, url="wss://central.example/", security_profile=1, password="correct-horse-battery")
    )
    assert bench.ask("ChangeConfiguration", {"key": "SecurityProfile", "value": "0"}) == {"status": "Rejected"}
    assert bench.ask("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}) == {"status": "Accepted"}
    attempts = len(bench.attempts)
    bench.run(60)
    assert len(bench.attempts) == attempts + 1


@pytest.mark.req("OCP-05")
@pytest.mark.parametrize(
    ("url", "certificate", "wanted", "status"),
    [
        ("ws://central.example/", True, "2", "Rejected"),
        ("ws://central.example/", True, "3", "Rejected"),
        ("wss://central.example/", False, "3", "Rejected"),
        ("wss://central.example/", True, "3", "Accepted"),
    ],
)
def test_no_security_profile_is_taken_that_the_station_could_not_connect_with(
    url: str, certificate: bool, wanted: str, status: str
) -> None:
    made = replace(DEFAULTS, url=url, security_profile=1, password="correct-horse-battery", own_certificate=certificate)
    assert connected(made).ask("ChangeConfiguration", {"key": "SecurityProfile", "value": wanted}) == {"status": status}


@pytest.mark.req("OCP-02")
def test_settings_changed_at_the_station_count_at_once() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "7"})
    bench.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "77"})
    attempts = len(bench.attempts)
    bench.supervision.use(bench.now_us, replace(DEFAULTS, sample_interval_s=20))
    bench.run(2)
    assert bench.context.keys.integer("MeterValueSampleInterval") == 20, "the last word counts"
    assert bench.context.keys.integer("HeartbeatInterval") == 77
    assert len(bench.attempts) == attempts
    bench.supervision.use(bench.now_us, replace(DEFAULTS, url="ws://127.0.0.1/elsewhere", sample_interval_s=20))
    bench.run(10)
    assert len(bench.attempts) == attempts + 1, "another central system is connected to at once"
    assert bench.context.link.may_ask


# --- small ones ------------------------------------------------------------------------------------------------------


def test_clear_cache_forgets_and_is_rejected_without_a_cache() -> None:
    bench = connected(replace(DEFAULTS, loss=LossStrategy.CACHED_ONLY))
    bench.card(1, "04A1B2C3")
    bench.run(1)
    bench.stop_session(1)
    bench.run(1)
    assert bench.ask("ClearCache") == {"status": "Accepted"}
    assert bench.context.known_tag("04A1B2C3", bench.now_us) is None
    bench.ask("ChangeConfiguration", {"key": "AuthorizationCacheEnabled", "value": "false"})
    assert bench.ask("ClearCache") == {"status": "Rejected"}


def test_data_transfer_knows_no_vendor() -> None:
    assert connected().ask("DataTransfer", {"vendorId": "com.example"}) == {"status": "UnknownVendorId"}


def test_an_action_for_central_systems_is_not_supported_and_an_unknown_one_not_implemented() -> None:
    bench = connected()
    assert bench.ask("StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 0,
                                          "timestamp": "2026-01-01T00:00:00Z"}) == "NotSupported"  # fmt: skip
    assert bench.ask("MakeCoffee") == "NotImplemented"


# --- the vehicle's end is unplugged ----------------------------------------------------------------------------------


def departures(bench: Bench) -> list[tuple[int, bool, bool]]:
    return [(each.outlet, each.ends_session, each.releases_cable) for each in bench.of(WhenVehicleLeaves)]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("StopTransactionOnEVSideDisconnect", [(1, False, True), (2, False, True)]),
        ("UnlockConnectorOnEVSideDisconnect", [(1, True, False), (2, True, False)]),
    ],
)
def test_what_follows_when_the_vehicle_is_unplugged_is_told_to_control_after_each_of_its_starts(
    key: str, told: list[tuple[int, bool, bool]]
) -> None:
    bench = connected()
    assert departures(bench) == []
    assert bench.ask("ChangeConfiguration", {"key": key, "value": "false"}) == {"status": "Accepted"}
    assert departures(bench) == told
    bench.posted.clear()
    bench.run(100)
    assert departures(bench) == []
    bench.power_cut()
    bench.run(3)
    assert departures(bench) == told
    bench.posted.clear()
    bench.ask("ChangeConfiguration", {"key": key, "value": "true"})
    assert departures(bench) == [(1, True, True), (2, True, True)]


def test_an_order_about_leaving_vehicles_that_was_not_obeyed_is_given_again() -> None:
    bench = connected()
    bench.obeys[WhenVehicleLeaves] = "control is busy"
    bench.ask("ChangeConfiguration", {"key": "UnlockConnectorOnEVSideDisconnect", "value": "false"})
    bench.obeys.clear()
    bench.posted.clear()
    bench.run(9)
    assert departures(bench) == []
    bench.run(2)
    assert departures(bench) == [(1, True, False), (2, True, False)]


def test_a_transaction_that_waits_for_its_vehicle_is_suspended_by_it() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(1)
    bench.change(1, contactor_closed=False, ev_state="A_Not_Present_12V", no_offer_reasons=("NoVehicle",))
    bench.run(1)
    assert bench.central.statuses[1] == "SuspendedEV"


def test_unlock_gives_back_a_cable_that_was_kept() -> None:
    bench = connected()
    bench.change(1, lock="locked")
    bench.ask("UnlockConnector", {"connectorId": 1})
    assert [each.outlet for each in bench.of(ReleaseCable)] == [1]


def test_the_interval_of_the_registration_is_the_value_of_its_key() -> None:
    bench = Bench()
    bench.central.behaviour = replace(bench.central.behaviour, interval_s=77)
    bench.run(2)
    (entry,) = bench.ask("GetConfiguration", {"key": ["HeartbeatInterval"]})["configurationKey"]
    assert entry["value"] == "77"
