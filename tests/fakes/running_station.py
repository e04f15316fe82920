"""A real station in a directory of its own: ``evse run`` as a user starts it, its REST interface, its world.

For tests and measurements with real processes. Everything is looked at from outside: the page's REST interface, the world's
socket (physical truth with times on the system's monotonic clock), ``/proc``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evse.app.cli import main
from evse.app.page.world_client import ask_world

ROOT = Path(__file__).resolve().parents[2]
QUICK_PROFILE = """schema: 1
kind: station
name: quick
description: Parking with short pauses, for tests
inherits: parking
outlet_defaults:
  timings:
    contactor: {between_closings_s: 1}
outlets:
  - {number: 1, position: right}
  - {number: 2, position: left}
"""
WAIT_S = 40.0
CARD = "04A1B2C3D4E5F6"


def now_us() -> int:
    """The clock that control, world and this process share."""
    return time.monotonic_ns() // 1_000


def until(what: str, condition: Callable[[], Any], timeout_s: float = WAIT_S) -> Any:
    """Ask ``condition`` until it gives something true; fails the test after ``timeout_s``.

    A key that is missing counts as "not yet": a station that has just started shows less than later. The pauses grow from
    10 to 100 ms, because each question costs the station that it is put to, and its neighbours, processor time.
    """
    end = time.monotonic() + timeout_s
    pause_s = 0.01
    while True:
        missing: LookupError | None = None
        try:
            found = condition()
        except LookupError as error:
            missing = error
        else:
            if found:
                return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what}") from missing
        time.sleep(pause_s)
        pause_s = min(1.3 * pause_s, 0.1)


def measured(request: pytest.FixtureRequest, name: str, value: float) -> None:
    """Note a figure beside the test's result: it appears in the JUnit report."""
    request.node.user_properties.append((name, round(value, 3)))


