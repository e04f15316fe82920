"""The supervisor: starts the station's processes, watches them, starts them again, carries out the process verbs.

| what happens                               | what it does                                                              |
|--------------------------------------------|---------------------------------------------------------------------------|
| control or services dies                   | starts it again (pauses: ``child_process``)                               |
| control silent for 2 s, services for 10 s  | kills it (SIGKILL also ends a stopped process), then as above             |
| the world dies or hangs                    | ends the run: physics cannot be started again in the middle               |
| the station's supply goes (simulation)     | kills control and services, keeps them down until the supply is back      |
| services ask for a restart of the station  | ends control, then services, in an orderly way and starts both again      |
| control or services of a firmware on trial | after its third short life: as a restart, and counted as one of the       |
| die again and again                        | starts that a trial has (``firmware_boot``)                               |
| SIGINT, SIGTERM, SIGHUP                    | control first (it opens every contactor), then services, then the world   |
| itself killed                              | the kernel kills every child (parent-death signal); leases expire         |

It is one thread that waits for pipes, signals and the clock, at normal priority; safety never depends on it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from evse.app.processes import usb_port
from evse.app.processes.child_process import QUICK_DEATHS, WORTH_TELLING, ChildProcess
from evse.core.units import NEVER, SECOND

LOOK_US: Final = SECOND // 4
TEND_US: Final = SECOND
AWAY_US: Final = 1 * SECOND
CONTROL_STOP_S: Final = 1.0
SERVICES_STOP_S: Final = 5.0
WORLD_STOP_S: Final = 1.0
START_LIMIT_US: Final = 90 * SECOND
"""A machine that needs longer for the first start has no business with a charging station."""

OK: Final = 0
FAILED: Final = 1


def monotonic_us() -> int:
    """The system's monotonic clock."""
    return time.monotonic_ns() // 1_000


