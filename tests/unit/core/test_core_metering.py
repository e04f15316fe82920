"""Metering of an outlet: transformers, meter, and everything that may happen to a meter. The truth is worked out here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.core.config import MeterLink, OutletConfig
from evse.core.metering import FRESH_US, INTERNAL, METER_COMM, STALE_US, START_US, Metering
from evse.core.units import SECOND, PhaseValues
from evse.core.values import MeterSample, OutletInputs

WRAPS_MWH = 10_000_000
VOLTAGE_MV = 230_000
PJ_PER_WH = 3_600_000_000_000_000


@dataclass
class Bench:
    """One outlet that is stepped every second (100 ms for parts of one); the meter is read every second while ``answers``.

    ``power_factor``: active by apparent power in percent; the transformers do not know it.
    """

    config: OutletConfig = field(default_factory=lambda: OutletConfig(1, meter="iem3155", voltage_from_setting=True))
    setting_mv: int = VOLTAGE_MV
    answers: bool = True
    power_factor: int = 100
    step_mwh: int = 1_000
    now_us: int = 0
    true_pj: int = 0
    meter_offset_mwh: int = 0
    serial: int | None = 5
    currents: PhaseValues = (0, 0, 0)
    link_ok: bool = True

    def __post_init__(self) -> None:
        self.metering = Metering(self.config, self.setting_mv, 0)
        self.sample: MeterSample | None = None
        self.change: dict[str, object] = {}
        self.lowest_wh = 0

    @property
    def register_mwh(self) -> int:
        exact = self.true_pj * 1_000 // PJ_PER_WH + self.meter_offset_mwh
        return exact // self.step_mwh * self.step_mwh % WRAPS_MWH

    @property
    def true_wh(self) -> float:
        return self.true_pj / PJ_PER_WH

    @property
    def wh(self) -> int:
        return self.metering.register.wh_at(self.now_us)

    def read(self) -> MeterSample:
        said = MeterSample(
            read_us=self.now_us,
            currents_ma=self.currents,
            voltages_mv=(VOLTAGE_MV,) * 3,
            power_mw=sum(self.currents) * VOLTAGE_MV // 1_000_000 * self.power_factor // 100,
            energy_mwh=self.register_mwh,
            wraps_mwh=WRAPS_MWH,
            step_mwh=self.step_mwh,
            serial=self.serial,
        )
        return replace(said, **self.change)  # type: ignore[arg-type]

    def run(self, seconds: float) -> None:
        tick_us = SECOND if seconds == int(seconds) and self.now_us % SECOND == 0 else SECOND // 10
        for _ in range(round(seconds * SECOND / tick_us)):
            self.true_pj += sum(self.currents) * VOLTAGE_MV * tick_us * self.power_factor // 100
            self.now_us += tick_us
            if not self.answers:
                self.sample = None
            elif self.now_us % SECOND == 0:
                self.sample = self.read()
            self.metering.update(self.now_us, self.inputs())
            assert self.wh >= self.lowest_wh, "the register has fallen"
            self.lowest_wh = self.wh

    def inputs(self) -> OutletInputs:
        return OutletInputs(link_ok=self.link_ok, currents_ma=self.currents, meter=self.sample)

    def charge(self, ampere: float = 16, seconds: float = 60) -> None:
        self.currents = (round(ampere * 1_000),) * 3
        self.run(seconds)


@pytest.mark.req("MTR-02", "MTR-05")
def test_what_a_meter_saw_before_the_front_end_was_lost_adds_nothing_after_its_contact_has_opened() -> None:
    """A slow meter shows the current of a second ago; its register says what flowed, and the outlet's follows that."""
    bench = Bench(step_mwh=1)
    bench.run(3)
    bench.charge(32, 60)
    bench.link_ok = False
    bench.run(0.3)
    bench.change = {"currents_ma": bench.currents}
    bench.currents = (0, 0, 0)
    bench.run(2.7)
    bench.change = {}
    bench.run(30)
    assert bench.true_wh - 1 <= bench.wh <= bench.true_wh + 1


@pytest.mark.req("MTR-02", "MTR-05")
def test_what_flows_through_a_weld_while_the_front_end_is_lost_is_on_the_register() -> None:
    bench = Bench(step_mwh=1)
    bench.run(3)
    bench.charge(32, 60)
    bench.link_ok = False
    bench.run(60)
    assert bench.true_wh - 1 <= bench.wh <= bench.true_wh + 1


