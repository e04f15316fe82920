"""The fault cases: ``fault_cases.yaml`` as checked values. What is done to the world, what must follow, how it ends.

Keys of a case, all but the first four with a default
    ``domestic``: it happens at the domestic socket of outlet 1, with an appliance of 9 A instead of a vehicle.
    ``id``; ``what``: the cause for people; ``fault``: its name, empty for a reaction that is no fault; ``cause``: verbs
    at which the clock starts. ``profile``, ``scene`` (how far outlet 1 is), ``vehicle`` (its settings), ``before`` (verbs
    a second apart before the clock), ``heal`` (default: every verb of ``before`` and ``cause`` that can be healed).
    ``contact``: what becomes of it; ``limit``: from the cause to the open contact where it opens, else to the fault being
    told, a name of ``LIMITS`` or a time. ``pilot``, ``light``: on the line and shown 12 s later, the cause still there;
    ``shows_f``: state F is on the line for at least 300 ms; ``error``: first `OutletStatusLastError`, by default
    `KO_UnplugProcedureError` where the fault ends the session: the guide's "other events"; ``also``: other
    faults raised by the same cause, ``over``: those of them that have ended by then. ``lasts``: the fault is in force as long as its cause. ``ends``: what ends it (heal,
    unplug, service; default: its latch). ``resumes``: the charge goes on by itself after healing. ``record``: the
    record's reason; default the fault, or ``Local`` where the charge goes on to its end.

An error case names the `KO_` (``error``), its class, ``what``, ``scene``, ``before``, ``cause``, ``limit`` as above, and
the ``status`` and ``record`` that follow.

A verb is its name, or its name with parameters; outlet 1 is added. ``badge`` and ``plug`` are the user's own,
``set_phases`` is an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from evse.app.virtual.scenario_library import ALL_VERBS
from hal.units import MS, SECOND

DATA: Final = Path(__file__).with_suffix(".yaml")
Params = Mapping[str, bool | int | float | str]
Deed = tuple[str, Params]
"""A verb and its parameters."""


class Scene(Enum):
    """How far outlet 1 is when the case begins."""

    IDLE = "idle"
    BOOKED = "idle, booked for another badge"
    PLUGGED = "plugged in, no badge yet"
    AUTHORISED = "badge accepted, not plugged in"
    CHARGING = "charging, 3 x 32 A"


class Ends(StrEnum):
    """What ends a fault."""

    HEAL = "heal"
    UNPLUG = "unplug"
    SERVICE = "service"


class Contact(StrEnum):
    """What becomes of the contact."""

    OPENS = "opens"
    NEVER_CLOSES = "does not close"
    STAYS_OPEN = "stays open"
    STAYS_CLOSED = "stays closed"


LIMITS: Final[Mapping[str, tuple[int, str]]] = {
    "vehicle": (100 * MS, "IEC 61851-1 Table A.6, sequences 2.2 and 8.1"),
    "emergency": (150 * MS, "100 ms to the order, 50 ms drop-out"),
    "lease": (300 * MS, "lease of 250 ms, drop-out"),
    "forced": (7 * SECOND, "Table A.6 sequence 10.2: 6 s for the vehicle, opened by 7 s"),
    "told": (1 * SECOND, "ours: told within 1 s"),
}
BADGE: Final[Deed] = ("present_card", {"outlet": 1, "uid": "04A1B2C3", "hold": 1})
PLUG: Final[Deed] = ("plug_in", {"outlet": 1})
PLUG_DOMESTIC: Final[Deed] = ("plug_in_domestic", {"outlet": 1, "current": 9})
WAIT: Final = "wait"
"""Not a verb: let ``s`` seconds pass."""
_SHORT: Final = {"badge": BADGE, "plug": PLUG}
SET_PHASES: Final = "set_phases"
"""Not a verb: order ``to`` phases."""
_VERBS: Final = {
    WAIT: {"s"},
    SET_PHASES: {"to"},
    **{verb.name: {param.name for param in verb.params} for verb in ALL_VERBS},
}


@dataclass(frozen=True, slots=True)
class FaultRow:
    """What is expected of a fault wherever it comes from."""

    bit: int
    reaction: str
    latch: str


@dataclass(frozen=True, slots=True)
class FaultCase:
    """One cause; see the module's text."""

    id: str
    what: str
    fault: str
    cause: tuple[Deed, ...]
    profile: str = "parking"
    scene: Scene = Scene.CHARGING
    vehicle: Params = field(default_factory=dict)
    domestic: bool = False
    before: tuple[Deed, ...] = ()
    heal: tuple[Deed, ...] = ()
    contact: Contact = Contact.OPENS
    limit_us: int = LIMITS["emergency"][0]
    pilot: str = "X1"
    shows_f: bool = True
    light: str = "red"
    error: str = ""
    also: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    lasts: bool = True
    ends: Ends = Ends.HEAL
    resumes: bool = False
    record: str = ""


