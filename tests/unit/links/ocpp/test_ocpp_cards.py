"""Cards at a whole charge point in virtual time: who may begin, go on and stop (OCPP 1.6, 3.5, 4.1, 4.8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import (
    PlugWithin,
    StopSession,
    Suspend,
    Verdict,
    WhenVehicleLeaves,
)
from evse.core.units import SECOND
from evse.links.ocpp.settings import LossStrategy
from tests.fakes.ocpp_bench import DEFAULTS, connected
from tests.fakes.ocpp_words import verdicts

pytestmark = pytest.mark.req("OCP-01")


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