# --- internal current transformers ------------------------------------------------------------------------------


@pytest.mark.req("MTR-01")
@pytest.mark.parametrize("setting_mv", [175_000, 230_000, 276_000])
def test_without_a_meter_energy_is_current_times_the_set_voltage(setting_mv: int) -> None:
    """EVlink guide DOCA0060: apparent power with the phase-neutral voltage setting, 175 to 276 V."""
    bench = Bench(OutletConfig(1, voltage_from_setting=True), setting_mv, power_factor=50)
    bench.run(1)
    bench.charge(10, 3_600)
    bench.charge(0, 1)
    assert bench.wh == 3 * 10 * setting_mv // 1_000
    assert bench.metering.source == INTERNAL
    assert bench.metering.fault_causes() == ()
    assert bench.metering.voltages_mv(bench.inputs()) == (setting_mv,) * 3


@pytest.mark.req("MTR-01")
def test_another_voltage_setting_counts_from_then_on() -> None:
    bench = Bench(OutletConfig(1, voltage_from_setting=True))
    bench.run(1)
    bench.charge(10, 1_800)
    before = bench.wh
    bench.metering.configure(bench.now_us, bench.config, 200_000)
    bench.charge(10, 1_801)
    assert before == pytest.approx(3_450, abs=3)
    assert bench.wh - before == pytest.approx(3_000, abs=3)


@pytest.mark.req("MTR-01")
def test_a_station_that_measures_its_voltage_uses_what_it_measures() -> None:
    metering = Metering(OutletConfig(1), VOLTAGE_MV, 0)
    inputs = OutletInputs(link_ok=True, currents_ma=(10_000, 0, 0), voltages_mv=(200_000, 0, 0))
    for second in range(3_601):
        metering.update(second * SECOND, inputs)
    assert metering.register.wh == 2_000


def test_a_single_phase_outlet_has_one_voltage() -> None:
    metering = Metering(OutletConfig(1, phases=1, voltage_from_setting=True), VOLTAGE_MV, 0)
    assert metering.voltages_mv(OutletInputs()) == (VOLTAGE_MV, 0, 0)


# --- a meter that works -----------------------------------------------------------------------------------------


@pytest.mark.req("MTR-02")
@pytest.mark.parametrize("power_factor", [100, 90, 60])
@pytest.mark.parametrize("step_mwh", [1, 1_000, 10_000])
def test_with_a_meter_energy_is_what_the_meter_counts(power_factor: int, step_mwh: int) -> None:
    bench = Bench(power_factor=power_factor, step_mwh=step_mwh, setting_mv=276_000)
    bench.run(3)
    bench.charge(16, 1_800)
    bench.currents = (0, 0, 0)
    bench.run(5)
    assert bench.metering.source == "iem3155"
    assert abs(bench.wh - bench.true_wh) <= 1 + 2 * step_mwh / 1_000 + 5
    bench.charge(6, 900)
    bench.currents = (0, 0, 0)
    bench.run(30)
    assert abs(bench.wh - bench.true_wh) <= 1 + 2 * step_mwh / 1_000 + 5


@pytest.mark.req("MTR-02")
def test_values_are_the_meters_in_the_order_of_the_outlets_conductors() -> None:
    bench = Bench(OutletConfig(1, meter="m", meter_terminals=(2, 3, 1)))
    bench.currents = (1_000, 2_000, 3_000)
    bench.run(1)
    assert bench.metering.currents_ma(bench.inputs()) == (2_000, 3_000, 1_000)
    bench.answers = False
    bench.run(0.1)
    assert bench.metering.currents_ma(bench.inputs()) == (1_000, 2_000, 3_000)


@pytest.mark.req("MTR-02")
def test_what_flows_now_is_no_reading_of_long_ago() -> None:
    bench = Bench()
    bench.charge(16, 3)
    idle = bench.inputs()
    now = replace(idle, currents_ma=(9_000,) * 3)
    assert bench.metering.currents_ma(now) == (16_000,) * 3
    bench.metering.update(3 * SECOND + FRESH_US, now)
    assert bench.metering.in_force
    assert bench.metering.currents_ma(now) == (9_000,) * 3, "the transformers fill the time up to the next reading"
    assert bench.metering.meter_currents_ma == (16_000,) * 3
    assert bench.metering.currents_ma(replace(now, link_ok=False)) == (16_000,) * 3, "nobody else says anything"


# --- loss and return --------------------------------------------------------------------------------------------


