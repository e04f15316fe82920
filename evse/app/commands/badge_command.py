"""``evse badge``: the badge list of a running station, through its REST interface."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import urllib.error
import urllib.request
from http.client import UNAUTHORIZED
from pathlib import Path
from typing import Any, Final

from boards.problems import printable
from evse.app.commands.station_choice import BAD_INPUT, FAILED, NOT_RUNNING, OK, Complaint, find_station
from evse.app.commands.station_client import details

_TIMEOUT_S: Final = 30.0
LOGIN_VARIABLE: Final = "EVSE_PASSWORD"  # a name, no secret


def badge_command(arguments: argparse.Namespace) -> int:
    """Carry out one action; returns the exit code."""
    try:
        station = _Station(arguments.station, arguments.account)
        try:
            answer = station.do(arguments)
        finally:
            station.close()
    except Complaint as complaint:
        if arguments.json:
            print(json.dumps({"ok": False, "reason": str(complaint)}))
        else:
            for line in str(complaint).splitlines():
                print(f"evse: {printable(line)}", file=sys.stderr)
        return complaint.code
    if arguments.json:
        print(json.dumps({"ok": True, **answer}))
    else:
        _show(arguments.action, answer)
    return OK


class _Station:
    """The station's REST interface; logs in when the station asks for it, and out at the end."""

    def __init__(self, wish: str, account: str) -> None:
        self._url = str(find_station(wish).status.get("url", "")).rstrip("/")
        self._account = account
        self._cookie = ""

    def close(self) -> None:
        """Leave no session behind."""
        if self._cookie:
            self._send("/api/logout", b"{}", "application/json")

    def do(self, arguments: argparse.Namespace) -> dict[str, Any]:
        match arguments.action:
            case "list":
                return self._json("/api/badges")
            case "learn" | "delete":
                mode = "add" if arguments.action == "learn" else "delete"
                return self._json("/api/badges/teach", {"mode": mode, "outlet": arguments.outlet})
            case "stop":
                return self._json("/api/badges/stop-teaching", {})
            case "add":
                body = {"uid": arguments.uid, "type": arguments.type, "comment": arguments.comment}
                return self._json("/api/badges/add", body)
            case "change":
                body = {"uids": arguments.uids, "type": arguments.type, "comment": arguments.comment}
                return self._json("/api/badges/change", {key: each for key, each in body.items() if each is not None})
            case "remove":
                return self._json("/api/badges/remove", {"uids": arguments.uids})
            case "remove-all":
                if not arguments.yes:
                    raise Complaint("remove-all empties the whole list: say --yes", BAD_INPUT)
                return self._json("/api/badges/remove-all", {"confirm": True})
            case "export":
                return self._export(Path(arguments.file))
            case _:
                return self._import(Path(arguments.file))

    def _export(self, path: Path) -> dict[str, Any]:
        data = self._ask("/api/badges.csv", None, "")
        try:
            path.write_bytes(data)
        except OSError as error:
            raise Complaint(f"{path} cannot be written: {error}", FAILED) from error
        return {"file": str(path), "bytes": len(data)}

    def _import(self, path: Path) -> dict[str, Any]:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Complaint(f"{path} cannot be read: {error}", BAD_INPUT) from error
        found = json.loads(self._ask("/api/badges/import", data, "text/csv"))
        return {"file": str(path), "badges": found["badges"]}

    def _json(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        return dict(json.loads(self._ask(path, data, "application/json")))

    def _ask(self, path: str, body: bytes | None, content_type: str) -> bytes:
        try:
            try:
                return self._send(path, body, content_type)
            except urllib.error.HTTPError as error:
                if error.code != UNAUTHORIZED or self._cookie:
                    raise
                self._log_in()
                return self._send(path, body, content_type)
        except urllib.error.HTTPError as error:
            raise _refused(error) from error
        except OSError as error:
            raise Complaint(f"the station's page does not answer: {error}", NOT_RUNNING) from error

    def _send(self, path: str, body: bytes | None, content_type: str) -> bytes:
        headers = {"content-type": content_type, "x-evse-request": "1"} if body is not None else {}
        if self._cookie:
            headers["cookie"] = self._cookie
        request = urllib.request.Request(self._url + path, body, headers)  # noqa: S310  # our own station
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # our own station
            given = answer.headers.get("set-cookie", "").partition(";")[0]
            self._cookie = given or self._cookie
            return bytes(answer.read())

    def _log_in(self) -> None:
        login = {"name": self._account, "password": _password(self._account)}
        if json.loads(self._send("/api/login", json.dumps(login).encode(), "application/json")).get("must_change"):
            raise Complaint("the password must be changed first: evse account password", FAILED)


def _password(account: str) -> str:
    password = os.environ.get(LOGIN_VARIABLE)
    if password is not None:
        return password
    if not sys.stdin.isatty():
        raise Complaint(f"the station wants a password: put it into {LOGIN_VARIABLE}", BAD_INPUT)
    return getpass.getpass(f"password of {account}: ")


def _refused(error: urllib.error.HTTPError) -> Complaint:
    try:
        body = json.loads(error.read())
        lines = [str(body["error"]), *(details(body) if error.code in (409, 422) else [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        lines = [f"the station answers with status {error.code}"]
    return Complaint("\n".join(map(str, lines)), BAD_INPUT if error.code in (400, 413, 415, 422) else FAILED)


def _show(action: str, answer: dict[str, Any]) -> None:
    match action:
        case "export":
            print(f"{answer['file']}: {answer['bytes']} bytes")
        case "import":
            print(f"{answer['badges']} badges")
        case "learn" | "delete":
            print(f"hold the cards to the reader; it ends 30 s after the last one ({answer['remaining_s']:.0f} s left)")
        case _:
            for badge in answer["badges"]:
                print(printable(f"{badge['number']:4}  {badge['uid']:20}  {badge['type']:5}  {badge['comment']}"))
            teaching = answer["teaching"]
            if teaching is not None:
                done = f"{teaching['added']} added, {teaching['removed']} removed, {teaching['refused']} refused"
                print(f"teaching ({teaching['mode']}, {teaching['remaining_s']:.0f} s left): {done}")
            print(f"{len(answer['badges'])} of {answer['limit']} badges")
