"""`numberPhases` of charging profiles at an outlet that can switch between one phase and three (OCPP 1.6 edition 2, 7.14).

The ruling profile of the connector says with how many phases to charge; after the last one the switch goes back to three, and
then, as before the first, it is left as it is. Between two switchings control wants a pause: the wish waits for it. Watts become amperes by the phases that are really fed, and by all of
them while the switch moves, so that a limit is never exceeded.
"""

from __future__ import annotations

from typing import Final

from evse.core.commands import SetPhases
from evse.core.units import NEVER, SECOND
from evse.exchange.snapshot import PhaseSwitchView
from evse.links.ocpp.context import Context

ONE: Final = 1
THREE: Final = 3
AGAIN_US: Final = 10 * SECOND
"""An order that does not show is given again after this."""


def switch_of(context: Context, connector: int) -> PhaseSwitchView | None:
    """The outlet's phase switch; ``None`` where there is none, or control does not answer."""
    outlet = context.outlet(connector)
    return None if outlet is None else outlet.phase_switch


def phases_fed(context: Context, connector: int, fitted: int) -> int:
    """With how many phases the outlet charges for certain; ``fitted``: those it has."""
    switch = switch_of(context, connector)
    return fitted if switch is None or switch.changing or switch.phases != ONE else ONE


def phases_due(context: Context, now_us: int) -> int:
    """Order what the profiles want and the switch allows; return when to look again by time alone."""
    if context.view is None or not context.view.restored or not context.settings.external_limits:
        return NEVER
    return min((_due_us(context, now_us, connector) for connector in context.identity.outlets), default=NEVER)


def _due_us(context: Context, now_us: int, connector: int) -> int:
    switch = switch_of(context, connector)
    if switch is None:
        return NEVER
    utc_s = context.utc_s(now_us)
    wanted, until_utc_s = context.profiles.phases(connector, utc_s, context.profile_running(connector, now_us))
    again_us = min(NEVER, now_us + (until_utc_s - utc_s) * SECOND)
    asked = context.marks.phases_asked_us
    if wanted is None and connector in asked:
        if switch.phases == THREE and not switch.changing:
            del asked[connector]
        wanted = THREE
    phases = None if wanted is None else ONE if wanted == ONE else THREE
    if phases in (None, switch.phases) or switch.changing or switch.failed:
        return again_us
    if now_us < switch.allowed_us:
        return min(again_us, switch.allowed_us)
    ask_us = asked.get(connector, -NEVER) + AGAIN_US
    if now_us < ask_us:
        # The Snapshot does not show yet what was ordered, or it was refused.
        return ask_us
    asked[connector] = now_us
    context.command(now_us, SetPhases(context.command_id(), connector, phases=phases))
    return now_us + AGAIN_US