class RunningStation:
    """One station; ``close`` ends it and removes its directories."""

    def __init__(self, *arguments: str, profile: str = QUICK_PROFILE) -> None:
        # Short, because socket paths are: pytest's own directories are too deep.
        self.home = Path(tempfile.mkdtemp(prefix="evse-t"))
        (self.home / "quick.yaml").write_text(profile, encoding="utf-8")
        self.arguments = arguments
        self.errors = self.home / "stderr.txt"
        self.started: dict[str, Any] = {}
        self.begin_us = 0
        self.cookie = ""
        self.typed = False
        self.process: subprocess.Popen[str] | None = None

    def environment(self) -> dict[str, str]:
        """Environment of every command of this station."""
        runtime = self.home / "r"
        return {**os.environ, "EVSE_RUNTIME_DIR": str(runtime), "PYTHONPATH": str(ROOT)}

    def start(self, errors_to: int | None = None) -> RunningStation:
        """Start it, its standard error to a file or ``errors_to``; returns when it says that it is ready."""
        command = [sys.executable, "-m", "evse", "run", "--profile", str(self.home / "quick.yaml"), "--port", "0",
                   "--data", str(self.home / "data"), "--json", *self.arguments]  # fmt: skip
        self._close_output()
        self.begin_us = now_us()
        with self.errors.open("a", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors if errors_to is None else errors_to,
                text=True,
                env=self.environment(),
                cwd=self.home,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"no start line: {self.errors.read_text(encoding='utf-8')}")
        self.started = json.loads(line)
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(15)

    def _close_output(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def close(self) -> None:
        """End it whatever state it is in, and clear up."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(15)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
            self._close_output()
        shutil.rmtree(self.home, ignore_errors=True)

    # --- what the station says -----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return str(self.started["url"])

    def get(self, path: str) -> Any:
        """JSON of a GET; ``None`` while nobody answers."""
        try:
            request = urllib.request.Request(self.url + path, headers={"cookie": self.cookie})  # noqa: S310  # our own
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # our own
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def login(self) -> None:
        """Log in as admin with the label's password and change it: on hardware nothing answers without."""
        label = json.loads((Path(self.started["data"]) / "settings" / "label.json").read_text(encoding="utf-8"))
        new = "Running-station-1"
        for path, body in (
            ("api/login", {"name": "admin", "password": label["password"]}),
            ("api/accounts/password", {"old": label["password"], "new": new, "confirm": new}),
        ):
            headers = {"content-type": "application/json", "x-evse-request": "1", "cookie": self.cookie}
            request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)  # noqa: S310  # our own
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # our own
                self.cookie = str(answer.headers["set-cookie"]).partition(";")[0]

    def login_again(self) -> None:
        """Log in as admin after a restart, with the password that ``login`` has set."""
        headers = {"content-type": "application/json", "x-evse-request": "1"}
        body = json.dumps({"name": "admin", "password": "Running-station-1"}).encode()
        request = urllib.request.Request(self.url + "api/login", body, headers)  # noqa: S310  # our own
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # our own
                self.cookie = str(answer.headers["set-cookie"]).partition(";")[0]
        except (urllib.error.URLError, OSError):
            pass  # it restarts again

    def page_status(self) -> int:
        """HTTP status of the page, 0 while nobody answers."""
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:  # noqa: S310  # our own
                answer.read()
                return int(answer.status)
        except (urllib.error.URLError, OSError):
            return 0

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """JSON of a POST; raises ``HTTPError`` for a refusal."""
        request = urllib.request.Request(  # noqa: S310  # our own
            self.url + path,
            json.dumps(body).encode(),
            {"content-type": "application/json", "x-evse-request": "1"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # our own
            return json.load(answer)

    def outlet(self, number: int = 1) -> dict[str, Any]:
        """The outlet's view, empty while there is none."""
        view = self.get("api/station") or {}
        found = [each for each in view.get("outlets", []) if each["number"] == number]
        return dict(found[0]) if found else {}

    def records(self) -> list[dict[str, Any]]:
        """The charge records, newest first; waits for services."""
        return list(
            until("records", lambda: {"found": self.get("api/records")} if self.page_status() else None)["found"]
        )

    def evse(self, *arguments: str, code: int = 0, secrets: dict[str, str] | None = None) -> dict[str, Any]:
        """JSON of a command of ``evse`` that ends with ``code``, in the station's directory and environment.

        The first one is a process of its own, as somebody types it; the others run in this one, because a start costs them a
        hundred times of what they do.
        """
        command = (*arguments, "--json")
        environment = {**self.environment(), **(secrets or {})}
        if not self.typed:
            self.typed = True
            done = subprocess.run(
                [sys.executable, "-m", "evse", *command],
                check=False, env=environment, cwd=self.home, capture_output=True, text=True,
            )  # fmt: skip
            ended, out, errors = done.returncode, done.stdout, done.stderr
        else:
            said, complained = io.StringIO(), io.StringIO()
            with pytest.MonkeyPatch.context() as patch, contextlib.chdir(self.home):
                for name, value in environment.items():
                    patch.setenv(name, value)
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
                    ended = main(list(command))
            out, errors = said.getvalue(), complained.getvalue()
        assert ended == code, out + errors
        return dict(json.loads(out))

    # --- what physically is --------------------------------------------------------------------------------------

    def world(self, operation: str, **fields: Any) -> dict[str, Any]:
        """One request to the world."""
        return ask_world(str(self.started["world"]), {"op": operation, **fields})

    def verb(self, name: str, **params: Any) -> None:
        """Apply a verb; fails the test when it is refused."""
        answer = self.world("apply", verb=name, params=params)
        assert answer["ok"], answer

    def truth(self, outlet: int = 1) -> dict[str, Any]:
        """What is physically true at an outlet."""
        return dict(self.world("truth")["outlets"][outlet - 1])

    def contact_moves(self, after_us: int, outlet: int = 1) -> list[dict[str, Any]]:
        """The contact's moves after a time."""
        return [move for move in self.log("contact_closed", outlet) if move["at_us"] >= after_us]

    def log(self, what: str, outlet: int = 1) -> list[dict[str, Any]]:
        """What one thing of an outlet's truth did, with times."""
        entries = self.world("log")["log"]
        return [entry for entry in entries if entry["outlet"] == outlet and entry["what"] == what]

    def opened_after_ms(self, since_us: int, outlet: int = 1) -> float:
        """Milliseconds from ``since_us`` to the contact's opening; waits for it."""
        moves = until("the contact opens", lambda: self.contact_moves(since_us, outlet), 5)
        assert moves[0]["value"] is False
        return float(moves[0]["at_us"] - since_us) / 1_000

    # --- processes -----------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """``station.json``: process ids and how often each was started."""
        return dict(json.loads((Path(self.started["runtime"]) / "station.json").read_text(encoding="utf-8")))

    def pid(self, name: str) -> int:
        """Process id, 0 while it is down."""
        return int(self.status()["pids"][name])

    def resident_mb(self, name: str) -> float:
        """Resident memory of a process in MB (10**6 bytes)."""
        for line in Path(f"/proc/{self.pid(name)}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise AssertionError("no VmRSS")

    # --- a charge ------------------------------------------------------------------------------------------------

    def charge(self, outlet: int = 1) -> None:
        """From whatever state to a charge under way: unplugged, plugged, badge, energy flows."""
        truth = self.truth(outlet)
        if truth["plug_at_station"] or truth["plug_at_vehicle"]:
            self.unplug(outlet)
        until("outlet is free", lambda: self.outlet(outlet).get("outlet_status") == "OK_InitDone")
        self.verb("plug_in", outlet=outlet)
        self.verb("present_card", outlet=outlet, uid=CARD, hold=1)
        until("contact closes", lambda: self.truth(outlet)["contact_closed"])
        until("current flows", lambda: any(self.truth(outlet)["currents_ma"]))
        until("the station knows", lambda: self.outlet(outlet).get("contactor_closed"))

    def unplug(self, outlet: int = 1) -> None:
        """End the charge as a user does: vehicle first, then the plug."""
        self.verb("vehicle_stop", outlet=outlet)
        until("contact opens", lambda: not self.truth(outlet)["contact_closed"])
        self.verb("unplug", outlet=outlet, end="vehicle")
        until("bolt opens", lambda: not self.truth(outlet)["plug_held"])
        self.verb("unplug", outlet=outlet)
