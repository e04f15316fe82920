"""The station under test of the latency bench: the product's own control and services processes, without a world.

Both are started as the supervisor starts them. Nothing starts them again: one that dies ends the bench.
"""

from __future__ import annotations

import json
import select
import shutil
import socket
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from boards.compiled import encode_config
from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.processes.child import Task
from evse.app.processes.child_process import ChildProcess, Program
from evse.app.processes.run import open_web_socket
from evse.app.station.station_facts import facts_values, station_facts
from evse.control.process import monotonic_us
from evse.core.config import OutletConfig, StationConfig
from evse.core.units import MS, SECOND
from evse.exchange.listening import listen_at
from hal.linux.kernel_workers import KernelWorkers

PROFILE: Final = "parking-free"
PATIENCE_US: Final = 60 * SECOND
READY_S: Final = 90.0


class StationFailed(Exception):
    """The station under test did not start or died; the text says what it said."""


def bench_config() -> StationConfig:
    """The profile with every pause on the way back to a closed contactor made short; what opens it stays as it is."""
    config = station_config(load_profile(PROFILE), "BENCH-latency")
    return replace(config, outlets=tuple(map(_quick, config.outlets)))


def _quick(outlet: OutletConfig) -> OutletConfig:
    pilot = replace(
        outlet.pilot,
        enter_energised_us=10 * MS,
        other_us=5 * MS,
        settle_us=5 * MS,
        x1_minimum_us=0,
        fault_f_minimum_us=5 * MS,
        raise_interval_us=0,
    )
    return replace(
        outlet,
        pilot=pilot,
        lock=replace(outlet.lock, pulse_us=10 * MS),
        contactor=replace(outlet.contactor, between_closings_us=0),
        protection=replace(outlet.protection, reclose_after_fault_us=0),
    )


class StationUnderTest:
    """Control and services in a directory of their own. A context manager."""

    def __init__(self, config: StationConfig, *, fifo: bool, kernel_workers: bool = True) -> None:
        self._workers = KernelWorkers() if fifo and kernel_workers else None
        # Short, because socket paths are.
        self.home = Path(tempfile.mkdtemp(prefix="evse-b"))
        self._config = config
        self._web: socket.socket = open_web_socket("127.0.0.1", 0)
        self._exchange = listen_at(str(self.home / "exchange"))
        control = ("--exchange", str(self.home / "exchange"), *(("--fifo",) if fifo else ()))
        fds = (self._exchange.fileno(), self._web.fileno())
        services = ("--exchange-fd", str(fds[0]), "--web-fd", str(fds[1]))
        self._children = (
            ChildProcess(Program("services", "evse.app.processes.services_process", services, fds, PATIENCE_US)),
            ChildProcess(Program("control", "evse.app.processes.control_process", control, (), PATIENCE_US)),
        )
        self.log: list[str] = []

    @property
    def workers(self) -> str:
        """Whether the kernel's workers for serial lines are raised, for people."""
        if self._workers is None:
            return "at normal priority"
        return f"at normal priority ({self._workers.problem})" if self._workers.problem else "raised"

    @property
    def wires(self) -> list[str]:
        """Where the front ends' lines have to be."""
        return [str(self.home / f"outlet-{outlet.number}") for outlet in self._config.outlets]

    @property
    def url(self) -> str:
        """The page's address, with the slash."""
        return f"http://127.0.0.1:{self._web.getsockname()[1]}/"

    @property
    def children(self) -> tuple[ChildProcess, ...]:
        """Services and control."""
        return self._children

    @property
    def control(self) -> ChildProcess:
        """The process under test."""
        return self._children[1]

    def start(self) -> None:
        """Start both; returns when they are ready. The lines must exist. Raises StationFailed."""
        profile = load_profile(PROFILE)
        plan = wire_plan(profile)
        plan = plan.with_paths({wire.name: path for wire, path in zip(plan.wires(), self.wires, strict=True)})
        compiled = self.home / "station.compiled"
        compiled.write_bytes(encode_config(self._config, plan))
        facts = facts_values(station_facts(profile, self._config.station_uid, {}))
        task = Task(str(compiled), str(self.home), "", "allow all", base=str(compiled), facts=facts).line()
        self._tend()
        for child in self._children:
            child.start(monotonic_us())
            child.give_task(task)
        end = time.monotonic() + READY_S
        while any(child.ready is None for child in self._children):
            self.listen(0.1)
            if time.monotonic() > end:
                raise StationFailed(f"not ready after {READY_S:g} s: {self.log}")

    def listen(self, timeout_s: float) -> None:
        """Take in heartbeats and log lines. Raises StationFailed when a process has ended."""
        fds = [fd for child in self._children for fd in child.fds()]
        select.select(fds, [], [], timeout_s)
        self._tend()
        now_us = monotonic_us()
        for child in self._children:
            self.log += [f"{child.name}: {line}" for line in child.read_log()]
            child.read_status(now_us)
            how = child.reap()
            if how is not None:
                raise StationFailed(f"{child.name} ended ({how}): {self.log[-20:]}")

    def _tend(self) -> None:
        if self._workers is not None:
            self._workers.tend()

    def ask(self, path: str) -> Any:
        """JSON of a GET, ``None`` when there is no answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310  # our own server
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def __enter__(self) -> StationUnderTest:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            if child.running:
                child.kill()
                child.reap()
            child.forget_pipes()
        if self._workers is not None:
            self._workers.release()
        self._exchange.close()
        self._web.close()
        shutil.rmtree(self.home, ignore_errors=True)
