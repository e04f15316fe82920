"""Delivery by mail: one message with the report attached, to all receivers or to none."""

from __future__ import annotations

import smtplib
import socket
from base64 import b64encode
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import BinaryIO

from evse.services.publication.delivery import (
    LIMITS,
    TALK_LIMIT,
    DeliveryError,
    Limits,
    ReportFile,
    TalksWithoutEnd,
    Watchdog,
    reason,
    tls_context,
    words,
)
from evse.services.publication.settings import Login, MailSecurity, SmtpTarget


def send_mail(target: SmtpTarget, file: ReportFile, address: str, ca_file: str = "", limits: Limits = LIMITS) -> str:
    """Deliver ``file`` to the server at ``address``; blocks. Returns the server's confirmation. Raises ``DeliveryError``.

    A message that only some receivers may get is not sent: the retry would reach the others twice.
    """
    session = _Session(target, address, ca_file, limits)
    with Watchdog(limits.delivery_s, session.cut) as watchdog:
        try:
            return session.send(_message(target, file))
        except (OSError, smtplib.SMTPException) as error:
            if watchdog.expired:
                raise DeliveryError(f"no delivery within {limits.delivery_s:.0f} s") from error
            raise DeliveryError(_told(target, error)) from error
        except ValueError as error:
            # What the library cannot read as base64 or number.
            raise DeliveryError(f"the mail server's answer makes no sense: {words(str(error))}") from error
        finally:
            session.close()


def _told(target: SmtpTarget, error: OSError) -> str:
    match error:
        case smtplib.SMTPRecipientsRefused():
            refused = "; ".join(f"{who}: {code} {words(text)}" for who, (code, text) in error.recipients.items())
            return f"receiver refused: {words(refused)}"
        case smtplib.SMTPAuthenticationError():
            return f"user name or password refused: {error.smtp_code} {words(error.smtp_error)}"
        case smtplib.SMTPResponseException():
            return f"the mail server said: {error.smtp_code} {words(error.smtp_error)}"
        case smtplib.SMTPServerDisconnected() if isinstance(error.__context__, OSError):
            error = error.__context__
    return f"mail server {target.server}:{target.port}: {reason(error)}"


class _Session:
    """One connection, which another thread may cut."""

    def __init__(self, target: SmtpTarget, address: str, ca_file: str, limits: Limits) -> None:
        self._target = target
        self._address = address
        self._ca_file = ca_file
        self._limits = limits
        self._smtp: smtplib.SMTP | None = None

    def send(self, message: EmailMessage) -> str:
        smtp = self._connect()
        smtp.ehlo_or_helo_if_needed()
        self._protect(smtp)
        if self._target.login is not None:
            _log_in(smtp, self._target.login)
        code, text = smtp.mail(self._target.sender)
        if code != 250:
            raise smtplib.SMTPResponseException(code, text)
        for receiver in self._target.receivers:
            code, text = smtp.rcpt(receiver)
            if code not in (250, 251):
                raise smtplib.SMTPRecipientsRefused({receiver: (code, text)})
        # Lines end with CR LF: servers refuse others, or take many of them for one that is too long.
        code, text = smtp.data(message.as_bytes(policy=SMTP))
        if code != 250:
            raise smtplib.SMTPDataError(code, text)
        return words(text)

    def cut(self) -> None:
        # Not close(): the other thread may be inside a read, which shutdown ends at once.
        connection = getattr(self._smtp, "sock", None)
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        if self._smtp is not None:
            self._smtp.close()

    def _connect(self) -> smtplib.SMTP:
        target, timeout_s = self._target, self._limits.operation_s
        smtp: _Bounded
        if target.security is MailSecurity.TLS:
            smtp = _BoundedTls(timeout=timeout_s, context=tls_context(self._ca_file))
        else:
            smtp = _Bounded(timeout=timeout_s)
        self._smtp = smtp
        smtp.check_name(target.server)
        code, text = smtp.connect(self._address, target.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        return smtp

    def _protect(self, smtp: smtplib.SMTP) -> None:
        if self._target.security is not MailSecurity.STARTTLS:
            return
        if not smtp.has_extn("starttls"):
            raise DeliveryError(
                "the mail server offers no STARTTLS: nothing was sent, because all of it would be readable on the way; "
                "use a server with TLS, or set the encryption to none"
            )
        smtp.starttls(context=tls_context(self._ca_file))
        smtp.ehlo()


class _Bounded(smtplib.SMTP):
    """A session whose server is listened to for ``TALK_LIMIT`` characters, then no more."""

    def check_name(self, host: str) -> None:
        """The certificate is checked against this name, not against the address."""
        self._host = host

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Ear(self.sock.makefile("rb"))
        return super().getreply()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""


class _Ear:
    """Lines of a server until it has said too much; the session makes another one for each connection."""

    def __init__(self, lines: BinaryIO) -> None:
        self._lines = lines
        self._heard = 0

    def readline(self, limit: int) -> bytes:
        """One line, as the library asks for it. Raises TalksWithoutEnd."""
        line = self._lines.readline(limit)
        self._heard += len(line)
        if self._heard > TALK_LIMIT:
            raise TalksWithoutEnd
        return line

    def close(self) -> None:
        """Listen no more."""
        self._lines.close()


def _log_in(smtp: smtplib.SMTP, login: Login) -> None:
    """Authenticate; beyond ASCII in UTF-8 (RFC 4616), which the library does not speak."""
    if login.username.isascii() and login.password.isascii():
        smtp.login(login.username, login.password)
        return
    if "PLAIN" not in smtp.esmtp_features.get("auth", "").upper().split():
        raise DeliveryError(
            "the mail server takes no user name or password with letters beyond ASCII (it offers no AUTH PLAIN); "
            "use one of ASCII characters"
        )
    secret = f"\0{login.username}\0{login.password}".encode()
    code, text = smtp.docmd("AUTH", "PLAIN " + b64encode(secret).decode("ascii"))
    if code not in (235, 503):
        raise smtplib.SMTPAuthenticationError(code, text)


def _message(target: SmtpTarget, file: ReportFile) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = file.subject
    message["From"] = target.sender
    message["To"] = ", ".join(target.receivers)
    message["Date"] = formatdate()
    # The same for every try of one report: a receiver that got it twice keeps one.
    message["Message-ID"] = f"<{file.identity}@{target.sender.rpartition('@')[2]}>"
    message.set_content(f"{file.subject}.\nThe records are in the attached file {file.name}.\n")
    message.add_attachment(file.content, maintype="text", subtype="csv", filename=file.name)
    return message
