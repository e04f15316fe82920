"""Domestic connection monitoring: what the house leaves for charging (THØR/KEBA P30 configuration manual 120501, section 5.5).

A meter at the house connection sees house and station together. What the house takes alone is the difference to what the
station draws itself, phase by phase; what remains of the connection's maximum current and power may be charged with. The result
is the station's limit of the source ``house meter``, a plan that expires by itself.

- Less is said at once, more only after the whole of ``RAISE_AFTER_US`` has allowed it, and then the least of that time.
- Meter and station are not read at the same instant, so a vehicle on its way up or down must not pass for a house on its
  way: the limit rises by the least that the station drew in the last 2 s, and falls by the most. Whatever the meter sees above
  the connection's maximum comes off what the station draws now.
- Export (negative power of a phase) leaves more, because it flows to the station before it reaches the connection.
- A meter that is lost, or says what cannot be, is followed by the configured fallback; 0 stops the charge. Whoever computes this may
  die: then the plan's own end, ``PLAN_US`` after the last word, brings the same fallback.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from evse.core.commands import SetLimit
from evse.core.limit_sources import HOUSE_METER
from evse.core.limits import LimitStep, OnExpiry
from evse.core.units import NEVER, SECOND, PhaseValues
from evse.core.values import MeterSample
from evse.records import dataclass

LOST_AFTER_US: Final = 10 * SECOND
"""A house meter is read every second; this old a reading says nothing of the house any more."""
RAISE_AFTER_US: Final = 10 * SECOND
PLAN_US: Final = 120 * SECOND
"""Long enough that keeping it alive costs one durable order a minute."""
OWN_WINDOW_US: Final = 2 * SECOND
GRAIN_MA: Final = 100
"""A difference below this is noise."""
LARGEST_MA: Final = 1_000_000
NOMINAL_VOLTAGE_MV: Final = 230_000
NO_CURRENT_MA: Final = 1_000


@dataclass(frozen=True, slots=True)
class HouseSettings:
    """What the connection carries. ``maximum_power_mw`` 0: only the current counts. ``fallback_ma``: without a meter.

    ``meter_phases``: conductor of the station (1 to 3) behind each terminal of the meter; the manual asks for the same order.
    """

    maximum_ma: int
    maximum_power_mw: int = 0
    fallback_ma: int = 0
    meter_phases: tuple[int, int, int] = (1, 2, 3)


class HouseLimit:
    """Finds the limit. One for a station."""

    def __init__(self, settings: HouseSettings) -> None:
        self._settings = settings
        self._own: deque[tuple[int, PhaseValues]] = deque()
        self._allowed: deque[tuple[int, PhaseValues]] = deque()
        """What each reading of the last ``RAISE_AFTER_US`` allowed."""
        self._most: PhaseValues = (0, 0, 0)
        """What the last reading allows at the most."""
        self._seen_us = -1
        self._read_us = -LOST_AFTER_US
        self._first = True
        """No reading has been followed yet."""
        self._said: PhaseValues | None = None
        self._said_us = 0
        self.problem = "no reading yet"
        """Why the fallback rules; empty while a reading does."""
        self.house_ma: PhaseValues | None = None
        """What the house takes without the station, negative while it gives; ``None`` while nobody knows."""

    @property
    def said_ma(self) -> PhaseValues | None:
        """What the station was last told that it may draw, by conductor; ``None`` before the first word."""
        return self._said

    def forget_said(self) -> None:
        """Control has begun anew: say again what holds."""
        self._said = None

    def update(
        self,
        now_us: int,
        sample: MeterSample | None,
        own_ma: PhaseValues | None,
        command_id: str,
        expires_us: int = NEVER,
    ) -> SetLimit | None:
        """Take the meter's latest reading and what the station draws; return the limit when there is something to say.

        ``own_ma``: sum of the outlets' currents by conductor, ``None`` while they are not known: then they count as none,
        which makes the house look larger.
        """
        self._note_own(now_us, own_ma or (0, 0, 0))
        if sample is not None and sample.read_us != self._seen_us:
            self._seen_us = sample.read_us
            self._take(sample)
        if now_us - self._read_us >= LOST_AFTER_US:
            self.problem = self.problem or "the meter is lost"
            self.house_ma = None
            self._allowed.clear()
            return self._say(now_us, (self._settings.fallback_ma,) * 3, command_id, expires_us)
        return self._say(now_us, self._target(), command_id, expires_us)

    def _note_own(self, now_us: int, own_ma: PhaseValues) -> None:
        self._own.append((now_us, own_ma))
        while self._own[0][0] < now_us - OWN_WINDOW_US:
            self._own.popleft()

    def _take(self, sample: MeterSample) -> None:
        grid_ma = signed_currents(sample)
        if grid_ma is None:
            self.problem = "the meter says something that is no number"
            return
        if max(map(abs, grid_ma)) > LARGEST_MA:
            self.problem = "the meter says more than can be"
            return
        self.problem = ""
        first, second, third = self._settings.meter_phases
        grid_ma = (grid_ma[first - 1], grid_ma[second - 1], grid_ma[third - 1])
        self._read_us = sample.read_us
        least_ma, most_ma = _least(own for _, own in self._own), _most(own for _, own in self._own)
        self.house_ma = _minus(grid_ma, self._own[-1][1])
        self._allowed.append((sample.read_us, self._free(sample, grid_ma, least_ma)))
        own_ma, top_ma = self._own[-1][1], self._settings.maximum_ma
        excess = _least((_minus((top_ma,) * 3, grid_ma), (0, 0, 0)))
        within = tuple(own + over if over else LARGEST_MA for own, over in zip(own_ma, excess, strict=True))
        self._most = _not_negative(_least((self._free(sample, grid_ma, most_ma), (within[0], within[1], within[2]))))
        while len(self._allowed) > 1 and self._allowed[1][0] <= sample.read_us - RAISE_AFTER_US:
            self._allowed.popleft()

    def _free(self, sample: MeterSample, grid_ma: PhaseValues, own_ma: PhaseValues) -> PhaseValues:
        """What each phase may carry for charging, if the station drew ``own_ma`` when the meter was read."""
        by_current = _minus((self._settings.maximum_ma,) * 3, _minus(grid_ma, own_ma))
        most_mw = self._settings.maximum_power_mw
        if not most_mw:
            return _not_negative(by_current)
        voltages = sample.voltages_mv or (NOMINAL_VOLTAGE_MV,) * 3
        voltage_mv = max(voltages)
        grid_mw = sample.power_mw
        if grid_mw is None:
            grid_mw = sum(grid_ma) * voltage_mv // 1_000
        own_mw = sum(own_ma) * voltage_mv // 1_000
        phases = sum(current_ma > NO_CURRENT_MA for current_ma in own_ma) or len(own_ma)
        by_power_ma = (most_mw - (grid_mw - own_mw)) * 1_000 // (voltage_mv * phases)
        return _not_negative(_least((by_current, (by_power_ma,) * 3)))

    def _target(self) -> PhaseValues:
        least = _least(allowed for _, allowed in self._allowed)
        if self._said is None or self._first:
            # Nothing was said of a house yet: there is nothing to flap with.
            self._first = False
            return _least((least, self._most))
        whole = self._allowed[-1][0] - self._allowed[0][0] >= RAISE_AFTER_US
        raised = least if whole else self._said
        first, second, third = (
            min(most, max(said, up)) for most, said, up in zip(self._most, self._said, raised, strict=True)
        )
        return first, second, third

    def _say(self, now_us: int, phases_ma: PhaseValues, command_id: str, expires_us: int) -> SetLimit | None:
        said = self._said
        due = said is None or now_us >= self._said_us + PLAN_US // 2
        moved = said is None or any(abs(a - b) >= GRAIN_MA for a, b in zip(phases_ma, said, strict=True))
        if not due and not moved:
            return None
        self._said, self._said_us = phases_ma, now_us
        return SetLimit(
            command_id,
            outlet=0,
            expires_us=expires_us,
            source=HOUSE_METER,
            plan=(LimitStep(0, phases_ma),),
            valid_until_us=now_us + PLAN_US,
            fallback_ma=self._settings.fallback_ma,
            on_expiry=OnExpiry.FALLBACK,
        )


def signed_currents(sample: MeterSample) -> PhaseValues | None:
    """Return the currents with the direction that each phase's power tells; ``None`` without currents."""
    currents, powers = sample.currents_ma, sample.powers_mw
    if currents is None or powers is None:
        return currents
    first, second, third = (-abs(i) if p < 0 else abs(i) for i, p in zip(currents, powers, strict=True))
    return first, second, third


def _least(values: Iterable[PhaseValues]) -> PhaseValues:
    first, second, third = (min(each) for each in zip(*values, strict=True))
    return first, second, third


def _most(values: Iterable[PhaseValues]) -> PhaseValues:
    first, second, third = (max(each) for each in zip(*values, strict=True))
    return first, second, third


def _minus(values: PhaseValues, less: PhaseValues) -> PhaseValues:
    return (values[0] - less[0], values[1] - less[1], values[2] - less[2])


def _not_negative(values: PhaseValues) -> PhaseValues:
    return (max(0, values[0]), max(0, values[1]), max(0, values[2]))