class Supervisor:
    """Runs ``control``, ``services`` and, in simulation, ``world``. All but services are started and wait for ``task``.

    ``world_link``: our end of the world's socket. ``changed``: called when a process came or went; ``started``: once, when
    all are ready for the first time. ``say`` takes lines for people and must never wait. ``tend`` is called about once a second.
    ``usb``: carries out the verbs of a simulated USB port and returns why not, or an empty text. ``choose``: decides what the next
    start of control and services runs and returns whether that is on trial; ``trial``: whether what it decided last is.
    """

    def __init__(
        self,
        control: ChildProcess,
        services: ChildProcess,
        world: ChildProcess | None,
        world_link: socket.socket | None,
        task: bytes,
        *,
        changed: Callable[[], None],
        started: Callable[[], None],
        say: Callable[[str], None],
        tend: Callable[[], None] = lambda: None,
        choose: Callable[[], bool] = lambda: False,
        trial: bool = False,
        usb: Callable[[str], str] | None = None,
        verbose: bool = False,
    ) -> None:
        self.control, self.services, self.world = control, services, world
        self._children = tuple(child for child in (world, control, services) if child is not None)
        self._station = (control, services)
        self._world_link = world_link
        self._task = task
        self._incoming = b""
        self._changed = changed
        self._started = started
        self._tell = say
        self._tend, self._tend_us = tend, 0
        self._choose, self._trial = choose, trial
        self._usb = usb
        self._verbose = verbose
        self._announced = False
        self._powered = True
        self._stop_asked = 0
        self._exit_code: int | None = None
        self._begin_us = monotonic_us()
        if world is None:
            self._give_tasks()
        else:
            world.give_task(task)
        if world_link is not None:
            world_link.setblocking(False)

    def _give_tasks(self) -> None:
        """Let control and services begin: their wires and the world's socket exist."""
        for child in self._station:
            child.give_task(self._task)
        # Not before: on a small machine their imports would hold back the pilot's first 12 V.
        self.services.restart_us = monotonic_us()

    @property
    def all_ready(self) -> bool:
        """Whether every process is ready."""
        return all(child.ready is not None for child in self._children)

    def run(self) -> int:
        """Run until stopped; returns the exit code."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        last_us = monotonic_us()
        try:
            while self._exit_code is None and not self._stop_asked:
                self._wait(reader, last_us)
                now_us = monotonic_us()
                if now_us - last_us > AWAY_US + LOOK_US:
                    for child in self._children:
                        child.forgive(now_us)
                last_us = now_us
                self._round(now_us)
        finally:
            self._end()
        return OK if self._exit_code is None else self._exit_code

    def _asked_to_stop(self, *_: object) -> None:
        self._stop_asked += 1

    def _wait(self, reader: int, last_us: int) -> None:
        wanted = [reader, *(fd for child in self._children for fd in child.fds())]
        if self._world_link is not None:
            wanted.append(self._world_link.fileno())
        restart_us = min((child.restart_us for child in self._station if self._powered), default=NEVER)
        timeout_us = min(LOOK_US, max(restart_us - last_us, 0))
        ready, _, _ = select.select(wanted, [], [], timeout_us / SECOND)
        if reader in ready:
            os.read(reader, 256)

    def _round(self, now_us: int) -> None:
        for child in self._children:
            self._listen(child, now_us)
            self._bury(child, now_us)
            if child.running and child.silent_since(now_us) > 0:
                self._say(f"{child.name} does not react: killed")
                child.kill()
                self._bury(child, now_us)
        self._hear_world()
        if self.services.wants_restart and self.services.running:
            self._say("the station restarts, as asked for")
            self._restart_station()
        for child in self._station:
            if self._powered and not child.running and now_us >= child.restart_us and self._exit_code is None:
                child.start(now_us)
                self._changed()
        self._announce(now_us)
        if now_us >= self._tend_us:
            self._tend_us = now_us + TEND_US
            self._tend()

    def _listen(self, child: ChildProcess, now_us: int) -> None:
        for line in child.read_log():
            if self._verbose or not line.startswith(("INFO ", "DEBUG ")):
                self._say(f"{child.name}: {line}")
        if child.read_status(now_us):
            if child is self.world:
                self._give_tasks()
            self._changed()

    def _bury(self, child: ChildProcess, now_us: int) -> None:
        """Notice a death and say when the successor comes."""
        how = child.reap()
        if how is None:
            return
        self._listen(child, now_us)
        child.forget_pipes()
        self._changed()
        if child is self.world:
            self._fail(f"the simulated world ended ({how}): the simulation is over")
            return
        if not self._powered:
            return
        recent = child.died(now_us)
        pause_us = child.restart_us - now_us
        self._say(f"{child.name} ended ({how}); starting it again in {pause_us / SECOND:.2f} s")
        if recent >= WORTH_TELLING:
            self._say(f"{child.name} ended {recent} times within a minute: something is wrong with it")
        if self._trial and child.short_lives >= QUICK_DEATHS:
            self._say("the firmware on trial does not keep running")
            self._restart_station()
            return
        if not self._announced and recent >= WORTH_TELLING:
            self._fail(f"{child.name} cannot be started")

    def _announce(self, now_us: int) -> None:
        if self._announced:
            return
        if self.all_ready:
            self._announced = True
            self._started()
        elif now_us > self._begin_us + START_LIMIT_US:
            waiting = ", ".join(child.name for child in self._children if child.ready is None)
            self._fail(f"not ready after {START_LIMIT_US // SECOND} s: {waiting}")

    def _restart_station(self) -> None:
        """Both end in an orderly way, control first, and start again."""
        self.services.wants_restart = False
        for child, limit_s in ((self.control, CONTROL_STOP_S), (self.services, SERVICES_STOP_S)):
            self._stop(child, limit_s)
            child.restart_us = monotonic_us()
            child.short_lives = 0
        self._trial = self._choose()
        self._changed()

    # --- the world's wishes --------------------------------------------------------------------------------------

    def _hear_world(self) -> None:
        if self._world_link is None:
            return
        try:
            data = self._world_link.recv(4096)
        except OSError:
            return
        self._incoming += data
        while b"\n" in self._incoming:
            line, _, self._incoming = self._incoming.partition(b"\n")
            answer = self._obey(json.loads(line))
            try:
                self._world_link.send(json.dumps(answer).encode() + b"\n")
            except OSError:
                pass  # the world is gone; that is noticed elsewhere

    def _obey(self, message: dict[str, Any]) -> dict[str, Any]:
        if "power" in message:
            self._power(on=bool(message["power"]))
            return {"ok": True}
        child = self.services if message.get("verb") == "kill_services" else self.control
        number = {
            "kill_control": signal.SIGKILL,
            "kill_services": signal.SIGKILL,
            "freeze_control": signal.SIGSTOP,
            "thaw_control": signal.SIGCONT,
        }.get(str(message.get("verb")))
        if self._usb is not None and message.get("verb") in usb_port.VERBS:
            why_not = self._usb(str(message["verb"]))
            refusal = {"ok": False, "kind": "refused", "param": "", "reason": f"impossible now: {why_not}"}
            return refusal if why_not else {"ok": True}
        if number is None:
            return {"ok": False, "kind": "bad", "param": "", "reason": "the supervisor does not know this verb"}
        if not child.signal(number):
            return {"ok": False, "kind": "refused", "param": "", "reason": f"impossible now: {child.name} is down"}
        return {"ok": True}

    def _power(self, *, on: bool) -> None:
        if on == self._powered:
            return
        self._powered = on
        if on:
            self._trial = self._choose()
        now_us = monotonic_us()
        for child in self._station:
            if on:
                child.restart_us = now_us
            elif child.running:
                child.kill()
                self._bury(child, now_us)
        self._say(
            "the supply is back: the station starts"
            if on
            else "the supply is cut: the station and its page are down; 'evse world restore_power' brings it back"
        )
        self._changed()

    # --- the end -------------------------------------------------------------------------------------------------

    def _fail(self, text: str) -> None:
        self._say(text)
        if self._exit_code is None:
            self._exit_code = FAILED

    def _end(self) -> None:
        """Control first, so that contactors open; then services, which store what it still said; the world last."""
        limits = ((self.control, CONTROL_STOP_S), (self.services, SERVICES_STOP_S), (self.world, WORLD_STOP_S))
        for child, limit_s in limits:
            if child is None or not child.running:
                continue
            self._stop(child, limit_s)

    def _stop(self, child: ChildProcess, limit_s: float) -> None:
        if not child.running:
            return
        child.signal(signal.SIGTERM)
        child.signal(signal.SIGCONT)
        # A second interrupt means: now.
        if not child.wait(0.05 if self._stop_asked > 1 else limit_s):
            child.kill()
        self._listen(child, monotonic_us())
        child.reap()
        child.forget_pipes()

    def _say(self, text: str) -> None:
        self._tell(f"evse: {text}")
