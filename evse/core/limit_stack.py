"""The outlet's own limits: rated, derated, domestic socket, cable, simplified vehicle, temporary limit, station's share.

Limits from outside (plant, grid) are plans of their own and join these in the arbiter.
"""

from __future__ import annotations

from evse.core.config import OutletConfig
from evse.core.limits import Limit, constant
from evse.core.proximity import cable_rating_ma
from evse.core.units import THREE_PHASES
from evse.core.values import CableState

SIMPLIFIED_MAXIMUM_MA = 10_000
"""Clause A.2.3: a vehicle without S2 and PWM draws at most 10 A, single-phase."""
AMPERE_MA = 1_000
ZERO_SINGLE_PHASE_A = 7
ZERO_THREE_PHASE_A = 13


def operating_ma(set_ma: int, phases: int) -> int:
    """Return the current that a set point really gives by the EV/ZE Ready rule (EVlink guide DOCA0060).

    Whole amperes; up to 7 A on one phase and up to 13 A on three phases operate as 0. ``phases``: those the vehicle uses.
    """
    amperes = set_ma // AMPERE_MA
    zero = ZERO_THREE_PHASE_A if phases == THREE_PHASES else ZERO_SINGLE_PHASE_A
    return 0 if amperes <= zero else amperes * AMPERE_MA


def outlet_limits(
    config: OutletConfig,
    *,
    cable: CableState | None,
    simplified: bool,
    phases_used: int,
    limited: bool,
    share_ma: int,
    share_note: str = "",
    domestic: bool = False,
) -> list[Limit]:
    """Return the limits in a fixed order.

    ``cable``: what the proximity circuit says, ``None`` without a cable or with an attached one. ``phases_used``: those a
    vehicle was seen to draw from, 0 while unknown: then it counts as many as the outlet has. ``limited``: the temporary
    limit applies. ``share_ma``: what the station leaves this outlet, ``share_note``: who says so. ``domestic``: the outlet's
    domestic socket has it, which has one phase and no cable of its own.
    """
    single = domestic or simplified or phases_used == 1 or config.phases == 1
    limits = [constant("rated", config.rated_current_ma)]
    if config.derated_current_ma < config.rated_current_ma:
        limits.append(constant("derated", _set_point_ma(config, config.derated_current_ma, single=single)))
    if domestic:
        limits.append(constant("domestic socket", config.domestic.maximum_ma))
    if cable is not None:
        limits.append(constant("cable", cable_rating_ma(cable), cable.value))
    if simplified:
        limits.append(constant("simplified mode 3", SIMPLIFIED_MAXIMUM_MA))
    if limited:
        limits.append(constant("temporary limit", _set_point_ma(config, config.temporary_limit_ma, single=single)))
    limits.append(constant("station maximum", share_ma, share_note))
    return limits


def _set_point_ma(config: OutletConfig, set_ma: int, *, single: bool) -> int:
    return operating_ma(set_ma, 1 if single else THREE_PHASES) if config.ze_ready else set_ma
