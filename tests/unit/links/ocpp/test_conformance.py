"""Every answer of every request, every status and its transitions, every reason and code of OCPP 1.6, each by its name.

What the specification lists is taken from the schemas; what the station never says has its reason in ``tools/ocpp_conformance.py``, and
that it is never said by mistake is the business of the other tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
import trustme

from evse.core.commands import ClearFault, SetLimit, SetUnavailable, StartSession
from evse.core.outlet_status import OutletStatus
from evse.core.units import SECOND
from evse.exchange.snapshot import FaultView, SessionView
from evse.links.ocpp.certificates import Use
from evse.links.ocpp.connector_status import ERROR_CODES, OTHER_ERROR
from evse.links.ocpp.frame import ErrorCode
from evse.links.ocpp.handlers import HANDLERS
from evse.links.ocpp.keys import ChangeStatus
from evse.links.ocpp.schemas import schema_of
from evse.links.ocpp.settings import OutletFacts
from evse.links.ocpp.standard_keys import StationFacts, standard_keys
from evse.links.ocpp.transactions import REASONS
from evse.links.ocpp.vendor_keys import Held
from tests.fakes.ocpp_bench import CHARGING, DEFAULTS, FREE, Bench, connected
from tests.unit.links.ocpp.test_vendor_keys import Vendor
from tools.ocpp_conformance import NEVER, NEVER_CODES, TRANSITIONS, statuses_of

pytestmark = pytest.mark.req("OCP-01")
UID: Final = "04A1B2C3"
SESSION: Final = SessionView("s-1", UID, 0, 0, "Normal_Mode_3", record_durable=True)
FAULT: Final = FaultView("ContactorWelded", "emergency", "service", 0)


# --- status transitions ----------------------------------------------------------------------------------------------

STATES: Final[Mapping[str, Mapping[str, Any]]] = {
    "Available": FREE,
    "Preparing": {**FREE, "cable_state": "32 A"},
    "Charging": {**FREE, **CHARGING, "session": SESSION},
    "SuspendedEV": {**FREE, **CHARGING, "session": SESSION, "contactor_closed": False, "ev_state": "B_Present_9V"},
    "SuspendedEVSE": {
        **FREE,
        **CHARGING,
        "session": SESSION,
        "contactor_closed": False,
        "no_offer_reasons": ("Suspended",),
    },
    "Finishing": {**FREE, "outlet_status": OutletStatus.UNPLUG_STARTED.value, "cable_state": "32 A"},
    "Reserved": {**FREE, "evse_status": ("Booked_Plc_Cmd_Received",)},
    "Unavailable": {**FREE, "outlet_status": OutletStatus.UNAVAILABLE.value},
    "Faulted": {**FREE, "faults": (FAULT,)},
}


@pytest.mark.parametrize("name", TRANSITIONS)
def test_each_status_transition(name: str) -> None:
    before, after = TRANSITIONS[name]
    bench = connected(outlets=1)
    bench.change(1, **STATES[before])
    bench.run(0.5)
    bench.central.requests.clear()
    bench.change(1, **STATES[after])
    bench.run(0.5)
    told = [each["status"] for each in bench.central.payloads("StatusNotification") if each["connectorId"] == 1]
    assert told == [after]


# --- answers ---------------------------------------------------------------------------------------------------------


def running(bench: Bench) -> int:
    """A transaction runs at connector 1; return its id."""
    bench.card(1, UID)
    bench.run(1)
    return max(bench.central.ledger)


def configured(bench: Bench, key: str, value: str) -> Any:
    return bench.ask("ChangeConfiguration", {"key": key, "value": value})


def unlock_stuck(bench: Bench) -> Any:
    bench.change(1, lock="locked")
    return bench.ask("UnlockConnector", {"connectorId": 1}, seconds=11)


def reserve(bench: Bench, connector: int = 1, number: int = 5) -> Any:
    return bench.ask(
        "ReserveNow",
        {"connectorId": connector, "reservationId": number, "idTag": UID, "expiryDate": "2026-01-02T00:00:00Z"},
    )


def reserve_where(bench: Bench, state: str) -> Any:
    bench.change(1, **STATES[state])
    bench.run(1)
    return reserve(bench)


def local_list(bench: Bench, version: int = 1, kind: str = "Full", entries: Any = ()) -> Any:
    return bench.ask(
        "SendLocalList", {"listVersion": version, "updateType": kind, "localAuthorizationList": list(entries)}
    )


def uncontrolled(bench: Bench) -> Bench:
    bench.supervision.use(bench.now_us, replace(bench.settings, external_limits=False))
    return bench


def profile(connector: int = 1, unit: str = "A") -> dict[str, Any]:
    made = {
        "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": unit, "startSchedule": "2026-01-01T00:00:00Z",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}],
        },
    }  # fmt: skip
    return {"connectorId": connector, "csChargingProfiles": made}


def on_a_full_disk(bench: Bench, action: str, payload: Mapping[str, Any]) -> Any:
    bench.store.full_disk()
    return bench.ask(action, payload, seconds=25)


class Authority:
    """A root, what it has signed, and the real time in which both are valid."""

    def __init__(self, bench: Bench, *, full_disk: bool = False) -> None:
        self.bench = bench
        bench.clock_error_us = int((datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()) * SECOND
        bench.central._utc_us += bench.clock_error_us
        bench.run(1)
        made = trustme.CA()
        self.root = made.cert_pem.bytes().decode("ascii")
        self.leaf = made.issue_cert("maker.example").cert_chain_pems[0].bytes().decode("ascii")
        self.use = {"certificateType": "ManufacturerRootCertificate"}
        install = {**self.use, "certificate": self.root}
        ask = on_a_full_disk if full_disk else Bench.ask
        self.installed = ask(bench, "InstallCertificate", install)


def signed_firmware(bench: Bench, number: int, location: str = "https://files.example/x", leaf: str = "") -> Any:
    firmware = {
        "location": location,
        "retrieveDateTime": "2036-01-01T00:00:00Z",
        "signingCertificate": leaf,
        "signature": "AAAA",
    }
    return bench.ask("SignedUpdateFirmware", {"requestId": number, "firmware": firmware})


def own_certificate(bench: Bench) -> Any:
    """The answer to a certificate for the key that waits."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    bench.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    request = x509.load_pem_x509_csr(bench.central.payloads("SignCertificate")[0]["csr"].encode())
    builder = x509.CertificateBuilder().subject_name(request.subject).issuer_name(request.subject).serial_number(5)
    dated = builder.not_valid_before(datetime(2025, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2029, 1, 1, tzinfo=UTC))
    made = dated.public_key(request.public_key()).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    chain = made.public_bytes(serialization.Encoding.PEM).decode("ascii")
    return bench.ask("CertificateSigned", {"certificateChain": chain})


