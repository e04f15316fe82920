"""Where a City outlet's shutter belongs, as a function of the procedure's status and a few facts.

Authorisation opens it, the user plugs, it closes over the locked plug before current flows. After the charge it opens
when the bolt is withdrawn, the cable comes out, it closes. With free access it stays open while the outlet is idle and in
service. A plug that is in the socket without a session is never trapped. In maintenance it is open for work.
"""

from __future__ import annotations

from typing import NamedTuple

from evse.core.outlet_status import OutletStatus
from evse.core.shutter import ShutterGoal

_IDLE = (OutletStatus.INIT_DONE, OutletStatus.UNAVAILABLE, OutletStatus.UNPLUG_DONE)
_SERVING = (
    OutletStatus.PLUG_DONE,
    OutletStatus.CHARGE_LOOP_STARTED,
    OutletStatus.CHARGE_LOOP_ENDED,
)


class ShutterFacts(NamedTuple):
    """What the shutter's place depends on besides the status."""

    plugged: bool
    bolt_home: bool
    """The bolt is locked, or there is none."""
    bolt_withdrawn: bool
    """The bolt is unlocked, or there is none."""
    released: bool
    """Anybody may plug in: free access, outlet in service."""


def shutter_goal(status: OutletStatus, present: ShutterGoal, facts: ShutterFacts) -> ShutterGoal:
    """Return where the shutter belongs; ``present`` is its goal so far and stays where nothing asks for another."""
    resting = ShutterGoal.OPEN if facts.plugged or facts.released else ShutterGoal.CLOSED
    if status in _IDLE:
        return resting
    if status in _SERVING:
        return ShutterGoal.CLOSED
    if status is OutletStatus.PLUG_STARTED:
        return ShutterGoal.CLOSED if facts.plugged and facts.bolt_home else ShutterGoal.OPEN
    if status is OutletStatus.UNPLUG_STARTED:
        return present if facts.plugged and not facts.bolt_withdrawn else resting
    return ShutterGoal.OPEN if status is OutletStatus.MAINTENANCE_CITY else present
