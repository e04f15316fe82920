"""Obeying ``SetLimit``: one source's word is taken whole or refused whole."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from evse.core.commands import AT_ONCE, SetLimit
from evse.core.orders import LIMIT_SOURCES, LIMIT_STEPS, OrderKind, StandingOrder
from evse.core.units import NEVER

MOST_MA: Final = 1_000_000
"""No plan may name more than this: a slip in the unit is refused, not obeyed."""


def set_limit(now_us: int, limits: dict[str, StandingOrder], command: SetLimit) -> str:
    """Put the command's limit into ``limits`` (by source), or take it out; return why not, or an empty text."""
    source = command.source
    if not command.active:
        limits.pop(source, None)
        return "" if source else "a limit needs a source"
    problem = _problem(command)
    if problem:
        return problem
    if source not in limits and len(limits) >= LIMIT_SOURCES:
        return f"limits of {LIMIT_SOURCES} sources are in force already: {', '.join(sorted(limits))}"
    starts_us = now_us if command.starts_us == AT_ONCE else command.starts_us
    limits[source] = StandingOrder(
        OrderKind.LIMIT,
        source,
        current_ma=0 if command.plan else command.current_ma,
        fallback_ma=command.fallback_ma,
        until_us=command.valid_until_us,
        plan=command.plan,
        starts_us=starts_us if command.plan else 0,
        on_expiry=command.on_expiry,
    )
    return ""


def _problem(command: SetLimit) -> str:
    """What is wrong with a limit, with what would be right."""
    if not command.source:
        return "a limit needs a source"
    currents = [command.current_ma, command.fallback_ma]
    currents += [each for step in command.plan for each in step.phases_ma or ()]
    if any(not 0 <= current_ma <= MOST_MA for current_ma in currents):
        return f"a limit needs currents of 0 to {MOST_MA} mA"
    if len(command.plan) > LIMIT_STEPS:
        return f"a plan of {len(command.plan)} steps: at most {LIMIT_STEPS} are allowed"
    times = [step.after_us for step in command.plan]
    if any(not 0 <= after_us < NEVER for after_us in times) or any(a >= b for a, b in pairwise(times)):
        return "the steps of a plan come in ascending order, from 0 us after its start on"
    return ""
