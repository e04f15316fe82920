"""The latency bench's scripted outlet in virtual time, with the real control: it measures what it says, and hides nothing."""

from __future__ import annotations

import random
from dataclasses import replace

from boards.assemble import assemble
from boards.load import load_profile
from boards.to_core import station_config, wire_plan
from evse.app.virtual.memory_exchange import MemoryExchange
from evse.app.virtual.virtual_station import VirtualServices
from evse.control.cycle import ControlCycle
from evse.services.authorisation import Policy
from evse.services.clock import NO_CLOCK
from evse.services.fake_journal import FakeStore
from evse.services.station_services import StationServices
from evse.sim.scheduler import Scheduler
from hal.scheduling import Stepped
from hal.twins.front_end import FrontEndTwin
from hal.twins.null_modem import NullModem
from hal.units import MS, SECOND
from tools.benchmarks.latency_station import PROFILE, bench_config
from tools.benchmarks.scripted_outlet import LONGEST_WAIT_US, Cause, ScriptedOutlet, StampedLink, Tally, Timing

LINE_US = 8 * MS
"""More than a STATE and an OPEN need at 115200 bits a second, less than one more round."""


class Stalling:
    """Runs control, except in the stalls."""

    def __init__(self, control: ControlCycle, stalls: list[tuple[int, int]]) -> None:
        self._control, self._stalls = control, stalls

    def step(self, now_us: int) -> int:
        for begin_us, end_us in self._stalls:
            if begin_us <= now_us < end_us:
                return end_us
        return self._control.step(now_us)


def play(seconds: int, stalls: list[tuple[int, int]] | None = None, residual_percent: int = 20) -> Tally:
    """Let one outlet play for so long in virtual time."""
    station = bench_config()
    config = replace(station, outlets=station.outlets[:1])
    plan = wire_plan(load_profile(PROFILE))
    plan = replace(plan, outlets=plan.outlets[:1])
    scheduler = Scheduler(elide=False)
    modem = NullModem(scheduler, 115_200, "line")
    pilot = config.outlets[0].pilot
    timing = Timing(pilot.leave_energised_us, pilot.enter_energised_us, residual_percent=residual_percent)
    link = StampedLink(modem.right, lambda: scheduler.now_us)
    outlet = ScriptedOutlet(link, scheduler, random.Random(1), timing)
    twin = FrontEndTwin(link, outlet, scheduler, False, on_frame=outlet.frame)
    modem.right.attach(twin)
    scheduler.add(twin, "twin")
    parts: dict[str, Stepped] = {}

    def wake(name: str) -> None:
        if name in parts:
            scheduler.wake(parts[name], scheduler.now_us + MS)

    exchange = MemoryExchange("boot1", lambda: wake("services"), lambda: wake("control"), lambda *_: None)
    control = ControlCycle(assemble(plan, lambda _: modem.left), config, "boot1", exchange, 0)
    parts["control"] = Stalling(control, stalls or [])
    store = FakeStore(4 * MS, wake=lambda: wake("store"))
    services = StationServices(
        store.journal(config.station_uid), Policy(), NO_CLOCK, config, wake=lambda: wake("services")
    )
    parts["services"] = VirtualServices(services, exchange, "boot1")
    parts["store"] = store
    for name, part in parts.items():
        scheduler.add(part, name)
    modem.left.attach(parts["control"])
    outlet.begin(0)
    scheduler.run_until(seconds * SECOND)
    return outlet.tally


def test_every_cause_is_injected_over_and_over_and_measured_from_frame_to_frame() -> None:
    tally = play(14)
    assert tally.injected > 50
    for cause in (Cause.S2, Cause.PILOT):
        assert len(tally.latencies_us[cause]) > 12
        assert all(20 * MS < value < 20 * MS + LINE_US for value in tally.latencies_us[cause])
    assert len(tally.latencies_us[Cause.RESIDUAL]) > 6
    assert all(0 < value < LINE_US for value in tally.latencies_us[Cause.RESIDUAL])
    assert all(0 < value < LINE_US for value in tally.reclosings_us)
    assert max(tally.prevented_us, default=0) < LINE_US
    assert (tally.slow_us, tally.lost, tally.unexpected, tally.lease_ends, tally.stuck) == ([], 0, 0, 0, 0)


def test_a_stall_is_seen_and_does_not_hide_the_injections_that_it_prevented() -> None:
    # Less than the lease, so that the contact stays closed until control wakes up.
    begin_us, end_us = 4 * SECOND, 4 * SECOND + 150 * MS
    tally = play(5, [(begin_us, end_us)], residual_percent=0)
    answers = [value for values in tally.latencies_us.values() for value in values] + tally.reclosings_us
    assert 80 * MS < max(answers) < 180 * MS
    prevented = [value for value in tally.prevented_us if value > LINE_US]
    assert len(prevented) >= 3
    assert prevented == sorted(prevented, reverse=True)
    assert prevented[0] < 150 * MS + LINE_US
    # Control's debounce begins when it reads the frame, after the stall.
    latest_us = end_us + 20 * MS + LINE_US
    assert len(tally.slow_us) == 1
    assert all(begin_us < owed_us < answered_us < latest_us for owed_us, answered_us in tally.slow_us)


def test_an_open_that_never_comes_counts_as_the_longest_wait() -> None:
    stalls = [(at_us, at_us + 3_300 * MS) for at_us in (2_000 * MS, 6_010 * MS, 10_020 * MS)]
    tally = play(14, stalls, residual_percent=0)
    assert tally.lost >= 1
    assert tally.lease_ends >= 1
    assert max(max(values) for values in tally.latencies_us.values() if values) == LONGEST_WAIT_US
    assert tally.injected > 30


def test_what_opens_the_contactor_is_configured_as_in_the_profile() -> None:
    profile = station_config(load_profile(PROFILE), "X").outlets[0]
    bench = bench_config().outlets[0]
    assert bench.pilot.leave_energised_us == profile.pilot.leave_energised_us
    assert bench.protection == replace(profile.protection, reclose_after_fault_us=0)
    assert bench.access == profile.access
