"""A meter behind a gateway: what is reported to control, and what a gateway says in the place of a dead meter."""

from __future__ import annotations

import pytest

from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.station.gateway_watch import wanted_meters
from evse.core.commands import Command, ReportMeter
from evse.core.units import SECOND
from evse.exchange.envelope import decode_from_services, encode_from_services
from evse.services.gateway_meter import AGAIN_US, GatewayMeter, sample_of
from evse.services.settings.kinds import Value
from hal.frames.modbus import Framing
from hal.ports import MeterReading
from tests.fakes.meter_bench import MeterBench

pytestmark = pytest.mark.req("MTR-02")


class Gateway:
    """Reader and gateway joined by a line with the frames of TCP."""

    def __init__(self, reader_unit: int = 2) -> None:
        self.bench = MeterBench(reader_unit=reader_unit, framing=Framing.TCP, gateway=True)
        self.sent: list[ReportMeter] = []
        self.meter = GatewayMeter(1, self.bench.driver, self.take, "life")
        self.bench.scheduler.remove(self.bench.polling)
        self.bench.scheduler.add(self.meter, "meter")
        self.bench.modem.left.attach(self.meter)

    def take(self, command: Command) -> None:
        assert isinstance(command, ReportMeter)
        self.sent.append(command)


def test_every_reading_is_reported_once_and_what_is_known_again_after_a_while() -> None:
    gateway = Gateway()
    gateway.bench.run(3.5)
    readings = [each.sample for each in gateway.sent if each.sample is not None]
    assert [sample.currents_ma for sample in readings] == [(10_000, 11_000, 12_000)] * len(readings)
    assert len({sample.read_us for sample in readings}) >= 3, "one a second"
    assert len({each.command_id for each in gateway.sent}) == len(gateway.sent)
    assert all(each.outlet == 1 for each in gateway.sent)
    gateway.bench.twin.faults.silent = True
    gateway.bench.run(30)
    gateway.sent.clear()
    gateway.bench.run(11)
    assert len(gateway.sent) >= 11 * SECOND // AGAIN_US


@pytest.mark.parametrize("silent", [False, True])
def test_a_gateway_that_reaches_no_meter_says_so(silent: bool) -> None:
    gateway = Gateway(reader_unit=2 if silent else 30)
    gateway.bench.twin.faults.silent = silent
    gateway.bench.run(6)
    last = gateway.sent[-1]
    assert last.sample is None
    assert last.problem == f"the gateway reaches no meter at address {2 if silent else 30} (exception 11)"
    assert gateway.bench.driver.counters.unanswered == 0


def test_another_address_is_asked_at_once() -> None:
    gateway = Gateway(reader_unit=30)
    gateway.bench.run(5)
    gateway.bench.driver.ask(2, gateway.bench.now_us)
    gateway.bench.run(3)
    assert gateway.sent[-1].sample is not None
    assert gateway.sent[-1].problem == ""


@pytest.mark.parametrize("huge", [1 << 63, -(1 << 70)])
def test_what_a_lying_meter_says_always_finds_its_way_to_control(huge: int) -> None:
    reading = MeterReading(
        read_us=1, currents_ma=(0, huge, 0), voltages_mv=(0, 0, huge), energy_mwh=huge, energy_wraps_mwh=abs(huge)
    )
    sample = sample_of(reading)
    assert (sample.currents_ma, sample.voltages_mv, sample.energy_mwh, sample.wraps_mwh) == (None, None, None, 0)
    command = ReportMeter("c", 1, sample=sample)
    assert decode_from_services(encode_from_services(command)) == command


VALUES: dict[str, Value] = {"network.address": "192.168.0.102"}


def test_a_simulated_gateway_is_read_where_it_is_wired() -> None:
    profile = load_profile("parking-meters")
    plan = wire_plan(profile).with_paths({"outlet-2/meter": "/tmp/gateway"})
    found = wanted_meters(station_config(profile, "S1"), plan, VALUES, simulated=True)
    assert list(found) == [2], "outlet 1 is read by control"
    assert (found[2].path, found[2].host, found[2].unit) == ("/tmp/gateway", "", 2)
    host = wanted_meters(
        station_config(profile, "S1"), plan, {**VALUES, "outlet.2.meter_host": "10.0.0.9"}, simulated=True
    )
    assert (host[2].path, host[2].host) == ("", "10.0.0.9")


@pytest.mark.parametrize(("simulated", "host"), [(True, ""), (False, "192.168.0.162")])
def test_a_real_gateway_is_in_the_stations_network_and_a_simulated_station_asks_nobody_there(
    simulated: bool, host: str
) -> None:
    profile = load_profile("parking-meters")
    plan = wire_plan(profile).with_paths({})
    values: dict[str, Value] = {**VALUES, "outlet.2.meter_gateway_address": 162}
    found = wanted_meters(station_config(profile, "S1"), plan, values, simulated=simulated)
    assert found[2].host == host
