"""The station: commands, two outlets, and the current they share."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.core.commands import (
    Authorise,
    Book,
    ClearFault,
    Command,
    ConfirmRecord,
    Maintain,
    RestoreState,
    SetLimit,
    StartSession,
    StopSession,
    Suspend,
    Verdict,
)
from evse.core.config import Access
from evse.core.events import CommandDone, ConfigurationActive, SessionOpened
from evse.core.outlet_status import OutletStatus
from evse.core.station import REMEMBERED_COMMANDS
from evse.core.units import SECOND
from tests.fakes.core_bench import UID, CoreBench, station_config


def bench(outlets: int = 2, **changes: Any) -> CoreBench:
    return CoreBench(station_config(outlets, **changes)).run(12)


def answers(b: CoreBench, command_id: str) -> list[tuple[str, str]]:
    return [(e.outcome, e.reason) for e in b.events(CommandDone) if e.command_id == command_id]


def test_the_configuration_is_announced_once() -> None:
    b = bench(version=7, digest="abc").run(60)
    assert [(e.outlet, e.version, e.digest) for e in b.events(ConfigurationActive)] == [(0, 7, "abc")]


def test_the_same_id_twice_acts_once_and_is_answered_twice() -> None:
    b = bench()
    b.post(StartSession("same", 1, uid=UID))
    b.run(1)
    b.post(StopSession("stop", 1))
    b.run(10)
    b.post(StartSession("same", 1, uid=UID))
    b.run(1)
    assert answers(b, "same") == [("done", ""), ("done", "")]
    assert len(b.events(SessionOpened)) == 1


def test_ids_are_forgotten_only_after_many_others() -> None:
    b = bench()
    b.post(Suspend("first", 1))
    for number in range(REMEMBERED_COMMANDS - 1):
        b.post(Suspend(f"n{number}", 1, active=False))
    b.run(1)
    b.post(Suspend("first", 1))
    b.run(1)
    assert not b.outlet().procedure.availability.suspended
    assert answers(b, "first") == [("done", "")] * 2


def test_a_command_that_comes_too_late_does_nothing() -> None:
    b = bench()
    b.post(Suspend("late", 1, expires_us=b.now_us))
    b.post(Suspend("just", 2, expires_us=b.now_us + 1))
    b.run(1)
    assert answers(b, "late")[0][0] == "expired"
    assert answers(b, "just")[0][0] == "done"
    assert [o.procedure.availability.suspended for o in b.core.outlets] == [False, True]


@pytest.mark.parametrize(
    "command",
    [
        Suspend("x", 3),
        Suspend("x", 0),
        ConfirmRecord("x", 1, session_id="nobody's"),
        StopSession("x", 1),
        ClearFault("x", 1, fault="ContactorWelded"),
        SetLimit("x", 1, source="", current_ma=6_000),
        SetLimit("x", 1, source="s", current_ma=-1),
        SetLimit("x", 1, source="s", current_ma=6_000, fallback_ma=-1),
        Authorise("x", 1, card_read_id=1, verdict=Verdict.ACCEPTED),
        Command("x", 1),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(command: Command) -> None:
    b = bench()
    b.post(command)
    b.run(1)
    outcome, reason = answers(b, "x")[0]
    assert outcome == "refused"
    assert reason
    assert b.events(SessionOpened) == []


def test_a_command_for_an_earlier_session_is_refused() -> None:
    b = bench()
    b.card(UID, 1)
    b.run(1)
    epoch = b.outlet(1).procedure.epoch
    b.post(StopSession("old", 1, epoch=epoch - 1))
    b.post(StopSession("other", 2, epoch=epoch))
    b.run(1)
    assert answers(b, "old")[0][0] == answers(b, "other")[0][0] == "refused"
    b.post(StopSession("right", 1, epoch=epoch))
    b.run(1)
    assert answers(b, "right") == [("done", "")]


@pytest.mark.req("STA-01")
def test_a_command_reaches_its_own_outlet_only_and_the_stations_reach_both() -> None:
    b = bench()
    b.post(Book("", 2, uid=UID))
    b.run(1)
    assert [o.procedure.availability.booking is not None for o in b.core.outlets] == [False, True]
    b.post(Maintain("", 0))
    b.run(1)
    assert [o.status for o in b.core.outlets] == [OutletStatus.UNAVAILABLE] * 2


def test_nothing_starts_before_the_state_is_restored() -> None:
    b = CoreBench(station_config(2), start=False).run(12)
    b.verb("plug_in").card()
    b.run(30)
    assert [o.status for o in b.core.outlets] == [OutletStatus.NOT_INITIALIZED] * 2
    b.post(RestoreState("", 1, register_wh=1_234))
    b.run(1)
    assert [o.status for o in b.core.outlets] == [OutletStatus.INIT_DONE, OutletStatus.NOT_INITIALIZED]
    assert b.outlet(1).register.wh == 1_234
    assert not b.core.restored


def charging_both(maximum_ma: int) -> CoreBench:
    b = bench(access=Access.FREE, station_maximum_ma=maximum_ma)
    b.verb("plug_in", outlet=1).run(60)
    assert b.outlet(1).offer.offered_ma == min(32_000, maximum_ma)
    b.verb("plug_in", outlet=2)
    return b


@pytest.mark.req("PIL-05", "STA-01")
def test_the_first_outlet_comes_down_before_the_second_goes_up() -> None:
    b = charging_both(40_000)
    while not b.outlet(2).wants_energy:
        b.run(0.01)
    assert b.outlet(1).offer.offered_ma == 20_000, "in the very step in which the other begins to want"
    for _ in range(4_000):
        b.run(0.01)
        truths = [b.truth(number) for number in (1, 2)]
        reserved = [outlet.current.highest_offer_ma(b.now_us) for outlet in b.core.outlets]
        assert sum(reserved) <= 40_000
        assert sum(max(truth.currents_ma) for truth in truths) <= 40_000
    assert [outlet.offer.offered_ma for outlet in b.core.outlets] == [20_000, 20_000]
    b.post(StopSession("", 1))
    b.run(30)
    assert b.outlet(2).offer.offered_ma == 32_000


@pytest.mark.req("PIL-05")
def test_a_small_station_sheds_who_has_begun_first_and_goes_on_with_it_afterwards() -> None:
    b = charging_both(10_000)
    b.run(60)
    assert [b.truth(number).contact_closed for number in (1, 2)] == [False, True]
    assert b.outlet(1).arbitration.stack[0].note == "shed by charge duration"
    b.post(StopSession("", 2))
    b.run(40)
    assert [b.truth(number).contact_closed for number in (1, 2)] == [True, False]


@settings(max_examples=15)
@given(
    maximum_a=st.integers(6, 64),
    deeds=st.lists(
        st.tuples(
            st.integers(1, 9_000),
            st.integers(1, 2),
            st.sampled_from(["plug_in", "vehicle_stop", "vehicle_ready", "suspend", "resume", "limit", "free"]),
        ),
        max_size=20,
    ),
)
def test_the_sum_of_the_offers_never_exceeds_the_stations_maximum(
    maximum_a: int, deeds: list[tuple[int, int, str]]
) -> None:
    from tests.fakes.core_walk import try_verb

    b = bench(access=Access.FREE, station_maximum_ma=maximum_a * 1_000)
    for after_ms, number, deed in deeds:
        b.run(after_ms / 1_000)
        if deed in ("suspend", "resume"):
            b.post(Suspend("", number, active=deed == "suspend"))
        elif deed in ("limit", "free"):
            b.post(SetLimit("", number, source="x", current_ma=8_000 if deed == "limit" else 80_000))
        else:
            try_verb(b, deed, outlet=number)
        b.run(0)
        for _ in range(3):
            b.run(0.5)
            assert sum(outlet.current.highest_offer_ma(b.now_us) for outlet in b.core.outlets) <= maximum_a * 1_000
    assert b.now_us >= 12 * SECOND
