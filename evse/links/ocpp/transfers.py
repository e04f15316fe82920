"""Carries files to and from where a central system wants them: HTTP(S) and FTP(S), in a thread, bounded in size and time.

A host's name is resolved once, its address checked, and the connection goes to that address; certificates are checked against
the name. Nothing follows a redirection. What is uploaded is what the station offers for it, and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import ftplib
import hashlib
import io
import logging
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Final

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from evse.links.ocpp.file_urls import FileUrl, UrlError, check_address, file_url
from evse.links.ocpp.file_work import End, Job, Work
from evse.records import dataclass

_log = logging.getLogger(__name__)
FIRMWARE_LIMIT: Final = 256 * 1024 * 1024
TIMEOUT_S: Final = 60.0
"""For each answer of the other side."""
DOWNLOAD_S: Final = 3_600.0
"""For a whole download: who sends byte by byte does not keep the station busy for ever."""
CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Transfers:
    """How jobs are done. ``folder``: for what is downloaded. ``install``: puts a downloaded file into force; ``None`` when
    this station cannot. ``local_allowed``: loopback addresses may be used, for a bench.
    """

    folder: Path
    install: Callable[[Path], bool] | None = None
    local_allowed: bool = False
    roots: str = ""
    newest: list[int] = field(default_factory=lambda: [0], compare=False)
    """Number of the newest download: an older one that goes on after it was given up must not put its file in the place."""

    def do(self, job: Job, content: bytes = b"") -> End:
        """Do a job, which may upload ``content``; blocks, so it belongs into a thread. Raises nothing."""
        try:
            return self._do(job, content)
        except UrlError as error:
            _log.warning("%s: refused: %s", job.work.value, error)
            return End.FORBIDDEN
        except (OSError, ftplib.Error, httpx.HTTPError, EOFError, ValueError) as error:
            _log.warning("%s: failed: %s", job.work.value, type(error).__name__)
            return End.FAILED

    def _do(self, job: Job, content: bytes) -> End:
        match job.work:
            case Work.DOWNLOAD:
                return self._download(job)
            case Work.INSTALL:
                return End.DONE if self.install is not None and self.install(self.firmware) else End.FAILED
        url = file_url(job.url)
        self._put(url, _resolve(url, local_allowed=self.local_allowed), job.name, content)
        return End.DONE

    @property
    def firmware(self) -> Path:
        """Where the downloaded firmware is."""
        return self.folder / "firmware.download"

    def _download(self, job: Job) -> End:
        url = file_url(job.url)
        address = _resolve(url, local_allowed=self.local_allowed)
        partial = self.firmware.with_suffix(f".{job.number}.part")
        self.newest[0] = max(self.newest[0], job.number)
        ends_s = time.monotonic() + DOWNLOAD_S
        digest = hashlib.sha256()
        size = 0
        try:
            with partial.open("wb") as file:

                def take(data: bytes) -> None:
                    nonlocal size
                    size += len(data)
                    if size > FIRMWARE_LIMIT:
                        raise UrlError(f"the file is larger than {FIRMWARE_LIMIT} bytes")
                    if self.newest[0] != job.number or time.monotonic() >= ends_s:
                        raise OSError("another download has taken its place, or it takes too long")
                    digest.update(data)
                    file.write(data)

                self._get(url, address, take)
            if job.certificate and not _signed(digest.digest(), job.signature, job.certificate):
                return End.INVALID_SIGNATURE
            if self.newest[0] != job.number:
                return End.FAILED
            partial.replace(self.firmware)
        finally:
            partial.unlink(missing_ok=True)
        return End.DONE

    # --- HTTP and FTP -------------------------------------------------------------------------------------------

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.roots or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _client(self) -> httpx.Client:
        return httpx.Client(verify=self._tls(), timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    def _request(self, url: FileUrl, address: str, path: str) -> tuple[str, dict[str, str], dict[str, str]]:
        host = f"[{address}]" if ":" in address else address
        headers = {"Host": url.host if url.port in (80, 443) else f"{url.host}:{url.port}"}
        if url.user:
            token = base64.b64encode(f"{url.user}:{url.password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {token}"
        return f"{url.scheme}://{host}:{url.port}{path}", headers, {"sni_hostname": url.host}

    def _get(self, url: FileUrl, address: str, take: Callable[[bytes], None]) -> None:
        if url.scheme in ("http", "https"):
            target, headers, extensions = self._request(url, address, url.path)
            with (
                self._client() as client,
                client.stream("GET", target, headers=headers, extensions=extensions) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise OSError(f"status {answer.status_code}")
                for data in answer.iter_raw(CHUNK):
                    take(data)
            return
        with self._ftp(url, address) as ftp:
            ftp.retrbinary(f"RETR {url.path}", take, CHUNK)

    def _put(self, url: FileUrl, address: str, name: str, content: bytes) -> None:
        path, _, query = url.path.partition("?")
        path = path if not path.endswith("/") else f"{path}{name}"
        if url.scheme in ("http", "https"):
            target, headers, extensions = self._request(url, address, path + (f"?{query}" if query else ""))
            headers["Content-Type"] = "application/json"
            with self._client() as client:
                answer = client.put(target, headers=headers, content=content, extensions=extensions)
            if answer.status_code not in (200, 201, 204):
                raise OSError(f"status {answer.status_code}")
            return
        with self._ftp(url, address) as ftp:
            ftp.storbinary(f"STOR {path}", io.BytesIO(content))

    def _ftp(self, url: FileUrl, address: str) -> ftplib.FTP:
        if url.scheme == "ftp":
            ftp = ftplib.FTP(timeout=TIMEOUT_S)  # noqa: S321 - the protocol's own way; nothing secret is uploaded
        else:
            ftp = ftplib.FTP_TLS(timeout=TIMEOUT_S, context=self._tls())  # noqa: S321 - FTP over TLS
        try:
            ftp.connect(address, url.port)
            # The certificate is for the name.
            ftp.host = url.host
            ftp.login(url.user or "anonymous", url.password or "anonymous@")
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
        except BaseException:
            ftp.close()
            raise
        return ftp


def _resolve(url: FileUrl, *, local_allowed: bool) -> str:
    found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    address = str(found[0][4][0])
    check_address(address, _own_addresses(address), local_allowed=local_allowed)
    return address


def _own_addresses(target: str) -> set[str]:
    """The station's addresses by its host name, and the one that it would reach ``target`` from: itself when that is its own."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(socket.gethostname(), None)}
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: connecting a datagram socket only chooses the route.
        probe.connect((target, 9))
        found.add(str(probe.getsockname()[0]).partition("%")[0])
    return found


def _signed(digest: bytes, signature: str, certificate: str) -> bool:
    """Whether ``signature`` (base64) over a file with this SHA-256 was made with the certificate's key."""
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    try:
        made = base64.b64decode(signature, validate=True)
        key = x509.load_pem_x509_certificates(certificate.encode("ascii"))[0].public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(made, digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(made, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        else:
            return False
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
