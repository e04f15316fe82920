"""Random stories: nothing hangs, nothing is unsafe, and stepping more often than asked for changes nothing."""

from __future__ import annotations

import random
from functools import partial

import pytest

from evse.core.commands import StartSession, StopSession
from evse.core.config import Access, Location
from evse.core.events import SessionClosed, SessionOpened
from evse.core.outlet_status import OutletStatus
from evse.core.units import MS, SECOND
from hal.ports import LockPosition
from hal.world.truth import OutletTruth
from tests.fakes.core_bench import UID, CoreBench, Told
from tests.fakes.core_walk import Deed, bench_for, do, heal_everything, story, tell

SEEDS = range(40)
REACTION_US = 115 * MS
"""100 ms from the cause to the order and the contact's own 15 ms."""


class Watch:
    """Judges the world's truth after every change of it."""

    def __init__(self, bench: CoreBench) -> None:
        self.bench = bench
        self.wrong: list[str] = []
        self.forced_us = -1
        self._since_us: dict[tuple[int, str], int] = {}
        self._bolts: dict[int, LockPosition] = {}
        for number, outlet in enumerate(bench.world.outlets, 1):
            outlet.on_change(partial(self.look, number))

    def look(self, number: int, now_us: int) -> None:
        """Note every dangerous fact that lasts too long."""
        truth = self.bench.world.outlet(number).truth()
        dangers = self._dangers(number, truth)
        for key, since_us in tuple(self._since_us.items()):
            if key[0] == number and key[1] not in dangers:
                if now_us - since_us > REACTION_US:
                    self.wrong.append(f"outlet {number}: closed with {key[1]} from {since_us} to {now_us}")
                del self._since_us[key]
        for danger in dangers:
            self._since_us.setdefault((number, danger), now_us)
        was, self._bolts[number] = self._bolts.get(number), truth.bolt
        loaded = truth.contact_closed or max(truth.currents_ma) >= 1_000
        moved = was is LockPosition.LOCKED and truth.bolt is not LockPosition.LOCKED
        if moved and loaded and now_us != self.forced_us:
            self.wrong.append(f"outlet {number}: unlocked under load at {now_us}")

    def _dangers(self, number: int, truth: OutletTruth) -> list[str]:
        if not truth.contact_closed or truth.contact_welded or not self.bench.link_ok[number - 1]:
            return []
        indoors = self.bench.config.location is Location.INDOOR
        facts = {
            f"pilot {truth.pilot_level}": truth.pilot_level not in ("C", "D"),
            "a shorted diode": not truth.diode_ok and truth.pwm_on,
            "a free plug": truth.lock_fitted and truth.bolt is not LockPosition.LOCKED,
            "a residual current": truth.residual_ac or truth.residual_dc,
            "no earth": not truth.earth_ok,
            "no ventilation": truth.pilot_level == "D" and indoors,
            "no session": self.bench.outlet(number).procedure.session is None,
        }
        return [name for name, holds in facts.items() if holds]


@pytest.mark.req("PIL-04", "OUT-01", "OUT-04")
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_dangerous_lasts_and_afterwards_both_outlets_can_be_used_again(seed: int) -> None:
    bench = bench_for(seed)
    watch = Watch(bench)
    for deed in story(seed):
        bench.run_until(deed.at_us)
        if deed.what == "force_lock_open":
            watch.forced_us = bench.now_us
        do(bench, deed)
        bench.run(0)
    bench.run(20)
    assert watch.wrong == []
    heal_everything(bench)
    check_use(bench)


def check_use(bench: CoreBench) -> None:
    """Both outlets are idle, sound and charge; what was opened was closed, once."""
    for number in (1, 2):
        assert bench.outlet(number).status is OutletStatus.INIT_DONE
        assert bench.faults(number) == ()
        bench.verb("plug_in", outlet=number).run(3)
        if bench.config.outlets[0].access is Access.BADGE:
            bench.card(UID, number)
        elif bench.config.outlets[0].access is Access.REMOTE:
            bench.post(StartSession("", number, uid=UID))
        bench.run(45)
        assert bench.truth(number).contact_closed, (bench.faults(number), bench.output(number).open_reasons)
        bench.post(StopSession("", number))
        bench.run(10)
        bench.verb("unplug", outlet=number).run(5)
    opened = [event.session_id for event in bench.events(SessionOpened)]
    closed = [event.session_id for event in bench.events(SessionClosed)]
    assert len(set(opened)) == len(opened)
    assert len(set(closed)) == len(closed)
    assert set(closed) <= set(opened)


def events_of(seed: int, rhythm_us: int) -> list[Told]:
    deeds = [deed for deed in story(seed) if deed.at_us < 90 * SECOND]
    return tell(bench_for(seed, rhythm_us=rhythm_us), deeds, and_then_us=15 * SECOND).told


@pytest.mark.parametrize("seed", (0, 1, 2, 116, 161))
def test_stepping_early_is_harmless_and_no_deadline_is_missed(seed: int) -> None:
    """Event driven and in a rhythm: the same events at the same microsecond."""
    rhythm_us = random.Random(seed).choice((37 * MS, 97 * MS, 170 * MS))
    assert events_of(seed, rhythm_us) == bench_told(seed)


def bench_told(seed: int) -> list[Told]:
    deeds = [deed for deed in story(seed) if deed.at_us < 90 * SECOND]
    return tell(bench_for(seed), deeds, and_then_us=15 * SECOND).told


@pytest.mark.parametrize("seed", range(6))
def test_the_same_calls_give_the_same_results(seed: int) -> None:
    assert bench_told(seed) == bench_told(seed)


@pytest.mark.req("STA-01")
@pytest.mark.parametrize("seed", range(20))
def test_one_outlets_troubles_never_reach_the_other(seed: int) -> None:
    """Outlet 2 lives the same life whether outlet 1 suffers or not (their shared current set aside)."""

    def life(deeds: list[Deed]) -> list[Told]:
        bench = bench_for(seed)
        config = bench.config.__class__(
            "station", "bench", bench.config.outlets, bench.config.location, station_maximum_ma=1_000_000
        )
        bench = CoreBench(config)
        bench.at(14 * SECOND, lambda: bench.verb("plug_in", outlet=2))
        bench.at(16 * SECOND, lambda: bench.card(UID, 2))
        bench.at(17 * SECOND, lambda: bench.post(StartSession("", 2, uid=UID)))
        bench.at(100 * SECOND, lambda: bench.verb("vehicle_stop", outlet=2))
        tell(bench, deeds)
        bench.run_until(600 * SECOND)
        names = {"CommandDone", "ConfigurationActive"}
        return [t for t in bench.told if t.event.outlet == 2 and type(t.event).__name__ not in names]

    troubles = [deed for deed in story(seed) if deed.outlet == 1 and deed.kind != "boot" and deed.at_us < 500 * SECOND]
    alone = life([])
    assert life(troubles) == alone
    assert len(alone) > 10
