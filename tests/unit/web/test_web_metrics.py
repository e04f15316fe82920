"""``/metrics``: what Prometheus is told, read back by a strict parser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.faults import CATALOGUE
from evse.exchange.snapshot import ExchangeView, FaultView, LimitView, LinkView
from evse.web.ports import Condition
from evse.web.prometheus_text import CONTENT_TYPE, Family, exposition
from tests.fakes.prometheus_parser import Metric, parse
from tests.fakes.web_fake import changed, charging, station_view

pytestmark = pytest.mark.anyio
UNITS = ("amperes", "volts", "celsius", "joules", "seconds", "hertz", "ratio", "info")
PURE = (
    "status",
    "state",
    "lock",
    "shutter",
    "fault",
    "permitted",
    "closed",
    "up",
    "open",
    "fifo",
    "restored",
    "readers",
)


async def scrape(bench: Any) -> dict[str, Metric]:
    async with bench.client() as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == CONTENT_TYPE
    return parse(response.text)


async def test_a_charge_is_told_in_base_units(bench: Any) -> None:
    view = charging()
    bench.station.view = view
    outlet, found = view.outlets[0], await scrape(bench)
    assert outlet.currents_ma is not None
    assert outlet.pilot is not None
    assert found["evse_outlet_current_amperes"].value(outlet="1", phase="L2") == outlet.currents_ma[1] / 1000
    assert found["evse_outlet_voltage_volts"].value(outlet="2", phase="L1") == 230.4
    assert found["evse_outlet_offered_amperes"].value(outlet="1") == outlet.offered_ma / 1000
    assert found["evse_outlet_temperature_celsius"].value(outlet="2") == 28.4
    assert found["evse_outlet_supply_volts"].value(outlet="1") == 12.04
    assert found["evse_outlet_pilot_volts"].value(outlet="1", plateau="negative") == -11.96
    assert found["evse_outlet_pilot_duty_ratio"].value(outlet="1", side="measured") == outlet.pilot.duty_bp / 10_000
    assert found["evse_outlet_energy_joules_total"].value(outlet="2") == 1_234_567 * 3600
    assert outlet.session is not None
    assert found["evse_outlet_session_energy_joules"].value(outlet="1") == outlet.session.energy_wh * 3600
    assert found["evse_outlet_contactor_closed"].value(outlet="1") == 1
    assert found["evse_outlet_contactor_closed"].value(outlet="2") == 0


async def test_a_state_is_one_among_all_that_could_be(bench: Any) -> None:
    bench.station.view = charging()
    found = await scrape(bench)
    for name in ("evse_outlet_status", "evse_outlet_ev_state", "evse_outlet_cable_state", "evse_outlet_lock"):
        for outlet in ("1", "2"):
            values = [value for key, value in found[name].samples.items() if ("outlet", outlet) in key]
            assert len(values) > 2
            assert sum(values) == 1
    assert found["evse_outlet_ev_state"].value(outlet="1", state="C_Ready_6V_M12V") == 1
    assert "evse_outlet_shutter" not in found, "none without a shutter"


async def test_every_fault_is_there_before_it_happens(bench: Any) -> None:
    fault = FaultView("OverCurrentHard", "emergency", "unplug", 0)
    bench.station.view = changed(
        station_view(), 1, faults=(fault, FaultView("NeverHeardOf", "emergency", "service", 0))
    )
    found = (await scrape(bench))["evse_outlet_fault"]
    assert len([key for key in found.samples if ("outlet", "2") in key]) == len(CATALOGUE)
    active = {key for key, value in found.samples.items() if value}
    assert {dict(key)["fault"] for key in active} == {"OverCurrentHard", "NeverHeardOf"}
    assert {dict(key)["outlet"] for key in active} == {"1"}


async def test_what_is_not_known_has_no_sample(bench: Any) -> None:
    unknown: dict[str, Any] = dict.fromkeys(("currents_ma", "voltages_mv", "temperature_dc", "supply_mv", "pilot"))
    bench.station.view = changed(station_view(), 1, link_ok=False, link_problem="no serial line", **unknown)
    found = await scrape(bench)
    for name in ("current_amperes", "voltage_volts", "temperature_celsius", "supply_volts", "pilot_volts"):
        assert not [key for key in found[f"evse_outlet_{name}"].samples if ("outlet", "1") in key], name
    assert found["evse_outlet_front_end_up"].value(outlet="1") == 0
    assert (("outlet", "1"),) not in found["evse_outlet_contactor_closed"].samples
    assert found["evse_outlet_energy_joules_total"].value(outlet="1") == 1_234_567 * 3600


async def test_without_control_the_services_still_tell_of_themselves(bench: Any) -> None:
    bench.station.view = None
    bench.station.state = Condition(True, 4_250_000, "journal: database or disk is full")
    found = await scrape(bench)
    assert found["evse_control_up"].value() == 0
    assert found["evse_journal_up"].value() == 0
    assert found["evse_snapshot_age_seconds"].value() == 4.25
    assert len(found["evse_build_info"].samples) == 1
    assert not [name for name in found if name.startswith("evse_outlet")]


async def test_counters_of_the_station_and_its_links(bench: Any) -> None:
    view = changed(station_view(), 2, link=LinkView(1, 2, 3, 4, 5, 6, 7, 8))
    bench.station.view = replace(view, exchange=ExchangeView(9, 10, 11, 12), started_us=10_000_000)
    found = await scrape(bench)
    links = {name[17:-6]: metric.value(outlet="2") for name, metric in found.items() if "_link_" in name}
    assert links == {
        "retries": 1,
        "given_up": 2,
        "refused_orders": 3,
        "line_losses": 4,
        "silences": 5,
        "restarts": 6,
        "damaged_frames": 7,
        "lost_frames": 8,
    }
    assert found["evse_exchange_events_dropped_total"].value() == 9
    assert found["evse_control_cycles_total"].value() == 12_345
    assert found["evse_control_worst_lateness_seconds"].value() == 0.0031
    assert found["evse_control_uptime_seconds"].value() == 50
    (info,) = found["evse_station_info"].samples
    assert dict(info)["station_uid"] == "EVP2-000417"


async def test_names_end_in_their_unit_and_everything_has_its_help(bench: Any) -> None:
    bench.station.view = charging()
    for name, metric in (await scrape(bench)).items():
        assert name.startswith("evse_")
        assert metric.help.endswith(".")
        assert (metric.kind == "counter") == name.endswith("_total"), name
        if metric.kind == "gauge":
            assert name.rsplit("_", 1)[-1] in (*UNITS, *PURE), name


async def test_two_limits_of_one_source_are_one_series(bench: Any) -> None:
    limits = (LimitView("manager", 16_000, False), LimitView("manager", 10_000, True))
    bench.station.view = changed(station_view(), 1, limits=limits)
    assert (await scrape(bench))["evse_outlet_limit_amperes"].value(outlet="1", source="manager") == 10


@pytest.mark.parametrize("text", ['"', "\\", "\n", '\\"\n\\n', "ä€😀", "{a=1}"])
def test_texts_come_back_as_they_were(text: str) -> None:
    family = Family("evse_x_info", "gauge", f"Help {text}.")
    family.add(1, name=text, other="b")
    found = parse(exposition([family]))["evse_x_info"]
    assert found.help == f"Help {text}."
    assert found.value(name=text, other="b") == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "1"), (0.1, "0.1"), (12_040 / 1000, "12.04"), (-3.0, "-3"), (10**15, "1000000000000000")],
)
def test_numbers_read_back_the_same(value: float, shown: str) -> None:
    family = Family("evse_x", "gauge", "Help.")
    family.add(value)
    assert exposition([family]).splitlines()[-1] == f"evse_x {shown}"


@pytest.mark.parametrize(("name", "kind"), [("a_total", "gauge"), ("a", "counter"), ("A", "gauge"), ("a-b", "gauge")])
def test_a_name_that_breaks_the_conventions_is_refused(name: str, kind: Any) -> None:
    with pytest.raises(ValueError, match="is no name of a"):
        Family(name, kind, "Help.")


def test_an_absent_value_has_no_sample_and_a_family_without_samples_no_lines() -> None:
    family = Family("evse_x", "gauge", "Help.")
    family.add(None, outlet="1")
    assert exposition([family]) == ""
