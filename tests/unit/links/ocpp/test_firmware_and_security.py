"""Firmware management, logs, certificates, security events, at a whole charge point in virtual time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.ocsp import OCSPRequestBuilder

from evse.links.ocpp import transfers
from evse.links.ocpp.certificates import STORE_LIMIT, CertificateError, CertificateStore, Use, hash_data
from evse.links.ocpp.file_urls import UrlError, check_address, file_url
from evse.links.ocpp.file_work import End, Installing, Job, Work
from evse.links.ocpp.profile_firmware import _keep_installing
from tests.fakes.ocpp_bench import DEFAULTS, Bench, connected

HOST = "https://files.example/firmware.bin"
SECURE = replace(DEFAULTS, security_profile=1, password="correct-horse-battery")


class Carrier:
    """Ends each job as it is told; notes them."""

    def __init__(self, bench: Bench, *ends: End) -> None:
        self.bench, self.ends = bench, list(ends)
        self.jobs: list[Job] = []
        bench.supervision._do = self.do

    def do(self, job: Job) -> None:
        self.jobs.append(job)
        if self.ends:
            self.bench.supervision.job_ended(self.bench.now_us, job.number, self.ends.pop(0))


def told(bench: Bench, action: str) -> list[str]:
    return [each["status"] for each in bench.central.payloads(action)]


@pytest.mark.req("OCP-07", "OCP-01")
def test_diagnostics_are_uploaded_and_retried() -> None:
    bench = connected()
    carrier = Carrier(bench, End.FAILED, End.DONE)
    answer = bench.ask("GetDiagnostics", {"location": "ftp://files.example/in/", "retries": 2, "retryInterval": 30})
    assert answer["fileName"].startswith("SN-1-diagnostics-2026")
    bench.run(40)
    assert told(bench, "DiagnosticsStatusNotification") == ["Uploading", "UploadFailed", "Uploading", "Uploaded"]
    assert [job.work for job in carrier.jobs] == [Work.DIAGNOSTICS] * 2
    assert carrier.jobs[0].name == answer["fileName"]


@pytest.mark.req("OCP-07", "OCP-05")
def test_the_wanted_time_goes_with_the_order_to_the_one_who_collects() -> None:
    bench = connected()
    carrier = Carrier(bench, End.DONE, End.DONE)
    since, until = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    bench.ask("GetDiagnostics", {"location": "ftp://files.example/in/", "startTime": since, "stopTime": until})
    log = {"remoteLocation": "https://files.example/in/", "oldestTimestamp": since, "latestTimestamp": until}
    bench.ask("GetLog", {"logType": "DiagnosticsLog", "requestId": 5, "log": log})
    assert [(job.since, job.until) for job in carrier.jobs] == [(since, until)] * 2


@pytest.mark.req("OCP-07")
@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://files.example/", "http://", "ftp://h/../x"])
def test_a_location_that_is_refused_gives_no_file_name(location: str) -> None:
    bench = connected()
    carrier = Carrier(bench)
    assert bench.ask("GetDiagnostics", {"location": location}) == {}
    assert bench.ask("UpdateFirmware", {"location": location, "retrieveDate": "2026-01-01T00:00:00Z"}) == {}
    assert told(bench, "FirmwareStatusNotification") == ["DownloadFailed"]
    assert carrier.jobs == []


@pytest.mark.req("OCP-07", "MNT-03")
@pytest.mark.parametrize(
    ("ends", "statuses"),
    [
        ((End.DONE, End.DONE), ["Downloading", "Downloaded", "Installing"]),
        ((End.DONE, End.FAILED), ["Downloading", "Downloaded", "Installing", "InstallationFailed"]),
        ((End.FORBIDDEN,), ["Downloading", "DownloadFailed"]),
        ((End.FAILED, End.FAILED), ["Downloading", "DownloadFailed", "Downloading", "DownloadFailed"]),
    ],
)
def test_firmware_from_its_download_to_its_end(ends: tuple[End, ...], statuses: list[str]) -> None:
    bench = connected()
    Carrier(bench, *ends)
    payload = {"location": HOST, "retrieveDate": "2026-01-01T00:00:00Z", "retries": 1, "retryInterval": 10}
    assert bench.ask("UpdateFirmware", payload) == {}
    bench.run(30)
    assert told(bench, "FirmwareStatusNotification") == statuses


@pytest.mark.req("OCP-07", "MNT-03")
@pytest.mark.parametrize("after", ["another version", "the same version", "confirmed later", "given back later"])
@pytest.mark.parametrize("request_id", [None, 9])
def test_what_came_of_a_firmware_is_told_after_the_restart_once_it_is_known(after: str, request_id: int | None) -> None:
    bench = connected(SECURE)
    action = "FirmwareStatusNotification" if request_id is None else "SignedFirmwareStatusNotification"
    _keep_installing(bench.context, Installing(request_id, bench.identity.firmware))
    bench.supervision._wake()
    bench.run(1)
    bench.identity = replace(
        bench.identity, firmware="1.0" if after == "the same version" else "2.0", on_trial="later" in after
    )
    bench.power_cut()
    bench.network(up=False)
    bench.run(60)
    bench.network(up=True)
    bench.run(200)
    installed = after in ("another version", "confirmed later")
    if "later" in after:
        assert told(bench, action) == []
        trigger = {"requestedMessage": "FirmwareStatusNotification"}
        bench.ask("TriggerMessage" if request_id is None else "ExtendedTriggerMessage", trigger)
        assert told(bench, action) == ["Installing"]
        bench.central.requests.clear()
        bench.supervision.firmware_ended(bench.now_us, installed=installed)
        bench.run(1)
    assert told(bench, action) == ["Installed" if installed else "InstallationFailed"]
    bench.power_cut()
    bench.run(60)
    assert len(told(bench, action)) == 1, "it is told once"
    bench.supervision.firmware_ended(bench.now_us, installed=True)
    bench.run(5)
    assert len(told(bench, action)) == 1, "nobody has asked for another version"


def test_firmware_is_fetched_when_it_is_time() -> None:
    bench = connected()
    carrier = Carrier(bench, End.DONE, End.DONE)
    bench.ask("UpdateFirmware", {"location": HOST, "retrieveDate": "2026-01-01T01:00:00Z"})
    bench.run(60)
    assert carrier.jobs == []
    bench.run(3_000)
    assert [job.work for job in carrier.jobs] == [Work.DOWNLOAD, Work.INSTALL]


@pytest.mark.req("OCP-07", "MNT-03")
def test_firmware_waits_for_the_end_of_charges_and_a_newer_order_takes_its_place() -> None:
    bench = connected()
    carrier = Carrier(bench, *[End.DONE] * 9)
    bench.card(1, "04A1B2C3")
    bench.run(2)
    for name in ("old", "new"):
        payload = {"location": f"https://files.example/{name}", "retrieveDate": "2026-01-01T00:00:00Z"}
        bench.ask("UpdateFirmware", payload)
        bench.run(600)
    assert told(bench, "FirmwareStatusNotification") == ["Downloading", "Downloaded"] * 2
    bench.stop_session(1)
    bench.run(5)
    assert [(job.work, job.url[-3:]) for job in carrier.jobs] == [
        (Work.DOWNLOAD, "old"), (Work.DOWNLOAD, "new"), (Work.INSTALL, "new"),
    ]  # fmt: skip


@pytest.mark.req("OCP-07", "MNT-03")
def test_an_order_for_firmware_outlives_a_power_cut_until_it_is_done_or_has_failed() -> None:
    bench = connected()
    bench.ask("UpdateFirmware", {"location": HOST, "retrieveDate": "2026-01-01T01:00:00Z", "retries": 1})
    bench.power_cut()
    carrier = Carrier(bench, End.FAILED, End.FAILED)
    bench.run(60)
    assert carrier.jobs == [], "it is not time yet"
    bench.run(3_000)
    assert [(job.work, job.url) for job in carrier.jobs] == [(Work.DOWNLOAD, HOST)] * 2
    assert told(bench, "FirmwareStatusNotification") == ["Downloading", "DownloadFailed"] * 2
    bench.power_cut()
    carrier = Carrier(bench)
    bench.run(600)
    assert carrier.jobs == [], "it has failed for good"
    bench.ask("UpdateFirmware", {"location": HOST, "retrieveDate": "2026-01-01T00:00:00Z"})
    assert [job.work for job in carrier.jobs] == [Work.DOWNLOAD]
    bench.power_cut()
    carrier = Carrier(bench, End.DONE)
    bench.run(60)
    assert [job.work for job in carrier.jobs] == [Work.DOWNLOAD, Work.INSTALL], "what was broken off begins anew"
    bench.identity = replace(bench.identity, firmware="2.0")
    bench.power_cut()
    carrier = Carrier(bench)
    bench.run(60)
    assert carrier.jobs == []


# --- security extension ---------------------------------------------------------------------------------------------


def pem(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode("ascii")


@pytest.mark.req("OCP-05")
def test_logs_are_uploaded_and_a_newer_request_cancels() -> None:
    bench = connected()
    carrier = Carrier(bench)
    payload = {"logType": "SecurityLog", "requestId": 5, "log": {"remoteLocation": "https://files.example/in/"}}
    assert bench.ask("GetLog", payload)["status"] == "Accepted"
    assert bench.ask("GetLog", {**payload, "logType": "DiagnosticsLog", "requestId": 6})["status"] == "AcceptedCanceled"
    bench.supervision.job_ended(bench.now_us, carrier.jobs[1].number, End.DONE)
    bench.run(1)
    assert [job.work for job in carrier.jobs] == [Work.SECURITY_LOG, Work.DIAGNOSTICS]
    assert [(each["requestId"], each["status"]) for each in bench.central.payloads("LogStatusNotification")] == [
        (5, "Uploading"), (6, "Uploading"), (6, "Uploaded"),
    ]  # fmt: skip
    bad = {**payload, "log": {"remoteLocation": "file:///x"}}
    assert bench.ask("GetLog", bad) == {"status": "Rejected"}


@pytest.mark.req("OCP-05", "MNT-03")
@pytest.mark.parametrize("signature", [True, False])
def test_signed_firmware_needs_a_certificate_from_a_manufacturer_root(signature: bool) -> None:
    bench = connected(SECURE)
    bench.central._utc_us = int(datetime.now(UTC).timestamp()) * 1_000_000 - bench.now_us
    authority = trustme.CA()
    leaf = authority.issue_cert("maker.example").cert_chain_pems[0].bytes().decode("ascii")
    bench.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
    firmware = {
        "location": HOST, "retrieveDateTime": "2026-01-01T00:00:00Z", "signingCertificate": leaf, "signature": "AAAA",
    }  # fmt: skip
    assert bench.ask("SignedUpdateFirmware", {"requestId": 9, "firmware": firmware}) == {"status": "InvalidCertificate"}
    assert bench.central.payloads("SecurityEventNotification")[-1]["type"] == "InvalidFirmwareSigningCertificate"
    root = {"certificateType": "ManufacturerRootCertificate", "certificate": pem(authority)}
    assert bench.ask("InstallCertificate", root) == {"status": "Accepted"}
    ends = (End.DONE, End.DONE) if signature else (End.INVALID_SIGNATURE,)
    carrier = Carrier(bench, *ends)
    assert bench.ask("SignedUpdateFirmware", {"requestId": 9, "firmware": firmware}) == {"status": "Accepted"}
    bench.run(2)
    assert carrier.jobs[0].certificate == leaf
    statuses = told(bench, "SignedFirmwareStatusNotification")
    if signature:
        assert statuses == ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"]
    else:
        assert statuses == ["Downloading", "InvalidSignature"]
        assert bench.central.payloads("SecurityEventNotification")[-1]["type"] == "InvalidFirmwareSignature"


@pytest.mark.req("OCP-05")
def test_security_events_are_told_with_a_security_profile_and_kept_while_offline() -> None:
    bench = Bench(replace(SECURE, retry_interval_s=1))
    bench.network(up=False)
    bench.run(100)
    bench.network(up=True)
    bench.run(200)
    (event,) = bench.central.payloads("SecurityEventNotification")
    assert event["type"] == "StartupOfTheDevice"
    assert event["timestamp"].startswith("2026-01-01T00:16:40"), "when it happened"
    for _ in range(20):
        bench.central.raw(bench.now_us, "nonsense")
    bench.run(60)
    assert bench.central.payloads("SecurityEventNotification")[-1]["type"] == "InvalidMessages"
    assert not connected().central.payloads("SecurityEventNotification")


def test_a_central_system_that_knows_no_security_events_is_asked_once() -> None:
    bench = Bench(SECURE)
    bench.central.behaviour.errors["SecurityEventNotification"] = 99
    bench.central.error_code = "NotImplemented"
    bench.run(3)
    bench.context.security_event("InvalidMessages", "")
    bench.change(1)
    bench.run(3)
    assert len(bench.central.payloads("SecurityEventNotification")) == 1


@pytest.mark.req("OCP-05")
def test_certificates_are_installed_listed_and_deleted_and_outlive_a_power_cut() -> None:
    bench = connected()
    authority = trustme.CA()
    use = {"certificateType": "CentralSystemRootCertificate"}
    bench.clock_error_us = int((datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
    bench.central._utc_us += bench.clock_error_us
    bench.run(1)
    noted: list[str] = []
    bench.context.certificate_noted = noted.append
    assert bench.ask("GetInstalledCertificateIds", use) == {"status": "NotFound"}
    assert bench.ask("InstallCertificate", {**use, "certificate": "nonsense"}) == {"status": "Rejected"}
    leaf = authority.issue_cert("a.example").cert_chain_pems[0].bytes().decode("ascii")
    assert bench.ask("InstallCertificate", {**use, "certificate": leaf}) == {"status": "Rejected"}
    assert bench.ask("InstallCertificate", {**use, "certificate": pem(authority)}) == {"status": "Accepted"}
    assert noted == ["CentralSystemRootCertificate installed"], "what is refused changes nothing"
    bench.power_cut()
    bench.run(3)
    bench.context.certificate_noted = noted.append
    (entry,) = bench.ask("GetInstalledCertificateIds", use)["certificateHashData"]
    assert bench.ask("DeleteCertificate", {"certificateHashData": {**entry, "serialNumber": "1"}}) == {
        "status": "NotFound"
    }
    assert bench.ask("DeleteCertificate", {"certificateHashData": entry}) == {"status": "Accepted"}
    assert bench.ask("GetInstalledCertificateIds", use) == {"status": "NotFound"}
    assert noted[1:] == [f"certificate {entry['serialNumber']} deleted"]


@pytest.mark.req("OCP-05")
def test_the_hashes_are_those_of_ocsp() -> None:
    root = x509.load_pem_x509_certificate(trustme.CA().cert_pem.bytes())
    request = OCSPRequestBuilder().add_certificate(root, root, hashes.SHA256()).build()
    found = hash_data(root)
    assert found["issuerKeyHash"] == request.issuer_key_hash.hex()
    assert found["issuerNameHash"] == request.issuer_name_hash.hex()
    assert int(found["serialNumber"], 16) == request.serial_number


@pytest.mark.req("OCP-05")
def test_the_station_asks_for_a_certificate_for_its_own_key() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "CpoName", "value": "Operator"})
    assert bench.ask("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}) == {
        "status": "Accepted"
    }
    (asked,) = bench.central.payloads("SignCertificate")
    request = x509.load_pem_x509_csr(asked["csr"].encode())
    assert request.is_signature_valid
    assert "Operator" in request.subject.rfc4514_string()
    key = ec.generate_private_key(ec.SECP256R1())
    for public, status in (
        (key.public_key(), "Rejected"),
        (request.public_key(), "Accepted"),
        (key.public_key(), "Rejected"),
    ):
        now = datetime(2026, 1, 1, tzinfo=UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(request.subject)
            .public_key(public)
            .serial_number(5)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=900))
            .sign(key, hashes.SHA256())
        )
        chain = made.public_bytes(serialization.Encoding.PEM).decode("ascii")
        assert bench.ask("CertificateSigned", {"certificateChain": chain}) == {"status": status}
    assert "PRIVATE KEY" in bench.context.certificates.key
    assert "PRIVATE KEY" not in str(bench.central.requests)


@pytest.mark.req("OCP-05")
@pytest.mark.parametrize(
    ("message", "action"),
    [
        ("BootNotification", "BootNotification"),
        ("LogStatusNotification", "LogStatusNotification"),
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification"),
        ("Heartbeat", "Heartbeat"),
        ("MeterValues", "MeterValues"),
        ("StatusNotification", "StatusNotification"),
    ],
)
def test_each_extended_trigger(message: str, action: str) -> None:
    bench = connected()
    assert bench.ask("ExtendedTriggerMessage", {"requestedMessage": message}) == {"status": "Accepted"}
    assert action in bench.central.actions()


def test_the_state_of_logs_names_no_request_before_there_was_one() -> None:
    bench = connected()
    Carrier(bench, End.DONE)
    asked = {"requestedMessage": "LogStatusNotification"}
    bench.ask("ExtendedTriggerMessage", asked)
    assert bench.central.payloads("LogStatusNotification") == [{"status": "Idle"}]
    log = {"remoteLocation": "https://files.example/in/"}
    bench.ask("GetLog", {"logType": "SecurityLog", "requestId": 0, "log": log})
    bench.ask("ExtendedTriggerMessage", asked)
    assert bench.central.payloads("LogStatusNotification")[-1] == {"status": "Idle", "requestId": 0}


def test_each_file_has_a_name_of_its_own() -> None:
    bench = connected()
    wanted = {"location": "ftp://files.example/in/"}
    names = {bench.ask("GetDiagnostics", wanted, seconds=0.1)["fileName"] for _ in range(3)}
    bench.restart_services()
    bench.run(60)
    names.add(bench.ask("GetDiagnostics", wanted)["fileName"])
    assert len(names) == 4


def test_the_store_is_bounded_and_a_chain_must_hold_together() -> None:
    store = CertificateStore()
    authority, other = trustme.CA(), trustme.CA()
    now_us = int(datetime.now(UTC).timestamp()) * 1_000_000
    store.install(Use.MANUFACTURER, pem(authority), now_us)
    leaf = authority.issue_cert("a.example").cert_chain_pems[0].bytes().decode("ascii")
    store.check_chain(leaf, Use.MANUFACTURER, now_us)
    for bad in (
        other.issue_cert("b.example").cert_chain_pems[0].bytes().decode("ascii"),
        leaf + pem(other),
        "x" * 20_000,
    ):
        with pytest.raises(CertificateError):
            store.check_chain(bad, Use.MANUFACTURER, now_us)
    with pytest.raises(CertificateError, match="not valid now"):
        store.check_chain(leaf, Use.MANUFACTURER, 631_152_000 * 1_000_000)
    for _ in range(STORE_LIMIT - 1):
        store.install(Use.CENTRAL_SYSTEM, pem(trustme.CA()), now_us)
    with pytest.raises(CertificateError, match="delete one first"):
        store.install(Use.CENTRAL_SYSTEM, pem(trustme.CA()), now_us)


# --- URLs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "x" * 600, "ftp://h/../x", "ftp://h/%2e%2e/x", "http://h/a\\b", "http://h\r\nX: y/", "http://[::1", "http://:80/",
        "//files.example/x", "javascript:alert(1)", "ws://h/", "http://h:0/", "http://h:99999/", "http://h/%0d%0aX",
        "http://fe80::1%25eth0/", "sftp://h/", "data:text/plain,x", "ftp://u%0a:p@h/",
    ],
)  # fmt: skip
def test_urls_that_are_refused(text: str) -> None:
    with pytest.raises(UrlError):
        file_url(text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "169.254.169.254", "fe80::1", "224.0.0.1", "ff02::1", "240.0.0.1",
        "255.255.255.255", "100.100.100.200", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "192.0.0.8",
        "fd00:ec2::254", "10.0.0.7", "nonsense",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(UrlError):
        check_address(address, own=("10.0.0.7",))


@pytest.mark.parametrize("address", ["93.184.216.34", "10.0.0.8", "192.168.1.5", "2606:4700::1111"])
def test_addresses_that_are_allowed(address: str) -> None:
    check_address(address, own=("10.0.0.7",))
    check_address("127.0.0.1", local_allowed=True)


def test_a_url_with_a_user_never_shows_its_password() -> None:
    made: Any = file_url("ftp://me:secret@files.example/in/")
    assert (made.user, made.password, made.port) == ("me", "secret", 21)
    assert "secret" not in repr(made)


def test_the_station_knows_its_own_address_although_its_name_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_options: object) -> None:
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    assert transfers._own_addresses("127.0.0.1") == {"127.0.0.1"}
