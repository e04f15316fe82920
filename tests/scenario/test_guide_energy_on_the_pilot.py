"""The rows of the guide's energy tables on a whole station: from the settings to the square wave at the vehicle.

EVlink commissioning guide DOCA0060, chapter 4. One station in virtual time per board and number of phases goes through the rows one
after the other, with a vehicle at each outlet, while settings are saved and contacts change. Judged is what the world has: the duty
cycle that leaves the generator, contacts, currents; all invariants watch.
"""

from __future__ import annotations

from typing import Any

import pytest

from boards.to_core import wire_plan
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.commands import SetLimit
from evse.exchange.snapshot import OutletView
from evse.sim.invariants import InvariantChecker
from hal.units import SECOND
from hal.world.truth import OutletTruth
from tests.fakes.guide_rows import ALL, BOTH, OPERATING, effective, profile

FREE = {"access.location": "disable"}
LOWERED_S, RAISED_S = 1.0, 25.0
"""A lower limit is on the pilot within a second; a higher one after the pause between increases, a charge that was stopped after
``resume_after_s``, the rest of the contactor and the vehicle's own time."""


class Station:
    """A free station and its settings; a vehicle that draws from ``phases`` phases comes to each outlet of ``vehicles``."""

    def __init__(
        self, board: str, phases: int, settings: dict[str, Any] | None = None, vehicles: tuple[int, ...] = (1,)
    ) -> None:
        self.board = board
        self.settings: dict[str, Any] = {**FREE, **(settings or {})}
        self.version = 2
        self.commands = 0
        self.phases = phases
        self.station = VirtualStation(effective(board, self.settings), wire_plan(profile(board)))
        self.checker = InvariantChecker(self.station)
        self.station.scheduler.observers.append(self.checker.observe)
        self.run(5)
        for number in vehicles:
            self.verb("plug_in", outlet=number, phases=phases)
            self.run(20)

    def run(self, seconds: float) -> None:
        self.station.scheduler.run_for(round(seconds * SECOND))

    def verb(self, name: str, **params: str | int | bool) -> None:
        now_us = self.station.scheduler.now_us
        self.checker.note_verb(name, params, now_us)
        self.station.apply_verb(name, params, now_us)

    def save(self, **settings: Any) -> None:
        """Save settings of outlet 1 (short names) or of the station (with a dot, given as ``tab__name``)."""
        for name, value in settings.items():
            self.settings[name.replace("__", ".") if "__" in name else f"outlet.1.{name}"] = value
        self.version += 1
        self.station.configure(effective(self.board, self.settings, self.version))

    def contact(self, line: int, *, closed: bool) -> None:
        self.verb("set_input", outlet=1, line=line, closed=closed)

    def limit(self, source: str, current_ma: int) -> None:
        self.commands += 1
        # Invariants judge by commands that nothing but their source takes back; here a setting refuses and ends them.
        self.station.post(SetLimit(f"limit-{self.commands}", outlet=1, source=source, current_ma=current_ma))

    def truth(self, outlet: int = 1) -> OutletTruth:
        self.station.world.step(self.station.scheduler.now_us)
        return self.station.world.outlet(outlet).truth()

    def pilot_a(self, outlet: int = 1) -> float:
        """What the square wave permits (IEC 61851-1, table A.8: 0.6 A for each per cent up to 85 %); 0 without one."""
        return round(self.truth(outlet).duty_bp * 0.006, 1)

    def reaches(self, amperes: float, within_s: float, outlet: int = 1) -> None:
        end_us = self.station.scheduler.now_us + round(within_s * SECOND)
        while self.pilot_a(outlet) != amperes and self.station.scheduler.now_us < end_us:
            self.run(0.5)
        assert self.pilot_a(outlet) == amperes, f"outlet {outlet} with {self.settings}"

    def follows(self, amperes: float, outlet: int = 1) -> None:
        """The pilot says it in time, by whether that is less or more than before; then the vehicle draws no more than it."""
        lower = amperes < self.pilot_a(outlet)
        self.reaches(amperes, LOWERED_S if lower else RAISED_S, outlet)
        self.run(8)
        assert self.pilot_a(outlet) == amperes, "and stays"
        truth = self.truth(outlet)
        assert truth.contact_closed is (amperes > 0)
        assert max(truth.currents_ma) <= 1_000 * amperes

    def view(self, outlet: int = 1) -> OutletView:
        view = self.station.view()
        assert view is not None
        return view.outlets[outlet - 1]

    def energy_wh(self) -> int:
        session = self.view().session
        assert session is not None
        return session.energy_wh

    def was_sound(self) -> None:
        self.checker.finish(self.station.scheduler.now_us)
        assert [str(violation) for violation in self.checker.violations] == []
        assert self.truth().openings_under_load == 0


