"""Delivery to real servers on loopback: mail, FTP, FTPS, HTTP, HTTPS, and to servers that hang, cut, refuse and lie."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import ThreadedFTPServer

from evse.services.publication.delivery import LIMITS, DeliveryError, Limits, ReportFile
from evse.services.publication.ftp import store_file
from evse.services.publication.http import post_file
from evse.services.publication.settings import FtpTarget, HttpTarget, Login, MailSecurity, SmtpTarget
from evse.services.publication.smtp import send_mail
from tests.fakes.hostile_server import Play, chatter, dialogue, drip, hostile_server, silence

FILE = ReportFile(
    "station_20261127T000100Z_1-3.csv", "station_20261127T000100Z_1-3", b"Charge number\r\n1\r\n", "Records"
)
HERE = "127.0.0.1"
LOGIN = Login("anna", "s3cret word")
IMPATIENT = Limits(operation_s=0.5)
BOUNDED = Limits(delivery_s=1.0)


def limits_for(play: Play) -> Limits:
    """The one limit that must end a play; the other is far away, so that a slow machine changes nothing."""
    return IMPATIENT if play is silence else BOUNDED if play is drip else LIMITS


class Certificates(NamedTuple):
    server: ssl.SSLContext
    pem: Path
    ca_file: str


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    return Certificates(context, folder / "server.pem", str(folder / "ca.pem"))


# --- mail ------------------------------------------------------------------------------------------------------------


class Postbox:
    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.refused: tuple[str, ...] = ()

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return "250 2.0.0 queued as 4711"


def check_login(server: Any, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"anna", b"s3cret word"), handled=False)


class AnyPort(Controller):
    """Listens on a port that the system chooses, and knows it."""

    server: Any

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server(postbox: Postbox, **options: Any) -> Iterator[int]:
    controller = AnyPort(postbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def mail_to(port: int, login: Login | None = None, security: MailSecurity = MailSecurity.NONE) -> SmtpTarget:
    return SmtpTarget("localhost", port, "station@example.org", ("a@example.org", "b@example.org"), login, security)


@pytest.mark.req("CDR-02")
def test_a_mail_with_many_records_has_the_line_ends_that_servers_demand() -> None:
    postbox = Postbox()
    records = b"Charge number;Charging station\r\n" * 3_000
    with mail_server(postbox) as port:
        send_mail(mail_to(port), replace(FILE, content=records), HERE)
    content = postbox.mails[0].content
    assert isinstance(content, bytes)
    assert content.count(b"\n") == content.count(b"\r\n")
    message = email.message_from_bytes(content, policy=email.policy.default)
    (part,) = message.iter_attachments()
    assert part.get_payload(decode=True) == records


@pytest.mark.req("CDR-02")
def test_a_mail_reaches_every_receiver_with_the_file_attached() -> None:
    postbox = Postbox()
    with mail_server(postbox) as port:
        assert "queued as 4711" in send_mail(mail_to(port), FILE, HERE)
        send_mail(mail_to(port), FILE, HERE)
    assert postbox.mails[0].rcpt_tos == ["a@example.org", "b@example.org"]
    content = postbox.mails[0].content
    assert isinstance(content, bytes)
    message = email.message_from_bytes(content, policy=email.policy.default)
    (attachment,) = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_payload(decode=True)) == (FILE.name, FILE.content)
    again = postbox.mails[1].content
    assert isinstance(again, bytes)
    assert email.message_from_bytes(again)["Message-ID"] == message["Message-ID"], "a second try can be told as one"


@pytest.mark.req("CDR-02")
def test_mail_with_starttls_and_login(certificates: Certificates) -> None:
    postbox = Postbox()
    options = {"tls_context": certificates.server, "authenticator": check_login, "auth_required": True}
    with mail_server(postbox, **options) as port:
        send_mail(mail_to(port, LOGIN, MailSecurity.STARTTLS), FILE, HERE, certificates.ca_file)
        with pytest.raises(DeliveryError, match="user name or password refused: 535"):
            send_mail(mail_to(port, Login("anna", "wrong"), MailSecurity.STARTTLS), FILE, HERE, certificates.ca_file)
    assert len(postbox.mails) == 1


def test_a_certificate_that_nobody_vouches_for_gets_neither_mail_nor_password(certificates: Certificates) -> None:
    postbox = Postbox()
    untrusted = pytest.raises(DeliveryError, match="certificate is not trusted")
    with mail_server(postbox, tls_context=certificates.server) as port, untrusted:
        send_mail(mail_to(port, LOGIN, MailSecurity.STARTTLS), FILE, HERE)
    assert postbox.mails == []


@pytest.mark.req("CDR-02")
def test_mail_with_tls_from_the_first_byte(certificates: Certificates) -> None:
    with hostile_server(implicit_tls(certificates.server)) as port:
        assert send_mail(mail_to(port, None, MailSecurity.TLS), FILE, HERE, certificates.ca_file) == "kept"
        with pytest.raises(DeliveryError, match="certificate is not trusted"):
            send_mail(mail_to(port, None, MailSecurity.TLS), FILE, HERE)


def implicit_tls(context: ssl.SSLContext) -> Play:
    """A mail server that takes one message over TLS; its data answers come line by line."""

    def play(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            # Greeting, EHLO, MAIL, two RCPT, DATA; then everything up to the lonely dot.
            dialogue(b"220 hi\r\n", *[b"250 ok\r\n"] * 4, b"354 go\r\n")(secured)
            mail = b""
            while not mail.endswith(b"\r\n.\r\n"):
                mail += secured.recv(4096)
            secured.sendall(b"250 kept\r\n")
            secured.recv(1)

    return play


def test_without_starttls_nothing_is_sent() -> None:
    postbox = Postbox()
    with mail_server(postbox) as port, pytest.raises(DeliveryError, match="offers no STARTTLS"):
        send_mail(mail_to(port, None, MailSecurity.STARTTLS), FILE, HERE)
    assert postbox.mails == []


def test_a_mail_that_one_receiver_would_miss_is_sent_to_none() -> None:
    postbox = Postbox()
    postbox.refused = ("b@example.org",)
    refused = pytest.raises(DeliveryError, match=r"receiver refused: b@example\.org: 550 5\.1\.1 no such person here")
    with mail_server(postbox) as port, refused:
        send_mail(mail_to(port), FILE, HERE)
    assert postbox.mails == []


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (silence, "did not answer in time"),
        (drip, "no delivery within 1 s"),
        (dialogue(b"554 we do not like you\r\n"), "554 we do not like you"),
        (dialogue(b"220 hi\r\n", b"250 hi\r\n", b"451 try later\r\n"), "451 try later"),
        (dialogue(b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n"), "mail server localhost"),
        (dialogue(b"\x00\xff\xfe garbage\r\n"), "mail server"),
        (dialogue(b"220 hi\r\n", b"250 hi\r\n", *[b"250 ok\r\n"] * 3, b"354 go\r\n", b""), "mail server localhost"),
        (chatter(b"220-and so on\r\n", 200_000), "said more than 65536 characters"),
    ],
)
def test_a_mail_server_that_fails_is_told_in_its_own_words(play: Any, said: str) -> None:
    with hostile_server(play) as port, pytest.raises(DeliveryError, match=said):
        send_mail(mail_to(port), FILE, HERE, limits=limits_for(play))


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize("login", [Login("Jürgen", "s3cret"), Login("anna", "geheim mit ß und €")])
def test_a_login_beyond_ascii_reaches_the_mail_server(login: Login) -> None:
    heard: list[LoginPassword] = []

    def check(server: Any, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        heard.append(data)
        return AuthResult(success=True)

    with mail_server(Postbox(), authenticator=check, auth_require_tls=False) as port:
        send_mail(mail_to(port, login), FILE, HERE)
    assert [(each.login.decode(), each.password.decode()) for each in heard] == [(login.username, login.password)]


@pytest.mark.parametrize(
    ("offered", "answer", "login", "said"),
    [
        (b"CRAM-MD5", b"334 a\r\n", Login("anna", "s3cret"), "makes no sense"),
        (b"LOGIN", b"334 a\r\n", Login("anna", "s3cret"), "makes no sense"),
        (b"CRAM-MD5", b"535 no\r\n", Login("anna", "päss"), "offers no AUTH PLAIN"),
        (b"PLAIN", b"535 no\r\n", Login("anna", "päss"), "user name or password refused: 535 no"),
    ],
)
def test_a_mail_server_that_spoils_the_login_is_told(offered: bytes, answer: bytes, login: Login, said: str) -> None:
    play = dialogue(b"220 hi\r\n", b"250-hi\r\n250 AUTH " + offered + b"\r\n", *[answer] * 3)
    with hostile_server(play) as port, pytest.raises(DeliveryError, match=said):
        send_mail(mail_to(port, login), FILE, HERE)


# --- FTP -------------------------------------------------------------------------------------------------------------


@contextmanager
def ftp_server(folder: Path, handler: type[FTPHandler] = FTPHandler, login: Login | None = None) -> Iterator[int]:
    authorizer = DummyAuthorizer()
    if login is None:
        with pytest.warns(RuntimeWarning, match="write permissions"):
            authorizer.add_anonymous(str(folder), perm="elrw")
    else:
        authorizer.add_user(login.username, login.password, str(folder), perm="elrw")
    served = type("Handler", (handler,), {"authorizer": authorizer, "auth_failed_timeout": 0})
    server = ThreadedFTPServer(("127.0.0.1", 0), served)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.02, "handle_exit": False}, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        # Closed by its own thread: what another one closes is missing in the middle of a poll.
        server.ioloop.call_later(0, server.close_all)
        thread.join(5)


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize("passive", [True, False])
def test_a_file_is_stored_by_ftp_actively_and_passively(passive: bool, tmp_path: Path) -> None:
    with ftp_server(tmp_path) as port:
        assert "226" in store_file(FtpTarget("127.0.0.1", port, passive, secure=False), FILE, HERE)
        store_file(FtpTarget("127.0.0.1", port, passive, secure=False), FILE, HERE)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {FILE.name: FILE.content}


@pytest.mark.req("CDR-02")
def test_ftps_protects_password_and_file(tmp_path: Path, certificates: Certificates) -> None:
    options = {"certfile": str(certificates.pem), "tls_control_required": True, "tls_data_required": True}
    handler = type("Secured", (TLS_FTPHandler,), {**options, "ssl_context": None})
    with ftp_server(tmp_path, handler, LOGIN) as port:
        target = FtpTarget("localhost", port, passive=True, login=LOGIN)
        store_file(target, FILE, HERE, certificates.ca_file)
        with pytest.raises(DeliveryError, match="certificate is not trusted"):
            store_file(target, FILE, HERE)
    assert (tmp_path / FILE.name).read_bytes() == FILE.content


def test_ftp_without_tls_gets_no_password_unless_somebody_asked_for_that(tmp_path: Path) -> None:
    with ftp_server(tmp_path, FTPHandler, LOGIN) as port:
        with pytest.raises(DeliveryError, match="offers no TLS"):
            store_file(FtpTarget("127.0.0.1", port, True, LOGIN), FILE, HERE)
        store_file(FtpTarget("127.0.0.1", port, True, LOGIN, secure=False), FILE, HERE)
        with pytest.raises(DeliveryError, match="the FTP server said: 530"):
            store_file(FtpTarget("127.0.0.1", port, True, Login("anna", "wrong"), secure=False), FILE, HERE)


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (silence, "did not answer in time"),
        (drip, "no delivery within 1 s"),
        (dialogue(b"421 too many users\r\n"), "421 too many users"),
        (dialogue(b"220 hi\r\n", b"230 in\r\n", b"200 ok\r\n", b"500 no PASV\r\n"), "500 no PASV"),
        (dialogue(b"220 hi\r\n", b"331 pass?\r\n"), "FTP server 127.0.0.1"),
        (dialogue(b"220 \xff\xfe\r\n"), "FTP server"),
        (chatter(b"220-and so on\r\n", 200_000), "said more than 65536 characters"),
    ],
)
def test_an_ftp_server_that_fails_is_told_in_its_own_words(play: Any, said: str) -> None:
    with hostile_server(play) as port, pytest.raises(DeliveryError, match=said):
        store_file(FtpTarget("127.0.0.1", port, passive=True, secure=False), FILE, HERE, limits=limits_for(play))


def test_in_active_mode_nobody_but_the_server_gets_the_file() -> None:
    got = []

    def play(connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        for answer in (b"220 hi", b"331 who", b"230 in", b"200 type"):
            connection.sendall(answer + b"\r\n")
            line = lines.readline()
        high, low = line.decode().strip().split(",")[-2:]
        with socket.create_connection(
            ("127.0.0.1", int(high) * 256 + int(low)), source_address=("127.0.0.2", 0)
        ) as thief:
            connection.sendall(b"200 port\r\n")
            lines.readline()
            connection.sendall(b"150 go\r\n")
            got.append(thief.recv(100))

    with hostile_server(play) as port, pytest.raises(DeliveryError, match=r"127\.0\.0\.2 called for the file"):
        store_file(FtpTarget("127.0.0.1", port, passive=False, secure=False), FILE, HERE)
    assert got in ([], [b""])


@pytest.mark.parametrize("size", ["213 many", "213 1e9", f"213 {'9' * 5_000}"])
def test_a_size_that_is_no_number_is_no_confirmation(size: str, tmp_path: Path) -> None:
    class Liar(FTPHandler):  # type: ignore[misc]
        def ftp_SIZE(self, path: str) -> None:
            self.respond(size)

    with ftp_server(tmp_path, Liar) as port, pytest.raises(DeliveryError, match="makes no sense"):
        store_file(FtpTarget("127.0.0.1", port, True, secure=False), FILE, HERE)


def test_an_ftp_server_that_keeps_half_the_file_has_not_confirmed_it(tmp_path: Path) -> None:
    class Forgetful(FTPHandler):  # type: ignore[misc]
        def ftp_SIZE(self, path: str) -> None:
            self.respond("213 7")

    with (
        ftp_server(tmp_path, Forgetful) as port,
        pytest.raises(DeliveryError, match=f"kept 7 of {len(FILE.content)} bytes"),
    ):
        store_file(FtpTarget("127.0.0.1", port, True, secure=False), FILE, HERE)


# --- HTTP ------------------------------------------------------------------------------------------------------------


class Form(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def web_server(
    status: int = 200, said: bytes = b"thanks", tls: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[Form]]]:
    forms: list[Form] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            forms.append(Form(self.path, dict(self.headers), body))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.2/elsewhere")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], forms
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def post(target: HttpTarget, ca_file: str = "", limits: Limits = LIMITS) -> str:
    return asyncio.run(post_file(target, FILE, HERE, ca_file, limits))


@pytest.mark.req("CDR-02")
def test_a_form_carries_the_file_under_its_field_name_to_its_path() -> None:
    with web_server() as (port, forms):
        assert post(HttpTarget("127.0.0.1", port, "/in/box", "cdr_file", LOGIN)) == "200 thanks"
    (form,) = forms
    assert form.path == "/in/box"
    assert b'name="cdr_file"; filename="' + FILE.name.encode() in form.body
    assert FILE.content in form.body
    assert form.headers["Authorization"].startswith("Basic ")
    assert form.headers["Idempotency-Key"] == FILE.identity


@pytest.mark.req("CDR-02")
def test_https_checks_the_certificate(certificates: Certificates) -> None:
    with web_server(tls=certificates.server) as (port, forms):
        target = HttpTarget("localhost", port, "/", "file", LOGIN, secure=True)
        with pytest.raises(DeliveryError, match=r"certificate|CERTIFICATE"):
            post(target)
        assert forms == []
        post(target, certificates.ca_file)
    assert len(forms) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, "500 Internal Server Error thanks"),
        (401, "401 Unauthorized"),
        (302, "sent us on to http://127.0.0.2/elsewhere"),
    ],
)
def test_everything_but_success_is_a_failure(status: int, said: str) -> None:
    with web_server(status) as (port, _), pytest.raises(DeliveryError, match=said):
        post(HttpTarget("127.0.0.1", port))


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (silence, "did not answer in time"),
        (drip, "no delivery within 1 s"),
        (dialogue(b""), "web server 127.0.0.1"),
        (dialogue(b"what?\r\n\r\n"), "web server 127.0.0.1"),
    ],
)
def test_a_web_server_that_fails_is_told(play: Any, said: str) -> None:
    with hostile_server(play) as port, pytest.raises(DeliveryError, match=said):
        post(HttpTarget("127.0.0.1", port), limits=limits_for(play))


def test_nobody_there_is_told() -> None:
    with hostile_server(silence) as port:
        pass
    sends: tuple[Callable[[], str], ...] = (
        lambda: send_mail(mail_to(port), FILE, HERE),
        lambda: store_file(FtpTarget("127.0.0.1", port), FILE, HERE),
        lambda: post(HttpTarget("127.0.0.1", port)),
    )
    for send in sends:
        with pytest.raises(DeliveryError, match=r"refused|connection attempts failed"):
            send()
