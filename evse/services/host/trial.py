"""New addresses on trial: whoever sets a wrong address gets the station back.

A station with new addresses waits for a request that reached it by them from somebody who is logged in. Without one it
takes the old addresses again after ``TRIAL_US``, and so does a station that is started in the middle of a trial, when what
is kept says so. Pure: time is an argument, states are values.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from evse.core.units import MINUTE
from evse.records import dataclass
from evse.services.settings.addresses import Addresses

TRIAL_US: Final = 3 * MINUTE
"""Long enough to change the address of a commissioning PC."""


@dataclass(frozen=True, slots=True)
class AddressState:
    """``confirmed``: the addresses that are known to work. ``tried``: those on trial until ``until_us``, if any.

    ``until_us`` is on the clock of this start of the station.
    """

    confirmed: Addresses
    tried: Addresses | None = None
    until_us: int = 0

    @property
    def in_force(self) -> Addresses:
        """The addresses to use now."""
        return self.tried or self.confirmed


def tried(state: AddressState, addresses: Addresses, now_us: int) -> AddressState:
    """The state after somebody set ``addresses``: a trial, unless they are the confirmed ones."""
    if addresses == state.confirmed:
        return AddressState(state.confirmed)
    return AddressState(state.confirmed, addresses, now_us + TRIAL_US)


def reached(state: AddressState, at: str) -> AddressState:
    """The state after a request of somebody logged in that came to the station's own address ``at``.

    With DHCP any address proves the new ones, unless it is the old fixed one.
    """
    new = state.tried
    if new is None:
        return state
    proves = at in (new.address, new.second) if not new.dhcp else at not in ("", state.confirmed.address)
    return AddressState(new) if proves else state


def later(state: AddressState, now_us: int) -> AddressState:
    """The state at ``now_us``: a trial that nobody confirmed is over."""
    if state.tried is not None and now_us >= state.until_us:
        return AddressState(state.confirmed)
    return state


def state_bytes(state: AddressState) -> bytes:
    """What is kept on the disk: the confirmed addresses, and those on trial."""
    tried_now = None if state.tried is None else asdict(state.tried)
    return json.dumps({"confirmed": asdict(state.confirmed), "tried": tried_now}, sort_keys=True).encode()


def state_of(data: bytes) -> AddressState:
    """What was kept. ``tried``: the addresses of a trial that a start interrupted. Raises ``ValueError`` for what
    ``state_bytes`` did not write.
    """
    try:
        body = json.loads(data)
        before = None if body["tried"] is None else _addresses(body["tried"])
        return AddressState(_addresses(body["confirmed"]), before)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError("the kept addresses are damaged") from error


def at_start(kept: AddressState | None, wanted: Addresses, now_us: int) -> AddressState:
    """The state at a start. ``kept``: ``None`` at the very first; ``wanted``: what the settings say.

    Addresses whose trial was interrupted are not tried again: whoever was locked out switches the station off and on.
    """
    if kept is None or wanted == kept.confirmed:
        return AddressState(wanted)
    if wanted == kept.tried:
        return AddressState(kept.confirmed)
    return tried(AddressState(kept.confirmed), wanted, now_us)


def _addresses(body: dict[str, Any]) -> Addresses:
    return Addresses(**{**body, "dns": tuple(body["dns"])})