BOARDS = [(board, phases) for board in ALL for phases in (1, 3) if (board, phases) != ("parking", 1)]
"""City and Parking share their rows: single-phase is walked through at one of them."""


def operating(phases: int) -> list[tuple[int, int]]:
    """Set points for so many phases and what they operate as, the lowest first."""
    return [(set_a, operates_a) for set_a, of, operates_a in OPERATING if of == phases]


@pytest.mark.req("ENE-01", "ENE-02", "ENE-07")
@pytest.mark.parametrize(("board", "phases"), BOARDS)
def test_derated_current(board: str, phases: int) -> None:
    station = Station(board, phases)
    for set_a, operates_a in reversed(operating(phases)):
        station.save(derated_current_a=set_a)
        station.follows(operates_a)
        assert ("not_Enough_Energy_To_Start_Charge" in station.view().evse_status) is (operates_a == 0)
    station.save(derated_current_a=32)
    station.follows(32)
    if board in BOTH:
        station.save(derated_current_a=13, energy__load_balancing=False)
        station.follows(13)
        station.save(energy__load_balancing=True)
        station.follows(0 if phases == 3 else 13)
    station.was_sound()


SHEDDING = {"line": 1, "point": "shedding_set_point_a", "sense": "in_1_normally_open", "source": "load shedding"}
LIMITING = {"line": 2, "point": "temporary_limit_a", "sense": "current_limit", "source": "temporary limit"}


def sense(board: str, *, normally_open: bool) -> Any:
    """How the sense of a contact is entered: a tick at In-1 and In-2, a choice at a Smart Wallbox."""
    return normally_open if board in BOTH else "normally_open" if normally_open else "normally_closed"


@pytest.mark.req("ENE-01", "ENE-02", "INP-01", "STA-04", "STA-05", "STA-06")
@pytest.mark.parametrize(("board", "phases"), BOARDS)
def test_the_set_point_while_its_input_acts_with_both_senses(board: str, phases: int) -> None:
    row: dict[str, Any] = SHEDDING if board in BOTH else LIMITING
    station = Station(board, phases, {"outlet.1.derated_current_a": 31})
    station.follows(31)
    if board in BOTH:
        station.save(in_1_function="load_shedding")
    for normally_open in (True, False):
        at_rest = not normally_open
        station.contact(row["line"], closed=at_rest)
        station.save(**{row["sense"]: sense(board, normally_open=normally_open), row["point"]: 16})
        station.follows(31)
        # Downwards with one sense, upwards with the other.
        rows = operating(phases)
        for set_a, operates_a in reversed(rows) if normally_open else rows:
            station.save(**{row["point"]: set_a})
            station.contact(row["line"], closed=not at_rest)
            station.follows(operates_a)
            assert station.view().limits[0].source == (row["source"] if set_a < 31 else "derated")
        station.contact(row["line"], closed=at_rest)
        station.follows(31)
    station.was_sound()


@pytest.mark.req("INP-01", "STA-05")
@pytest.mark.parametrize("normally_open", [True, False])
def test_protection_devices_at_in_1_open_at_once_with_both_senses(normally_open: bool) -> None:
    inputs = {"outlet.1.in_1_function": "protection_devices_state", "outlet.1.in_1_normally_open": normally_open}
    station = Station("parking", 3, inputs)
    station.follows(32)
    assert station.truth().inputs[0] is not normally_open
    station.verb("trip_breaker", outlet=1)
    station.run(0.15)
    assert station.truth().inputs[0] is normally_open
    assert not station.truth().contact_closed
    assert "ProtectionDeviceTripped" in [fault.name for fault in station.view().faults]
    station.verb("reset_breaker", outlet=1)
    station.run(29)
    assert not station.truth().pwm_on, "it waits 30 s"
    station.follows(32)
    station.checker.finish(station.station.scheduler.now_us)
    assert station.checker.violations == []


@pytest.mark.req("INP-01", "ENE-06", "STA-04", "STA-05")
@pytest.mark.parametrize("board", BOTH)
def test_the_condition_at_in_2_holds_a_start_back_with_both_senses_and_interrupts_nothing(board: str) -> None:
    station = Station(board, 3, {"outlet.1.in_2_function": "conditional_outgoing_line"})
    for normally_open in (True, False):
        station.contact(2, closed=not normally_open)
        station.save(in_2_normally_open=normally_open)
        station.follows(32)
        station.contact(2, closed=normally_open)
        station.run(30)
        assert station.pilot_a() == 32, "a charge that has begun goes on"
        station.verb("vehicle_stop", outlet=1)
        station.run(5)
        station.verb("unplug", outlet=1, end="vehicle")
        station.run(5)
        station.verb("unplug", outlet=1)
        station.run(10)
        station.verb("plug_in", outlet=1, phases=3)
        station.run(30)
        assert not station.truth().pwm_on
        station.contact(2, closed=not normally_open)
        station.follows(32)
    station.was_sound()


