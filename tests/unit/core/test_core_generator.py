"""A pilot generator that fails again and again is given up after a bounded number of offers."""

from __future__ import annotations

import pytest

from evse.core.commands import ClearFault
from evse.core.events import ContactorPermitted, FaultRaised
from evse.core.generator import GOOD_US, TRIES, GeneratorTries
from evse.core.pilot import PilotMonitor
from evse.core.units import SECOND
from evse.core.values import PilotMode
from tests.fakes.core_bench import CoreBench, station_config

DEFECTIVE = "PilotGeneratorDefective"


def charging() -> CoreBench:
    return CoreBench(station_config()).charging()


def tries(bench: CoreBench) -> int:
    return [event.fault for event in bench.events(FaultRaised)].count("PilotGeneratorStuck")


@pytest.mark.req("PIL-03", "OUT-05")
@pytest.mark.parametrize("detuned", [{"frequency": 900}, {"duty_error": -5}])
def test_a_detuned_generator_is_tried_three_times_and_then_given_up(detuned: dict[str, float]) -> None:
    b = charging()
    b.verb("detune_pilot", **detuned).run(600)
    assert tries(b) == TRIES
    assert b.faults() == (DEFECTIVE,)
    assert b.output().pilot_mode is PilotMode.F, "out of order shows as F"
    assert not b.truth().contact_closed
    closings = b.times(ContactorPermitted, permitted=True)
    b.run(3600)
    assert b.times(ContactorPermitted, permitted=True) == closings, "never again"


@pytest.mark.req("PIL-03", "OUT-08")
def test_unplugging_and_mending_do_not_end_it_but_service_does() -> None:
    b = charging()
    b.verb("detune_pilot", frequency=900).run(120)
    b.verb("detune_pilot", heal=True).run(30)
    b.verb("unplug").run(30)
    assert b.faults() == (DEFECTIVE,)
    b.post(ClearFault("", 1, fault=DEFECTIVE))
    b.run(60)
    assert b.faults() == ()
    b.charging()


@pytest.mark.req("PIL-03", "OUT-08")
def test_cleared_by_service_but_not_mended_it_is_given_up_again() -> None:
    b = charging()
    b.verb("detune_pilot", frequency=900).run(120)
    b.verb("unplug").run(30)
    b.post(ClearFault("", 1, fault=DEFECTIVE))
    b.run(40)
    assert b.faults() == ()
    b.verb("plug_in").run(3)
    b.card()
    b.run(180)
    assert b.faults() == (DEFECTIVE,)
    assert tries(b) == 2 * TRIES


@pytest.mark.req("PIL-03", "OUT-05")
def test_it_survives_a_restart() -> None:
    b = charging()
    b.verb("detune_pilot", frequency=900).run(120)
    b.boot("boot2")
    b.restore(latched=(DEFECTIVE,))
    b.verb("detune_pilot", heal=True).run(60)
    assert b.faults() == (DEFECTIVE,)


@pytest.mark.req("PIL-03")
def test_failures_far_apart_are_forgiven() -> None:
    b = charging()
    for _ in range(TRIES + 2):
        b.verb("detune_pilot", frequency=900).run(1)
        b.verb("detune_pilot", heal=True).run(30 + 2 * GOOD_US // SECOND)
    assert tries(b) == TRIES + 2
    assert b.faults() == ()
    assert b.truth().contact_closed


@pytest.mark.req("PIL-03")
@pytest.mark.parametrize(
    ("verb", "params"),
    [("short_pilot", {}), ("short_pilot", {"where": "behind_diode"}), ("feed_pilot", {"voltage": 24})],
)
def test_what_others_do_to_the_line_is_no_failure_of_the_generator(verb: str, params: dict[str, float]) -> None:
    b = charging()
    for _ in range(TRIES + 2):
        b.verb(verb, **params).run(2)
        b.verb(verb, heal=True).run(40)
    assert DEFECTIVE not in b.faults()


def test_a_generator_that_keeps_pwm_against_its_order_is_no_failed_offer() -> None:
    monitor, counted = PilotMonitor(station_config().outlets[0].pilot), GeneratorTries()
    monitor.generator_stuck = True
    for now_us in range(0, 10 * SECOND, SECOND):
        counted.update(now_us, monitor)
    assert not counted.defective
