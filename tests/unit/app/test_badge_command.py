"""``evse badge`` against a station whose REST interface is played: what is sent, what is shown, when it logs in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evse.app.cli import main
from evse.app.processes.paths import write_status
from evse.services.badges.badge_file import export_badges
from evse.services.badges.badge_list import BadgeList

LIST = {
    "badges": [{"number": 1, "uid": "04A1B2C3", "type": "User", "comment": "An\x1b[31mna"}],
    "pending": 0,
    "limit": 1000,
    "teaching": None,
}
TEACHING = {"mode": "add", "outlet": 1, "remaining_s": 30.0, "added": 0, "removed": 0, "refused": 0}


class Played:
    """What the station answers, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.password = ""
        self.must_change = False

    def answer(self, method: str, path: str, cookie: str, body: bytes, kind: str) -> tuple[int, bytes, str]:
        content = json.loads(body) if kind == "application/json" else body
        self.asked.append((path, content))
        if path == "/api/login":
            right = content == {"name": "admin", "password": self.password}
            told = {"account": "admin", "must_change": self.must_change} if right else {"error": "wrong password"}
            return (200 if right else 401), json.dumps(told).encode(), "evse-session=abc; HttpOnly" if right else ""
        if self.password and cookie != "evse-session=abc":
            return 401, b'{"error": "nobody is logged in"}', ""
        if self.refusal is not None:
            return self.refusal[0], json.dumps(self.refusal[1]).encode(), ""
        if path == "/api/badges.csv":
            return 200, export_badges(BadgeList()), ""
        found = {"/api/badges/teach": TEACHING, "/api/badges/import": {"badges": 3}}.get(path, LIST)
        return 200, json.dumps(found).encode(), ""


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    played = Played()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            assert self.headers["x-evse-request"] == "1"
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kind, cookie = self.headers.get("content-type", ""), self.headers.get("cookie", "")
            status, data, given = played.answer(method, self.path, cookie, body, kind)
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            if given:
                self.send_header("set-cookie", given)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    write_status(tmp_path, {"uid": "S1", "url": f"http://127.0.0.1:{server.server_port}/"})
    monkeypatch.chdir(tmp_path)
    yield played
    server.shutdown()
    server.server_close()
    thread.join()


def badge(*arguments: str) -> int:
    return main(["badge", *arguments, "--station", "."])


@pytest.mark.req("AUT-03", "AUT-04")
@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (("list",), "/api/badges", b""),
        (("learn", "--outlet", "1"), "/api/badges/teach", {"mode": "add", "outlet": 1}),
        (("delete",), "/api/badges/teach", {"mode": "delete", "outlet": 0}),
        (("stop",), "/api/badges/stop-teaching", {}),
        (("add", "04A1B2C3"), "/api/badges/add", {"uid": "04A1B2C3", "type": "User", "comment": ""}),
        (("change", "04A1B2C3", "--type", "VIP"), "/api/badges/change", {"uids": ["04A1B2C3"], "type": "VIP"}),
        (("remove", "04A1B2C3", "0BADCAFE"), "/api/badges/remove", {"uids": ["04A1B2C3", "0BADCAFE"]}),
        (("remove-all", "--yes"), "/api/badges/remove-all", {"confirm": True}),
    ],
)
def test_each_action_asks_its_route(
    station: Played, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], path: str, body: Any
) -> None:
    assert badge(*arguments) == 0
    assert station.asked == [(path, body)]
    assert "\x1b" not in capsys.readouterr().out, "what somebody typed as a comment steers no terminal"


@pytest.mark.req("AUT-04")
def test_a_file_is_written_and_sent_as_it_is(station: Played, tmp_path: Path) -> None:
    assert badge("export", "out.csv") == 0
    assert (tmp_path / "out.csv").read_bytes() == export_badges(BadgeList())
    assert badge("import", "out.csv") == 0
    assert station.asked[-1] == ("/api/badges/import", export_badges(BadgeList()))
    assert badge("import", "missing.csv") == 2


def test_a_refusal_is_told_line_by_line(station: Played, capsys: pytest.CaptureFixture[str]) -> None:
    station.refusal = 409, {"error": "the file is refused", "allowed": ["line 2: bad", "line 4: edited"]}
    Path("x.csv").write_bytes(b"x")
    assert badge("import", "x.csv") == 1
    assert capsys.readouterr().err.splitlines() == [
        "evse: the file is refused",
        "evse: line 2: bad",
        "evse: line 4: edited",
    ]
    station.refusal = 422, {"error": "uid: no badge", "allowed": "4 to 10 bytes"}
    assert badge("add", "x", "--json") == 2
    assert json.loads(capsys.readouterr().out) == {"ok": False, "reason": "uid: no badge\nallowed: 4 to 10 bytes"}
    assert badge("remove-all") == 2


def test_it_logs_in_and_out_where_the_station_wants_that(station: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    station.password = "correct horse"
    monkeypatch.setenv("EVSE_PASSWORD", "correct horse")
    assert badge("list") == 0
    paths = [path for path, _ in station.asked]
    assert paths == ["/api/badges", "/api/login", "/api/badges", "/api/logout"]


def test_a_wrong_password_or_one_that_must_be_changed_is_said(
    station: Played, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    station.password = "correct horse"
    monkeypatch.setenv("EVSE_PASSWORD", "wrong")
    assert badge("list") == 1
    assert "wrong password" in capsys.readouterr().err
    monkeypatch.setenv("EVSE_PASSWORD", "correct horse")
    station.must_change = True
    assert badge("list") == 1
    assert "must be changed" in capsys.readouterr().err
    monkeypatch.delenv("EVSE_PASSWORD")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert badge("list") == 2
    assert "EVSE_PASSWORD" in capsys.readouterr().err


def test_a_refusal_says_what_would_be_right(station: Played, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {
        "error": "comment: a text of 51 characters",
        "where": "body.comment",
        "allowed": "text of 0 to 50 characters",
    }
    station.refusal = (422, wrong | {"hint": "shown in charge records"})
    assert badge("add", "04A1B2C3") == 2
    assert capsys.readouterr().err.splitlines() == [
        "evse: comment: a text of 51 characters",
        "evse: allowed: text of 0 to 50 characters",
        "evse: shown in charge records",
    ]


def test_no_station_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_status(tmp_path, {"uid": "S1", "url": "http://127.0.0.1:9/"})
    assert main(["badge", "list", "--station", str(tmp_path)]) == 3
    assert "does not answer" in capsys.readouterr().err
