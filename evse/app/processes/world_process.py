"""The world process (simulation only): vehicles, mechanics, front ends and readers behind pseudo-terminals.

It plays the hardware: its clock is the system's monotonic one, so that its times and control's are the same. It owns every
pseudo-terminal and outlives control and services; when it ends, the simulation is over.

Requests on the world's socket, one JSON object per line: ``{"op": "verbs"}``, ``{"op": "apply", "verb": NAME, "params":
{...}}``, ``{"op": "truth"}``, ``{"op": "log", "since": N}`` (what contacts and pilot lines did, with times), ``{"op": "status"}``,
``{"op": "wifi", "network", "security", "key"}`` (a Wi-Fi card with these settings tries to join),
``{"op": "note", "name": COMMAND, "params": {...}}`` (control took this command) and ``{"op": "recording"}`` (all that was done).
Answers: ``{"ok": true, ...}`` or ``{"ok": false, "kind": "bad" | "refused", "param", "reason", "allowed"}``. Verbs that
concern processes are handed on to the supervisor, and so is the loss and return of the station's supply.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import select
import signal
import socket
import sys
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from boards.compiled import CompiledStation, WireSpec
from evse.app.page.session_log import SessionLog
from evse.app.processes.child import add_child_arguments, begin_child, wait_for_task
from evse.app.processes.json_lines import Answer, JsonLineServer, Request
from evse.app.virtual.process_verbs import REAL_PROCESS_VERBS, USB_VERBS
from evse.app.virtual.simulated_hardware import DeviceEnd, SimulatedHardware
from evse.control.priority import WORLD_PRIORITY, Rights, become_real_time
from evse.control.process import monotonic_us
from evse.control.status_pipe import StatusPipe
from evse.core.units import SECOND
from evse.sim.scheduler import Paced, Scheduler
from hal.linux.pty import PtyLink
from hal.scheduling import Stepped
from hal.world.verb_spec import VerbError, check_params
from hal.world.verbs import apply, loggable, verbs_of

_log = logging.getLogger(__name__)
LOG_LIMIT: Final = 4096


class RealWorld:
    """World and twins on one paced scheduler, with their pseudo-terminals."""

    def __init__(self, station: CompiledStation, *, local_interlock: bool = True) -> None:
        start_us = monotonic_us()
        self.scheduler = Scheduler(start_us=start_us, elide=False)
        self._twins: dict[PtyLink, Stepped] = {}
        self.hardware = SimulatedHardware(
            station.config,
            station.wires,
            self.scheduler,
            self._open,
            local_interlock=local_interlock,
            now_us=start_us,
        )
        self.world = self.hardware.world
        for component, name in self.hardware.components():
            self.scheduler.add(component, name)
        self._paced = Paced(self.scheduler, start_us)
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LIMIT)
        self._logged = 0
        self._last: dict[tuple[int, str], bool | str] = {}
        self.world.on_change(self._note)

    def _open(self, wire: WireSpec) -> DeviceEnd:
        link = PtyLink(wire.path)

        def attach(twin: Stepped) -> None:
            self._twins[link] = twin

        return DeviceEnd(link, link, attach)

    def readers(self) -> dict[int, PtyLink]:
        """The plugged lines by descriptor."""
        return {link.fileno(): link for link in self._twins if link.plugged}

    def advance(self, now_us: int) -> None:
        """Let everything happen that is due at ``now_us``."""
        self._paced.advance_to(now_us)

    def heard(self, link: PtyLink, now_us: int) -> None:
        """Bytes have arrived on ``link``."""
        self.scheduler.wake(self._twins[link], now_us)

    def next_us(self) -> int:
        """When something is due."""
        return self._paced.next_deadline_us()

    def close(self) -> None:
        """Give the pseudo-terminals back."""
        for link in self._twins:
            link.close()

    def _note(self, now_us: int) -> None:
        for number, outlet in enumerate(self.world.outlets, 1):
            truth = outlet.truth()
            self._note_value(now_us, number, "contact_closed", truth.contact_closed)
            self._note_value(now_us, number, "pilot_level", truth.pilot_level)

    def _note_value(self, now_us: int, outlet: int, what: str, value: bool | str) -> None:
        if self._last.get((outlet, what)) != value:
            self._last[outlet, what] = value
            self._logged += 1
            self.log.append({"number": self._logged, "at_us": now_us, "outlet": outlet, "what": what, "value": value})


class WorldProcess:
    """The loop around a ``RealWorld``."""

    def __init__(
        self, world: RealWorld, socket_path: Path, supervisor: socket.socket | None, session: SessionLog
    ) -> None:
        self._world = world
        self._session = session
        self._server = JsonLineServer(socket_path, self._request)
        self._supervisor = supervisor
        self._incoming = b""
        self._asked: deque[Answer] = deque()
        self._powered = True
        self._stopped = False
        if supervisor is not None:
            supervisor.setblocking(False)

    def stop(self) -> None:
        """End after the present round."""
        self._stopped = True

    def run(self, status: StatusPipe, waker: int) -> None:
        """Run until stopped."""
        while not self._stopped:
            now_us = monotonic_us()
            self._world.advance(now_us)
            self._follow_power()
            self._wait(min(self._world.next_us(), status.heartbeat(now_us)), waker)
        self._server.close()
        self._world.close()

    def _wait(self, deadline_us: int, waker: int) -> None:
        lines = self._world.readers()
        wanted = [*lines, waker, *self._server.readers()]
        if self._supervisor is not None:
            wanted.append(self._supervisor.fileno())
        timeout_us = max(deadline_us - monotonic_us(), 0)
        ready, writable, _ = select.select(wanted, self._server.writers(), [], timeout_us / SECOND)
        now_us = monotonic_us()
        for fd in ready:
            if fd in lines:
                self._world.heard(lines[fd], now_us)
        # Bytes on the wires come before requests: they were there before.
        self._world.advance(now_us)
        if writable or any(fd not in lines for fd in ready):
            self._hear_supervisor()
            self._server.run()

    # --- requests ------------------------------------------------------------------------------------------------

    def _request(self, request: Request, answer: Answer) -> None:
        match request.get("op"):
            case "verbs":
                verbs = (*verbs_of(self._world.world), *REAL_PROCESS_VERBS)
                answer({"ok": True, "verbs": [asdict(verb) for verb in verbs]})
            case "apply":
                self._apply(request, answer)
            case "truth":
                outlets = [truth.as_dict() for truth in self._world.world.truths()]
                cable = self._world.world.board_cable_in_second_port
                answer({"ok": True, "now_us": monotonic_us(), "outlets": outlets, "board_cable_in_second_port": cable})
            case "log":
                since = request.get("since", 0)
                since = since if isinstance(since, int) else 0
                answer({"ok": True, "log": [entry for entry in self._world.log if entry["number"] > since]})
            case "status":
                answer({"ok": True, "powered": self._powered, "now_us": monotonic_us()})
            case "wifi":
                answer(self._wifi(request))
            case "note":
                answer(self._session.take_note(request, monotonic_us()))
            case "recording":
                answer(self._session.answer(monotonic_us()))
            case _:
                answer({"ok": False, "kind": "bad", "param": "op", "reason": "there is no such operation",
                        "allowed": "verbs, apply, truth, log, status, wifi, note, recording"})  # fmt: skip

    def _wifi(self, request: Request) -> dict[str, Any]:
        card = self._world.world.wifi
        if card is None or card.silent:
            return {
                "ok": False,
                "kind": "refused",
                "param": "",
                "reason": "there is none" if card is None else card.silent,
            }
        network, security, key = (str(request.get(name, "")) for name in ("network", "security", "key"))
        joined = card.join(network, security, key)
        return {"ok": True, "joined": joined, "started_us": card.started_us, "short_off_us": card.short_off_us}

    def _apply(self, request: Request, answer: Answer) -> None:
        name, params = request.get("verb"), request.get("params", {})
        if not isinstance(name, str) or not isinstance(params, dict):
            answer({"ok": False, "kind": "bad", "param": "", "reason": "a verb and its parameters are wanted"})
            return
        now_us = monotonic_us()
        self._world.advance(now_us)
        try:
            for verb in REAL_PROCESS_VERBS:
                if verb.name == name:
                    check_params(verb, params)
                    # No scenario of virtual time could say it again.
                    noted = answer if verb in USB_VERBS else self._noting(name, now_us, answer)
                    self._ask_supervisor({"verb": name}, noted)
                    return
            apply(self._world.world, name, params, now_us)
        except VerbError as error:
            refused = error.reason.startswith("impossible now")
            answer(
                {
                    "ok": False,
                    "kind": "refused" if refused else "bad",
                    "param": error.param,
                    "reason": error.reason,
                    "allowed": error.allowed,
                    "text": str(error),
                }
            )
            return
        shown = loggable(name, params)
        _log.info("world: %s %s", name, " ".join(f"{key}={value}" for key, value in shown.items()))
        self._session.note(name, shown, now_us)
        self._world.advance(now_us)
        answer({"ok": True})
        # After the answer: with the supply goes who asked.
        self._follow_power()

    def _noting(self, name: str, now_us: int, answer: Answer) -> Answer:
        """``answer`` that also notes a verb which the supervisor has carried out."""

        def noted(message: dict[str, Any]) -> None:
            if message.get("ok"):
                self._session.note(name, {}, now_us)
            answer(message)

        return noted

    # --- supervisor ----------------------------------------------------------------------------------------------

    def _follow_power(self) -> None:
        powered = self._world.world.grid.on
        if powered != self._powered:
            self._powered = powered
            self._ask_supervisor({"power": powered}, lambda _answer: None)

    def _ask_supervisor(self, message: dict[str, Any], answer: Answer) -> None:
        if self._supervisor is None:
            answer({"ok": False, "kind": "refused", "param": "", "reason": "there is no supervisor"})
            return
        self._asked.append(answer)
        try:
            self._supervisor.send(json.dumps(message).encode() + b"\n")
        except OSError as error:
            self._asked.pop()
            answer({"ok": False, "kind": "refused", "param": "", "reason": f"the supervisor does not listen: {error}"})

    def _hear_supervisor(self) -> None:
        if self._supervisor is None:
            return
        try:
            data = self._supervisor.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._stopped = True
            return
        self._incoming += data
        while b"\n" in self._incoming:
            line, _, self._incoming = self._incoming.partition(b"\n")
            if self._asked:
                self._asked.popleft()(json.loads(line))


def main(argv: list[str] | None = None) -> int:
    """Run the world until SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(prog="evse.app.processes.world_process", description=__doc__)
    add_child_arguments(parser)
    parser.add_argument("--socket", required=True, help="where to listen for requests")
    parser.add_argument("--supervisor-fd", type=int, default=-1)
    parser.add_argument("--dumb-front-end", action="store_true", help="front ends without a local interlock")
    parser.add_argument("--fifo", action="store_true", help="take FIFO priority when permitted")
    arguments = parser.parse_args(argv)
    child = begin_child("evse-world", arguments)
    task = wait_for_task()
    station = task.station()
    start_us = monotonic_us()
    world = RealWorld(station, local_interlock=not arguments.dumb_front_end)
    supervisor = socket.socket(fileno=arguments.supervisor_fd) if arguments.supervisor_fd >= 0 else None
    session = SessionLog(task.reference or station.config.profile, start_us)
    process = WorldProcess(world, Path(arguments.socket), supervisor, session)
    signal.signal(signal.SIGTERM, lambda *_: process.stop())
    rights = become_real_time(WORLD_PRIORITY) if arguments.fifo else Rights(False, False, ("switched off",))
    child.status.send({"ready": True, "fifo": rights.fifo, "locked": rights.locked, "problems": rights.problems})
    gc.freeze()
    gc.enable()
    process.run(child.status, child.waker)
    os.close(child.waker)
    return 0


if __name__ == "__main__":
    sys.exit(main())
