"""Races of plug, badge, supervision's answer, fault and reboot, in virtual time through the whole station.

The supervision is played: it answers late, twice, never, for cards of long ago, and is away at times. What is checked is
the world's truth (is the contact closed, and for whom) against what the supervision really said, beside every invariant.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.events import SessionClosed, SessionOpened
from evse.core.units import SECOND
from evse.services.authorisation import Location, LossStrategy, Policy
from evse.services.supervision import SupervisionAnswer
from evse.sim.invariants import InvariantChecker
from tests.fakes.desk_bench import AskedSupervision

PROFILE = load_profile("parking")
CONFIG, PLAN = station_config(PROFILE, "SIM-races"), wire_plan(PROFILE)
CARDS = ("04A1B2C3", "0BADCAFE", "04A1B2C3D4E5F6")
TIMEOUT_US = 10 * SECOND
GRACE_US = 2 * SECOND
STOP_US = 8 * SECOND
"""A controlled stop takes 6 to 7 s, and some time until control knows."""
CAREFUL = Policy(Location.SUPERVISION, supervised=True, on_loss=LossStrategy.REJECT_ALL, timeout_us=TIMEOUT_US)


class Race:
    """One station and what really was said and done."""

    def __init__(self, number: int) -> None:
        self.supervision = AskedSupervision()
        self.station = VirtualStation(
            CONFIG, PLAN, policy=CAREFUL, supervision=self.supervision, random_stream=Random(number)
        )
        self.checker = InvariantChecker(self.station)
        self.station.scheduler.observers.append(self.checker.observe)
        self.station.scheduler.observers.append(self.look)
        self.held: dict[int, dict[str, int]] = {1: {}, 2: {}}
        self.accepted: set[str] = set()
        self.sessions: dict[int, tuple[str, int]] = {}
        self.wrong: list[str] = []
        self._events = 0
        self.closed_once = False

    @property
    def now_us(self) -> int:
        return self.station.scheduler.now_us

    def do(self, verb: str, **params: int | float | str) -> None:
        """Apply a verb if it is possible now."""
        try:
            self.station.apply_verb(verb, params, self.now_us)
        except ValueError:
            return
        self.checker.note_verb(verb, params, self.now_us)
        self.station.scheduler.run_until(self.now_us)

    def card(self, outlet: int, uid: str) -> None:
        self.held[outlet][uid] = self.now_us
        self.do("present_card", outlet=outlet, uid=uid, hold=0.5)

    def answer(self, index: int, accepted: bool) -> None:
        if not self.supervision.asked:
            return
        ask_id, uid = self.supervision.asked[index % len(self.supervision.asked)]
        if accepted:
            self.accepted.add(uid)
        self.station.answer(ask_id, SupervisionAnswer(accepted))

    def look(self, now_us: int) -> None:
        """Compare the truth with what was said, after every instant."""
        events = self.station.events_since(self._events)
        self._events += len(events)
        for timed in events:
            match timed.event:
                case SessionOpened(outlet=outlet, uid=uid):
                    if now_us - self.held[outlet].get(uid, -SECOND * 10**6) > TIMEOUT_US + GRACE_US:
                        self.wrong.append(f"{now_us}: a session for {uid}, who holds no card to outlet {outlet}")
                    self.sessions[outlet] = (uid, self.held[outlet].get(uid, now_us))
                case SessionClosed(outlet=outlet):
                    self.sessions.pop(outlet, None)
        for outlet, truth in enumerate(self.station.world.truths(), 1):
            if not truth.contact_closed:
                continue
            self.closed_once = True
            uid, held_us = self.sessions.get(outlet, ("", now_us))
            if uid not in self.accepted and now_us > held_us + TIMEOUT_US + GRACE_US + STOP_US:
                self.wrong.append(f"{now_us}: outlet {outlet} gives energy to {uid or 'nobody'}, never accepted")

    def end(self) -> None:
        """Everything works again: nothing may be left over."""
        for verb in ("restore_power", "mend_disk", "thaw_control"):
            self.do(verb)
        self.supervision.reachable = True
        self.station.scheduler.run_for(40 * SECOND)
        self.look(self.now_us)
        assert self.wrong == []
        assert self.checker.violations == []
        ledger = self.station.ledger()
        assert ledger.waiting() == 0
        numbers = [record.number for record in ledger.records()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len({record.session_id for record in ledger.records()}) == len(numbers)


Action = Callable[[Race], None]
OUTLETS = st.integers(1, 2)


def _verb(name: str) -> st.SearchStrategy[Action]:
    def at(outlet: int) -> Action:
        return lambda race: race.do(name, outlet=outlet)

    return OUTLETS.map(at)


def _station_verb(name: str) -> st.SearchStrategy[Action]:
    return st.just(lambda race: race.do(name))


def _card(outlet: int, uid: str) -> Action:
    return lambda race: race.card(outlet, uid)


def _answer(index: int, accepted: bool) -> Action:
    return lambda race: race.answer(index, accepted)


def _away(reachable: bool) -> Action:
    def act(race: Race) -> None:
        race.supervision.reachable = reachable

    return act


def _wait(seconds: float) -> Action:
    return lambda race: race.station.scheduler.run_for(round(seconds * SECOND))


WAITS = st.sampled_from((0.0, 0.001, 0.005, 0.3, 1.0, 4.0, 9.99, 12.5, 22.0)).map(_wait)
CARD = st.builds(_card, OUTLETS, st.sampled_from(CARDS))
ANSWER = st.builds(_answer, st.integers(-3, 0), st.booleans())
ACTIONS = st.one_of(
    CARD,
    CARD,
    ANSWER,
    ANSWER,
    _verb("plug_in"),
    _verb("plug_in"),
    _verb("unplug"),
    _verb("vehicle_stop"),
    st.builds(_away, st.booleans()),
    st.sampled_from(("kill_services", "kill_control", "cut_power", "restore_power", "full_disk", "mend_disk")).flatmap(
        _station_verb
    ),
    WAITS,
    WAITS,
    WAITS,
)


@pytest.mark.req("AUT-01", "AUT-05", "CDR-05")
@seed(5)
@settings(max_examples=12, deadline=None)
@given(actions=st.lists(ACTIONS, min_size=8, max_size=30), number=st.integers(0, 1000))
def test_nobody_charges_on_the_word_that_was_for_another(actions: list[Action], number: int) -> None:
    race = Race(number)
    race.station.scheduler.run_for(13 * SECOND)
    for act in actions:
        act(race)
    race.end()


@pytest.mark.parametrize("accepted", [True, False, None])
def test_the_races_can_be_lost(accepted: bool | None) -> None:
    """A plain charge through the same bench: it closes, and stays closed only for who was accepted."""
    race = Race(1)
    race.station.scheduler.run_for(13 * SECOND)
    race.do("plug_in", outlet=1)
    race.card(1, CARDS[0])
    race.station.scheduler.run_for(9 * SECOND)
    assert race.closed_once, "the user may begin while the supervision is asked"
    if accepted is not None:
        race.answer(0, accepted)
    race.station.scheduler.run_for(30 * SECOND)
    assert race.station.world.truths()[0].contact_closed is (accepted is True)
    race.end()


def test_a_charge_nobody_accepted_is_noticed_by_the_bench() -> None:
    race = Race(1)
    race.station.scheduler.run_for(13 * SECOND)
    race.do("plug_in", outlet=1)
    race.card(1, CARDS[0])
    race.station.scheduler.run_for(5 * SECOND)
    race.answer(0, accepted=True)
    race.accepted.clear()
    race.station.scheduler.run_for(70 * SECOND)
    assert any("never accepted" in each for each in race.wrong)
