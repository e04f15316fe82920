"""Which running station a command is for, and how a command says that it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evse.app.processes.paths import PathError, RunningStation, read_status, running_stations, runtime_base

OK: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
NOT_RUNNING: Final = 3


class Complaint(Exception):
    """A command cannot be carried out: the text for people, the exit code for programs."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def find_station(wish: str) -> RunningStation:
    """The station that ``wish`` means: its uid, its page's port, its runtime directory, or empty for the only one.

    Raises ``Complaint``.
    """
    if wish and Path(wish).is_dir():
        status = read_status(Path(wish))
        if status is None:
            raise Complaint(f"{wish}: no station runs here", NOT_RUNNING)
        return RunningStation(Path(wish), status)
    try:
        found = running_stations(runtime_base())
    except PathError as error:
        raise Complaint(str(error), NOT_RUNNING) from error
    if wish:
        found = [each for each in found if wish in (str(each.status.get("uid")), _port_of(each))]
    if len(found) == 1:
        return found[0]
    if not found:
        which = f"station {wish!r}" if wish else "station"
        raise Complaint(f"no {which} is running; start one with: evse run --profile parking", NOT_RUNNING)
    names = ", ".join(f"{each.status.get('uid')} (port {_port_of(each)})" for each in found)
    raise Complaint(f"several stations are running, choose with --station: {names}", BAD_INPUT)


def _port_of(station: RunningStation) -> str:
    return str(station.status.get("url", "")).rstrip("/").rpartition(":")[2]