@pytest.mark.req("INP-01", "ENE-06", "STA-06")
def test_delayed_start_of_a_smart_wallbox_interrupts_and_resumes_with_both_senses() -> None:
    station = Station("smart-wallbox", 3)
    for normally_open in (True, False):
        station.contact(1, closed=not normally_open)
        station.save(delayed_start=sense("smart-wallbox", normally_open=normally_open))
        station.follows(16)
        station.contact(1, closed=normally_open)
        station.follows(0)
        station.contact(1, closed=not normally_open)
        station.follows(16)
    station.was_sound()


# station maximum, and what the two outlets then have together with one and with three phases
MAXIMA = ((64, (32, 32), (32, 32)), (32, (16, 16), (16, 16)), (15, (0, 15), (0, 15)))


@pytest.mark.req("ENE-02", "ENE-03", "ENE-04")
@pytest.mark.parametrize(("board", "phases"), [("city", 1), ("city", 3), ("parking", 3)])
def test_the_station_maximum_is_shared_while_load_balancing_is_on(board: str, phases: int) -> None:
    station = Station(board, phases, vehicles=(1, 2))
    for maximum_a, *pairs in MAXIMA:
        station.save(energy__station_maximum_a=maximum_a)
        first, second = pairs[phases == 3]
        station.reaches(first, 40)
        station.reaches(second, 40, 2)
        station.run(10)
        assert (station.pilot_a(1), station.pilot_a(2)) == (first, second), (
            "first started, first shed; then nothing flaps"
        )
    station.save(energy__station_maximum_a=20, energy__load_balancing=False)
    station.follows(20)
    station.follows(20, 2)
    station.save(energy__station_maximum_a=0)
    station.follows(0)
    station.follows(0, 2)
    station.was_sound()


@pytest.mark.req("ENE-03")
@pytest.mark.parametrize("phases", [1, 3])
def test_the_station_maximum_of_a_smart_wallbox(phases: int) -> None:
    station = Station("smart-wallbox", phases, {"outlet.1.derated_current_a": 32})
    for maximum_a in (64, 20, 0, 64):
        station.save(energy__station_maximum_a=maximum_a)
        station.follows(min(maximum_a, 32))
    station.was_sound()


@pytest.mark.req("ENE-04")
@pytest.mark.parametrize(("priority", "shed"), [("charge_duration", 1), ("energy_delivered", 2)])
def test_shedding_priority(priority: str, shed: int) -> None:
    station = Station("city", 3, {"energy.load_shedding_priority": priority}, vehicles=())
    station.verb("plug_in", outlet=1, phases=3, max_current=8)
    station.run(120)
    station.verb("plug_in", outlet=2, phases=3)
    station.run(1_800)
    station.save(energy__station_maximum_a=20)
    station.reaches(0, 2, shed)
    station.reaches(20, RAISED_S, 3 - shed)
    station.was_sound()


@pytest.mark.req("ENE-05")
@pytest.mark.parametrize("board", ["city", "smart-wallbox"])
def test_an_external_system_limits_only_while_it_may(board: str) -> None:
    station = Station(board, 3, {"outlet.1.derated_current_a": 32})
    for source in ("ocpp", "modbus"):
        station.save(energy__external_control=False)
        station.limit(source, 14_000)
        station.run(8)
        assert station.pilot_a() == 32
        station.save(energy__external_control=True)
        station.run(1)
        station.limit(source, 14_000)
        station.follows(14)
        station.save(energy__external_control=False)
        station.follows(32)
    station.was_sound()


@pytest.mark.req("MTR-01")
@pytest.mark.parametrize(("phases", "volts"), [(1, 276), (3, 175)])
def test_the_voltage_setting_makes_energy_of_the_currents(phases: int, volts: int) -> None:
    station = Station("city", phases, {"meter.phase_neutral_voltage_v": volts})
    station.run(20)
    before, world_pj = station.energy_wh(), station.truth().energy_pj
    station.run(1_200)
    metered_wh = station.energy_wh() - before
    true_wh = (station.truth().energy_pj - world_pj) / 3.6e15
    assert metered_wh == pytest.approx(true_wh * volts / 230, rel=0.01)
