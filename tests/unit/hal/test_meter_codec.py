"""Registers to numbers and back, against numbers worked out by hand and by ``struct``."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.meter_load import load_meter, shipped_meters
from hal.meter_codec import decode, encode, exponent_for, float_words, missing_words, reading_of
from hal.meter_map import MeterMap, NumberKind, Quantity, Register
from hal.twins.modbus_meter import ModbusMeterTwin
from hal.world.metered import Measured, MeterLie
from tests.fakes.meter_bench import THREE_PHASES, FixedSource, MeterBench, map_of

pytestmark = pytest.mark.req("MTR-02", "MTR-04")

ALL = [name for name in shipped_meters() if load_meter(name).map is not None]


def at(address: int, *words: int) -> dict[int, int]:
    return dict(enumerate(words, address))


@pytest.mark.parametrize(
    ("register", "words", "value"),
    [
        (Register(Quantity.VOLTAGE_L1, 7, NumberKind.FLOAT32, 1_000), at(7, 0x4366, 0x8000), 230_500),
        (Register(Quantity.POWER, 7, NumberKind.FLOAT32, 1_000_000), at(7, 0xC0E6, 0x6666), -7_200_000),
        (Register(Quantity.CURRENT_L1, 0, NumberKind.I32, 1, 1, low_first=True), at(0, 0x3E80, 0x0000), 16_000),
        (Register(Quantity.POWER, 0, NumberKind.I32, 1_000, 10, low_first=True), at(0, 0xFFFF, 0xFFFF), -100),
        (Register(Quantity.ENERGY_IMPORT, 2, NumberKind.I64, 1_000), at(2, 0, 0, 1, 2), 65_538_000),
        (Register(Quantity.ENERGY_IMPORT, 2, NumberKind.U64, 1_000_000, 100), at(2, 0, 0, 0, 12), 120_000),
        (Register(Quantity.ENERGY_IMPORT, 2, NumberKind.FLOAT64, 1_000), at(2, 0x40FE, 0x2408, 0, 0), 123_456_500),
        (Register(Quantity.VOLTAGE_L1, 0, NumberKind.I16, 1_000, exponent_address=9), {0: 2305, 9: 0xFFFF}, 230_500),
        (Register(Quantity.CURRENT_L1, 0, NumberKind.U16, 1_000, 3), at(0, 5), 1_667),
    ],
)
def test_known_words_are_known_values(register: Register, words: dict[int, int], value: int) -> None:
    assert decode(register, words) == value


@pytest.mark.parametrize(
    ("register", "words"),
    [
        (Register(Quantity.POWER, 0, NumberKind.FLOAT32), at(0, 0x7FC0, 0x0000)),
        (Register(Quantity.POWER, 0, NumberKind.FLOAT32), at(0, 0xFFC0, 0x0001)),
        (Register(Quantity.POWER, 0, NumberKind.FLOAT32), at(0, 0x7F80, 0x0000)),
        (Register(Quantity.POWER, 0, NumberKind.FLOAT64), at(0, 0x7FF8, 0, 0, 0)),
        (Register(Quantity.POWER, 0, NumberKind.FLOAT64, 1_000), at(0, 0x7FE0, 0, 0, 0)),
        (Register(Quantity.POWER, 0, NumberKind.U32, marked_missing=True), at(0, 0xFFFF, 0xFFFF)),
        (Register(Quantity.POWER, 0, NumberKind.I32, marked_missing=True), at(0, 0x7FFF, 0xFFFF)),
        (Register(Quantity.POWER, 0, NumberKind.I64, marked_missing=True), at(0, 0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF)),
        (Register(Quantity.POWER, 0, NumberKind.I16, exponent_address=5), {0: 1}),
        (Register(Quantity.POWER, 0, NumberKind.I16, exponent_address=5), {0: 1, 5: 0x8000}),
        (Register(Quantity.POWER, 0, NumberKind.I16, exponent_address=5), {0: 1, 5: 13}),
        (Register(Quantity.POWER, 0, NumberKind.U32), {0: 1}),
        (Register(Quantity.POWER, 0, NumberKind.U32), {}),
    ],
)
def test_what_is_no_number_is_none_and_not_a_guess(register: Register, words: dict[int, int]) -> None:
    assert decode(register, words) is None


def test_a_mark_for_not_available_counts_only_where_the_map_says_so() -> None:
    assert decode(Register(Quantity.POWER, 0, NumberKind.I16), at(0, 0x7FFF)) == 32_767
    assert missing_words(Register(Quantity.POWER, 0, NumberKind.I16)) is None
    assert missing_words(Register(Quantity.POWER, 0, NumberKind.I16, marked_missing=True)) == (0x7FFF,)


@given(st.sampled_from([k for k in NumberKind if not k.floating]), st.integers(), st.booleans())
def test_whole_numbers_come_back(kind: NumberKind, number: int, low_first: bool) -> None:
    bits = kind.words * 16
    value = number % (1 << bits) - ((1 << (bits - 1)) if kind.signed else 0)
    register = Register(Quantity.POWER, 3, kind, low_first=low_first)
    assert decode(register, at(3, *encode(register, value))) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_floating_numbers_are_those_of_ieee_754(number: float) -> None:
    register = Register(Quantity.POWER, 0, NumberKind.FLOAT32)
    assert float_words(register, number) == struct.unpack(">2H", struct.pack(">f", number))
    got = decode(register, at(0, *float_words(register, number)))
    assert got == (round(number) if abs(number) < 2**63 else None)


@given(st.dictionaries(st.integers(0, 120), st.integers(0, 0xFFFF), max_size=120), st.sampled_from(ALL))
def test_any_words_make_a_reading_and_never_an_error(words: dict[int, int], name: str) -> None:
    meter_map = map_of(name)
    first = min(register.address for register in meter_map.registers)
    reading = reading_of(meter_map, {first + address: word for address, word in words.items()}, 5)
    assert reading.read_us == 5


def test_a_register_that_wraps_begins_anew_at_zero() -> None:
    register = Register(Quantity.ENERGY_IMPORT, 0, NumberKind.I32, 1_000_000, 10)
    assert register.wraps_at == 2**31 * 100_000
    last = register.wraps_at - 100_000
    assert encode(register, last) == (0x7FFF, 0xFFFF)
    assert encode(register, last + 100_000) == (0, 0)
    assert Register(Quantity.ENERGY_IMPORT, 0, NumberKind.FLOAT32).wraps_at == 0


def twin_of(name: str) -> ModbusMeterTwin:
    return MeterBench(name).twin


@pytest.mark.parametrize("name", ALL)
def test_every_map_says_what_the_world_does(name: str) -> None:
    """Twin and reader have the map in common and nothing else: what the twin puts into words is what is read."""
    meter_map = map_of(name)
    reading = reading_of(meter_map, twin_of(name).registers(THREE_PHASES), 0)
    assert reading.currents_ma == pytest.approx(THREE_PHASES.currents_ma, abs=10)
    assert reading.voltages_mv == pytest.approx(THREE_PHASES.voltages_mv, abs=1_000)
    if reading.powers_mw is not None:
        assert reading.powers_mw == pytest.approx(THREE_PHASES.powers_mw, abs=1_000)
    assert reading.power_mw is not None
    assert reading.power_mw == pytest.approx(sum(THREE_PHASES.powers_mw), abs=3_000)
    if meter_map.register(Quantity.ENERGY_IMPORT) is not None:
        assert reading.energy_mwh is not None
        assert 0 <= THREE_PHASES.import_mwh - reading.energy_mwh < 100_000


@pytest.mark.parametrize("name", ALL)
def test_export_has_a_sign_on_every_phase_that_tells_its_power(name: str) -> None:
    exporting = Measured((5_000, 5_000, 5_000), (230_000,) * 3, (-1_150_000, 1_150_000, -1_150_000), 0, 9_000)
    reading = reading_of(map_of(name), twin_of(name).registers(exporting), 0)
    if reading.powers_mw is not None:
        assert [math.copysign(1, each) for each in reading.powers_mw] == [-1, 1, -1]
    assert reading.power_mw is not None and reading.power_mw < 0


@pytest.mark.parametrize("name", ALL)
def test_a_lying_meter_says_nothing_that_passes_for_its_measurement(name: str) -> None:
    twin = twin_of(name)
    for lie in (MeterLie.NAN, MeterLie.NEGATIVE, MeterLie.JUMP):
        twin.set_lie(lie, 0)
        reading = reading_of(map_of(name), twin.registers(THREE_PHASES), 0)
        if reading.currents_ma is not None:
            assert max(abs(each) for each in reading.currents_ma) > 100_000 or min(reading.currents_ma) < 0


def test_a_power_of_ten_is_found_with_which_everything_fits() -> None:
    registers = [Register(Quantity.POWER, 0, NumberKind.I16, 1_000, exponent_address=9)] * 2
    assert exponent_for(registers, [230_500, 230_500]) == -2
    exponent = exponent_for(registers, [22_000_000, 66_000_000])
    assert exponent == 1
    assert decode(registers[0], {0: encode(registers[0], 66_000_000, exponent)[0], 9: exponent}) == 66_000_000


def test_a_serial_number_read_before_stays() -> None:
    empty = MeterMap("m", 3, ())
    assert reading_of(empty, {}, 0, serial=12).serial == 12
    assert FixedSource().measured(0) is THREE_PHASES
