"""The walk of an installer and his users through what a station remembers, at a real station, by REST.

    tools/walk            badges are learned, every type charges or does not, a stranger is refused, the power is cut in a
                          charge, the station restarts, records go to three servers on loopback, factory reset
    tools/walk --keep     leaves the station's directory behind, to be looked at

Each step is told with its time. Status 1: a step did not come out as it must; it is told which, and what was there instead.
The servers are real ones (aiosmtpd, pyftpdlib, http.server); midnight comes by setting the station's clock.
"""

from __future__ import annotations

import argparse
import csv
import email
import email.policy
import io
import json
import logging
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, TypeVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.log import config_logging
from pyftpdlib.servers import ThreadedFTPServer

from evse.app.page.world_client import WorldGone
from tools.benchmarks.running import BenchStation, NotSeen, until

PROFILE: Final = """schema: 1
kind: station
name: walk
description: Parking with short pauses, for a walk
inherits: parking
outlet_defaults:
  timings:
    contactor: {between_closings_s: 1}
outlets:
  - {number: 1, position: right}
  - {number: 2, position: left}
"""
USER, VIP, ADMIN, STRANGER = "04A1B2C3", "04A1B2C3D4E5F6", "DEADBEEF", "0BADCAFE"
HERE: Final = "127.0.0.1"
PATIENCE_S: Final = 60.0
T = TypeVar("T")
MAIL_PORTS: Final = range(587, 24, -1)
"""Those that the guide's setting can have."""


