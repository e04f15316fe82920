"""Reader and simulated meter on a line: readings, patience, and every way a meter can fail."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.drivers.modbus_meter import ANSWER_TIMEOUT_US, ATTEMPTS, ModbusMeterDriver, Purpose
from hal.frames.modbus import Framing, ReadAnswer, answer_frame
from hal.meter_map import MeterMap, NumberKind, Quantity, Register
from hal.ports import MeterReading
from hal.twins.modbus_meter import FIRST_SERIAL
from hal.units import SECOND
from hal.world.metered import MeterLie
from tests.fakes.meter_bench import THREE_PHASES, MeterBench

pytestmark = pytest.mark.req("MTR-02")


def reading(bench: MeterBench) -> MeterReading:
    found = bench.driver.reading
    assert found is not None
    return found


@pytest.mark.parametrize("framing", list(Framing))
@pytest.mark.parametrize("name", ["iem3155", "sdm630"])
def test_a_meter_is_read_every_second(name: str, framing: Framing) -> None:
    bench = MeterBench(name, framing=framing)
    bench.run(0.9)
    assert bench.driver.connected and bench.driver.problem == ""
    assert reading(bench).currents_ma == THREE_PHASES.currents_ma
    assert reading(bench).voltages_mv == THREE_PHASES.voltages_mv
    assert reading(bench).energy_mwh == THREE_PHASES.import_mwh
    bench.source.use(1_000)
    bench.run(1)
    assert reading(bench).energy_mwh == THREE_PHASES.import_mwh + 1_000
    bench.run(10)
    assert bench.driver.counters.cycles == 12
    assert bench.driver.counters.repeated == bench.driver.counters.foreign == 0


def test_an_idle_outlets_meter_is_asked_every_ten_seconds_a_houses_every_second() -> None:
    for purpose, cycles in ((Purpose.OUTLET, 3), (Purpose.HOUSE, 30)):
        bench = MeterBench("abb-m4m", purpose=purpose)
        bench.source.now = THREE_PHASES._replace(currents_ma=(0, 0, 90))
        bench.run(29.9)
        assert bench.driver.counters.cycles == cycles


def test_both_sides_have_an_address_of_their_own() -> None:
    """EVlink guide DOCA0060: a station from the factory asks 30, its meter is set up as 2."""
    bench = MeterBench(reader_unit=30, twin_unit=2)
    bench.run(30)
    assert not bench.driver.connected and bench.driver.reading is None
    assert bench.driver.problem == "the meter does not answer"
    assert bench.twin.counters.strange_address >= ATTEMPTS
    bench.twin.unit = 30
    bench.run(6)
    assert bench.driver.connected


def test_the_serial_number_is_asked_for_once_in_a_connection() -> None:
    bench = MeterBench()
    bench.run(5)
    assert reading(bench).serial == FIRST_SERIAL
    asked = bench.driver.counters.requests
    bench.run(1)
    assert bench.driver.counters.requests - asked == 4
    bench.twin.replace(7_000, bench.now_us + 20 * SECOND)
    bench.run(15)
    assert not bench.driver.connected
    bench.run(15)
    assert reading(bench).serial == FIRST_SERIAL + 1
    assert reading(bench).energy_mwh == 7_000


def test_a_slow_meter_is_slow_and_not_dead() -> None:
    bench = MeterBench("sdm630")
    bench.twin.faults.delay_us = 2 * SECOND
    bench.run(60)
    assert bench.driver.connected
    assert bench.driver.counters.unanswered == 0
    assert bench.driver.counters.cycles >= 14
    assert bench.now_us - reading(bench).read_us < 5 * SECOND


def test_a_meter_that_answers_too_late_is_never_taken_for_another_answer() -> None:
    """Currents and voltages have requests of the same length: a late answer to one must not pass for the other."""
    bench = MeterBench("iem3155")
    bench.run(2)
    for delay_s in (3, 3.5, 5, 6, 8, 11, 14):
        bench.twin.faults.delay_us = round(delay_s * SECOND)
        bench.run(80)
        found = bench.driver.reading
        if found is not None:
            assert found.voltages_mv == THREE_PHASES.voltages_mv
            assert found.currents_ma == THREE_PHASES.currents_ma


def test_a_silent_meter_is_lost_after_three_requests_and_found_again() -> None:
    bench = MeterBench()
    bench.run(2.5)
    bench.twin.faults.silent = True
    bench.run(ATTEMPTS * ANSWER_TIMEOUT_US / SECOND)
    assert bench.driver.connected
    bench.run(2)
    assert not bench.driver.connected and bench.driver.reading is None
    assert bench.driver.counters.losses == 1
    bench.twin.faults.silent = False
    bench.run(12)
    assert bench.driver.connected


def test_a_cut_line_is_told_at_once_and_mended_within_a_second() -> None:
    bench = MeterBench()
    bench.run(2)
    bench.modem.cut()
    bench.run(1.1)
    assert not bench.driver.connected
    assert bench.driver.problem.startswith("no line")
    bench.modem.restore()
    bench.run(1)
    assert bench.driver.connected


def test_a_dark_meter_does_not_answer() -> None:
    bench = MeterBench()
    bench.source.now = THREE_PHASES._replace(voltages_mv=(0, 0, 0))
    bench.run(15)
    assert not bench.driver.connected


def test_exceptions_are_a_refusal_with_a_reason() -> None:
    bench = MeterBench()
    bench.run(2)
    bench.twin.faults.exception = 4
    bench.run(4)
    assert not bench.driver.connected
    assert bench.driver.problem == "the meter refuses registers 2999 to 3004 with exception 4"
    bench.twin.faults.exception = 0
    bench.run(4)
    assert bench.driver.connected


def test_a_value_that_nobody_needs_may_be_missing() -> None:
    """A meter of the family without a serial number or a total power is read all the same."""
    full = MeterBench().map
    less = MeterMap(
        full.name,
        full.function,
        tuple(each for each in full.registers if each.quantity not in (Quantity.SERIAL, Quantity.POWER)),
    )
    bench = MeterBench(meter_map=less)
    bench.driver = bench.polling.driver = ModbusMeterDriver(bench.modem.left, full, 2)
    bench.run(10)
    assert bench.driver.connected
    assert reading(bench).serial is None and reading(bench).power_mw is None
    assert reading(bench).currents_ma == THREE_PHASES.currents_ma
    assert bench.driver.counters.exceptions == 2


def test_a_value_that_is_needed_may_not() -> None:
    full = MeterBench().map
    less = MeterMap(full.name, 3, tuple(each for each in full.registers if each.quantity is not Quantity.ENERGY_IMPORT))
    bench = MeterBench(meter_map=less)
    bench.driver = bench.polling.driver = ModbusMeterDriver(bench.modem.left, full, 2)
    bench.run(10)
    assert not bench.driver.connected
    assert "exception 2" in bench.driver.problem
    bench.driver = bench.polling.driver = ModbusMeterDriver(bench.modem.left, full, 2, purpose=Purpose.HOUSE)
    bench.run(10)
    assert bench.driver.connected


def test_noise_on_the_line_costs_a_repetition_and_never_a_wrong_value() -> None:
    bench = MeterBench()
    noise = random.Random(4)
    for _ in range(60):
        bench.modem.corrupt(1, noise)
        bench.modem.drop(1, noise)
        bench.run(7)
        found = bench.driver.reading
        if found is not None:
            assert found.currents_ma == THREE_PHASES.currents_ma
            assert found.energy_mwh == THREE_PHASES.import_mwh
    assert bench.driver.counters.repeated > 20
    assert bench.driver.counters.cycles > 20


def test_garbage_instead_of_answers_loses_the_meter() -> None:
    bench = MeterBench()
    bench.run(2)
    bench.twin.faults.garbage = True
    bench.run(20)
    assert not bench.driver.connected
    bench.twin.faults.garbage = False
    bench.run(10)
    assert bench.driver.connected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=12), st.sampled_from(list(Framing)))
def test_no_bytes_from_a_meter_make_the_reader_fail_or_say_something(chunks: list[bytes], framing: Framing) -> None:
    bench = MeterBench(framing=framing)
    bench.twin.faults.silent = True
    for chunk in chunks:
        bench.modem.right.write(chunk, bench.now_us)
        bench.run(1)
    assert bench.driver.reading is None
    bench.twin.faults.silent = False
    bench.run(25)
    assert bench.driver.connected


def test_an_answer_from_another_address_or_to_another_question_counts_for_nothing() -> None:
    bench = MeterBench()
    bench.twin.faults.silent = True
    bench.run(0.1)
    for answer in (ReadAnswer(3, 3, (1, 2)), ReadAnswer(2, 4, (1, 2)), ReadAnswer(2, 3, (1, 2, 3))):
        bench.modem.right.write(answer_frame(answer, Framing.RTU), bench.now_us)
        bench.run(0.1)
    assert bench.driver.counters.foreign == 3
    assert bench.driver.reading is None


def test_lies_come_as_they_are_said() -> None:
    """What a number means is judged above the reader; here NaN is nothing and a sign is a sign."""
    bench = MeterBench()
    bench.run(2)
    bench.twin.set_lie(MeterLie.NAN, bench.now_us)
    bench.run(1)
    assert reading(bench).currents_ma is None and reading(bench).voltages_mv is None
    bench.twin.set_lie(MeterLie.NEGATIVE, bench.now_us)
    bench.run(1)
    assert reading(bench).currents_ma == tuple(-each for each in THREE_PHASES.currents_ma)
    bench.twin.set_lie(MeterLie.FROZEN, bench.now_us)
    bench.source.use(50_000)
    bench.run(1)
    assert reading(bench).energy_mwh == THREE_PHASES.import_mwh
    bench.twin.set_lie(MeterLie.NONE, bench.now_us)
    bench.run(1)
    assert reading(bench).energy_mwh == THREE_PHASES.import_mwh + 50_000


def test_a_register_near_its_end_begins_anew() -> None:
    wrapping = MeterMap(
        "m",
        3,
        (
            *(each for each in MeterBench().map.registers if each.quantity is not Quantity.ENERGY_IMPORT),
            Register(Quantity.ENERGY_IMPORT, 4000, NumberKind.U32, 100),
        ),
    )
    bench = MeterBench(meter_map=wrapping)
    bench.twin.near_wrap(1_000, 0)
    bench.run(1)
    assert reading(bench).energy_mwh == 2**32 * 100 - 1_000
    assert reading(bench).energy_wraps_mwh == 2**32 * 100
    bench.source.use(1_500)
    bench.run(1)
    assert reading(bench).energy_mwh == 500


def test_a_house_meter_is_asked_less_while_nobody_charges_and_at_once_when_somebody_comes() -> None:
    bench = MeterBench("abb-m4m", framing=Framing.TCP, purpose=Purpose.HOUSE, reader_unit=1, twin_unit=1)
    bench.run(1)
    bench.driver.idle = True
    bench.run(30)
    assert bench.driver.counters.cycles == pytest.approx(7, abs=1)
    bench.run(2)
    before = bench.driver.counters.cycles
    bench.driver.hurry(bench.now_us)
    bench.scheduler.wake(bench.polling, bench.now_us)
    bench.run(10)
    assert bench.driver.counters.cycles - before == pytest.approx(10, abs=1)