@pytest.mark.req("MTR-02", "MTR-05")
def test_a_lost_meter_is_bit_11_and_the_transformers_go_on() -> None:
    bench = Bench()
    bench.charge(16, 60)
    before = bench.wh
    bench.answers = False
    bench.run(0.2)
    assert bench.metering.fault_causes() == (METER_COMM,)
    assert bench.metering.source == INTERNAL
    bench.run(600)
    assert abs((bench.wh - before) - 16 * 3 * 230 / 6) < 3
    bench.answers = True
    bench.run(2)
    assert bench.metering.fault_causes() == ()
    assert bench.metering.source == "iem3155"
    assert abs(bench.wh - bench.true_wh) < 10


@pytest.mark.req("MTR-05")
def test_what_the_meter_counted_while_it_was_away_counts_when_it_is_back() -> None:
    """The installer's voltage is 30 V too low: the meter, once back, makes up for it."""
    bench = Bench(setting_mv=200_000)
    bench.charge(16, 30)
    bench.answers = False
    bench.run(1_800)
    assert bench.wh < 0.9 * bench.true_wh
    bench.answers = True
    bench.run(2)
    assert abs(bench.wh - bench.true_wh) < 10


@pytest.mark.req("MTR-05")
def test_a_register_that_ran_ahead_waits_and_never_falls() -> None:
    bench = Bench(power_factor=70)
    bench.charge(16, 30)
    bench.answers = False
    bench.run(1_800)
    ahead = bench.wh - bench.true_wh
    assert ahead > 1_000
    bench.answers = True
    bench.run(60)
    stands = bench.wh
    bench.run(300)
    assert bench.wh == stands
    bench.run(3_600)
    assert abs(bench.wh - bench.true_wh) < 10


@pytest.mark.req("MTR-02")
def test_a_meter_has_some_time_at_the_start_and_a_slow_one_enough() -> None:
    bench = Bench(answers=False)
    bench.run(START_US / SECOND - 1)
    assert bench.metering.fault_causes() == ()
    bench.run(1)
    assert bench.metering.fault_causes() == (METER_COMM,)
    slow = Bench()
    slow.charge(16, 2)
    assert slow.sample is not None
    for second in range(3, 63):
        slow.now_us = second * SECOND
        if second % 12 == 0:
            slow.true_pj += 12 * 48_000 * VOLTAGE_MV * SECOND
            slow.sample = slow.read()
        slow.metering.update(slow.now_us, slow.inputs())
        assert slow.metering.source == "iem3155"


@pytest.mark.req("MTR-02")
def test_an_old_reading_is_none_and_the_step_is_asked_for() -> None:
    bench = Bench()
    bench.run(1)
    assert bench.metering.update(bench.now_us, bench.inputs()) == SECOND + FRESH_US
    wake_us = bench.metering.update(SECOND + FRESH_US, bench.inputs())
    assert wake_us == SECOND + STALE_US
    bench.metering.update(wake_us - 1, bench.inputs())
    assert bench.metering.in_force
    bench.metering.update(wake_us, bench.inputs())
    assert not bench.metering.in_force


# --- another meter, the end of a register -----------------------------------------------------------------------


@pytest.mark.req("MTR-05")
@pytest.mark.parametrize("offset_mwh", [-900_000, 5_000_000, 3_000])
@pytest.mark.parametrize("new_serial", [6, 5, None])
def test_another_meter_changes_nothing_of_the_register(offset_mwh: int, new_serial: int | None) -> None:
    """With and without a serial number that tells, with a lower and a higher reading."""
    bench = Bench(meter_offset_mwh=1_000_000)
    bench.charge(16, 120)
    bench.answers = False
    bench.run(60)
    bench.meter_offset_mwh += offset_mwh
    bench.serial, bench.answers = new_serial, True
    bench.run(120)
    assert bench.metering.source == "iem3155"
    assert abs(bench.wh - bench.true_wh) < 12


@pytest.mark.req("MTR-05")
def test_the_end_of_the_register_is_no_replacement() -> None:
    bench = Bench(meter_offset_mwh=WRAPS_MWH - 50_000)
    bench.charge(16, 120)
    assert bench.register_mwh < 1_000_000
    assert bench.metering.replaced == 0
    assert bench.metering.in_force
    assert abs(bench.wh - bench.true_wh) < 8


