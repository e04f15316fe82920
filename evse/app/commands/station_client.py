"""A logged-in client of a running station's REST interface, for the command line."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from typing import Any, Final

from evse.app.commands.station_choice import BAD_INPUT, FAILED, NOT_RUNNING, Complaint
from evse.app.processes.paths import RunningStation

_TIMEOUT_S: Final = 30.0
_COOKIE: Final = "evse-session"
_COMMANDS: Final = {"POST /api/accounts/password": "change it with: evse account password"}
"""Hints for programs, and what a person at the command line does."""


class StationClient:
    """One session at one station. Everything raises ``Complaint``."""

    def __init__(self, station: RunningStation, language: str = "en") -> None:
        self._url = str(station.status.get("url", "")).rstrip("/")
        self._language = language
        self._token = ""
        self._password = ""

    def login(self, name: str, password: str) -> dict[str, Any]:
        """Begin the session."""
        self._password = password
        return dict(self.post("/api/login", {"name": name, "password": password}))

    def logout(self) -> None:
        """End the session; a station that is gone by now is no error."""
        try:
            self.post("/api/logout", {})
        except Complaint:
            pass

    def change_password(self, new: str) -> Any:
        """Change the password that this client logged in with."""
        return self.post("/api/accounts/password", {"old": self._password, "new": new, "confirm": new})

    def get(self, path: str) -> Any:
        """An answer."""
        return json.loads(self._ask(path, None))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Change something; the answer."""
        return json.loads(self._ask(path, body) or b"null")

    def file(self, path: str, body: dict[str, Any]) -> bytes:
        """Ask for a file."""
        return self._ask(path, body)

    def upload(self, path: str, data: bytes, kind: str) -> Any:
        """Send a file of the content type ``kind``; the answer."""
        return json.loads(self._ask(path, data, kind))

    def _ask(self, path: str, body: dict[str, Any] | bytes | None, kind: str = "application/json") -> bytes:
        headers = {"cookie": f"{_COOKIE}={self._token}"} if self._token else {}
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        if data is not None:
            headers |= {"content-type": kind, "x-evse-request": "1"}
        url = f"{self._url}{path}?language={self._language}"
        request = urllib.request.Request(url, data, headers)  # noqa: S310  # our own station
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # our own station
                self._take_cookie(answer.headers.get_all("set-cookie") or [])
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise _refused(error) from error
        except OSError as error:
            raise Complaint(f"the station's page does not answer: {error}", NOT_RUNNING) from error

    def _take_cookie(self, headers: list[str]) -> None:
        for header in headers:
            morsel = SimpleCookie(header).get(_COOKIE)
            if morsel is not None:
                self._token = morsel.value


def _refused(error: urllib.error.HTTPError) -> Complaint:
    try:
        body = json.loads(error.read())
        problems = body.get("problems") or []
        lines = [_line(each) for each in problems] or [body["error"], *details(body)]
    except (ValueError, KeyError, TypeError, AttributeError):
        lines = [f"the station answers with status {error.code}"]
    lines = [_COMMANDS.get(line, line) for line in lines]
    return Complaint("\n".join(map(str, lines)), BAD_INPUT if error.code in (400, 401, 413, 415, 422) else FAILED)


def details(body: dict[str, Any]) -> list[str]:
    """What a refusal says besides the error: what is allowed, a line each where it is a list, and the hint."""
    allowed = body.get("allowed")
    if isinstance(allowed, list):
        return [*map(str, allowed), *([body["hint"]] if body.get("hint") else [])]
    return [part for part in (f"allowed: {allowed}" if allowed else "", body.get("hint", "")) if part]


def _line(problem: dict[str, str]) -> str:
    parts = [f"{problem['key']} = {problem['value']}: {problem['what']}"]
    parts += [f"allowed: {problem['allowed']}"] if problem["allowed"] else []
    parts += [problem["hint"]] if problem["hint"] else []
    return "; ".join(parts)