@dataclass(frozen=True, slots=True)
class ErrorCase:
    """One `OutletStatusLastError` from a cause."""

    id: str
    error: str
    error_class: str
    what: str
    cause: tuple[Deed, ...]
    profile: str = "parking"
    scene: Scene = Scene.PLUGGED
    vehicle: Params = field(default_factory=dict)
    before: tuple[Deed, ...] = ()
    after_us: int = 0
    """Not earlier than this."""
    limit_us: int = LIMITS["told"][0]
    record: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """The whole file."""

    faults: Mapping[str, FaultRow]
    not_yet: Mapping[str, str]
    cases: tuple[FaultCase, ...]
    errors: tuple[ErrorCase, ...]


@cache
def load(path: Path = DATA) -> Book:
    """Read and check the file, once for a process: the walks of each profile ask for it.

    Raises ValueError, with the case's id, for anything that does not fit.
    """
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = {name: FaultRow(**row) for name, row in data["faults"].items()}
    cases = tuple(_placed(entry, lambda entry: _fault_case(entry, rows)) for entry in data["cases"])
    errors = tuple(_placed(entry, _error_case) for entry in data["errors"])
    names = [case.id for case in (*cases, *errors)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path.name}: {', '.join(twice)} is there more than once")
    return Book(rows, data["not_yet"], cases, errors)


def _placed(entry: dict[str, Any], make: Any) -> Any:
    try:
        return make(dict(entry))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{DATA.name}: {entry.get('id', entry)}: {error}") from error


def _fault_case(entry: dict[str, Any], rows: Mapping[str, FaultRow]) -> FaultCase:
    name = entry["fault"]
    before, cause = _deeds(entry.pop("before", ())), _deeds(entry.pop("cause"))
    heal = entry.pop("heal", None)
    latch = rows[name].latch if name else "self"
    entry.setdefault("ends", "heal" if latch == "self" else latch)
    begun = entry.get("contact") != Contact.STAYS_OPEN
    entry.setdefault("record", "Local" if entry.get("resumes") else f"Fault {name}" if begun else "")
    entry.setdefault("error", "KO_UnplugProcedureError" if entry["record"].startswith("Fault ") else "")
    if entry.get("domestic"):
        entry.setdefault("shows_f", False)
    limit_us = _limit(entry.pop("limit", "emergency"))
    return FaultCase(
        **{
            **entry,
            "before": before,
            "cause": cause,
            "heal": _healing((*before, *cause)) if heal is None else _deeds(heal),
            "limit_us": limit_us,
            "scene": Scene[str(entry.get("scene", "charging")).upper()],
            "contact": Contact(entry.get("contact", "opens")),
            "ends": Ends(entry["ends"]),
            "also": tuple(sorted(entry.get("also", ()))),
            "over": tuple(entry.get("over", ())),
        }
    )


def _error_case(entry: dict[str, Any]) -> ErrorCase:
    entry["error_class"] = entry.pop("class")
    entry["after_us"] = _time_us(entry.pop("after", "0 s"))
    entry["limit_us"] = _limit(entry.pop("limit", "told"))
    return ErrorCase(
        **{
            **entry,
            "before": _deeds(entry.pop("before", ())),
            "cause": _deeds(entry.pop("cause")),
            "scene": Scene[str(entry.get("scene", "plugged")).upper()],
        }
    )


def _limit(text: str) -> int:
    return LIMITS[text][0] if text in LIMITS else _time_us(text)


def _time_us(text: str) -> int:
    number, unit = text.split()
    return int(number) * {"ms": MS, "s": SECOND}[unit]


def _deeds(entries: Sequence[str | dict[str, dict[str, Any]]]) -> tuple[Deed, ...]:
    return tuple(_deed(entry) for entry in entries)


def _deed(entry: str | dict[str, dict[str, Any]]) -> Deed:
    if isinstance(entry, str) and entry in _SHORT:
        return _SHORT[entry]
    [(name, params)] = [(entry, {})] if isinstance(entry, str) else entry.items()
    if name not in _VERBS:
        raise ValueError(f"there is no verb {name!r}")
    return name, ({"outlet": 1, **params} if "outlet" in _VERBS[name] else dict(params))


def _healing(deeds: Sequence[Deed]) -> tuple[Deed, ...]:
    return tuple(_deed({name: {"heal": True}}) for name, _ in deeds if "heal" in _VERBS[name])
