"""The fault catalogue and the book of faults in force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.faults import BY_NAME, CATALOGUE, NO_BIT, UNKNOWN_BIT, FaultBook, Latch, Reaction, fault_kind

NAMES = [kind.name for kind in CATALOGUE]
SAFETY_TABLE = {
    "ContactorWelded": (Reaction.EMERGENCY, Latch.SERVICE),
    "ContactorFailedToClose": (Reaction.EMERGENCY, Latch.UNPLUG),
    "DiodeFault": (Reaction.EMERGENCY, Latch.UNPLUG),
    "PilotShort": (Reaction.EMERGENCY, Latch.SELF),
    "PilotInvalid": (Reaction.EMERGENCY, Latch.SELF),
    "PilotGeneratorStuck": (Reaction.EMERGENCY, Latch.SELF),
    "FrontEndLost": (Reaction.EMERGENCY, Latch.SELF),
    "ProximityFault": (Reaction.EMERGENCY, Latch.UNPLUG),
    "ResidualCurrentAC": (Reaction.EMERGENCY, Latch.UNPLUG),
    "ResidualCurrentDC": (Reaction.EMERGENCY, Latch.UNPLUG),
    "ResidualSelfTestFailed": (Reaction.EMERGENCY, Latch.UNPLUG),
    "OverCurrentSoft": (Reaction.EMERGENCY, Latch.UNPLUG),
    "OverCurrentHard": (Reaction.EMERGENCY, Latch.UNPLUG),
    "OverTemperature": (Reaction.CONTROLLED, Latch.SELF),
    "LockFailedToLock": (Reaction.CONTROLLED, Latch.UNPLUG),
    "LockOpenedInCharge": (Reaction.EMERGENCY, Latch.UNPLUG),
    "SupplyLost": (Reaction.EMERGENCY, Latch.SELF),
    "BrownOut": (Reaction.EMERGENCY, Latch.SELF),
}


@pytest.mark.req("OUT-08")
def test_every_fault_has_its_own_name_and_bit() -> None:
    with_bit = [kind for kind in CATALOGUE if kind.bit != NO_BIT]
    assert len({kind.name for kind in CATALOGUE}) == len(CATALOGUE)
    assert len({kind.bit for kind in with_bit}) == len(with_bit)
    assert UNKNOWN_BIT not in {kind.bit for kind in with_bit}
    assert all(0 <= kind.bit < 32 for kind in with_bit)
    assert all(kind.meaning for kind in CATALOGUE)
    assert {kind.reaction for kind in CATALOGUE if kind.bit == NO_BIT} == {Reaction.NOTICE}


@pytest.mark.req("OUT-08")
def test_bit_eleven_is_the_energy_meter() -> None:
    assert [kind.name for kind in CATALOGUE if kind.bit == 11] == ["DI PowerMeter Comm"]


@pytest.mark.req("PIL-04", "OUT-05")
@pytest.mark.parametrize("name", SAFETY_TABLE)
def test_reaction_and_latch_of_the_safety_table(name: str) -> None:
    kind = BY_NAME[name]
    assert (kind.reaction, kind.latch) == SAFETY_TABLE[name]


def test_a_fault_that_needs_the_vehicle_gone_also_ends_the_session() -> None:
    """Otherwise the session would hang until somebody pulls the plug of a cable that is locked."""
    stopping = [kind for kind in CATALOGUE if kind.reaction is not Reaction.NOTICE]
    assert not [kind.name for kind in stopping if kind.latch is not Latch.SELF and not kind.ends_session]


@pytest.mark.req("OUT-05")
def test_an_unknown_fault_is_an_emergency_for_service() -> None:
    kind = fault_kind("Martians")
    assert (kind.reaction, kind.latch, kind.ends_session, kind.bit) == (
        Reaction.EMERGENCY,
        Latch.SERVICE,
        True,
        UNKNOWN_BIT,
    )


@pytest.mark.parametrize("name", [*NAMES, "Martians"])
def test_latch_rules(name: str) -> None:
    kind, book = fault_kind(name), FaultBook()
    assert [(c.kind, c.raised) for c in book.update(1, [name], vehicle_gone=False)] == [(kind, True)]
    assert book.update(2, [name], vehicle_gone=True) == ()
    ends_alone = bool(book.update(3, [], vehicle_gone=False))
    assert ends_alone is (kind.latch is Latch.SELF)
    ends_with_vehicle = ends_alone or bool(book.update(4, [], vehicle_gone=True))
    assert ends_with_vehicle is (kind.latch is not Latch.SERVICE)
    if kind.latch is Latch.SERVICE:
        assert book.clear_by_service(name)
        assert book.update(5, [name], vehicle_gone=True) == (), "not while its cause is there"
        assert [c.raised for c in book.update(6, [], vehicle_gone=False)] == [False]
    assert book.active == ()
    assert book.error_status == 0


def test_service_cannot_clear_what_is_not_there_in_advance() -> None:
    book = FaultBook()
    assert not book.clear_by_service("ContactorWelded")
    book.update(1, ["ContactorWelded"], vehicle_gone=False)
    assert book.update(2, [], vehicle_gone=True) == ()


def test_clearing_counts_once() -> None:
    book = FaultBook()
    book.update(1, ["ContactorWelded"], vehicle_gone=False)
    book.clear_by_service("ContactorWelded")
    book.update(2, [], vehicle_gone=False)
    book.update(3, ["ContactorWelded"], vehicle_gone=False)
    assert book.update(4, [], vehicle_gone=True) == ()


@pytest.mark.req("OUT-08")
@given(st.lists(st.sampled_from(NAMES), unique=True))
def test_error_status_has_exactly_the_bits_in_force(names: list[str]) -> None:
    book = FaultBook()
    book.update(1, names, vehicle_gone=False)
    assert book.error_status == sum(1 << BY_NAME[name].bit for name in names if BY_NAME[name].bit != NO_BIT)
    assert book.emergency is any(BY_NAME[name].reaction is Reaction.EMERGENCY for name in names)
    assert [fault.kind.name for fault in book.blocking] == [
        name for name in names if BY_NAME[name].reaction is not Reaction.NOTICE
    ]


def test_only_faults_that_stop_make_the_next_offer_wait() -> None:
    book = FaultBook()
    book.update(1, ["CardReaderLost", "OverTemperature"], vehicle_gone=False)
    book.update(2, ["OverTemperature"], vehicle_gone=False)
    assert book.last_stop_cleared_us is None
    book.update(3, [], vehicle_gone=False)
    assert book.last_stop_cleared_us == 3


@pytest.mark.req("OUT-05")
def test_latched_faults_of_an_earlier_boot_are_in_force_again() -> None:
    book = FaultBook()
    book.restore(5, ["ContactorWelded", "Martians"])
    assert [fault.kind.name for fault in book.active] == ["ContactorWelded", "Martians"]
    assert book.update(6, [], vehicle_gone=True) == ()
    assert book.emergency


@pytest.mark.parametrize("name", NAMES)
def test_without_readings_no_fault_ends_and_others_may_begin(name: str) -> None:
    book = FaultBook()
    book.update(0, [name], vehicle_gone=False)
    book.clear_by_service(name)
    assert book.update(1, [], vehicle_gone=True, blind=True) == ()
    assert [fault.raised_us for fault in book.active] == [0]
    assert [change.raised for change in book.update(2, [], vehicle_gone=True)] == [False]