def get_log(bench: Bench, number: int, location: str = "https://files.example/in/") -> Any:
    return bench.ask("GetLog", {"logType": "SecurityLog", "requestId": number, "log": {"remoteLocation": location}})


def refusing(bench: Bench, kind: type[Any], action: str, payload: dict[str, Any]) -> Any:
    bench.obeys[kind] = "not now"
    return bench.ask(action, payload)


def vendor_change(bench: Bench, status: ChangeStatus) -> Any:
    bench.context.vendor_keys = Vendor(status)
    return bench.ask("ChangeConfiguration", {"key": "general.name", "value": "x"})


def composite(bench: Bench, connector: int) -> Any:
    return bench.ask("GetCompositeSchedule", {"connectorId": connector, "duration": 60})


def without_lock() -> Bench:
    bench = Bench(outlets=1)
    bench.context.identity = replace(bench.identity, outlets={1: OutletFacts(has_lock=False)})
    bench.run(2)
    return bench


Recipe = Callable[[Bench], Any]
ANSWERS: Final[Mapping[str, Recipe]] = {
    "CancelReservation Accepted": lambda b: (reserve(b), b.ask("CancelReservation", {"reservationId": 5}))[1],
    "CancelReservation Rejected": lambda b: b.ask("CancelReservation", {"reservationId": 5}),
    "CertificateSigned Accepted": own_certificate,
    "CertificateSigned Rejected": lambda b: b.ask("CertificateSigned", {"certificateChain": "nonsense"}),
    "ChangeAvailability Accepted": lambda b: b.ask("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
    "ChangeAvailability Rejected": lambda b: refusing(
        b, SetUnavailable, "ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}
    ),
    "ChangeAvailability Scheduled": lambda b: (
        running(b),
        b.ask("ChangeAvailability", {"connectorId": 1, "type": "Inoperative"}),
    )[1],
    "ChangeConfiguration Accepted": lambda b: b.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "9"}),
    "ChangeConfiguration Rejected": lambda b: b.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "-9"}),
    "ChangeConfiguration RebootRequired": lambda b: vendor_change(b, ChangeStatus.REBOOT_REQUIRED),
    "ChangeConfiguration NotSupported": lambda b: b.ask("ChangeConfiguration", {"key": "NoSuchKey", "value": "1"}),
    "ClearCache Accepted": lambda b: b.ask("ClearCache"),
    "ClearCache Rejected": lambda b: (configured(b, "AuthorizationCacheEnabled", "false"), b.ask("ClearCache"))[1],
    "ClearChargingProfile Accepted": lambda b: (
        b.ask("SetChargingProfile", profile()),
        b.ask("ClearChargingProfile", {"id": 1}),
    )[1],
    "ClearChargingProfile Unknown": lambda b: b.ask("ClearChargingProfile", {"id": 1}),
    "DataTransfer UnknownVendorId": lambda b: b.ask("DataTransfer", {"vendorId": "com.example"}),
    "DeleteCertificate Accepted": lambda b: (
        Authority(b),
        b.ask(
            "DeleteCertificate",
            {
                "certificateHashData": b.ask(
                    "GetInstalledCertificateIds", {"certificateType": "ManufacturerRootCertificate"}
                )["certificateHashData"][0]
            },
        ),
    )[1],
    "DeleteCertificate Failed": lambda b: on_a_full_disk(
        Authority(b).bench,
        "DeleteCertificate",
        {"certificateHashData": b.context.certificates.ids(Use.MANUFACTURER)[0]},
    ),
    "DeleteCertificate NotFound": lambda b: b.ask(
        "DeleteCertificate",
        {
            "certificateHashData": {
                **{"hashAlgorithm": "SHA256", "issuerNameHash": "00"},
                **{"issuerKeyHash": "00", "serialNumber": "1"},
            }
        },
    ),
    "ExtendedTriggerMessage Accepted": lambda b: b.ask("ExtendedTriggerMessage", {"requestedMessage": "Heartbeat"}),
    "ExtendedTriggerMessage Rejected": lambda b: b.ask(
        "ExtendedTriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 9}
    ),
    "GetCompositeSchedule Accepted": lambda b: composite(b, 1),
    "GetCompositeSchedule Rejected": lambda b: composite(b, 9),
    "GetInstalledCertificateIds Accepted": lambda b: b.ask("GetInstalledCertificateIds", Authority(b).use),
    "GetInstalledCertificateIds NotFound": lambda b: b.ask(
        "GetInstalledCertificateIds", {"certificateType": "ManufacturerRootCertificate"}
    ),
    "GetLog Accepted": lambda b: get_log(b, 1),
    "GetLog Rejected": lambda b: get_log(b, 1, "file:///etc/passwd"),
    "GetLog AcceptedCanceled": lambda b: (get_log(b, 1), get_log(b, 2))[1],
    "InstallCertificate Accepted": lambda b: Authority(b).installed,
    "InstallCertificate Failed": lambda b: Authority(b, full_disk=True).installed,
    "InstallCertificate Rejected": lambda b: b.ask(
        "InstallCertificate", {"certificateType": "ManufacturerRootCertificate", "certificate": "nonsense"}
    ),
    "RemoteStartTransaction Accepted": lambda b: b.ask("RemoteStartTransaction", {"idTag": UID}),
    "RemoteStartTransaction Rejected": lambda b: refusing(b, StartSession, "RemoteStartTransaction", {"idTag": UID}),
    "RemoteStopTransaction Accepted": lambda b: b.ask("RemoteStopTransaction", {"transactionId": running(b)}),
    "RemoteStopTransaction Rejected": lambda b: b.ask("RemoteStopTransaction", {"transactionId": 77}),
    "ReserveNow Accepted": reserve,
    "ReserveNow Faulted": lambda b: reserve_where(b, "Faulted"),
    "ReserveNow Occupied": lambda b: reserve_where(b, "Charging"),
    "ReserveNow Rejected": lambda b: reserve(b, connector=9),
    "ReserveNow Unavailable": lambda b: reserve_where(b, "Unavailable"),
    "Reset Accepted": lambda b: b.ask("Reset", {"type": "Soft"}),
    "Reset Rejected": lambda b: (
        running(b),
        b.ask("Reset", {"type": "Soft"}, seconds=0.1),
        b.ask("Reset", {"type": "Hard"}, seconds=0.1),
    )[2],
    "SendLocalList Accepted": local_list,
    "SendLocalList Failed": lambda b: local_list(b, entries=[{"idTag": UID}]),
    "SendLocalList NotSupported": lambda b: (configured(b, "LocalAuthListEnabled", "false"), local_list(b))[1],
    "SendLocalList VersionMismatch": lambda b: (
        local_list(b, 5, entries=[{"idTag": UID, "idTagInfo": {"status": "Accepted"}}]),
        local_list(b, 5, "Differential"),
    )[1],
    "SetChargingProfile Accepted": lambda b: b.ask("SetChargingProfile", profile()),
    "SetChargingProfile NotSupported": lambda b: uncontrolled(b).ask("SetChargingProfile", profile()),
    "SetChargingProfile Rejected": lambda b: b.ask("SetChargingProfile", profile(connector=9)),
    "SignedUpdateFirmware Accepted": lambda b: signed_firmware(b, 1, leaf=Authority(b).leaf),
    "SignedUpdateFirmware Rejected": lambda b: signed_firmware(b, 1, "file:///x", Authority(b).leaf),
    "SignedUpdateFirmware AcceptedCanceled": lambda b: (
        (leaf := Authority(b).leaf),
        signed_firmware(b, 1, leaf=leaf),
        signed_firmware(b, 2, leaf=leaf),
    )[2],
    "SignedUpdateFirmware InvalidCertificate": lambda b: signed_firmware(b, 1, leaf="nonsense"),
    "TriggerMessage Accepted": lambda b: b.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    "TriggerMessage Rejected": lambda b: b.ask(
        "TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 9}
    ),
    "UnlockConnector Unlocked": lambda b: b.ask("UnlockConnector", {"connectorId": 1}),
    "UnlockConnector UnlockFailed": unlock_stuck,
    "UnlockConnector NotSupported": lambda _b: without_lock().ask("UnlockConnector", {"connectorId": 1}),
}