@pytest.mark.req("MTR-05")
def test_after_a_restart_the_register_goes_on_and_the_meter_is_followed_from_there() -> None:
    bench = Bench(meter_offset_mwh=3_000_000)
    bench.charge(16, 60)
    kept = bench.wh
    again = Bench(meter_offset_mwh=7_000_000)
    again.metering.register.restore(kept)
    again.charge(16, 60)
    assert abs(again.wh - kept - again.true_wh) < 8


# --- a meter that lies ------------------------------------------------------------------------------------------


@pytest.mark.req("MTR-02", "MTR-05")
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"currents_ma": None}, "it says something that is no number"),
        ({"voltages_mv": None}, "it says something that is no number"),
        ({"energy_mwh": None}, "it says something that is no number"),
        ({"currents_ma": (-16_000, 16_000, 16_000)}, "it says something negative"),
        ({"voltages_mv": (230_000, 230_000, -1)}, "it says something negative"),
        ({"energy_mwh": -1}, "it says something negative"),
        ({"currents_ma": (16_000, 161_000, 16_000)}, "it says more than can be"),
        ({"voltages_mv": (230_000, 401_000, 230_000)}, "it says more than can be"),
        ({"power_mw": -11_000_000}, "its power flows backwards"),
        ({"energy_mwh": 9_000_000_000}, "its energy register has jumped"),
    ],
)
def test_what_cannot_be_counts_for_nothing(change: dict[str, object], problem: str) -> None:
    bench = Bench()
    bench.charge(16, 60)
    bench.change = change
    bench.run(2)
    assert bench.metering.problem == problem
    assert abs(bench.wh - bench.true_wh) < 8
    if "energy_mwh" in change and change["energy_mwh"] == 9_000_000_000:
        return  # for ever the same number: that is another meter, see above
    bench.run(20)
    assert bench.metering.fault_causes() == (METER_COMM,)
    assert abs(bench.wh - bench.true_wh) < 8
    bench.change = {}
    bench.run(3)
    assert bench.metering.fault_causes() == ()
    assert abs(bench.wh - bench.true_wh) < 8


@pytest.mark.req("MTR-05")
def test_jumps_to_and_fro_are_never_counted() -> None:
    bench = Bench(meter_offset_mwh=500_000)
    bench.charge(16, 30)
    for jump in (7_000_000, 2_000_000, 9_500_000, 100_000, 4_000_000) * 12:
        bench.change = {"energy_mwh": jump}
        bench.run(1)
    assert bench.metering.fault_causes() == (METER_COMM,)
    assert abs(bench.wh - bench.true_wh) < 8


@pytest.mark.req("MTR-05")
def test_a_meter_that_stands_still_gives_nothing_away() -> None:
    bench = Bench()
    bench.charge(16, 60)
    bench.change = {"energy_mwh": bench.register_mwh}
    bench.run(300)
    assert bench.metering.fault_causes() == (METER_COMM,)
    assert bench.metering.problem == "its energy register stood still while current flowed"
    bench.run(600)
    assert abs(bench.wh - bench.true_wh) < 8
    bench.change = {}
    bench.run(60)
    assert bench.metering.fault_causes() == ()
    bench.run(600)
    assert abs(bench.wh - bench.true_wh) < 20


EPISODES = st.sampled_from(["charge", "idle", "silent", "back", "replace", "nan", "jump", "true"])


@pytest.mark.req("MTR-05")
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(EPISODES, st.integers(1, 20), st.integers(0, 9_000_000)), max_size=10), st.booleans())
def test_whatever_happens_the_register_rises_with_what_flows(
    story: list[tuple[str, int, int]], with_serial: bool
) -> None:
    bench = Bench(meter_offset_mwh=100_000, serial=5 if with_serial else None)
    bench.run(2)
    for what, seconds, number in story:
        match what:
            case "charge":
                bench.currents = (6_000 + number % 26_000,) * 3
            case "idle":
                bench.currents = (0, 0, 0)
            case "silent" | "back":
                bench.answers = what == "back"
            case "replace":
                bench.meter_offset_mwh = number
                bench.serial = None if bench.serial is None else bench.serial + 1
            case "nan":
                bench.change = {"energy_mwh": None}
            case "jump":
                bench.change = {"energy_mwh": number}
            case "true":
                bench.change = {}
        bench.run(seconds)
    bench.answers, bench.change = True, {}
    bench.run(10)
    # A replacement by a number that could have been counted, and no serial number that tells, is believed: 60 Wh each.
    replacements = sum(what in ("replace", "jump", "true") for what, _, _ in story)
    assert bench.wh >= bench.true_wh - 8 - 1
    assert bench.wh <= bench.true_wh + 12 + 140 * replacements


