"""Requests of the feature profile Firmware Management, and firmware and logs of the security extension.

OCPP 1.6, 4.4, 4.5, 5.9 (`GetDiagnostics`), 5.19 (`UpdateFirmware`); security whitepaper, L01 and N01.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from evse.core.units import SECOND
from evse.links.ocpp.certificates import CertificateError, Use
from evse.links.ocpp.context import Context, Reply
from evse.links.ocpp.file_urls import UrlError, file_url
from evse.links.ocpp.file_work import End, Installing, Job, Told, Work
from evse.links.ocpp.requests import Answer, Then, ignore
from evse.links.ocpp.stamps import utc_us_from

Payload = Mapping[str, Any]
_PATIENCE_US: Final = 365 * 86_400 * SECOND
ORDER_NAME: Final = "firmware order"
"""Name of the document that keeps what is wanted."""
_UPLOAD_ENDS: Final = {
    "begun": "Uploading", "again": "UploadFailed", End.DONE: "Uploaded", End.FAILED: "UploadFailed",
    End.FORBIDDEN: "UploadFailed",
}  # fmt: skip
_LOG_ENDS: Final = {
    "begun": "Uploading", "again": "UploadFailure", End.DONE: "Uploaded", End.FAILED: "UploadFailure",
    End.FORBIDDEN: "PermissionDenied",
}  # fmt: skip


def get_diagnostics(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`GetDiagnostics` (5.9). Without a file name nothing will come: the location is refused."""
    name = _file_name(context, now_us, "diagnostics")
    job = Job(0, Work.DIAGNOSTICS, payload["location"], name, payload.get("startTime", ""), payload.get("stopTime", ""))
    if not _allowed(context, job.url, "GetDiagnostics"):
        reply({})
        return

    def tell(_at_us: int, what: str) -> None:
        context.states.diagnostics = "Idle" if what in tuple(End) else "Uploading"
        context.requests.ask("DiagnosticsStatusNotification", {"status": _UPLOAD_ENDS[what]})

    context.files.put(job, tell, due_us=now_us, retries=payload.get("retries"), interval_s=payload.get("retryInterval"))
    reply({"fileName": name})


