"""Configuration keys that control has to know of, and is told after each of its starts.

`StopTransactionOnEVSideDisconnect` false keeps the session when the vehicle is unplugged; else
`UnlockConnectorOnEVSideDisconnect` false keeps the cable locked in. `ConnectionTimeOut` is how long somebody who is authorised
has to plug in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evse.core.commands import Command, PlugWithin, WhenVehicleLeaves
from evse.core.units import SECOND
from evse.links.ocpp.context import Context, Outcome
from evse.links.ocpp.link import LinkState
from evse.links.ocpp.remembered import Rules

_AGAIN_US: Final = 10 * SECOND
"""An order that was not obeyed is given again after this."""


FROM_THE_START: Final = Rules()


def rules_due(context: Context, now_us: int) -> None:
    """Tell control what it does not know yet."""
    if context.view is None:
        return
    wanted = FROM_THE_START if context.link.state is LinkState.OFF else _by_keys(context)
    for connector in context.identity.outlets:
        told = context.marks.told_rules.get(connector, FROM_THE_START)
        if told == wanted:
            continue
        context.marks.told_rules[connector] = wanted
        for order in _orders(context, connector, told, wanted):
            context.command(now_us, order, _Watch(context, connector))


def _by_keys(context: Context) -> Rules:
    keys = context.keys
    seconds = keys.integer("ConnectionTimeOut")
    return Rules(
        keys.flag("StopTransactionOnEVSideDisconnect"),
        keys.flag("UnlockConnectorOnEVSideDisconnect"),
        0 if seconds == context.settings.connection_timeout_s else seconds,
    )


def _orders(context: Context, connector: int, told: Rules, wanted: Rules) -> Iterator[Command]:
    if told[:2] != wanted[:2]:
        ends, releases, _ = wanted
        yield WhenVehicleLeaves(context.command_id(), connector, ends_session=ends, releases_cable=releases)
    if told.plug_within_s != wanted.plug_within_s:
        yield PlugWithin(context.command_id(), connector, timeout_s=wanted.plug_within_s)


class _Watch:
    """Forgets what was told when control has not obeyed: what it has then is what it begins with."""

    def __init__(self, context: Context, connector: int) -> None:
        self._context, self._connector = context, connector

    def __call__(self, now_us: int, outcome: Outcome) -> None:
        if not outcome.done:
            self._context.at(now_us + _AGAIN_US, self._forget)

    def _forget(self, _now_us: int) -> None:
        self._context.marks.told_rules.pop(self._connector, None)
