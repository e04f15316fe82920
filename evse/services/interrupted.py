"""Charges that lost their supply: what control is told of them when it comes back (:mod:`evse.core.power_return`)."""

from __future__ import annotations

import hashlib

from evse.core.config import StationConfig
from evse.core.power_return import Interrupted, part_of_delay
from evse.services.journal import OpenSession


def interrupted_sessions(
    config: StationConfig, boot_id: str, sessions: tuple[OpenSession, ...]
) -> dict[int, Interrupted]:
    """By outlet, what the open ``sessions`` of boots before ``boot_id`` mean by the settings of ``config``.

    A session that never came to a transaction is over: nothing had been offered yet. The draw of the delay is made of the
    station, the boot and the outlet: another one at each return and at each station, and the same when it is told again.
    """
    found = {}
    for session in sessions:
        if session.opened.boot_id == boot_id or not session.in_transaction:
            continue
        seed = f"{config.station_uid}/{boot_id}/{session.outlet}"
        draw = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4])
        found[session.outlet] = Interrupted(
            uid=session.uid,
            authorised_by=session.authorised_by,
            continues=config.continue_after_power_failure,
            delay_us=part_of_delay(config.restart_delay_us, draw),
        )
    return found
