"""What a master does about the firmware of its slaves: never the wrong thing, and at rest when everything is as it can be."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.core.units import HOUR, MINUTE, SECOND
from evse.services.firmware.manifest import Manifest, PackagedFile
from evse.services.firmware.neighbours import (
    FRESH_US,
    LONGEST_US,
    LOOK_US,
    PAUSE_US,
    Ask,
    Rest,
    Send,
    SlaveFinding,
    Standing,
    Told,
    UpdatePlan,
    chosen,
    standing,
    told_of,
)

pytestmark = pytest.mark.req("MNT-03")
OLD = Told("S1", "thor", "1.0.0", 0, "", trial=False, returned="", plugged=False)
OFFER = Manifest("thor", "2.0.0", 3, (PackagedFile("app", 1, "0" * 64),))


class Network:
    """Slaves as they truly are, by serial number; one that is not there does not answer. ``taking``: whether packages work."""

    def __init__(self, *slaves: Told, taking: bool = True) -> None:
        self.slaves = {slave.serial: slave for slave in slaves}
        self.taking = taking
        self.plan = UpdatePlan()
        self.now_us = 0
        self.sent: list[tuple[int, Told]] = []
        self.asked = 0

    def run(self, until_us: int, serials: tuple[str, ...] = (), offer: Manifest | None = OFFER) -> None:
        """Do what the plan says, each step taking 10 ms."""
        while self.now_us < until_us:
            self.plan.use(self.now_us, serials or tuple(self.slaves), offer)
            step = self.plan.next(self.now_us)
            if isinstance(step, Rest):
                assert step.until_us > self.now_us
                self.now_us = step.until_us
                continue
            self.now_us += 10_000
            slave = self.slaves.get(step.serial)
            if isinstance(step, Ask):
                self.asked += 1
                if slave is None:
                    self.plan.silent(self.now_us, step.serial, "no route")
                else:
                    self.plan.answered(self.now_us, step.serial, slave)
                continue
            assert slave is not None
            self.sent.append((self.now_us, slave))
            if self.taking:
                self.slaves[step.serial] = replace(slave, version=OFFER.version, floor=OFFER.rollback)
            self.plan.sent(self.now_us, step.serial, "" if self.taking else "refused", 0)

    def standing(self, serial: str = "S1") -> Standing:
        return next(each.standing for each in self.plan.findings() if each.serial == serial)


def test_every_slave_gets_the_masters_version_one_after_the_other() -> None:
    network = Network(OLD, replace(OLD, serial="S2"), replace(OLD, serial="S3", version="0.9.0"))
    network.run(MINUTE)
    assert [slave.serial for _, slave in network.sent] == ["S1", "S2", "S3"]
    assert {each.version for each in network.slaves.values()} == {"2.0.0"}
    assert network.plan.findings()[0] == SlaveFinding("S1", "2.0.0", Standing.UP_TO_DATE)
    assert not network.plan.busy()


@pytest.mark.parametrize(
    ("slave", "why"),
    [
        (replace(OLD, plugged=True), Standing.PLUGGED),
        (replace(OLD, trial=True), Standing.ON_TRIAL),
        (replace(OLD, version="2.0.0"), Standing.UP_TO_DATE),
        (replace(OLD, version="10.0.0"), Standing.NEWER),
        (replace(OLD, product="city"), Standing.OTHER_PRODUCT),
        (replace(OLD, floor=4), Standing.WITHDRAWN),
        (replace(OLD, returned="2.0.0"), Standing.FAILED),
    ],
)
def test_who_cannot_take_it_is_left_alone_and_told_of(slave: Told, why: Standing) -> None:
    network = Network(slave)
    network.run(10 * MINUTE)
    assert network.sent == []
    assert network.standing() is why


def test_without_a_confirmed_package_nothing_is_sent() -> None:
    network = Network(OLD)
    network.run(10 * MINUTE, offer=None)
    assert (network.sent, network.standing()) == ([], Standing.NO_OFFER)
    network.run(11 * MINUTE)
    assert network.standing() is Standing.UP_TO_DATE


def test_a_plugged_slave_gets_it_when_the_vehicle_is_gone() -> None:
    network = Network(replace(OLD, plugged=True))
    network.run(10 * MINUTE)
    network.slaves["S1"] = OLD
    network.run(10 * MINUTE + 2 * LOOK_US)
    assert network.standing() is Standing.UP_TO_DATE


def test_a_slave_that_was_away_gets_it_when_it_is_back() -> None:
    network = Network()
    network.run(HOUR, ("S1",))
    assert network.plan.findings() == (SlaveFinding("S1", "", Standing.AWAY, "no route"),)
    assert network.asked < 40, "a silent slave is asked less and less"
    network.slaves["S1"] = OLD
    network.run(HOUR + 3 * MINUTE)
    assert network.standing() is Standing.UP_TO_DATE


def test_every_package_that_came_to_nothing_makes_the_next_wait_longer() -> None:
    network = Network(OLD, taking=False)
    network.run(6 * HOUR)
    times = [at for at, _ in network.sent]
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[0] >= PAUSE_US
    assert all(after >= before for before, after in pairwise(pauses))
    assert pauses[-1] >= LONGEST_US
    assert len(times) < 16
    assert network.plan.findings()[0].note == "refused"


def test_another_version_is_sent_at_once_whatever_became_of_the_one_before() -> None:
    network = Network(OLD, taking=False)
    network.run(3 * HOUR)
    before = len(network.sent)
    network.run(network.now_us + SECOND, offer=replace(OFFER, version="2.0.1"))
    assert len(network.sent) == before + 1


def test_a_slave_that_wants_to_be_left_alone_is_but_not_for_ever() -> None:
    for wish_us, least_us in ((5 * MINUTE, 5 * MINUTE), (1_000 * HOUR, LONGEST_US)):
        plan = UpdatePlan()
        plan.use(0, ("S1",), OFFER)
        plan.sent(0, "S1", "busy", wish_us)
        plan.answered(least_us - 1, "S1", OLD)
        assert isinstance(plan.next(least_us - 1), Rest)
        plan.answered(least_us, "S1", OLD)
        assert plan.next(least_us) == Send("S1")


def test_an_old_answer_is_asked_for_again_before_anything_is_sent() -> None:
    plan = UpdatePlan()
    plan.use(0, ("S1",), OFFER)
    plan.answered(0, "S1", OLD)
    assert plan.next(FRESH_US) == Send("S1")
    assert plan.next(FRESH_US + 1) == Ask("S1")


def test_somebody_else_at_a_slaves_address_is_not_it() -> None:
    plan = UpdatePlan()
    plan.use(0, ("S1",), OFFER)
    plan.answered(0, "S1", replace(OLD, serial="X9"))
    assert isinstance(plan.next(0), Rest)
    assert plan.findings() == (SlaveFinding("S1", "", Standing.AWAY, "the station X9 answers there"),)


SLAVES = st.builds(
    Told,
    serial=st.just("S1"),
    product=st.sampled_from(["thor", "city"]),
    version=st.sampled_from(["1.0.0", "2.0.0", "2.0.1", "unknown"]),
    floor=st.integers(0, 5),
    staged=st.sampled_from(["", "2.0.0"]),
    trial=st.booleans(),
    returned=st.sampled_from(["", "2.0.0"]),
    plugged=st.booleans(),
)


@settings(max_examples=25)
@given(st.lists(SLAVES, min_size=1, max_size=6), st.booleans(), st.integers(0, 3))
def test_whatever_slaves_do_only_a_free_older_one_of_the_product_gets_it(
    slaves: list[Told], taking: bool, present: int
) -> None:
    """Four stations that become another one each minute, some of them away."""
    network = Network(taking=taking)
    serials = ("S0", "S1", "S2", "S3")
    for minute, slave in enumerate(slaves):
        network.slaves = {serial: replace(slave, serial=serial) for serial in serials[: present + 1]}
        network.run((minute + 1) * MINUTE, serials)
    for _, got in network.sent:
        assert standing(got, OFFER) is Standing.BEHIND
        assert not (got.plugged or got.trial)
        assert got.product == "thor"
        assert got.version in ("1.0.0", "unknown")
    before = len(network.sent)
    quiet_from_us = network.now_us
    network.run(quiet_from_us + 3 * HOUR, serials)
    late = [at for at, _ in network.sent[before:] if at > quiet_from_us + 2 * HOUR]
    # At rest: nothing goes out any more, or once an hour to whoever takes it and comes to nothing.
    assert len(late) <= (0 if taking else 2 * (present + 1))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=70), lambda inner: st.lists(inner)
       | st.dictionaries(st.sampled_from([*asdict(OLD), "x"]), inner)))  # fmt: skip
def test_what_strangers_tell_is_a_slaves_word_or_refused(value: Any) -> None:
    try:
        assert isinstance(told_of(value), Told)
    except ValueError:
        pass


@given(st.sampled_from(list(asdict(OLD))), st.sampled_from([None, 1.5, [], "x" * 65, "a\nb", float("nan")]))
def test_a_word_of_a_wrong_kind_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match="not what a slave says"):
        told_of({**asdict(OLD), key: value})
    assert told_of(asdict(OLD)) == OLD


@pytest.mark.parametrize(
    ("wanted", "named", "found", "slaves", "problem"),
    [
        (2, (), ("S2", "S1", "S1"), ("S1", "S2"), ""),
        (3, (), ("S2", "S1"), ("S1", "S2"), "2 of 3"),
        (1, (), ("S2", "S1"), ("S1",), "2 slaves are found, 1 are set"),
        (2, ("S9", "S1"), ("S2", "S1"), ("S9", "S1"), ""),
        (0, (), (), (), ""),
    ],
)
def test_slaves_are_those_named_or_so_many_of_those_found(
    wanted: int, named: tuple[str, ...], found: tuple[str, ...], slaves: tuple[str, ...], problem: str
) -> None:
    result = chosen(wanted, named, found)
    restarting = chosen(wanted, named, found, before=(*slaves, "S0"))[0]
    assert restarting == (*slaves, *["S0"] * (wanted > len(slaves)))
    assert result[0] == slaves
    assert problem in result[1]
    assert bool(problem) == bool(result[1])
