"""Requests of the security extension about certificates and triggers (OCPP 1.6 security whitepaper, A02, M03 to M06)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from evse.core.units import SECOND
from evse.links.ocpp.certificates import CertificateError, Use
from evse.links.ocpp.context import Context, Reply
from evse.links.ocpp.profile_trigger import trigger_message

Payload = Mapping[str, Any]
DOCUMENT: Final = "certificates"


def install_certificate(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`InstallCertificate` (M05)."""
    try:
        context.certificates.install(Use(payload["certificateType"]), payload["certificate"], context.utc_us(now_us))
    except CertificateError as error:
        context.refuse("InstallCertificate", str(error))
        reply({"status": "Rejected"})
        return
    context.certificate_noted(f"{payload['certificateType']} installed")
    context.keep_then(DOCUMENT, context.certificates.text(), reply, {"status": "Accepted"}, {"status": "Failed"})


def delete_certificate(context: Context, _now_us: int, payload: Payload, reply: Reply) -> None:
    """`DeleteCertificate` (M04)."""
    if not context.certificates.delete(payload["certificateHashData"]):
        reply({"status": "NotFound"})
        return
    context.certificate_noted(f"certificate {payload['certificateHashData']['serialNumber']} deleted")
    context.keep_then(DOCUMENT, context.certificates.text(), reply, {"status": "Accepted"}, {"status": "Failed"})


def get_installed_certificate_ids(context: Context, _now_us: int, payload: Payload, reply: Reply) -> None:
    """`GetInstalledCertificateIds` (M03)."""
    found = context.certificates.ids(Use(payload["certificateType"]))
    reply({"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"})


def certificate_signed(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`CertificateSigned` (A02): with security profile 3 the connection is made anew with it."""
    try:
        context.certificates.signed(payload["certificateChain"], context.utc_us(now_us))
    except CertificateError as error:
        context.refuse("CertificateSigned", str(error))
        context.security_event("InvalidChargePointCertificate", str(error))
        reply({"status": "Rejected"})
        return
    context.certificate_noted("the station has another certificate of its own")

    def answered(answer: Mapping[str, Any]) -> None:
        reply(answer)
        if context.keys.integer("SecurityProfile") == 3:
            # The connection that brought it must carry its answer.
            context.at(context.now_us + SECOND, lambda _at_us: context.link.drop())

    context.keep_then(DOCUMENT, context.certificates.text(), answered, {"status": "Accepted"}, {"status": "Rejected"})


def extended_trigger_message(context: Context, now_us: int, payload: Payload, reply: Reply) -> None:
    """`ExtendedTriggerMessage`: as `TriggerMessage`, and a new certificate, and the states of logs and firmware."""
    match payload["requestedMessage"]:
        case "SignChargePointCertificate":
            reply({"status": "Accepted"})
            request = context.certificates.request(context.settings.identity, context.keys.text("CpoName"))
            context.keep(DOCUMENT, context.certificates.text())
            context.requests.ask("SignCertificate", {"csr": request})
        case "LogStatusNotification":
            reply({"status": "Accepted"})
            context.requests.ask("LogStatusNotification", lambda: _told(*context.states.log))
        case "FirmwareStatusNotification":
            reply({"status": "Accepted"})
            context.requests.ask("SignedFirmwareStatusNotification", lambda: _told(*context.states.signed_firmware))
        case _:
            trigger_message(context, now_us, payload, reply)


def _told(status: str, number: int | None) -> dict[str, Any]:
    """A state, with the id of the request that it is about; before the first request there is none."""
    return {"status": status} if number is None else {"status": status, "requestId": number}
