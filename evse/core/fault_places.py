"""Where a fault is, as far as the feedback knows: which contact, what proves it, which phases.

A contactor has one mirror contact for all its poles, so a welded one is named by its contact; current that flows through it
names the poles besides. The outlet's meter sits in front of both sockets.
"""

from __future__ import annotations

from typing import Final

from evse.core.config import OutletConfig
from evse.core.contactor import ContactorMonitor
from evse.core.values import OutletInputs

CONTACTOR: Final = "contactor"
DOMESTIC_CONTACTOR: Final = "domestic contactor"
MIRROR_CONTACT: Final = "mirror contact"
"""It says so; without it only the current does."""
PHASES: Final = ("L1", "L2", "L3")
PLACES: Final = (CONTACTOR, DOMESTIC_CONTACTOR, MIRROR_CONTACT, *PHASES)
"""Every name that ``places`` can give."""


def places(
    fault: str,
    config: OutletConfig,
    inputs: OutletInputs,
    mode3: ContactorMonitor,
    domestic: ContactorMonitor,
    over_ma: int,
) -> tuple[str, ...]:
    """Return where ``fault`` is, empty when nothing tells; ``over_ma``: current above it is the over-current."""
    match fault:
        case "ContactorWelded":
            contacts = _contacts(mode3.welded, domestic.welded)
            told = (mode3.welded and inputs.contactor_closed) or (domestic.welded and inputs.domestic_closed)
            return (*contacts, *((MIRROR_CONTACT,) if told else ()), *_above(inputs, config.protection.no_load_ma))
        case "ContactorFailedToClose":
            return _contacts(mode3.failed_to_close, domestic.failed_to_close)
        case "OverCurrentSoft" | "OverCurrentHard":
            return _above(inputs, over_ma)
        case "SupplyLost":
            wired = tuple(zip(PHASES, inputs.voltages_mv, strict=True))[: len(config.wired)]
            return tuple(name for name, voltage_mv in wired if voltage_mv < config.protection.voltage_minimum_mv)
        case _:
            return ()


def _contacts(mode3: bool, domestic: bool) -> tuple[str, ...]:
    concerned = ((CONTACTOR, mode3), (DOMESTIC_CONTACTOR, domestic))
    return tuple(name for name, is_concerned in concerned if is_concerned)


def _above(inputs: OutletInputs, limit_ma: int) -> tuple[str, ...]:
    return tuple(name for name, current_ma in zip(PHASES, inputs.currents_ma, strict=True) if current_ma > limit_ma)
