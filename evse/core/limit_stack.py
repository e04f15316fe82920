"""The outlet's stack of limits, in a fixed order: its own, those from outside, the station's.

========================= =============================================================================================
limit                     what it is
========================= =============================================================================================
rated                     the outlet's rated current
derated                   `Derated charging current`; operating-value rule
domestic socket, cable    what the socket or the coded cable stands
simplified mode 3         10 A for a vehicle without S2 and PWM (clause A.2.3)
temporary limit           set point while the input of a Smart Wallbox acts; operating-value rule
load shedding             set point while In-1 of City or Parking acts; operating-value rule
temperature               part of the rated current while the front end is hot
DIP switches              the board's own limit (THØR)
any source                limits from outside for this outlet (:mod:`evse.core.limit_orders`)
station maximum           what all outlets together may have
any source                limits from outside for the station, note `station`
balancing share           this outlet's part; operating-value rule. The note says whose limit is shared, or why it is 0
========================= =============================================================================================
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from evse.core.config import OutletConfig
from evse.core.duty import MINIMUM_OFFER_MA
from evse.core.limits import Arbitration, Limit, arbitrate, constant
from evse.core.orders import StandingOrder, limit_of
from evse.core.proximity import cable_rating_ma
from evse.core.units import THREE_PHASES, PhaseValues
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


class StationPart(NamedTuple):
    """What the station says to one outlet: the limits of all together, and this outlet's share where it is divided."""

    limits: tuple[Limit, ...]
    share_ma: int | None = None
    share_note: str = ""


class StackFacts(NamedTuple):
    """What the stack depends on.

    ``cable``: what the proximity circuit says, ``None`` without a cable or with an attached one. ``domestic``: the outlet's
    domestic socket has it, which has one phase and no cable of its own. ``phases_used``: those that the vehicle was seen to
    draw from since it was plugged in, 0 while unknown. ``limited``, ``shedding``: those inputs act. ``hot``: derated by
    temperature. ``panel``: the board's own limits.
    """

    cable: CableState | None
    simplified: bool
    domestic: bool
    phases_used: int
    limited: bool
    shedding: bool
    hot: bool
    panel: tuple[Limit, ...]
    orders: tuple[StandingOrder, ...]
    station: StationPart


class LimitStack:
    """Finds the ruling limit of one outlet; works it out anew only when something has changed."""

    def __init__(self, config: OutletConfig, now_us: int) -> None:
        self._config = config
        self._facts: StackFacts | None = None
        self.arbitration: Arbitration = arbitrate(now_us, (constant("rated", config.rated_current_ma),), config.wired)
        self.own_ma = config.rated_current_ma
        """The lowest of all limits but the station's."""
        self.least_ma = MINIMUM_OFFER_MA
        """Below this nothing is offered."""
        self.least_share_ma = MINIMUM_OFFER_MA
        """Below this a share of the station operates as 0."""

    def configure(self, config: OutletConfig) -> None:
        """Work by another configuration of the same board."""
        self._config, self._facts = config, None

    def update(self, now_us: int, facts: StackFacts) -> int:
        """Take the facts of this moment; return when the result may change by time alone."""
        if facts != self._facts or now_us >= self.arbitration.next_change_us:
            self._facts = facts
            phases = _phases_counted(self._config, facts)
            own = _own_limits(self._config, facts, phases)
            arbitration = arbitrate(now_us, own, self._config.wired)
            self.own_ma = arbitration.current_ma
            self.least_ma = self._config.domestic.maximum_ma if facts.domestic else MINIMUM_OFFER_MA
            self.least_share_ma = max(self.least_ma, _least_operating_ma(phases) if self._config.ze_ready else 0)
            station = _station_limits(self._config, facts.station, phases)
            self.arbitration = arbitrate(now_us, own + station, self._config.wired)
        return self.arbitration.next_change_us


def _phases_counted(config: OutletConfig, facts: StackFacts) -> int:
    """Phases for the operating-value rule: a single-phase vehicle or cable at three phases counts as single-phase.

    Before the vehicle has drawn, the wiring of the outlet and the socket or cable count; afterwards what was detected.
    """
    single = facts.domestic or facts.simplified or len(config.wired) == 1 or facts.phases_used == 1
    return 1 if single else THREE_PHASES


def _least_operating_ma(phases: int) -> int:
    """The lowest set point that does not operate as 0."""
    return ((ZERO_THREE_PHASE_A if phases == THREE_PHASES else ZERO_SINGLE_PHASE_A) + 1) * AMPERE_MA


def _own_limits(config: OutletConfig, facts: StackFacts, phases: int) -> list[Limit]:
    rule = phases if config.ze_ready else 0
    limits = [constant("rated", config.rated_current_ma)]
    if config.derated_current_ma < config.rated_current_ma:
        limits.append(_operating(constant("derated", config.derated_current_ma), rule))
    if facts.domestic:
        limits.append(constant("domestic socket", config.domestic.maximum_ma))
    if facts.cable is not None:
        limits.append(constant("cable", cable_rating_ma(facts.cable), facts.cable.value))
    if facts.simplified:
        limits.append(constant("simplified mode 3", SIMPLIFIED_MAXIMUM_MA))
    if facts.limited:
        limits.append(_operating(constant("temporary limit", config.temporary_limit_ma), rule))
    if facts.shedding:
        limits.append(_operating(constant("load shedding", config.shedding_ma), rule))
    if facts.hot:
        percent = config.protection.temperature_derate_percent
        limits.append(constant("temperature", config.rated_current_ma * percent // 100))
    limits.extend(facts.panel)
    for order in facts.orders:
        limits.append(_operating(limit_of(order), rule if order.source in config.ze_sources else 0))
    return limits


def _station_limits(config: OutletConfig, station: StationPart, phases: int) -> list[Limit]:
    limits = list(station.limits)
    if station.share_ma is not None:
        share = constant("balancing share", station.share_ma, station.share_note)
        limits.append(_operating(share, phases if config.ze_ready else 0))
    return limits


@lru_cache(maxsize=256)
def _operating(limit: Limit, phases: int) -> Limit:
    """The limit by the operating-value rule for so many phases; 0: as it is."""
    if not phases:
        return limit
    plan = tuple(
        step if step.phases_ma is None else replace(step, phases_ma=_operating_values(step.phases_ma, phases))
        for step in limit.plan
    )
    return replace(limit, plan=plan, fallback_ma=_operating_values(limit.fallback_ma, phases))


def _operating_values(values: PhaseValues, phases: int) -> PhaseValues:
    first, second, third = (operating_ma(each, phases) for each in values)
    return first, second, third