# --- another meter by the settings, and one that services read ------------------------------------------------------


def behind_gateway() -> Bench:
    config = OutletConfig(1, meter="iem3155", meter_link=MeterLink.TCP, voltage_from_setting=True)
    return Bench(config, answers=False)


@pytest.mark.req("MTR-02")
def test_a_meter_behind_a_gateway_is_followed_as_any_other() -> None:
    bench = behind_gateway()
    for _ in range(600):
        bench.currents = (16_000,) * 3
        bench.power_factor = 50
        bench.run(1)
        assert bench.metering.report(bench.now_us, bench.read(), "") == ""
    bench.run(1)
    assert bench.metering.source == "iem3155"
    assert bench.wh == pytest.approx(bench.true_wh, abs=12)
    bench.metering.report(bench.now_us, None, "the gateway reaches no meter at address 2 (exception 11)")
    bench.run(1)
    assert bench.metering.fault_causes() == ("DI PowerMeter Comm",)
    assert bench.metering.source == INTERNAL
    bench.charge(16, 600)
    assert bench.metering.register.integrated_pj > 0


@pytest.mark.req("MTR-02")
def test_reports_that_stop_lose_the_meter_and_a_clock_ahead_keeps_no_reading_alive() -> None:
    bench = behind_gateway()
    bench.run(1)
    bench.metering.report(bench.now_us, replace(bench.read(), read_us=bench.now_us + 3_600 * SECOND), "")
    bench.run(STALE_US // SECOND - 1)
    assert bench.metering.in_force
    bench.run(1)
    assert bench.metering.fault_causes() == (METER_COMM,)


def test_an_outlet_whose_meter_control_reads_takes_no_reports() -> None:
    bench = Bench()
    assert "not read by services" in bench.metering.report(0, bench.read(), "")
    assert "not read by services" in Bench(OutletConfig(1)).metering.report(0, bench.read(), "")


@pytest.mark.req("MTR-02", "MTR-05")
def test_the_choice_of_the_meter_counts_at_once_and_the_register_never_falls() -> None:
    bench = Bench()
    bench.charge(16, 600)
    assert bench.metering.source == "iem3155"
    without = replace(bench.config, meter="")
    bench.metering.configure(bench.now_us, without, VOLTAGE_MV)
    bench.charge(16, 600)
    assert (bench.metering.source, bench.metering.fault_causes()) == (INTERNAL, ())
    bench.metering.configure(bench.now_us, bench.config, VOLTAGE_MV)
    bench.charge(16, 600)
    assert bench.metering.source == "iem3155"
    assert bench.wh == pytest.approx(bench.true_wh, rel=0.002)
    bench.metering.configure(bench.now_us, replace(bench.config, meter_link=MeterLink.TCP), VOLTAGE_MV)
    bench.charge(16, START_US // SECOND - 1)
    assert bench.metering.fault_causes() == (), "another meter has its time to answer"
    bench.run(1)
    assert bench.metering.fault_causes() == (METER_COMM,)


@pytest.mark.req("MTR-03")
@pytest.mark.parametrize(
    ("terminals", "seen"),
    [((1, 2, 3), (1, 2, 3)), ((2, 3, 1), (2, 3, 1)), ((3, 1, 2), (3, 1, 2)), ((2, 1, 3), (2, 1, 3))],
)
def test_the_meters_values_come_in_the_order_of_the_outlet(
    terminals: tuple[int, int, int], seen: tuple[int, int, int]
) -> None:
    bench = Bench(replace(Bench().config, meter_terminals=terminals))
    bench.change = {"currents_ma": (1_000, 2_000, 3_000), "voltages_mv": (221_000, 222_000, 223_000)}
    bench.run(2)
    assert bench.metering.currents_ma(bench.inputs()) == tuple(1_000 * each for each in seen)
    assert bench.metering.voltages_mv(bench.inputs()) == tuple(220_000 + 1_000 * each for each in seen)


@pytest.mark.req("MTR-03")
def test_an_outlet_at_one_conductor_counts_one_phase() -> None:
    bench = Bench(OutletConfig(1, voltage_from_setting=True, conductors=(2,)))
    bench.currents = (10_000, 0, 0)
    bench.run(3_600)
    assert bench.metering.voltages_mv(bench.inputs()) == (VOLTAGE_MV, 0, 0)
    assert bench.wh == pytest.approx(2_300, abs=2)
