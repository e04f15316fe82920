"""What hands do at the station stands in the security log; everything else does not."""

from __future__ import annotations

from evse.app.station.tampering import Tampering
from evse.core.events import CardsErased, DipSwitchesRead, Event, EvStateChanged, FaultRaised, MasterCardTaught
from evse.services.security.events import SecurityKind, SecurityMemory


def noted(*events: Event) -> list[tuple[SecurityKind, str, str]]:
    log = SecurityMemory()
    hands = Tampering(log)
    for event in events:
        hands.see(event)
    return [(each.kind, each.detail, each.uid) for each in log.events]


def test_forced_locks_and_shutters_and_moved_switches_are_noted() -> None:
    assert noted(
        FaultRaised(2, "LockOpenedInCharge", "emergency", False),
        FaultRaised(1, "ShutterOpenedInCharge", "emergency", False),
        DipSwitchesRead(0, "DSW1 00100101", pending=True),
    ) == [
        (SecurityKind.TAMPER, "outlet 2: the lock was opened in a charge", ""),
        (SecurityKind.TAMPER, "outlet 1: the shutter was opened in a charge", ""),
        (SecurityKind.TAMPER, "DIP switches moved to DSW1 00100101, they count from the next start", ""),
    ]


def test_cards_that_are_erased_and_taught_are_noted() -> None:
    assert noted(CardsErased(0), MasterCardTaught(0, "04A1B2C3")) == [
        (SecurityKind.BADGES_CHANGED, "every badge removed by the service button", ""),
        (SecurityKind.BADGES_CHANGED, "taught as master card at the reader", "04A1B2C3"),
    ]


def test_the_life_of_a_station_is_not() -> None:
    assert (
        noted(
            EvStateChanged(1, "A", "B"),
            FaultRaised(1, "OverTemperature", "controlled", False),
            DipSwitchesRead(0, "x", False),
        )
        == []
    )