class Walk:
    """One station on its walk. ``say`` takes a line for each step."""

    def __init__(self, station: BenchStation, servers: Servers, say: Callable[[str], None]) -> None:
        self._station = station
        self._servers = servers
        self._say = say
        self._cookie = ""
        self._password = ""
        self._begin_s = time.monotonic()

    def run(self) -> None:
        """Every step. Raises NotSeen at the first that does not come out as it must."""
        self.first_login()
        self.learn_badges()
        self.charge_with_each_type()
        self.refuse_a_stranger()
        self.published("smtp", "2027-03-02")
        self.publish_to("ftp", {"port": self._servers.ftp_port, "security": "none", "passive": True})
        self.charge_as(USER)
        self.published("ftp", "2027-03-03")
        self.publish_to("http", {"port": self._servers.http_port, "path": "/in", "field_name": "cdr"})
        self.cut_the_power_in_a_charge()
        self.restart()
        self.published("http", "2027-03-04")
        self.nothing_was_sent_twice()
        self.reset()

    # --- steps -------------------------------------------------------------------------------------------------------

    def first_login(self) -> None:
        """The label opens the station once; the clock is set; unknown badges are refused, records published from now on."""
        self._login(self._label(), "Walk-station-1")
        self.post("api/host/clock", {"utc": "2027-03-01T12:00:00Z"})
        self.change({"access.strategy": "reject_unknown_badges", "general.name": "Walk"})
        people = {"sender": "station@example.org", "receiver": "records@example.org"}
        self.publish_to("smtp", {"port": self._servers.mail_port, "security": "none", **people})
        self._told("logged in with the label's password, changed it, set clock, name and strategy")

    def learn_badges(self) -> None:
        """Three badges are held to the reader, two get another type."""
        self._free()
        self.post("api/badges/teach", {"mode": "add", "outlet": 1})
        for uid in (USER, VIP, ADMIN):
            self._hold(uid)
            until(f"{uid} is learned", lambda uid=uid: uid in self._badges(), PATIENCE_S)  # type: ignore[misc]
        self.post("api/badges/stop-teaching", {})
        self.post("api/badges/change", {"uids": [VIP], "type": "VIP", "comment": "Vera"})
        self.post("api/badges/change", {"uids": [ADMIN], "type": "Admin"})
        self._must(self._badges() == {USER: "User", VIP: "VIP", ADMIN: "Admin"}, "the list has three types")
        self._told("learned three badges at the reader, one of each type")

    def charge_with_each_type(self) -> None:
        """User and VIP charge, Admin never: at a free outlet it manages badges instead."""
        for uid in (USER, VIP):
            self.charge_as(uid)
        self._hold(ADMIN)
        until("the Admin badge manages", lambda: (self._teaching() or {}).get("mode") == "admin add", PATIENCE_S)
        self._must(not self._station.truth()["contact_closed"], "no contact closes for an Admin badge")
        self.post("api/badges/stop-teaching", {})
        records = [(each["uid"], each["comment"]) for each in self._station.records()]
        self._must(records == [(VIP, "Vera"), (USER, "")], f"two records, newest first: {records}")
        self._told("User and VIP charged, Admin did not")

    def refuse_a_stranger(self) -> None:
        """An unknown badge charges nothing."""
        self._free()
        self._hold(STRANGER)
        until("refused", lambda: self._station.outlet().get("last_error") == "KO_BadgeUnknown", PATIENCE_S)
        self._must(not self._station.truth()["contact_closed"], "no contact closes for a stranger")
        self._told("refused a stranger: KO_BadgeUnknown")

    def charge_as(self, uid: str) -> None:
        """A whole charge with a record at its end."""
        count = len(self._station.records())
        self._begin_charge(uid)
        self._station.unplug()
        until("the record is there", lambda: len(self._station.records()) == count + 1, PATIENCE_S)

    def publish_to(self, protocol: str, settings: dict[str, Any]) -> None:
        """Records that end from now on are meant for this server."""
        named = {f"{protocol}.{name}": value for name, value in {"server": HERE, **settings}.items()}
        self.change({"publication.frequency": "daily", "publication.protocol": protocol, **named})

    def published(self, protocol: str, day: str) -> None:
        """What was not published before goes to the server at 0:01 of ``day``."""
        expected = self._unpublished()
        count = len(self._servers.got[protocol])
        self.post("api/host/clock", {"utc": f"{day}T00:01:00Z"})
        until(f"{protocol} delivers", lambda: len(self._servers.got[protocol]) > count, PATIENCE_S)
        until("confirmed", lambda: (self.get("api/publication")["last"] or {}).get("delivered"), PATIENCE_S)
        numbers = _numbers(self._servers.got[protocol][-1])
        self._must(numbers == expected, f"{protocol} got the records {expected}: {numbers}")
        self._told(f"published records {numbers} by {protocol.upper()} at 0:01 of {day}")

    def cut_the_power_in_a_charge(self) -> None:
        """The supply goes in a charge; the record is closed with its last reading."""
        self._begin_charge(VIP)
        self._station.verb("cut_power")
        until("it is dark", lambda: self._station.pid("services") == 0, PATIENCE_S)
        self._station.verb("restore_power")
        until("the page is back", self._station.page_works, PATIENCE_S)
        until("the session is closed", lambda: self._newest().get("reason") == "PowerLoss", PATIENCE_S)
        self._must(self._newest()["uid"] == VIP, "the record is that of the charge")
        self._login(self._password)
        self._must(self._badges() == {USER: "User", VIP: "VIP", ADMIN: "Admin"}, "the badges are there")
        self._told("cut the power in a charge: its record ends with PowerLoss, badges and login are there")

    def restart(self) -> None:
        """A restart by REST; everything is still there."""
        before = self._station.records()
        pid = self._station.pid("services")
        self.post("api/control/restart", {})
        until("other services", lambda: self._station.pid("services") not in (0, pid), PATIENCE_S)
        until("the page is back", self._station.page_works, PATIENCE_S)
        self._must(self._station.records() == before, "the records are the same")
        self._login(self._password)
        self._must(self._value("general.name") == "Walk", "the settings are there")
        log = self.get("api/security-log")
        self._must(log["sound"], f"the security log is whole: {log['problems']}")
        self._told(f"restarted: records, settings and {log['kept']} entries of the security log are there")

    def nothing_was_sent_twice(self) -> None:
        """Over all servers each record once."""
        sent = [number for files in self._servers.got.values() for file in files for number in _numbers(file)]
        self._must(sorted(sent) == sorted(set(sent)), f"no record twice: {sent}")
        self._must(set(sent) == {each["number"] for each in self._station.records()}, f"every record: {sent}")
        self._told(f"every record was sent once: {sorted(sent)}")

    def reset(self) -> None:
        """Factory reset: badges and security log stay, the rest goes."""
        pid = self._station.pid("services")
        self.post("api/control/factory-reset", {"confirm": True})
        until("other services", lambda: self._station.pid("services") not in (0, pid), PATIENCE_S)
        until("the page is back", self._station.page_works, PATIENCE_S)
        self._must(self._station.records() == [], "no record is left")
        self._must(self._badges() == {USER: "User", VIP: "VIP", ADMIN: "Admin"}, "the badges are kept")
        self._login(self._label(), "Walk-station-2")
        self._must(self._value("general.name") != "Walk", "the settings are the factory's")
        kinds = {each["kind"] for each in self.get("api/security-log?limit=1000")["entries"]}
        wanted = {
            "login",
            "password-changed",
            "settings-changed",
            "badges-changed",
            "clock-set",
            "restarted",
            "factory-reset",
        }
        self._must(wanted <= kinds, f"the security log tells all of it: {sorted(kinds)}")
        self._told("reset to the factory: badges and security log kept; settings, records, password gone")

    # --- hands -------------------------------------------------------------------------------------------------------

    def _begin_charge(self, uid: str) -> None:
        self._free()
        self._station.verb("plug_in", outlet=1)
        self._hold(uid)
        until("contact closes", lambda: self._station.truth()["contact_closed"], PATIENCE_S)
        until("current flows", lambda: any(self._station.truth()["currents_ma"]), PATIENCE_S)
        until("energy", lambda: (self._station.outlet().get("session") or {}).get("energy_wh", 0) >= 1, PATIENCE_S)

    def _hold(self, uid: str) -> None:
        self._station.verb("present_card", outlet=1, uid=uid, hold=0.3)
        time.sleep(0.8)  # nothing shows when the reader has seen the empty field

    def _free(self) -> None:
        truth = self._station.truth()
        if truth["plug_at_station"] or truth["plug_at_vehicle"]:
            self._station.unplug()
        until("the outlet is free", lambda: self._station.outlet().get("outlet_status") == "OK_InitDone", PATIENCE_S)

    # --- looks -------------------------------------------------------------------------------------------------------

    def _badges(self) -> dict[str, str]:
        return {each["uid"]: each["type"] for each in (self._station.ask("api/badges") or {"badges": []})["badges"]}

    def _teaching(self) -> Any:
        return (self._station.ask("api/badges") or {}).get("teaching")

    def _newest(self) -> dict[str, Any]:
        return dict((self._station.ask("api/records") or [{}])[0])

    def _unpublished(self) -> list[int]:
        sent = {number for files in self._servers.got.values() for file in files for number in _numbers(file)}
        return sorted(each["number"] for each in self._station.records() if each["number"] not in sent)

    def _value(self, key: str) -> Any:
        return self.get("api/settings/values")["values"][key]

    def _label(self) -> str:
        label = self._station.home / "data" / "settings" / "label.json"
        return str(json.loads(label.read_text(encoding="utf-8"))["password"])

    # --- REST --------------------------------------------------------------------------------------------------------

    def change(self, changes: dict[str, Any]) -> None:
        """Change settings."""
        self.post("api/settings", {"changes": changes})

    def get(self, path: str) -> Any:
        """JSON of a GET, as the administrator. Raises NotSeen."""
        return self._ask(path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """JSON of a POST, as the administrator. Raises NotSeen."""
        return self._ask(path, body)

    def _login(self, password: str, new: str = "") -> None:
        self.post("api/login", {"name": "admin", "password": password})
        if new:
            self.post("api/accounts/password", {"old": password, "new": new, "confirm": new})
        self._password = new or password

    def _ask(self, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"content-type": "application/json", "x-evse-request": "1", "cookie": self._cookie}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._station.url + path, data, headers)  # noqa: S310  # our own station
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310  # our own station
                self._cookie = str(answer.headers["set-cookie"] or self._cookie).partition(";")[0]
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise NotSeen(f"{path}: {error.code} {error.read().decode(errors='replace')}") from error

    def _must(self, true: bool, what: str) -> None:
        if not true:
            raise NotSeen(what)

    def _told(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._begin_s:6.1f} s  {what}")


