"""``evse run``: from a profile to a running station.

Control and world are started first and told their task when the profile has been read and compiled, so that their imports
and ours pass at the same time. What is imported above is therefore only what it takes to start them; the rest comes with
``prepare``. Everything that can be wrong with the user's wishes is found before anything is announced.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evse.app.processes.child_process import ChildProcess, Program
from evse.app.processes.console import Console, descriptor
from evse.app.processes.paths import Hold, PathError, make_runtime, runtime_base, write_status
from evse.app.processes.run_options import BAD_INPUT, RunError, RunOptions
from evse.app.processes.supervisor import FAILED, Supervisor, monotonic_us
from evse.app.processes.trace_writer import LiveTrace
from evse.app.processes.usb_port import SimulatedUsbPort
from evse.core.units import SECOND
from evse.exchange.listening import listen_at
from hal.linux.kernel_workers import KernelWorkers

if TYPE_CHECKING:
    from evse.app.processes.firmware_boot import Boot

DEFAULT_PORT: Final = 8061
NEXT_PORTS: Final = 20
FLUSH_S: Final = 1.0
"""How long the end waits for whoever reads our output."""
CONTROL_PATIENCE_US: Final = 2 * SECOND
SERVICES_PATIENCE_US: Final = 10 * SECOND
WORLD_PATIENCE_US: Final = 10 * SECOND


def run_station(options: RunOptions) -> int:
    """Run until stopped; returns the exit code. Raises RunError before anything runs."""
    try:
        runtime = make_runtime(runtime_base())
    except PathError as error:
        raise RunError(str(error), FAILED) from error
    station = StationRun(options, runtime)
    try:
        return station.run()
    finally:
        station.close()


class StationRun:
    """One run of one station: directories, sockets, processes."""

    def __init__(self, options: RunOptions, runtime: Hold) -> None:
        self._options = options
        self._runtime = runtime
        self._begin_us = monotonic_us()
        self._web = open_web_socket(options.host, options.port)
        self._exchange = listen_at(str(self._path("exchange")))
        self._trace = open_trace(options)
        self._control = ChildProcess(self._control_program())
        self._services = ChildProcess(self._services_program())
        self._ours, self._theirs = socket.socketpair()
        self._world = ChildProcess(self._world_program())
        self._data: Hold | None = None
        self._workers = KernelWorkers() if options.fifo and options.kernel_workers else None
        self._about: dict[str, Any] = {}
        self._boot: Boot | None = None
        self._supervisor: Supervisor | None = None
        # Each its own, so that a stalled reader of one does not keep the start line from the other.
        self._output, self._errors = Console(descriptor(sys.stdout)), Console(descriptor(sys.stderr))

    def _path(self, name: str) -> Path:
        return self._runtime.directory / name

    def _fifo(self) -> tuple[str, ...]:
        return ("--fifo",) if self._options.fifo else ()

    def _control_program(self) -> Program:
        fds = () if self._trace is None else (self._trace.fd,)
        trace = () if self._trace is None else ("--trace-fd", str(self._trace.fd))
        arguments = ("--exchange", str(self._path("exchange")), *trace, *self._fifo())
        return Program("control", "evse.app.processes.control_process", arguments, fds, CONTROL_PATIENCE_US)

    def _services_program(self) -> Program:
        fds = (self._exchange.fileno(), self._web.fileno())
        arguments = ("--exchange-fd", str(fds[0]), "--web-fd", str(fds[1]))
        return Program("services", "evse.app.processes.services_process", arguments, fds, SERVICES_PATIENCE_US)

    def _world_program(self) -> Program:
        fd = self._theirs.fileno()
        dumb = ("--dumb-front-end",) if self._options.dumb_front_end else ()
        arguments = ("--socket", str(self._path("world")), "--supervisor-fd", str(fd), *dumb, *self._fifo())
        return Program("world", "evse.app.processes.world_process", arguments, (fd,), WORLD_PATIENCE_US)

    def run(self) -> int:
        """Start everything, then supervise."""
        now_us = monotonic_us()
        self._control.start(now_us)
        self._world.start(now_us)
        self._tend()
        # Loaded now, while both processes load what they need.
        from evse.app.station.station_task import prepare

        prepared = prepare(self._options, self._runtime.directory)
        self._data, self._about, self._boot = prepared.data, prepared.about, prepared.boot
        simulated = bool(self._about["simulated"])
        if not simulated:
            self._world.end()
        trial = self._choose_program()
        if self._control.program_path:
            # It was started with the machine's program, before anybody could know.
            self._control.end()
            self._control.start(monotonic_us())
        self._supervisor = Supervisor(
            self._control,
            self._services,
            self._world if simulated else None,
            self._ours if simulated else None,
            prepared.task.line(),
            changed=self._write_status,
            started=self._tell_started,
            say=self._errors.say,
            tend=self._tend,
            choose=self._choose_program,
            trial=trial,
            usb=SimulatedUsbPort(Path(prepared.task.data)).obey if simulated else None,
            verbose=self._options.verbose,
        )
        self._write_status()
        gc.freeze()
        gc.enable()
        return self._supervisor.run()

    def _choose_program(self) -> bool:
        """What the next start of control and services runs; returns whether it is on trial."""
        if self._boot is None:
            return False
        booted = self._boot.next()
        self._control.program_path = self._services.program_path = booted.program
        if booted.returned:
            self._errors.say(f"evse: firmware {booted.returned} has not proved itself: the version before runs again")
        return booted.trial

    def _tend(self) -> None:
        if self._workers is not None:
            self._workers.tend()

    def close(self) -> None:
        """End what still runs and clear the runtime directory away."""
        for child in (self._control, self._services, self._world):
            child.end()
        if self._workers is not None:
            self._workers.release()
        if self._trace is not None:
            self._trace.close()
        for each in (self._ours, self._theirs, self._exchange, self._web):
            each.close()
        shutil.rmtree(self._runtime.directory, ignore_errors=True)
        self._runtime.release()
        if self._data is not None:
            self._data.release()
        end_s = time.monotonic() + FLUSH_S
        for console in (self._errors, self._output):
            console.close(max(end_s - time.monotonic(), 0.0))

    # --- what others see -----------------------------------------------------------------------------------------

    def _url(self) -> str:
        host, port = self._web.getsockname()[:2]
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  # compares, does not bind
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"

    def _status(self) -> dict[str, Any]:
        simulated = bool(self._about.get("simulated"))
        children = [self._world, self._control, self._services] if simulated else [self._control, self._services]
        return {
            **self._about,
            "pid": os.getpid(),
            "url": self._url(),
            "runtime": str(self._runtime.directory),
            "world": str(self._path("world")) if simulated else "",
            "pids": {child.name: child.pid for child in children},
            "starts": {child.name: child.starts for child in children},
            "fifo": bool(self._control.ready and self._control.ready.get("fifo")),
            "kernel_workers": self._workers is not None and not self._workers.problem,
        }

    def _write_status(self) -> None:
        write_status(self._runtime.directory, self._status())

    def _first_login(self) -> list[str]:
        """The label of a simulated station, whose housing nobody can look at, while its first password counts."""
        from evse.app.station.kept_settings import first_login

        if not self._about.get("simulated"):
            return []
        label = first_login(Path(str(self._about["data"])))
        return [] if label is None else [f"  label {label.account} / {label.password} (first password, to be changed)"]

    def _warnings(self) -> list[str]:
        ready = self._control.ready or {}
        if not self._options.fifo:
            return ["FIFO priority is switched off: under load the station may react later than it should"]
        problems = [f"control: {problem}" for problem in ready.get("problems", ())]
        if ready.get("fifo") and self._workers is not None and self._workers.problem:
            problems.append(f"the kernel's workers for serial lines stay at normal priority ({self._workers.problem})")
        return [f"{problem}; under load the station may react later than it should" for problem in problems]

    def _tell_started(self) -> None:
        self._write_status()
        seconds = (monotonic_us() - self._begin_us) / SECOND
        if self._options.json_output:
            line = {"event": "started", **self._status(), "seconds": round(seconds, 3), "warnings": self._warnings()}
            self._output.say(json.dumps(line))
            return
        about = self._about
        kind = "simulated" if about["simulated"] else "on hardware"
        outlets = f"{about['outlets']} outlet{'s' if about['outlets'] > 1 else ''}"
        lines = [
            f"station {about['uid']}: profile {about['profile']}, {outlets}, {kind}, ready after {seconds:.1f} s",
            f"  page  {self._url()}",
            f"  data  {about['data']}",
            *self._first_login(),
            "Ctrl-C stops it.",
        ]
        self._output.say("\n".join(lines))
        for warning in self._warnings():
            self._errors.say(f"  warning: {warning}")


def open_trace(options: RunOptions) -> LiveTrace | None:
    """The trace's writer, when one is wished. Raises RunError."""
    if not options.trace:
        return None
    try:
        return LiveTrace(options.trace, options.trace_limit_mb)
    except OSError as error:
        raise RunError(f"--trace {error}", BAD_INPUT) from error


def open_web_socket(host: str, port: int | None) -> socket.socket:
    """A listening socket at ``host``. Without a port: the default one or the next free. Raises RunError."""
    candidates = [port] if port is not None else list(range(DEFAULT_PORT, DEFAULT_PORT + NEXT_PORTS))
    problem: OSError | None = None
    for candidate in candidates:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, candidate, type=socket.SOCK_STREAM)[0]
            listener = socket.socket(family, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise RunError(f"--host {host}: {error}", BAD_INPUT) from error
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(64)
        except OSError as error:
            listener.close()
            problem = error
            continue
        return listener
    where = f"port {port}" if port is not None else f"ports {candidates[0]} to {candidates[-1]}"
    raise RunError(f"{host}: {where}: {problem.strerror if problem else 'not free'}", FAILED)
