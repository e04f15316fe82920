"""What the station is built of, as the web interface draws it."""

from __future__ import annotations

from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class BoardOutlet:
    """One outlet as it is built. ``position``: its place seen from the front, ``left``, ``right`` or empty."""

    number: int
    socket: str = "T2"
    position: str = ""
    phases: int = 3
    rated_current_a: float = 32
    lock: bool = True
    shutter: bool = False
    reader: bool = True
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DipBank:
    """A bank of DIP switches; ``functions``: what each means where that is known, from switch 1 on."""

    name: str
    switches: int
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardView:
    """What the station is built of; fixed while it runs. ``devices``: names of what exists once (``buzzer``, ``display``…)."""

    family: str = "other"
    description: str = ""
    devices: tuple[str, ...] = ()
    dip_banks: tuple[DipBank, ...] = ()
    outlets: tuple[BoardOutlet, ...] = ()
