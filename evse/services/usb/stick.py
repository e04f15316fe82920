"""What a station does with a USB stick, from the names on it alone (*THØR/KEBA P30 configuration manual 120501*, 3.4, 6.2.2).

======================================== ============================================================================
on the stick                             what is done, when its switch allows it
======================================== ============================================================================
one ``UPD/*.keb``                        the firmware is updated ("Allow USB update")
``CFG/*_SERIAL.conf`` of this station    its settings are taken ("Allow USB config")
one ``CFG/*.conf`` without serial number the same, where there is none of this station's own
no file of these                         the settings are written to ``CFG/station_SERIAL.conf`` ("Allow USB init")
======================================== ============================================================================

The serial number is what follows the last ``_`` of a name; nothing after it is no serial number, as when somebody has deleted it.
Firmware goes first: the settings wait for the version that knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from evse.records import dataclass
from evse.services.settings.model import Values

CONFIGURATIONS: Final = "CFG"
UPDATES: Final = "UPD"


class Step(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    UPDATE = "update"
    LOAD = "load"
    READ_OUT = "read out"


@dataclass(frozen=True, slots=True)
class Permissions:
    """The three switches of the station; off from the factory."""

    init: bool = False
    config: bool = False
    update: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """``name``: of the file below its directory. ``why``: why nothing is done, or why it is refused, for people."""

    step: Step
    name: str = ""
    why: str = ""
    refused: bool = False


def permissions(values: Values) -> Permissions:
    """The switches in the settings; off on a board that has none."""
    return Permissions(*(values.get(f"usb.allow_{each}") is True for each in ("init", "config", "update")))


def plan(configurations: Sequence[str], updates: Sequence[str], serial: str, allowed: Permissions) -> Plan:
    """What to do with a stick that has these names in ``CFG`` and ``UPD``."""
    packages = [name for name in updates if name.lower().endswith(".keb") and not name.startswith(".")]
    if allowed.update and packages:
        if len(packages) > 1:
            return Plan(Step.NOTHING, why=f"more than one package in {UPDATES}: leave one", refused=True)
        return Plan(Step.UPDATE, packages[0])
    return _with_files(configurations, serial, allowed, bool(packages))


def _with_files(configurations: Sequence[str], serial: str, allowed: Permissions, packages: bool) -> Plan:
    files = {name: _bound_to(name) for name in configurations if name.lower().endswith(".conf") and name[0] != "."}
    chosen = [name for name, owner in files.items() if owner == serial] or [
        name for name, owner in files.items() if not owner
    ]
    if allowed.config and len(chosen) > 1:
        return Plan(Step.NOTHING, why=f"more than one file in {CONFIGURATIONS} is for this station", refused=True)
    if allowed.config and chosen:
        return Plan(Step.LOAD, chosen[0])
    if allowed.init:
        return Plan(Step.READ_OUT, file_name(serial))
    found = (
        ", ".join(filter(None, ("a package" * packages, "a configuration" * bool(files)))) or "nothing for a station"
    )
    return Plan(Step.NOTHING, why=f"there is {found} on it, and the settings of this station allow nothing of it")


def file_name(serial: str) -> str:
    """The name under which a station writes its settings."""
    return f"station_{serial}.conf"


def _bound_to(name: str) -> str:
    stem = name.rpartition(".")[0]
    return stem.rpartition("_")[2] if "_" in stem else ""