@pytest.mark.parametrize("answer", [each for each in statuses_of(HANDLERS) if each not in NEVER])
def test_each_answer_of_each_request(answer: str) -> None:
    bench = connected(replace(DEFAULTS, retry_interval_s=1))
    found = ANSWERS[answer](bench)
    assert found["status"] == answer.partition(" ")[2]


def test_what_is_never_answered_is_an_answer_and_has_no_recipe() -> None:
    listed = set(statuses_of(HANDLERS))
    assert not set(ANSWERS) - listed
    assert not set(ANSWERS) & set(NEVER)


# --- errors -----------------------------------------------------------------------------------------------------------


class Broken(Vendor):
    """Settings that cannot be read."""

    def all(self) -> Sequence[Held]:
        raise RuntimeError("a mistake in the program")


def flooded(bench: Bench) -> Any:
    for _ in range(100):
        bench.central.call(bench.now_us, "GetLocalListVersion", {})
    return bench.ask("GetLocalListVersion")


def broken(bench: Bench) -> Any:
    bench.context.vendor_keys = Broken()
    return bench.ask("GetConfiguration")


def no_payload(bench: Bench) -> Any:
    bench.central.raw(bench.now_us, '[2,"odd","Reset","Soft"]')
    bench._wake()
    bench.run(1)
    return bench.central.answers["odd"]


