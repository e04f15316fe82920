"""A real station for measuring: ``evse run`` as a user starts it, looked at from outside.

Physical truth and the times of the contacts come from the world's socket (the system's monotonic clock, which this process
shares), the rest from the REST interface, ``station.json`` and ``/proc``.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from evse.app.page.world_client import WorldGone, ask_world
from evse.control.process import monotonic_us

ROOT: Final = Path(__file__).resolve().parents[2]
WAIT_S: Final = 20.0
CARD: Final = "04A1B2C3D4E5F6"
LOOK_S: Final = 0.01


class NotSeen(Exception):
    """Something that was waited for did not happen; the text says what."""


def until(what: str, condition: Callable[[], Any], timeout_s: float = WAIT_S) -> Any:
    """Ask ``condition`` every 10 ms until it gives something true. Raises NotSeen."""
    end = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise NotSeen(f"not within {timeout_s:g} s: {what}")
        time.sleep(LOOK_S)


def free_port() -> int:
    """A port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BenchStation:
    """One station with directories of its own. A context manager that ends it and removes them."""

    def __init__(self, profile: str, command: tuple[str, ...] = (sys.executable, "-m", "evse")) -> None:
        """``profile``: a shipped profile's name, or the text of one."""
        # Short, because socket paths are.
        self.home = Path(tempfile.mkdtemp(prefix="evse-b"))
        if "\n" in profile:
            (self.home / "bench.yaml").write_text(profile, encoding="utf-8")
            profile = str(self.home / "bench.yaml")
        self._command = (*command, "run", "--profile", profile)
        self.python_path: tuple[str, ...] = (str(ROOT),)
        self.port = free_port()
        self.begin_us = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The page's address, with the slash."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def runtime(self) -> Path:
        """The runtime directory, once it exists."""
        found = [path.parent for path in (self.home / "r").glob("*/world")]
        return found[0] if found else self.home / "r" / "none"

    def launch(self, *arguments: str) -> None:
        """Start it with further ``arguments``; returns at once."""
        path = os.pathsep.join(self.python_path)
        env = {**os.environ, "EVSE_RUNTIME_DIR": str(self.home / "r"), "PYTHONPATH": path}
        command = [*self._command, "--port", str(self.port), "--data", str(self.home / "data"), *arguments]
        self.begin_us = monotonic_us()
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)

    def since_start_s(self) -> float:
        """Seconds since ``launch``."""
        return (monotonic_us() - self.begin_us) / 1e6

    def __enter__(self) -> BenchStation:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        shutil.rmtree(self.home, ignore_errors=True)

    def end(self) -> None:
        """End it whatever state it is in; its directories stay."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # --- what it says ------------------------------------------------------------------------------------------------

    def ended(self) -> bool:
        """Whether the station has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def log(self) -> str:
        """What it has printed."""
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")

    def ask(self, path: str) -> Any:
        """JSON of a GET; ``None`` while nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:  # noqa: S310  # our own server
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def page_works(self) -> bool:
        """Whether the page answers with 200."""
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:  # noqa: S310  # our own server
                answer.read()
                return int(answer.status) == 200
        except (urllib.error.URLError, OSError):
            return False

    def outlet(self) -> dict[str, Any]:
        """Outlet 1 as the station shows it, empty while it shows nothing."""
        return dict(self.ask("api/outlets/1") or {})

    def records(self) -> list[dict[str, Any]]:
        """The charge records, newest first; waits for services."""
        return list(
            until("records", lambda: {"found": self.ask("api/records")} if self.page_works() else None)["found"]
        )

    def pid(self, name: str) -> int:
        """Process id, 0 while it is down."""
        try:
            status = json.loads((self.runtime / "station.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0
        return int(status["pids"].get(name, 0))

    def resident_mb(self, name: str) -> float:
        """Resident memory of a process in MB (10**6 bytes). Raises NotSeen."""
        for line in Path(f"/proc/{self.pid(name)}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise NotSeen(f"resident memory of {name}")

    # --- what physically is -------------------------------------------------------------------------------------------

    def world(self, operation: str, **fields: Any) -> dict[str, Any]:
        """One request to the world. Raises WorldGone."""
        return ask_world(str(self.runtime / "world"), {"op": operation, **fields})

    def truth(self) -> dict[str, Any]:
        """What is physically true at outlet 1; empty while there is no world."""
        try:
            return dict(self.world("truth")["outlets"][0])
        except WorldGone:
            return {}

    def verb(self, name: str, **params: Any) -> None:
        """Apply a verb. Raises NotSeen when it is refused."""
        answer = self.world("apply", verb=name, params=params)
        if not answer["ok"]:
            raise NotSeen(f"{name}: {answer}")

    def contact_moves(self, after_us: int) -> list[dict[str, Any]]:
        """The moves of outlet 1's contact from a time on."""
        wanted = (1, "contact_closed")
        log = self.world("log")["log"]
        return [entry for entry in log if (entry["outlet"], entry["what"]) == wanted and entry["at_us"] >= after_us]

    # --- a charge -------------------------------------------------------------------------------------------------------

    def charge(self) -> None:
        """From a free outlet, or whatever a killed control has left, to a charge under way."""
        truth = self.truth()
        if truth["plug_at_station"] or truth["plug_at_vehicle"]:
            self.unplug()
        until("outlet is free", lambda: self.outlet().get("outlet_status") == "OK_InitDone")
        self.verb("plug_in", outlet=1)
        self.verb("present_card", outlet=1, uid=CARD, hold=1)
        until("contact closes", lambda: self.truth()["contact_closed"])
        until("current flows", lambda: any(self.truth()["currents_ma"]))
        until("the station knows", lambda: self.outlet().get("contactor_closed"))

    def unplug(self) -> None:
        """End the charge as a user does: vehicle first, then the plug."""
        self.verb("vehicle_stop", outlet=1)
        until("contact opens", lambda: not self.truth()["contact_closed"])
        self.verb("unplug", outlet=1, end="vehicle")
        until("bolt opens", lambda: not self.truth()["plug_held"])
        self.verb("unplug", outlet=1)