def _numbers(file: bytes) -> list[int]:
    """The charge numbers in a published file."""
    rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""), delimiter=";"))
    return sorted(int(row[0]) for row in rows[1:])


# --- servers -----------------------------------------------------------------------------------------------------------


class Servers:
    """A mail server, an FTP server and a web server; ``got`` holds the files that each has taken."""

    def __init__(self, folder: Path) -> None:
        self.got: dict[str, list[bytes]] = {"smtp": [], "ftp": [], "http": []}
        self.mail_port = self.ftp_port = self.http_port = 0
        self._folder = folder

    @contextmanager
    def open(self) -> Iterator[Servers]:
        """All three, until the end of the block. Raises NotSeen when no port can be had."""
        with ExitStack() as stack:
            stack.callback(self._mail().stop)
            ftp, web = self._ftp(), self._web()
            stack.callback(ftp.close_all)
            stack.callback(web.shutdown)
            for serve in (ftp.serve_forever, web.serve_forever):
                threading.Thread(target=serve, daemon=True).start()
            yield self

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # aiosmtpd's name
        """A mail has come."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = email.message_from_bytes(content, policy=email.policy.default)
        for part in message.iter_attachments():
            self.got["smtp"].append(part.get_payload(decode=True))  # type: ignore[arg-type]
        return "250 OK, taken"

    def _mail(self) -> Controller:
        for port in MAIL_PORTS:
            controller = Controller(self, hostname=HERE, port=port)
            try:
                controller.start()
            except OSError:
                continue
            self.mail_port = port
            return controller
        raise NotSeen("no port from 25 to 587 can be had for a mail server")

    def _ftp(self) -> ThreadedFTPServer:
        users = DummyAuthorizer()
        self._folder.mkdir()
        with warnings.catch_warnings():
            # That anybody may write is meant here.
            warnings.simplefilter("ignore", RuntimeWarning)
            users.add_anonymous(str(self._folder), perm="elradfmw")
        got = self.got["ftp"]

        class Handler(FTPHandler):  # type: ignore[misc]  # a test server without types
            authorizer = users

            def on_file_received(self, file: str) -> None:
                got.append(Path(file).read_bytes())

        server, self.ftp_port = _on_a_port(lambda port: ThreadedFTPServer((HERE, port), Handler))
        return server

    def _web(self) -> ThreadingHTTPServer:
        got = self.got["http"]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
                message = email.message_from_bytes(head + body, policy=email.policy.default)
                got.extend(part.get_payload(decode=True) for part in message.iter_parts())  # type: ignore[misc]
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"taken")

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        server, self.http_port = _on_a_port(lambda port: ThreadingHTTPServer((HERE, port), Handler))
        return server


def _on_a_port(make: Callable[[int], T]) -> tuple[T, int]:
    """A server on a free port that the guide's setting can have."""
    for port in range(9999, 9000, -1):
        try:
            return make(port), port
        except OSError:
            continue
    raise NotSeen("no port from 9000 to 9999 can be had")


def main(argv: Sequence[str]) -> int:
    """Walk; returns 0 when every step came out as it must."""
    parser = argparse.ArgumentParser(prog="tools/walk", description="The walk through what a station remembers.")
    parser.add_argument("--keep", action="store_true", help="leave the station's directory behind")
    options = parser.parse_args(argv)
    config_logging(logging.WARNING)
    station = BenchStation(PROFILE)
    with ExitStack() as stack:
        if not options.keep:
            stack.enter_context(station)
        else:
            stack.callback(station.end)
            print(f"the station's directory: {station.home}")
        try:
            servers = stack.enter_context(Servers(station.home / "ftp").open())
            station.launch()
            until("the page", station.page_works, PATIENCE_S)
            Walk(station, servers, lambda line: print(line, flush=True)).run()
        except (NotSeen, WorldGone, OSError) as error:
            print(f"FAILED {error}\n{station.log()[-2_000:]}", file=sys.stderr)
            return 1
    print("every step came out as it must")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