CODES: Final[Mapping[ErrorCode, Recipe]] = {
    ErrorCode.NOT_IMPLEMENTED: lambda b: b.ask("MakeCoffee"),
    ErrorCode.NOT_SUPPORTED: lambda b: b.ask("Heartbeat"),
    ErrorCode.INTERNAL_ERROR: broken,
    ErrorCode.FORMATION_VIOLATION: no_payload,
    ErrorCode.PROPERTY_CONSTRAINT: lambda b: b.ask("Reset", {"type": "Explode"}),
    ErrorCode.OCCURRENCE_CONSTRAINT: lambda b: b.ask("Reset", {}),
    ErrorCode.TYPE_CONSTRAINT: lambda b: b.ask("Reset", {"type": 5}),
    ErrorCode.GENERIC_ERROR: flooded,
}


@pytest.mark.parametrize("code", [each for each in ErrorCode if each not in NEVER_CODES])
def test_each_error_code_of_an_answer(code: ErrorCode) -> None:
    bench = connected()
    assert CODES[code](bench) == code.value
    bench.run(60)
    assert bench.ask("GetLocalListVersion") == {"listVersion": 0}, "the next request is served"


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["MeterValuesAlignedData", "MeterValuesSampledData", "StopTxnAlignedData", "StopTxnSampledData"]
)
def test_no_list_of_measurands_is_longer_than_its_key_says(name: str) -> None:
    bench = connected()
    most = bench.context.keys.integer(f"{name}MaxLength")
    words = next(key for key in standard_keys(StationFacts(2)) if key.name == name).choices
    assert len(words) > most
    change = {"key": name, "value": ",".join(words[:most])}
    assert bench.ask("ChangeConfiguration", change) == {"status": "Accepted"}
    assert bench.ask("ChangeConfiguration", {**change, "value": ",".join(words)}) == {"status": "Rejected"}


