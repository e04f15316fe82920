"""DIP switches: every position of the current table, what the others mean, and from when on they count."""

from __future__ import annotations

from itertools import product

import pytest

from evse.core.dip import CURRENT_MA, SWITCHES, DipBank, DipFunction, DipSwitches, decode, switch_positions

F = DipFunction
DSW1 = DipBank("DSW1", (F.X1_ENABLE, F.X2_DEFAULT, F.SMART_HOME, F.UNKNOWN, F.UNKNOWN, F.CURRENT, F.CURRENT, F.CURRENT))
DSW2 = DipBank("DSW2", (*(F.ADDRESS,) * 4, F.COMMUNICATION, F.STATIC_IP, F.UNKNOWN, F.COMMISSIONING))
BANKS = (DSW1, DSW2)
LOW_BITS = {0x0: 10, 0x4: 13, 0x2: 16, 0x6: 20, 0x1: 25, 0x5: 32}
"""The low three bits of DSW1, as the manufacturer's interface reports them, and the current in A."""


@pytest.mark.req("INP-02")
@pytest.mark.parametrize("value", range(256))
def test_every_position_of_the_first_bank(value: int) -> None:
    settings = decode(BANKS, (value, 0))
    low = value & 0x07
    assert settings.current_ma == LOW_BITS.get(low, 10) * 1_000
    assert settings.current_defined is (low in LOW_BITS)
    assert settings.x1_enable is bool(value & 0x80)
    assert settings.x2_default is bool(value & 0x40)
    assert settings.smart_home is bool(value & 0x20)
    assert settings.unknown_on == tuple(name for name, mask in (("DSW1.4", 0x10), ("DSW1.5", 0x08)) if value & mask)


@pytest.mark.req("INP-02")
@pytest.mark.parametrize("value", range(256))
def test_every_position_of_the_second_bank(value: int) -> None:
    settings = decode(BANKS, (0, value))
    assert settings.address == f"{value >> 4:04b}"
    assert settings.communication is bool(value & 0x08)
    assert settings.static_ip is bool(value & 0x04)
    assert settings.unknown_on == (("DSW2.7",) if value & 0x02 else ())
    assert settings.commissioning is bool(value & 0x01)
    assert settings.current_ma == 10_000, "as delivered"


def test_the_table_has_the_six_currents_and_two_holes() -> None:
    assert sorted(CURRENT_MA.values()) == [10_000, 13_000, 16_000, 20_000, 25_000, 32_000]
    holes = set(product((False, True), repeat=3)) - set(CURRENT_MA)
    assert holes == {(False, True, True), (True, True, True)}


def test_a_known_capture_reads_as_it_was_set() -> None:
    """``0x25`` is known from a real station: interface on, 32 A."""
    settings = decode(BANKS, (0x25, 0x02))
    assert (settings.current_ma, settings.smart_home, settings.x1_enable) == (32_000, True, False)
    assert settings.unknown_on == ("DSW2.7",)


def test_without_current_switches_nothing_is_limited() -> None:
    assert decode((DSW2,), (0xFF,)).current_ma == 0
    assert decode((), ()).current_ma == 0
    assert decode(BANKS, ()).current_ma == 10_000, "a bank that was not read is all off"


def test_switch_one_is_the_highest_bit_also_in_a_short_bank() -> None:
    assert switch_positions(DipBank("A", (F.UNKNOWN,) * 3), 0b1010_0000) == (True, False, True)
    assert len(switch_positions(DSW1, 0)) == SWITCHES


@pytest.mark.req("INP-02")
def test_only_the_first_reading_counts_until_the_next_start() -> None:
    switches = DipSwitches(BANKS)
    assert (switches.known, switches.pending, switches.text(switches.now)) == (False, False, "")
    assert not switches.update(None)
    assert switches.update((0x02, 0))
    assert (switches.known, switches.settings.current_ma) == (True, 16_000)
    assert not switches.update((0x02, 0)), "nothing new"
    assert switches.update((0x05, 0))
    assert switches.settings.current_ma == 16_000
    assert switches.pending
    assert switches.text(switches.at_start) == "DSW1 00000010, DSW2 00000000"
    assert switches.text(switches.now) == "DSW1 00000101, DSW2 00000000"
    assert switches.update((0x02, 0)), "moved back"
    assert not switches.pending


def test_a_board_without_switches_knows_all_it_needs() -> None:
    switches = DipSwitches(())
    assert switches.known
    assert not switches.update((1, 2))
    assert not switches.pending
