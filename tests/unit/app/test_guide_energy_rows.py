"""Each parameter of the guide's energy tables at both ends of its range, from the setting to the limit that follows.

EVlink commissioning guide DOCA0060, chapter 4: advanced settings, socket-outlets, meters. A row gives settings as they are entered,
what is plugged and which inputs act; expected is what the outlet's stack of limits says. The whole way runs: registry, effective
configuration, stack; nothing of a station has to be started for it. What reaches the pilot of a whole station:
``tests/scenario/test_guide_energy_on_the_pilot.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.config import StationConfig
from evse.core.limit_stack import LimitStack, StackFacts, StationPart
from evse.core.lines import InputLines, LineFunction
from evse.core.metering import Metering
from evse.core.units import SECOND
from evse.core.values import CableState, OutletInputs
from evse.services.settings.problems import Refused
from tests.fakes.guide_rows import ALL, BOTH, OPERATING, board, effective


def limits(config: StationConfig, phases: int, *, shedding: bool = False, limited: bool = False) -> dict[str, int]:
    """The stack of outlet 1 with a 32 A cable (or an attached one) and a vehicle that draws from ``phases`` phases."""
    stack = LimitStack(config.outlets[0], 0)
    facts = StackFacts(
        cable=CableState.A32,
        simplified=False,
        domestic=False,
        phases_used=phases,
        limited=limited,
        shedding=shedding,
        hot=False,
        panel=(),
        orders=(),
        station=StationPart(()),
    )
    stack.update(0, facts)
    return {limit.source: limit.current_ma for limit in stack.arbitration.stack}


@pytest.mark.req("ENE-01", "ENE-02")
@pytest.mark.parametrize(("set_a", "phases", "operates_a"), OPERATING)
@pytest.mark.parametrize("profile", ALL)
def test_derated_current(profile: str, set_a: int, phases: int, operates_a: int) -> None:
    config = effective(profile, {"outlet.1.derated_current_a": set_a})
    assert limits(config, phases)["derated"] == 1_000 * operates_a


@pytest.mark.req("ENE-01")
@pytest.mark.parametrize("profile", ALL)
def test_the_rated_current_as_derated_current_limits_nothing_and_more_is_refused(profile: str) -> None:
    rated = board(profile)[1].factory["outlet.1.rated_current_a"]
    assert isinstance(rated, int)
    assert "derated" not in limits(effective(profile, {"outlet.1.derated_current_a": rated}), 3)
    with pytest.raises(Refused, match=r"more than outlet\.1\.rated"):
        effective(profile, {"outlet.1.derated_current_a": rated + 1})


@pytest.mark.req("ENE-01", "ENE-02")
@pytest.mark.parametrize(("set_a", "phases", "operates_a"), OPERATING)
@pytest.mark.parametrize("profile", BOTH)
def test_load_shedding_set_point(profile: str, set_a: int, phases: int, operates_a: int) -> None:
    wanted = {"outlet.1.in_1_function": "load_shedding", "outlet.1.shedding_set_point_a": set_a}
    config = effective(profile, wanted)
    assert limits(config, phases, shedding=True)["load shedding"] == 1_000 * operates_a
    assert "load shedding" not in limits(config, phases)


@pytest.mark.req("ENE-01", "ENE-02")
@pytest.mark.parametrize(("set_a", "phases", "operates_a"), [row for row in OPERATING if row[0] <= 16])
def test_temporary_limit(set_a: int, phases: int, operates_a: int) -> None:
    config = effective("smart-wallbox", {"outlet.1.temporary_limit_a": set_a})
    assert limits(config, phases, limited=True)["temporary limit"] == 1_000 * operates_a
    assert "temporary limit" not in limits(config, phases)


@pytest.mark.req("ENE-01")
@pytest.mark.parametrize(
    ("profile", "key"),
    [("city", "shedding_set_point_a"), ("parking", "shedding_set_point_a"), ("smart-wallbox", "temporary_limit_a")],
)
def test_a_set_point_is_at_most_the_derated_current(profile: str, key: str) -> None:
    effective(profile, {"outlet.1.derated_current_a": 15, f"outlet.1.{key}": 15})
    with pytest.raises(Refused, match=r"more than outlet\.1\.derated"):
        effective(profile, {"outlet.1.derated_current_a": 15, f"outlet.1.{key}": 16})


@pytest.mark.req("ENE-02", "ENE-03")
@pytest.mark.parametrize("profile", BOTH)
def test_without_load_balancing_the_operating_value_rule_does_not_hold(profile: str) -> None:
    wanted = {"energy.load_balancing": False, "outlet.1.derated_current_a": 13}
    assert limits(effective(profile, wanted), 3)["derated"] == 13_000
    assert limits(effective(profile, {**wanted, "energy.load_balancing": True}), 3)["derated"] == 0


@pytest.mark.req("ENE-03")
@pytest.mark.parametrize("amperes", [0, 64])
@pytest.mark.parametrize("profile", ALL)
def test_station_maximum(profile: str, amperes: int) -> None:
    assert effective(profile, {"energy.station_maximum_a": amperes}).station_maximum_ma == 1_000 * amperes
    with pytest.raises(Refused, match="0…64 A"):
        effective(profile, {"energy.station_maximum_a": 65})


# profile, settings, line, function: a closed contact acts where it is normally open, an open one where it is normally closed
INPUTS = (
    ("parking", {"in_1_function": "protection_devices_state"}, "in_1_normally_open", 1, LineFunction.BREAKER_TRIPPED),
    ("parking", {"in_1_function": "load_shedding"}, "in_1_normally_open", 1, LineFunction.LOAD_SHEDDING),
    ("city", {"in_1_function": "load_shedding"}, "in_1_normally_open", 1, LineFunction.LOAD_SHEDDING),
    ("parking", {"in_2_function": "conditional_outgoing_line"}, "in_2_normally_open", 2, LineFunction.START_CONDITION),
    ("city", {"in_2_function": "conditional_outgoing_line"}, "in_2_normally_open", 2, LineFunction.START_CONDITION),
)


def acting(config: StationConfig, function: LineFunction, line: int, *, closed: bool) -> bool:
    lines = InputLines(config.outlets[0].lines)
    contacts = tuple(closed if number == line else False for number in range(1, 9))
    for now_us in (0, SECOND):
        lines.update(now_us, contacts)
    return lines.active(function)


@pytest.mark.req("INP-01", "STA-04", "STA-05")
@pytest.mark.parametrize("normally_open", [True, False])
@pytest.mark.parametrize(("profile", "wanted", "sense", "line", "function"), INPUTS)
def test_in_1_and_in_2(
    profile: str, wanted: dict[str, Any], sense: str, line: int, function: LineFunction, normally_open: bool
) -> None:
    settings = {f"outlet.1.{key}": value for key, value in {**wanted, sense: normally_open}.items()}
    config = effective(profile, settings)
    assert acting(config, function, line, closed=True) is normally_open
    assert acting(config, function, line, closed=False) is not normally_open


@pytest.mark.req("INP-01", "STA-06")
@pytest.mark.parametrize("sense", ["normally_open", "normally_closed"])
@pytest.mark.parametrize(
    ("key", "function"), [("delayed_start", LineFunction.DELAYED_START), ("current_limit", LineFunction.CURRENT_LIMIT)]
)
def test_the_inputs_of_a_smart_wallbox(key: str, function: LineFunction, sense: str) -> None:
    config = effective("smart-wallbox", {f"outlet.1.{key}": sense})
    [line] = [each.number for each in config.outlets[0].lines if each.function is function]
    assert acting(config, function, line, closed=True) is (sense == "normally_open")
    assert acting(config, function, line, closed=False) is (sense == "normally_closed")


@pytest.mark.req("INP-01")
@pytest.mark.parametrize("profile", BOTH)
def test_an_input_that_is_not_used_has_no_function(profile: str) -> None:
    functions = {line.function for line in effective(profile, {"outlet.1.in_1_normally_open": False}).outlets[0].lines}
    assert not functions & {LineFunction.LOAD_SHEDDING, LineFunction.START_CONDITION}


@pytest.mark.req("STA-04")
def test_city_offers_no_protection_devices_at_in_1() -> None:
    with pytest.raises(Refused):
        effective("city", {"outlet.1.in_1_function": "protection_devices_state"})


@pytest.mark.req("MTR-01")
@pytest.mark.parametrize("phases", [1, 3])
@pytest.mark.parametrize("volts", [175, 276])
@pytest.mark.parametrize("profile", ALL)
def test_phase_neutral_voltage(profile: str, volts: int, phases: int) -> None:
    config = effective(profile, {"meter.phase_neutral_voltage_v": volts})
    metering = Metering(config.outlets[0], config.nominal_voltage_mv, 0)
    inputs = OutletInputs(link_ok=True, currents_ma=(10_000,) * phases + (0,) * (3 - phases))  # type: ignore[arg-type]
    metering.update(0, inputs)
    metering.update(3_600 * SECOND, inputs)
    assert metering.register.wh == volts * 10 * phases
    for wrong in (174, 277):
        with pytest.raises(Refused, match="175…276 V"):
            effective(profile, {"meter.phase_neutral_voltage_v": wrong})


@pytest.mark.req("MTR-02")
@pytest.mark.parametrize(("key", "low", "high"), [("meter_rtu_address", 1, 255), ("meter_gateway_address", 130, 162)])
@pytest.mark.parametrize("profile", ALL)
def test_the_meters_addresses(profile: str, key: str, low: int, high: int) -> None:
    for value in (low, high):
        config = effective(profile, {"outlet.1.metering": "iem3x5x", f"outlet.1.{key}": value})
        assert key != "meter_rtu_address" or config.outlets[0].meter_unit == value
    for wrong in (low - 1, high + 1):
        with pytest.raises(Refused, match=f"{low}…{high}"):
            effective(profile, {"outlet.1.metering": "iem3x5x", f"outlet.1.{key}": wrong})
