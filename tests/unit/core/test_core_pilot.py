"""The pilot monitor: windows, gap rule, debounce, diode check, generator, and that noise never flaps a state."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.config import PilotTimings
from evse.core.pilot import DiodeCheck, PilotMonitor, classify_level, pilot_state
from evse.core.units import MS, NEVER
from evse.core.values import PilotLevel, PilotMode, PilotReading, PilotState

A, B, C, D, E, F, X = (
    PilotLevel.A,
    PilotLevel.B,
    PilotLevel.C,
    PilotLevel.D,
    PilotLevel.E,
    PilotLevel.F,
    PilotLevel.INVALID,
)
ALL = tuple(PilotLevel)
NOMINAL_MV = {A: 12_000, B: 9_000, C: 6_000, D: 3_000, E: 0, F: -12_000, X: -5_000}
WINDOWS = {A: (11_000, 13_000), B: (8_000, 10_000), C: (5_000, 7_000), D: (2_000, 4_000), E: (-1_000, 1_999)}


def steady(positive_mv: int) -> PilotReading:
    return PilotReading(positive_mv, positive_mv, 10_000 if positive_mv >= 0 else 0, 0)


def pwm(
    positive_mv: int, negative_mv: int = -12_000, duty_bp: int = 5_333, frequency_dhz: int = 10_000
) -> PilotReading:
    return PilotReading(positive_mv, negative_mv, duty_bp, frequency_dhz)


def diode_of(monitor: PilotMonitor) -> DiodeCheck:
    return monitor.diode


def at_level(level: PilotLevel, *, pwm_on: bool = False) -> PilotMonitor:
    """A monitor that has settled on ``level`` at time 0."""
    monitor = PilotMonitor(PilotTimings())
    if pwm_on:
        monitor.ordered(-2_000 * MS, PilotMode.PWM, 5_333)
    reading = pwm(NOMINAL_MV[level]) if pwm_on else steady(NOMINAL_MV[level])
    for at_ms in (-1_000, -400, 0):
        monitor.update(at_ms * MS, reading)
    assert monitor.level is level
    return monitor


# --- windows and the gap rule --------------------------------------------------------------------------------------


@pytest.mark.req("PIL-01")
@pytest.mark.parametrize("previous", ALL)
@pytest.mark.parametrize("level", [A, B, C, D, E])
def test_inside_a_window_the_past_does_not_matter(level: PilotLevel, previous: PilotLevel) -> None:
    low_mv, high_mv = WINDOWS[level]
    for mv in (low_mv, (low_mv + high_mv) // 2, high_mv):
        assert classify_level(mv, previous) is level


@pytest.mark.parametrize("previous", ALL)
def test_f_window_and_beyond_both_ends(previous: PilotLevel) -> None:
    assert classify_level(-11_000, previous) is F
    assert classify_level(-13_000, previous) is F
    assert classify_level(-13_001, previous) is X
    assert classify_level(13_001, previous) is X
    for mv in (-2_001, -5_000, -9_999):
        assert classify_level(mv, previous) is X


@pytest.mark.req("PIL-01")
@pytest.mark.parametrize(
    ("low_mv", "high_mv", "upper", "keeps_upper", "lower"),
    [
        (10_001, 10_999, A, {A}, B),
        (7_001, 7_999, B, {A, B}, C),
        (4_001, 4_999, C, {A, B, C}, D),
    ],
)
def test_gap_rule(
    low_mv: int, high_mv: int, upper: PilotLevel, keeps_upper: set[PilotLevel], lower: PilotLevel
) -> None:
    """In a gap the level nearer to the one before counts."""
    for previous in ALL:
        for mv in (low_mv, high_mv):
            assert classify_level(mv, previous) is (upper if previous in keeps_upper else lower)


def test_gap_rule_below_zero() -> None:
    for previous in ALL:
        assert classify_level(-1_001, previous) is (X if previous in (F, X) else E)
        assert classify_level(-2_000, previous) is (X if previous in (F, X) else E)
        assert classify_level(-10_001, previous) is (F if previous is F else X)
        assert classify_level(-10_999, previous) is (F if previous is F else X)


@given(st.integers(min_value=-13_500, max_value=13_500), st.sampled_from(ALL))
def test_classifying_twice_gives_the_same(mv: int, previous: PilotLevel) -> None:
    once = classify_level(mv, previous)
    assert classify_level(mv, once) is once


@pytest.mark.req("PIL-01")
def test_every_state_has_its_name() -> None:
    assert {(level, on): pilot_state(level, on).value for level in (A, B, C, D) for on in (False, True)} == {
        (A, False): "A_Not_Present_12V",
        (A, True): "A_Not_Present_12V",
        (B, False): "B_Present_9V",
        (B, True): "B_Present_Asked_9V_M12V",
        (C, False): "C_Ready_6V",
        (C, True): "C_Ready_6V_M12V",
        (D, False): "D_Ready_VR_3V",
        (D, True): "D_Ready_VR_3V_M12V",
    }
    assert pilot_state(E, True).value == pilot_state(X, True).value == "E_ShortCut"
    assert pilot_state(F, False).value == "F_NotAvailable"


# --- debounce ------------------------------------------------------------------------------------------------------


@pytest.mark.req("PIL-01")
@given(
    boundary=st.sampled_from([(A, B, 10_500), (B, C, 7_500), (C, D, 4_500)]),
    seed=st.integers(0, 2**32),
    start=st.sampled_from([0, 1]),
)
def test_noise_around_a_boundary_never_flaps(
    boundary: tuple[PilotLevel, PilotLevel, int], seed: int, start: int
) -> None:
    """Half a volt of noise around the middle of a gap: the level moves at most once, never back."""
    noise = random.Random(seed)
    level, centre_mv = boundary[:2][start], boundary[2]
    monitor = at_level(level)
    levels = [level]
    for at_ms in range(5, 3_000, 5):
        monitor.update(at_ms * MS, steady(centre_mv + noise.randint(-499, 499)))
        if monitor.level is not levels[-1]:
            levels.append(monitor.level)
    assert levels == [level]


@pytest.mark.req("PIL-04")
@given(
    level=st.sampled_from([C, D]),
    bounce=st.lists(st.sampled_from([A, B, E, F, X]), min_size=31, max_size=31),
)
def test_leaving_c_or_d_is_decided_within_30_ms_however_it_bounces(level: PilotLevel, bounce: list[PilotLevel]) -> None:
    monitor = at_level(level)
    left_ms = None
    for at_ms, other in enumerate(bounce, 1):
        monitor.update(at_ms * MS, steady(NOMINAL_MV[other]))
        if monitor.level is not level and left_ms is None:
            left_ms = at_ms - 1
    assert left_ms is not None
    assert 10 <= left_ms <= 30


@pytest.mark.parametrize("level", [C, D])
def test_leaving_c_or_d_needs_more_than_one_noisy_reading(level: PilotLevel) -> None:
    monitor = at_level(level)
    for at_ms in range(100, 2_000, 100):
        due_us = monitor.update(at_ms * MS, steady(12_000))
        assert due_us == (at_ms + 20) * MS
        assert monitor.update((at_ms + 19) * MS, steady(NOMINAL_MV[level])) == NEVER
        assert monitor.level is level


def lost_after_ms(level: PilotLevel, open_ms: int, closed_ms: int, looks: int) -> int | None:
    """How long a contact that opens and closes for so long keeps ``level``; asked ``looks`` times a millisecond."""
    monitor = at_level(level)
    for tick in range(1_000 * looks):
        broken = tick % ((open_ms + closed_ms) * looks) < open_ms * looks
        monitor.update(tick * MS // looks, steady(12_000 if broken else NOMINAL_MV[level]))
        if monitor.level is not level:
            return -(-tick // looks)
    return None


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize("level", [C, D])
@pytest.mark.parametrize(
    ("open_ms", "closed_ms", "lost_ms"),
    [
        (19, 19, 44),
        (10, 10, 45),
        (5, 5, 52),
        (2, 2, 53),
        (10, 5, 33),
        (8, 12, 65),
        (4, 6, 73),
        (10, 30, 208),
    ],
)
def test_a_contact_that_breaks_again_and_again_is_lost(
    level: PilotLevel, open_ms: int, closed_ms: int, lost_ms: int
) -> None:
    """IEC 61851-1 asks for 100 ms from the loss of the pilot to the open contact, loose or not."""
    assert lost_after_ms(level, open_ms, closed_ms, 1) == lost_ms
    assert lost_after_ms(level, open_ms, closed_ms, 4) == lost_ms


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize(("open_ms", "closed_ms"), [(1, 5), (10, 50), (19, 80), (2, 98)])
def test_rare_breaks_are_forgiven(open_ms: int, closed_ms: int) -> None:
    assert lost_after_ms(C, open_ms, closed_ms, 1) is None


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize("target", [C, D])
@pytest.mark.parametrize("start", [A, B, E])
@pytest.mark.parametrize("width_ms", [1, 200, 250, 400])
def test_pulses_as_long_as_bcb_never_reach_c_or_d(start: PilotLevel, target: PilotLevel, width_ms: int) -> None:
    monitor = at_level(start)
    for pulse in range(3):
        begin_ms = 1_000 + pulse * 1_000
        monitor.update(begin_ms * MS, steady(NOMINAL_MV[target]))
        monitor.update((begin_ms + width_ms) * MS, steady(NOMINAL_MV[target]))
        assert monitor.level is start
        monitor.update((begin_ms + width_ms + 1) * MS, steady(NOMINAL_MV[start]))


@pytest.mark.req("PIL-04")
@pytest.mark.parametrize("target", [C, D])
def test_entering_c_or_d_takes_half_a_second(target: PilotLevel) -> None:
    monitor = at_level(B)
    assert monitor.update(1_000 * MS, steady(NOMINAL_MV[target])) == 1_500 * MS
    monitor.update(1_500 * MS - 1, steady(NOMINAL_MV[target]))
    assert monitor.level is B
    assert monitor.update(1_500 * MS, steady(NOMINAL_MV[target])) == NEVER
    assert monitor.level is target


def test_other_changes_take_a_tenth_of_a_second() -> None:
    monitor = at_level(A)
    assert monitor.update(1_000 * MS, steady(9_000)) == 1_100 * MS
    monitor.update(1_100 * MS - 1, steady(9_000))
    assert monitor.level is A
    monitor.update(1_100 * MS, steady(9_000))
    assert monitor.level is B


def test_a_lost_link_begins_every_pending_decision_anew() -> None:
    monitor = at_level(B, pwm_on=True)
    monitor.update(1_000 * MS, pwm(6_000))
    monitor.lost()
    assert not monitor.pwm_confirmed
    assert monitor.update(9_000 * MS, pwm(6_000)) == 9_500 * MS
    assert monitor.level is B
    assert monitor.pwm_confirmed


def test_the_level_is_kept_while_the_station_drives_f() -> None:
    monitor = at_level(C)
    monitor.ordered(0, PilotMode.F, 10_000)
    assert monitor.blind
    monitor.update(900 * MS, steady(-12_000))
    assert monitor.level is C
    assert monitor.state is PilotState.F_NOT_AVAILABLE
    monitor.ordered(1_000 * MS, PilotMode.X1, 10_000)
    monitor.update(1_010 * MS, steady(-12_000))
    assert monitor.update(1_020 * MS, steady(9_000)) == 1_040 * MS
    monitor.update(1_040 * MS, steady(9_000))
    assert monitor.level is B
    assert not monitor.generator_stuck


# --- diode ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("PIL-03")
def test_one_good_negative_plateau_proves_the_diode() -> None:
    monitor = at_level(B)
    assert diode_of(monitor) is DiodeCheck.UNKNOWN
    monitor.ordered(10 * MS, PilotMode.PWM, 5_333)
    monitor.update(20 * MS, pwm(9_000))
    assert diode_of(monitor) is DiodeCheck.PROVEN


@pytest.mark.req("PIL-03")
@pytest.mark.parametrize(("level", "mirror_mv"), [(B, 8_790), (C, 5_620), (D, 2_370)])
@pytest.mark.parametrize("proven_before", [False, True])
def test_shorted_diode_is_found_in_b_c_and_d(level: PilotLevel, mirror_mv: int, proven_before: bool) -> None:
    monitor = at_level(level, pwm_on=proven_before)
    monitor.ordered(0, PilotMode.PWM, 5_333)
    assert monitor.update(10 * MS, pwm(mirror_mv, -mirror_mv)) == 30 * MS
    monitor.update(30 * MS, pwm(mirror_mv, -mirror_mv))
    assert diode_of(monitor) is DiodeCheck.SHORTED
    monitor.update(90 * MS, pwm(mirror_mv))
    assert diode_of(monitor) is DiodeCheck.SHORTED, "only the vehicle's departure forgets a shorted diode"
    monitor.ordered(100 * MS, PilotMode.X1, 10_000)
    monitor.update(300 * MS, steady(12_000))
    monitor.update(500 * MS, steady(12_000))
    assert diode_of(monitor) is DiodeCheck.UNKNOWN


@pytest.mark.req("PIL-03")
def test_one_noisy_reading_is_no_diode_fault() -> None:
    monitor = at_level(C, pwm_on=True)
    for at_ms in range(10, 1_000, 20):
        monitor.update(at_ms * MS, pwm(6_000, -5_000))
        monitor.update((at_ms + 19) * MS, pwm(6_000))
    assert diode_of(monitor) is DiodeCheck.PROVEN


def test_a_steady_signal_says_nothing_about_the_diode() -> None:
    monitor = at_level(C)
    monitor.update(60 * MS, steady(6_000))
    assert diode_of(monitor) is DiodeCheck.UNKNOWN


@pytest.mark.req("PIL-03")
@pytest.mark.parametrize("stuck_mv", [9_000, 12_000])
def test_a_generator_that_stays_at_x1_is_not_taken_for_a_diode_fault(stuck_mv: int) -> None:
    monitor = at_level(B, pwm_on=True)
    for at_ms in range(5, 400, 5):
        monitor.update(at_ms * MS, steady(stuck_mv))
    assert monitor.generator_stuck
    assert diode_of(monitor) is not DiodeCheck.SHORTED


# --- generator -----------------------------------------------------------------------------------------------------


@pytest.mark.req("PIL-03")
@pytest.mark.parametrize(
    ("mode", "reading"),
    [
        (PilotMode.PWM, steady(9_000)),
        (PilotMode.PWM, pwm(9_000, frequency_dhz=9_799)),
        (PilotMode.PWM, pwm(9_000, frequency_dhz=10_201)),
        (PilotMode.PWM, pwm(9_000, duty_bp=5_333 + 201)),
        (PilotMode.PWM, pwm(9_000, duty_bp=5_333 - 201)),
        (PilotMode.X1, pwm(9_000)),
        (PilotMode.X1, steady(-12_000)),
        (PilotMode.F, steady(9_000)),
    ],
)
def test_a_generator_that_does_not_follow_is_stuck_after_200_ms(mode: PilotMode, reading: PilotReading) -> None:
    monitor = PilotMonitor(PilotTimings())
    monitor.ordered(0, mode, 5_333 if mode is PilotMode.PWM else 10_000)
    assert monitor.update(0, reading) <= 200 * MS
    monitor.update(200 * MS - 1, reading)
    assert not monitor.generator_stuck
    monitor.update(200 * MS, reading)
    assert monitor.generator_stuck


@pytest.mark.parametrize("duty_bp", [5_333 - 200, 5_333, 5_333 + 200])
@pytest.mark.parametrize("frequency_dhz", [9_800, 10_200])
def test_a_generator_within_tolerance_follows(duty_bp: int, frequency_dhz: int) -> None:
    monitor = PilotMonitor(PilotTimings())
    monitor.ordered(0, PilotMode.PWM, 5_333)
    for at_ms in (0, 300, 900):
        assert monitor.update(at_ms * MS, pwm(12_000, duty_bp=duty_bp, frequency_dhz=frequency_dhz)) == NEVER
    assert not monitor.generator_stuck
    assert monitor.pwm_confirmed


@pytest.mark.req("PIL-01")
def test_one_reading_without_pwm_does_not_flap_the_state() -> None:
    monitor = at_level(C, pwm_on=True)
    for at_ms in range(100, 2_000, 100):
        assert monitor.update(at_ms * MS, steady(6_000)) == (at_ms + 20) * MS
        assert monitor.state is PilotState.C_READY_ASKED
        monitor.update((at_ms + 19) * MS, pwm(6_000))
        assert monitor.state is PilotState.C_READY_ASKED


def test_pwm_that_is_gone_for_20_ms_is_not_confirmed_any_more() -> None:
    monitor = at_level(C, pwm_on=True)
    monitor.update(100 * MS, steady(6_000))
    monitor.update(120 * MS, steady(6_000))
    assert not monitor.pwm_confirmed
    assert monitor.state is PilotState.C_READY


# --- simplified vehicles ---------------------------------------------------------------------------------------------


@pytest.mark.req("PIL-07")
@pytest.mark.parametrize("level", [C, D])
def test_arriving_in_c_without_pwm_is_simplified_until_b_is_seen(level: PilotLevel) -> None:
    monitor = at_level(A)
    monitor.update(1_000 * MS, steady(NOMINAL_MV[level]))
    monitor.update(1_500 * MS, steady(NOMINAL_MV[level]))
    assert monitor.arrived_simplified
    monitor.update(2_000 * MS, steady(9_000))
    monitor.update(2_020 * MS, steady(9_000))
    assert not monitor.arrived_simplified


@pytest.mark.req("PIL-07")
def test_arriving_through_b_is_normal() -> None:
    monitor = at_level(B)
    monitor.update(1_000 * MS, steady(6_000))
    monitor.update(1_500 * MS, steady(6_000))
    assert monitor.level is C
    assert not monitor.arrived_simplified
