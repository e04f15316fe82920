"""OCPP 1.5 over JSON at a whole charge point: what is said otherwise, what is not said, what is not served."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.exchange.snapshot import FaultView
from evse.links.ocpp.dialect import SERVED, Version
from evse.links.ocpp.file_work import End
from evse.links.ocpp.handlers import HANDLERS
from tests.fakes.ocpp_bench import DEFAULTS, Bench

pytestmark = pytest.mark.req("OCP-06")
OLD = replace(DEFAULTS, version=Version.V15)


def old() -> Bench:
    """A station that is registered at a central system which speaks 1.5."""
    bench = Bench(OLD, check=False)

    def boot(now_us: int, _payload: Any) -> dict[str, Any]:
        return {"status": "Accepted", "heartbeatInterval": 100, "currentTime": bench.central.time_text(now_us)}

    bench.central.on_BootNotification = boot  # type: ignore[method-assign]
    bench.run(2)
    assert bench.context.link.may_ask
    bench.central.requests.clear()
    return bench


def test_the_interval_has_another_name() -> None:
    bench = old()
    bench.run(250)
    assert bench.central.actions() == ["Heartbeat", "Heartbeat"]


def test_a_charge_in_the_older_words() -> None:
    bench = old()
    for key, value in (("MeterValuesSampledData", "Current.Import,Current.Offered"), ("StopTxnSampledData", "Voltage")):
        assert bench.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": "Accepted"}
    bench.card(1, "04A1B2C3")
    bench.run(61)
    bench.change(1, contactor_closed=False, ev_state="B_Present_9V")
    bench.run(1)
    bench.stop_session(1)
    bench.run(1)
    statuses = {each["status"] for each in bench.central.payloads("StatusNotification")}
    assert statuses == {"Occupied", "Available"}
    (told,) = bench.central.payloads("MeterValues")
    ((value,),) = (each["values"] for each in told["values"])
    assert (value["measurand"], value["value"]) == ("Current.Import", "16.000")
    assert "phase" not in value
    (stop,) = bench.central.payloads("StopTransaction")
    assert "reason" not in stop
    assert len(stop["transactionData"][0]["values"]) == 3
    assert bench.store.station("station-1").messages == {}


def test_errors_and_unlock_in_the_older_words() -> None:
    bench = old()
    bench.change(1, faults=(FaultView("DiodeFault", "emergency", "unplug", 0),))
    bench.run(1)
    assert bench.central.payloads("StatusNotification")[0]["errorCode"] == "Mode3Error"
    assert bench.ask("UnlockConnector", {"connectorId": 2}) == {"status": "Accepted"}
    assert bench.ask("UnlockConnector", {"connectorId": 9}) == {"status": "Rejected"}


def test_a_local_list_has_its_older_name() -> None:
    bench = old()
    entry = {"idTag": "A", "idTagInfo": {"status": "Accepted"}}
    payload = {"listVersion": 2, "updateType": "Full", "localAuthorisationList": [entry], "hash": "x"}
    assert bench.ask("SendLocalList", payload) == {"status": "Accepted"}
    assert bench.ask("GetLocalListVersion") == {"listVersion": 2}
    assert bench.context.known_tag("A", bench.now_us) is not None


@pytest.mark.parametrize("action", sorted(set(HANDLERS) - SERVED))
def test_what_the_older_version_has_not_is_not_served(action: str) -> None:
    bench = old()
    payloads = {"TriggerMessage": {"requestedMessage": "Heartbeat"}, "ClearChargingProfile": {}}
    answer = bench.ask(action, payloads.get(action, {}))
    assert answer in ("NotSupported", "OccurenceConstraintViolation")


def test_statuses_that_the_older_version_has_not_are_not_sent_and_block_nothing() -> None:
    bench = old()
    bench.supervision._do = lambda job: bench.supervision.job_ended(bench.now_us, job.number, End.FAILED)
    bench.ask("UpdateFirmware", {"location": "http://files.example/f", "retrieveDate": "2026-01-01T00:00:00Z"})
    bench.ask("GetDiagnostics", {"location": "http://files.example/"})
    bench.run(5)
    assert [each["status"] for each in bench.central.payloads("FirmwareStatusNotification")] == ["DownloadFailed"]
    assert [each["status"] for each in bench.central.payloads("DiagnosticsStatusNotification")] == ["UploadFailed"]
