"""Named deviations of boards: what a board does differently, in code and with its reason, never as free text in YAML.

A profile lists quirks by name; a name that is not registered here is refused. The names travel in
``WirePlan.quirks``, so that whatever has to behave differently (driver, simulated mechanics) can look for its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class Quirk:
    """One deviation. ``driven``: whether this version acts on it; if not, the check of a profile says so."""

    name: str
    what: str
    reason: str
    driven: bool


ZE_READY = "ev_ze_ready"
ZE_READY_BALANCED = "ev_ze_ready_with_balancing"
UPDATED_FROM_3_1 = "updated_from_3_1"

_ALL = (
    Quirk(
        name="lock_opens_on_power_loss",
        what="the plug lock withdraws its bolt by itself when the board loses its supply",
        reason=(
            "the board has a storage capacitor or a spring for it, so that nobody is left with a trapped cable; "
            "a board without it keeps the plug until power returns"
        ),
        driven=False,
    ),
    Quirk(
        name=ZE_READY,
        what=(
            "the derated current, the set points of inputs, Modbus limits and shares count in whole amperes; up to 7 A on "
            "one phase and up to 13 A on three phases they operate as 0"
        ),
        reason=(
            "the vendor complies with EV/ZE Ready, which wants no charge rather than one with too little current "
            "(EVlink guide DOCA0060)"
        ),
        driven=True,
    ),
    Quirk(
        name=ZE_READY_BALANCED,
        what="the same as `ev_ze_ready`, but only while load balancing is on",
        reason="the guide says so of City and Parking (EVlink guide DOCA0060)",
        driven=True,
    ),
    Quirk(
        name=UPDATED_FROM_3_1,
        what="from the factory the address is fixed, and that of a second outlet visible",
        reason=(
            "a unit that was delivered with firmware 3.1 or earlier keeps its static address and shows both outlets "
            "(EVlink guide DOCA0060)"
        ),
        driven=True,
    ),
)

QUIRKS: Mapping[str, Quirk] = MappingProxyType({quirk.name: quirk for quirk in _ALL})
"""Every known quirk by its name."""
