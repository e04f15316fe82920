"""Register maps as data: strict, every fault at once, and a meter without a public map is none that can be read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.meter_load import load_meter, load_meter_text, shipped_meters
from boards.problems import ProfileError
from hal.meter_map import NumberKind, Quantity, Span, join_pieces

GOOD = """schema: 1
kind: meter
name: m
manufacturer: Example
models: [EX-3]
use: [house]
map: public
confidence: B
source: the manual
links: [tcp]
registers:
  - {quantity: current_l1, address: 12, unit: A}
  - {quantity: current_l2, address: 14, unit: A}
  - {quantity: current_l3, address: 16, unit: mA}
  - {quantity: energy_import, address: 40, unit: kWh, type: u32, divide: 100}
  - {quantity: power, address: 50, unit: W, type: i16, exponent_at: 60}
"""

pytestmark = pytest.mark.req("MTR-04")


def faults(text: str) -> str:
    with pytest.raises(ProfileError) as error:
        load_meter_text(text, "m.yaml")
    return str(error.value)


def test_a_map_becomes_registers_in_the_products_units() -> None:
    meter_map = load_meter_text(GOOD).map
    assert meter_map is not None
    current, energy, power = (
        meter_map.register(each) for each in (Quantity.CURRENT_L1, Quantity.ENERGY_IMPORT, Quantity.POWER)
    )
    assert current is not None and (current.numerator, current.denominator) == (1_000, 1)
    assert energy is not None and energy.kind is NumberKind.U32
    assert (energy.numerator, energy.denominator) == (1_000_000, 100)
    assert energy.wraps_at == 2**32 * 10_000
    assert power is not None and power.exponent_address == 60
    assert meter_map.spans() == (Span(12, 6), Span(40, 2), Span(50, 1), Span(60, 1))
    assert meter_map.spans([Quantity.POWER]) == (Span(50, 1), Span(60, 1))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: meter", "kind: station", "m.yaml:2:7: kind: a register map says kind 'meter', not 'station'"),
        ("schema: 1", "schema: 2", "a register map says schema 1, not 2"),
        ("confidence: B\n", "", "confidence: a public map needs a grade; allowed: A, B, C, D"),
        ("confidence: B", "confidence: E", "'E' is not allowed; allowed: A, B, C, D"),
        ("links: [tcp]\n", "", "links: a public map needs this"),
        ("map: public", "map: none", "registers: a meter without a public map has nothing to say here"),
        (
            "address: 12",
            "address: 70000",
            "registers[0].address: 70000 is not allowed; allowed: a whole number from 0 to",
        ),
        ("address: 12", "address: 0x0C", "'0x0C' is of the wrong type"),
        ("address: 12,", "adress: 12,", "unknown key"),
        ("address: 14", "address: 13", "m.yaml:13:37: registers[1].address: shares a register with current_l1"),
        ("current_l2", "current_l1", "current_l1 stands here a second time"),
        ("unit: mA", "unit: V", "V is no unit of current_l3; allowed: A, mA"),
        ("address: 40", "address: 65535", "the number reaches beyond the last register"),
        ("exponent_at: 60", "exponent_at: 41", "exponent_at: shares a register with energy_import"),
        ("use: [house]", "use: [outlet]", "for this use the map lacks voltage_l1, voltage_l2, voltage_l3"),
        ("use: [house]", "use: [garden]", "'garden' is not allowed"),
        ("divide: 100", "divide: 0", "0 is not allowed"),
        ("type: i16", "type: bcd", "'bcd' is not allowed; allowed: u16, i16"),
    ],
)
def test_every_kind_of_fault_is_told_with_place_and_allowed_values(old: str, new: str, says: str) -> None:
    assert old in GOOD
    assert says in faults(GOOD.replace(old, new, 1))


def test_all_faults_are_told_at_once() -> None:
    text = faults(GOOD.replace("unit: mA", "unit: V").replace("address: 14", "address: 13"))
    assert "no unit of current_l3" in text and "shares a register" in text


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ProfileError) as error:
        load_meter("iem3156")
    assert "did you mean 'iem3155'?" in str(error.value)
    assert "sdm630" in str(error.value)


THOR_DIRECT = {
    "abb-m2m", "abb-m4m", "em24-e1", "gossen-em228x", "gossen-em238x", "kostal-sem", "siemens-7km2200", "tq-em420", "tq-em300",
}  # fmt: skip
THOR_LOGGER = {
    "abb-b23", "b-control-em300", "herholdt-ecsem113", "janitza-b23", "janitza-ecsem114mid", "siemens-7kt1260",
}  # fmt: skip
UNKNOWN = {"herholdt-ecsem113", "janitza-ecsem114mid", "siemens-7kt1260", "janitza-prodata-2"}


@pytest.mark.req("MTR-04")
def test_the_list_of_the_thor_manual_is_complete_and_what_is_not_public_is_not_invented() -> None:
    """THØR manual 120501, 5.5.2, and the meters that its rows and the iEM3155 and SDM630 add."""
    meters = {name: load_meter(name) for name in shipped_meters()}
    groups = {name: meter.model.thor_list for name, meter in meters.items()}
    assert {name for name, group in groups.items() if group == "direct"} == THOR_DIRECT
    assert {name for name, group in groups.items() if group == "data_logger"} == THOR_LOGGER
    assert {name for name, meter in meters.items() if meter.map is None} == UNKNOWN
    assert {name for name, meter in meters.items() if "outlet" in meter.model.use} == {"iem3155", "sdm630"}


@pytest.mark.parametrize("name", shipped_meters())
def test_every_shipped_map_loads_under_its_own_name_and_can_be_read(name: str) -> None:
    meter = load_meter(name)
    assert meter.model.name == name
    assert meter.model.source
    if meter.map is not None:
        assert meter.model.confidence is not None
        spans = meter.map.spans()
        assert all(1 <= span.count <= meter.map.most_registers for span in spans)
        for register in meter.map.registers:
            assert any(
                span.address <= register.address and register.address + register.kind.words <= span.address + span.count
                for span in spans
            ), register


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 4)), min_size=1, max_size=20, unique_by=lambda each: each[0]
    ),
    st.integers(0, 20),
    st.integers(4, 125),
)
def test_requests_cover_every_piece_and_stay_within_bounds(starts: list[tuple[int, int]], gap: int, most: int) -> None:
    pieces, free = [], 0
    for address, count in sorted(starts):
        if address >= free:
            pieces.append(Span(address, count))
            free = address + count
    spans = join_pieces(pieces, gap, most)
    for piece in pieces:
        assert (
            sum(s.address <= piece.address and piece.address + piece.count <= s.address + s.count for s in spans) == 1
        )
    assert all(span.count <= most for span in spans)
    used = sum(piece.count for piece in pieces)
    assert sum(span.count for span in spans) <= used + gap * (len(pieces) - len(spans))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_anything_but_a_refusal(text: str) -> None:
    with pytest.raises(ProfileError):
        load_meter_text(text)
