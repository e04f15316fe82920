"""A virtual station (real drivers, frames, twins, journal) with hands: verbs, time, and the world's truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from boards.load import Profile, load_profile
from boards.to_core import station_config, wire_plan
from evse.app.virtual.virtual_station import VirtualStation
from evse.core.config import Location, OutletConfig
from evse.core.events import Event
from evse.exchange.snapshot import OutletView
from evse.sim.invariants import InvariantChecker
from evse.sim.station import TimedEvent
from hal.units import MS, SECOND
from hal.world.truth import OutletTruth

UID = "04A1B2C3D4E5F6"
OTHER_UID = "04112233445566"


@cache
def _profile() -> Profile:
    return load_profile("parking")


class WorldBench:
    """One Parking station with two outlets in virtual time, watched by every invariant."""

    def __init__(self, *, local_interlock: bool = True, watched: bool = True, **changes: Any) -> None:
        config = station_config(_profile(), "S1")
        of_outlet = {key: changes.pop(key) for key in tuple(changes) if key in OutletConfig.__dataclass_fields__}
        changes.setdefault("location", Location.OUTDOOR)
        config = replace(config, outlets=tuple(replace(each, **of_outlet) for each in config.outlets), **changes)
        self.station = VirtualStation(config, wire_plan(_profile()), local_interlock=local_interlock)
        self.checker = InvariantChecker(self.station) if watched else None
        if self.checker is not None:
            self.station.scheduler.observers.append(self.checker.observe)

    @property
    def now_us(self) -> int:
        return self.station.scheduler.now_us

    def run(self, seconds: float) -> WorldBench:
        """Let virtual time pass."""
        self.station.scheduler.run_for(round(seconds * SECOND))
        return self

    def verb(self, name: str, **params: Any) -> WorldBench:
        """Do something to the world, or to a process."""
        if self.checker is not None:
            self.checker.note_verb(name, params, self.now_us)
        self.station.apply_verb(name, params, self.now_us)
        return self

    def card(self, uid: str = UID, outlet: int = 1) -> WorldBench:
        """Hold a card for a second."""
        return self.verb("present_card", outlet=outlet, uid=uid, hold=1)

    def truth(self, outlet: int = 1) -> OutletTruth:
        """What is physically so."""
        self.station.world.step(self.now_us)
        return self.station.world.outlet(outlet).truth()

    def view(self, outlet: int = 1) -> OutletView:
        """What control says of the outlet."""
        view = self.station.view()
        assert view is not None, "control does not run"
        return view.outlets[outlet - 1]

    def faults(self, outlet: int = 1) -> tuple[str, ...]:
        """Names of the faults in force."""
        return tuple(fault.name for fault in self.view(outlet).faults)

    def told(self, kind: type[Event], since_us: int = 0) -> list[Any]:
        """Events of ``kind`` since then."""
        return [t.event for t in self.timed() if isinstance(t.event, kind) and t.at_us >= since_us]

    def timed(self) -> list[TimedEvent]:
        """All events with their times."""
        return list(self.station.events_since(0))

    def until(self, condition: Callable[[], bool], within_s: float) -> int:
        """Run by milliseconds until ``condition`` holds; return for how long that took, in microseconds."""
        start_us = self.now_us
        while not condition():
            assert self.now_us - start_us < within_s * SECOND, "it does not happen"
            self.station.scheduler.run_for(MS)
        return self.now_us - start_us

    def opened_after_us(self, within_s: float = 15, outlet: int = 1) -> int:
        """How long from now until the main contacts are open."""
        return self.until(lambda: not self.truth(outlet).contact_closed, within_s)

    def charging(self, outlet: int = 1, **vehicle: Any) -> WorldBench:
        """From idle to a settled charge: plug first, then the badge."""
        self.run(12).verb("plug_in", outlet=outlet, **vehicle).run(3.0137).card(outlet=outlet).run(45)
        assert self.truth(outlet).contact_closed, self.view(outlet).open_reasons
        return self

    def violations(self) -> list[str]:
        """Broken invariants so far."""
        assert self.checker is not None
        return [str(violation) for violation in self.checker.violations]
