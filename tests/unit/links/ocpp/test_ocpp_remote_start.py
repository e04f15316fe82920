"""Remote start and stop at a whole charge point in virtual time (OCPP 1.6, 5.11, 5.12)."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import (
    StartSession,
)
from evse.core.outlet_status import OutletStatus
from evse.exchange.snapshot import FaultView
from tests.fakes.ocpp_bench import connected

pytestmark = pytest.mark.req("OCP-01")


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


@pytest.mark.req("OCP-07")
def test_remote_starts_without_a_connector_at_one_moment_get_one_each() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "AuthorizeRemoteTxRequests", "value": "true"})
    for tag in ("R1", "R2"):
        bench.central.call(bench.now_us, "RemoteStartTransaction", {"idTag": tag})
    bench.run(2)
    assert {(each.outlet, each.uid) for each in bench.of(StartSession)} == {(1, "R1"), (2, "R2")}


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
