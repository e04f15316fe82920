"""The pilot's plateaus, against the values IEC 61851-1 Annex A gives for its resistors."""

from __future__ import annotations

import pytest

from hal.ports import PilotDriveMode
from hal.units import MS
from hal.world.pilot_circuit import (
    DEAD_LINE,
    Diode,
    PilotBounce,
    PilotCircuit,
    PilotGenerator,
    PilotLine,
    conductance_ps,
    level_of,
)


def driving(mode: PilotDriveMode, duty_bp: int = 0) -> PilotGenerator:
    generator = PilotGenerator()
    generator.drive(mode, duty_bp)
    return generator


PWM = driving(PilotDriveMode.PWM, 5_333)


def load(r2_ohm: int, r3_ohm: int | None = None) -> int:
    return conductance_ps(r2_ohm) + (conductance_ps(r3_ohm) if r3_ohm else 0)


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(
    ("r2_ohm", "r3_ohm", "positive_mv", "level"),
    [
        (1_870, None, 8_060, "B"),
        (2_740, None, 8_980, "B"),
        (4_610, None, 9_990, "B"),
        (2_740, 909, 5_280, "C"),
        (2_740, 1_300, 5_990, "C"),
        (2_740, 1_723, 6_510, "C"),
        (1_870, 909, 4_990, "C"),
        (4_610, 1_723, 6_990, "C"),
        (2_740, 140, 2_030, "D"),
        (2_740, 270, 2_930, "D"),
        (2_740, 448, 3_840, "D"),
    ],
)
def test_load_gives_the_standards_plateau(r2_ohm: int, r3_ohm: int | None, positive_mv: int, level: str) -> None:
    line = PilotCircuit().line(PWM, load(r2_ohm, r3_ohm))
    assert line.positive_mv == pytest.approx(positive_mv, abs=10)
    assert line.negative_mv == -12_000
    assert (line.duty_bp, line.frequency_dhz) == (5_333, 10_000)
    assert level_of(line) == level


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(
    ("short_ohm", "positive_mv", "negative_mv"),
    [(80, 870, -890), (120, 1_220, -1_290), (0, 0, 0)],
)
def test_short_to_earth_across_state_c(short_ohm: int, positive_mv: int, negative_mv: int) -> None:
    line = PilotCircuit(short_ohm=short_ohm).line(PWM, load(2_740, 1_300))
    assert line.positive_mv == pytest.approx(positive_mv, abs=5)
    assert line.negative_mv == pytest.approx(negative_mv, abs=5)
    assert level_of(line) == "E"


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(("r3_ohm", "swing_mv"), [(None, 8_790), (1_300, 5_620), (270, 2_370)])
def test_shorted_diode_mirrors_the_plateaus(r3_ohm: int | None, swing_mv: int) -> None:
    line = PilotCircuit(diode=Diode.SHORTED).line(PWM, load(2_740, r3_ohm))
    assert line.positive_mv == pytest.approx(swing_mv, abs=10)
    assert line.negative_mv == -line.positive_mv


@pytest.mark.req("SIM-01")
def test_open_diode_hides_the_vehicle() -> None:
    line = PilotCircuit(diode=Diode.OPEN).line(PWM, load(2_740, 1_300))
    assert (line.positive_mv, line.negative_mv) == (12_000, -12_000)


@pytest.mark.req("SIM-01")
def test_short_behind_the_diode_leaves_the_diode_drop() -> None:
    circuit = PilotCircuit(behind_short_ohm=0)
    line = circuit.line(PWM, circuit.load_ps(s2_closed=True, ventilation=False))
    assert (line.positive_mv, line.negative_mv) == (700, -12_000)
    assert level_of(line) == "E"


@pytest.mark.req("SIM-01")
@pytest.mark.parametrize(
    ("generator", "line"),
    [
        (driving(PilotDriveMode.X1), PilotLine(8_979, 8_979, 10_000, 0)),
        (driving(PilotDriveMode.PWM, 10_000), PilotLine(8_979, 8_979, 10_000, 0)),
        (driving(PilotDriveMode.F), PilotLine(-12_000, -12_000, 0, 0)),
        (driving(PilotDriveMode.PWM, 0), PilotLine(-12_000, -12_000, 0, 0)),
        (driving(PilotDriveMode.E), DEAD_LINE),
        (driving(PilotDriveMode.PWM, 1_000), PilotLine(8_979, -12_000, 1_000, 10_000)),
    ],
)
def test_every_mode_of_the_generator(generator: PilotGenerator, line: PilotLine) -> None:
    assert PilotCircuit().line(generator, load(2_740)) == line


def test_unpowered_generator_leaves_a_dead_line_and_forgets_its_order() -> None:
    generator = driving(PilotDriveMode.PWM, 1_000)
    generator.set_power(False)
    assert PilotCircuit().line(generator, 0) == DEAD_LINE
    assert not generator.drive(PilotDriveMode.X1, 0)
    generator.set_power(True)
    assert PilotCircuit().line(generator, 0) == DEAD_LINE


@pytest.mark.req("SIM-01")
def test_stuck_generator_keeps_its_signal() -> None:
    generator = driving(PilotDriveMode.PWM, 1_000)
    generator.stuck = True
    assert not generator.drive(PilotDriveMode.X1, 0)
    assert generator.pwm_on
    assert generator.real_duty_bp == 1_000


@pytest.mark.req("SIM-01")
def test_errors_of_the_generator_are_on_the_line() -> None:
    generator = driving(PilotDriveMode.PWM, 1_000)
    generator.positive_mv, generator.negative_mv = 11_000, -10_000
    generator.frequency_dhz, generator.duty_error_bp = 9_700, 60
    assert PilotCircuit().line(generator, 0) == PilotLine(11_000, -10_000, 1_060, 9_700)


def test_repeating_an_order_changes_nothing() -> None:
    generator = driving(PilotDriveMode.PWM, 1_000)
    assert not generator.drive(PilotDriveMode.PWM, 1_000)
    assert generator.drive(PilotDriveMode.PWM, 1_001)


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (PilotLine(12_000, 12_000, 10_000, 0), "A"),
        (PilotLine(700, -12_000, 5_000, 10_000), "E"),
        (PilotLine(-12_000, -12_000, 0, 0), "F"),
        (PilotLine(-5_000, -5_000, 0, 0), "invalid"),
        (DEAD_LINE, "E"),
    ],
)
def test_levels(line: PilotLine, level: str) -> None:
    assert level_of(line) == level


@pytest.mark.req("SIM-01")
def test_bounce_alternates_and_ends_closed() -> None:
    bounce = PilotBounce()
    bounce.start(20 * MS, 50 * MS, 0)
    seen = [(0, bounce.open)]
    while bounce.due_us < 1_000 * MS:
        now = bounce.due_us
        bounce.step(now)
        seen.append((now // MS, bounce.open))
    assert seen == [(0, True), (20, False), (40, True), (50, False)]
