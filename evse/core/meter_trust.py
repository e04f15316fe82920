"""Whether a meter's reading can be true, and how much it has counted since the last one that could.

| what a reading says                                                   | reaction                                             |
|-----------------------------------------------------------------------|------------------------------------------------------|
| no number where one is needed, negative current, voltage or energy    | the whole reading counts for nothing                 |
| more than 160 A or 400 V, power that flows backwards                  | the same                                             |
| another serial number than before                                     | another meter: followed from its reading on          |
| less energy than before, explained by the end of its register         | the difference beyond the end                        |
| less energy, or more than can have flowed                             | suspected: after three readings in a row that fit    |
|                                                                       | each other it is another meter                       |
| no more energy while 50 Wh flow through the current transformers      | the meter stands still: not believed until it counts |
|                                                                       | at least half of what flows again                    |
"""

from __future__ import annotations

from typing import Final

from evse.core.energy import PJ_PER_MWH, PJ_PER_WH
from evse.core.values import MeterSample
from evse.records import dataclass

LARGEST_CURRENT_MA: Final = 160_000
LARGEST_VOLTAGE_MV: Final = 400_000
BACKWARDS_MW: Final = -50_000
"""Less than this is noise of a meter without load."""
ALIKE: Final = 3
"""Readings in a row that must fit each other before another meter is believed."""
SURGE_MWH: Final = 60_000
"""A meter may be this much ahead of the transformers: 66 kW for 3 s, the time between two readings and more."""
STALLED_PJ: Final = 50 * PJ_PER_WH
PROBATION_PJ: Final = 50 * PJ_PER_WH


@dataclass(frozen=True, slots=True)
class Judgement:
    """``problem``: why the reading counts for nothing, empty when it does. ``counted_mwh``: energy since the last good one.

    ``begins``: the meter is followed from this reading on (the first, or another meter). ``stalled``: it was found to
    stand still with this reading, ``replaced``: another meter was found.
    """

    problem: str = ""
    counted_mwh: int = 0
    begins: bool = False
    replaced: bool = False
    stalled: bool = False


class MeterTrust:
    """What is known of one meter."""

    def __init__(self) -> None:
        self._last: MeterSample | None = None
        self._flowed_pj = 0
        """What the transformers had integrated at the last good reading."""
        self._moved_pj = 0
        """The same when the meter counted last."""
        self._suspect: MeterSample | None = None
        self._alike = 0
        self._on_probation = False
        self._probation_from: tuple[int, int] = (0, 0)

    def judge(self, sample: MeterSample, flowed_pj: int) -> Judgement:
        """Judge a new reading; ``flowed_pj``: what the transformers have integrated so far."""
        problem = impossible(sample)
        if problem:
            return Judgement(problem)
        last = self._last
        if last is None:
            return self._begin(sample, flowed_pj)
        if None not in (last.serial, sample.serial) and last.serial != sample.serial:
            return self._begin(sample, flowed_pj, replaced=True)
        counted = counted_mwh(last, sample, (flowed_pj - self._flowed_pj) // PJ_PER_MWH)
        if counted is None:
            return self._suspicious(sample, flowed_pj)
        self._suspect, self._alike = None, 0
        return self._follow(sample, counted, flowed_pj)

    def _begin(self, sample: MeterSample, flowed_pj: int, *, replaced: bool = False) -> Judgement:
        self._last, self._flowed_pj, self._moved_pj = sample, flowed_pj, flowed_pj
        self._suspect, self._alike = None, 0
        self._on_probation = False
        return Judgement(begins=True, replaced=replaced)

    def _suspicious(self, sample: MeterSample, flowed_pj: int) -> Judgement:
        suspect = self._suspect
        fits = suspect is not None and counted_mwh(suspect, sample, SURGE_MWH) is not None
        self._alike = self._alike + 1 if fits else 1
        self._suspect = sample
        if self._alike >= ALIKE:
            return self._begin(sample, flowed_pj, replaced=True)
        return Judgement("its energy register has jumped")

    def _follow(self, sample: MeterSample, counted: int, flowed_pj: int) -> Judgement:
        self._last, self._flowed_pj = sample, flowed_pj
        if self._on_probation:
            return self._probe(counted, flowed_pj)
        if counted:
            self._moved_pj = flowed_pj
            return Judgement(counted_mwh=counted)
        if flowed_pj - self._moved_pj > max(STALLED_PJ, 3 * sample.step_mwh * PJ_PER_MWH):
            self._on_probation, self._probation_from = True, (flowed_pj, 0)
            return Judgement("its energy register stands still while current flows", stalled=True)
        return Judgement()

    def _probe(self, counted: int, flowed_pj: int) -> Judgement:
        """It stood still: it must count half of what flows before it is followed again."""
        since_pj, before_mwh = self._probation_from
        total_mwh = before_mwh + counted
        if flowed_pj - since_pj < PROBATION_PJ:
            self._probation_from = (since_pj, total_mwh)
        elif 2 * total_mwh * PJ_PER_MWH >= flowed_pj - since_pj:
            self._on_probation = False
            self._moved_pj = flowed_pj
            return Judgement(begins=True)
        else:
            self._probation_from = (flowed_pj, 0)
        return Judgement("its energy register stood still while current flowed")


def impossible(sample: MeterSample) -> str:
    """Return why no meter of a charging outlet can mean this, empty when it can."""
    currents, voltages, energy = sample.currents_ma, sample.voltages_mv, sample.energy_mwh
    if currents is None or voltages is None or energy is None:
        return "it says something that is no number"
    if min(currents) < 0 or min(voltages) < 0 or energy < 0:
        return "it says something negative"
    if max(currents) > LARGEST_CURRENT_MA or max(voltages) > LARGEST_VOLTAGE_MV:
        return "it says more than can be"
    if sample.power_mw is not None and sample.power_mw < BACKWARDS_MW:
        return "its power flows backwards"
    return ""


def counted_mwh(before: MeterSample, now: MeterSample, flowed_mwh: int) -> int | None:
    """Return the energy between two possible readings, ``None`` when it cannot have been.

    ``flowed_mwh``: what the current transformers saw meanwhile. They know neither voltage nor power factor exactly, so
    twice as much is still believed, and what may flow between two readings.
    """
    difference = (now.energy_mwh or 0) - (before.energy_mwh or 0)
    if difference < 0 and now.wraps_mwh:
        difference += now.wraps_mwh
    most = 2 * flowed_mwh + SURGE_MWH + 2 * now.step_mwh
    return difference if 0 <= difference <= most else None
