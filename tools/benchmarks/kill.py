"""``tools/bench kill``: control and services die in every way; when does the contact open, and is anything lost?

Control, while the station charges:

==========  ======================================================================================================
killed      SIGKILL
stopped     SIGSTOP: the process exists and does nothing
hanging     its loop sleeps for ever (as in a blocking call)
spinning    its loop computes for ever, at its own priority, until the kernel's limit for FIFO processes ends it
==========  ======================================================================================================

The time runs from just before the signal to the moment at which the world's contact has physically opened. The front ends here
are dumb: no interlock of their own, only the lease. For *hanging* and *spinning* the bench adds a signal handler to control
through Python's ``sitecustomize``; the program itself is untouched.

Services killed: the time to a page that answers, whether the contact stayed closed, and whether every session has one record.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Final

from evse.control.process import monotonic_us
from tools.benchmarks.figures import Goal, Report, tell
from tools.benchmarks.running import BenchStation, NotSeen, until

OPEN_GOAL_MS: Final = 300.0
BACK_GOAL_S: Final = 5.0
RENEWAL_S: Final = 0.05
PROFILE: Final = """schema: 1
kind: station
name: bench-kill
description: Parking with short pauses between closings, so that it charges again soon
inherits: parking
outlet_defaults:
  timings:
    contactor: {between_closings_s: 1}
outlets:
  - {number: 1, position: right}
  - {number: 2, position: left}
"""
WAYS: Final = {
    "killed": signal.SIGKILL,
    "stopped": signal.SIGSTOP,
    "hanging": signal.SIGUSR1,
    "spinning": signal.SIGUSR2,
}
WEDGES: Final = '''"""Lets the kill bench wedge the process it is loaded into."""

import signal
import time


def _hang(*_):
    while True:
        time.sleep(3600)


def _spin(*_):
    while True:
        pass


signal.signal(signal.SIGUSR1, _hang)
signal.signal(signal.SIGUSR2, _spin)
'''


def measure(times: int) -> Report:
    """Every way ``times`` times. Raises NotSeen."""
    with BenchStation(PROFILE) as station:
        hooks = station.home / "hooks"
        hooks.mkdir()
        (hooks / "sitecustomize.py").write_text(WEDGES, encoding="utf-8")
        station.python_path = (*station.python_path, str(hooks))
        station.launch("--dumb-front-end")
        until("page", station.page_works)
        opened_ms = {way: [_kill_control(station, way, index / times) for index in range(times)] for way in WAYS}
        services = [_kill_services(station) for _ in range(times)]
    made = Report("kill")
    made.lines.append("from the signal to the physically open contact, dumb front ends (lease 250 ms); ms")
    for way, values in opened_ms.items():
        shown = " ".join(f"{value:.0f}" for value in values)
        made.lines.append(f"  control {way:<9} max {max(values):5.0f}   {shown}")
        made.goals.append(Goal(f"control {way}, longest time to open", "ms", OPEN_GOAL_MS, max(values)))
    back_s = [each["back_s"] for each in services]
    made.lines.append(f"  services killed   back after {' '.join(f'{value:.2f}' for value in back_s)} s")
    made.goals += [
        Goal("services back, longest", "s", BACK_GOAL_S, max(back_s)),
        Goal("charges interrupted by it", "times", 0, sum(each["moves"] for each in services)),
        Goal("sessions without exactly one record", "sessions", 0, sum(not each["one_record"] for each in services)),
    ]
    made.data = {"opened_ms": opened_ms, "services": services}
    return made


def _kill_control(station: BenchStation, way: str, phase: float) -> float:
    """Once; ``phase`` from 0 to 1 spreads the moments over the period of renewals."""
    station.charge()
    before = station.pid("control")
    time.sleep(phase * RENEWAL_S)
    at_us = monotonic_us()
    os.kill(before, WAYS[way])
    moves = until("contact opens", lambda: station.contact_moves(at_us), 5)
    if way != "killed" and not _exists(before):
        raise NotSeen(f"control {way}: it has ended instead")
    opened_ms = float(moves[0]["at_us"] - at_us) / 1_000
    tell(f"control {way}: open after {opened_ms:.0f} ms")
    until("a new control", lambda: station.pid("control") not in (0, before))
    until("it speaks", lambda: (station.ask("api/station") or {}).get("restored"))
    return opened_ms


def _exists(pid: int) -> bool:
    """Whether the process is more than a dead entry of the process table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _kill_services(station: BenchStation) -> dict[str, Any]:
    station.charge()
    known = {record["number"] for record in station.records()}
    before, at_us = station.pid("services"), monotonic_us()
    os.kill(before, signal.SIGKILL)
    until("services are back", lambda: station.pid("services") not in (0, before) and station.page_works())
    back_s = (monotonic_us() - at_us) / 1e6
    until("services know the charge", lambda: station.outlet().get("session"))
    moves = len(station.contact_moves(at_us))
    # The end of the session is reported while nobody listens.
    os.kill(station.pid("services"), signal.SIGKILL)
    station.unplug()
    new = until("record", lambda: [each for each in station.records() if each["number"] not in known])
    sessions = [record["session_id"] for record in station.records()]
    tell(f"services killed: back after {back_s:.2f} s")
    one_record = len(new) == 1 and len(set(sessions)) == len(sessions) and new[0]["reason"] != "PowerLoss"
    return {"back_s": back_s, "moves": moves, "one_record": one_record, "energy_wh": new[0]["energy_wh"]}
