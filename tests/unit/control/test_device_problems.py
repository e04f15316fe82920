"""What the drivers know of their devices reaches the Snapshot, and nothing unmeasured looks like a measurement."""

from __future__ import annotations

import pytest

from boards.board import OutletBoard
from evse.app.virtual.station_factory import station_factory
from evse.app.virtual.virtual_station import VirtualStation
from evse.control.translate import OutletSensor
from evse.core.units import MS, SECOND
from evse.exchange.snapshot import OutletView
from hal.twins.front_end import DEFAULT_FIRMWARE
from hal.wires import LinkLostError
from tests.fakes.front_end_bench import FrontEndBench


def outlet(station: VirtualStation, number: int = 1) -> OutletView:
    view = station.view()
    assert view is not None
    return next(each for each in view.outlets if each.number == number)


@pytest.fixture
def station() -> VirtualStation:
    return station_factory("parking", 0, elide=True)


def test_before_the_first_answer_nothing_is_measured_and_the_reason_stands_there(station: VirtualStation) -> None:
    station.scheduler.run_until(0)
    seen = outlet(station)
    assert (seen.link_ok, seen.pilot, seen.currents_ma, seen.voltages_mv) == (False, None, None, None)
    assert (seen.temperature_dc, seen.supply_mv) == (None, None)
    assert seen.link_problem == "no answer from the front end yet"
    assert seen.reader_problem == "not asked yet"


def test_with_an_answer_the_measurements_stand_there(station: VirtualStation) -> None:
    station.scheduler.run_until(SECOND)
    seen = outlet(station)
    assert (seen.link_problem, seen.reader_problem) == ("", "")
    assert seen.pilot is not None
    assert seen.pilot.positive_mv == 12_000
    assert (seen.currents_ma, seen.supply_mv) == ((0, 0, 0), 12_000)
    assert seen.voltages_mv is not None
    assert seen.temperature_dc is not None


def test_a_device_that_is_lost_says_why_and_its_old_values_are_gone(station: VirtualStation) -> None:
    station.scheduler.run_until(SECOND)
    station.apply_verb("cut_line", {"outlet": 1, "to": "front_end"}, SECOND)
    station.scheduler.run_until(2 * SECOND)
    seen = outlet(station)
    assert seen.link_problem == "no serial line: outlet-1/front-end: line is cut"
    assert (seen.link_ok, seen.pilot, seen.currents_ma, seen.voltages_mv) == (False, None, None, None)
    assert (seen.temperature_dc, seen.supply_mv) == (None, None)
    assert outlet(station, 2).link_problem == ""


def test_a_reader_that_is_lost_says_why(station: VirtualStation) -> None:
    station.scheduler.run_until(SECOND)
    station.apply_verb("cut_line", {"outlet": 1, "to": "reader"}, SECOND)
    station.scheduler.run_until(10 * SECOND)
    seen = outlet(station)
    assert (seen.reader_ok, seen.link_ok) == (False, True)
    assert seen.reader_problem.startswith("no serial line")


def test_a_new_reason_is_news_although_the_inputs_are_the_same() -> None:
    bench = FrontEndBench()
    board = OutletBoard(
        1, bench.driver, bench.driver, bench.driver, None, bench.driver, bench.driver, None, (bench.driver,)
    )
    sensor = OutletSensor(board)
    assert sensor.read(), "the first reason"
    assert not sensor.read()
    bench.modem.cut()
    bench.driver.poll(MS)
    assert sensor.read()
    assert sensor.device.link_problem.startswith("no serial line")
    with pytest.raises(LinkLostError):
        bench.modem.left.read(MS)


@pytest.mark.req("MNT-01", "MNT-03")
def test_versions_of_front_end_and_reader_stand_there_once_they_have_told_them(station: VirtualStation) -> None:
    station.scheduler.run_until(0)
    assert (outlet(station).front_end_version, outlet(station).reader_version) == ("", "")
    station.scheduler.run_until(3 * SECOND)
    for number in (1, 2):
        seen = outlet(station, number)
        assert seen.front_end_version == ".".join(map(str, DEFAULT_FIRMWARE.version))
        assert seen.reader_version == "1.6"