def test_no_more_profiles_than_the_station_takes() -> None:
    bench = connected()
    most = bench.context.keys.integer("MaxChargingProfilesInstalled")
    answers = []
    for number in range(most + 1):
        made = profile(connector=number % 3)
        made["csChargingProfiles"].update(chargingProfileId=number, stackLevel=number // 3 % 9)
        if number >= 27:
            made = {**made, "connectorId": 0}
            purpose = {"chargingProfilePurpose": "ChargePointMaxProfile", "stackLevel": number - 27}
            made["csChargingProfiles"].update(purpose)
        answers.append(bench.ask("SetChargingProfile", made)["status"])
    assert answers == ["Accepted"] * most + ["Rejected"]


@pytest.mark.parametrize(
    ("voltage_mv", "phases", "current_ma"), [(230_000, 3, 10_000), (240_000, 3, 9_583), (230_000, 1, 30_000)]
)
def test_watts_count_with_the_voltage_of_the_station(voltage_mv: int, phases: int, current_ma: int) -> None:
    bench = Bench(replace(DEFAULTS, voltage_mv=voltage_mv), outlets=1)
    bench.context.identity = replace(bench.identity, outlets={1: OutletFacts(phases=phases)})
    bench.run(2)
    made = profile(unit="W")
    made["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = 6_900.0
    assert bench.ask("SetChargingProfile", made) == {"status": "Accepted"}
    assert [each.current_ma for each in bench.of(SetLimit) if each.active] == [current_ma]


# --- what the station tells -------------------------------------------------------------------------------------------


def told_codes() -> list[str]:
    return sorted(set(ERROR_CODES.values()) | {OTHER_ERROR})


def test_each_error_code_is_told_or_has_a_reason_why_not() -> None:
    listed = set(schema_of("StatusNotification")["properties"]["errorCode"]["enum"])
    never = {name.partition(" ")[2] for name in NEVER if name.startswith("StatusNotification ")}
    assert listed == {*told_codes(), "NoError", "LocalListConflict", "ResetFailure"} | never


@pytest.mark.parametrize("code", told_codes())
def test_each_error_code_of_a_status(code: str) -> None:
    fault = next((name for name, each in ERROR_CODES.items() if each == code), "NobodyKnowsThisFault")
    bench = connected(outlets=1)
    bench.change(1, faults=(FaultView(fault, "controlled", "self", 0),))
    bench.run(0.5)
    told = [each for each in bench.central.payloads("StatusNotification") if each["connectorId"] == 1]
    assert [(each["status"], each["errorCode"], each["vendorErrorCode"]) for each in told] == [("Faulted", code, fault)]
    bench.change(1, **FREE)
    bench.run(0.5)
    assert bench.central.payloads("StatusNotification")[-2]["errorCode"] == "NoError"


@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid"])
def test_an_answer_that_contradicts_the_local_list_is_told_as_a_conflict(status: str) -> None:
    bench = connected()
    assert local_list(bench, entries=[{"idTag": UID, "idTagInfo": {"status": "Accepted"}}]) == {"status": "Accepted"}
    bench.central.behaviour.id_status[UID] = status
    bench.card(1, UID)
    bench.run(1)
    (told,) = bench.central.payloads("StatusNotification")[:1]
    assert (told["connectorId"], told["errorCode"], told["status"]) == (0, "LocalListConflict", "Available")
    assert told["info"] == UID
    bench.run(1)
    bench.central.requests.clear()
    bench.card(1, UID)
    bench.run(1)
    assert "LocalListConflict" not in {each["errorCode"] for each in bench.central.payloads("StatusNotification")}
    bench.central.behaviour.id_status[UID] = "Blocked" if status != "Blocked" else "Invalid"
    bench.card(1, UID)
    bench.run(1)
    assert "LocalListConflict" in {each["errorCode"] for each in bench.central.payloads("StatusNotification")}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_each_reason_of_a_stop(reason: str) -> None:
    assert set(schema_of("StopTransaction")["properties"]["reason"]["enum"]) == REASONS
    bench = connected(outlets=1)
    running(bench)
    bench.stop_session(1, reason)
    bench.run(1)
    assert [each["reason"] for each in bench.central.payloads("StopTransaction")] == [reason]


@pytest.mark.parametrize("status", ["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"])
def test_each_status_of_an_id(status: str) -> None:
    bench = connected(outlets=1)
    bench.central.behaviour.id_status[UID] = status
    bench.card(1, UID)
    bench.run(1)
    assert bool(bench.central.payloads("StartTransaction")) is (status == "Accepted")


def test_a_fault_that_only_service_ends_stays_told_until_then() -> None:
    bench = connected(outlets=1)
    bench.change(1, faults=(FAULT,))
    bench.run(600)
    assert bench.central.statuses[1] == "Faulted"
    assert not bench.of(ClearFault), "the central system cannot clear it"