def get_log(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`GetLog` (security whitepaper)."""
    work = Work.DIAGNOSTICS if payload["logType"] == "DiagnosticsLog" else Work.SECURITY_LOG
    number, log = payload["requestId"], payload["log"]
    name = _file_name(context, now_us, work.value.replace(" ", "-"))
    job = Job(0, work, log["remoteLocation"], name, log.get("oldestTimestamp", ""), log.get("latestTimestamp", ""))
    if not _allowed(context, job.url, "GetLog"):
        reply({"status": "Rejected"})
        return

    def tell(_at_us: int, what: str) -> None:
        context.states.log = ("Idle", number) if what in tuple(End) else ("Uploading", number)
        context.requests.ask("LogStatusNotification", {"status": _LOG_ENDS[what], "requestId": number})

    replaced = context.files.put(
        job, tell, due_us=now_us, retries=payload.get("retries"), interval_s=payload.get("retryInterval")
    )
    reply({"status": "AcceptedCanceled" if replaced else "Accepted", "filename": name})


def update_firmware(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`UpdateFirmware` (5.19). The answer has no status: what becomes of it is told by `FirmwareStatusNotification`."""
    reply({})

    if not _allowed(context, payload["location"], "UpdateFirmware"):
        _say(context, None, "DownloadFailed")
        return
    order = Order(
        payload["location"],
        retrieve=payload["retrieveDate"],
        retries=payload.get("retries"),
        interval_s=payload.get("retryInterval"),
    )
    _give(context, now_us, order)


def signed_update_firmware(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`SignedUpdateFirmware` (security whitepaper, L01): the signing certificate must come from a manufacturer root."""
    firmware, number = payload["firmware"], payload["requestId"]
    try:
        context.certificates.check_chain(firmware["signingCertificate"], Use.MANUFACTURER, context.utc_us(now_us))
    except CertificateError as error:
        context.refuse("SignedUpdateFirmware", str(error))
        context.security_event("InvalidFirmwareSigningCertificate", str(error))
        reply({"status": "InvalidCertificate"})
        return
    if not _allowed(context, firmware["location"], "SignedUpdateFirmware"):
        reply({"status": "Rejected"})
        return
    order = Order(
        firmware["location"],
        number,
        *(firmware["signature"], firmware["signingCertificate"]),
        *(firmware["retrieveDateTime"], firmware.get("installDateTime", "")),
        *(payload.get("retries"), payload.get("retryInterval")),
    )
    replaced, due_us = _give(context, now_us, order)
    reply({"status": "AcceptedCanceled" if replaced else "Accepted"})
    if due_us > now_us + SECOND:
        _say(context, number, "DownloadScheduled")


class Order(NamedTuple):
    """A firmware that is wanted; ``request``: of a signed one. ``retrieve`` and ``install``: `dateTime`s, empty for at once."""

    url: str
    request: int | None = None
    signature: str = ""
    certificate: str = ""
    retrieve: str = ""
    install: str = ""
    retries: int | None = None
    interval_s: int | None = None


def _give(context: Context, now_us: int, order: Order) -> tuple[bool, int]:
    """Queue the download; return whether another order gives way, and when it begins. The order outlives restarts."""
    context.states.installations += 1
    job = Job(0, Work.DOWNLOAD, order.url, signature=order.signature, certificate=order.certificate)
    install_us = _moment_us(context, now_us, order.install) if order.install else now_us
    due_us = _moment_us(context, now_us, order.retrieve)
    tell = _firmware_steps(context, order.request, job, install_us=install_us)
    replaced = context.files.put(job, tell, due_us=due_us, retries=order.retries, interval_s=order.interval_s)
    context.keep_in_turn(ORDER_NAME, json.dumps(order))
    return replaced, due_us


def order_due(context: Context, now_us: int) -> None:
    """Go on with an order from before a restart, as soon as the time is known."""
    if context.states.order and context.utc_us(now_us) is not None:
        order, context.states.order = context.states.order, ""
        _give(context, now_us, Order(*json.loads(order)))


def _say(context: Context, request: int | None, status: str, then: Then = ignore) -> None:
    """Tell how far a firmware has come; ``request``: of a signed one."""
    states = context.states
    if request is None:
        states.firmware = status if status in ("Downloading", "Installing") else "Idle"
        context.requests.ask("FirmwareStatusNotification", {"status": status}, then)
    else:
        states.signed_firmware = (status, request)
        context.requests.ask("SignedFirmwareStatusNotification", {"status": status, "requestId": request}, then)


def _keep_installing(context: Context, installing: Installing | None) -> None:
    """What has to be told after the restart is durable before it."""
    context.states.installing = installing
    kept = "" if installing is None else json.dumps([installing.request, installing.before])
    context.keep("firmware", kept)


def restored_firmware(context: Context, text: str) -> None:
    """Go on after a restart: what came of a firmware is known at once unless it is on trial."""
    if not text:
        return
    states, identity = context.states, context.identity
    states.installing = Installing(*json.loads(text))
    request = states.installing.request
    if request is None:
        states.firmware = "Installing"
    else:
        states.signed_firmware = ("Installing", request)
    if not identity.on_trial:
        firmware_ended(context, installed=identity.firmware != states.installing.before)


def firmware_ended(context: Context, *, installed: bool) -> None:
    """The new version was confirmed, or the one before runs again."""
    states = context.states
    if states.installing is None or states.installed is not None:
        return
    states.installed = installed


def firmware_due(context: Context) -> None:
    """Tell what came of a firmware, until that is answered."""
    states, installing = context.states, context.states.installing
    if installing is None or states.installed is None or states.telling:
        return
    states.telling = True

    def answered(answer: Answer) -> None:
        states.telling = False
        if answer.payload is not None or answer.refused:
            states.installed = None
            _keep_installing(context, None)

    _say(context, installing.request, "Installed" if states.installed else "InstallationFailed", answered)


def _busy(context: Context) -> bool:
    return any(context.in_session(connector) for connector in context.identity.outlets)


def _when_idle(context: Context, now_us: int, install_us: int, job: Job, install: Told) -> None:
    """Install when it is time and nobody uses the station: it restarts for that, and no charge ends because of it."""
    number = context.states.installations = context.states.installations + 1

    def ready(at_us: int) -> bool:
        if context.states.installations != number:
            return True
        if at_us < install_us or _busy(context):
            return False
        context.files.put(job, install, due_us=at_us, retries=0, interval_s=None)
        return True

    if not ready(now_us):
        context.at(install_us, lambda _at_us: None)
        context.wait(ready, now_us + _PATIENCE_US, lambda _at_us: None)


def _firmware_steps(context: Context, request: int | None, job: Job, *, install_us: int) -> Told:
    """Follow a firmware from its download to the restart that tries it."""
    signed = request is not None

    def say(status: str) -> None:
        _say(context, request, status)

    def install(now_us: int, what: str) -> None:
        match what:
            case "begun":
                say("Installing")
                context.keep_in_turn(ORDER_NAME, "")
                _keep_installing(context, Installing(request, context.identity.firmware))
            case End.DONE:
                if signed:
                    say("InstallRebooting")
            case _:
                _keep_installing(context, None)
                say("InstallationFailed")

    def downloaded(now_us: int, what: str) -> None:
        match what:
            case "begun":
                say("Downloading")
            case End.DONE:
                say("Downloaded")
                if signed:
                    say("SignatureVerified")
                    if install_us > now_us + SECOND or _busy(context):
                        say("InstallScheduled")
                _when_idle(context, now_us, install_us, Job(0, Work.INSTALL, job.url), install)
            case End.INVALID_SIGNATURE:
                context.keep_in_turn(ORDER_NAME, "")
                context.security_event("InvalidFirmwareSignature", "")
                say("InvalidSignature" if signed else "DownloadFailed")
            case _:
                if what != "again":
                    context.keep_in_turn(ORDER_NAME, "")
                say("DownloadFailed")

    return downloaded


def _allowed(context: Context, url: str, action: str) -> bool:
    try:
        file_url(url)
    except UrlError as error:
        context.refuse(action, str(error))
        return False
    return True


def _moment_us(context: Context, now_us: int, text: str) -> int:
    """A `dateTime` on the monotonic clock; now for one that is past or makes no sense."""
    wanted_us, utc_us = utc_us_from(text), context.utc_us(now_us)
    return now_us if wanted_us is None or utc_us is None else max(now_us, now_us + wanted_us - utc_us)


def _file_name(context: Context, now_us: int, what: str) -> str:
    context.marks.files += 1
    moment = context.now_text(now_us)[:19].replace("-", "").replace(":", "")
    serial = "".join(character if character.isalnum() else "-" for character in context.identity.serial)
    return f"{serial[:60]}-{what}-{moment}Z-{context.token}-{context.marks.files}.json"
