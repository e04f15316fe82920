"""Delivery by FTP or FTPS: the file is stored under its name, then its size is asked back."""

from __future__ import annotations

import ftplib
import io
import socket
import ssl
from typing import Any

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
from evse.services.publication.settings import FtpTarget


def store_file(target: FtpTarget, file: ReportFile, address: str, ca_file: str = "", limits: Limits = LIMITS) -> str:
    """Deliver ``file`` to the server at ``address``; blocks. Returns the server's confirmation. Raises ``DeliveryError``.

    A second try of the same report replaces the file of the first.
    """
    ftp = _ReusingFtp(context=tls_context(ca_file), timeout=limits.operation_s)
    with Watchdog(limits.delivery_s, lambda: _cut(ftp)) as watchdog:
        try:
            return _store(ftp, target, address, file)
        except ftplib.Error as error:
            raise DeliveryError(f"the FTP server said: {words(str(error))}") from error
        except (OSError, EOFError) as error:
            if watchdog.expired:
                raise DeliveryError(f"no delivery within {limits.delivery_s:.0f} s") from error
            said = reason(error) if isinstance(error, OSError) else "the server ended the connection"
            raise DeliveryError(f"FTP server {target.server}:{target.port}: {said}") from error
        except (ValueError, ArithmeticError) as error:
            # What the library cannot read as text or number.
            raise DeliveryError(f"the FTP server's answer makes no sense: {words(str(error))}") from error
        finally:
            ftp.close()


def _store(ftp: _ReusingFtp, target: FtpTarget, address: str, file: ReportFile) -> str:
    ftp.connect(address, target.port)
    ftp.host = target.server  # the certificate is checked against this name, not against the address
    if target.secure:
        _protect(ftp)
    if target.login is None:
        ftp.login(secure=False)
    else:
        ftp.login(target.login.username, target.login.password, secure=False)
    if target.secure:
        ftp.prot_p()
    ftp.set_pasv(target.passive)
    said = ftp.storbinary(f"STOR {file.name}", io.BytesIO(file.content))
    _check_size(ftp, file)
    return words(said)


def _protect(ftp: _ReusingFtp) -> None:
    try:
        ftp.auth()
    except ftplib.error_perm as error:
        raise DeliveryError(
            f"the FTP server offers no TLS ({words(str(error))}): nothing was sent, because all of it would be readable "
            "on the way; use a server with TLS, or set the encryption to none"
        ) from error


def _check_size(ftp: _ReusingFtp, file: ReportFile) -> None:
    try:
        size = ftp.size(file.name)
    except ftplib.error_perm:
        return  # SIZE is an extension (RFC 3659); without it the confirmation of STOR has to do
    if size is not None and size != len(file.content):
        raise DeliveryError(f"the FTP server kept {size} of {len(file.content)} bytes")


def _cut(ftp: ftplib.FTP) -> None:
    for connection in (getattr(ftp, "data", None), ftp.sock):
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class _ReusingFtp(ftplib.FTP_TLS):
    """FTPS whose data connections resume the TLS session of the control connection, as many servers demand.

    The data connection is kept in ``data`` so that it can be cut from outside. Answers end after ``TALK_LIMIT``.
    """

    data: socket.socket | None = None
    _heard = 0

    def getline(self) -> str:
        line = super().getline()
        self._heard += len(line)
        if self._heard > TALK_LIMIT:
            raise TalksWithoutEnd
        return line

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  # the protocol of the guide; TLS is above
        control: Any = self.sock
        peer, server = connection.getpeername()[0], control.getpeername()[0]
        if peer != server:
            # In active mode whoever is quick can call; what is meant for the server goes to nobody else.
            connection.close()
            raise ConnectionRefusedError(f"{peer} called for the file, which is for {server}")
        if getattr(self, "_prot_p", False) and isinstance(control, ssl.SSLSocket):
            connection = self.context.wrap_socket(connection, server_hostname=self.host, session=control.session)
        self.data = connection
        return connection, size
