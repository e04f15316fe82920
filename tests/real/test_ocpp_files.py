"""Diagnostics and firmware over real HTTP(S) and FTP servers at the loopback address."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from evse.links.ocpp.file_work import End, Job, Work
from evse.links.ocpp.transfers import Transfers

pytestmark = [pytest.mark.real, pytest.mark.timeout(60), pytest.mark.req("OCP-07")]
FIRMWARE = bytes(range(256)) * 1_000
REPORT = b'{"station": "x"}'


class Web(BaseHTTPRequestHandler):
    """Serves one file, takes uploads, and sends elsewhere."""

    taken: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/firmware.bin")
            self.end_headers()
            return
        self.send_response(200 if self.path == "/firmware.bin" else 404)
        self.end_headers()
        if self.path == "/firmware.bin":
            self.wfile.write(FIRMWARE)

    def do_PUT(self) -> None:
        self.taken[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Site:
    def __init__(self, authority: trustme.CA | None = None) -> None:
        handler = type("Handler", (Web,), {"taken": {}, "asked": []})
        self.taken: dict[str, bytes] = handler.__dict__["taken"]
        self.asked: list[str] = handler.__dict__["asked"]
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.scheme = "http"
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("localhost").configure_cert(context)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str, host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.server.server_address[1]}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def transfers(tmp_path: Path) -> Transfers:
    return Transfers(tmp_path, local_allowed=True)


def test_a_report_is_put_under_its_name(site: Site, transfers: Transfers) -> None:
    assert transfers.do(Job(1, Work.DIAGNOSTICS, site.url("/in/"), "report.json"), REPORT) is End.DONE
    assert transfers.do(Job(1, Work.DIAGNOSTICS, site.url("/as.json?key=1"), "report.json"), REPORT) is End.DONE
    assert site.taken == {"/in/report.json": REPORT, "/as.json?key=1": REPORT}


def test_firmware_comes_whole_or_not_at_all(site: Site, transfers: Transfers) -> None:
    assert transfers.do(Job(1, Work.DOWNLOAD, site.url("/missing"))) is End.FAILED
    assert not transfers.firmware.exists()
    assert transfers.do(Job(1, Work.DOWNLOAD, site.url("/firmware.bin"))) is End.DONE
    assert transfers.firmware.read_bytes() == FIRMWARE
    assert list(transfers.folder.glob("*.part")) == []


def test_a_download_that_was_given_up_takes_no_newer_ones_place(site: Site, transfers: Transfers) -> None:
    assert transfers.do(Job(2, Work.DOWNLOAD, site.url("/firmware.bin"))) is End.DONE
    transfers.firmware.write_bytes(b"newer")
    transfers.newest[0] = 3
    assert transfers.do(Job(2, Work.DOWNLOAD, site.url("/firmware.bin"))) is End.FAILED
    assert transfers.firmware.read_bytes() == b"newer"
    assert list(transfers.folder.glob("*.part")) == []


def test_redirections_are_not_followed_and_loopback_is_refused_on_a_real_station(
    site: Site, transfers: Transfers
) -> None:
    assert transfers.do(Job(1, Work.DOWNLOAD, site.url("/moved"))) is End.FAILED
    assert site.asked == ["/moved"]
    strict = replace(transfers, local_allowed=False)
    for host in ("localhost", "127.0.0.1", "[::1]"):
        assert strict.do(Job(1, Work.DOWNLOAD, site.url("/firmware.bin", host))) in (End.FORBIDDEN, End.FAILED)
    assert site.asked == ["/moved"]


@pytest.mark.req("OCP-05")
@pytest.mark.parametrize("known", [True, False])
def test_https_checks_the_certificate_against_the_name(known: bool, tmp_path: Path) -> None:
    authority = trustme.CA()
    site = Site(authority)
    roots = (authority if known else trustme.CA()).cert_pem.bytes().decode("ascii")
    transfers = Transfers(tmp_path, local_allowed=True, roots=roots)
    wanted = End.DONE if known else End.FAILED
    assert transfers.do(Job(1, Work.DOWNLOAD, site.url("/firmware.bin"))) is wanted
    assert transfers.do(Job(1, Work.DOWNLOAD, site.url("/firmware.bin", "127.0.0.1"))) is End.FAILED, "another name"
    site.close()


@pytest.mark.req("OCP-05", "MNT-03")
def test_signed_firmware_is_taken_only_with_its_signature(site: Site, transfers: Transfers) -> None:
    leaf = trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("maker.example", key_type=trustme.KeyType.ECDSA)
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = leaf.cert_chain_pems[0].bytes().decode("ascii")
    good = base64.b64encode(key.sign(FIRMWARE, ec.ECDSA(hashes.SHA256()))).decode()
    bad = base64.b64encode(key.sign(FIRMWARE + b"x", ec.ECDSA(hashes.SHA256()))).decode()
    for signature in (bad, "", "no base64"):
        job = Job(1, Work.DOWNLOAD, site.url("/firmware.bin"), signature=signature, certificate=certificate)
        assert transfers.do(job) is End.INVALID_SIGNATURE
        assert not transfers.firmware.exists()
    job = Job(1, Work.DOWNLOAD, site.url("/firmware.bin"), signature=good, certificate=certificate)
    assert transfers.do(job) is End.DONE


def test_nothing_is_installed_where_nobody_can(transfers: Transfers) -> None:
    assert transfers.do(Job(1, Work.INSTALL)) is End.FAILED


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_ftp_both_ways(tmp_path: Path, transfers: Transfers) -> None:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import ThreadedFTPServer

    home = tmp_path / "ftp"
    (home / "in").mkdir(parents=True)
    (home / "firmware.bin").write_bytes(FIRMWARE)
    users = DummyAuthorizer()
    users.add_user("me", "secret", str(home), perm="elradfmw")
    handler = type("Handler", (FTPHandler,), {"authorizer": users, "auth_failed_timeout": 0.1})
    server = ThreadedFTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"handle_exit": False}, daemon=True)
    thread.start()
    base = f"ftp://me:secret@localhost:{server.address[1]}"
    assert transfers.do(Job(1, Work.DIAGNOSTICS, f"{base}/in/", "report.json"), REPORT) is End.DONE
    assert (home / "in" / "report.json").read_bytes() == REPORT
    assert transfers.do(Job(1, Work.DOWNLOAD, f"{base}/firmware.bin")) is End.DONE
    assert transfers.firmware.read_bytes() == FIRMWARE
    assert transfers.do(Job(1, Work.DOWNLOAD, f"ftp://me:wrong@localhost:{server.address[1]}/x")) is End.FAILED
    server.close_all()
    thread.join(5)
