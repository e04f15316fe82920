"""A session: one user's permission to use one outlet, from the contract to the unplug procedure.

Session before transaction: authorisation and contract open the session; the transaction opens after plug and
authorisation, before PWM. The session id is boot id plus outlet plus counter, unique over all boots of a station.
"""

from __future__ import annotations

from evse.core.units import NEVER
from evse.records import dataclass

NORMAL_MODE_3 = "Normal_Mode_3"
SIMPLIFIED_MODE_3 = "Simplified_Mode_3"
DOMESTIC = "Domestic"


@dataclass(slots=True)
class Session:
    """Mutable record of the running session, owned by the procedure."""

    session_id: str
    uid: str
    authorised_by: str
    opened_us: int
    card_read_id: int
    register_start_wh: int = -1
    permission_expires_us: int = NEVER
    """A provisional verdict ends here unless a final one has come."""
    priority: bool = False
    """Opened with a VIP badge in cluster mode."""
    durable: bool = False
    transaction_open: bool = False
    was_energised: bool = False
    charge_type: str = NORMAL_MODE_3
    checkpoint_us: int = 0
    checkpoint_wh: int = -1


@dataclass(frozen=True, slots=True)
class PendingAuthorisation:
    """A card read that waits for its verdict. Bound to (card_read_id, epoch): a late answer touches nobody else."""

    card_read_id: int
    epoch: int
    uid: str
    purpose: str
    asked_us: int


@dataclass(frozen=True, slots=True)
class Booking:
    """The outlet is kept for ``uid`` until ``until_us``; ``end_unknown``: it has another end that nobody knows yet."""

    uid: str
    until_us: int
    end_unknown: bool = False
